"""Care groups: members, and the people they care for."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import Field

from services.registry import store, views
from services.registry.answers import Answer, Label, PersonHit
from services.registry.api.case_gate import Limit
from services.registry.api.gate import AreaCode, area_for, areas_of, gate, held_for, narrowed, places_for, runtime_of
from services.registry.api.reach import within_reach
from services.registry.values import Area, Code, Long, coded
from shared.audit import audit
from shared.auth import Caller
from shared.errors import Refused, refuse
from shared.http import Body
from shared.openapi import problems
from shared.thai.dates import local_day
from shared.work import now_utc

router = APIRouter(prefix="/v1", tags=["teams"])

PutsGroups = Annotated[Caller, Depends(gate("PUT /v1/care-groups/{group_id}"))]
AddsPatients = Annotated[Caller, Depends(gate("POST /v1/care-groups/{group_id}/people"))]
ReadsGroups = Annotated[Caller, Depends(gate("GET /v1/care-groups"))]
RoleCode = Annotated[Code, coded("team_role")]


MOST_PEOPLE = 100
FULL = (409, "group_full", "กลุ่มนี้ดูแลครบ 100 คนแล้ว ให้ตั้งกลุ่มใหม่", "this group cares for 100 people: found another one")


class MemberBody(Body):
    crew_id: UUID
    role: RoleCode = "member"


class CareGroupBody(Body):
    """A care group, whole: who is in it and for whom they care."""

    area: Area | None = None
    name: Long
    members: Annotated[list[MemberBody], Field(max_length=50, default_factory=list)]
    person_ids: Annotated[list[UUID], Field(max_length=MOST_PEOPLE, default_factory=list)]


class PatientBody(Body):
    person_id: UUID


class GroupMember(Answer):
    crew_id: UUID
    role: Label


class CareGroup(Answer):
    id: UUID
    area: str
    name: str
    members: list[GroupMember]
    person_ids: list[UUID]
    people: list[PersonHit]
    changed_at: datetime


class CareGroups(Answer):
    items: list[CareGroup]
    next: UUID | None


@router.put("/care-groups/{group_id}", status_code=204, responses=problems(400, 401, 403, 404, 413))
async def put_group(request: Request, caller: PutsGroups, group_id: UUID, body: CareGroupBody) -> None:
    """กลุ่มดูแล | A care group, whole: members, and the people they care for."""
    runtime = runtime_of(request)
    area = area_for(caller, body.area)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        await store.links.hold(work.db, body.person_ids)
        people = [(await held_for(work, caller, one)).id for one in body.person_ids]
        if not await store.teams.put_group(work.db, group_id, area, body.name, work.now):
            raise refuse("not_found")
        await store.teams.set_group(work.db, group_id, [(one.crew_id, one.role) for one in body.members], people)
        await audit(work, caller, "put_group", "person", people or None, area=area)


@router.post("/care-groups/{group_id}/people", status_code=204, responses=problems(400, 401, 403, 404, 409, 413))
async def add_patient(request: Request, caller: AddsPatients, group_id: UUID, body: PatientBody) -> None:
    """เพิ่มผู้ที่กลุ่มดูแล | The group cares for this person as well; everybody else in it stays, whoever adds meanwhile."""
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        person = await held_for(work, caller, body.person_id)
        area = await store.teams.lock_group(work.db, group_id)
        if area is None or not caller.may_see(area):
            raise refuse("not_found")
        if await store.teams.add_patients(work.db, group_id, [person.id]) > MOST_PEOPLE:
            raise Refused(*FULL, field="person_id")
        await audit(work, caller, "put_group", "person", person.id, area=area)


@router.get("/care-groups", responses=problems(401, 403))
async def read_groups(
    request: Request,
    caller: ReadsGroups,
    person_id: UUID | None = None,
    area_code: AreaCode = None,
    cursor: UUID | None = None,
    limit: Limit = 50,
) -> CareGroups:
    """กลุ่มดูแล | Care groups of one's municipalities, or those that care for somebody, or for anybody who lives there."""
    runtime = runtime_of(request)
    places = await places_for(runtime, caller, area_code)
    asked = None if person_id is None else await within_reach(runtime.pool, caller, [person_id])
    rows = []
    if asked is None or asked:
        rows = await store.teams.read_groups(runtime.pool, areas_of(caller), person_id, cursor, limit, places)
    known = await within_reach(runtime.pool, caller, [one for row in rows for one in row["person_ids"]])
    people = sorted(known)
    await audit(runtime.pool, caller, "read_groups", "person", people or None, narrowed(area_code))
    today = local_day(now_utc())
    hits = {row["id"]: views.hit(row, today) for row in await store.people.read_hits(runtime.pool, people)}
    items = [
        CareGroup(
            members=[
                GroupMember(crew_id=crew, role=views.label("team_role", role))
                for crew, role in zip(row["crew_ids"], row["roles"], strict=True)
            ],
            people=[hits[one] for one in row["person_ids"] if one in known],
            person_ids=[one for one in row["person_ids"] if one in known],
            **{name: row[name] for name in ("id", "area", "name", "changed_at")},
        )
        for row in rows
    ]
    return CareGroups(items=items, next=rows[-1]["id"] if len(rows) == limit else None)
