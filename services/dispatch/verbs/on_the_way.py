"""One more rider for a tour that has begun: who waits and whom no free unit can take, where a van comes by.

Nobody whom the van carries, or is to fetch, loses by it (:mod:`services.dispatch.day.underway`). Its crew is asked like
for any booked ride, and sees the new order of its stops.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.dispatch import daybook, fleet
from services.dispatch.day.model import EXPECTED_WITHIN, LATE_MOST, Rider, Told, Van
from services.dispatch.day.underway import Detour, Going, Seat, detour
from services.dispatch.fleet import Member
from services.dispatch.hours import Hours, free_by
from services.dispatch.policy import policy_of
from services.dispatch.rules import windows
from services.dispatch.rules.eligibility import shortfalls
from services.dispatch.store import assignments, runs, trips
from services.dispatch.store.assignments import Assignment
from services.dispatch.store.trips import Trip
from services.dispatch.verbs import book, decide, risks, tours
from services.dispatch.verbs.lives import missing
from services.dispatch.verbs.needs import wanted
from services.dispatch.verbs.saying import asked_facts, by_of
from shared.database import Connection
from shared.events.dispatch import AssignmentOffered, AssignmentProposed
from shared.events.words import By
from shared.work import Work, new_id

SINCE: Mapping[str, str] = {
    "en_route": "en_route_at", "at_scene": "at_scene_at", "left_scene": "left_scene_at",
    "at_destination": "at_destination_at",
}  # fmt: skip
"""Status of an assignment → the stamp by which it came there."""
SOON = timedelta(hours=1)
"""Who is to be fetched later than this is planned for, not taken along."""
BUSY = frozenset({"busy"})
"""What a unit that is out may lack."""


async def look(work: Work, trip: Trip) -> None:
    """Somebody waits, and nobody is free: propose a van that comes by, or ask its crew.

    The caller holds area and trip.
    """
    policy, history = policy_of(trip.area), await assignments.of_trips(work.db, [trip.id])
    if any(each.ended_at is None and each.role == "primary" for each in history):
        return
    out = {each.unit_id for each in history if not decide.may_ask_again(each, work.now, policy)}
    if policy.pack.on_the_way == "auto" and not decide.confirms(trip, policy):
        await join(work, trip, without=out)
        return
    found = await best(work.db, trip, work.now, without=out)
    if found is not None:
        await _propose(work, trip, found, 1 + max((each.attempt for each in history), default=0))


async def take(work: Work, trip_id: UUID, area: str, unit_id: UUID, pickup_at: datetime | None) -> Assignment | None:
    """A dispatcher wants this unit to come by; ``pickup_at`` as it was offered. None: it is on no tour with a place.

    Raises:
        Refused: 404; 409 the trip is not open any more.

    """
    await runs.serialise(work.db, area)
    trip = await trips.lock(work.db, trip_id)
    if trip is None:
        raise missing("trip")
    if trip.lane != "booked" or trip.back_entry or not (decide.needs_unit(trip, work.now) or pickup_at):
        return None
    return await join(work, trip, unit_id=unit_id, pickup_at=pickup_at)


async def join(
    work: Work, trip: Trip, *, unit_id: UUID | None = None, pickup_at: datetime | None = None,
    without: Collection[UUID] = (),
) -> Assignment | None:  # fmt: skip
    """Give the rider the best place on the way. None: there is none. The caller holds area and trip."""
    found = await best(work.db, trip, work.now, unit_id=unit_id, pickup_at=pickup_at, without=without)
    if found is None:
        return None
    for seat in sorted(found.going.seats, key=lambda each: each.rider.id):
        if await trips.try_lock(work.db, UUID(seat.rider.id)) is None:
            return None  # its crew reports something just now: whoever still waits is looked at again in a moment
    unit = UUID(found.going.van.id)
    found = await best(work.db, trip, work.now, unit_id=unit, pickup_at=pickup_at)  # as it is under the locks
    run = await runs.lock(work.db, UUID(found.going.run_id)) if found else None
    member = await fleet.one(work.db, unit)
    if found is None or member is None or run is None or run.status != "open":
        return None
    return await _seat(work, trip, member, found)


async def best(
    db: Connection, trip: Trip, now: datetime, *, unit_id: UUID | None = None, pickup_at: datetime | None = None,
    without: Collection[UUID] = (),
) -> Detour | None:  # fmt: skip
    """The detour that costs least, of all vans under way, or of this unit's."""
    ways = await detours(db, trip, now, unit_id=unit_id, pickup_at=pickup_at, without=without)
    return ways[0] if ways else None


async def detours(
    db: Connection, trip: Trip, now: datetime, *, unit_id: UUID | None = None, pickup_at: datetime | None = None,
    without: Collection[UUID] = (),
) -> list[Detour]:  # fmt: skip
    """Every van under way that could come by, the best first: driving, and waiting where somebody waits already."""
    window = _window(trip, now, pickup_at)
    rows = await runs.promised(db, trip.area, (now, now), exercise=trip.exercise) if window else []
    out = [
        row for row in rows if _under_way(row) and row["unit_id"] not in without and unit_id in {None, row["unit_id"]}
    ]
    if window is None or not out:
        return []
    serving = await fleet.everyone(db, trip.area, exercise=trip.exercise, now=now, serving=True)
    members = {member.id: member for member in serving}
    rider, found = daybook.rider_of(trip, window, frozenset()), list[Detour]()
    for run_id in dict.fromkeys(row["run_id"] for row in out):
        of_run = [row for row in out if row["run_id"] == run_id]
        member = members.get(of_run[0]["unit_id"])
        if member is None or not _fits(member, trip, now):
            continue
        going = await _going(db, trip.area, member, of_run, now)
        made = detour(going, rider, now, policy_of(trip.area).travel_times) if going else None
        found += [made] if made else []
    waits_from = now if trip.now_at is not None else None
    return sorted(found, key=lambda each: (_cost_s(each, waits_from), each.going.van.id))


