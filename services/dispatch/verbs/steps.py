"""What a crew reports: accepting, declining, the stamps of the journey, and corrections of them.

A report made again (same assignment, step and time) is answered as the first time. Order and times are checked by
the life tables; the reporter's own time is kept.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.dispatch import fleet
from services.dispatch.policy import policy_of
from services.dispatch.store import assignments, runs, trips, units
from services.dispatch.store.assignments import STAMPS, Assignment, Step
from services.dispatch.store.trips import Trip
from services.dispatch.verbs import decide, late, opening, release, support
from services.dispatch.verbs import trips as trip_verbs
from services.dispatch.verbs.correct import correct
from services.dispatch.verbs.lives import at_once, missing, move_assignment, move_trip
from services.dispatch.verbs.needs import wanted
from services.dispatch.verbs.saying import assignment_facts, by_of, of_call
from services.dispatch.verbs.settle import door_at
from shared.events.base import Event
from shared.events.dispatch import (
    AssignmentAccepted,
    AssignmentAtBase,
    AssignmentAtDestination,
    AssignmentAtScene,
    AssignmentCleared,
    AssignmentDeclined,
    AssignmentEnRoute,
    AssignmentLeftScene,
    TripCompleted,
    TripPlanned,
    TripReplanned,
    UnitContaminated,
)
from shared.work import Work, new_id


@dataclass(frozen=True, slots=True)
class Report:
    """A step as it was said. ``by_crew``: the crew member who says it; None: somebody on their behalf."""

    step: str
    at: datetime
    by_crew: UUID | None = None
    odometer_km: float | None = None
    rc: str | None = None
    outcome: str | None = None
    facility_id: UUID | None = None
    reason: str | None = None
    corrects: bool = False
    correction_of: UUID | None = None


EVENTS: Mapping[str, type[Event]] = {
    "accept": AssignmentAccepted,
    "decline": AssignmentDeclined,
    "en_route": AssignmentEnRoute,
    "at_scene": AssignmentAtScene,
    "left_scene": AssignmentLeftScene,
    "at_destination": AssignmentAtDestination,
    "clear": AssignmentCleared,
    "at_base": AssignmentAtBase,
}


async def step(work: Work, assignment_id: UUID, report: Report) -> tuple[Assignment, Step]:
    """Do one step of an assignment.

    Raises:
        Refused: 404 no such assignment for this crew, 409 out of order or taken, 422 an impossible time or code.

    """
    found = await assignments.read(work.db, assignment_id)
    if found is not None and found.run_id is not None and report.step == "at_base":
        await trips.lock_of_run(work.db, found.run_id)  # it is said of all who rode along
    trip = await trips.lock(work.db, found.trip_id) if found else None
    assignment = await assignments.read(work.db, assignment_id)  # as it is under the trip's lock
    if trip is None or assignment is None or not may_report(assignment, report):
        raise missing("assignment")
    same = await assignments.same_step(work.db, assignment_id, report.step, report.at, correction=report.corrects)
    if same is not None:
        return assignment, same
    if report.corrects:
        return assignment, await correct(work, trip, assignment, report)
    previous = move_assignment(
        work, assignment, report.step, report.at, reason=report.reason, outcome=report.outcome,
        transport=trip.patient_id is not None and assignment.role == "primary",
    )  # fmt: skip
    assignment.rc = report.rc or assignment.rc
    assignment.facility_id = report.facility_id or assignment.facility_id
    made = recorded(work, assignment, report, previous)
    await assignments.insert_step(work.db, made)
    await DOES[report.step](work, trip, assignment, made)
    return assignment, made


TO_THE_END = {"left_scene": ("at_destination", "clear"), "at_destination": ("clear",)}
"""What is left to report of who has somebody on board."""


async def bring_to_an_end(work: Work, call_id: UUID, area: str) -> None:
    """The exercise is over: a crew with its invented patient on board has arrived and is done, and its unit is free."""
    await runs.serialise(work.db, area)
    going = [trip.id for trip in await trips.lock_of_call(work.db, call_id) if trip.ended_at is None]
    for assignment in await assignments.of_trips(work.db, going):
        for name in TO_THE_END.get(assignment.status, ()):
            await step(work, assignment.id, Report(name, work.now))


def may_report(assignment: Assignment, report: Report) -> bool:
    """A crew reports for the unit it is on, and for nobody else's."""
    return report.by_crew is None or report.by_crew in assignment.crew_ids


