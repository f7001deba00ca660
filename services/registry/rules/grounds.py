"""On what ground somebody may see something: agreements, consents and emergencies as data, and what each lacks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from services.registry.rules.fields import FieldClass

CONSENT: Final = "consent"


@dataclass(frozen=True, slots=True)
class Basis:
    """A legal basis: for which purposes, whether it opens what s. 26 protects, and from when until when it is law."""

    code: str
    purposes: frozenset[str]
    sensitive: bool
    from_on: date
    until_on: date | None = None

    def opens(self, purpose: str, today: date, *, sensitive: bool) -> bool:
        in_force = self.from_on <= today and (self.until_on is None or today <= self.until_on)
        return in_force and purpose in self.purposes and (self.sensitive or not sensitive)


IN_FORCE: Final = date(2022, 6, 1)
TASKS: Final = frozenset({"care", "case_work", "registration", "erasure", "audit"})
BASES: Final = (
    Basis("s24_2", frozenset({"emergency"}), sensitive=False, from_on=IN_FORCE),
    Basis("s26_1", frozenset({"emergency"}), sensitive=True, from_on=IN_FORCE),
    Basis("s24_4", TASKS, sensitive=False, from_on=IN_FORCE),
    Basis("s26_5a", TASKS, sensitive=True, from_on=IN_FORCE),
    Basis(CONSENT, frozenset({"care", "case_work", "registration"}), sensitive=True, from_on=IN_FORCE),
)
"""In the order in which they are looked at. Labels: the code list ``legal_basis``."""
BY_CODE: Final = {basis.code: basis for basis in BASES}


def party(*, agency: UUID | None = None, area: str = "") -> str:
    """How a party is written: an agency by its id, a municipality by its slug."""
    return str(agency) if agency is not None else f"area:{area}"


@dataclass(frozen=True, slots=True)
class Agreement:
    """``field_class``: up to which class; ``areas``: codes or slugs, each with all that lies in it.

    It works between those who have signed it. ``until_on`` is its last day; ``writes``: what an agency may write down
    by it (the code list ``agency_writes``), beside what it sees.
    """

    id: UUID
    parties: frozenset[str]
    signed: frozenset[str]
    areas: frozenset[str]
    purposes: frozenset[str]
    field_class: FieldClass
    bases: frozenset[str]
    from_on: date
    until_on: date | None = None
    ended_on: date | None = None
    writes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Consent:
    """One person's. ``agency`` None: to whomever the purpose concerns. Withdrawn counts from the same moment."""

    purpose: str
    agency: UUID | None
    given_at: datetime
    until_on: date | None = None
    withdrawn_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class BreakGlass:
    """Somebody of an agency opened one person's record in an emergency; it ends by itself."""

    caller: str
    agency: UUID | None
    from_at: datetime
    until_at: datetime


@dataclass(frozen=True, slots=True)
class Lives:
    """Of a person, for an account that is held to places: ``place`` is the smallest area in which they are known to

    live, None where none is; ``given``: the account has a visit or task of theirs, or wrote them down itself.
    """

    place: str | None = None
    given: bool = False


NOWHERE: Final = Lives()


def reaches(places: frozenset[str], lives: Lives) -> bool:
    """Whether an account that is held to ``places`` may know of somebody. Held to none, it is of the municipality."""
    return not places or lives.given or (lives.place is not None and lies_in(frozenset({lives.place}), places))


def common(one: Iterable[str], other: Iterable[str]) -> frozenset[str]:
    """The codes of what lies in both: whoever lies in one of ``one`` and one of ``other`` lies in one of these."""
    left, right = frozenset(one), frozenset(other)
    inner = (code for code in left if lies_in(frozenset({code}), right))
    return frozenset(inner) | {code for code in right if lies_in(frozenset({code}), left)}


def lies_in(codes: frozenset[str], wanted: frozenset[str]) -> bool:
    """Whether one of a record's codes lies in one of the wanted: 460101 in 46, 4601 and 460101; a slug in itself."""
    return any(
        code == outer or (outer.isdigit() and code.isdigit() and code.startswith(outer))
        for code in codes
        for outer in wanted
    )
