"""A facility is told who comes and answers; a bed is held for somebody, used, and free again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from services.dispatch.store import facilities, resources, trips
from services.dispatch.store.facilities import Hold
from services.dispatch.verbs.handover import locked
from services.dispatch.verbs.lives import missing
from services.dispatch.verbs.saying import by_of
from shared.due import Due
from shared.errors import Refused
from shared.events.base import Origin
from shared.events.dispatch import BedHeld, BedReleased, BedUsed, FacilityAccepted, FacilityAlerted, FacilityRefused
from shared.events.words import By
from shared.work import Work, new_id

LONGEST_HOLD = timedelta(hours=12)
REFUSALS = {
    "assignment_over": (409, "งานนี้จบแล้ว ไม่มีผู้ป่วยที่จะไปถึง", "this assignment is over: nobody will arrive", "status"),
    "nobody_on_board": (409, "งานนี้ไม่มีผู้ป่วย", "this assignment has no patient", "assignment_id"),
    "no_facility": (422, "ยังไม่รู้ว่าไปสถานพยาบาลใด", "nobody has said which facility", "facility_id"),
    "unknown_facility": (422, "ไม่มีสถานพยาบาลนี้ หรือเลิกใช้แล้ว", "no such facility, or it is not in use", "facility_id"),
    "answered": (409, "สถานพยาบาลตอบแล้ว", "the facility has answered", "status"),
    "reason_missing": (422, "การไม่รับต้องมีเหตุผล", "a refusal needs its reason", "reason"),
    "bed_taken": (409, "เตียงนี้ไม่ว่าง", "this bed is taken", "bed_id"),
    "bed_closed": (409, "เตียงนี้เลิกใช้แล้ว", "this bed is not in use any more", "bed_id"),
    "hold_over": (409, "การจองนี้จบแล้ว", "this hold has ended", "status"),
    "hold_length": (422, "จองได้ไม่เกิน 12 ชั่วโมงและต้องไม่เป็นเวลาที่ผ่านไปแล้ว", "a hold ends later than now, within 12 hours",
                    "until_at"),
}  # fmt: skip


def _refuse(code: str) -> Refused:
    status, th, en, field = REFUSALS[code]
    return Refused(status, code, th, en, field=field)


@dataclass(frozen=True, slots=True)
class Answer:
    accepts: bool
    reason: str | None = None
    other_facility_id: UUID | None = None


async def tell(
    work: Work, assignment_id: UUID, crew_id: UUID | None, facility_id: UUID | None, expected_at: datetime | None
) -> asyncpg.Record:
    """Tell a facility (left out: the trip's own) who comes. The same again is the same, unless it refused.

    Raises:
        Refused: 404; 409 the assignment is over, or has no patient; 422 no facility, or an unknown one.

    """
    trip, assignment = await locked(work, assignment_id, crew_id)
    if assignment.ended_at is not None:
        raise _refuse("assignment_over")
    if trip.patient_id is None:
        raise _refuse("nobody_on_board")
    facility_id = facility_id or assignment.facility_id or trip.facility_id
    if facility_id is None:
        raise _refuse("no_facility")
    if not await facilities.is_known(work.db, facility_id):
        raise _refuse("unknown_facility")
    alert_id = new_id()
    values = (alert_id, trip.area, trip.id, assignment.id, facility_id, expected_at, work.now)
    if await facilities.alert(work.db, values):
        event = FacilityAlerted(
            call_id=trip.call_id, patient_id=trip.patient_id, trip_id=trip.id, assignment_id=assignment.id, at=work.now,
            severity=trip.severity, severity_scheme=trip.severity_scheme, expected_at=expected_at,
            private={"facility_id": facility_id},
        )  # fmt: skip
        work.say(alert_id, event, trip.origin)
    return await _kept(work, assignment.id, facility_id)


async def _kept(work: Work, assignment_id: UUID, facility_id: UUID) -> asyncpg.Record:
    row = await facilities.same_alert(work.db, assignment_id, facility_id)
    if row is None:
        raise missing("alert")
    return row


async def answer(work: Work, alert_id: UUID, given: Answer) -> asyncpg.Record:
    """What the facility says. The same answer again is the same.

    Raises:
        Refused: 404; 409 it has answered otherwise; 422 a refusal without its reason.

    """
    row = await facilities.lock_alert(work.db, alert_id)
    trip = await trips.read(work.db, row["trip_id"]) if row else None
    if row is None or trip is None:
        raise missing("alert")
    status = "accepted" if given.accepts else "refused"
    if row["status"] == status:
        return row
    if row["status"] != "alerted":
        raise _refuse("answered")
    if not given.accepts and given.reason is None:
        raise _refuse("reason_missing")
    if given.other_facility_id is not None and not await facilities.is_known(work.db, given.other_facility_id):
        raise _refuse("unknown_facility")
    reason, other = (None, None) if given.accepts else (given.reason, given.other_facility_id)
    await facilities.answer(work.db, alert_id, status, work.now, reason, other)
    facts: dict[str, Any] = {
        "call_id": trip.call_id, "patient_id": trip.patient_id, "trip_id": trip.id,
        "assignment_id": row["assignment_id"], "at": work.now,
    }  # fmt: skip
    private = {"facility_id": row["facility_id"]}
    if given.accepts:
        work.say(alert_id, FacilityAccepted(**facts, private=private), trip.origin)
    else:
        said = {**private, "reason": reason, "other_facility_id": other}
        work.say(alert_id, FacilityRefused(**facts, private=said), trip.origin)
    return await facilities.read_alert(work.db, alert_id) or row


# --- beds --------------------------------------------------------------------------------------------------------


async def put_bed(work: Work, bed_id: UUID, values: Mapping[str, Any]) -> bool | None:
    """Put a bed: True made, False changed, None the same as before.

    Raises:
        Refused: 404 the id is another municipality's; 422 an unknown facility.

    """
    if await resources.area_of(work.db, "facility", values["facility_id"]) != values["area"]:
        raise _refuse("unknown_facility")
    made = await facilities.put_bed(work.db, (bed_id, *values.values(), work.now))
    if made is None and await facilities.bed_area(work.db, bed_id) != values["area"]:
        raise missing("bed")
    return made


async def hold(work: Work, bed_id: UUID, trip_id: UUID | None, until_at: datetime) -> Hold:
    """Keep a bed for somebody until a moment.

    Raises:
        Refused: 404 no such bed or trip; 409 it is taken, or not in use; 422 too long.

    """
    bed = await facilities.lock_bed(work.db, bed_id)
    if bed is None:
        raise missing("bed")
    if not bed["active"]:
        raise _refuse("bed_closed")
    if not work.now < until_at <= work.now + LONGEST_HOLD:
        raise _refuse("hold_length")
    origin, call_id = await _origin(work, bed["area"], bed_id, trip_id)
    made = Hold(new_id(), bed["area"], bed_id, trip_id, work.now, until_at)
    try:
        async with work.db.transaction():
            await facilities.hold(work.db, made)
    except asyncpg.UniqueViolationError as problem:
        raise _refuse("bed_taken") from problem
    private = {"facility_id": bed["facility_id"], "kind": bed["kind"]}
    event = BedHeld(call_id=call_id, trip_id=trip_id, at=work.now, expires_at=until_at, private=private)
    work.say(made.id, event, origin)
    await work.later("bed_expires", made.id, until_at, origin)
    return made


async def _origin(work: Work, area: str, bed_id: UUID, trip_id: UUID | None) -> tuple[Origin, UUID | None]:
    if trip_id is None:
        return Origin(area, bed_id), None
    trip = await trips.read(work.db, trip_id)
    if trip is None or trip.area != area:
        raise missing("trip")
    return trip.origin, trip.call_id


async def use(work: Work, hold_id: UUID) -> Hold:
    """The person lies in the bed: it does not expire any more.

    Raises:
        Refused: 404; 409 the hold has ended.

    """
    found = await _open(work, hold_id)
    if found.used_at is None:
        await facilities.use(work.db, hold_id, work.now)
        await work.cancel("bed_expires", hold_id)
        origin, facts, private = await _facts(work, found)
        work.say(hold_id, BedUsed(**facts, private=private), origin)
    return await facilities.read_hold(work.db, hold_id) or found


async def free(work: Work, hold_id: UUID, reason: str, by: By | None = None) -> Hold:
    """The bed is free again.

    Raises:
        Refused: 404; 409 it is free already.

    """
    found = await _open(work, hold_id)
    await facilities.end(work.db, hold_id, work.now, reason)
    await work.cancel("bed_expires", hold_id)
    origin, facts, private = await _facts(work, found)
    event = BedReleased(**{**facts, "by": by or by_of(work)}, private={**private, "reason": reason})
    work.say(hold_id, event, origin)
    return await facilities.read_hold(work.db, hold_id) or found


async def _open(work: Work, hold_id: UUID) -> Hold:
    found = await facilities.lock_hold(work.db, hold_id)
    if found is None:
        raise missing("hold")
    if found.ended_at is not None:
        raise _refuse("hold_over")
    return found


async def _facts(work: Work, found: Hold) -> tuple[Origin, dict[str, Any], dict[str, Any]]:
    bed = await facilities.lock_bed(work.db, found.bed_id)
    if bed is None:
        raise missing("bed")
    origin, call_id = await _origin(work, found.area, found.bed_id, found.trip_id)
    facts = {"call_id": call_id, "trip_id": found.trip_id, "at": work.now, "by": by_of(work)}
    return origin, facts, {"facility_id": bed["facility_id"]}


async def expire(work: Work, due: Due) -> None:
    """The time of a hold is over, and nobody came."""
    found = await facilities.lock_hold(work.db, due.subject_id)
    if found is not None and found.ended_at is None and found.used_at is None:
        await free(work, found.id, "expired", By.SYSTEM)
