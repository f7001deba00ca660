"""Agencies and their directory: who works with us, and whom to ring there."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from services.registry import store
from services.registry.agreement_answers import AgencyPage, AgencyShown, CoordinatorShown
from services.registry.agreement_bodies import AgencyBody, CoordinatorBody
from services.registry.api.gate import areas_of, gate, runtime_of
from services.registry.store.agencies import Row
from services.registry.verbs import agreements
from services.registry.views import label
from shared.audit import audit, audit_list
from shared.auth import Caller
from shared.errors import Refused, refuse
from shared.openapi import problems
from shared.service import Runtime
from shared.thai.dates import local_day
from shared.work import Work, is_unique, now_utc

router = APIRouter(prefix="/v1/agencies", tags=["agencies"])

Puts = Annotated[Caller, Depends(gate("PUT /v1/agencies/{agency_id}"))]
Lists = Annotated[Caller, Depends(gate("GET /v1/agencies"))]
Appoints = Annotated[Caller, Depends(gate("PUT /v1/agencies/{agency_id}/coordinators/{coordinator_id}"))]


@router.put("/{agency_id}", status_code=204, responses=problems(400, 401, 403, 404, 409, 413))
async def put_agency(request: Request, caller: Puts, agency_id: UUID, body: AgencyBody) -> Response:
    """บันทึกหน่วยงาน | An agency, whole. Its accounts carry its id in their tokens (``agency_id``)."""
    runtime = runtime_of(request)
    if not all(caller.may_see(area) for area in body.areas):
        raise refuse("not_found", field="areas")
    try:
        async with runtime.work(runtime.asked_by(caller, request)) as work:
            await _is_theirs(work, caller, agency_id)
            await agreements.put_agency(work, agency_id, body)
            await audit(work, caller, "put", "agency", agency_id, area=body.areas[0])
    except Exception as problem:
        if is_unique(problem, "agency_municipality_key"):
            raise Refused(*agreements.TAKEN, field="municipality") from None
        raise
    return Response(status_code=204)


@router.put(
    "/{agency_id}/coordinators/{coordinator_id}", status_code=204, responses=problems(400, 401, 403, 404, 409, 413)
)
async def put_coordinator(
    request: Request, caller: Appoints, agency_id: UUID, coordinator_id: UUID, body: CoordinatorBody
) -> Response:
    """บันทึกผู้ประสานงาน | Whom to ring there. Who has left gets ``until_on``."""
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        agency = await _is_theirs(work, caller, agency_id)
        if agency is None:
            raise refuse("not_found")
        await agreements.put_coordinator(work, agency, coordinator_id, body)
        await audit(work, caller, "put", "coordinator", coordinator_id, area=agency["areas"][0])
    return Response(status_code=204)


@router.get("", responses=problems(401, 403))
async def list_agencies(
    request: Request, caller: Lists, cursor: UUID | None = None, limit: Annotated[int, Query(ge=1, le=200)] = 100
) -> AgencyPage:
    """ทำเนียบหน่วยงาน | The agencies of the caller's municipalities, each with those whom to ring."""
    runtime = runtime_of(request)
    rows = await store.agencies.list_agencies(runtime.pool, areas_of(caller), cursor, limit)
    items = await _shown(runtime, rows)
    await audit_list(runtime.pool, caller, "list", "agency", [row["id"] for row in rows], {})
    return AgencyPage(items=items, next=rows[-1]["id"] if len(rows) == limit else None)


async def _is_theirs(work: Work, caller: Caller, agency_id: UUID) -> Row | None:
    """The agency, if it is there already. A municipality keeps its own; one that several share, whoever acts for all.

    Raises:
        Refused: 404 it is another municipality, or works with one that is not the caller's.

    """
    agency = await store.agencies.read_agency(work.db, agency_id)
    if agency is None:
        return None
    keepers = agency["areas"] if agency["municipality"] is None else [agency["municipality"]]
    if not all(caller.may_see(area) for area in keepers):
        raise refuse("not_found")
    return agency


async def _shown(runtime: Runtime, rows: list[Row]) -> list[AgencyShown]:
    today = local_day(now_utc())
    people = await store.agencies.read_coordinators(runtime.pool, [row["id"] for row in rows], today)
    by_agency: dict[UUID, list[CoordinatorShown]] = {}
    for one in people:
        shown = CoordinatorShown(**{name: one[name] for name in CoordinatorShown.model_fields})
        by_agency.setdefault(one["agency_id"], []).append(shown)
    same = ("id", "name_th", "name_en", "areas", "municipality", "from_on", "until_on")
    return [
        AgencyShown(kind=label("agency_kind", row["kind"]), coordinators=by_agency.get(row["id"], []),
                    **{name: row[name] for name in same})
        for row in rows
    ]  # fmt: skip
