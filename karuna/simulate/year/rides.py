"""Booked rides of one municipality: a place in the day at once, promises kept, repairs, and the way home when ready.

The day is dispatch's own (``services.dispatch.day``): best insertion beside what was promised, proved before anything
is told. A dispatcher presses the button: the first offer is taken, and who lost a unit is given to another at once.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from karuna.simulate.pace import DESK
from karuna.simulate.year.book import Booked, DayBook
from karuna.simulate.year.fleet import Unit
from karuna.simulate.year.journal import Placed, Promise, Step
from karuna.simulate.year.people import ASKED, Job, Trip, moved
from karuna.simulate.year.road import Halt
from services.dispatch.day import plan as planning
from services.dispatch.day.timetable import Tour
from services.dispatch.verbs.repair import BUSY_FOR
from shared.thai.dates import local_day

if TYPE_CHECKING:
    from karuna.simulate.year.town import Town


class Rides:
    """``waiting``: rides without a place yet."""

    def __init__(self, town: Town) -> None:
        self._town, self.book = town, DayBook(town)
        self.waiting: dict[str, Trip] = {}
        self._why: dict[str, str] = {}

    @property
    def _now(self) -> datetime:
        return self._town.clock.now

    # --- asked for --------------------------------------------------------------------------------------------

    def asked(self, trip: Trip) -> None:
        """A place at once; else the evening's plan, the last hour and the last half hour."""
        if trip.visit and trip.visit.cancelled_at:
            self._town.clock.at(trip.visit.cancelled_at, lambda: self.cancel(trip))
        if not self._join(trip):
            self._waits(trip)

    def _waits(self, trip: Trip) -> None:
        assert trip.window is not None  # noqa: S101 a ride has its hour
        assert trip.arrive_by_at is not None  # noqa: S101
        self.waiting[trip.id] = trip
        clock, policy, latest = self._town.clock, self._town.policy, trip.window[1]
        clock.at(latest - policy.booked_due, lambda: self._try_again(trip))
        clock.at(latest - policy.booked_last_call, lambda: self._last_call(trip))
        clock.at(trip.arrive_by_at, lambda: self._too_late(trip))

    def _try_again(self, trip: Trip) -> None:
        if trip.id in self.waiting and trip.waits:
            self._join(trip)

    def _last_call(self, trip: Trip) -> None:
        """The system itself looks for a unit, as for a call."""
        if trip.id in self.waiting and trip.waits and trip.now_at is None:
            trip.now_at = self._now
            if not self._join(trip):
                self._town.desk.find_unit(trip)

    def _too_late(self, trip: Trip) -> None:
        """Nobody could be in time any more: said, with the reason."""
        if not trip.waits:
            return
        for job in trip.open_jobs():
            self._town.crews.end(job, "release", "trip_cancelled")
        self._over(trip, "refused", self._why.get(trip.id, "all_bound"))

    def evening(self) -> None:
        """The plan of tomorrow for whoever has no place yet."""
        tomorrow = local_day(self._now) + timedelta(days=1)
        left = [trip for trip in self.waiting.values() if trip.waits and self.book.day_of(trip) == tomorrow]
        if not left:
            return
        model = self.book.model(tomorrow, left)
        plan = planning.filled(model, model.standing)
        assert planning.proved(model, plan).feasible  # noqa: S101 by construction
        day = planning.day_of(model, plan, {})
        new = {trip.id: trip for trip in left}
        for unit_id, tours in day.tours.items():
            if any(rider.id in new for tour in tours for rider in tour.riders):
                self._publish(unit_id, tours, new)

    # --- a place ----------------------------------------------------------------------------------------------

    def _join(self, trip: Trip, pickup_at: datetime | None = None, without: Collection[str] = ()) -> bool:
        """Beside what others were promised: the best offer."""
        model = self.book.model(self.book.day_of(trip), [trip], pickup_at=pickup_at, without=without)
        found = planning.offers(model, model.standing, trip.id) if trip.id in model.number else []
        if not found:
            if trip.id in model.number and pickup_at is None:
                self._why[trip.id] = planning.why_not(model, model.number[trip.id], self.book.lacks).code
            return False
        holder = trip.holder()
        if holder is not None:  # moved from a unit that cannot come
            self.book.leave(trip)
            self._town.crews.end(holder, "release", "replanned")
        self._publish(found[0].tour.unit_id, found[0].tours, {trip.id: trip})
        return True

    def _publish(self, unit_id: str, tours: Sequence[Tour], new: dict[str, Trip]) -> None:
        """Write the unit's route; who is new is told, and its crew asked."""
        unit, day = self._town.region.units[unit_id], local_day(tours[0].halts[0].at)
        before = {trip.id: pickup_at for trip, pickup_at in self.book.riders_of(unit, day)}
        made = self.book.write(unit, day, tours, new)
        for tour in made:
            self._town.clock.at(tour.starts_at, lambda tour=tour: self.begin(tour))  # type: ignore[misc]
            for trip in tour.riders():
                pickup_at = tour.pickup_at(trip)
                if trip.id in new:
                    trip.told_at = pickup_at
                    trip.life = moved(trip.life, "replan" if trip.life.status == "planned" else "plan", self._now)
                    trip.now_at = None
                    self.waiting.pop(trip.id, None)
                    self._town.desk.taken(trip)
                    self._town.journal.say(Promise(self._now, trip.id, unit_id, pickup_at))
                    self._town.crews.book(trip, unit, tour.starts_at, pickup_at)
                if before.get(trip.id) != pickup_at:
                    self._town.journal.say(Placed(self._now, trip.id, unit_id, pickup_at))

    # --- on the day -------------------------------------------------------------------------------------------

    def starts_before(self, unit: Unit, until: datetime) -> bool:
        """Whether it has promised a ride that begins by then."""
        tours = self.book.tours.get(unit.id, [])  # in their order
        return bool(tours) and tours[0].starts_at <= until

    def begin(self, tour: Booked) -> None:
        """Set out; late where the unit is still elsewhere."""
        unit = tour.unit
        if tour not in self.book.tours.get(unit.id, ()) or tour.starts_at > self._now or not unit.free(self._now):
            return
        self.book.tours[unit.id].remove(tour)
        jobs = [job for trip in tour.riders() if (job := trip.holder()) is not None and job.unit is unit]
        for job in jobs:
            if job.status in ASKED:
                self._town.crews.accept(job)
            job.start_at = None
        run = self._town.region.road.open(unit, jobs)
        mine = {job.trip: job for job in jobs}
        run.halts = [
            Halt(mine[halt.trip], halt.pickup, halt.trip.told_at if halt.pickup else None)
            for halt in tour.halts if halt.trip in mine
        ]  # fmt: skip
        self._town.region.road.go_on(run)

    def overdue(self, unit: Unit) -> None:
        """It is free: the tour it should have begun."""
        if self.starts_before(unit, self._now):
            self.begin(self.book.tours[unit.id][0])

    # --- repairs ----------------------------------------------------------------------------------------------

    def lost(self, job: Job, *, sure: bool) -> None:
        """A ride lost its unit (``sure``: which said no, and is not asked again); the dispatcher finds another."""
        trip = job.trip
        if trip.ended or trip.life.status not in {"planned", "under_way"}:
            return
        if sure:
            trip.without.add(job.unit.id)
        self.book.leave(trip)
        trip.life = moved(trip.life, "unassign", self._now)
        told_at, trip.told_at = trip.told_at, None
        wait = self._town.fate.lasts(DESK, "repairs", trip.id, job.attempt)
        self._town.clock.after(wait, lambda: self._anew(trip, told_at))

    def _anew(self, trip: Trip, told_at: datetime | None) -> None:
        if not trip.waits or trip.holder() is not None:
            return
        if not ((told_at and self._join(trip, told_at)) or self._join(trip)):
            self._waits(trip)

    def spare(self, unit: Unit) -> None:
        """It drives elsewhere: whom it would be late for goes with others where they can."""
        wait = self._town.fate.lasts(DESK, "spares", unit.id, self._now)
        self._town.clock.after(wait, lambda: self._spare(unit, self._now + BUSY_FOR, out=False))

    def _spare(self, unit: Unit, until: datetime, *, out: bool) -> None:
        if not out and unit.free(self._now):
            return
        for tour in [each for each in self.book.tours.get(unit.id, ()) if each.starts_at < until]:
            for trip in tour.riders():
                holder = trip.holder()
                if holder is None or holder.unit is not unit or holder.start_at is None:
                    continue
                moves = self._join(trip, trip.told_at, {unit.id}) or self._join(trip, None, {unit.id})
                if not moves and out:
                    self._town.crews.end(holder, "release", "vehicle_fault")
                    self.lost(holder, sure=False)

    def breaks_down(self, unit: Unit, until: datetime) -> None:
        self._spare(unit, until, out=True)

    def cancel(self, trip: Trip) -> None:
        """They will not come: others may have the place."""
        if trip.ended or trip.life.status == "under_way":
            return
        self.book.leave(trip)
        for job in trip.open_jobs():
            self._town.crews.end(job, "release", "trip_cancelled")
        self._over(trip, "cancelled", "caller_withdrew")

    def _over(self, trip: Trip, how: str, code: str) -> None:
        self.waiting.pop(trip.id, None)
        self._town.desk.ends(trip, how, code)
        if trip.home is not None:
            self._town.desk.ends(trip.home, "cancelled", f"outbound_{how}")

    # --- the way home -----------------------------------------------------------------------------------------

    def brought(self, trip: Trip) -> None:
        """At the clinic: the visit lasts as long as it lasts, then they say ready."""
        home, visit = trip.home, trip.visit
        assert home is not None  # noqa: S101 asked by whoever calls
        assert visit is not None  # noqa: S101
        over_at = max(visit.at, self._now) + visit.lasts
        self._town.clock.at(over_at, lambda: self._ready(home))

    def _ready(self, home: Trip) -> None:
        home.life = replace(home.life, stamps={})
        home.life = moved(home.life, "ready", self._now)
        home.now_at = self._now
        self._town.journal.say(Step(self._now, home.id, "", "ready"))
        self._town.desk.find_unit(home)
