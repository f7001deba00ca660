"""Tours made real: one unit's route, written as booked runs whose riders are offered to its crew and told."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

import asyncpg

from services.dispatch import daybook, fleet
from services.dispatch.day import plan as planning
from services.dispatch.day.timetable import Tour
from services.dispatch.fleet import Member
from services.dispatch.rules import windows
from services.dispatch.rules.changes import WAITING
from services.dispatch.store import assignments, runs, trips
from services.dispatch.store.assignments import Assignment
from services.dispatch.store.trips import Trip
from services.dispatch.verbs import book, risks
from services.dispatch.verbs.lives import missing
from services.dispatch.verbs.saying import asked_facts, by_of
from shared.errors import Refused
from shared.events.dispatch import AssignmentOffered
from shared.work import Work, new_id

CHANGED = (
    409, "changed", "หน่วยหรือเที่ยวนี้เปลี่ยนไปแล้วระหว่างวางแผน",
    "the unit or a ride has changed since the plan was made",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Seat:
    """One rider of a tour: when the van sets out for them, is at the door, and at the destination."""

    trip_id: UUID
    start_at: datetime
    pickup_at: datetime
    dropoff_at: datetime


@dataclass(frozen=True, slots=True)
class Drive:
    """A tour as it is to be written."""

    starts_at: datetime
    ends_at: datetime
    seats: Sequence[Seat]


@dataclass(frozen=True, slots=True)
class Route:
    """All tours of a unit on a day. ``mark``: what its route was made of when it was planned; ``versions`` of trips.

    ``moved``: trips that the plan takes from one unit to another.
    """

    unit_id: UUID
    on: date
    drives: Sequence[Drive]
    mark: str
    versions: Mapping[UUID, int] = field(default_factory=dict)
    moved: Collection[UUID] = ()
    plan_id: UUID | None = None


async def publish(work: Work, area: str, route: Route) -> list[UUID]:
    """Write the route; the trips that are booked by it. All or nothing.

    Raises:
        Refused: 404; 409 ``changed``: the unit, its promises or a trip are not what they were.

    """
    await runs.serialise(work.db, area)
    ids = [seat.trip_id for drive in route.drives for seat in drive.seats]
    carried = {trip.id: trip for trip in await trips.lock_these(work.db, ids)}
    member = await fleet.one(work.db, route.unit_id)
    if member is None or member.area != area or carried.keys() != set(ids):
        raise missing("unit")
    exercise = member.facts.exercise
    if await daybook.mark_of(work.db, member, route.on, route.moved, exercise=exercise) != route.mark:
        raise Refused(*CHANGED)
    held = {
        row["trip_id"]: row
        for row in await runs.promised(work.db, area, daybook.span_of(route.on), exercise=exercise)
        if row["unit_id"] == member.id and row["run_status"] == "planned" and row["trip_id"] not in route.moved
    }
    _unchanged([carried[trip_id] for trip_id in ids if trip_id not in held], route)
    booked: list[UUID] = []
    try:
        async with work.db.transaction(), runs.moving(work.db):
            for drive in route.drives:
                booked += await _drive(work, member, drive, carried, held, route.plan_id)
    except asyncpg.ExclusionViolationError as problem:
        raise Refused(*CHANGED) from problem
    return booked


async def join(
    work: Work, trip_id: UUID, area: str, unit_id: UUID | None, pickup_at: datetime | None = None, *,
    without: Collection[UUID] = (),
) -> Assignment | None:  # fmt: skip
    """Give a booked trip a place beside what the unit has promised (any unit: the best), at the door at ``pickup_at``.

    None: there is none.

    Raises:
        Refused: 404; 409 the trip is not open any more.

    """
    await runs.serialise(work.db, area)
    trip = await trips.read(work.db, trip_id)
    if trip is None or trip.lane != "booked":
        raise missing("trip")
    on, exercise = daybook.day_of(trip), trip.exercise
    moves = [daybook.Move(trip_id, unit_id, pickup_at)]
    read = await daybook.read(work.db, area, on, work.now, exercise=exercise, moves=moves, only=[trip], without=without)
    found = planning.offers(read.model, read.model.standing, str(trip_id)) if str(trip_id) in read.model.number else []
    if not found:
        return None
    drives = [drive_of(tour) for tour in found[0].tours]
    unit = UUID(found[0].tour.unit_id)
    member = read.members[unit]
    mark = await daybook.mark_of(work.db, member, on, {trip_id}, exercise=exercise)
    await publish(work, area, Route(unit, on, drives, mark, moved={trip_id}))
    made = await assignments.of_trips(work.db, [trip_id])
    return next(each for each in made if each.ended_at is None and each.unit_id == unit)


def drive_of(tour: Tour) -> Drive:
    seats = [
        Seat(UUID(rider.id), tour.sets_out[rider.id], tour.pickup_of(rider.id), tour.dropoff_of(rider.id))
        for rider in tour.riders
    ]
    return Drive(tour.starts_at, tour.ends_at, seats)


def _unchanged(new: Sequence[Trip], route: Route) -> None:
    for trip in new:
        open_to = trip.status in WAITING | {"planned"} and not trip.back_entry
        if not open_to or route.versions.get(trip.id, trip.version) != trip.version:
            raise Refused(*CHANGED)


async def _drive(
    work: Work, member: Member, drive: Drive, carried: Mapping[UUID, Trip], held: Mapping[UUID, asyncpg.Record],
    plan_id: UUID | None,
) -> list[UUID]:  # fmt: skip
    """One tour: the run its riders have already, or a new one; whoever has no place in it yet gets one."""
    window = (drive.starts_at, drive.ends_at)
    known = list(dict.fromkeys(held[seat.trip_id]["run_id"] for seat in drive.seats if seat.trip_id in held))
    run_id = known[0] if known else new_id()
    if known:
        await runs.set_booked(work.db, run_id, window)
    else:
        await runs.insert_planned(
            work.db, run_id, member.id, member.area, window, exercise=member.facts.exercise, override_reason=None
        )
    kept = [(held[s.trip_id]["assignment_id"], run_id, s.start_at, s.pickup_at, s.dropoff_at)
            for s in drive.seats if s.trip_id in held]  # fmt: skip
    if kept:
        await runs.move_tour(work.db, kept)
    for empty in known[1:]:
        await runs.drop(work.db, empty)
    new = [seat for seat in drive.seats if seat.trip_id not in held]
    for seat in new:
        await _seat(work, carried[seat.trip_id], member, run_id, seat, drive, plan_id)
    return [seat.trip_id for seat in new]


def lost_by(trip: Trip, history: Sequence[Assignment]) -> book.Was | None:
    """What a trip had that has lost its unit."""
    had = [each for each in history if each.ended_at and each.run_id and each.role == "primary"]
    return (had[-1], had[-1].pickup_at) if had and trip.status == "unassigned" else None


async def _seat(
    work: Work, trip: Trip, member: Member, run_id: UUID, seat: Seat, drive: Drive, plan_id: UUID | None
) -> None:
    planned = windows.Tour(seat.start_at, seat.pickup_at, seat.dropoff_at, drive.ends_at)
    history = await assignments.of_trips(work.db, [trip.id])
    was = await book.stand_down(work, trip, history) or lost_by(trip, history)
    made = await book.seat(work, trip, member, run_id, planned, history)
    trip.pickup_at = planned.pickup_at
    await book.say_planned(work, trip, made, planned, was, plan_id)
    private = AssignmentOffered.Private(risks=await risks.ahead(work, trip))
    work.say(made.id, AssignmentOffered(**asked_facts(trip, made, by_of(work)), private=private), trip.origin)
