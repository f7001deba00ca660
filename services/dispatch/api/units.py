"""Units: put, the board, duty, clean again."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from services.dispatch.api.common import (
    CODE_PATTERN,
    NIL,
    After,
    AreaQuery,
    Id,
    Limit,
    Manager,
    NamesUnits,
    Page,
    RunsUnit,
    SeesBoard,
    areas_of,
    crew_of,
    next_of,
    runtime_of,
    seen,
)
from services.dispatch.api.resources import PUT_ANSWERS
from services.dispatch.api.resources_models import Area, Name, PutOut
from services.dispatch.positions import KNOWN
from services.dispatch.store import units
from services.dispatch.verbs import duty
from services.dispatch.verbs import units as unit_verbs
from shared.audit import audit
from shared.auth import Caller
from shared.events.words import UnitLevel
from shared.http import Body
from shared.openapi import Moment, problems
from shared.work import now_utc

router = APIRouter(prefix="/v1/units", tags=["units"])

CrewIds = Annotated[list[UUID], Field(max_length=20)]


class UnitBody(Body):
    """A vehicle with a crew, as it usually goes out. ``volunteer`` units are asked by offers, never ordered."""

    area: Area
    call_sign: Name
    station_id: UUID | None = None
    level: UnitLevel = UnitLevel.TRANSPORT
    volunteer: bool = False
    exercise: bool = False
    active: bool = True
    vehicle_id: UUID | None = None
    crew_ids: CrewIds = Field(default_factory=list)


class DutyBody(Body):
    """``on: false`` with a ``reason`` (list ``reason_out_of_service``) is out of service; without one, off duty.

    ``confirm``: off duty though people rely on the unit (409 ``people_rely`` shows who waits): others are asked.
    """

    on: bool
    crew_ids: CrewIds | None = None
    vehicle_id: UUID | None = None
    reason: Annotated[str, Field(pattern=CODE_PATTERN)] | None = None
    until_at: Moment | None = None
    confirm: bool = False


class DisinfectedBody(Body):
    method: Annotated[str, Field(pattern=CODE_PATTERN)] | None = None


class PositionOut(BaseModel):
    """``stale``: older than the setting says one may trust."""

    lat: float
    lon: float
    at: datetime
    age_s: float
    stale: bool


class UnitOut(BaseModel):
    """One line of the board. ``work_status`` and the ids beside it tell of the run the unit is on, ``last_closed_at``
    of the one before; ``homeward_id`` is the assignment of that whose ``at_base`` nobody has said yet.
    """

    id: UUID
    area: str
    call_sign: str
    station_id: UUID | None
    level: str
    volunteer: bool
    exercise: bool
    duty: str
    duty_at: datetime | None
    until_at: datetime | None
    out_of_service_reason: str | None
    cleanliness: str
    contaminated_at: datetime | None
    vehicle_id: UUID | None
    crew_ids: list[UUID]
    usual_vehicle_id: UUID | None
    usual_crew_ids: list[UUID]
    run_id: UUID | None
    run_opened_at: datetime | None
    work_status: str | None
    trip_id: UUID | None
    assignment_id: UUID | None
    last_closed_at: datetime | None
    homeward_id: UUID | None
    position: PositionOut | None


class UnitPage(Page):
    items: list[UnitOut]


class UnitName(BaseModel):
    id: UUID
    call_sign: str


class UnitNames(BaseModel):
    items: list[UnitName]


@router.put("/{unit_id}", response_model=PutOut, responses=PUT_ANSWERS)
async def put_unit(request: Request, response: Response, caller: Manager, unit_id: Id, body: UnitBody) -> PutOut:
    """หน่วย | Put a unit. Whether it may be called is its duty, an act of its own."""
    seen(body.area, caller)
    values = {name: getattr(body, name) for name in UnitBody.model_fields} | {"level": body.level.value}
    values["crew_ids"] = sorted(set(body.crew_ids))
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        made = await unit_verbs.put(work, unit_id, values)
    response.status_code = 201 if made else 200
    return PutOut(id=unit_id, made=made is True, changed=made is not None)


@router.get("", response_model=UnitPage, responses=problems(401, 403))
async def board(
    request: Request, caller: SeesBoard, area: AreaQuery = None,
    duty_: Annotated[Literal["on_duty", "off_duty", "out_of_service"] | None, Query(alias="duty")] = None,
    after: After = None, limit: Limit = 100,
) -> UnitPage:  # fmt: skip
    """กระดานหน่วย | Every unit: duty, cleanliness, what it is doing, and where, with the age of that knowledge.

    A crew sees its own unit only.
    """
    runtime = runtime_of(request)
    rows = await units.board(runtime.pool, areas_of(caller, area), after or NIL, limit, duty_, crew_of(caller))
    now, fresh_s = now_utc(), runtime.settings.positions_fresh_s
    items = [_out(row, now, fresh_s) for row in rows]
    return UnitPage(items=items, next=next_of(items, limit))


@router.get("/names", response_model=UnitNames, responses=problems(401, 403))
async def names(
    request: Request, caller: NamesUnits, unit_id: Annotated[list[UUID], Query(min_length=1, max_length=200)]
) -> UnitNames:
    """ชื่อเรียกหน่วย | What units that somebody knows by id are called, e.g. those who drove a person; and no more."""
    rows = await units.by_ids(runtime_of(request).pool, unit_id)
    own = [row for row in rows if caller.may_see(row["area"])]
    return UnitNames(items=[UnitName(id=row["id"], call_sign=row["call_sign"]) for row in own])


def _out(row: Any, now: datetime, fresh_s: float) -> UnitOut:
    facts = {name: row[name] for name in UnitOut.model_fields if name != "position"}
    return UnitOut(**facts, position=_position(row["id"], now, fresh_s))


def _position(unit_id: UUID, now: datetime, fresh_s: float) -> PositionOut | None:
    fix = KNOWN.last.get(unit_id)
    if fix is None:
        return None
    age_s = max(0.0, (now - fix.at).total_seconds())
    return PositionOut(lat=fix.point.lat, lon=fix.point.lon, at=fix.at, age_s=round(age_s, 1), stale=age_s > fresh_s)


async def _in_area(request: Request, caller: Caller, unit_id: UUID) -> str:
    """The unit's area, if it is one of the caller's; whether a crew member is on it, the act itself looks.

    Raises:
        Refused: 404.

    """
    row = await units.read(runtime_of(request).pool, unit_id)
    return seen(row["area"] if row else None, caller)


async def _answer(request: Request, unit_id: UUID) -> UnitOut:
    runtime = runtime_of(request)
    [row] = await units.board_of(runtime.pool, unit_id)
    return _out(row, now_utc(), runtime.settings.positions_fresh_s)


@router.post("/{unit_id}/duty", response_model=UnitOut, responses=problems(400, 401, 403, 404, 409, 413))
async def set_duty(request: Request, caller: RunsUnit, unit_id: Id, body: DutyBody) -> UnitOut:
    """เข้าเวร ออกเวร งดใช้งาน | May the unit be called, with whom and in what. The same again changes nothing."""
    area = await _in_area(request, caller, unit_id)
    runtime = runtime_of(request)
    asked = duty.Duty(
        body.on, body.crew_ids, body.vehicle_id, body.reason, body.until_at, by_crew=crew_of(caller),
        confirmed=body.confirm,
    )  # fmt: skip
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        await duty.set_duty(work, unit_id, asked)
        await audit(work, caller, "set_duty", "unit", unit_id, {"on": body.on}, area=area)
    return await _answer(request, unit_id)


@router.post("/{unit_id}/disinfected", response_model=UnitOut, responses=problems(400, 401, 403, 404, 409, 413))
async def disinfected(request: Request, caller: RunsUnit, unit_id: Id, body: DisinfectedBody | None = None) -> UnitOut:
    """ทำความสะอาดแล้ว | The unit is clean and may be offered again."""
    await _in_area(request, caller, unit_id)
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        await duty.disinfected(work, unit_id, crew_of(caller), body.method if body else None)
    return await _answer(request, unit_id)
