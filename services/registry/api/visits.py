"""Visits: from the phone of whoever was there, field by field, and what two phones disagree about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request

from services.registry import store, told, views
from services.registry.api.access import as_writer, classes, not_protected, open_person
from services.registry.api.care_models import (
    DecideBody,
    FieldShown,
    ValueShown,
    VisitBody,
    VisitPage,
    Visits,
    VisitShown,
)
from services.registry.api.gate import (
    AreaCode,
    areas_of,
    gate,
    narrowed,
    own_held_for,
    person_for,
    places_for,
    runtime_of,
    sent_for,
)
from services.registry.api.pictures_models import by_owner
from services.registry.rules.access import GOES, ROUTES
from services.registry.rules.fields import HEALTH
from services.registry.rules.visits import checked
from services.registry.store.people import Row
from services.registry.verbs import visits as verbs
from services.registry.verbs.visits import Visit, Written
from shared.audit import audit
from shared.auth import Caller
from shared.database import Connection, Pool
from shared.errors import Refused, refuse
from shared.openapi import problems
from shared.refusal import Refusal

router = APIRouter(prefix="/v1", tags=["visits"])

Records = Annotated[Caller, Depends(gate("PUT /v1/visits/{visit_id}"))]
Reads = Annotated[Caller, Depends(gate("GET /v1/visits/{visit_id}"))]
Lists = Annotated[Caller, Depends(gate("GET /v1/persons/{person_id}/visits"))]
ListsDisputed = Annotated[Caller, Depends(gate("GET /v1/visits"))]
Decides = Annotated[Caller, Depends(gate("POST /v1/visits/{visit_id}/decide"))]


@router.put("/visits/{visit_id}", responses=problems(400, 401, 403, 404, 409, 413))
async def record_visit(request: Request, caller: Records, visit_id: UUID, body: VisitBody) -> VisitShown:
    """บันทึกการเยี่ยม | A visit, whole or in part. Different fields merge; the same field written twice shows both.

    Who may not read visits is answered what they have just sent, how it stands, and nothing of others. An agency's
    stands beside the municipality's: neither writes in the other's.
    """
    runtime = runtime_of(request)
    try:
        fields = {name: Written(checked(name, one.value), one.base) for name, one in body.fields.items()}
    except Refusal as refusal:
        raise Refused(422, refusal.code, refusal.th, refusal.en, field=refusal.field) from None
    caller = await as_writer(runtime, caller, body.person_id, HEALTH, body.case_id, "visit")
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        person = await sent_for(work, caller, body.person_id, visit_id, body.case_id)
        point = body.point.point() if body.point else None
        at = body.visited_at or work.now
        goes = caller.crew_id if caller.role in GOES else None
        visit = Visit(
            visit_id, body.kind, at, caller.actor, fields, body.case_id, body.task_id, point, body.accuracy_m,
            caller.agency_id, goes,
        )  # fmt: skip
        await verbs.record(work, person, visit)
        await audit(work, caller, "visit", "person", person.id, {"fields": sorted(fields)}, area=person.area)
        row = await store.visits.read_visit(work.db, visit_id)
        shown = (await _shown(work.db, [row] if row else []))[0]
        if caller.role in ROUTES["GET /v1/visits/{visit_id}"].roles:
            return shown
        return _receipt(shown, body, caller.actor, at, work.now)


def _receipt(shown: VisitShown, body: VisitBody, by: str, at: datetime, now: datetime) -> VisitShown:
    """What this caller has just sent, with versions and whether it is disputed.

    Neither what others wrote nor the distance, by which a home could be found from afar.
    """
    sent = [field for field in shown.fields if field.field in body.fields]
    facts = {
        "person_id": body.person_id, "case_id": body.case_id, "task_id": body.task_id, "visited_at": min(at, now),
        "recorded_at": now, "visitor": by, "distance_m": None, "accuracy_m": body.accuracy_m,
        "kind": views.label("visit_kind", body.kind), "disputed": any(field.others for field in sent),
    }  # fmt: skip
    own = [
        field.model_copy(update={
            "stands": field.stands if field.stands and field.stands.said_by == by else None,
            "others": [value for value in field.others if value.said_by == by],
        })
        for field in sent
    ]  # fmt: skip
    pictures = [one for one in shown.pictures if one.taken_by == by]
    return shown.model_copy(update={**facts, "fields": own, "pictures": pictures})


async def _visible(request: Request, caller: Caller, visit_id: UUID) -> Row:
    """The visit, if its person exists for this caller.

    Raises:
        Refused: 404.

    """
    row = await store.visits.read_visit(runtime_of(request).pool, visit_id)
    if row is None:
        raise refuse("not_found")
    await person_for(runtime_of(request), caller, row["person_id"])
    return row


@router.get("/visits/{visit_id}", responses=problems(401, 403, 404))
async def read_visit(request: Request, caller: Reads, visit_id: UUID) -> VisitShown:
    """ดูการเยี่ยม | One visit."""
    row = await _visible(request, caller, visit_id)
    pool = runtime_of(request).pool
    await audit(pool, caller, "read", "visit", visit_id, area=row["area"])
    return (await _shown(pool, [row]))[0]


@router.get("/persons/{person_id}/visits", responses=problems(401, 403, 404))
async def list_visits(request: Request, caller: Lists, person_id: UUID) -> Visits:
    """การเยี่ยมของบุคคล | A person's last 200 visits."""
    runtime = runtime_of(request)
    person, seen = await open_person(runtime, caller, person_id, HEALTH)
    told_of = {"classes": classes(seen.allowed)}
    await audit(runtime.pool, seen.caller, "list_visits", "person", person_id, told_of, area=person.area)
    rows = await not_protected(runtime.pool, seen, await store.visits.read_visits(runtime.pool, person.id))
    return Visits(items=await _shown(runtime.pool, rows))


