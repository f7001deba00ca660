"""Who relies on a unit: riders it is to fetch in the hours to come, and those it brought, who wait for the way home.

Nobody is left at a clinic in silence: where no unit on duty could bring somebody home, the desk has an alarm.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from services.dispatch import fleet
from services.dispatch.fleet import Member
from services.dispatch.rules.eligibility import shortfalls
from services.dispatch.store import plans, runs, shifts, trips
from services.dispatch.store.shifts import Shift
from services.dispatch.store.trips import Trip
from services.dispatch.verbs.needs import wanted
from services.dispatch.verbs.saying import of_call
from shared.database import Connection, Pool
from shared.events.dispatch import TripAtRisk
from shared.events.words import TripRisk
from shared.thai.dates import local_day
from shared.work import Work

BROUGHT_WITHIN = timedelta(hours=12)
"""Who was brought longer ago is home, whatever was written down."""
COMING = timedelta(hours=6)
"""Rides of the hours to come; whoever goes home for the night does not give away tomorrow's."""
EVER = timedelta(days=3650)
"""A unit that is not in use any more keeps none of its promises."""
RELIEF = timedelta(minutes=30)
"""A shift that began so lately is that of the next crew, who may not have signed on yet."""


@dataclass(frozen=True, slots=True)
class Relying:
    """``rides``: promised for the hours to come; ``home``: brought by this unit, and not home yet."""

    rides: Sequence[Trip]
    home: Sequence[Trip]

    def __bool__(self) -> bool:
        return bool(self.rides or self.home)


async def relying(db: Connection, unit: asyncpg.Record, now: datetime) -> Relying:
    """Who counts on the unit in the hours to come; on one that is not in use any more, ever."""
    until = now + (COMING if unit["active"] else EVER)
    held = await runs.promised_by(db, [unit["id"]], (now, until), exercise=unit["exercise"])
    riders = [row["trip_id"] for row in held if row["run_status"] == "planned"]
    relief = [
        shift
        for shift in await shifts.between(db, unit["area"], now, now + COMING)
        if unit["active"] and shift.unit_id == unit["id"] and not shift.dropped and shift.from_at > now - RELIEF
    ]
    rides = [trip for trip in await trips.these(db, sorted(riders)) if not _covered(trip, relief)]
    return Relying(rides, await waiting(db, unit["area"], now, unit["id"], exercise=unit["exercise"]))


def _covered(trip: Trip, relief: Iterable[Shift]) -> bool:
    """Whether the next crew of the unit is there for it, by the roster."""
    at = trip.pickup_at
    return at is not None and any(shift.from_at <= at < shift.until_at for shift in relief)


async def waiting(
    db: Connection | Pool, area: str, now: datetime, unit_id: UUID | None = None, *, exercise: bool = False
) -> list[Trip]:  # fmt: skip
    """Who was brought (by this unit, or by any) in the last hours, and has nobody yet who brings them home."""
    return await plans.waiting_home(db, area, local_day(now - BROUGHT_WITHIN), unit_id, exercise=exercise)


async def who_could(db: Connection | Pool, trip: Trip, now: datetime) -> tuple[list[Member], list[Member]]:
    """Units that have all this trip asks for: those on duty, busy or not; and those to ring, who are off."""
    on, off = list[Member](), list[Member]()
    for member in await fleet.everyone(db, trip.area, exercise=trip.exercise, now=now, serving=True):
        lacks = {short.code for short in shortfalls(member.facts, wanted(trip), now) if short.hard} - {"contaminated"}
        if not lacks:
            on.append(member)
        elif lacks == {"duty"} and member.facts.duty == "off_duty":
            off.append(member)
    return on, off


async def warn(work: Work, waiting: Iterable[Trip], unit_id: UUID | None = None) -> None:
    """Say of whom nobody on duty could bring home. ``unit_id``: who went off duty."""
    for trip in waiting:
        on, _ = await who_could(work.db, trip, work.now)
        if not on:
            event = TripAtRisk(
                **of_call(trip), risk=TripRisk.LEFT_BEHIND, leg=trip.leg, unit_id=unit_id,
                promised_at=trip.pickup_earliest_at, at=work.now,
            )  # fmt: skip
            work.say(trip.id, event, trip.origin)
