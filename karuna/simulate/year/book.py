"""The promised tours of a municipality, and a day of them as dispatch's planner takes it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from karuna.simulate.year.fleet import Unit
from karuna.simulate.year.people import Trip
from services.dispatch.day.model import Model, Rider, Told, Van, model_of
from services.dispatch.day.timetable import Tour
from services.dispatch.daybook import BEFORE_MIDNIGHT, NONE_BEFORE, span_of
from services.dispatch.hours import STILL_OUT
from services.dispatch.rules.eligibility import shortfalls
from services.dispatch.rules.requirements import Asked
from services.dispatch.rules.windows import BOARDING
from services.dispatch.verbs.book import OF_THE_MOMENT
from shared.thai.dates import local_day

if TYPE_CHECKING:
    from karuna.simulate.year.town import Town


@dataclass(frozen=True, slots=True)
class Stop:
    trip: Trip
    pickup: bool
    at: datetime


@dataclass(eq=False, slots=True)
class Booked:
    """A tour as it was promised."""

    unit: Unit
    day: date
    starts_at: datetime
    halts: list[Stop]

    def riders(self) -> list[Trip]:
        return [halt.trip for halt in self.halts if halt.pickup]

    def pickup_at(self, trip: Trip) -> datetime:
        return next(halt.at for halt in self.halts if halt.pickup and halt.trip is trip)

    def dropoff_at(self, trip: Trip) -> datetime:
        return next(halt.at for halt in self.halts if not halt.pickup and halt.trip is trip)


class DayBook:
    """``tours`` by unit, those that have not begun; ``lacks`` by trip: what the unit lacks that lacks least."""

    def __init__(self, town: Town) -> None:
        self._town = town
        self.tours: dict[str, list[Booked]] = {}
        self.lacks: dict[str, tuple[str, ...]] = {}
        self._lacking: dict[tuple[str, str, Asked], tuple[str, ...]] = {}

    def day_of(self, trip: Trip) -> date:
        assert trip.window is not None  # noqa: S101 a ride has its hour
        return local_day(trip.window[1])

    def riders_of(self, unit: Unit, day: date) -> list[tuple[Trip, datetime]]:
        """Who is promised that unit on the day, and when."""
        return [(trip, tour.pickup_at(trip)) for tour in self._on(unit, day) for trip in tour.riders()]

    def _on(self, unit: Unit, day: date) -> list[Booked]:
        return [tour for tour in self.tours.get(unit.id, ()) if tour.day == day]

    def leave(self, trip: Trip) -> None:
        """They do not ride with it any more; nobody else's time changes."""
        for unit_id, tours in self.tours.items():
            for tour in [tour for tour in tours if any(halt.trip is trip for halt in tour.halts)]:
                tour.halts = [halt for halt in tour.halts if halt.trip is not trip]
                self.tours[unit_id] = [each for each in tours if each.halts]

    def write(self, unit: Unit, day: date, tours: Sequence[Tour], new: dict[str, Trip]) -> list[Booked]:
        """The unit's tours of the day, instead of those it had."""
        held = {trip.id: trip for trip, _ in self.riders_of(unit, day)} | new
        made = [
            Booked(unit, day, tour.starts_at, [Stop(held[halt.rider.id], halt.pickup, halt.at) for halt in tour.halts])
            for tour in tours
        ]
        rest = [tour for tour in self.tours.get(unit.id, ()) if tour not in self._on(unit, day)]
        self.tours[unit.id] = sorted([*rest, *made], key=lambda tour: tour.starts_at)
        return made

    # --- as the planner takes it --------------------------------------------------------------------------------

    def model(
        self, day: date, new: Sequence[Trip], *, pickup_at: datetime | None = None, without: Collection[str] = ()
    ) -> Model:
        """What is promised on the day, and these anew. ``pickup_at``: then, and at no other time."""
        anew = {trip.id for trip in new}
        units = self._town.own()
        riders = [
            self._told(trip, tour, unit)
            for unit in units for tour in self._on(unit, day) for trip in tour.riders() if trip.id not in anew
        ]  # fmt: skip
        riders += [self._new(trip, pickup_at, without) for trip in new]
        zero = span_of(day)[0]
        vans = [self._van(unit, zero + BEFORE_MIDNIGHT) for unit in units if not self._out(unit, day)]
        return model_of(zero, riders, vans, self._town.policy.travel_times)

    def _rider(self, trip: Trip, window: tuple[datetime, datetime], fits: frozenset[str], told: Told | None) -> Rider:
        wanted = trip.wanted
        return Rider(
            id=trip.id, pickup=trip.pickup, drop=trip.drop, window=window,
            by_at=trip.arrive_by_at - BOARDING[trip.mobility] if trip.arrive_by_at else None, mobility=trip.mobility,
            load=self._town.load(trip), fits=fits, equipment=wanted.must.equipment, alone=wanted.contaminates,
            told=told,
        )  # fmt: skip

    def _told(self, trip: Trip, tour: Booked, unit: Unit) -> Rider:
        assert trip.told_at is not None  # noqa: S101 it is in a tour
        told = Told(unit.id, str(id(tour)), trip.id, trip.told_at, tour.pickup_at(trip), tour.dropoff_at(trip))
        return self._rider(trip, (trip.told_at, trip.told_at), frozenset({unit.id}), told)

    def _new(self, trip: Trip, pickup_at: datetime | None, without: Collection[str]) -> Rider:
        assert trip.window is not None  # noqa: S101 a ride has its hour
        window = (pickup_at, pickup_at) if pickup_at else trip.window
        fits, least = set[str](), None
        for unit in self._town.own():
            short = self._short(unit, unit.roster(window[1]) or "day", trip)
            if not short and unit.id not in trip.without and unit.id not in without:
                fits.add(unit.id)
            if least is None or len(short) < len(least):
                least = short
        self.lacks[trip.id] = least or ()
        return self._rider(trip, window, frozenset(fits), None)

    def _short(self, unit: Unit, shift: str, trip: Trip) -> tuple[str, ...]:
        """What the crew of that hour lacks for the ride; asked once."""
        key = (unit.id, shift, trip.asked)
        if key not in self._lacking:
            found = shortfalls(unit.facts_of[shift], trip.wanted, trip.received_at)
            self._lacking[key] = tuple(each.what for each in found if each.hard and each.code not in OF_THE_MOMENT)
        return self._lacking[key]

    def _out(self, unit: Unit, day: date) -> bool:
        lent = unit.serves != unit.home and local_day(self._town.clock.now) == day
        return lent or (
            unit.out_until is not None and unit.out_until > max(unit.hours(_midnight(day))[0], self._town.clock.now)
        )

    def _van(self, unit: Unit, midnight: datetime) -> Van:
        now = self._town.clock.now
        first, last = unit.hours(midnight)
        begins = max(first, now + NONE_BEFORE)
        if unit.run is not None and local_day(now) == local_day(midnight):
            begins = max(begins, now + STILL_OUT)
        places = dict(unit.vehicle.places)
        return Van(
            unit.id, unit.vehicle.code, unit.station, places, unit.vehicle.equipment, (begins, max(begins, last))
        )


def _midnight(day: date) -> datetime:
    return span_of(day)[0] + BEFORE_MIDNIGHT + timedelta()
