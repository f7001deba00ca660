"""A planned tour that lost a rider: it begins later and ends sooner where it can; nobody else's time changes."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from services.dispatch import fleet
from services.dispatch.policy import policy_of
from services.dispatch.rules.windows import BOARDING, UNKNOWN_APPROACH, at_the_door
from services.dispatch.store import assignments, runs, trips
from services.dispatch.store.runs import Run
from services.dispatch.store.trips import Trip
from shared.geo import Point
from shared.work import Work


async def settle(work: Work, run: Run) -> None:
    """Fit the window of a planned run to the riders it still has. The caller holds the run."""
    if run.status != "planned":
        return
    riders = [each for each in await assignments.of_run(work.db, run.id) if each.ended_at is None]
    timed = [(each.pickup_at, each.dropoff_at, each) for each in riders if each.pickup_at and each.dropoff_at]
    if not riders or len(timed) < len(riders):
        return
    carried = {trip.id: trip for trip in await trips.these(work.db, [each.trip_id for each in riders])}
    first_at, _, first = min(timed, key=lambda each: each[0])
    starts_at = first_at - await _approach(work, run, carried[first.trip_id])
    ends_at = max(down + _boarding(carried[each.trip_id]) for _, down, each in timed)
    now_at = await runs.shrink(work.db, run.id, (starts_at, ends_at))
    if now_at is not None:
        await runs.set_start(work.db, first.id, now_at)


def _boarding(trip: Trip) -> timedelta:
    return BOARDING.get(trip.need.get("mobility"), BOARDING[None])


async def _approach(work: Work, run: Run, trip: Trip) -> timedelta:
    member = await fleet.one(work.db, run.unit_id)
    if member is None or member.facts.station is None or trip.pickup is None:
        return UNKNOWN_APPROACH
    [travel] = policy_of(run.area).travel_times.to([member.facts.station], Point(*trip.pickup), urgent=False)
    return timedelta(minutes=-(-travel.duration_s // 60))


async def door_at(work: Work, trip: Trip, unit_id: UUID, accepted_at: datetime) -> datetime:
    """When a unit that goes at once is at the door: from where it is now, as far as both places are known."""
    member = await fleet.one(work.db, unit_id)
    origin = (member.facts.position or member.facts.station) if member else None
    if origin is None or trip.pickup is None:
        return at_the_door(accepted_at, None)
    [travel] = policy_of(trip.area).travel_times.to([origin], Point(*trip.pickup), urgent=False)
    return at_the_door(accepted_at, timedelta(seconds=travel.duration_s))
