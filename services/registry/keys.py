"""The keys of this process, set once before it is ready. Handlers have only a transaction, so they ask here."""

from __future__ import annotations

from shared.crypto import Keyring
from shared.service import Runtime

_RINGS: list[Keyring] = []


async def prepare(runtime: Runtime) -> None:
    """Read the setting; a wrong one ends the process here, before anything is written.

    Raises:
        BadKey: the setting holds no keys.

    """
    use(Keyring.of(runtime.settings.field_key.get_secret_value()))


def use(ring: Keyring) -> None:
    _RINGS[:] = [ring]


def ring() -> Keyring:
    return _RINGS[0]
