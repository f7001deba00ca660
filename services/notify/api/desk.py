"""The desk's further tools: what people wrote, codes that link LINE accounts, what somebody wants to be told."""

from __future__ import annotations

from datetime import datetime, time
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from services.notify.api.common import READS_TEXTS, AtDesk, WhoReads, areas_of, own, runtime_of
from services.notify.store import recipients, replies
from services.notify.verbs.links import GOOD_FOR, make_code
from services.notify.verbs.preferences import prefer
from shared.audit import audit
from shared.events.words import Language
from shared.http import Body, IdempotencyKey, once
from shared.openapi import problems

router = APIRouter(prefix="/v1", tags=["desk"])

Kind = Literal["crew", "caller", "patient"]


class ReplyOut(BaseModel):
    """What somebody answered. Text and point only for roles that serve the call. Degrees, WGS 84."""

    id: UUID
    call_id: UUID | None
    trip_id: UUID | None
    assignment_id: UUID | None
    message_id: UUID | None
    recipient_kind: str | None
    recipient_id: UUID | None
    channel: str
    answer: str
    score: int | None
    text: str | None
    lon: float | None
    lat: float | None
    said_at: datetime


class Replies(BaseModel):
    items: list[ReplyOut]
    next: UUID | None


class LinkBody(Body):
    """Whose LINE account is to be bound. A caller's id is the call's."""

    recipient_kind: Kind
    recipient_id: UUID


class LinkOut(BaseModel):
    """``code`` is told to the person once, by voice or on paper; they write it in the chat."""

    code: str
    expires_at: datetime


class PreferenceBody(Body):
    """What somebody said at the desk. Times of day are those of Asia/Bangkok; left out: as before."""

    wants_routine: bool
    language: Language | None = None
    quiet_from: time | None = None
    quiet_until: time | None = None


class Preferred(BaseModel):
    recipient_kind: str
    recipient_id: UUID
    wants_routine: bool


@router.get("/replies", responses=problems(401, 403))
async def list_replies(
    request: Request,
    caller: WhoReads,
    call_id: UUID | None = None,
    after: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Replies:
    """What people wrote, pressed and showed on the map, oldest first."""
    pool = runtime_of(request).pool
    rows = await replies.listed(pool, areas_of(caller), call_id=call_id, after=after, limit=limit)
    seen = {} if caller.role in READS_TEXTS else {"text": None, "lon": None, "lat": None}
    items = [ReplyOut(**{**{name: row[name] for name in ReplyOut.model_fields}, **seen}) for row in rows]
    await audit(
        pool, caller, "list_replies", "call", call_id, {"replies": len(items)}, area=rows[0]["area"] if rows else None
    )
    return Replies(items=items, next=items[-1].id if len(items) == limit else None)


@router.post("/line/links", status_code=201, response_model=LinkOut, responses=problems(400, 401, 403, 404, 413))
async def make_link(
    request: Request, caller: AtDesk, body: LinkBody, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """A one-time code that binds the LINE account of whoever writes it. Never by a typed LINE id."""
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:

        async def verb() -> tuple[int, dict[str, Any]]:
            key = (body.recipient_kind, body.recipient_id)
            row = own((await recipients.read(work.db, [key])).get(key), caller)
            code = await make_code(work, row["area"], *key)
            await audit(work, caller, "make_link_code", *key, area=row["area"])
            return 201, {"code": code, "expires_at": (work.now + GOOD_FOR).isoformat()}

        return await once(work, request, caller, idempotency_key, body, verb)


@router.put("/recipients/{kind}/{recipient_id}/preferences", responses=problems(400, 401, 403, 404, 413))
async def set_preferences(
    request: Request, caller: AtDesk, kind: Kind, recipient_id: UUID, body: PreferenceBody
) -> Preferred:
    """What somebody wants, said at the desk: no routine messages, another language, hours of their own."""
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        key = (kind, recipient_id)
        row = own((await recipients.read(work.db, [key])).get(key), caller)
        await prefer(work, kind, recipient_id, body.model_dump())
        await audit(work, caller, "set_preferences", kind, recipient_id, area=row["area"])
    return Preferred(recipient_kind=kind, recipient_id=recipient_id, wants_routine=body.wants_routine)
