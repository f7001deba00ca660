"""A van that is not at the door when the rider was told: the desk and the rider hear of it, nobody is moved in silence.

Whom it will be late for next is shown with the day's plan (:func:`broken`), and a person gives them to another unit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.dispatch import fleet
from services.dispatch.day import lateness
from services.dispatch.day.lateness import COMING, Seat
from services.dispatch.fleet import Member
from services.dispatch.policy import Policy, policy_of
from services.dispatch.rules.windows import BOARDING
from services.dispatch.store import runs, trips
from services.dispatch.store.assignments import Assignment
from services.dispatch.store.trips import Trip
from services.dispatch.verbs.saying import of_call
from shared.database import Connection, Pool
from shared.due import Due
from shared.events.dispatch import TripAtRisk
from shared.events.words import TripRisk
from shared.geo import Point
from shared.work import Work

WATCH = "pickup_overdue"
AHEAD = timedelta(hours=3)
"""Whose pickup is further away is not looked at: until then much may happen."""
BEHIND = timedelta(hours=12)


async def watch(work: Work, trip: Trip, assignment: Assignment) -> None:
    """Have the promise looked at when the rider is to be fetched."""
    if trip.pickup_at is not None and not trip.back_entry:
        await work.later(WATCH, assignment.id, max(trip.pickup_at, work.now), trip.origin)


async def look(work: Work, trip: Trip, assignment: Assignment, due: Due) -> None:
    """The time that was told has come. Late is who is not there when the tolerance is over, or cannot be by then.

    Looked at again until the van is there; said again where what is expected has moved as much as the tolerance.
    """
    told_at, after = trip.pickup_at, policy_of(trip.area).late_after
    if assignment.status not in COMING or assignment.ended_at is not None or told_at is None:
        return
    expected_at = (await _of_unit(work.db, trip, assignment.unit_id, work.now)).get(trip.id)
    late_at, said = told_at + after, due.data.get("said")
    if max(expected_at or work.now, work.now) < late_at:
        await work.later(WATCH, assignment.id, late_at, trip.origin)
        return
    if said is None or _moved(said, expected_at, after):
        event = TripAtRisk(
            **of_call(trip), risk=TripRisk.LATE, leg=trip.leg, run_id=assignment.run_id, unit_id=assignment.unit_id,
            assignment_id=assignment.id, promised_at=told_at, expected_at=expected_at, at=work.now,
        )  # fmt: skip
        work.say(trip.id, event, trip.origin)
        said = expected_at.isoformat() if expected_at else UNKNOWN
    await work.later(WATCH, assignment.id, work.now + after, trip.origin, data={"said": said})


UNKNOWN = "unknown"


def _moved(said: str, expected_at: datetime | None, least: timedelta) -> bool:
    """Whether what was said is worth saying anew. That nobody knows any more is no news to a rider."""
    if expected_at is None:
        return False
    return said == UNKNOWN or abs(expected_at - datetime.fromisoformat(said)) >= least


async def _of_unit(db: Connection, trip: Trip, unit_id: UUID, now: datetime) -> dict[UUID, datetime]:
    member = await fleet.one(db, unit_id)
    rows = await runs.promised_by(db, [unit_id], (now - BEHIND, now + AHEAD), exercise=trip.exercise)
    known = {each.id: each for each in await trips.these(db, sorted({row["trip_id"] for row in rows}))}
    return _doors(member, rows, known, now, policy_of(trip.area)) if member else {}


def _doors(
    member: Member, rows: Sequence[Any], known: Mapping[UUID, Trip], now: datetime, policy: Policy
) -> dict[UUID, datetime]:
    """Trip → when this unit can be at its door; nothing where it is off duty, or out on something without stops."""
    facts = member.facts
    if facts.duty != "on_duty" or any(_stops_at(row) is None for row in rows if row["run_status"] == "open"):
        return {}
    seen_at = facts.position_at
    fresh = seen_at is not None and now - seen_at <= timedelta(seconds=policy.weights.stale_after_s)

    def way(one: Point, other: Point) -> timedelta:
        [travel] = policy.travel_times.to([one], other, urgent=False)
        return timedelta(seconds=travel.duration_s)

    seats = [_seat(row, known[row["trip_id"]], at) for row in rows if (at := _stops_at(row)) is not None]
    return lateness.doors(seats, facts.position if fresh else None, facts.station, now, way)


def _stops_at(row: Any) -> datetime | None:
    """When the tour stops at the rider's door: by its timetable, else when the rider was told."""
    at: datetime | None = row["pickup_at"] or row["told_at"]
    return at


def _seat(row: Any, trip: Trip, at: datetime) -> Seat:
    return Seat(
        row["trip_id"], row["status"], row["told_at"] or at, at, row["dropoff_at"],
        Point(*trip.pickup) if trip.pickup else None, Point(*trip.drop) if trip.drop else None,
        BOARDING.get(trip.need.get("mobility"), BOARDING[None]), row["en_route_at"],
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Broken:
    """A promise that the van cannot keep as things stand. ``expected_at`` None: nobody knows."""

    trip_id: UUID
    unit_id: UUID
    told_at: datetime
    expected_at: datetime | None


async def broken(db: Connection | Pool, area: str, members: Iterable[Member], now: datetime) -> list[Broken]:
    """Promises of the next hours that will not be kept within the tolerance, the soonest first."""
    rows = await runs.promised(db, area, (now - BEHIND, now + AHEAD), exercise=False)
    of_unit: dict[UUID, list[Any]] = {}
    for row in rows:
        of_unit.setdefault(row["unit_id"], []).append(row)
    known = {each.id: each for each in await trips.these(db, sorted({row["trip_id"] for row in rows}))}
    policy, found = policy_of(area), list[Broken]()
    for member in members:
        mine = of_unit.get(member.id, [])
        doors = _doors(member, mine, known, now, policy)
        for row in mine:
            told_at, expected_at = row["told_at"] or _stops_at(row), doors.get(row["trip_id"])
            if row["status"] not in COMING or told_at is None or told_at > now + AHEAD:
                continue
            if max(expected_at or now, now) >= told_at + policy.late_after:
                found.append(Broken(row["trip_id"], member.id, told_at, expected_at))
    return sorted(found, key=lambda each: (each.told_at, each.trip_id))
