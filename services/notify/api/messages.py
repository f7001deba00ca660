"""Messages for the desk: what was sent, why somebody was or was not told, an answer heard by phone, send again."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from services.notify.api.common import AtDesk, MessageOut, WhoReads, areas_of, message_out, own, runtime_of
from services.notify.store import messages as store
from services.notify.verbs.desk import heard, resend
from shared.audit import audit
from shared.auth import Caller
from shared.events.words import Answer
from shared.http import Body, IdempotencyKey, once
from shared.openapi import Moment, problems
from shared.service import Runtime

router = APIRouter(prefix="/v1/messages", tags=["messages"])

Status = Literal[
    "planned", "accepted", "delivered", "acknowledged", "unknown", "failed", "expired", "cancelled", "suppressed"
]


class Page(BaseModel):
    """``next`` is what to give as ``after``; None at the end."""

    items: list[MessageOut]
    next: UUID | None


class Story(BaseModel):
    """Everything that was, or on purpose was not, told about a call; oldest first."""

    items: list[MessageOut]


class Changed(BaseModel):
    id: UUID
    status: str


class HeardBody(Body):
    """``answer`` is one the message asks for, or ``seen``; left out: seen. ``heard_at`` left out: now."""

    answer: Answer | None = None
    heard_at: Moment | None = None


@router.get("", responses=problems(401, 403))
async def list_messages(
    request: Request,
    caller: WhoReads,
    call_id: UUID | None = None,
    assignment_id: UUID | None = None,
    status: Status | None = None,
    after: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    newest: Annotated[bool, Query(description="newest first; `after` then goes back in time")] = False,
    needs_somebody: Annotated[
        bool, Query(description="what did not arrive and was not sent again, newest first; no other filter counts then")
    ] = False,
) -> Page:
    """What was sent. Addresses are masked; texts are for those who serve the call."""
    pool = runtime_of(request).pool
    areas = areas_of(caller)
    if needs_somebody:
        rows = await store.needing(pool, areas, after=after, limit=limit)
    else:
        rows = await store.listed(
            pool, areas, call_id=call_id, assignment_id=assignment_id, status=status, after=after, limit=limit,
            newest=newest,
        )  # fmt: skip
    items = await _shown(runtime_of(request), rows, caller, "list_messages", call_id)
    return Page(items=items, next=items[-1].id if len(items) == limit else None)


@router.get("/why", responses=problems(401, 403))
async def why(request: Request, caller: WhoReads, call_id: UUID, recipient_id: UUID | None = None) -> Story:
    """Why somebody was, or was not, told: every message of a call with its reasons and tries, also those never sent.

    ``recipient_id``: a crew member, a patient, or the call itself for the caller.
    """
    rows = await store.about(runtime_of(request).pool, areas_of(caller), call_id, recipient_id)
    return Story(items=await _shown(runtime_of(request), rows, caller, "why_told", call_id))


@router.get("/{message_id}", responses=problems(401, 403, 404))
async def read_message(request: Request, caller: WhoReads, message_id: UUID) -> MessageOut:
    """One message with all its tries."""
    row = own(await store.read(runtime_of(request).pool, message_id), caller)
    return (await _shown(runtime_of(request), [row], caller, "read_message", row["call_id"]))[0]


@router.post("/{message_id}/acknowledge", response_model=Changed, responses=problems(400, 401, 403, 404, 409, 413))
async def acknowledge(
    request: Request, caller: AtDesk, message_id: UUID, body: HeardBody, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """The recipient was reached by phone: every pending try ends, and the answer counts like a pressed button."""
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:

        async def verb() -> tuple[int, dict[str, Any]]:
            row = own(next(iter(await store.lock(work.db, [message_id])), None), caller)
            await heard(work, row, body.answer, body.heard_at)
            await audit(work, caller, "acknowledge_message", "message", message_id, area=row["area"])
            return 200, {"id": str(message_id), "status": "acknowledged"}

        return await once(work, request, caller, idempotency_key, body, verb)


@router.post(
    "/{message_id}/resend", status_code=201, response_model=Changed, responses=problems(401, 403, 404, 409, 413)
)
async def send_again(
    request: Request, caller: AtDesk, message_id: UUID, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """The same words once more, as a new message to the recipient's present address."""
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:

        async def verb() -> tuple[int, dict[str, Any]]:
            row = own(next(iter(await store.lock(work.db, [message_id])), None), caller)
            new_id = await resend(work, row)
            await audit(work, caller, "resend_message", "message", message_id, area=row["area"])
            return 201, {"id": str(new_id), "status": "planned"}

        return await once(work, request, caller, idempotency_key, None, verb)


async def _shown(runtime: Runtime, rows: list[Any], caller: Caller, act: str, call_id: UUID | None) -> list[MessageOut]:
    """The rows with their attempts; the reading is written down."""
    attempts: dict[UUID, list[Any]] = {}
    for attempt in await store.attempts_of(runtime.pool, [row["id"] for row in rows]):
        attempts.setdefault(attempt["message_id"], []).append(attempt)
    whom = await store.whom(runtime.pool, [row["id"] for row in rows])
    areas = [row["area"] for row in rows]
    if call_id:
        await audit(
            runtime.pool, caller, act, "call", call_id, {"messages": len(rows)}, area=areas[0] if areas else None
        )
    elif rows:
        ids = [row["id"] for row in rows]
        await audit(runtime.pool, caller, act, "message", ids, {"messages": len(rows)}, area=areas)
    return [message_out(row, whom.get(row["id"], {}), attempts.get(row["id"], []), caller) for row in rows]
