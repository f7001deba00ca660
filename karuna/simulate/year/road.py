"""What is driven: a unit's run from setting out to being free again, stop by stop, and its way home."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from karuna.simulate.pace import AT_SCENE, CLEANING, HAND_OVER, HAZARD, NOT_TRANSPORTED, TURN_OUT
from karuna.simulate.year.fleet import Leg, Unit
from karuna.simulate.year.guesses import ROAD_SPREAD
from karuna.simulate.year.journal import Seen, Step, Tour
from karuna.simulate.year.people import Job, Trip, moved
from services.dispatch.rules.windows import BOARDING
from shared.geo import Point

if TYPE_CHECKING:
    from karuna.simulate.year.region import Region

BOARDS_SPREAD = 0.3


@dataclass(eq=False, slots=True)
class Halt:
    """A stop: whose, whether they get on, and before when nobody is fetched."""

    job: Job
    pickup: bool
    not_before: datetime | None = None


@dataclass(eq=False, slots=True)
class Run:
    """``to``: where the unit drives just now. ``dirty``: somebody with an infection was on board."""

    number: int
    unit: Unit
    shift: str
    jobs: list[Job] = field(default_factory=list)
    halts: list[Halt] = field(default_factory=list)
    to: Halt | None = None
    dirty: bool = False


class Road:
    """All units of all municipalities."""

    def __init__(self, region: Region) -> None:
        self._region, self._runs = region, 0

    @property
    def _now(self) -> datetime:
        return self._region.clock.now

    # --- a run ------------------------------------------------------------------------------------------------

    def open(self, unit: Unit, jobs: list[Job]) -> Run:
        """The unit is bound from now on."""
        self._runs += 1
        run = Run(self._runs, unit, unit.shift(self._now) or "day", list(jobs))
        unit.run = run
        self._region.journal.say(Tour(self._now, unit.id, run.number, opens=True))
        return run

    def turn_out(self, job: Job) -> None:
        """A crew that has just accepted gets into its vehicle and goes."""
        run = job.unit.run
        assert run is not None  # noqa: S101 it accepted
        run.halts = [Halt(job, pickup=True), *([Halt(job, pickup=False)] if job.primary else [])]
        self._later(job.unit, self._drawn(TURN_OUT, "turn out", job.trip.id, job.unit.id), lambda: self.go_on(run))

    def go_on(self, run: Run) -> None:
        """To the next stop, or home."""
        if not run.halts:
            self._close(run)
            return
        halt = run.halts[0]
        trip, unit = halt.job.trip, run.unit
        if halt.pickup and halt.job.status == "accepted":
            self.step(halt.job, "en_route")
            if halt.job.primary:
                trip.life = moved(trip.life, "start", self._now)
        run.to = halt
        place = trip.place if halt.pickup else trip.drop or self._hospital(unit)
        self._drive(unit, place, urgent=trip.lane == "emergency", then=lambda: self._arrives(run, halt))

    def _arrives(self, run: Run, halt: Halt) -> None:
        job, unit = halt.job, run.unit
        run.to = None
        self.step(job, "at_scene" if halt.pickup else "at_destination")
        wait = max((halt.not_before or self._now) - self._now, timedelta())
        self._later(unit, wait + self._stays(halt), lambda: self._done(run, halt))

    def _stays(self, halt: Halt) -> timedelta:
        trip = halt.job.trip
        if trip.lane == "booked":
            median = BOARDING[trip.mobility].total_seconds()
            return self._drawn((median, BOARDS_SPREAD), "boards", trip.id, halt.pickup)
        what = HAZARD if trip.asked.hazard else AT_SCENE if halt.pickup else HAND_OVER
        return self._drawn(what, "scene", trip.id, halt.pickup)

    def _done(self, run: Run, halt: Halt) -> None:
        run.halts.remove(halt)
        job, trip = halt.job, halt.job.trip
        if not halt.pickup:
            self._clears(run, job, "transported" if trip.lane == "emergency" else "completed")
        elif not job.primary or not self._brings(trip):
            run.halts = [each for each in run.halts if each.job is not job]
            self._clears(run, job, "hazard_cleared" if trip.asked.hazard else "treated_on_scene")
        else:
            self.step(job, "left_scene")
            run.dirty = run.dirty or trip.wanted.contaminates
            self._region.town(trip).desk.supports_leave(trip)
        if run.unit.run is run:
            self.go_on(run)

    def _clears(self, run: Run, job: Job, outcome: str) -> None:
        self.step(job, "clear", outcome=outcome)
        job.ended_at = self._now
        run.jobs.remove(job)
        if job.primary:
            self._region.town(job.trip).desk.completed(job.trip, outcome)

    def _brings(self, trip: Trip) -> bool:
        if trip.lane == "booked":
            return True
        return trip.asked.hazard is None and not self._region.fate.falls(NOT_TRANSPORTED, "stays", trip.id)

    def _close(self, run: Run) -> None:
        unit = run.unit
        unit.run = None
        unit.turn += 1
        self._region.journal.say(Tour(self._now, unit.id, run.number, opens=False))
        if run.dirty:
            unit.clean = False
            self._region.clock.after(self._drawn(CLEANING, "cleans", run.number), lambda: self._cleaned(unit))
        self._region.freed(unit)
        self.homeward(unit)

    def _cleaned(self, unit: Unit) -> None:
        unit.clean = True
        self._region.freed(unit)

    def homeward(self, unit: Unit) -> None:
        """To its station, where it may be called on the way."""
        if unit.run is None and unit.where(self._now) != unit.station:
            self._drive(unit, unit.station, urgent=False, then=lambda: None)

    def drop(self, job: Job) -> None:
        """The unit is not needed for this one any more: on to the others of its run, or free."""
        run = job.unit.run
        if run is None or job not in run.jobs:
            return
        run.jobs.remove(job)
        here = not run.halts or run.halts[0].job is job
        run.halts = [halt for halt in run.halts if halt.job is not job]
        if not run.jobs:
            self._stand(job.unit)
            self._close(run)
        elif here:
            self._stand(job.unit)
            self.go_on(run)

    def step(self, job: Job, what: str, *, reason: str | None = None, outcome: str | None = None) -> None:
        """One step of an assignment, by the life table."""
        job.life = moved(job.life, what, self._now, reason, outcome)
        if what == "at_scene":
            self._region.journal.say(Seen(self._now, job.unit.id, job.unit.place))
        self._region.journal.say(Step(self._now, job.trip.id, job.unit.id, job.status, not job.primary))

    # --- driving ----------------------------------------------------------------------------------------------

    def _drive(self, unit: Unit, to: Point, *, urgent: bool, then: Callable[[], None]) -> None:
        start = self._stand(unit)
        [travel] = self._region.home(unit).policy.travel_times.to([start], to, urgent=urgent)
        spread = math.exp(self._region.fate.dice("drive", unit.id, self._now).gauss(0.0, ROAD_SPREAD))
        there_at = self._now + timedelta(seconds=travel.duration_s * spread)
        unit.leg = Leg(start, to, self._now, there_at)
        self._later(unit, there_at - self._now, lambda: self._there(unit, then))

    def _there(self, unit: Unit, then: Callable[[], None]) -> None:
        self._stand(unit)
        then()

    def _stand(self, unit: Unit) -> Point:
        """Where it is now, whatever it was driving to."""
        unit.place = unit.where(self._now)
        unit.leg = None
        self._region.journal.say(Seen(self._now, unit.id, unit.place))
        return unit.place

    def _hospital(self, unit: Unit) -> Point:
        times = self._region.home(unit).policy.travel_times
        places = self._region.hospitals
        ways = [times.to([unit.where(self._now)], place, urgent=True)[0].duration_s for place in places]
        return places[ways.index(min(ways))]

    def _drawn(self, what: tuple[float, float], *names: object) -> timedelta:
        return self._region.fate.lasts(what, *names)

    def _later(self, unit: Unit, wait: timedelta, act: Callable[[], None]) -> None:
        """Then, unless something else became of the unit's way."""
        unit.turn += 1
        turn = unit.turn
        self._region.clock.after(wait, lambda: act() if unit.turn == turn else None)
