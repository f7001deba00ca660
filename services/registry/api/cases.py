"""Cases: read one, list a person's, close. There is no list of everybody's."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request

from services.registry import store, views
from services.registry.answers import CasePage, CaseShown
from services.registry.api.gate import areas_of, gate, person_for, runtime_of, sees_protected
from services.registry.bodies import CloseBody
from services.registry.verbs import cases
from shared.audit import audit
from shared.auth import Caller
from shared.errors import refuse
from shared.openapi import problems

router = APIRouter(prefix="/v1/cases", tags=["cases"])

Lists = Annotated[Caller, Depends(gate("GET /v1/cases"))]
Reads = Annotated[Caller, Depends(gate("GET /v1/cases/{case_id}"))]
Closes = Annotated[Caller, Depends(gate("POST /v1/cases/{case_id}/close"))]


@router.get("", responses=problems(401, 403, 404))
async def list_cases(
    request: Request,
    caller: Lists,
    person_id: UUID,
    cursor: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> CasePage:
    """เรื่องของบุคคล | A person's cases, newest first."""
    runtime = runtime_of(request)
    person = await person_for(runtime, caller, person_id)
    await audit(runtime.pool, caller, "list_cases", "person", person_id, area=person.area)
    rows = await store.calls.read_cases(
        runtime.pool, person_id, areas_of(caller), protected=sees_protected(caller), before=cursor, limit=limit
    )
    return CasePage(items=[views.case(row) for row in rows], next=rows[-1]["id"] if len(rows) == limit else None)


@router.get("/{case_id}", responses=problems(401, 403, 404))
async def read_case(request: Request, caller: Reads, case_id: UUID) -> CaseShown:
    """ดูเรื่อง | One case with the calls that belong to it."""
    runtime = runtime_of(request)
    row = await store.calls.read_case(runtime.pool, case_id, areas_of(caller), protected=sees_protected(caller))
    if row is None:
        raise refuse("not_found")
    await person_for(runtime, caller, row["person_id"])
    await audit(runtime.pool, caller, "read", "case", case_id, area=row["area"])
    return views.case(row)


@router.post("/{case_id}/close", responses=problems(400, 401, 403, 404, 409, 413))
async def close_case(request: Request, caller: Closes, case_id: UUID, body: CloseBody) -> CaseShown:
    """ปิดเรื่อง | Back to normal, or another end that has a code."""
    runtime = runtime_of(request)
    areas, protected = areas_of(caller), sees_protected(caller)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        before = await store.calls.read_case(work.db, case_id, areas, protected=protected)
        if before is None:
            raise refuse("not_found")
        await cases.close(work, case_id, body.outcome, body.at)
        await audit(work, caller, "close", "case", case_id, {"outcome": body.outcome}, area=before["area"])
        row = await store.calls.read_case(work.db, case_id, areas, protected=protected)
    if row is None:
        raise refuse("not_found")
    return views.case(row)
