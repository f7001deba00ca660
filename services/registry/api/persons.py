"""People: register, look for, read, their history, erase. Always by a search or an id; there is no list of people."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse

from services.registry import records, store, views
from services.registry.answers import (
    Erased,
    HistoryPage,
    HouseholdOf,
    PersonCreated,
    PersonHit,
    PersonHits,
    PersonShown,
)
from services.registry.api.access import classes, cut_hits, may_look, open_person, standing
from services.registry.api.gate import area_for, areas_of, gate, runtime_of
from services.registry.api.numbers import whose_number
from services.registry.api.reach import given_to, must_reach, places_of
from services.registry.bodies import EraseBody, PersonBody, SearchBody
from services.registry.keys import ring
from services.registry.rules.access import SEES_WHOLE_NUMBERS
from services.registry.rules.fields import HEALTH, RESTRICTED, SECRET
from services.registry.store.people import Within
from services.registry.verbs import duplicates, erasing, people, registering, searching
from shared.audit import audit
from shared.auth import Caller
from shared.errors import Refused, refuse
from shared.http import IdempotencyKey, once
from shared.openapi import problems
from shared.thai.dates import local_day
from shared.work import Work, now_utc

router = APIRouter(prefix="/v1/persons", tags=["persons"])

Registers = Annotated[Caller, Depends(gate("POST /v1/persons"))]
LooksFirst = Annotated[Caller, Depends(gate("POST /v1/persons/alike"))]
Searches = Annotated[Caller, Depends(gate("POST /v1/persons/search"))]
Reads = Annotated[Caller, Depends(gate("GET /v1/persons/{person_id}"))]
ReadsHistory = Annotated[Caller, Depends(gate("GET /v1/persons/{person_id}/history"))]
Erases = Annotated[Caller, Depends(gate("POST /v1/persons/{person_id}/erase"))]

TELLS = ("phone", "national_id", "identifier", "birth_year", "area_code")
"""Being found by one of these tells that it is this person's: who may not see restricted fields finds nobody by it."""
MOST_ALIKE = 10
BAD_CURSOR = (
    422,
    "bad_cursor",
    "cursor นี้ไม่ใช่ของเรา ให้ใช้ค่า next ของหน้าก่อน",
    "not a cursor of ours: use next of the page before",
)


