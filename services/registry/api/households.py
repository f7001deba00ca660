"""Households: found, read, move in and out, groups. They are read by their id alone, which stands with the person."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request

from services.registry import records, store, views
from services.registry.answers import HouseholdShown, Joined
from services.registry.api.gate import area_for, areas_of, gate, held_for, runtime_of, sees_protected
from services.registry.api.reach import must_reach, within_reach
from services.registry.bodies import GroupBody, HouseholdBody, LeaveBody, MemberBody
from services.registry.rules.grounds import Lives, reaches
from services.registry.store.people import Row
from services.registry.verbs import households
from shared.audit import audit
from shared.auth import Caller
from shared.database import Connection, Pool
from shared.errors import refuse
from shared.openapi import problems
from shared.work import Work

router = APIRouter(prefix="/v1/households", tags=["households"])

Founds = Annotated[Caller, Depends(gate("POST /v1/households"))]
Reads = Annotated[Caller, Depends(gate("GET /v1/households/{household_id}"))]
MovesIn = Annotated[Caller, Depends(gate("POST /v1/households/{household_id}/members"))]
MovesOut = Annotated[Caller, Depends(gate("POST /v1/households/{household_id}/members/{person_id}/leave"))]
Joins = Annotated[Caller, Depends(gate("POST /v1/households/{household_id}/groups"))]
Leaves = Annotated[Caller, Depends(gate("POST /v1/households/{household_id}/groups/{group_id}/leave"))]
FOUND = problems(400, 401, 403, 404, 409, 413)


async def _held(work: Work, caller: Caller, household_id: UUID) -> Row:
    row = await store.households.lock(work.db, household_id, areas_of(caller))
    if row is None:
        raise refuse("not_found")
    await _must_reach(work.db, caller, row)
    return row


async def _must_reach(db: Connection | Pool, caller: Caller, row: Row) -> None:
    """Who is held to places knows of the households that lie there, and of those of somebody whom they may know.

    Raises:
        Refused: 404.

    """
    if not reaches(caller.places, Lives(row["area_code"])):
        members = await store.households.read_members(db, row["id"], protected=sees_protected(caller))
        await must_reach(db, caller, [one["person_id"] for one in members])


@router.post("", status_code=201, responses=FOUND)
async def found_household(request: Request, caller: Founds, body: HouseholdBody) -> Joined:
    """ตั้งครัวเรือน | People who live together, with their head; nothing is required."""
    runtime = runtime_of(request)
    area = area_for(caller, body.area)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        await store.links.hold(work.db, [member.person_id for member in body.members])
        for member in body.members:
            await held_for(work, caller, member.person_id)
        household_id = await households.found(work, body, area)
        await audit(work, caller, "found", "household", household_id, {"members": len(body.members)}, area=area)
    return Joined(id=household_id)


@router.get("/{household_id}", responses=problems(401, 403, 404))
async def read_household(request: Request, caller: Reads, household_id: UUID) -> HouseholdShown:
    """ดูครัวเรือน | Who lives there and lived there, and why it is looked after."""
    runtime = runtime_of(request)
    row = await store.households.read(runtime.pool, household_id, areas_of(caller))
    if row is None:
        raise refuse("not_found")
    await _must_reach(runtime.pool, caller, row)
    protected = sees_protected(caller)
    every = await store.households.read_members(runtime.pool, household_id, protected=protected)
    known = await within_reach(runtime.pool, caller, [member["person_id"] for member in every])
    members = [member for member in every if member["person_id"] in known]
    groups = await store.households.read_groups(runtime.pool, household_id)
    ids = [member["person_id"] for member in members]
    named = {one["id"]: one for one in await store.people.read_hits(runtime.pool, ids)}
    await audit(runtime.pool, caller, "read", "household", household_id, area=row["area"])
    if ids:
        await audit(runtime.pool, caller, "read_household", "person", ids, area=row["area"])
    kept = [one for one in groups if protected or one["group_code"] not in records.SENSITIVE_GROUPS]
    return views.household(row, members, named, kept)


@router.post("/{household_id}/members", status_code=201, responses=FOUND)
async def move_in(request: Request, caller: MovesIn, household_id: UUID, body: MemberBody) -> Joined:
    """ย้ายเข้า | Somebody lives there from that day on."""
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        person = await held_for(work, caller, body.person_id)
        row = await _held(work, caller, household_id)
        await households.move_in(work, row, body.model_copy(update={"person_id": person.id}))
        await audit(work, caller, "move_in", "person", person.id, area=row["area"])
    return Joined(id=household_id)


@router.post("/{household_id}/members/{person_id}/leave", responses=FOUND)
async def move_out(
    request: Request, caller: MovesOut, household_id: UUID, person_id: UUID, body: LeaveBody | None = None
) -> Joined:
    """ย้ายออก | Somebody lived there until that day."""
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        person = await held_for(work, caller, person_id)
        row = await _held(work, caller, household_id)
        await households.move_out(work, row, person.id, (body or LeaveBody()).until_on)
        await audit(work, caller, "move_out", "person", person.id, area=row["area"])
    return Joined(id=household_id)


@router.post("/{household_id}/groups", status_code=201, responses=FOUND)
async def join_group(request: Request, caller: Joins, household_id: UUID, body: GroupBody) -> Joined:
    """ครัวเรือนเข้ากลุ่ม | Why the household is looked after."""
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        row = await _held(work, caller, household_id)
        group_id = await households.join(work, row, body)
        await audit(work, caller, "join_group", "household", household_id, area=row["area"])
    return Joined(id=group_id)


@router.post("/{household_id}/groups/{group_id}/leave", responses=FOUND)
async def leave_group(
    request: Request, caller: Leaves, household_id: UUID, group_id: UUID, body: LeaveBody | None = None
) -> Joined:
    """ครัวเรือนออกจากกลุ่ม | Until that day it belonged to it."""
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        row = await _held(work, caller, household_id)
        await households.leave_group(work, row, group_id, (body or LeaveBody()).until_on)
        await audit(work, caller, "leave_group", "household", household_id, area=row["area"])
    return Joined(id=group_id)
