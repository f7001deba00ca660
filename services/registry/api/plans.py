"""Visits that are to be made: given to somebody, read by who goes, cancelled."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse

from services.registry import store, told, views
from services.registry.api.at_the_door import whom
from services.registry.api.gate import areas_of, gate, own_held_for, runtime_of
from services.registry.api.pictures_models import by_owner
from services.registry.api.plans_models import MyPlan, MyPlans, OwnField, PlanBody, PlanMade, Plans, PlanShown
from services.registry.api.reach import places_of
from services.registry.store.people import Row
from services.registry.values import AREA_CODE
from services.registry.verbs import plans as verbs
from services.registry.verbs.plans import Plan
from shared.audit import audit
from shared.auth import Caller
from shared.database import Pool
from shared.errors import refuse
from shared.http import IdempotencyKey, once
from shared.openapi import problems
from shared.thai.dates import local_day
from shared.work import now_utc

router = APIRouter(prefix="/v1", tags=["visits"])

Gives = Annotated[Caller, Depends(gate("POST /v1/persons/{person_id}/planned-visits"))]
Lists = Annotated[Caller, Depends(gate("GET /v1/planned-visits"))]
Goes = Annotated[Caller, Depends(gate("GET /v1/planned-visits/mine"))]
Cancels = Annotated[Caller, Depends(gate("POST /v1/planned-visits/{plan_id}/cancel"))]

AHEAD = timedelta(days=14)
"""How far ahead a phone is given who is to be visited: no more of anybody than is needed soon."""
STILL_SHOWN = timedelta(hours=12)
"""How long a finished visit stays on the phone, so that what was written may be put right."""
MOST_OF_MINE = 60
PERIOD = (timedelta(days=7), timedelta(days=30))
"""Back and ahead, where no days are asked for."""


@router.post(
    "/persons/{person_id}/planned-visits", status_code=201, response_model=PlanMade,
    responses=problems(400, 401, 403, 404, 409, 413),
)  # fmt: skip
async def give(
    request: Request, caller: Gives, person_id: UUID, body: PlanBody, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """นัดเยี่ยม | Somebody is to visit this person until a day; the visit's id is known from now on."""
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:

        async def verb() -> tuple[int, dict[str, Any]]:
            person = await own_held_for(work, caller, person_id)
            wanted = Plan(body.crew_ids, body.kind, body.due_on, caller.actor, body.forms, body.what, body.id)
            plan_id = await verbs.plan(work, person, wanted)
            await audit(work, caller, "plan_visit", "person", person.id, {"visit_id": str(plan_id)}, area=person.area)
            return 201, PlanMade(id=plan_id).model_dump(mode="json")

        return await once(work, request, caller, idempotency_key, body, verb)


@router.get("/planned-visits", responses=problems(401, 403, 404))
async def find(
    request: Request,
    caller: Lists,
    from_on: Annotated[date | None, Query(alias="from")] = None,
    until_on: Annotated[date | None, Query(alias="to")] = None,
    crew_id: UUID | None = None,
    person_id: UUID | None = None,
    area_code: Annotated[str | None, Query(pattern=AREA_CODE)] = None,
    state: Literal["planned", "done", "cancelled", "disputed"] | None = None,
    cursor: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 100,
) -> Plans:
    """การเยี่ยมที่นัดไว้ | Who goes to whom, by day, area and visitor: planned, done, cancelled, disputed."""
    pool, today = runtime_of(request).pool, local_day(now_utc())
    days = (from_on or today - PERIOD[0], until_on or today + PERIOD[1])
    last = await store.plans.read(pool, cursor) if cursor else None
    rows = await store.plans.find(
        pool, areas_of(caller), days, crew_id=crew_id, state=state, person_id=person_id,
        places=await places_of(pool, caller, area_code),
        after=(last["due_on"], last["id"]) if last else None, limit=limit,
    )  # fmt: skip
    ids, where = [row["person_id"] for row in rows], [row["area"] for row in rows]
    await audit(pool, caller, "list_planned_visits", "person", ids or None, area=where or None)
    texts = await told.of(pool, [row["id"] for row in rows])
    items = [_shown(row, texts.get(row["id"], {}).get("what")) for row in rows]
    return Plans(items=items, next=rows[-1]["id"] if len(rows) == limit else None)


