"""Municipalities side by side, on one clock: alone, or lending each other units when a call waits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from karuna.simulate.year.asks import Year
from karuna.simulate.year.clock import Clock, Fate
from karuna.simulate.year.fleet import Unit, units_of
from karuna.simulate.year.guesses import BREAKDOWN_D, BREAKDOWNS_A_YEAR, DAYS_A_YEAR, LEND
from karuna.simulate.year.journal import Journal, Lent
from karuna.simulate.year.people import Trip
from karuna.simulate.year.road import Road
from karuna.simulate.year.town import Town
from services.dispatch.policy import Policy
from services.dispatch.rules.ranking import Weights, best
from shared.geo import Point
from shared.pack_parts import Pack
from shared.thai.dates import BANGKOK

BEGINS = datetime(2026, 1, 5, tzinfo=BANGKOK)
LENT_FOR = timedelta(hours=2)
"""A unit with a booked ride so soon is not lent."""
ASK_AGAIN = timedelta(minutes=15)
"""No neighbour had any."""
KEPT = 1
"""A municipality lends only while so many others of its medical units are free."""


@dataclass(frozen=True, slots=True)
class Place:
    """A municipality of the year. ``units``: codes of its vehicles (left out: all); ``share`` of Kalasin's people."""

    pack: Pack
    units: Sequence[str] | None = None
    share: float = 1.0


class Region:
    """``taking``: the unit that is just being taken from something less urgent, and is nobody else's meanwhile."""

    def __init__(self, places: Sequence[Place], seed: int, days: float, *, sharing: bool = False) -> None:
        self.clock, self.fate, self.journal = Clock(BEGINS), Fate(seed), Journal()
        self.road, self.sharing, self.taking = Road(self), sharing, ""
        self.units: dict[str, Unit] = {}
        self.lent: list[Unit] = []
        self._days = days
        self.towns: dict[str, Town] = {}
        for place in places:
            own = units_of(place.pack, place.units)
            town = Town(self, place.pack, policy_of(place.pack), own)
            self.towns[town.slug] = town
            self.units |= {unit.id: unit for unit in own}
            for ask in Year(place.pack, self.fate, BEGINS, days, place.share).asks():
                self.clock.at(ask.at, lambda town=town, ask=ask: town.rings(ask))  # type: ignore[misc]
        self.hospitals = [
            Point(each.lon, each.lat) for place in places for each in place.pack.facility if each.kind == "hospital"
        ]
        self.journal.places = {unit.id: dict(unit.vehicle.places) for unit in self.units.values()}

    def run(self) -> Journal:
        """All of it."""
        for unit in self.units.values():
            self._breakdowns(unit)
            self._crew_changes(unit)
        for day in range(round(self._days)):
            for town in self.towns.values():
                self.clock.at(BEGINS + timedelta(days=day, hours=18), town.rides.evening)
        self.clock.run()
        return self.journal

    def town(self, trip: Trip) -> Town:
        return self.towns[trip.id.split("/", 1)[0]]

    def home(self, unit: Unit) -> Town:
        return self.towns[unit.home]

    def freed(self, unit: Unit) -> None:
        """Home first, where it was lent; then whoever waits; then its own next tour."""
        if unit.id == self.taking:
            return
        if unit.serves != unit.home and unit.run is None:
            unit.serves = unit.home
            self.lent.remove(unit)
            self.journal.say(Lent(self.clock.now, unit.id, unit.home))
        if unit.free(self.clock.now):
            self.towns[unit.serves].desk.serve()
        if unit.free(self.clock.now):
            self.home(unit).rides.overdue(unit)

    def _crew_changes(self, unit: Unit) -> None:
        """At the crew's hours those who wait are looked at again."""
        for day in range(round(self._days)):
            for at in unit.changes(BEGINS + timedelta(days=day)):
                self.clock.at(at, lambda: self.freed(unit) if unit.free(self.clock.now) else None)

    def _breakdowns(self, unit: Unit) -> None:
        dice = self.fate.dice("breaks", unit.id)
        at = BEGINS
        while (at := at + timedelta(days=dice.expovariate(BREAKDOWNS_A_YEAR / DAYS_A_YEAR))) < BEGINS + timedelta(
            days=self._days
        ):
            until = at + timedelta(days=dice.uniform(*BREAKDOWN_D))
            self.clock.at(at, lambda until=until: self._breaks(unit, until))  # type: ignore[misc]
            at = until

    def _breaks(self, unit: Unit, until: datetime) -> None:
        """What it is doing it still finishes."""
        unit.out_until = until
        self.home(unit).rides.breaks_down(unit, until)
        self.clock.at(until, lambda: self.freed(unit) if unit.free(self.clock.now) else None)

    # --- sharing ----------------------------------------------------------------------------------------------

    def ask_neighbours(self, trip: Trip) -> None:
        """A call waits with nobody to send: one centre telephones another."""
        if self.sharing and (trip.lane == "emergency" or trip.leg == "return"):
            wait = self.fate.lasts(LEND, "lends", trip.id)
            self.clock.after(wait, lambda: self._borrow(trip))

    def _borrow(self, trip: Trip) -> None:
        town, now = self.town(trip), self.clock.now
        if not trip.waits or trip.open_jobs():
            return
        may = [unit for other in self.towns.values() if other is not town for unit in self._lendable(other)]
        policy = town.policy
        found = best(
            [unit.facts(now) for unit in may], trip.wanted, trip.pickup, now, policy.travel_times, policy.weights
        )
        if found is None:
            self.clock.after(ASK_AGAIN, lambda: self._borrow(trip))
            return
        unit = self.units[found.unit_id]
        unit.serves = town.slug
        self.lent.append(unit)
        self.journal.say(Lent(now, unit.id, town.slug))
        town.desk.look_again(trip)
        if unit.run is None and not unit.asked:
            self.freed(unit)

    def _lendable(self, town: Town) -> list[Unit]:
        until = self.clock.now + LENT_FOR
        free = [unit for unit in town.free() if unit.home == town.slug]
        medical = sum(unit.facts_of["day"].level not in {None, "transport"} for unit in free)
        return [unit for unit in free if medical > KEPT and not town.rides.starts_before(unit, until)]


def policy_of(pack: Pack) -> Policy:
    """As dispatch makes it of a pack, with straight lines for roads."""
    dispatch = pack.policies.dispatch
    made = Policy(
        dispatch, pack.policies.targets, pack.policies.reports, cards=pack.run_card,
        demand=tuple(Point(each.lon, each.lat) for each in pack.area.community),
        weights=Weights(stale_after_s=dispatch.stale_position_s),
    )  # fmt: skip
    return replace(made, travel_times=made.beyond_roads)
