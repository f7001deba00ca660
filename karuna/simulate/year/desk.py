"""Whom to send: dispatch's own rules on a municipality's units as they are at this moment.

The order of the rules is that of ``services.dispatch.verbs.decide``, ``bump``, ``queue`` and ``support``, whose rules
it calls and whose waiting times it uses; only what they read from the database is the simulation's.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from karuna.simulate.year.clock import Timer
from karuna.simulate.year.fleet import Unit
from karuna.simulate.year.guesses import GIVES_UP
from karuna.simulate.year.journal import Ended
from karuna.simulate.year.people import ASKED, WORKING, Job, Trip, moved
from karuna.simulate.year.ringing import ring_soon
from services.dispatch.emergencies.choice import BY_TIME, URGENCY
from services.dispatch.emergencies.sparing import best_spared
from services.dispatch.emergencies.surge import Waiting, assign
from services.dispatch.rules.cards import ANY, demand
from services.dispatch.rules.changes import asked_once_more, may_lie
from services.dispatch.rules.eligibility import shortfalls
from services.dispatch.rules.ranking import Recommendation, best, scores
from services.dispatch.rules.requirements import Demand, Requirements
from services.dispatch.store.assignments import BUMPED, TAKEABLE
from services.dispatch.verbs.bump import AGED, LEAST_SAVING_S
from services.dispatch.verbs.decide import BOOKED_SOON
from services.dispatch.verbs.queue import MANY

if TYPE_CHECKING:
    from karuna.simulate.year.town import Town

OFTEN_FOR, SELDOM = timedelta(minutes=5), timedelta(minutes=3)
"""A waiting trip is looked at as often as the policy says for so long, then seldom: who is free is heard anyway."""
WATCHDOG = timedelta(seconds=60)
"""An urgent call without a unit alarms the desk, where a person sends whoever is free, over what is missing."""
FIRST_AID = Requirements(Demand(crew=1, skills=frozenset({"first_aid"})), urgent=True)


class Desk:
    """Decisions of one municipality, one after the other."""

    def __init__(self, town: Town) -> None:
        self._town = town
        self.waiting: dict[str, Trip] = {}
        self._again: dict[str, Timer] = {}

    @property
    def _now(self) -> datetime:
        return self._town.clock.now

    # --- one trip ---------------------------------------------------------------------------------------------

    def find_unit(self, trip: Trip) -> bool:
        """Ask the best free unit, take one from something less urgent, or let the trip wait where everybody sees it."""
        found = self._choose(trip, trip.wanted)
        taking = self._sooner(trip, found)
        if taking is not None:
            self._take(taking)
            found = self._recommended([taking.unit], trip, trip.wanted)
        if found is None:
            if not self._by_hand(trip):
                self._queue(trip)
            return False
        unit = self._town.region.units[found.unit_id]
        booked_soon = self._town.region.home(unit).rides.starts_before(unit, self._now + BOOKED_SOON)
        # Whoever is ready to go home is treated like a green emergency.
        way = ("emergency", "green") if trip.leg == "return" else (trip.lane, trip.severity)
        if self._town.policy.must_be_confirmed(*way):
            self._town.crews.propose(trip, unit)
        else:
            self._town.crews.ask(trip, unit)
        if booked_soon:
            self._town.region.home(unit).rides.spare(unit)
        return True

    def _choose(self, trip: Trip, wanted: Requirements) -> Recommendation | None:
        free = self._town.free()
        out = {job.unit.id for job in trip.jobs if not self._may_ask_again(job)}
        open_to = [unit for unit in free if unit.id not in out]
        pool = open_to if self._town.policy.parallel(trip.severity) else self._unbooked(open_to) or open_to
        last = {job.unit: job for job in trip.jobs}
        again = [unit for unit in free if unit in last and self._once_more(last[unit])]
        found = self._recommended(pool, trip, wanted) or self._recommended(again, trip, wanted)
        if found is None and may_lie(trip.leg, trip.now_at, self._now):
            lying = trip.wanted_lying
            found = self._recommended(pool, trip, lying) or self._recommended(again, trip, lying)
            if found is not None:
                self._town.journal.lying.add(trip.id)
        return found

    def _once_more(self, job: Job) -> bool:
        return asked_once_more(job.status, job.ended_at, self._now, self._town.policy.no_holds)

    def _unbooked(self, units: Sequence[Unit]) -> list[Unit]:
        until = self._now + BOOKED_SOON
        return [unit for unit in units if not self._town.region.home(unit).rides.starts_before(unit, until)]

    def _may_ask_again(self, job: Job) -> bool:
        if job.ended_at is None or job.status == "declined":
            return False
        return job.status == "released" or job.ended_at + self._town.policy.ask_again <= self._now

    def _recommended(self, pool: Sequence[Unit], trip: Trip, wanted: Requirements) -> Recommendation | None:
        policy, facts = self._town.policy, [unit.facts(self._now) for unit in pool]
        asked, times, weights = (facts, wanted, trip.pickup, self._now), policy.travel_times, policy.weights
        if not policy.spares or trip.lane != "emergency" or URGENCY[trip.severity] >= BY_TIME:
            return best(*asked, times, weights)
        return best_spared(*asked, trip.severity, policy.demand, times, weights)

    def _sooner(self, trip: Trip, idle: Recommendation | None) -> Job | None:
        """A unit on its way to something less urgent that would be there enough sooner."""
        policy = self._town.policy
        if trip.lane != "emergency" or not policy.takes or policy.must_be_confirmed(trip.lane, trip.severity):
            return None
        less = {job.unit.id: job for unit in self._town.units() if (job := self._takeable(unit, trip))}
        first = self._recommended_among([job.unit for job in less.values()], trip)
        if first is None or (idle is not None and idle.score_s - first.score_s < LEAST_SAVING_S):
            return None
        return less[first.unit_id]

    def _recommended_among(self, units: Sequence[Unit], trip: Trip) -> Recommendation | None:
        policy, facts = self._town.policy, [unit.facts(self._now) for unit in units]
        return best(facts, trip.wanted, trip.pickup, self._now, policy.travel_times, policy.weights) if facts else None

    def _takeable(self, unit: Unit, trip: Trip) -> Job | None:
        if unit.run is None or len(unit.run.jobs) != 1:
            return None
        [job] = unit.run.jobs
        other = job.trip
        if not job.primary or job.status not in TAKEABLE or other is trip or other.bumped:
            return None
        if other.lane == "booked":
            return job if self._town.policy.parallel(trip.severity) else None
        young = other.received_at > self._now - AGED
        return job if young and URGENCY[other.severity] < URGENCY[trip.severity] else None

    def _take(self, job: Job) -> None:
        """It is released from what it drives to; that one needs another at once."""
        loser = job.trip
        loser.bumped = True
        self._town.region.taking = job.unit.id
        self._town.region.town(loser).crews.end(job, "release", BUMPED)
        self._town.region.taking = ""
        self.lost(job)

    def lost(self, job: Job) -> None:
        """A trip of this or another desk lost its unit."""
        trip = job.trip
        if trip.life.status not in {"planned", "under_way"}:
            return
        desk = self._town.region.town(trip).desk
        if trip.lane == "booked" and trip.now_at is None:
            self._town.region.town(trip).rides.lost(job, sure=False)
            return
        trip.life, trip.told_at = moved(trip.life, "unassign", self._now), None
        desk.waiting[trip.id] = trip
        self._town.clock.at(self._now, lambda: desk.look_again(trip))

    def _by_hand(self, trip: Trip) -> bool:
        """Alarmed, a dispatcher orders the nearest who can give first aid, with a reason that is written down."""
        since = trip.now_at or trip.received_at
        if trip.asked.hazard or not self._town.policy.parallel(trip.severity) or self._now - since < WATCHDOG:
            return False
        if self._someone(trip):
            return False
        out = {job.unit.id for job in trip.jobs if not self._may_ask_again(job)}
        able = [unit for unit in self._town.free() if unit.id not in out]
        found = self._recommended(able, trip, FIRST_AID)
        if found is None:
            return False
        self._town.journal.by_hand.add(trip.id)
        self._town.crews.ask(trip, self._town.region.units[found.unit_id])
        return True

    # --- who waits --------------------------------------------------------------------------------------------

    def _queue(self, trip: Trip) -> None:
        if not trip.waits:
            return
        since = trip.now_at or trip.received_at
        wait = self._town.policy.retry if self._now - since < OFTEN_FOR else SELDOM
        if (before := self._again.pop(trip.id, None)) is not None:
            before.cancel()
        self._again[trip.id] = self._town.clock.after(wait, lambda: self.look_again(trip))
        if any(job.primary and job.status in ASKED for job in trip.jobs):
            return
        if trip.life.status == "requested":
            trip.life = moved(trip.life, "queue", self._now)
        if trip.id not in self.waiting:
            self._town.journal.waits.setdefault(trip.id, set()).update(self._reasons(trip))
            self.waiting[trip.id] = trip
            self._town.region.ask_neighbours(trip)
            ring_soon(self._town, trip)

    def _reasons(self, trip: Trip) -> tuple[str, ...]:
        """As ``decide`` says it: who is free and fits said no, or the least that is missing."""
        free = self._town.free()
        if not free:
            return ("nobody_free",)
        lacking = [[s for s in shortfalls(unit.facts(self._now), trip.wanted, self._now) if s.hard] for unit in free]
        if not all(lacking):
            return ("nobody_willing",)
        return ("nobody_fits", *sorted({f"no_{short.what.lower()}" for short in min(lacking, key=len)}))

    def look_again(self, trip: Trip) -> None:
        """Its turn: it still needs a unit, and nobody is on the way to an answer."""
        if not trip.waits or trip.now_at is None:
            return
        if self._gives_up(trip):
            return
        if not any(job.primary and (job.status in WORKING or job.status in ASKED) for job in trip.jobs):
            self.find_unit(trip)

    def _gives_up(self, trip: Trip) -> bool:
        kind = "hazard" if trip.asked.hazard else "emergency"
        if trip.lane != "emergency" or self._now - trip.received_at < GIVES_UP[kind]:
            return False
        codes = sorted(self._town.journal.waits.get(trip.id, ())) or ["nobody_willing"]
        for job in trip.open_jobs():
            self._town.crews.end(job, "release", "trip_cancelled")
        self.ends(trip, "refused", "+".join(codes))
        return True

    def serve(self) -> None:
        """A unit became free: the most urgent and longest waiting trip is served first; in a surge all together."""
        waiting = sorted(
            (trip for trip in self.waiting.values() if trip.waits and trip.now_at),
            key=lambda trip: (-URGENCY[trip.severity], trip.now_at, trip.id),
        )
        for trip, unit in self._surge(waiting):
            if unit.free(self._now) and trip.waits and not self._someone(trip):
                self._town.crews.ask(trip, unit)
        for trip in waiting:
            self.look_again(trip)
        for trip in list(self._town.supported):
            self.support(trip)

    def _someone(self, trip: Trip) -> bool:
        return any(job.primary and (job.status in WORKING or job.status in ASKED) for job in trip.jobs)

    def _surge(self, waiting: Sequence[Trip]) -> list[tuple[Trip, Unit]]:
        open_trips = [trip for trip in waiting if not self._someone(trip)]
        free = self._town.free()
        if len(open_trips) < MANY or len(free) < MANY:
            return []
        seconds = np.full((len(open_trips), len(free)), np.inf)
        policy = self._town.policy
        for row, trip in enumerate(open_trips):
            out = {job.unit.id for job in trip.jobs if not self._may_ask_again(job)}
            facts = [unit.facts(self._now) for unit in free]
            scored = scores(facts, trip.wanted, trip.pickup, self._now, policy.travel_times, policy.weights)
            for column, unit in enumerate(free):
                if unit.id in scored and unit.id not in out:
                    seconds[row, column] = scored[unit.id]
        asked = [Waiting(t.severity, (self._now - (t.now_at or self._now)).total_seconds()) for t in open_trips]
        return [(open_trips[row], free[column]) for row, column in assign(asked, seconds).items()]

    def taken(self, trip: Trip) -> None:
        self.waiting.pop(trip.id, None)

    # --- several units ----------------------------------------------------------------------------------------

    def support(self, trip: Trip) -> None:
        """Ask a unit for each slot of the run card that nobody fills."""
        if trip.ended:
            self._town.supported.pop(trip, None)
            return
        for slot in trip.missing():
            must = trip.wanted.must if slot == ANY else demand(slot)
            found = self._choose(trip, Requirements(must, Demand(), urgent=trip.wanted.urgent))
            if found is not None:
                self._town.crews.ask(trip, self._town.region.units[found.unit_id], slot)

    def supports_leave(self, trip: Trip) -> None:
        """The patient has left, or is helped: who came in support goes, and nobody else is looked for."""
        self._town.supported.pop(trip, None)
        for job in trip.open_jobs():
            if not job.primary:
                self._town.crews.end(job, "release", "not_needed")

    # --- ends -------------------------------------------------------------------------------------------------

    def completed(self, trip: Trip, outcome: str) -> None:
        self.supports_leave(trip)
        self.ends(trip, "done", outcome)
        if trip.home is not None:
            self._town.rides.brought(trip)

    def ends(self, trip: Trip, how: str, code: str) -> None:
        """``done``, ``cancelled`` or ``refused``, each with its code."""
        what = "complete" if how == "done" else "cancel"
        reason = None if how == "done" else "other"
        trip.life = moved(trip.life, what, self._now, reason, code if how == "done" else None)
        self.waiting.pop(trip.id, None)
        self._town.journal.say(Ended(self._now, trip.id, how, code))
