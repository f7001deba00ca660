"""Crews that are asked: they press a button after some seconds, decline, or sleep; silence goes on to the next.

Times are the municipality's own policy: how long an answer may take, when the next unit is alerted beside a silent one,
when the silent one is free again. Offers to whoever is off duty wait for the end of the quiet hours.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from karuna.simulate.pace import ANSWER, CALL_IN, DECLINES, DESK, SLEEPS, SMS_WAKES
from karuna.simulate.year.fleet import Unit
from karuna.simulate.year.guesses import BOOKED_ANSWER, SYSTEM_S
from karuna.simulate.year.journal import Promise
from karuna.simulate.year.people import ASKED, Job, Trip, moved
from services.dispatch.rules.life import Life
from services.dispatch.rules.windows import at_the_door
from shared.thai.quiet import next_allowed

if TYPE_CHECKING:
    from karuna.simulate.year.town import Town

HELD_UP = timedelta(minutes=5)
"""An answer to a booked offer may take so long at the least."""


class Crews:
    """Of one municipality: whoever serves it."""

    def __init__(self, town: Town) -> None:
        self._town = town

    @property
    def _now(self) -> datetime:
        return self._town.clock.now

    def ask(self, trip: Trip, unit: Unit, slot: str | None = None) -> Job:
        """At once: an order to who is on duty, an offer to volunteers and for rides."""
        way = "offer" if trip.lane == "booked" or unit.volunteer else "order"
        job = self._asked(trip, unit, way, slot)
        unit.asked.add(job)
        if way == "order":
            self._town.region.road.open(unit, [job])
        respond = self._town.policy.respond(trip.severity, volunteer=unit.volunteer)
        self._town.clock.after(respond, lambda: self._silent(job))
        self._await_answer(job, urgent=True)
        return job

    def propose(self, trip: Trip, unit: Unit) -> None:
        """A dispatcher confirms it within seconds."""
        job = Job(trip, unit, Life("assignment", "proposed"), self._now, len(trip.jobs) + 1)
        trip.jobs.append(job)
        unit.asked.add(job)
        wait = self._town.fate.lasts(DESK, "confirms", trip.id, job.attempt)
        self._town.clock.after(wait, lambda: self._confirmed(job))

    def _confirmed(self, job: Job) -> None:
        if job.status == "proposed":
            self.end(job, "release", "replanned")
            job.trip.jobs.remove(job)
            self.ask(job.trip, job.unit)

    def book(self, trip: Trip, unit: Unit, start_at: datetime, pickup_at: datetime) -> Job:
        """For later: the crew has hours to answer, but never longer than would leave time for somebody else."""
        job = self._asked(trip, unit, "offer", None)
        job.start_at = start_at
        policy = self._town.policy
        latest = min(self._now + policy.booked_respond, pickup_at - policy.booked_due)
        answer_by = max(latest, self._now + HELD_UP)
        self._town.clock.at(answer_by, lambda: self._gives_up(job))
        self._await_answer(job, urgent=answer_by - self._now < policy.booked_due)
        return job

    def _asked(self, trip: Trip, unit: Unit, way: str, slot: str | None) -> Job:
        life = moved(Life("assignment", "proposed"), way, self._now)
        job = Job(trip, unit, life, self._now, len(trip.jobs) + 1, slot)
        trip.jobs.append(job)
        self._town.said(job)
        return job

    # --- people -----------------------------------------------------------------------------------------------

    def _await_answer(self, job: Job, *, urgent: bool) -> None:
        """``urgent``: everybody's telephone rings; else they look when they can, and not in the quiet hours."""
        fate, unit, names = self._town.fate, job.unit, (job.trip.id, job.unit.id, job.attempt)
        heard = self._now + timedelta(seconds=SYSTEM_S)
        on_duty = unit.shift(self._now) is not None
        if job.start_at is not None and not on_duty:
            voice = self._town.pack.policies.notify
            heard = next_allowed(heard, voice.quiet_from, voice.quiet_until)
        times = []
        for member in unit.crews[unit.shift(self._now) or "day"]:
            if not fate.falls(SLEEPS[member.kind], "sleeps", *names, member.code):
                what = ANSWER if urgent else BOOKED_ANSWER
                times.append(heard + fate.lasts(what, "answers", *names, member.code))
            elif urgent and fate.falls(SMS_WAKES, "wakes", *names, member.code):
                sms = heard + timedelta(seconds=self._town.pack.policies.notify.emergency_wait_s)
                times.append(sms + fate.lasts(CALL_IN, "calls in", *names, member.code))
        if times:
            declines = fate.falls(DECLINES, "declines", *names)
            self._town.clock.at(min(times), lambda: self._answers(job, declines=declines))

    def _answers(self, job: Job, *, declines: bool) -> None:
        if job.status not in ASKED:
            return
        if declines:
            self.end(job, "decline")
            self._lost(job)
        else:
            self.accept(job)

    def accept(self, job: Job) -> None:
        """The unit goes, or is booked; everybody else who was asked may stand down."""
        trip, unit = job.trip, job.unit
        later = job.start_at is not None
        if not later and unit.run is None and not unit.on_duty(self._now):
            self.end(job, "expire")
            self._lost(job)
            return
        unit.asked.discard(job)
        self._town.region.road.step(job, "accept")
        if later:
            return
        if job.primary:
            trip.life = moved(trip.life, "plan", self._now)
            self._town.desk.taken(trip)
            for other in trip.open_jobs():
                if other is not job and other.primary:
                    self.end(other, "release", "another_accepted")
            if trip.lane == "booked" and trip.told_at is None:
                trip.told_at = at_the_door(self._now, self._approach(trip, unit))
                self._town.journal.say(Promise(self._now, trip.id, unit.id, trip.told_at))
        if unit.run is None:
            self._town.region.road.open(unit, [job])
        self._town.region.road.turn_out(job)

    def _approach(self, trip: Trip, unit: Unit) -> timedelta | None:
        if trip.pickup is None:
            return None
        [travel] = self._town.policy.travel_times.to([unit.where(self._now)], trip.pickup, urgent=False)
        return timedelta(seconds=travel.duration_s)

    # --- silence ----------------------------------------------------------------------------------------------

    def _silent(self, job: Job) -> None:
        """Urgent: the next unit is alerted beside the silent one; else silence counts as no."""
        if job.status not in ASKED:
            return
        if not job.primary or not self._town.policy.parallel(job.trip.severity):
            self._gives_up(job)
            return
        self._town.clock.after(self._town.policy.silent_until, lambda: self._gives_up(job))
        later = [each for each in job.trip.jobs if each.attempt > job.attempt and each.primary]
        if not any(each.status in ASKED for each in later) and job.trip.waits:
            self._town.desk.find_unit(job.trip)

    def _gives_up(self, job: Job) -> None:
        if job.status in ASKED:
            self.end(job, "expire")
            self._lost(job)

    def _lost(self, job: Job) -> None:
        """The next one."""
        trip = job.trip
        if trip.ended:
            return
        if not job.primary:
            self._town.desk.support(trip)
        elif job.start_at is not None:
            self._town.rides.lost(job, sure=job.status == "declined")
        elif trip.waits and not any(each.primary for each in trip.open_jobs()):
            self._town.desk.find_unit(trip)

    def end(self, job: Job, what: str, reason: str | None = None) -> None:
        """``decline``, ``expire`` or ``release``; the unit is free of it."""
        was_proposed = job.status == "proposed"
        job.life = moved(job.life, what, self._now, reason)
        job.ended_at = self._now
        job.unit.asked.discard(job)
        if not was_proposed:
            self._town.said(job)
        self._town.region.road.drop(job)