@router.get("/visits", responses=problems(401, 403))
async def list_disputed(
    request: Request,
    caller: ListsDisputed,
    area_code: AreaCode = None,
    cursor: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> VisitPage:
    """ช่องที่เขียนไม่ตรงกัน | Visits in which two phones wrote the same field otherwise, for an officer to decide."""
    pool, places = runtime_of(request).pool, await places_for(runtime_of(request), caller, area_code)
    rows = await store.visits.disputed(pool, areas_of(caller), cursor, limit, places)
    ids, where = [row["id"] for row in rows], [row["area"] for row in rows]
    await audit(pool, caller, "list_disputed", "visit", ids or None, narrowed(area_code), area=where or None)
    return VisitPage(items=await _shown(pool, rows), next=rows[-1]["id"] if len(rows) == limit else None)


@router.post("/visits/{visit_id}/decide", responses=problems(400, 401, 403, 404, 409, 413))
async def decide(request: Request, caller: Decides, visit_id: UUID, body: DecideBody) -> VisitShown:
    """ตัดสินค่าที่ขัดแย้ง | Which of the values stands; the others stay as history."""
    runtime = runtime_of(request)
    row = await _visible(request, caller, visit_id)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        await own_held_for(work, caller, row["person_id"])
        await verbs.decide(work, visit_id, body.field, body.value_id)
        await audit(work, caller, "decide", "visit", visit_id, {"field": body.field}, area=row["area"])
        return (await _shown(work.db, [row]))[0]


async def _shown(db: Connection | Pool, rows: Sequence[Row]) -> list[VisitShown]:
    values = await store.visits.read_values(db, [row["id"] for row in rows])
    pictures = by_owner(await store.pictures.of_visits(db, [row["id"] for row in rows]), "visit_id")
    shown = [value for value in values if value["state"] in {"stands", "disputed"}]
    texts = await told.of(db, [value["id"] for value in shown])
    by_visit: dict[UUID, dict[str, FieldShown]] = {}
    for value in shown:
        fields = by_visit.setdefault(value["visit_id"], {})
        field = fields.setdefault(value["field"], FieldShown(field=value["field"], version=0, stands=None, others=[]))
        said = ValueShown(
            id=value["id"], value=texts[value["id"]]["value"], said_by=value["said_by"], said_at=value["said_at"]
        )
        if value["state"] == "stands":
            field.stands, field.version = said, value["version"]
        else:
            field.others.append(said)
    same = (
        "id", "person_id", "case_id", "task_id", "visited_at", "recorded_at", "visitor", "agency_id", "distance_m",
        "accuracy_m",
    )  # fmt: skip
    return [
        VisitShown(
            kind=views.label("visit_kind", row["kind"]),
            disputed=any(field.others for field in by_visit.get(row["id"], {}).values()),
            fields=sorted(by_visit.get(row["id"], {}).values(), key=lambda field: field.field),
            pictures=pictures.get(row["id"], []),
            **{name: row[name] for name in same},
        )
        for row in rows
    ]
