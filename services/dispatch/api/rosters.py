"""Rosters: shifts by day and week, who is missing now, swaps."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from services.dispatch.api.common import (
    NIL,
    After,
    AreaQuery,
    Id,
    Limit,
    Manager,
    Page,
    RunsUnit,
    SeesBoard,
    SeesFleet,
    areas_of,
    crew_of,
    next_of,
    one_area,
    runtime_of,
    seen,
)
from services.dispatch.api.resources import PUT_ANSWERS
from services.dispatch.api.resources_models import Name, coded
from services.dispatch.rules import roster
from services.dispatch.rules.eligibility import CrewFacts
from services.dispatch.store import served, shifts, units
from services.dispatch.store.shifts import Shift, Swap
from services.dispatch.verbs import rosters
from services.dispatch.verbs.crews import unknown
from services.dispatch.verbs.lives import missing
from shared.audit import audit
from shared.auth import Role
from shared.errors import Refused
from shared.http import Body, IdempotencyKey, once
from shared.openapi import Day, Moment, problems
from shared.service import Runtime
from shared.thai.dates import day_bounds, local_day
from shared.work import new_id, now_utc

router = APIRouter(tags=["rosters"])

CrewIds = Annotated[list[UUID], Field(max_length=20)]
Kind = Annotated[str, Field(max_length=40), coded("duty_kind")]
LONGEST = timedelta(days=62)
TOO_LONG = (422, "too_long", "ดูได้ครั้งละไม่เกิน 62 วัน", "at most 62 days at a time")
SUPERVISOR_ONLY = (403, "supervisor_only", "หัวหน้าเท่านั้นที่อนุมัติหรือไม่อนุมัติได้", "a supervisor approves or refuses")


class ShiftBody(Body):
    """A unit's duty, ``from_at <= at < until_at``, at most 48 hours. ``crew_ids`` may still be empty."""

    unit_id: UUID
    kind: Kind = "emergency"
    from_at: Moment
    until_at: Moment
    crew_ids: CrewIds = Field(default_factory=list)
    note: Name | None = None


class EndingOut(BaseModel):
    """A certificate that is valid on the day and ends soon after; ``days_left`` from that day."""

    crew_id: UUID
    skill: str
    last_on: date
    days_left: int


class ShiftOut(BaseModel):
    id: UUID
    area: str
    unit_id: UUID
    kind: str
    from_at: datetime
    until_at: datetime
    crew_ids: list[UUID]
    note: str | None
    exercise: bool

    @classmethod
    def of(cls, shift: Shift) -> ShiftOut:
        return cls(**{name: getattr(shift, name) for name in cls.model_fields})


class ShiftPut(BaseModel):
    """``short_of_level``: this crew cannot work at the unit's own level. ``ending``: certificates to renew soon."""

    id: UUID
    made: bool
    changed: bool
    short_of_level: bool
    ending: list[EndingOut]


class Shifts(BaseModel):
    items: list[ShiftOut]


class StandingOut(BaseModel):
    """A shift of this moment: who of it is on duty with the unit, who is not, and who is though not in the roster."""

    shift: ShiftOut
    present: list[UUID]
    missing: list[UUID]
    extra: list[UUID]


class RosterNow(BaseModel):
    """``unplanned``: units on duty that no shift of this moment names."""

    at: datetime
    items: list[StandingOut]
    unplanned: list[UUID]


class SwapBody(Body):
    """``from_crew_id`` is left out by the member who gives the shift. ``for_shift_id``: what the other gives for it."""

    to_crew_id: UUID
    from_crew_id: UUID | None = None
    for_shift_id: UUID | None = None


class AnswerBody(Body):
    """``agree, decline`` by the other; ``withdraw`` by who asked; ``approve, refuse`` by a supervisor."""

    act: Literal["agree", "decline", "withdraw", "approve", "refuse"]


class SwapOut(BaseModel):
    id: UUID
    area: str
    shift_id: UUID
    from_crew_id: UUID
    to_crew_id: UUID
    for_shift_id: UUID | None
    status: str
    asked_at: datetime
    agreed_at: datetime | None
    ended_at: datetime | None

    @classmethod
    def of(cls, swap: Swap) -> SwapOut:
        return cls(**{name: getattr(swap, name) for name in cls.model_fields})


class SwapPage(Page):
    items: list[SwapOut]


@router.put("/v1/shifts/{shift_id}", response_model=ShiftPut, responses=PUT_ANSWERS | problems(409))
async def put_shift(request: Request, response: Response, caller: Manager, shift_id: Id, body: ShiftBody) -> ShiftPut:
    """จัดเวร | Put a unit's shift. A certificate that ends before it does is refused; one that ends soon is told."""
    runtime = runtime_of(request)
    unit = await units.read(runtime.pool, body.unit_id)
    area = seen(unit["area"] if unit else None, caller)
    values = {name: getattr(body, name) for name in ShiftBody.model_fields} | {"crew_ids": tuple(body.crew_ids)}
    shift = Shift(id=shift_id, area=area, **values)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        made = await rosters.put(work, shift)
        await audit(work, caller, "put_shift", "shift", shift_id, area=area)
    response.status_code = 201 if made else 200
    crew = await _crew(runtime, shift.crew_ids)
    on = roster.last_day(shift.until_at)
    return ShiftPut(
        id=shift_id, made=made is True, changed=made is not None,
        short_of_level=roster.short_of_level(unit["level"] if unit else "transport", crew, shift.from_at),
        ending=[EndingOut(crew_id=UUID(each.crew_id), skill=each.skill, last_on=each.last_on,
                          days_left=each.days_left(on)) for each in roster.ending(crew, on)],
    )  # fmt: skip


