"""Correcting and adding to a person: fields, addresses, telephones, groups; making somebody secret, by two people."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request

from services.registry import store, views
from services.registry.answers import Asked, AskedFor, Changed, Disclosures, Joined
from services.registry.api.gate import areas_of, gate, held_for, own_held_for, runtime_of, whose
from services.registry.api.reach import must_reach, within_reach
from services.registry.bodies import AgreeBody, ChangeBody, ContactBody, DisclosureBody, GroupBody, LeaveBody
from services.registry.rules.identity import SECRET_GROUPS
from services.registry.verbs import changing, disclosing
from shared.audit import audit
from shared.auth import Caller
from shared.openapi import problems

router = APIRouter(prefix="/v1", tags=["persons"])

Changes = Annotated[Caller, Depends(gate("PATCH /v1/persons/{person_id}"))]
Reaches = Annotated[Caller, Depends(gate("POST /v1/persons/{person_id}/contacts"))]
Joins = Annotated[Caller, Depends(gate("POST /v1/persons/{person_id}/groups"))]
Leaves = Annotated[Caller, Depends(gate("POST /v1/persons/{person_id}/groups/{membership_id}/leave"))]
Asks = Annotated[Caller, Depends(gate("POST /v1/persons/{person_id}/disclosure"))]
Lists = Annotated[Caller, Depends(gate("GET /v1/disclosures"))]
Agrees = Annotated[Caller, Depends(gate("POST /v1/disclosures/{request_id}/decide"))]
FOUND = problems(400, 401, 403, 404, 409, 413)


@router.patch("/persons/{person_id}", responses=FOUND)
async def change_person(request: Request, caller: Changes, person_id: UUID, body: ChangeBody) -> Changed:
    """แก้ไขข้อมูลบุคคล | Only what is named changes; the address before keeps its days."""
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        person = await own_held_for(work, caller, person_id)
        fields = await changing.change(work, person.id, body)
        await audit(work, caller, "change", "person", person.id, {"fields": fields}, area=person.area)
    return Changed(id=person.id, fields=fields)


@router.post("/persons/{person_id}/contacts", status_code=201, responses=FOUND)
async def add_contact(request: Request, caller: Reaches, person_id: UUID, body: ContactBody) -> Changed:
    """เพิ่มโทรศัพท์ | A telephone by which this person is reached."""
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        person = await held_for(work, caller, person_id)
        await changing.add_contact(work, person.id, body)
        await audit(work, caller, "add_contact", "person", person.id, area=person.area)
    return Changed(id=person.id, fields=["contacts"])


@router.post("/persons/{person_id}/groups", status_code=201, responses=FOUND)
async def join_group(request: Request, caller: Joins, person_id: UUID, body: GroupBody) -> Joined:
    """เข้ากลุ่ม | Why this person is looked after, from when, by which evidence. A secret group makes them secret."""
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        # A secret group hides them: that is for who owns their facts.
        hold = own_held_for if body.group in SECRET_GROUPS else held_for
        person = await hold(work, caller, person_id)
        membership_id = await changing.join(work, person.id, body)
        await audit(work, caller, "join_group", "person", person.id, area=person.area)
    return Joined(id=membership_id)


@router.post("/persons/{person_id}/groups/{membership_id}/leave", responses=FOUND)
async def leave_group(
    request: Request, caller: Leaves, person_id: UUID, membership_id: UUID, body: LeaveBody | None = None
) -> Joined:
    """ออกจากกลุ่ม | Until that day they belonged to it."""
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        person = await own_held_for(work, caller, person_id)
        await changing.leave(work, person, membership_id, (body or LeaveBody()).until_on)
        await audit(work, caller, "leave_group", "person", person.id, area=person.area)
    return Joined(id=membership_id)


@router.post("/persons/{person_id}/disclosure", status_code=201, responses=FOUND)
async def ask_disclosure(request: Request, caller: Asks, person_id: UUID, body: DisclosureBody) -> Asked:
    """ขอปกปิดหรือเลิกปกปิด | Nothing changes until a supervisor who is somebody else agrees."""
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        person = await held_for(work, caller, person_id)
        request_id = await disclosing.ask(work, person.id, body.wanted, body.reason, caller.actor)
        await audit(
            work, caller, "ask_disclosure", "person", person.id, {"request_id": str(request_id)}, area=person.area
        )
    return Asked(id=request_id)


@router.get("/disclosures", responses=problems(401, 403))
async def list_disclosures(request: Request, caller: Lists) -> Disclosures:
    """คำขอที่รออนุมัติ | Requests that wait for another person's yes."""
    runtime = runtime_of(request)
    found = await store.details.read_asked(runtime.pool, areas_of(caller))
    known = await within_reach(runtime.pool, caller, [row["person_id"] for row in found])
    rows = [row for row in found if row["person_id"] in known]
    ids, areas = [row["person_id"] for row in rows], [row["area"] for row in rows]
    await audit(runtime.pool, caller, "list_disclosures", "person", ids or None, area=areas or None)
    return Disclosures(
        items=[
            AskedFor(
                wanted=views.label("disclosure", row["wanted"]),
                reason=views.label("disclosure_reason", row["reason"]),
                **{name: row[name] for name in ("id", "person_id", "asked_at")},
            )
            for row in rows
        ]
    )


@router.post("/disclosures/{request_id}/decide", responses=FOUND)
async def decide_disclosure(request: Request, caller: Agrees, request_id: UUID, body: AgreeBody) -> Asked:
    """อนุมัติหรือไม่อนุมัติ | Agreed, the person leaves no trace in searches, counts and messages, or is shown again."""
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        await must_reach(work.db, caller, [await whose(work, request_id)])
        asked = await disclosing.decide(work, request_id, areas_of(caller), caller.actor, approve=body.approve)
        detail = {"request_id": str(request_id), "approved": body.approve}
        await audit(work, caller, "decide_disclosure", "person", asked["person_id"], detail, area=asked["area"])
    return Asked(id=request_id)
