"""Duty: may the unit be called, with whom and in what; out of service, and clean again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.dispatch.rules.life import Actor, Happening, Life, advance
from services.dispatch.store import assignments, runs, trips, units
from services.dispatch.store.assignments import ASKED
from services.dispatch.store.trips import Trip
from services.dispatch.verbs import home, lives, shares
from services.dispatch.verbs.saying import assignment_facts, by_of
from shared.errors import Refused
from shared.events.base import Origin
from shared.events.dispatch import AssignmentCrewChanged, UnitDisinfected, UnitOffDuty, UnitOnDuty, UnitOutOfService
from shared.events.words import By
from shared.refusal import Refusal
from shared.work import Work, is_unique

REFUSALS = {
    "crew_elsewhere": (409, "เจ้าหน้าที่บางคนอยู่เวรกับหน่วยอื่น",
                       "somebody of this crew is on duty with another unit", "crew_ids"),
    "vehicle_elsewhere": (409, "รถคันนี้ใช้อยู่กับหน่วยอื่น", "this vehicle is on duty with another unit", "vehicle_id"),
    "crew_missing": (422, "ต้องมีเจ้าหน้าที่อย่างน้อยหนึ่งคน", "a unit on duty needs a crew", "crew_ids"),
    "vehicle_missing": (422, "ต้องระบุรถ", "a unit on duty needs a vehicle", "vehicle_id"),
    "not_contaminated": (409, "หน่วยนี้สะอาดอยู่แล้ว", "the unit is clean", "cleanliness"),
    "not_in_use": (409, "หน่วยนี้เลิกใช้แล้ว", "the unit is not in use any more", "unit_id"),
    "people_rely": (409, "ยังมีผู้โดยสารที่หน่วยนี้ต้องรับวันนี้ ยืนยันหากจะออกเวร ศูนย์จะหาหน่วยอื่นให้",
                    "people rely on this unit today: confirm, and others are looked for", "confirm"),
    "until_past": (422, "เวลาออกเวรผ่านไปแล้ว", "the end of this duty has passed", "until_at"),
    "on_a_run": (409, "หน่วยมีงานค้างอยู่ เปลี่ยนรถหรือออกเวรไม่ได้",
                 "the unit is on a run: it keeps its vehicle and its duty", "on"),
}  # fmt: skip


def _refuse(code: str, **facts: Any) -> Refused:
    status, th, en, field = REFUSALS[code]
    return Refused(status, code, th, en, field=field, **facts)


@dataclass(frozen=True, slots=True)
class Duty:
    """``reason`` with ``on=False``: out of service. Crew and vehicle left out: as they are, or the usual ones; the end,

    too, while it is the same crew's duty.

    ``by_crew``: the crew member who says it; None: somebody at the desk, or the system. ``confirmed``: off duty, though

    people rely on the unit: they are given to others.
    """

    on: bool
    crew_ids: Sequence[UUID] | None = None
    vehicle_id: UUID | None = None
    reason: str | None = None
    until_at: datetime | None = None
    by_crew: UUID | None = None
    confirmed: bool = False


def _check_own(unit: asyncpg.Record, crew_id: UUID | None, *, busy: bool = False) -> None:
    """A unit on duty or on a run is its crew's; otherwise any of its usual crew may sign on.

    Who else took it over would read whom it fetches, and the crew that drives would be shut out.

    Raises:
        Refused: 404.

    """
    own = unit["crew_ids"] if busy or unit["duty"] == "on_duty" else [*unit["crew_ids"], *unit["usual_crew_ids"]]
    if crew_id is not None and crew_id not in own:
        raise lives.missing("unit")


async def set_duty(work: Work, unit_id: UUID, duty: Duty) -> None:
    """Put a unit on or off duty, or out of service; on duty again with another crew is a change of crew.

    Raises:
        Refused: 404; 409 an open run, a crew member or vehicle elsewhere; 422 what is missing or unknown.

    """
    seen = await units.read(work.db, unit_id)
    if seen is not None:
        for area in await shares.areas_of(work, unit_id, seen["area"]):
            await runs.serialise(work.db, area)  # nobody is sent while their duty changes
    held = await trips.lock_of_unit(work.db, unit_id)  # before the unit, as a step of its crew does
    unit = await units.lock(work.db, unit_id)
    if unit is None:
        raise lives.missing("unit")
    busy = await runs.open_of_unit(work.db, unit_id) is not None
    _check_own(unit, duty.by_crew, busy=busy)
    if duty.until_at is not None and duty.until_at <= work.now:
        raise _refuse("until_past")
    if duty.on:
        await _on(work, unit, duty, held, busy=busy)
        return
    what = "out_of_service" if duty.reason is not None else "off_duty"
    if unit["duty"] == what and unit["out_of_service_reason"] == duty.reason:
        if what == "out_of_service" and _ends_otherwise(unit, duty):
            await units.set_until(work.db, unit_id, duty.until_at, work.now)
            await _say_out(work, unit, duty)
        return
    _allowed(work, unit, what, duty.reason, busy=busy)
    if what == "off_duty" and by_of(work) is By.PERSON and not duty.confirmed:
        await _nobody_relies(work, unit)
    await work.cancel("duty_ends", unit_id)
    await units.set_duty(work.db, unit_id, what, work.now, until_at=duty.until_at, reason=duty.reason)
    if what == "out_of_service":
        await _say_out(work, unit, duty)
        return
    origin = Origin(unit["area"], unit_id, exercise=unit["exercise"])
    event = UnitOffDuty(vehicle_id=unit["vehicle_id"], crew_ids=tuple(unit["crew_ids"]), at=work.now, by=by_of(work))
    work.say(unit_id, event, origin)
    await lives.at_once(work, "unit_left", unit_id, origin)


def _ends_otherwise(unit: asyncpg.Record, duty: Duty) -> bool:
    """Whether another end is said; left out, it stays as it is."""
    return duty.until_at not in {None, unit["until_at"]}


async def _say_out(work: Work, unit: asyncpg.Record, duty: Duty) -> None:
    """Say that the unit is out of service until then; whom it was to fetch meanwhile goes with others."""
    origin = Origin(unit["area"], unit["id"], exercise=unit["exercise"])
    private = {"reason": duty.reason}
    event = UnitOutOfService(vehicle_id=unit["vehicle_id"], at=work.now, until_at=duty.until_at, private=private)
    work.say(unit["id"], event, origin)
    await lives.at_once(work, "spare_riders", unit["id"], origin)
    await lives.at_once(work, "unit_left", unit["id"], origin)


async def _nobody_relies(work: Work, unit: asyncpg.Record) -> None:
    """Refuse to go where people would wait in vain; what they wait for is shown.

    Raises:
        Refused: 409.

    """
    left = await home.relying(work.db, unit, work.now)
    if left:
        waiting = [
            {"trip_id": str(trip.id), "leg": trip.leg, "at": at.isoformat() if at else None}
            for trip in (*left.rides, *left.home)
            for at in (trip.pickup_at or trip.pickup_earliest_at,)
        ]
        raise _refuse("people_rely", waiting=waiting)


async def _on(work: Work, unit: asyncpg.Record, duty: Duty, held: Sequence[Trip], *, busy: bool) -> None:
    here = unit["duty"] == "on_duty"
    crew = list(duty.crew_ids if duty.crew_ids is not None else (unit["crew_ids"] if here else unit["usual_crew_ids"]))
    vehicle_id = duty.vehicle_id or (unit["vehicle_id"] if here else unit["usual_vehicle_id"])
    await _check_crew_and_vehicle(work, unit, crew, vehicle_id)
    if busy and vehicle_id != unit["vehicle_id"]:
        raise _refuse("on_a_run")
    if here and set(crew) == set(unit["crew_ids"]) and vehicle_id == unit["vehicle_id"]:
        if not _ends_otherwise(unit, duty):
            return
        taken_over = await units.set_until(work.db, unit["id"], duty.until_at, work.now)
    else:
        taken_over = await _sign_on(work, unit, duty, crew, vehicle_id, busy=busy)
    origin = Origin(unit["area"], unit["id"], exercise=unit["exercise"])
    event = UnitOnDuty(
        vehicle_id=vehicle_id, crew_ids=tuple(crew), level=unit["level"], station_id=unit["station_id"], at=work.now,
        until_at=duty.until_at, private={"call_sign": unit["call_sign"]},
    )  # fmt: skip
    work.say(unit["id"], event, origin)
    await _say_taken_over(work, held, taken_over)
    await work.cancel("duty_ends", unit["id"])
    if duty.until_at is not None:
        await work.later("duty_ends", unit["id"], duty.until_at, origin)
    await lives.at_once(work, "serve_queue", unit["id"], origin)


async def _sign_on(
    work: Work, unit: asyncpg.Record, duty: Duty, crew: list[UUID], vehicle_id: UUID | None, *, busy: bool
) -> list[UUID]:
    """The unit is this crew's, with this vehicle; the assignments that are theirs from now on.

    Raises:
        Refused: 409, somebody or the vehicle is on duty elsewhere.

    """
    if unit["duty"] != "on_duty":
        _allowed(work, unit, "on_duty", None, busy=busy)
    try:
        async with work.db.transaction():
            return await units.set_duty(
                work.db, unit["id"], "on_duty", work.now, until_at=duty.until_at, vehicle_id=vehicle_id, crew_ids=crew
            )
    except asyncpg.UniqueViolationError as problem:
        if is_unique(problem, "on_duty_pkey"):
            raise _refuse("crew_elsewhere") from problem
        if is_unique(problem, "unit_one_per_vehicle"):
            raise _refuse("vehicle_elsewhere") from problem
        raise


async def _say_taken_over(work: Work, held: Sequence[Trip], taken_over: Sequence[UUID]) -> None:
    """What the unit has to do is this crew's from now on: whoever tells crews must know."""
    for assignment in await assignments.by_ids(work.db, taken_over):
        trip = next(trip for trip in held if trip.id == assignment.trip_id)
        facts = assignment_facts(trip, assignment, work.now, by_of(work), previous=assignment.status)
        asked = assignment.status in ASKED
        event = AssignmentCrewChanged(
            **facts, status=assignment.status, respond_by_at=assignment.respond_by_at if asked else None,
            start_at=assignment.start_at if asked else None, pickup_at=trip.pickup_at,
        )  # fmt: skip
        work.say(assignment.id, event, trip.origin)


