"""Figures that point at nobody, and the code lists."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request

from services.registry import store, views
from services.registry.answers import CodeLists, Served
from services.registry.api.gaps import ALL_OF_IT
from services.registry.api.gate import AreaCode, area_for, gate, runtime_of
from services.registry.api.reach import places_of
from services.registry.rules.access import CARE
from services.registry.rules.figures import NOT_SERVED, Cell, one_month, publishable
from shared.auth import Caller
from shared.codes.codes import published
from shared.errors import Refused
from shared.openapi import problems
from shared.thai.dates import day_bounds, local_day
from shared.work import now_utc

router = APIRouter(prefix="/v1", tags=["reports"])

Reports = Annotated[Caller, Depends(gate("GET /v1/reports/{kpi}"))]
Kpi = Literal["served"]

LISTS = (
    "legal_basis", "field_class", "agency_kind",
    "purpose", "identifier_kind", "duplicate_reason", "household_role", "disclosure_reason", "disclosure",
    "match_method", "case_status", "case_outcome", "call_status", "call_link", "leg", "by", "message_channel",
    "recipient_kind", "answer", "group", "barrier", "barrier_state", "person_field", "number_end", "relation", "sex",
    "mobility", "need", "lane", "channel", "kind", "severity_cbd", "severity_ed5",
    "location_use", "location_method", "observer_kind", "verification_method", "location_verdict",
    "visit_kind", "visit_result", "visit_check", "visit_field", "life_need", "need_urgency", "need_outcome", "gap",
    "community_kind", "proposal_decision",
    "review_reason", "review_status", "review_gen", "root_cause",
    "task_kind", "task_outcome", "team_role", "invitation", "import_format", "import_verdict",
)  # fmt: skip
DIMENSIONS = {"lane": "lane", "barrier": "barrier", "group": "group"}
"""Dimension of a report → code list of its labels."""
EARLIEST, LATEST = date(1900, 1, 1), date(2199, 12, 31)
ONE_MONTH = (
    403, "one_period", "ผู้ที่เห็นเฉพาะจำนวนดูได้ครั้งละหนึ่งเดือนที่สิ้นสุดแล้ว",
    "who sees counts alone sees single months that are over: two spans that overlap would tell of single people",
)  # fmt: skip
REVERSED = (422, "days_reversed", "วันสิ้นสุดต้องไม่ก่อนวันเริ่ม", "the last day lies before the first")


@router.get("/codes", responses=problems(401), dependencies=[Depends(gate("GET /v1/codes"))])
async def codes() -> CodeLists:
    """รายการรหัส | Every code this service uses, in Thai and English, with version and source."""
    return CodeLists(items=list(published(*LISTS)))


@router.get("/reports/{kpi}", responses=problems(401, 403, 404))
async def report(
    request: Request,
    caller: Reports,
    kpi: Annotated[Kpi, Path()],
    from_on: Annotated[date, Query(alias="from", ge=EARLIEST, le=LATEST)],
    to_on: Annotated[date, Query(alias="to", ge=EARLIEST, le=LATEST)],
    area: Annotated[str | None, Query(pattern=r"^[a-z][a-z0-9-]{1,30}$")] = None,
    area_code: AreaCode = None,
) -> Served:
    """ตัวชี้วัด | ``served``: persons and trips by lane, barrier and group; figures below 5 are kept back.

    ``area_code``: of people who live in it or below it, for those who see people and not counts alone. Who sees counts
    alone asks for one month that is over.
    """
    if to_on < from_on:
        raise Refused(*REVERSED, field="to")
    wanted = area_for(caller, area)
    if caller.role not in CARE:
        if area_code is not None:
            raise Refused(*ALL_OF_IT, field="area_code")
        if not one_month(from_on, to_on, local_day(now_utc())):
            raise Refused(*ONE_MONTH, field="from")
    places = await places_of(runtime_of(request).pool, caller, area_code)
    start, end = day_bounds(from_on)[0], day_bounds(to_on)[1]
    rows = await store.history.count_served(
        runtime_of(request).pool, wanted, start, end, (from_on, to_on), sorted(NOT_SERVED), places
    )
    cells = {
        dimension: publishable([Cell(r["code"], r["persons"], r["trips"]) for r in rows if r["dimension"] == dimension])
        for dimension in ("total", *DIMENSIONS)
    }
    figures = {
        f"by_{dimension}": [views.figure(cell, list_id) for cell in cells[dimension]]
        for dimension, list_id in DIMENSIONS.items()
    }
    total = views.figure(cells["total"][0], None)
    return Served.model_validate(
        {"kpi": kpi, "area": wanted, "from_on": from_on, "to_on": to_on, "total": total, **figures}
    )
