"""A stamp that was wrong: the right time takes its place, the old one stays on record with who, when and why."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from services.dispatch.rules.life import Actor, Happening, Life, advance
from services.dispatch.store import assignments, trips
from services.dispatch.store.assignments import STAMPS, Assignment, Step
from services.dispatch.store.trips import Trip
from services.dispatch.verbs.lives import refused
from services.dispatch.verbs.saying import assignment_facts, by_of
from shared.errors import Refused
from shared.events.dispatch import AssignmentCorrected
from shared.refusal import Refusal
from shared.work import Work, new_id

if TYPE_CHECKING:
    from services.dispatch.verbs.steps import Report

OTHER_STEP = (
    "not_that_step", "รายการที่จะแก้ไม่ใช่ขั้นตอนนี้ของงานนี้", "what is to be corrected is not this step of this assignment",
)  # fmt: skip


async def correct(work: Work, trip: Trip, assignment: Assignment, report: Report) -> Step:
    """Move the stamp of ``report.step`` to ``report.at``.

    Raises:
        Refused: 422, there is no such stamp, no coded reason, or the time lies outside its neighbours.

    """
    earlier = await _corrected_step(work, assignment, report)
    actor = Actor("person", work.cause.actor)
    life = Life("assignment", assignment.status, assignment.stamps)
    happening = Happening("correct", report.at, work.now, actor, reason=report.reason, correction_of=report.step)
    found = advance(life, happening)
    if isinstance(found, Refusal):
        raise refused(found)
    was, now = assignment.stamps[report.step], found.stamps[report.step]
    setattr(assignment, STAMPS[report.step], now)
    if report.step == "clear":
        assignment.ended_at = now
        trip.ended_at = now if trip.ended_at is not None and assignment.role == "primary" else trip.ended_at
        await trips.update(work.db, trip)
    assignment.rc = report.rc or assignment.rc
    assignment.outcome = report.outcome or assignment.outcome
    assignment.facility_id = report.facility_id or assignment.facility_id
    await assignments.update(work.db, assignment)
    made = Step(
        id=new_id(), assignment_id=assignment.id, step=report.step, said_at=report.at, at=now, recorded_at=work.now,
        by="person", actor=work.cause.actor, crew_id=report.by_crew, on_behalf=report.by_crew is None,
        status=assignment.status, previous_status=assignment.status, correction_of=earlier, previous_at=was,
        odometer_km=report.odometer_km, rc=report.rc, outcome=report.outcome, facility_id=report.facility_id,
        reason=report.reason,
    )  # fmt: skip
    await assignments.insert_step(work.db, made)
    private = {
        "reason": report.reason, "odometer_km": report.odometer_km, "rc": report.rc, "outcome": report.outcome,
        "facility_id": report.facility_id,
    }  # fmt: skip
    facts = assignment_facts(trip, assignment, now, by_of(work), previous=assignment.status, crew_id=report.by_crew)
    event = AssignmentCorrected(**facts, step=report.step, previous_at=was, correction_of=earlier, private=private)
    work.say(assignment.id, event, trip.origin)
    return made


async def _corrected_step(work: Work, assignment: Assignment, report: Report) -> UUID | None:
    if report.correction_of is None:
        return await assignments.last_step(work.db, assignment.id, report.step)
    named = await assignments.step_by_id(work.db, report.correction_of, assignment.id)
    if named is None or named.step != report.step:
        code, th, en = OTHER_STEP
        raise Refused(422, code, th, en, field="correction_of")
    return named.id
