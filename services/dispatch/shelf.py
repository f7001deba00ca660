"""What this process keeps of the days it is asked about: drives, and each van's promises for as long as they stand.

A promise must be offered while somebody waits on the telephone. So the day is not made anew for each offer: the
database says in one statement which units have other promises than before, and only those are read again. Nothing that
is kept here decides: whoever takes an offer asks again, under the area's lock.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from services.dispatch.day.model import Promised, Rider, Sheet, Van, later, places_of, promised_of, sheet_of
from services.dispatch.day.ways import Ways
from services.dispatch.rules.ranking import TravelTimes

NOTHING = "nothing"
"""The mark of a unit that has promised nothing."""
MOST_PLACES = 2_000
"""Of an area: beyond it (32 MB) only the places of the day that is asked for are kept."""
DAYS = 4
"""So many days of an area are kept, those asked for last."""

NOBODY = Promised()

Key = tuple[date, bool]
"""A day, and whether of exercises."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One day as it was kept at one moment. ``sheets`` by unit, each with the mark it was made at; rows of ``ways``.

    ``promised``: the sheets put together.
    """

    ways: Ways
    sheets: Mapping[str, tuple[str, Sheet]]
    promised: Promised = NOBODY

    def stale(self, marks: Mapping[str, str]) -> list[str]:
        """Units whose promises are others now, or that are not kept."""
        return [unit for unit, mark in marks.items() if unit not in self.sheets or self.sheets[unit][0] != mark]

    def renewed(
        self, zero: datetime, vans: Sequence[Van], marks: Mapping[str, str], held: Mapping[str, Sequence[Rider]],
        others: Sequence[Rider],
    ) -> Kept:  # fmt: skip
        """With the sheets of all ``vans``: of those that are stale from ``held``. Its drives know ``others``, too.

        The places of what is kept are known already.
        """
        riders = {van.id: held[van.id] if van.id in held else self.sheets[van.id][1].riders for van in vans}
        places = places_of([*(rider for each in held.values() for rider in each), *others], vans)
        full = self.ways.size + self.ways.unknown(places) > MOST_PLACES
        if full:
            places = places_of([*(rider for each in riders.values() for rider in each), *others], vans)
        ways = self.ways.only(places) if full else self.ways
        ways.know(places)
        made: dict[str, tuple[str, Sheet]] = {}
        for van in vans:
            if van.id in held or full:
                sheet = sheet_of(zero, van, riders[van.id], ways)
            else:
                sheet = _as_it_is_now(zero, self.sheets[van.id][1], van, ways)
            made[van.id] = (marks[van.id], sheet)
        sheets = [sheet for _, sheet in made.values()]
        as_before = [id(sheet) for sheet in sheets] == [id(sheet) for sheet in self.promised.sheets]
        return Kept(ways, made, self.promised if as_before else promised_of(zero, sheets, ways))


@dataclass(slots=True)
class Shelf:
    """An area's days. What stands here is replaced, never changed: any thread may look while another puts."""

    days: OrderedDict[Key, Kept]
    ways: Ways

    def of(self, key: Key) -> Kept:
        kept = self.days.get(key)
        return kept if kept is not None and kept.ways is self.ways else Kept(self.ways, {})

    def put(self, key: Key, kept: Kept) -> None:
        self.ways = kept.ways
        self.days.pop(key, None)
        self.days[key] = kept
        while len(self.days) > DAYS:
            self.days.popitem(last=False)


def _as_it_is_now(zero: datetime, sheet: Sheet, van: Van, ways: Ways) -> Sheet:
    """The same promises; the van may be another, or the hour."""
    was = sheet.van
    if was == van:
        return sheet
    same = (was.places, was.equipment, was.home, was.shift[1], was.rests) == (
        van.places, van.equipment, van.home, van.shift[1], van.rests
    )  # fmt: skip
    if same and van.shift[0] > was.shift[0]:
        return later(sheet, van, ways)
    return sheet_of(zero, van, sheet.riders, ways)


@dataclass(slots=True)
class Shelves:
    """One for each area, as long as its travel times are the same."""

    _kept: dict[str, Shelf] = field(default_factory=dict)

    def of(self, area: str, times: TravelTimes) -> Shelf:
        found = self._kept.get(area)
        if found is None or found.ways.times is not times:
            found = self._kept[area] = Shelf(OrderedDict(), Ways((), times))
        return found

    def forget(self, area: str | None = None) -> None:
        """Of one area, or everything: somebody's data have been erased."""
        if area is None:
            self._kept.clear()
        else:
            self._kept.pop(area, None)


SHELVES = Shelves()
"""One for the process."""
