"""What every part of one process may ask for: the areas' policies. Set once, before the service is ready."""

from __future__ import annotations

from collections.abc import Mapping

from services.notify.rules.policy import Policy

_policies: dict[str, Policy] = {}
_default = Policy()


def settle(policies: Mapping[str, Policy]) -> None:
    """Take these policies from now on."""
    _policies.clear()
    _policies.update(policies)


def policy(area: str) -> Policy:
    """How this area wants its messages; the common policy where it has said nothing."""
    return _policies.get(area, _default)
