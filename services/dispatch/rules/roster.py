"""Rosters: may this crew serve at the unit's level, who is missing, and how a swap goes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID

from services.dispatch.rules.eligibility import LEVEL_SKILLS, CrewFacts, UnitFacts
from shared.thai.dates import BANGKOK, local_day

WARNED = timedelta(days=60)
"""So long before its last day a certificate is spoken of."""
TOLD = (timedelta(days=30), timedelta(days=7))
"""So long before the last day its holder is told."""
TOLD_AT = time(9)
"""Thai time."""
TOLD_AFTER_MIDNIGHT = timedelta(hours=TOLD_AT.hour)
LONGEST_SHIFT = timedelta(hours=48)
LONGEST_CHECK_IN = timedelta(hours=12)
"""Whoever is checked in longer has forgotten to check out."""

SWAPS: Mapping[str, Mapping[str, str]] = {
    "asked": {"agree": "agreed", "decline": "declined", "withdraw": "withdrawn"},
    "agreed": {"approve": "approved", "refuse": "refused", "withdraw": "withdrawn"},
}
"""Status → act → next status. What is not here has ended."""
ACTS_OF_CREW: Mapping[str, str] = {"agree": "to_crew_id", "decline": "to_crew_id", "withdraw": "from_crew_id"}
"""Act → whose it is. All others are a supervisor's."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """``last_on``: the last day on which it is valid."""

    crew_id: str
    skill: str
    last_on: date

    def days_left(self, on: date) -> int:
        """0 on the last day; negative afterwards."""
        return (self.last_on - on).days


def last_day(until_at: datetime) -> date:
    """The Thai calendar day on which a shift that ends then is last worked."""
    return local_day(until_at - timedelta(microseconds=1))


def ended(level: str, crew: Iterable[CrewFacts], on: date) -> list[Certificate]:
    """Certificates that would have let a member work at this level and are over by that day.

    A member who may work at the level by another skill is fit all the same.
    """
    wanted = LEVEL_SKILLS[level]
    found = []
    for member in crew:
        over = [Certificate(member.id, skill, day) for skill, day in member.skills.items()
                if skill in wanted and day is not None and day < on]  # fmt: skip
        if not wanted & member.valid_skills(on):
            found += over
    return found


def ending(crew: Iterable[CrewFacts], on: date, within: timedelta = WARNED) -> list[Certificate]:
    """Certificates that are valid on the day and end soon after it, the first to end first."""
    found = [Certificate(member.id, skill, day) for member in crew for skill, day in member.skills.items()
             if day is not None and on <= day <= on + within]  # fmt: skip
    return sorted(found, key=lambda each: (each.last_on, each.crew_id, each.skill))


def tells_on(last_on: date, after: date) -> date | None:
    """The next day after ``after`` on which the holder of a certificate is told that it ends."""
    return min((last_on - before for before in TOLD if last_on - before > after), default=None)


def tellings(skills: Mapping[str, date | None], on: date) -> list[tuple[str, date]]:
    """Certificates of which their holder is told on that day, with their last days."""
    return sorted((skill, day) for skill, day in skills.items() if day and any(day - before == on for before in TOLD))


def next_telling(skills: Mapping[str, date | None], after: date) -> date | None:
    """The next day after ``after`` on which a member is told of any certificate."""
    days = [tells_on(day, after) for day in skills.values() if day is not None]
    return min((day for day in days if day is not None), default=None)


def telling_at(on: date) -> datetime:
    return datetime.combine(on, TOLD_AT, BANGKOK)


def short_of_level(level: str, crew: Sequence[CrewFacts], at: datetime) -> bool:
    """Whether this crew together cannot work at the unit's own level then."""
    return bool(LEVEL_SKILLS[level]) and UnitFacts("", "", level, "on_duty", tuple(crew)).working_level(at) != level


@dataclass(frozen=True, slots=True)
class Standing:
    """A shift beside what is so. ``extra``: on the unit, and not in the roster."""

    shift_id: UUID
    unit_id: UUID
    present: tuple[UUID, ...]
    missing: tuple[UUID, ...]
    extra: tuple[UUID, ...]


def standing(
    shifts: Iterable[tuple[UUID, UUID, Sequence[UUID]]], on_duty: Mapping[UUID, frozenset[UUID]]
) -> Iterator[Standing]:
    """Each shift ``(id, unit, crew)`` of this moment beside who is on duty with its unit."""
    for shift_id, unit_id, crew in shifts:
        here = on_duty.get(unit_id, frozenset())
        yield Standing(
            shift_id, unit_id,
            present=tuple(member for member in crew if member in here),
            missing=tuple(member for member in crew if member not in here),
            extra=tuple(sorted(here - set(crew))),
        )  # fmt: skip


def swapped(crew: Sequence[UUID], out: UUID, into: UUID) -> tuple[UUID, ...]:
    """The crew with one member in another's place."""
    return tuple(into if member == out else member for member in crew)
