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


NOBODY: Final = Tally(None, 0, dict.fromkeys(GAPS, 0), dict.fromkeys(URGENCIES, 0))


def summed(tallies: Sequence[Tally], place: str | None = None) -> Tally:
    """All of them as one place."""
    columns = zip(_numbers(NOBODY), *map(_numbers, tallies), strict=True)
    return _tally(place, [sum(column) for column in columns])


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
    """The same with counts kept back that point at people: of 1 to 4, or of all but 1 to 4.

    What is kept back follows from the total less what is shown, so all of it together must be a count that may be
    shown: else other places are kept back with it, the smallest first; where these are not enough, the total.
    """
    rows, whole = [_numbers(place) for place in places], _numbers(total)
    kept: list[set[int]] = [set() for _ in rows]
    of_total: set[int] = set()
    for asked, together in BLOCKS:
        hidden = {n for n, row in enumerate(rows) if kept[n].issuperset(asked) or _small(row, asked)}
        if of_total.issuperset(asked) or _small(whole, asked) or not _join_others(hidden, rows, asked):
            of_total.update(together)
        for n in hidden:
            kept[n].update(together)
    shown = [_without(place.place, row, back) for place, row, back in zip(places, rows, kept, strict=True)]
    return _without(total.place, whole, of_total), shown


Numbers = tuple[int, ...]
"""People, then one count per gap and per urgency."""
OPEN_NEED: Final = 1 + GAPS.index("open_need")
LEVELS: Final = tuple(range(1 + len(GAPS), 1 + len(GAPS) + len(URGENCIES)))
BLOCKS: Final[tuple[tuple[Sequence[int], Sequence[int]], ...]] = (
    ((0,), range(1 + len(GAPS) + len(URGENCIES))),
    *(((gap,), (gap,)) for gap in range(1, OPEN_NEED)),
    ((OPEN_NEED,), (OPEN_NEED, *LEVELS)),
    (LEVELS, LEVELS),
)
"""Numbers that are looked at → numbers kept back together. Urgencies add up to the open needs of their row, so that two

of them tell the third; and of whom nobody knows how many they are, no gap says how many there are at least.
"""


def _parts(row: Numbers, column: int) -> Numbers:
    """None of which may be 1 to 4."""
    people, count = row[0], row[column]
    return people, count, people - count


def _small(row: Numbers, columns: Sequence[int]) -> list[tuple[int, int]]:
    """Column and part of whatever points at people."""
    return [
        (column, part)
        for column in columns
        for part, count in enumerate(_parts(row, column))
        if 0 < count < SMALLEST
    ]  # fmt: skip


def _join_others(hidden: set[int], rows: Sequence[Numbers], columns: Sequence[int]) -> bool:
    """Add rows until all that are hidden may be shown as one; False where there are none left that help."""
    while hidden:
        few = _small(tuple(map(sum, zip(*(rows[n] for n in hidden), strict=True))), columns)
        if not few:
            return True
        left = [n for n in range(len(rows)) if n not in hidden]
        helping = [n for n in left if any(_parts(rows[n], column)[part] for column, part in few)]
        if not helping:
            return False
        hidden.add(min(helping, key=lambda n: rows[n][0]))
    return True


def _numbers(tally: Tally) -> Numbers:
    counts = (tally.people, *(tally.gaps[gap] for gap in GAPS), *(tally.needs[level] for level in URGENCIES))
    return tuple(count or 0 for count in counts)


def _without(place: str | None, row: Numbers, kept: set[int]) -> Tally:
    return _tally(place, [None if n in kept else count for n, count in enumerate(row)])


def _tally(place: str | None, numbers: Sequence[Count]) -> Tally:
    people, *rest = numbers
    gaps, needs = rest[: len(GAPS)], rest[len(GAPS) :]
    return Tally(place, people, dict(zip(GAPS, gaps, strict=True)), dict(zip(URGENCIES, needs, strict=True)))
