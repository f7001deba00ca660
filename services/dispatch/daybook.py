"""A day of booked rides as :mod:`services.dispatch.rules.offers` wants it: wishes, units, and when these are bound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.dispatch import fleet
from services.dispatch.fleet import Member
from services.dispatch.policy import policy_of
from services.dispatch.rules.eligibility import shortfalls
from services.dispatch.rules.offers import Candidate, Wish
from services.dispatch.store import runs
from services.dispatch.store.trips import Trip
from services.dispatch.verbs.book import OF_THE_MOMENT
from services.dispatch.verbs.grow import ride
from services.dispatch.verbs.needs import wanted
from shared.database import Connection, Pool
from shared.geo import Point

Spans = tuple[tuple[datetime, datetime], ...]
AROUND = timedelta(hours=12)
"""How far around a ride other work of a unit can matter."""
STILL_OUT = timedelta(hours=1)
"""Whoever is on a run now is not counted on before this."""
SOON = timedelta(hours=4)
"""A ride this near wants a unit that is on duty."""
OUT = "out_of_service"


@dataclass(frozen=True, slots=True)
class Daybook:
    """The units of a municipality and when each is bound."""

    members: Sequence[Member]
    bound: dict[UUID, Spans]
    now: datetime

    def candidates(self, trip: Trip) -> list[Candidate]:
        """Every unit for this ride, with what it lacks."""
        return [self._candidate(trip, member) for member in self.members]

    def _candidate(self, trip: Trip, member: Member) -> Candidate:
        at = trip.pickup_latest_at or self.now
        lacks = [s for s in shortfalls(member.facts, wanted(trip), at) if s.hard and s.code not in OF_THE_MOMENT]
        codes = [s.what for s in lacks] + ([OUT] if member.facts.duty == OUT else [])
        on_duty = member.facts.duty == "on_duty" or at - self.now > SOON
        approach = _approach(trip, member)
        return Candidate(str(member.id), approach, self.bound.get(member.id, ()), tuple(codes), on_duty)


def wish_of(trip: Trip) -> Wish | None:
    """None where nobody has said when."""
    latest = trip.pickup_latest_at or trip.pickup_at
    if latest is None:
        return None
    earliest = trip.pickup_earliest_at or latest
    return Wish(str(trip.id), min(earliest, latest), latest, ride(trip), trip.need.get("mobility"))


async def read(db: Connection | Pool, area: str, rides: Sequence[Trip], now: datetime, *, exercise: bool) -> Daybook:
    """All that these rides could meet."""
    times = [at for trip in rides if (at := trip.pickup_latest_at or trip.pickup_at)] or [now]
    span = (min(times) - AROUND, max(times) + AROUND)
    members = await fleet.everyone(db, area, exercise=exercise, now=now)
    found = await runs.bound(db, area, span, now + STILL_OUT)
    return Daybook(members, {unit_id: tuple(spans) for unit_id, spans in found.items()}, now)


def _approach(trip: Trip, member: Member) -> timedelta | None:
    origin = member.facts.station
    if origin is None or trip.pickup is None:
        return None
    [travel] = policy_of(trip.area).travel_times.to([origin], Point(*trip.pickup), urgent=False)
    return timedelta(seconds=travel.duration_s)