async def _crew(runtime: Runtime, crew_ids: Iterable[UUID]) -> list[CrewFacts]:
    members = await served.skills_of(runtime.pool, list(crew_ids))
    return [CrewFacts(str(member["id"]), member["skills"]) for member in members]


@router.delete("/v1/shifts/{shift_id}", status_code=204, responses=problems(401, 403, 404, 409))
async def drop_shift(request: Request, caller: Manager, shift_id: Id) -> None:
    """ยกเลิกเวร | Take a shift that has not begun out of the roster."""
    runtime = runtime_of(request)
    shift = await shifts.read(runtime.pool, shift_id)
    area = seen(shift.area if shift else None, caller)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        await rosters.drop(work, shift_id)
        await audit(work, caller, "drop_shift", "shift", shift_id, area=area)


@router.get("/v1/shifts", response_model=Shifts, responses=problems(401, 403, 404))
async def list_shifts(
    request: Request, caller: SeesBoard, from_: Annotated[Day | None, Query(alias="from")] = None,
    to: Annotated[Day | None, Query()] = None, area: AreaQuery = None,
) -> Shifts:  # fmt: skip
    """ตารางเวร | Shifts that touch the days ``from`` to ``to``, both included; left out: a week from today.

    A crew sees its own.
    """
    first = from_ or local_day(now_utc())
    last = to or first + timedelta(days=6)
    if last - first > LONGEST:
        raise Refused(*TOO_LONG, field="to")
    span = (day_bounds(first)[0], day_bounds(last)[1])
    found = await shifts.between(runtime_of(request).pool, one_area(caller, area), *span, crew_of(caller))
    return Shifts(items=[ShiftOut.of(shift) for shift in found])


@router.get("/v1/roster/now", response_model=RosterNow, responses=problems(401, 403, 404))
async def now(request: Request, caller: SeesFleet, area: AreaQuery = None) -> RosterNow:
    """ใครควรอยู่เวรตอนนี้ | Every shift of this moment beside who is really on duty: who is missing."""
    pool, at, home = runtime_of(request).pool, now_utc(), one_area(caller, area)
    planned = [
        each for each in await shifts.between(pool, home, at, at + timedelta(microseconds=1)) if not each.exercise
    ]
    here = {row["id"]: frozenset(row["crew_ids"]) for row in await units.on_duty(pool, home)}
    by_id = {shift.id: shift for shift in planned}
    found = roster.standing([(shift.id, shift.unit_id, shift.crew_ids) for shift in planned], here)
    named = {shift.unit_id for shift in planned}
    return RosterNow(
        at=at,
        items=[StandingOut(shift=ShiftOut.of(by_id[each.shift_id]), present=list(each.present),
                           missing=list(each.missing), extra=list(each.extra)) for each in found],
        unplanned=[unit_id for unit_id in here if unit_id not in named],
    )  # fmt: skip


# --- swaps ---------------------------------------------------------------------------------------------------------


@router.post("/v1/shifts/{shift_id}/swaps", status_code=201, response_model=SwapOut,
             responses=problems(400, 401, 403, 404, 409, 413))  # fmt: skip
async def ask_swap(
    request: Request, caller: RunsUnit, shift_id: Id, body: SwapBody, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """ขอแลกเวร | A member asks another to take a shift; at the desk it is written down for them."""
    runtime, own = runtime_of(request), crew_of(caller)
    shift = await shifts.read(runtime.pool, shift_id)
    area = seen(shift.area if shift else None, caller)
    giver = own or body.from_crew_id
    if own is not None and (shift is None or own not in shift.crew_ids):
        raise missing("shift")
    if giver is None or giver == body.to_crew_id or (own is not None and body.from_crew_id not in {None, own}):
        raise unknown("crew_ids")
    asking = rosters.Asking(new_id(), shift_id, giver, body.to_crew_id, body.for_shift_id)
    async with runtime.work(runtime.asked_by(caller, request)) as work:

        async def verb() -> tuple[int, dict[str, Any]]:
            asked = await rosters.ask(work, asking)
            await audit(work, caller, "ask_swap", "shift", shift_id, {"swap_id": str(asking.id)}, area=area)
            return 201, SwapOut.of(asked).model_dump(mode="json")

        return await once(work, request, caller, idempotency_key, body, verb)


@router.get("/v1/swaps", response_model=SwapPage, responses=problems(401, 403))
async def list_swaps(
    request: Request, caller: SeesBoard, area: AreaQuery = None, after: After = None, limit: Limit = 100
) -> SwapPage:
    """คำขอแลกเวรที่ยังค้าง | Swaps that wait for somebody; a crew sees those that concern it."""
    pool = runtime_of(request).pool
    found = await shifts.open_swaps(pool, areas_of(caller, area), after or NIL, limit, crew_of(caller), now_utc())
    items = [SwapOut.of(swap) for swap in found]
    return SwapPage(items=items, next=next_of(items, limit))


@router.post("/v1/swaps/{swap_id}/answer", response_model=SwapOut, responses=problems(400, 401, 403, 404, 409, 413))
async def answer_swap(request: Request, caller: RunsUnit, swap_id: Id, body: AnswerBody) -> SwapOut:
    """ตอบเรื่องแลกเวร | The other agrees, a supervisor approves; then the roster changes."""
    if body.act not in roster.ACTS_OF_CREW and caller.role is not Role.SUPERVISOR:
        raise Refused(*SUPERVISOR_ONLY)
    runtime = runtime_of(request)
    swap = await shifts.read_swap(runtime.pool, swap_id)
    area = seen(swap.area if swap else None, caller)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        answered = await rosters.answer(work, swap_id, body.act, crew_of(caller))
        await audit(work, caller, "answer_swap", "swap", swap_id, {"answer": body.act}, area=area)
        return SwapOut.of(answered)
