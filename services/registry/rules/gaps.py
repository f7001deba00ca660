"""What is lacking among the people of a group, by place; which counts whoever sees counts alone may see. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from services.registry.rules.figures import SMALLEST

GAPS: Final = ("not_visited", "no_verified_point", "no_phone", "not_assessed", "open_need")
URGENCIES: Final = ("9", "5", "1")
TAMBON: Final = 6
"""Digits of an official code down to the tambon; villages have two more."""

Count = int | None
"""None: kept back."""


@dataclass(frozen=True, slots=True)
class Tally:
    """``place``: a code of the area tree, None where it is not known; ``needs``: people by their most urgent need."""

    place: str | None
    people: Count
    gaps: Mapping[str, Count]
    needs: Mapping[str, Count]


def summed(tallies: Sequence[Tally], place: str | None = None) -> Tally:
    """All of them as one place."""
    nothing: list[tuple[Count, ...]] = [()] * (1 + len(GAPS) + len(URGENCIES))
    columns = list(zip(*map(_numbers, tallies), strict=True)) or nothing
    return _tally(place, [sum(number or 0 for number in column) for column in columns])


def by_tambon(tallies: Sequence[Tally]) -> list[Tally]:
    """Villages counted with their tambon; communities and quarters stay as they are. Places that are known first."""
    together: dict[str | None, list[Tally]] = {}
    for tally in tallies:
        place = tally.place[:TAMBON] if tally.place and tally.place.isdigit() else tally.place
        together.setdefault(place, []).append(tally)
    return [
        summed(several, place)
        for place, several in sorted(together.items(), key=lambda one: (not one[0], one[0] or ""))
    ]


def publishable(total: Tally, places: Sequence[Tally]) -> tuple[Tally, list[Tally]]:
    """The same with small counts kept back: of 1 to 4 people, or of all but 1 to 4; and where one place alone would be

    kept back, so that it followed from the total, the next smallest with it: where there is none, the total.
    """
    rows = [_numbers(_kept_back(place)) for place in places]
    columns = [_second(list(column)) for column in zip(*rows, strict=True)]
    shown = [_tally(place.place, row) for place, row in zip(places, zip(*columns, strict=True), strict=True)]
    totals = _numbers(_kept_back(total))
    if columns:
        pairs = zip(totals, columns, strict=True)
        totals = tuple(None if column.count(None) == 1 else count for count, column in pairs)
    return _tally(total.place, totals), shown


def _numbers(tally: Tally) -> tuple[Count, ...]:
    return (tally.people, *(tally.gaps[gap] for gap in GAPS), *(tally.needs[level] for level in URGENCIES))


def _tally(place: str | None, numbers: Sequence[Count]) -> Tally:
    people, *rest = numbers
    gaps, needs = rest[: len(GAPS)], rest[len(GAPS) :]
    return Tally(place, people, dict(zip(GAPS, gaps, strict=True)), dict(zip(URGENCIES, needs, strict=True)))


def _kept_back(tally: Tally) -> Tally:
    people = tally.people or 0

    def told(count: Count) -> Count:
        few = any(0 < number < SMALLEST for number in (people, count or 0, people - (count or 0)))
        return None if few else count

    return Tally(
        tally.place,
        None if 0 < people < SMALLEST else people,
        {gap: told(count) for gap, count in tally.gaps.items()},
        {level: told(count) for level, count in tally.needs.items()},
    )


def _second(column: list[Count]) -> list[Count]:
    """A column of counts in which no single one that is kept back follows from the others."""
    known = [number for number in column if number]
    if column.count(None) != 1 or not known:
        return column
    column[column.index(min(known))] = None
    return column