def recorded(work: Work, assignment: Assignment, report: Report, previous: str) -> Step:
    """The row of ``step``: what was said, when it counts, and who said it."""
    column = STAMPS.get(report.step)
    at: datetime = getattr(assignment, column) if column else assignment.ended_at or work.now
    return Step(
        id=new_id(), assignment_id=assignment.id, step=report.step, said_at=report.at, at=at, recorded_at=work.now,
        by=by_of(work).value if report.by_crew is None else "person", actor=work.cause.actor, crew_id=report.by_crew,
        on_behalf=report.by_crew is None, status=assignment.status, previous_status=previous,
        odometer_km=report.odometer_km, rc=report.rc, outcome=report.outcome, facility_id=report.facility_id,
        reason=report.reason,
    )  # fmt: skip


async def _accept(work: Work, trip: Trip, assignment: Assignment, made: Step) -> None:
    """The unit goes. Others who were asked, or did not set out, stand down in this same transaction."""
    others = await assignments.of_trips(work.db, [trip.id])
    before = next((each for each in others if each.id != assignment.id and _had_it(each)), None)
    await release.release_others(work, trip, assignment, others) if assignment.role == "primary" else None
    opened = assignment.run_id is None
    if assignment.run_id is None:
        assignment.run_id = await opening.run_for(work, trip, assignment, made.at)
    await _write(work, trip, assignment, made)
    if opened:
        await opening.say_run_opened(work, trip, assignment, made.at)
    for timer in release.TIMERS:
        await work.cancel(timer, assignment.id)
    if assignment.role == "primary":
        await _plan(work, trip, assignment, made, before)
    else:
        await support.settle(work, trip, assignment, made.step)
    await _expect_departure(work, trip, assignment)


def _had_it(assignment: Assignment) -> bool:
    return assignment.role == "primary" and assignment.status == "accepted"


async def _plan(work: Work, trip: Trip, assignment: Assignment, made: Step, before: Assignment | None) -> None:
    """Say whose the trip is now. ``before``: who had accepted it, and did not set out."""
    await work.cancel("find_unit", trip.id)
    await work.cancel(decide.WIDEN, trip.id)
    await work.cancel("booked_due", trip.id)
    if trip.status == "planned" and before is None:  # booked by hand: it was said when it was offered
        return
    move_trip(trip, "replan" if before else "plan")
    if trip.pickup_at is None and trip.lane == "booked":
        trip.pickup_at = await door_at(work, trip, assignment.unit_id, made.at)
        await late.watch(work, trip, assignment)
    trip.queue_reasons = ()
    await trips.update(work.db, trip)
    facts = {
        **of_call(trip), "run_id": assignment.run_id, "unit_id": assignment.unit_id, "assignment_id": assignment.id,
        "pickup_at": trip.pickup_at or made.at, "at": work.now, "by": made.by,
    }  # fmt: skip
    if before is None:
        work.say(trip.id, TripPlanned(**facts), trip.origin)
        return
    previous_at = trip.pickup_at or before.accepted_at or made.at
    event = TripReplanned(
        **facts, previous_run_id=before.run_id, previous_unit_id=before.unit_id, previous_pickup_at=previous_at
    )
    work.say(trip.id, event, trip.origin)


async def _expect_departure(work: Work, trip: Trip, assignment: Assignment) -> None:
    """From now on the crew has so long to set out: counted from when we heard, for an answer may come late."""
    if trip.lane == "emergency" and not assignment.back_entry:
        depart_by_at = work.now + policy_of(trip.area).departs_within(trip.severity)
        data = {"depart_by_at": depart_by_at.isoformat()}
        await work.later("departure_overdue", assignment.id, depart_by_at, trip.origin, data=data)


async def _decline(work: Work, trip: Trip, assignment: Assignment, made: Step) -> None:
    """No: the next one is asked at once."""
    await _write(work, trip, assignment, made)
    await release.stop_timers(work, assignment)
    await release.close_run_if_empty(work, trip, assignment, made.at)
    if trip.status == "planned" and assignment.role == "primary":
        await release.lose_unit(work, trip, assignment, made.reason)
    elif assignment.role == "primary" and trip.ended_at is None:
        await release.seek(work, trip)
    elif trip.ended_at is None:
        await at_once(work, "find_support", trip.id, trip.origin)


async def _en_route(work: Work, trip: Trip, assignment: Assignment, made: Step) -> None:
    """A booked run opens with its first departure; the trip is under way. Who was alerted beside it stands down."""
    run = await runs.lock(work.db, assignment.run_id) if assignment.run_id else None
    if run is not None and run.status == "planned":
        try:
            async with work.db.transaction():
                await runs.open_planned(work.db, run.id, made.at)
        except asyncpg.UniqueViolationError as problem:
            raise opening.busy(problem) from problem
        fleet.hold(work, assignment.unit_id)
        await opening.say_run_opened(work, trip, assignment, made.at)
    assignment.start_at = None  # from now on the unit is on it
    await work.cancel("departure_overdue", assignment.id)
    await _write(work, trip, assignment, made)
    if assignment.role == "primary":
        others = await assignments.of_trips(work.db, [trip.id])
        await release.release_others(work, trip, assignment, others)
        move_trip(trip, "start")
        await trips.update(work.db, trip)
    else:
        await support.settle(work, trip, assignment, made.step)


