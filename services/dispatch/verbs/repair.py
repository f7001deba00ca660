"""Booked rides that lost their unit, or are about to: a place beside what others have promised, at once.

Only where the municipality lets the system book; else the ride waits in the day list, with its alarm.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from services.dispatch.policy import policy_of
from services.dispatch.store import assignments, runs, shares, trips, units
from services.dispatch.store.trips import Trip
from services.dispatch.verbs import home, on_the_way, release, tours
from shared.errors import Refused
from shared.work import Work

BUSY_FOR = timedelta(hours=1)
"""So long a unit that was sent to something else is not counted on."""
OUT_FOR = timedelta(hours=24)
"""Whose end nobody has said."""
EVER = timedelta(days=366)


async def anew(work: Work, trip: Trip, *, without: Collection[UUID] = ()) -> bool:
    """Another place for this ride. False: there is none, and nothing was touched. The caller holds area and trip."""
    if policy_of(trip.area).must_be_confirmed(trip.lane, trip.severity):
        return False
    for pickup_at in (*await _told(work, trip), None):  # the time that was told, where somebody can keep it
        try:
            async with work.attempt():
                if await tours.join(work, trip.id, trip.area, None, pickup_at, without=without) is not None:
                    return True
        except Refused:
            return False
    if policy_of(trip.area).pack.on_the_way != "auto":
        return False
    return await on_the_way.join(work, trip, without=without) is not None


async def _told(work: Work, trip: Trip) -> list[datetime]:
    had = await assignments.of_trips(work.db, [trip.id])
    at = trip.pickup_at or next((each.pickup_at for each in reversed(had) if each.pickup_at), None)
    return [at] if at is not None else []


async def spare_riders(work: Work, unit_id: UUID) -> None:
    """The unit drives elsewhere now, or not at all: its next riders go with others where they can.

    Where nobody has a place, a unit that is only busy keeps them, for late is better than never; one that is out of
    service loses them, so that everybody sees it, and so does one that was lent with those it promised where it does
    not serve any more. The caller holds the areas of all its runs.
    """
    unit = await units.read(work.db, unit_id)
    if unit is None or not unit["active"]:
        return
    out = unit["duty"] == "out_of_service"
    until = (unit["until_at"] or work.now + OUT_FOR) if out else work.now + BUSY_FOR
    share = await shares.of_unit(work.db, unit_id)
    serves = {unit["area"], share.with_area if share else unit["area"]}
    held = await runs.promised_by(work.db, [unit_id], (work.now, work.now + EVER), exercise=unit["exercise"])
    riders = [
        row["trip_id"] for row in held
        if row["run_status"] == "planned" and (row["starts_at"] < until or row["area"] not in serves)
    ]  # fmt: skip
    for trip in await trips.lock_these(work.db, sorted(riders)):
        gone = trip.area not in serves
        if not await anew(work, trip, without={unit_id}) and (out or gone):
            await _lose(work, trip, unit_id, "loan_over" if gone else "vehicle_fault")


async def _lose(work: Work, trip: Trip, unit_id: UUID, reason: str) -> None:
    for assignment in await assignments.of_trips(work.db, [trip.id]):
        if assignment.unit_id == unit_id and assignment.ended_at is None:
            await release.release(work, trip, assignment, reason)
            await release.lose_unit(work, trip, assignment, reason)


async def left(work: Work, unit_id: UUID) -> None:
    """A unit is off duty, or out of service or use: who relied on it goes with others, or is seen by everybody.

    The caller holds the area.
    """
    unit = await units.read(work.db, unit_id)
    if unit is None or (unit["active"] and unit["duty"] == "on_duty"):
        return
    relying = await home.relying(work.db, unit, work.now)
    if unit["duty"] == "off_duty" or not unit["active"]:  # who is out of service gives them away until it is back
        for trip in await trips.lock_these(work.db, sorted(each.id for each in relying.rides)):
            if not await anew(work, trip, without={unit_id}):
                await _lose(work, trip, unit_id, "off_duty")
    await home.warn(work, await trips.lock_these(work.db, sorted(each.id for each in relying.home)), unit_id)