@router.post("", status_code=201, response_model=PersonCreated, responses=problems(400, 401, 403, 404, 409, 413))
async def register_person(
    request: Request, caller: Registers, body: PersonBody, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """ขึ้นทะเบียนบุคคล | Register a person. Nothing is required, an identifier least of all; wealth is not asked."""
    runtime = runtime_of(request)
    area = area_for(caller, body.area)
    async with (
        whose_number(runtime.pool, caller, "register_refused"),
        runtime.work(runtime.asked_by(caller, request)) as work,
    ):

        async def verb() -> tuple[int, dict[str, Any]]:
            person = await registering.register(work, body, area, areas_of(caller), caller.actor)
            await audit(work, caller, "register", "person", person.id, area=person.area)
            return 201, PersonCreated(id=person.id, area=person.area).model_dump(mode="json")

        return await once(work, request, caller, idempotency_key, body, verb)


@router.post("/alike", responses=problems(400, 401, 403, 404, 413))
async def find_alike(request: Request, caller: LooksFirst, body: PersonBody) -> PersonHits:
    """ใครอาจเป็นคนนี้อยู่แล้ว | Who may be this person, before they are registered: the check of every record.

    Nothing is written. A number that is somebody's is told by registering itself.
    """
    runtime, told = runtime_of(request), body.described()
    grounds, area = await may_look(runtime, caller), area_for(caller, body.area)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        alike = await duplicates.alike(work, told, area, exercise=body.exercise)
        stand = list(dict.fromkeys([await store.links.survivor(work.db, one) for one in alike]))[:MOST_ALIKE]
        rows = {row["id"]: row for row in await store.people.read_hits(work.db, stand)}
    found = await cut_hits(runtime, grounds, [rows[one] for one in stand])
    ids = [row["id"] for row, _ in found]
    await audit(runtime.pool, caller, "search", "person", ids or None, {"by": "alike", "found": len(ids)}, area=area)
    today = local_day(work.now)
    hits = [PersonHit.model_validate(seen.cut("person", dict(views.hit(row, today)))) for row, seen in found]
    return PersonHits(items=hits, more=len(alike) > MOST_ALIKE)


@router.post("/search", responses=problems(400, 401, 403, 413))
async def search_persons(request: Request, caller: Searches, body: SearchBody) -> PersonHits:
    """ค้นหาบุคคล | By phone, number, name or ids. Answers at most 20; who is found is written down with the purpose."""
    runtime = runtime_of(request)
    grounds = await may_look(runtime, caller)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        rows, more = await searching.search(work, body, areas_of(caller), await _within(work, caller, body))
    found = await cut_hits(runtime, grounds, rows)
    if any(getattr(body, name) is not None for name in TELLS):
        found = [(row, seen) for row, seen in found if seen.may(RESTRICTED)]
    ids, areas = [row["id"] for row, _ in found], [row["area"] for row, _ in found]
    as_whom = standing(caller, [decision for _, seen in found for decision in seen.decisions.values()])
    detail = {"by": body.given[0], "found": len(found)}
    await audit(runtime.pool, as_whom, "search", "person", ids or None, detail, area=areas or None)
    today = local_day(work.now)
    hits = [PersonHit.model_validate(seen.cut("person", dict(views.hit(row, today)))) for row, seen in found]
    # Of an agency whoever was left out is not counted either.
    return PersonHits(items=hits, more=more and (caller.agency_id is None or len(found) == len(rows)))


async def _within(work: Work, caller: Caller, body: SearchBody) -> Within:
    """Where this caller may find people: who asks for one place does not look for whom they were given elsewhere."""
    beside = await given_to(work.db, caller) if body.area_code is None else frozenset()
    return Within(await places_of(work.db, caller, body.area_code), beside)


@router.get("/{person_id}", responses=problems(401, 403, 404))
async def read_person(request: Request, caller: Reads, person_id: UUID) -> PersonShown:
    """ดูข้อมูลบุคคล | Who this is, how they are reached, what stands in their way."""
    runtime = runtime_of(request)
    person, seen = await open_person(runtime, caller, person_id)
    told = {"classes": classes(seen.allowed)}
    await audit(runtime.pool, seen.caller, "read", "person", person_id, told, area=person.area)
    protected, areas = seen.may(SECRET), areas_of(caller)
    rows = await store.links.records(runtime.pool, person_id)
    person = records.merged([records.opened(row, ring()) for row in rows])
    identifiers = await store.people.read_identifiers(runtime.pool, person_id)
    contacts = await store.people.read_contacts(runtime.pool, person_id, protected=protected)
    ended = await store.numbers.ended_contacts(runtime.pool, person_id)
    addresses = await store.details.read_addresses(runtime.pool, person_id)
    home = await store.households.of_person(runtime.pool, person_id)
    groups = await store.people.read_memberships(runtime.pool, person_id)
    barriers = await store.history.read_barriers(runtime.pool, person_id, areas, protected=protected)
    cases = await store.calls.read_cases(runtime.pool, person_id, areas, protected=protected, before=None, limit=100)
    whole = caller.role in SEES_WHOLE_NUMBERS and caller.agency_id is None
    return PersonShown.model_validate(seen.cut("person", {
        **views.open_person(person, local_day(now_utc())),
        "records": [row["id"] for row in rows],
        "to_check": await store.matches.count_to_check(runtime.pool, person_id, protected=protected),
        "addresses": [views.address(row) for row in addresses],
        "household": home and HouseholdOf(
            id=home["household_id"], role=views.label("household_role", home["role"]), head=home["head"]
        ),
        "identifiers": [views.identifier(row, whole=whole) for row in identifiers],
        "contacts": [views.contact(row) for row in contacts],
        "ended_contacts": [views.ended_contact(row) for row in ended],
        "groups": [views.membership(row) for row in groups if protected or not row["protected"]],
        "barriers": [views.barrier(row) for row in barriers],
        "open_case_ids": [row["id"] for row in cases if row["closed_at"] is None],
    }))  # fmt: skip


@router.get("/{person_id}/history", responses=problems(401, 403, 404))
async def read_history(
    request: Request,
    caller: ReadsHistory,
    person_id: UUID,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> HistoryPage:
    """ประวัติ | Everything that happened around this person, newest first, from every service."""
    runtime = runtime_of(request)
    before = views.read_cursor(cursor) if cursor is not None else None
    if cursor is not None and before is None:
        raise Refused(*BAD_CURSOR, field="cursor")
    person, seen = await open_person(runtime, caller, person_id, HEALTH)
    told = {"classes": classes(seen.allowed)}
    await audit(runtime.pool, seen.caller, "read_history", "person", person_id, told, area=person.area)
    rows = await store.history.read_history(
        runtime.pool, person_id, areas_of(caller), protected=seen.may(SECRET), before=before, limit=limit
    )
    items = [views.history_line(row, lambda field: seen.shows("person", field)) for row in rows]
    return HistoryPage(items=items, next=views.cursor_after(rows, limit))


@router.post("/{person_id}/erase", responses=problems(400, 401, 403, 404, 413))
async def erase_person(request: Request, caller: Erases, person_id: UUID, body: EraseBody | None = None) -> Erased:
    """ลบข้อมูลบุคคล | Wipe a person here and, by ``person.erased``, everywhere. Asked again, it answers the same.

    Records that are linked as this person's go with it; unlink first what is somebody else's.
    """
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        held = await store.links.hold(work.db, [person_id])
        row = next((one for one in held if one["id"] == person_id), None)
        if row is None or not caller.may_see(row["area"]):
            raise refuse("not_found")
        if row["erased_at"] is not None:
            return Erased(id=person_id, erased_at=row["erased_at"])
        await must_reach(work.db, caller, [person_id])
        told = body or EraseBody()
        every = [row] if told.record_only else held
        gone = [records.opened(one, ring()) for one in every]
        await erasing.erase_persons(work, [(one.id, people.origin_of(one)) for one in gone])
        areas = [one.area for one in gone]
        await audit(work, caller, "erase", "person", [one.id for one in gone], {"reason": told.reason}, area=areas)
    return Erased(id=person_id, erased_at=work.now)
