"""Identifiers and telephones of a person who is there: add, end, correct what was entered in error."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse

from services.registry.answers import Changed, Joined
from services.registry.api.gate import areas_of, gate, own_held_for, runtime_of
from services.registry.api.reach import within_reach
from services.registry.bodies import EndBody, IdentifierBody, InsteadContactBody, InsteadIdentifierBody
from services.registry.verbs import numbers, registering
from shared.audit import audit
from shared.auth import Caller
from shared.database import Pool
from shared.http import IdempotencyKey, once
from shared.openapi import problems

router = APIRouter(prefix="/v1/persons/{person_id}", tags=["persons"])

Adds = Annotated[Caller, Depends(gate("POST /v1/persons/{person_id}/identifiers"))]
Ends = Annotated[Caller, Depends(gate("POST /v1/persons/{person_id}/identifiers/{identifier_id}/end"))]
Corrects = Annotated[Caller, Depends(gate("POST /v1/persons/{person_id}/identifiers/{identifier_id}/correct"))]
EndsContact = Annotated[Caller, Depends(gate("POST /v1/persons/{person_id}/contacts/{contact_id}/end"))]
CorrectsContact = Annotated[Caller, Depends(gate("POST /v1/persons/{person_id}/contacts/{contact_id}/correct"))]
FOUND = problems(400, 401, 403, 404, 409, 413)


@asynccontextmanager
async def whose_number(pool: Pool, caller: Caller, act: str) -> AsyncIterator[None]:
    """Around the whole work: a number that is somebody's is refused, and tells whose only to who may find them."""
    try:
        yield
    except registering.PersonExists as known:
        if known.shown is not None and not await within_reach(pool, caller, [known.shown]):
            known.hide()
        # It tells that somebody has this number: that is written down, though the rest was undone.
        ids, areas = [one for one, _ in known.holders], [where for _, where in known.holders]
        await audit(pool, caller, act, "person", ids or None, area=areas or None)
        raise


@router.post("/identifiers", status_code=201, response_model=Joined, responses=FOUND)
async def add_identifier(
    request: Request, caller: Adds, person_id: UUID, body: IdentifierBody, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """เพิ่มเลขประจำตัว | A number of this person, with its days; somebody else's is refused as at registering."""
    runtime = runtime_of(request)
    async with (
        whose_number(runtime.pool, caller, "add_identifier_refused"),
        runtime.work(runtime.asked_by(caller, request)) as work,
    ):

        async def verb() -> tuple[int, dict[str, Any]]:
            await numbers.alone(work, body)
            person = await own_held_for(work, caller, person_id)
            made = await numbers.add(work, person, body, areas_of(caller))
            await audit(work, caller, "add_identifier", "person", person.id, {"kind": body.kind}, area=person.area)
            return 201, Joined(id=made).model_dump(mode="json")

        return await once(work, request, caller, idempotency_key, body, verb)


@router.post("/identifiers/{identifier_id}/end", responses=FOUND)
async def end_identifier(
    request: Request, caller: Ends, person_id: UUID, identifier_id: UUID, body: EndBody
) -> Changed:
    """สิ้นสุดเลขประจำตัว | Lost, replaced, expired: it stays to be seen and finds nobody any more."""
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        person = await own_held_for(work, caller, person_id)
        await numbers.end(work, person, identifier_id, body)
        await audit(work, caller, "end_identifier", "person", person.id, {"reason": body.reason}, area=person.area)
    return Changed(id=person.id, fields=["identifiers"])


@router.post("/identifiers/{identifier_id}/correct", responses=FOUND)
async def correct_identifier(
    request: Request, caller: Corrects, person_id: UUID, identifier_id: UUID, body: InsteadIdentifierBody | None = None
) -> Changed:
    """แก้เลขที่บันทึกผิด | Entered in error: the number goes, that there was one stays; ``instead`` is the right one."""
    runtime, instead = runtime_of(request), body.instead if body else None
    async with (
        whose_number(runtime.pool, caller, "add_identifier_refused"),
        runtime.work(runtime.asked_by(caller, request)) as work,
    ):
        await numbers.alone(work, instead)
        person = await own_held_for(work, caller, person_id)
        await numbers.correct(work, person, identifier_id, instead, areas_of(caller))
        await audit(work, caller, "correct_identifier", "person", person.id, area=person.area)
    return Changed(id=person.id, fields=["identifiers"])


@router.post("/contacts/{contact_id}/end", responses=FOUND)
async def end_contact(
    request: Request, caller: EndsContact, person_id: UUID, contact_id: UUID, body: EndBody
) -> Changed:
    """สิ้นสุดเบอร์โทร | They are not reached by it any more: it finds nobody, and nobody writes to it."""
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        person = await own_held_for(work, caller, person_id)
        await numbers.end_contact(work, person, contact_id, body)
        await audit(work, caller, "end_contact", "person", person.id, {"reason": body.reason}, area=person.area)
    return Changed(id=person.id, fields=["contacts"])


@router.post("/contacts/{contact_id}/correct", responses=FOUND)
async def correct_contact(
    request: Request, caller: CorrectsContact, person_id: UUID, contact_id: UUID, body: InsteadContactBody | None = None
) -> Changed:
    """แก้เบอร์โทรที่บันทึกผิด | Entered in error: the telephone goes; ``instead`` is the right one."""
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        person = await own_held_for(work, caller, person_id)
        await numbers.correct_contact(work, person, contact_id, body.instead if body else None)
        await audit(work, caller, "correct_contact", "person", person.id, area=person.area)
    return Changed(id=person.id, fields=["contacts"])
