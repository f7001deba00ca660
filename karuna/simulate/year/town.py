"""One municipality of the year: its policy, its units, its desk, its rides."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from karuna.simulate.year.asks import Ask
from karuna.simulate.year.clock import Clock, Fate
from karuna.simulate.year.crews import Crews
from karuna.simulate.year.desk import Desk
from karuna.simulate.year.fleet import Unit
from karuna.simulate.year.guesses import TYPING
from karuna.simulate.year.journal import Asked as SaidAsked
from karuna.simulate.year.journal import Journal, Step
from karuna.simulate.year.people import Job, Trip
from karuna.simulate.year.rides import Rides
from services.dispatch.policy import Policy
from services.dispatch.rules import windows
from services.dispatch.rules.cards import card_for, slots_of
from services.dispatch.rules.life import Life
from services.dispatch.rules.requirements import Asked
from shared.pack_parts import Pack

if TYPE_CHECKING:
    from karuna.simulate.year.region import Region


class Town:
    """``supported``: trips that wait for more units than their own."""

    def __init__(self, region: Region, pack: Pack, policy: Policy, own: list[Unit]) -> None:
        self.region, self.pack, self.policy = region, pack, policy
        self.slug, self._own = pack.area.slug, own
        self.desk, self.crews, self.rides = Desk(self), Crews(self), Rides(self)
        self.supported: dict[Trip, None] = {}

    @property
    def clock(self) -> Clock:
        return self.region.clock

    @property
    def fate(self) -> Fate:
        return self.region.fate

    @property
    def journal(self) -> Journal:
        return self.region.journal

    def units(self) -> list[Unit]:
        """Who serves here just now: its own that are not lent, and those lent to it."""
        return [unit for unit in (*self.own(), *self.region.lent) if unit.serves == self.slug]

    def own(self) -> list[Unit]:
        return self._own

    def free(self) -> list[Unit]:
        return [unit for unit in self.units() if unit.free(self.clock.now)]

    def said(self, job: Job) -> None:
        self.journal.say(Step(self.clock.now, job.trip.id, job.unit.id, job.status, not job.primary))

    # --- a call -----------------------------------------------------------------------------------------------

    def rings(self, ask: Ask) -> None:
        """Somebody answers the telephone and types; then the call is there."""
        typing = TYPING.get(ask.severity, TYPING["others"])
        wait = self.fate.lasts(typing, "types", ask.id)
        trips = [self._trip(ask, number) for number in range(ask.people)]
        self.clock.after(wait, lambda: self._received(trips))

    def _received(self, trips: list[Trip]) -> None:
        for trip in trips:
            trip.life = Life("trip", "requested")
            if trip.lane == "emergency":
                trip.now_at = self.clock.now
                self.desk.find_unit(trip)
            else:
                self.rides.asked(trip)
        for trip in trips:  # everybody's first unit before anybody's second
            if len(trip.slots) > 1 and not trip.ended:
                self.supported[trip] = None
                self.desk.support(trip)

    def _trip(self, ask: Ask, number: int) -> Trip:
        asked, flags = _asked(ask), {"hazard" if ask.hazard else "medical", ask.hazard or ""}
        flags.update((*asked.needs, *asked.groups))
        card = card_for(self.policy.cards, ask.severity, ask.group, flags) if ask.lane == "emergency" else None
        trip = Trip(
            f"{ask.id}/{number}", ask.lane, ask.severity, "outbound", ask.at, ask.known, ask.place, ask.drop, asked,
            visit=ask.visit, slots=slots_of(card) if card and number == 0 else (),
        )  # fmt: skip
        if ask.visit is not None and ask.drop is not None:
            [travel] = self.policy.travel_times.to([ask.place], ask.drop, urgent=False)
            window = windows.to_appointment(ask.visit.at, timedelta(seconds=travel.duration_s), asked.mobility)
            trip.window = (window.pickup_earliest_at, window.pickup_latest_at)
            trip.arrive_by_at = window.arrive_by_at
            if ask.visit.back:
                trip.home = Trip(
                    f"{trip.id}/home", "booked", ask.severity, "return", ask.at, ask.drop, ask.drop, ask.place, asked,
                    life=Life("trip", "awaiting_ready"), visit=ask.visit,
                )  # fmt: skip
        for each in (trip, trip.home):
            if each is not None:
                self._say(each, ask)
        return trip

    def _say(self, trip: Trip, ask: Ask) -> None:
        by_at = trip.visit.at if trip.visit and trip.leg == "outbound" else None
        self.journal.say(SaidAsked(
            ask.at, trip.id, self.slug, trip.lane, trip.severity, trip.leg, ask.medical, trip.place, trip.drop, by_at,
            self.load(trip),
        ))  # fmt: skip

    def load(self, trip: Trip) -> dict[str, float]:
        """What a rider takes up."""
        if trip.lane != "booked":
            return {}
        return {kind: float(count) for kind, count in trip.wanted.must.places.items()} or {"seat": 1.0}


def _asked(ask: Ask) -> Asked:
    patient: dict[str, Any] = ask.patient or {}
    return Asked(
        severity=ask.severity, lane=ask.lane, mobility=patient.get("mobility"), needs=tuple(patient.get("needs", ())),
        groups=tuple(patient.get("groups", ())), companions=ask.companions, hazard=ask.hazard,
    )  # fmt: skip