async def _check_crew_and_vehicle(work: Work, unit: asyncpg.Record, crew: list[UUID], vehicle_id: UUID | None) -> None:
    from services.dispatch.verbs.crews import unknown  # noqa: PLC0415 the two name each other

    if not unit["active"]:
        raise _refuse("not_in_use")
    if not crew:
        raise _refuse("crew_missing")
    if vehicle_id is None:
        raise _refuse("vehicle_missing")
    if await units.known_crew(work.db, crew, unit["area"]) != set(crew):
        raise unknown("crew_ids")
    if not await units.vehicle_is_known(work.db, vehicle_id, unit["area"]):
        raise unknown("vehicle_id")


def _allowed(work: Work, unit: asyncpg.Record, what: str, reason: str | None, *, busy: bool) -> None:
    """The life table of duty; a unit on a run keeps its duty."""
    if busy:
        raise _refuse("on_a_run")
    actor = Actor("person", work.cause.actor)
    found = advance(Life("duty", unit["duty"]), Happening(what, work.now, work.now, actor, reason=reason))
    if isinstance(found, Refusal):
        raise lives.refused(found)


async def end_duty(work: Work, unit_id: UUID) -> bool:
    """The time of this duty is over. False while the unit is on a run: it is finished first."""
    if await runs.open_of_unit(work.db, unit_id) is not None:
        return False
    unit = await units.read(work.db, unit_id)
    if unit is not None and unit["until_at"] is not None and unit["until_at"] <= work.now:
        await set_duty(work, unit_id, Duty(on=False))
    return True


