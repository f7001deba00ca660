"""Of which disclosure class each field is: one table, and what is not in it is secret.

``sensitive`` are those of PDPA s. 26: health, disability, and what tells of them. Sets: ``person`` (also a hit of a
search), ``case``, ``line`` (of a history). Protected matters (violence, psychiatric) are secret whatever the field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final


class FieldClass(StrEnum):
    """How far a field may go; whoever may see a class may see those before it."""

    PUBLIC = "public"
    SHARED = "shared"
    RESTRICTED = "restricted"
    SECRET = "secret"  # noqa: S105 a class

    @property
    def rank(self) -> int:
        return list(FieldClass).index(self)


@dataclass(frozen=True, slots=True)
class Kind:
    """What must be decided about a field: its class, and whether s. 26 speaks of it."""

    field_class: FieldClass
    sensitive: bool = False

    @property
    def name(self) -> str:
        return f"{self.field_class}{'_health' if self.sensitive else ''}"


PUBLIC, SHARED, RESTRICTED, HEALTH, SECRET = (
    Kind(FieldClass.PUBLIC), Kind(FieldClass.SHARED), Kind(FieldClass.RESTRICTED),
    Kind(FieldClass.RESTRICTED, sensitive=True), Kind(FieldClass.SECRET, sensitive=True),
)  # fmt: skip
KINDS: Final = (PUBLIC, SHARED, RESTRICTED, HEALTH, SECRET)

FIELDS: Final[dict[str, dict[str, Kind]]] = {
    "person": {
        "id": PUBLIC, "area": PUBLIC, "exercise": PUBLIC, "withheld": PUBLIC, "records": PUBLIC, "to_check": PUBLIC,
        "name": SHARED, "alias": SHARED, "age": SHARED, "sex": SHARED, "language": SHARED, "may_be_texted": SHARED,
        "disclosure": SHARED, "registered_at": SHARED,
        "birth_on": RESTRICTED, "birth_year": RESTRICTED, "birth_estimated": RESTRICTED, "identifiers": RESTRICTED,
        "contacts": RESTRICTED, "ended_contacts": RESTRICTED,
        "usual_place": RESTRICTED, "addresses": RESTRICTED, "household": RESTRICTED,
        "mobility": HEALTH, "needs": HEALTH, "groups": HEALTH, "barriers": HEALTH, "open_case_ids": HEALTH,
        "open_case_id": HEALTH,
    },
    "case": {
        "id": PUBLIC, "person_id": PUBLIC, "area": PUBLIC, "exercise": PUBLIC, "protected": PUBLIC, "withheld": PUBLIC,
        "status": HEALTH, "opened_at": HEALTH, "opened_call_id": HEALTH, "closed_at": HEALTH, "outcome": HEALTH,
        "call_ids": HEALTH,
    },
    "history": {"items": HEALTH},
}  # fmt: skip


def kind_of(set_: str, field: str) -> Kind:
    return FIELDS[set_].get(field, SECRET)


def cut(set_: str, document: Mapping[str, Any], allowed: frozenset[Kind]) -> tuple[dict[str, Any], dict[str, Kind]]:
    """The document with what may be seen, and of which kind each withheld field is.

    A withheld field is told whether or not there is anything in it: an empty one would else say so.
    """
    withheld = {name: kind_of(set_, name) for name in document if kind_of(set_, name) not in allowed}
    return {name: _empty(value) if name in withheld else value for name, value in document.items()}, withheld


def _empty(value: Any) -> Any:
    return [] if isinstance(value, list | tuple) else None
