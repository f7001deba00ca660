"""Whose calls show only id and time to outsiders: violence, psychiatric, and people of a secret class."""

from __future__ import annotations

from collections.abc import Iterable

from shared.codes.codes import code_list

PSYCHIATRIC_GROUP, ASSAULT_GROUP = 13, 21
PROTECTED_CRITERIA = {PSYCHIATRIC_GROUP, ASSAULT_GROUP}


def is_protected(criteria_group: int | None, groups: Iterable[str]) -> bool:
    """True where the criteria group or a group of a patient asks for it."""
    secret = {item.code for item in code_list("group").items if item.secret} | {"psychiatric"}
    return criteria_group in PROTECTED_CRITERIA or not secret.isdisjoint(groups)
