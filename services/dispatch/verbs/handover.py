"""Somebody else takes care of the patient, at the end or on the way; and a crew may ask for more help."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.dispatch.rules.life import CLOCK_SKEW, HANDED_UP
from services.dispatch.store import assignments, runs, trips
from services.dispatch.store.assignments import WORKING, Assignment
from services.dispatch.store.handovers import Handover, insert
from services.dispatch.store.trips import Trip
from services.dispatch.verbs import support
from services.dispatch.verbs.lives import missing
from services.dispatch.verbs.needs import add_backup
from services.dispatch.verbs.release import lose_unit, release
from services.dispatch.verbs.saying import assignment_facts, by_of
from shared.errors import Refused
from shared.events.dispatch import AssignmentBackupRequested, PatientHandedOver
from shared.events.words import By
from shared.work import Work, new_id

HIGHER_UNIT = "higher_unit"
GIVES = frozenset({"at_scene", "left_scene"})
REFUSALS = {
    "nobody_on_board": (409, "งานนี้ไม่มีผู้ป่วยให้ส่งมอบ", "this assignment has no patient to hand over", "assignment_id"),
    "not_there_yet": (409, "ยังไม่ถึงที่เกิดเหตุ ส่งมอบไม่ได้", "not at the scene yet: there is nobody to hand over", "status"),
    "in_the_future": (422, "เวลานี้ยังมาไม่ถึง", "this time lies in the future", "at"),
    "before_scene": (422, "เวลานี้อยู่ก่อนถึงที่เกิดเหตุ", "this time lies before the arrival at the scene", "at"),
    "not_working": (409, "งานนี้ยังไม่เริ่มหรือจบแล้ว", "this assignment has not begun, or has ended", "status"),
}  # fmt: skip


def _refuse(code: str) -> Refused:
    status, th, en, field = REFUSALS[code]
    return Refused(status, code, th, en, field=field)


@dataclass(frozen=True, slots=True)
class HandingOver:
    at: datetime
    receiver: str
    facility_id: UUID | None = None
    outcome: str | None = None


async def locked(work: Work, assignment_id: UUID, crew_id: UUID | None) -> tuple[Trip, Assignment]:
    """The assignment under its trip's lock, if this crew member is on it (None: somebody at the desk).

    Raises:
        Refused: 404.

    """
    found = await assignments.read(work.db, assignment_id)
    trip = await trips.lock(work.db, found.trip_id) if found else None
    assignment = await assignments.read(work.db, assignment_id)
    if trip is None or assignment is None or (crew_id is not None and crew_id not in assignment.crew_ids):
        raise missing("assignment")
    return trip, assignment


async def hand_over(work: Work, assignment_id: UUID, crew_id: UUID | None, given: HandingOver) -> Handover:
    """Somebody else takes care of the person now. The same again is the same.

    Raises:
        Refused: 404; 409 no patient, or not there yet; 422 an impossible time.

    """
    trip, assignment = await locked(work, assignment_id, crew_id)
    if trip.patient_id is None:
        raise _refuse("nobody_on_board")
    if assignment.at_scene_at is None:
        raise _refuse("not_there_yet")
    if given.at > work.now + CLOCK_SKEW:
        raise _refuse("in_the_future")
    if given.at < assignment.at_scene_at - CLOCK_SKEW:
        raise _refuse("before_scene")
    made = Handover(
        id=new_id(), assignment_id=assignment.id, trip_id=trip.id, patient_id=trip.patient_id, said_at=given.at,
        at=max(min(given.at, work.now), assignment.at_scene_at), recorded_at=work.now, receiver=given.receiver,
        facility_id=given.facility_id, outcome=given.outcome, actor=work.cause.actor, crew_id=crew_id,
    )  # fmt: skip
    kept = await insert(work.db, made)
    if kept.id != made.id:
        return kept
    taker = await _give(work, trip, assignment) if given.receiver == HIGHER_UNIT else None
    private = {"facility_id": given.facility_id, "receiver": given.receiver, "outcome": given.outcome}
    event = PatientHandedOver(
        call_id=trip.call_id, trip_id=trip.id, assignment_id=assignment.id, unit_id=assignment.unit_id, at=made.at,
        by=By.PERSON, to_assignment_id=taker.id if taker else None, to_unit_id=taker.unit_id if taker else None,
        private=private,
    )  # fmt: skip
    work.say(trip.patient_id, event, trip.origin)
    return made


async def _give(work: Work, trip: Trip, giver: Assignment) -> Assignment | None:
    """The trip is the other unit's from now on; who gave it away may clear, and has handed up."""
    if giver.role != "primary" or giver.status not in GIVES:
        return None
    taker = await support.higher(work, trip, giver)
    if taker is None:
        return None
    giver.role, giver.outcome, taker.role = "support", HANDED_UP, "primary"
    await assignments.update(work.db, giver)  # first: a trip is never held by two
    await assignments.update(work.db, taker)
    return taker


async def ask_backup(
    work: Work, assignment_id: UUID, area: str, crew_id: UUID | None, reason: str | None, slot: str,
    codes: tuple[str, ...],
) -> Assignment:  # fmt: skip
    """The crew needs more help: one more unit is asked, beside the first. ``slot``: what it must be and have.

    Raises:
        Refused: 404; 409 the assignment is not at work.

    """
    await runs.serialise(work.db, area)
    trip, assignment = await locked(work, assignment_id, crew_id)
    if assignment.status not in WORKING:
        raise _refuse("not_working")
    facts = assignment_facts(trip, assignment, work.now, by_of(work), previous=assignment.status, crew_id=crew_id)
    event = AssignmentBackupRequested(**facts, private={"reason": reason, "requirements": codes})
    work.say(assignment.id, event, trip.origin)
    if not trip.back_entry:
        add_backup(trip, slot)
        await trips.set_need(work.db, trip)
        await support.send(work, trip)
    return assignment


async def let_go(work: Work, assignment_id: UUID, reason: str) -> Assignment:
    """Somebody at the desk takes a unit off a trip; if it was the trip's own, another one is looked for.

    Raises:
        Refused: 404; 409 it has ended, or the patient is on board or at the destination; 422 no coded reason.

    """
    trip, assignment = await locked(work, assignment_id, None)
    await release(work, trip, assignment, reason)
    await lose_unit(work, trip, assignment, reason)
    return assignment
