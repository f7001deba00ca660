"""Units let go: released, expired, or done; what that means for their run, their trip and the queue."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from services.dispatch import fleet
from services.dispatch.policy import policy_of
from services.dispatch.rules.life import HANDED_UP
from services.dispatch.store import assignments, runs, trips
from services.dispatch.store.assignments import BUMPED, WORKING, Assignment
from services.dispatch.store.trips import Trip
from services.dispatch.verbs import late
from services.dispatch.verbs.lives import at_once, move_assignment, move_trip
from services.dispatch.verbs.saying import assignment_facts, by_of, of_call, urgency
from services.dispatch.verbs.settle import settle
from shared.errors import Refused
from shared.events.dispatch import AssignmentExpired, AssignmentReleased, RunClosed, TripUnassigned
from shared.events.words import By
from shared.work import Work

TIMERS = ("order_timeout", "order_expires", "proposal_timeout", "departure_overdue")
"""Due things about an assignment that waits for an answer, or for its crew to set out."""


ON_BOARD = (
    409, "patient_on_board",
    "มีผู้ป่วยบนรถ ให้ถึงปลายทางแล้วปิดงาน หรือส่งมอบให้ชุดอื่นก่อน หากไม่มีผู้ป่วยจริง ให้ลงเวลาถึงปลายทางแล้วปิดงานพร้อมผลที่เป็นจริง",
    "a patient is on board: reach the destination and clear, or hand over first; if nobody is, clear there and say why",
)  # fmt: skip


def carries(trip: Trip, assignment: Assignment) -> bool:
    """Whether the patient is on board, as far as anybody said."""
    return assignment.status == "left_scene" and trip.patient_id is not None and assignment.outcome != HANDED_UP


async def release(work: Work, trip: Trip, assignment: Assignment, reason: str, *, by: By | None = None) -> None:
    """The unit is not needed for this trip any more.

    Raises:
        Refused: 409, the assignment has ended, or the patient is on board or at the destination.

    """
    if carries(trip, assignment):
        raise Refused(*ON_BOARD, field="status")
    previous = move_assignment(work, assignment, "release", work.now, reason=reason)
    await _end(work, trip, assignment, work.now)
    facts = assignment_facts(trip, assignment, work.now, by or by_of(work), previous=previous)
    work.say(assignment.id, AssignmentReleased(**facts, private={"reason": reason}), trip.origin)


async def expire(work: Work, trip: Trip, assignment: Assignment) -> None:
    """Silence counts as no."""
    respond_by = assignment.respond_by_at or work.now
    previous = move_assignment(work, assignment, "expire", work.now)
    await _end(work, trip, assignment, work.now)
    facts = assignment_facts(trip, assignment, work.now, By.SYSTEM, previous=previous)
    work.say(assignment.id, AssignmentExpired(**facts, respond_by_at=respond_by), trip.origin)


async def release_others(work: Work, trip: Trip, winner: Assignment, all_of_trip: Sequence[Assignment]) -> None:
    """The first to accept keeps the trip: everybody else who was asked for it may stand down."""
    for other in all_of_trip:
        if other.id != winner.id and other.ended_at is None and other.role == "primary":
            await release(work, trip, other, "another_accepted", by=By.SYSTEM)


async def lose_unit(work: Work, trip: Trip, assignment: Assignment, reason: str | None) -> None:
    """The trip's unit is gone: say so and look for another one, at once where one is needed at once.

    Nothing is lost where another unit holds the trip: this one was only alerted beside it.
    """
    if assignment.role != "primary" or trip.status not in {"planned", "under_way"}:
        return
    if any(_holds(other) for other in await assignments.of_trips(work.db, [trip.id]) if other.id != assignment.id):
        return
    move_trip(trip, "unassign")
    trip.pickup_at, trip.queued_at, trip.queue_reasons = None, work.now, ("lost_unit",)
    await trips.update(work.db, trip)
    event = TripUnassigned(
        **of_call(trip), **urgency(trip), run_id=assignment.run_id, unit_id=assignment.unit_id,
        assignment_id=assignment.id, at=work.now, by=by_of(work), private={"reason": reason},
    )  # fmt: skip
    work.say(trip.id, event, trip.origin)
    await seek(work, trip)
    # A crew's own no is the dispatcher's to answer; what befell the unit is mended at once.
    if trip.lane == "booked" and reason in {BUMPED, "vehicle_fault"}:
        await at_once(work, "find_tour", trip.id, trip.origin)


def _holds(assignment: Assignment) -> bool:
    """Whether the trip is this assignment's: its crew goes, or is booked for it."""
    booked = assignment.start_at is not None and assignment.ended_at is None
    return assignment.role == "primary" and (assignment.status in WORKING or booked)


async def seek(work: Work, trip: Trip) -> None:
    """Have the trip looked at: now where it is due, else when it becomes due."""
    if trip.now_at is not None and trip.now_at <= work.now:
        await at_once(work, "find_unit", trip.id, trip.origin)
    elif trip.now_at is not None:
        await work.later("find_unit", trip.id, trip.now_at, trip.origin)
    elif not trip.back_entry:
        await watch_booking(work, trip)


async def watch_booking(work: Work, trip: Trip) -> None:
    """Have the booking looked at an hour before its pickup; one without a time, an hour after it was asked."""
    before = policy_of(trip.area).booked_due
    due_at = trip.pickup_latest_at - before if trip.pickup_latest_at else trip.received_at + before
    await work.later("booked_due", trip.id, max(work.now, due_at), trip.origin)


async def _end(work: Work, trip: Trip, assignment: Assignment, at: datetime) -> None:
    """Write the end of an assignment, stop its timers, and close its run if nothing else is in it."""
    await assignments.update(work.db, assignment)
    await stop_timers(work, assignment)
    await close_run_if_empty(work, trip, assignment, at)


async def stop_timers(work: Work, assignment: Assignment) -> None:
    """Nothing is waited for any more of an assignment that has ended; its unit may be free."""
    fleet.let_go(work)
    for timer in (*TIMERS, late.WATCH):
        await work.cancel(timer, assignment.id)


async def close_run_if_empty(work: Work, trip: Trip, assignment: Assignment, at: datetime) -> bool:
    """Close the run when its last assignment has ended; the unit is free again and the queue is served."""
    if assignment.run_id is None:
        return False
    run = await runs.lock(work.db, assignment.run_id)
    if run is None:
        return False
    if await assignments.open_in_run(work.db, run.id):
        await settle(work, run)
        return False
    if run.status == "planned":
        await runs.drop(work.db, run.id)
        return False
    if run.status != "open" and not assignment.back_entry:
        return False
    # A step reported late ends the run at its own time, but never before it began.
    opened_at = run.opened_at or at
    await runs.close(work.db, run.id, max(at, opened_at), back_entry=assignment.back_entry)
    fleet.let_go(work)
    carried = await assignments.of_run(work.db, run.id)
    metres = [m for a in carried if (m := await assignments.driven_m(work.db, a.id)) is not None]
    event = RunClosed(
        unit_id=run.unit_id, trip_ids=tuple(a.trip_id for a in carried), opened_at=opened_at,
        at=max(at, opened_at), private={"distance_m": sum(metres) if metres else None},
    )  # fmt: skip
    work.say(run.id, event, trip.origin)
    if not assignment.back_entry:
        await at_once(work, "serve_queue", run.unit_id, trip.origin)
    return True