def _shown(row: Row, what: str | None) -> PlanShown:
    same = ("id", "person_id", "area", "crew_ids", "forms", "due_on", "planned_at", "planned_by", "done_at",
            "cancelled_at", "disputed")  # fmt: skip
    return PlanShown(kind=views.label("visit_kind", row["kind"]), what=what, **{name: row[name] for name in same})


@router.get("/planned-visits/mine", responses=problems(401, 403))
async def mine(request: Request, caller: Goes) -> MyPlans:
    """การเยี่ยมของฉัน | Whom this volunteer is to visit in the next two weeks, as much as is needed at the door."""
    pool, now = runtime_of(request).pool, now_utc()
    rows = await store.plans.mine(
        pool, UUID(caller.crew_id), areas_of(caller), done_after=now - STILL_SHOWN, until=local_day(now) + AHEAD,
        limit=MOST_OF_MINE,
    ) if caller.crew_id else []  # fmt: skip
    ids, where = [row["person_id"] for row in rows], [row["area"] for row in rows]
    await audit(pool, caller, "read_own_visits", "person", ids or None, area=where or None)
    texts = await told.of(pool, [row["id"] for row in rows])
    written = await _own(pool, [row["id"] for row in rows], caller.actor)
    taken = by_owner(await store.pictures.of_visits(pool, [row["id"] for row in rows]), "visit_id")
    known = await store.plans.at_the_door(pool, ids)
    return MyPlans(items=[
        MyPlan(
            kind=views.label("visit_kind", row["kind"]), what=texts.get(row["id"], {}).get("what"),
            person=whom(row["person_id"], known[row["person_id"]]), own=written.get(row["id"], ({}, []))[0],
            disputed=sorted(written.get(row["id"], ({}, []))[1]),
            pictures=sum(one.taken_by == caller.actor for one in taken.get(row["id"], [])),
            **{name: row[name] for name in ("id", "forms", "due_on", "done_at")},
        )
        for row in rows
    ])  # fmt: skip


async def _own(pool: Pool, ids: list[UUID], actor: str) -> dict[UUID, tuple[dict[str, OwnField], list[str]]]:
    """Visit → what the caller wrote and stands, and which of the fields that they wrote are disputed."""
    values = await store.visits.read_values(pool, ids)
    own = [value for value in values if value["said_by"] == actor and value["state"] in {"stands", "disputed"}]
    texts = await told.of(pool, [value["id"] for value in own if value["state"] == "stands"])
    disputed = {(value["visit_id"], value["field"]) for value in values if value["state"] == "disputed"}
    found: dict[UUID, tuple[dict[str, OwnField], list[str]]] = {}
    for value in own:
        fields, waiting = found.setdefault(value["visit_id"], ({}, []))
        if value["state"] == "stands":
            fields[value["field"]] = OwnField(version=value["version"], value=texts[value["id"]]["value"])
        if (value["visit_id"], value["field"]) in disputed and value["field"] not in waiting:
            waiting.append(value["field"])
    return found


@router.post("/planned-visits/{plan_id}/cancel", status_code=204, responses=problems(400, 401, 403, 404, 409, 413))
async def cancel(request: Request, caller: Cancels, plan_id: UUID) -> None:
    """ยกเลิกการเยี่ยม | Nobody is to go any more; who was to go is told. A visit that was made stays."""
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        row = await store.plans.read(work.db, plan_id)
        if row is None:
            raise refuse("not_found")
        person = await own_held_for(work, caller, row["person_id"])
        await verbs.cancel(work, person, plan_id, UUID(caller.crew_id) if caller.crew_id else None)
        await audit(
            work, caller, "cancel_visit", "person", row["person_id"], {"visit_id": str(plan_id)}, area=row["area"]
        )
