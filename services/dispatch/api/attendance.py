"""Who serves: walk-up volunteers by the QR code of a station, hours by member and month, certificates."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from services.dispatch.api.common import (
    AreaQuery,
    Decides,
    Id,
    Manager,
    SeesFleet,
    areas_of,
    one_area,
    runtime_of,
    seen,
)
from services.dispatch.api.resources_models import Name, Phone
from services.dispatch.rules.roster import TOLD_AFTER_MIDNIGHT, Certificate, tells_on
from services.dispatch.store import resources, served
from services.dispatch.verbs import attendance
from shared.audit import audit
from shared.http import Body
from shared.limits import Limit, address_of, spend
from shared.openapi import Day, Moment, problems
from shared.thai.dates import day_bounds, local_day
from shared.work import Cause, now_utc

router = APIRouter(tags=["rosters"])

PER_ADDRESS = Limit("check_in.address", 60, timedelta(minutes=15))
PER_PHONE = Limit("check_in.phone", 10, timedelta(minutes=15))
Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{8,40}$")]


class CheckInBody(Body):
    """``code`` is what the QR code of the station holds."""

    code: Code
    name: Name
    phone: Phone


class CheckOutBody(Body):
    code: Code
    phone: Phone


class CheckedOut(BaseModel):
    """Where, and since when; ``ended_at`` once the person has left. Nothing of who they are."""

    station: str
    station_en: str | None
    began_at: datetime
    ended_at: datetime | None


class CodeOut(BaseModel):
    """``code`` is shown once; the one before is useless from now on."""

    station_id: UUID
    code: str


class HereOut(BaseModel):
    """``forgotten``: nobody checked out, and no time counts until somebody says when it ended."""

    id: UUID
    crew_id: UUID
    name: str
    station_id: UUID
    began_at: datetime
    forgotten: bool


class Here(BaseModel):
    items: list[HereOut]


class EndBody(Body):
    """``at``: when the person left. Left out: they were never there, and nothing counts."""

    at: Moment | None = None


class HoursOut(BaseModel):
    """``served_s``: seconds; what overlaps counts once."""

    crew_id: UUID
    name: str
    kind: str
    times: int
    served_s: float


class Hours(BaseModel):
    month: date
    items: list[HoursOut]


class CertificateOut(BaseModel):
    """``days_left``: 0 on the last day, negative once it has ended. ``tells_on``: when its holder is told (again)."""

    crew_id: UUID
    name: str
    skill: str
    last_on: date
    days_left: int
    tells_on: date | None


class Certificates(BaseModel):
    items: list[CertificateOut]


@router.post("/v1/check-ins", status_code=201, response_model=CheckedOut, responses=problems(400, 404, 409, 413, 429))
async def check_in(request: Request, body: CheckInBody) -> attendance.Checked:
    """ลงชื่อเข้า | Somebody without an account comes to help; known by telephone from then on."""
    runtime = runtime_of(request)
    await spend(runtime.pool, PER_ADDRESS, address_of(request))
    await spend(runtime.pool, PER_PHONE, body.phone)
    async with runtime.work(Cause("system:public", None, request.state.traceparent)) as work:
        return await attendance.check_in(work, body.code, body.name, body.phone)


@router.post("/v1/check-outs", response_model=CheckedOut, responses=problems(400, 404, 409, 413, 429))
async def check_out(request: Request, body: CheckOutBody) -> attendance.Checked:
    """ลงชื่อออก | Somebody leaves; the time in between counts."""
    runtime = runtime_of(request)
    await spend(runtime.pool, PER_ADDRESS, address_of(request))
    await spend(runtime.pool, PER_PHONE, body.phone)
    async with runtime.work(Cause("system:public", None, request.state.traceparent)) as work:
        return await attendance.check_out(work, body.code, body.phone)


@router.post("/v1/stations/{station_id}/code", response_model=CodeOut, responses=problems(401, 403, 404))
async def new_code(request: Request, caller: Manager, station_id: Id) -> CodeOut:
    """รหัส QR ใหม่ของฐาน | A fresh code for the station's wall."""
    runtime = runtime_of(request)
    area = seen(await resources.area_of(runtime.pool, "station", station_id), caller)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        return CodeOut(station_id=station_id, code=await attendance.new_code(work, station_id, area))


@router.get("/v1/attendance", response_model=Here, responses=problems(401, 403))
async def who_is_here(request: Request, caller: SeesFleet, area: AreaQuery = None) -> Here:
    """ใครอยู่ที่ฐาน | Who is checked in at the stations, and who forgot to check out; who looked is written down."""
    pool = runtime_of(request).pool
    rows = await served.at_stations(pool, areas_of(caller, area))
    await audit(pool, caller, "list", "crew", None, {"rows": len(rows)}, area=area)
    return Here(items=[HereOut(**{name: row[name] for name in HereOut.model_fields}) for row in rows])


@router.post("/v1/attendance/{served_id}/end", status_code=204, responses=problems(400, 401, 403, 404, 409, 413))
async def end(request: Request, caller: Decides, served_id: Id, body: EndBody | None = None) -> None:
    """ลงเวลาออกแทน | The desk says when somebody left who did not check out, or that they were never there."""
    runtime = runtime_of(request)
    row = await served.read(runtime.pool, served_id)
    area = seen(row["area"] if row else None, caller)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        await attendance.end(work, served_id, body.at if body else None)
        await audit(work, caller, "correct", "attendance", served_id, area=area)


@router.get("/v1/hours", response_model=Hours, responses=problems(401, 403, 404))
async def hours(
    request: Request, caller: SeesFleet, month: Annotated[Day | None, Query()] = None, area: AreaQuery = None
) -> Hours:
    """ชั่วโมงปฏิบัติงาน | Time served by each member in a month (``month``: any day of it; left out: this one)."""
    pool, now, home = runtime_of(request).pool, now_utc(), one_area(caller, area)
    first = (month or local_day(now)).replace(day=1)
    until = (first + timedelta(days=32)).replace(day=1)
    rows = await served.hours(pool, home, day_bounds(first)[0], day_bounds(until)[0], now)
    await audit(pool, caller, "list", "crew", None, {"rows": len(rows)}, area=home)
    return Hours(month=first, items=[HoursOut(**row) for row in rows])


@router.get("/v1/certificates", response_model=Certificates, responses=problems(401, 403))
async def certificates(
    request: Request, caller: SeesFleet, within_days: Annotated[int, Query(ge=0, le=400)] = 60, area: AreaQuery = None
) -> Certificates:
    """ใบรับรองที่ใกล้หมดอายุ | Certificates of active members that have ended, or end within so many days."""
    pool, today = runtime_of(request).pool, local_day(now_utc())
    told_until = local_day(now_utc() - TOLD_AFTER_MIDNIGHT)
    rows = await served.certificates(pool, areas_of(caller, area), today + timedelta(days=within_days))
    await audit(pool, caller, "list", "crew", None, {"rows": len(rows)}, area=area)
    return Certificates(
        items=[
            CertificateOut(
                crew_id=row["crew_id"], name=row["name"], skill=row["skill"], last_on=row["last_on"],
                days_left=Certificate("", row["skill"], row["last_on"]).days_left(today),
                tells_on=tells_on(row["last_on"], told_until),
            )
            for row in rows
        ]
    )  # fmt: skip