async def go_off_duty(work: Work, unit_id: UUID, *, without: UUID) -> None:
    """One member leaves for good: the unit goes on with the others, or off duty.

    Raises:
        Refused: 409, it is on a run.

    """
    unit = await units.read(work.db, unit_id)  # locked after its trips, where duty changes
    if unit is None:
        return
    rest = [member for member in unit["crew_ids"] if member != without]
    if await runs.open_of_unit(work.db, unit_id) is not None:
        raise _refuse("on_a_run")
    await set_duty(work, unit_id, Duty(on=True, crew_ids=rest) if rest else Duty(on=False, confirmed=True))


async def disinfected(work: Work, unit_id: UUID, crew_id: UUID | None, method: str | None) -> None:
    """Clean again: the unit may be offered.

    Raises:
        Refused: 404; 409 it is not contaminated.

    """
    unit = await units.lock(work.db, unit_id)
    if unit is None:
        raise lives.missing("unit")
    _check_own(unit, crew_id)
    if not await units.disinfect(work.db, unit_id):
        raise _refuse("not_contaminated")
    origin = Origin(unit["area"], unit_id, exercise=unit["exercise"])
    event = UnitDisinfected(vehicle_id=unit["vehicle_id"], at=work.now, crew_id=crew_id, private={"method": method})
    work.say(unit_id, event, origin)
    await lives.at_once(work, "serve_queue", unit_id, origin)
