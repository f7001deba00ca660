"""Figures by their owner, and the code lists."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel

from services.dispatch.api.common import DESK, NIL, After, AreaQuery, Limit, Page, areas_of, runtime_of
from services.dispatch.policy import policies
from services.dispatch.store import reports
from services.dispatch.store.reports import Span
from shared.area_parts import ALL_OF_IT, PART_PATTERN, Part, part
from shared.audit import audit
from shared.auth import ANYONE, Caller, Role, may
from shared.codes.codes import published
from shared.errors import Refused
from shared.openapi import Moment, problems
from shared.refusal import Refusal
from shared.work import now_utc

router = APIRouter(tags=["reports"])

Reader = Annotated[Caller, Depends(may(*DESK, Role.CASE_MANAGER, Role.AUDITOR, Role.ADMIN))]
MONTH = timedelta(days=31)


class Kpi(StrEnum):
    RESPONSE_TIMES = "response_times"
    STAMPS = "stamps"
    TRIPS = "trips"
    QUEUE = "queue"
    UNITS = "units"
    DISTANCE = "distance"
    DAYS_SINCE = "days_since"


class Report(BaseModel):
    """Rows of one figure over ``from_at <= at < to_at``. Exercises and paper entries of exercises never count."""

    kpi: str
    area: str | None
    from_at: datetime
    to_at: datetime
    rows: list[dict[str, Any]]


class CodeLists(BaseModel):
    items: list[dict[str, Any]]


@router.get("/v1/reports/{kpi}", response_model=Report, responses=problems(401, 403, 404))
async def report(
    request: Request, caller: Reader, kpi: Kpi, area: AreaQuery = None,
    from_: Annotated[Moment | None, Query(alias="from")] = None, to: Annotated[Moment | None, Query()] = None,
    area_code: Annotated[str | None, Query(pattern=PART_PATTERN)] = None,
) -> Report:  # fmt: skip
    """ตัวชี้วัด | Response times and stamps by severity, missing ones counted; trips by outcome; queue; units;

    distance, cost saved and CO2; days since something happened that should not have. ``area_code``: of trips of calls
    whose place lies in this tambon (or amphoe, changwat), or in a community, village or quarter of the
    settings pack; for who sees trips.
    """
    until = to or now_utc()
    areas = areas_of(caller, area)
    span = Span(areas, from_ or until - MONTH, until, _part(caller, area_code, areas))
    rows = await reports.READERS[kpi.value](runtime_of(request).pool, span)
    return Report(kpi=kpi.value, area=area, from_at=span.since, to_at=until, rows=[dict(row) for row in rows])


def _part(caller: Caller, area_code: str | None, areas: list[str] | None) -> Part | None:
    if area_code is None:
        return None
    if caller.role not in DESK:
        raise Refused(*ALL_OF_IT, field="area_code")
    towns = [each.town for slug, each in policies().items() if each.town and (areas is None or slug in areas)]
    try:
        return part(area_code, towns)
    except Refusal as refusal:
        raise Refused(422, refusal.code, refusal.th, refusal.en, field="area_code") from None


class Mission(BaseModel):
    """One emergency of the national form's kind: the seven stamps, severity before (IDC) and at the scene (RC)."""

    trip_id: str
    call_id: str
    area: str
    lane: str
    kind: str
    severity_scheme: str
    idc: str
    rc: str | None
    status: str
    outcome: str | None
    leg: str
    back_entry: bool
    unit: str | None
    unit_level: str | None
    facility: str | None
    received_at: datetime
    asked_at: datetime | None
    en_route_at: datetime | None
    at_scene_at: datetime | None
    left_scene_at: datetime | None
    at_destination_at: datetime | None
    at_base_at: datetime | None
    driven_km: float | None


class Missions(Page):
    items: list[Mission]


@router.get("/v1/exports/missions", response_model=Missions, responses=problems(401, 403))
async def export_missions(
    request: Request, caller: Annotated[Caller, Depends(may(Role.SUPERVISOR, Role.AUDITOR))], area: AreaQuery = None,
    from_: Annotated[Moment | None, Query(alias="from")] = None, to: Annotated[Moment | None, Query()] = None,
    after: After = None, limit: Limit = 500,
) -> Missions:  # fmt: skip
    """ส่งออกรายภารกิจ | A row per emergency, as the national system counts; without people, protected ones left out."""
    until = to or now_utc()
    pool = runtime_of(request).pool
    rows = await reports.missions(pool, areas_of(caller, area), from_ or until - MONTH, until, after or NIL, limit)
    await audit(pool, caller, "export", "mission", None, {"rows": len(rows)}, area=area)
    return Missions(
        items=[Mission(**row) for row in rows], next=UUID(rows[-1]["trip_id"]) if len(rows) == limit else None
    )


@router.get("/v1/codes", response_model=CodeLists, responses=problems(401))
async def codes(caller: Annotated[Caller, Depends(may(*ANYONE))]) -> CodeLists:
    """รายการรหัส | Code lists with Thai and English labels, versions and sources."""
    del caller
    return CodeLists(items=list(published()))
