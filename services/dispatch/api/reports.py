"""Figures by their owner, and the code lists."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel

from services.dispatch.api.common import DESK, AreaQuery, areas_of, runtime_of
from services.dispatch.store import reports
from shared.auth import ANYONE, Caller, Role, may
from shared.codes.codes import published
from shared.openapi import Moment, problems
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
) -> Report:  # fmt: skip
    """ตัวชี้วัด | Response times and stamps by severity, missing ones counted; trips by outcome; queue; units."""
    until = to or now_utc()
    since = from_ or until - MONTH
    rows = await reports.READERS[kpi.value](runtime_of(request).pool, areas_of(caller, area), since, until)
    return Report(kpi=kpi.value, area=area, from_at=since, to_at=until, rows=[dict(row) for row in rows])


@router.get("/v1/codes", response_model=CodeLists, responses=problems(401))
async def codes(caller: Annotated[Caller, Depends(may(*ANYONE))]) -> CodeLists:
    """รายการรหัส | Code lists with Thai and English labels, versions and sources."""
    del caller
    return CodeLists(items=list(published()))
