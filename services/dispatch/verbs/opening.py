"""A unit's run opens: on an accepted offer now, on a booking with its first departure."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import asyncpg

from services.dispatch import fleet
from services.dispatch.store import assignments, runs, units
from services.dispatch.store.assignments import Assignment
from services.dispatch.store.trips import Trip
from shared.errors import Refused
from shared.events.dispatch import RunOpened
from shared.work import Work, is_unique, new_id

ALREADY_BUSY = (
    "unit_busy", "หน่วยนี้ยังมีงานค้างอยู่ จบงานนั้นก่อน", "the unit is still on another run; finish that one first",
)  # fmt: skip
OFF_DUTY = ("off_duty", "หน่วยนี้ไม่ได้เข้าเวร รับงานไม่ได้", "the unit is not on duty and cannot take the trip")


async def run_for(work: Work, trip: Trip, assignment: Assignment, at: datetime) -> UUID:
    """The run of an accepted offer: opened now, if the unit is (still) on duty.

    Raises:
        Refused: 409, it is off duty, or on another run.

    """
    unit = await units.read(work.db, assignment.unit_id)
    if unit is None or unit["duty"] != "on_duty":
        code, th, en = OFF_DUTY
        raise Refused(409, code, th, en, field="step")
    run_id = new_id()
    try:
        async with work.db.transaction():
            await runs.insert_open(
                work.db, run_id, assignment.unit_id, assignment.area, trip.lane, at, exercise=trip.exercise
            )
    except asyncpg.UniqueViolationError as problem:
        raise busy(problem) from problem
    fleet.hold(work, assignment.unit_id)
    return run_id


async def say_run_opened(work: Work, trip: Trip, assignment: Assignment, at: datetime) -> None:
    """The unit's tour begins with this trip."""
    unit = await units.read(work.db, assignment.unit_id)
    riders = await assignments.of_run(work.db, assignment.run_id) if assignment.run_id else []
    others = tuple(each.trip_id for each in riders if each.ended_at is None and each.trip_id != trip.id)
    event = RunOpened(
        unit_id=assignment.unit_id, vehicle_id=unit["vehicle_id"] if unit else None,
        crew_ids=tuple(assignment.crew_ids), trip_ids=(trip.id, *others), lane=trip.lane,
        at=at,
    )  # fmt: skip
    if assignment.run_id is not None:
        work.say(assignment.run_id, event, trip.origin)


def busy(problem: asyncpg.UniqueViolationError) -> BaseException:
    """What to raise: the unit's open run as an answer, anything else as it came."""
    if is_unique(problem, "run_one_open_per_unit"):
        code, th, en = ALREADY_BUSY
        return Refused(409, code, th, en, field="step")
    return problem
