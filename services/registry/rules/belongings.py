"""What of somebody's belongs to a call or a row that was told of another person: what goes along, what may, what stays.

Pure. What names the call, its case or a visit that goes is plain. Of what was written by hand since nothing says of
whom it was meant: who takes the call out chooses. A consent is a person's own word, and a household is where they live.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from shared.thai.dates import local_day

Fate = Literal["goes", "choose", "stays"]
"""Codes of the list ``belonging_fate``; why stands in ``belonging_why``, what it is in ``belonging``."""
STAYS: Final = {
    "consent": "own_word",
    "household": "where_they_live",
    "correction": "awaits_decision",
    "field": "by_hand",
}
IN_CASE: Final = frozenset({"task", "team"})
"""What is nothing outside its case."""


@dataclass(frozen=True, slots=True)
class Found:
    """One thing of the person's. ``with_id``: the visit or assessment it came of; ``by``: who wrote it."""

    kind: str
    id: UUID
    at: datetime
    code: str | None
    case_id: UUID | None = None
    by: str | None = None
    with_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Belonging:
    found: Found
    fate: Fate
    why: str


@dataclass(frozen=True, slots=True)
class Came:
    """By what it came: the call's case, whether that is of this call alone, and rows that were noted of it."""

    case_id: UUID | None
    alone: bool
    noted: AbstractSet[UUID]


def judged(found: Iterable[Found], came: Came, chosen: AbstractSet[UUID] = frozenset()) -> list[Belonging]:
    """The fate of each, visits first: what was brought from a visit goes with it. ``chosen`` may go, and so goes."""
    belongings: list[Belonging] = []
    for one in sorted(found, key=_first):
        fate, why = _fate(one, came, belongings)
        belongings.append(Belonging(one, "goes" if fate == "choose" and one.id in chosen else fate, why))
    return belongings


def _first(one: Found) -> int:
    return {"visit": 0, "assessment": 1}.get(one.kind, 2)


def _fate(one: Found, came: Came, before: Sequence[Belonging]) -> tuple[Fate, str]:
    if one.kind in STAYS:
        return "stays", STAYS[one.kind]
    if one.id in came.noted:
        return "goes", "named"
    if one.case_id is not None and one.case_id == came.case_id:
        if came.alone:
            return "goes", "in_case"
        return ("stays" if one.kind in IN_CASE else "choose"), "other_calls"
    return _of_visit(one, before) or ("choose", "since")


def _of_visit(one: Found, before: Sequence[Belonging]) -> tuple[Fate, str] | None:
    """It was brought from a visit, or is a proposal of an assessment, that goes."""
    going = [each.found for each in before if each.fate == "goes"]
    if one.with_id is not None and any(each.id == one.with_id for each in going):
        return "goes", "by_visit"
    visits = {(each.by, local_day(each.at)) for each in going if each.kind == "visit"}
    if one.kind == "location" and (one.by, local_day(one.at)) in visits:
        return "goes", "by_visit"
    return None


def going(belongings: Iterable[Belonging], *kinds: str) -> list[UUID]:
    """Ids of what goes, of these kinds, or of all."""
    return [one.found.id for one in belongings if one.fate == "goes" and (not kinds or one.found.kind in kinds)]


def kinds_of(belongings: Iterable[Belonging], *, goes: bool) -> tuple[str, ...]:
    """What kinds went, or stayed: each once."""
    return tuple(sorted({one.found.kind for one in belongings if (one.fate == "goes") is goes}))


def unknown(belongings: Iterable[Belonging], chosen: AbstractSet[UUID]) -> AbstractSet[UUID]:
    """Those chosen that cannot go."""
    return chosen - {one.found.id for one in belongings if one.fate != "stays"}


def without_plan_of(found: Iterable[Found]) -> list[Found]:
    """A plan and its visit are one thing under one id: it is the visit."""
    found = list(found)
    visits = {one.id for one in found if one.kind == "visit"}
    return [one for one in found if not (one.kind == "plan" and one.id in visits)]