async def _at_scene(work: Work, trip: Trip, assignment: Assignment, made: Step) -> None:
    await work.cancel(late.WATCH, assignment.id)
    await _write(work, trip, assignment, made)


async def _stamp(work: Work, trip: Trip, assignment: Assignment, made: Step) -> None:
    await _write(work, trip, assignment, made)


async def _left_scene(work: Work, trip: Trip, assignment: Assignment, made: Step) -> None:
    """With a patient on board who needs precautions, the unit is contaminated until somebody cleaned it."""
    await _write(work, trip, assignment, made)
    if not wanted(trip).contaminates or assignment.back_entry:
        return
    if await units.contaminate(work.db, assignment.unit_id, made.at):
        unit = await units.read(work.db, assignment.unit_id)
        private = {"run_id": assignment.run_id, "reason": "infection_precaution"}
        vehicle_id = unit["vehicle_id"] if unit else None
        event = UnitContaminated(vehicle_id=vehicle_id, at=made.at, private=private)
        work.say(assignment.unit_id, event, replace(trip.origin, correlation_id=assignment.unit_id))


async def _clear(work: Work, trip: Trip, assignment: Assignment, made: Step) -> None:
    """The unit is done: the trip is completed, the run closes with its last assignment, the queue is served."""
    default = "transported" if trip.lane == "emergency" else "completed"
    assignment.outcome = assignment.outcome or (default if assignment.left_scene_at else "hazard_cleared")
    await _write(work, trip, assignment, made)
    await release.close_run_if_empty(work, trip, assignment, made.at)
    if assignment.role == "primary":
        move_trip(trip, "complete")
        trip.outcome, trip.ended_at = assignment.outcome, made.at
        trip.facility_id = assignment.facility_id or trip.facility_id
        await trips.update(work.db, trip)
        private = {
            "outcome": assignment.outcome, "rc": assignment.rc, "facility_id": trip.facility_id,
            "distance_m": await assignments.driven_m(work.db, assignment.id),
        }  # fmt: skip
        event = TripCompleted(
            **of_call(trip), leg=trip.leg, assignment_id=assignment.id, unit_id=assignment.unit_id, at=made.at,
            private=private,
        )  # fmt: skip
        work.say(trip.id, event, trip.origin)
        await support.over(work, trip)
        if trip.leg == "outbound" and trip.outcome in trip_verbs.STAYS_AT_HOME and not trip.back_entry:
            await at_once(work, "not_carried", trip.id, trip.origin)


async def _at_base(work: Work, trip: Trip, assignment: Assignment, made: Step) -> None:
    """ถึงฐาน may come long after the run was closed. A tour comes home once: said of one rider, it holds for all."""
    await _write(work, trip, assignment, made)
    if assignment.run_id is None:
        return
    await runs.stamp_at_base(work.db, assignment.run_id, made.at)
    for other in await assignments.of_run(work.db, assignment.run_id):
        its_trip = await trips.read(work.db, other.trip_id)
        if its_trip is None or other.status != "cleared" or other.at_base_at is not None:
            continue
        same = Report("at_base", made.at, made.crew_id)
        previous = move_assignment(work, other, "at_base", made.at)
        its_step = recorded(work, other, same, previous)
        await assignments.insert_step(work.db, its_step)
        await _write(work, its_trip, other, its_step)


async def _write(work: Work, trip: Trip, assignment: Assignment, made: Step) -> None:
    """Write the assignment and say its event."""
    await assignments.update(work.db, assignment)
    private: dict[str, Any] = {}
    if made.step == "decline":
        private = {"private": {"reason": made.reason}}
    elif made.step != "accept":
        fields = ("odometer_km", "rc", "facility_id")
        private = {"private": {name: getattr(made, name) for name in fields} | {"outcome": assignment.outcome}}
    facts = assignment_facts(
        trip, assignment, made.at, by_of(work) if made.on_behalf else made.by,  # type: ignore[arg-type]
        previous=made.previous_status, crew_id=made.crew_id,
    )  # fmt: skip
    work.say(assignment.id, EVENTS[made.step](**facts, **private), trip.origin)


Does = Callable[[Work, Trip, Assignment, Step], Awaitable[None]]
DOES: Mapping[str, Does] = {
    "accept": _accept,
    "decline": _decline,
    "en_route": _en_route,
    "at_scene": _at_scene,
    "left_scene": _left_scene,
    "at_destination": _stamp,
    "clear": _clear,
    "at_base": _at_base,
}