def _cost_s(found: Detour, waits_from: datetime | None) -> float:
    return found.extra_s + ((found.pickup_at - waits_from).total_seconds() if waits_from else 0.0)


def _under_way(row: Any) -> bool:
    return bool(row["run_status"] == "open" and row["lane"] == "booked")


def _window(trip: Trip, now: datetime, pickup_at: datetime | None) -> Hours | None:
    """When the rider may be fetched; None where that is over, or nobody has said."""
    if pickup_at is not None:
        window: Hours | None = (pickup_at, pickup_at + LATE_MOST)
    elif trip.ready_at is not None:
        window = (now, now + EXPECTED_WITHIN)
    else:
        window = daybook.window_of(trip)
    if window is None or window[1] < now or window[0] > now + SOON:
        return None
    return max(window[0], now), window[1]


def _fits(member: Member, trip: Trip, now: datetime) -> bool:
    return not any(short.hard and short.code not in BUSY for short in shortfalls(member.facts, wanted(trip), now))


async def _going(
    db: Connection, area: str, member: Member, rows: Sequence[Any], now: datetime
) -> Going | None:  # fmt: skip
    """The tour as it stands; None where nobody has said when it stops, or not all of it can be seen."""
    told = {row["assignment_id"]: row["told_at"] or row["pickup_at"] for row in rows}
    carried = {each.id: each for each in await trips.these(db, sorted(row["trip_id"] for row in rows))}
    seats = list[Seat]()
    for each in await assignments.of_trips(db, list(carried)):
        if each.id not in told:
            continue
        at = told[each.id]
        if at is None:
            return None
        seats.append(_seat_of(carried[each.trip_id], each, at))
    facts = member.facts
    fresh = timedelta(seconds=policy_of(area).weights.stale_after_s)
    here = facts.position if facts.position_at is not None and now - facts.position_at <= fresh else None
    until = await free_by(db, area, member, now)
    van = Van(str(member.id), member.call_sign, facts.station, dict(facts.places), facts.equipment, (now, until))
    return Going(str(rows[0]["run_id"]), van, seats, here)


def _seat_of(trip: Trip, assignment: Assignment, at: datetime) -> Seat:
    pickup_at = assignment.pickup_at or at
    told = Told(
        str(assignment.unit_id), str(assignment.run_id), str(assignment.id), at, pickup_at, assignment.dropoff_at
    )
    rider: Rider = daybook.rider_of(trip, (at, at), frozenset({str(assignment.unit_id)}), told)
    since = getattr(assignment, SINCE.get(assignment.status, "accepted_at"))
    return Seat(rider, assignment.status, since, pickup_at, assignment.dropoff_at or pickup_at + rider.boarding)


async def _propose(work: Work, trip: Trip, found: Detour, attempt: int) -> None:
    """Put the van that comes by before the dispatcher."""
    member = await fleet.one(work.db, UUID(found.going.van.id))
    if member is None:
        return
    made = Assignment(
        id=new_id(), trip_id=trip.id, run_id=None, unit_id=member.id, area=trip.area, role="primary", way="offer",
        status="proposed", crew_ids=member.crew_ids, attempt=attempt, asked_at=work.now,
        respond_by_at=work.now + policy_of(trip.area).confirm_within, pickup_at=found.pickup_at,
        dropoff_at=found.dropoff_at,
    )  # fmt: skip
    await assignments.insert(work.db, made)
    facts = asked_facts(trip, made, By.SYSTEM, on_the_way=True) | {"pickup_at": found.pickup_at}
    work.say(made.id, AssignmentProposed(**facts), trip.origin)
    await work.later("proposal_timeout", made.id, made.respond_by_at or work.now, trip.origin)


async def _seat(work: Work, trip: Trip, member: Member, found: Detour) -> Assignment:
    """The tour's stops move, within what was promised; the rider is told, and the crew asked."""
    run_id, now_at = UUID(found.going.run_id), trip.now_at
    moved = [
        (UUID(seat.rider.told.assignment_id), found.at(seat.rider.id, pickup=True) or seat.pickup_at, brought_at)
        for seat in found.going.seats
        if seat.rider.told and (brought_at := found.at(seat.rider.id, pickup=False))
    ]  # fmt: skip
    await runs.move_on(work.db, moved)
    await runs.extend(work.db, run_id, found.ends_at)
    planned = windows.Tour(found.sets_out, found.pickup_at, found.dropoff_at, found.ends_at)
    history = await assignments.of_trips(work.db, [trip.id])
    was = await book.stand_down(work, trip, history) or tours.lost_by(trip, history)
    made = await book.seat(work, trip, member, run_id, planned, history)
    trip.pickup_at = planned.pickup_at
    await book.say_planned(work, trip, made, planned, was)
    trip.now_at = now_at  # who waits now waits on where the crew says no
    await trips.update(work.db, trip)
    private = AssignmentOffered.Private(risks=await risks.ahead(work, trip))
    work.say(
        made.id,
        AssignmentOffered(**asked_facts(trip, made, by_of(work), on_the_way=True), private=private),
        trip.origin,
    )
    return made
