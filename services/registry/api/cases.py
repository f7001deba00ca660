"""Cases: read one, list a person's or an area's open ones, open by hand, close."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request

from services.registry import store, views
from services.registry.answers import CaseListed, CasePage, CaseShown, TasksOf
from services.registry.api.access import classes, open_person
from services.registry.api.case_gate import case_seen
from services.registry.api.gate import areas_of, gate, own_held_for, runtime_of, sees_protected
from services.registry.api.reach import must_reach, places_of
from services.registry.bodies import CloseBody, OpenCaseBody
from services.registry.rules.fields import HEALTH, SECRET
from services.registry.values import AREA_CODE
from services.registry.verbs import cases, changing, plans
from shared.audit import audit
from shared.auth import Caller
from shared.errors import Refused, refuse
from shared.openapi import problems
from shared.thai.dates import local_day
from shared.work import now_utc

PERSON_NEEDED = (
    422,
    "person_needed",
    "ระบุบุคคล หรือสำหรับผู้ดูแลรายกรณี ระบุเทศบาลหรือรหัสพื้นที่",
    "say of which person, or, for those who manage cases, of which area or area_code",
)
router = APIRouter(prefix="/v1/cases", tags=["cases"])

Lists = Annotated[Caller, Depends(gate("GET /v1/cases"))]
Reads = Annotated[Caller, Depends(gate("GET /v1/cases/{case_id}"))]
Opens = Annotated[Caller, Depends(gate("POST /v1/cases"))]
Closes = Annotated[Caller, Depends(gate("POST /v1/cases/{case_id}/close"))]


@router.get("", responses=problems(401, 403, 404))
async def list_cases(
    request: Request,
    caller: Lists,
    *,
    person_id: UUID | None = None,
    area: Annotated[str | None, Query(pattern=r"^[a-z][a-z0-9-]{1,30}$")] = None,
    area_code: Annotated[str | None, Query(pattern=AREA_CODE)] = None,
    overdue: bool | None = None,
    cursor: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> CasePage:
    """เคสของบุคคลหรือพื้นที่ | A person's cases, newest first; or, for who cares, those open of an area and all below it.

    ``area``: a municipality's, also where it is not known where somebody lives; ``area_code``: of who lives there;
    ``overdue``: those with a task whose day is over, or those without one.
    """
    runtime = runtime_of(request)
    if person_id is None:
        return await _of_area(request, caller, Wanted(area, area_code, overdue), cursor, limit)
    person, seen = await open_person(runtime, caller, person_id, HEALTH)
    told = {"classes": classes(seen.allowed)}
    await audit(runtime.pool, seen.caller, "list_cases", "person", person_id, told, area=person.area)
    rows = await store.calls.read_cases(
        runtime.pool, person_id, areas_of(caller), protected=seen.may(SECRET), before=cursor, limit=limit
    )
    items = [CaseListed(**views.case(row).model_dump()) for row in rows]
    return CasePage(items=items, next=rows[-1]["id"] if len(rows) == limit else None)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which open cases: of a municipality, of a place, with or without an overdue task."""

    area: str | None
    area_code: str | None
    overdue: bool | None


async def _of_area(request: Request, caller: Caller, wanted: Wanted, cursor: UUID | None, limit: int) -> CasePage:
    if (wanted.area_code is None and wanted.area is None) or not sees_protected(caller):
        raise Refused(*PERSON_NEEDED, field="person_id")
    if wanted.area is not None and not caller.may_see(wanted.area):
        raise refuse("not_found", field="area")
    runtime, today = runtime_of(request), local_day(now_utc())
    places = await places_of(runtime.pool, caller, wanted.area_code)
    mine = areas_of(caller) if wanted.area is None else [wanted.area]
    rows = await store.calls.read_open_cases(
        runtime.pool, mine, places, overdue=wanted.overdue, today=today, before=cursor, limit=limit
    )
    ids, where = [row["person_id"] for row in rows], [row["area"] for row in rows]
    people = {row["id"]: views.hit(row, today) for row in await store.people.read_hits(runtime.pool, ids)}
    detail = {"area_code": wanted.area_code or wanted.area, "found": len(rows)}
    await audit(runtime.pool, caller, "list_cases_of_area", "person", ids or None, detail, area=where or None)
    items = [
        CaseListed(
            who=people[row["person_id"]],
            tasks=TasksOf(open=row["open_tasks"], overdue=row["overdue_tasks"], next_due_on=row["next_due_on"]),
            **views.case(row).model_dump(),
        )
        for row in rows
    ]
    return CasePage(items=items, next=rows[-1]["id"] if len(rows) == limit else None)


@router.post("", status_code=201, responses=problems(400, 401, 403, 404, 409, 413))
async def open_case(request: Request, caller: Opens, body: OpenCaseBody) -> CaseShown:
    """เปิดเคส | Somebody is to be looked after though nobody has called. Where a case is open it is that one."""
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        person = await own_held_for(work, caller, body.person_id)
        case_id = await cases.open_by_hand(work, person, protected=body.protected)
        await audit(work, caller, "open_case", "case", case_id, area=person.area)
        row = await store.calls.read_case(work.db, case_id, areas_of(caller), protected=True)
    if row is None:
        raise refuse("not_found")
    return views.case(row)


@router.get("/{case_id}", responses=problems(401, 403, 404))
async def read_case(request: Request, caller: Reads, case_id: UUID) -> CaseShown:
    """ดูเคส | One case with the calls that belong to it."""
    runtime = runtime_of(request)
    row, seen = await case_seen(runtime, caller, case_id)
    told = {"classes": classes(seen.allowed)}
    await audit(runtime.pool, seen.caller, "read", "case", case_id, told, area=row["area"])
    return views.case(row)


@router.post("/{case_id}/close", responses=problems(400, 401, 403, 404, 409, 413))
async def close_case(request: Request, caller: Closes, case_id: UUID, body: CloseBody) -> CaseShown:
    """ปิดเคส | Back to normal, or another coded end. Who has died is visited no more: planned visits are off."""
    runtime = runtime_of(request)
    areas, protected = areas_of(caller), sees_protected(caller)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        before = await store.calls.read_case(work.db, case_id, areas, protected=protected)
        if before is None:
            raise refuse("not_found")
        await must_reach(work.db, caller, [before["person_id"]])
        gone = await changing.hold(work, before["person_id"]) if body.outcome == cases.DIED else None
        await cases.close(work, case_id, body.outcome, body.at)
        if gone is not None:
            await plans.cancel_all(work, gone)
        await audit(work, caller, "close", "case", case_id, {"outcome": body.outcome}, area=before["area"])
        row = await store.calls.read_case(work.db, case_id, areas, protected=protected)
    if row is None:
        raise refuse("not_found")
    return views.case(row)
