"""LINE calls us: one webhook address per municipality, known by the signature over the raw bytes."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Annotated

import structlog
from fastapi import APIRouter, Header, Path, Request
from prometheus_client import Counter
from pydantic import BaseModel, SecretStr

from services.notify import house
from services.notify.api.common import runtime_of, ways_of
from services.notify.channels.base import Accepted, Outgoing
from services.notify.channels.line_webhook import Event, WebhookUnreadableError, parse, verify
from services.notify.rules.templates import render
from services.notify.rules.words import Facts, words
from services.notify.sending.ways import AllWays
from services.notify.verbs.reply import Chat, take
from shared.database import COLLISION
from shared.errors import Refused, refuse
from shared.openapi import problems
from shared.service import Runtime
from shared.work import Cause, new_id

log = structlog.get_logger()
router = APIRouter(tags=["line"])

SIGNATURE_WRONG = (401, "signature_wrong", "ลายเซ็นของ LINE ไม่ถูกต้อง", "LINE's signature is not right")
EVENTS = Counter("karuna_notify_line_events_total", "Webhook events of LINE", ["kind"])
CHATS = Counter("karuna_notify_chat_answers_total", "Answers of the chat, best effort", ["outcome"])
BODY = {"requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}}

TRIES = 3
_answering: set[asyncio.Task[None]] = set()


class Taken(BaseModel):
    """How many events were new here."""

    events: int


@router.post("/v1/line/{area}/webhook", openapi_extra=BODY, responses=problems(400, 401, 404, 413))
async def webhook(
    request: Request,
    area: Annotated[str, Path(pattern=r"^[a-z][a-z0-9-]{1,30}$")],
    x_line_signature: Annotated[str | None, Header(max_length=200)] = None,
) -> Taken:
    """Take LINE's events: each once, each in its own transaction, answered as soon as it is committed."""
    ways, runtime = ways_of(request), runtime_of(request)
    secrets = ways.line_secrets(area)
    if not secrets:
        raise refuse("not_found")
    raw = await request.body()
    if not verify(raw, x_line_signature, secrets):
        raise Refused(*SIGNATURE_WRONG)
    try:
        events = parse(raw).events
    except WebhookUnreadableError:
        raise refuse("not_json", field="body") from None
    cause, collided = Cause("system:line", None, request.state.traceparent), False
    for event in events:
        EVENTS.labels(event.kind).inc()
        try:
            chat = await _take(runtime, cause, area, event)
        except COLLISION:
            collided = True  # the others of this delivery are none the worse for it
            continue
        if chat is not None:
            _answer(ways, area, event, chat)
    if collided:
        raise refuse("collision")
    return Taken(events=len(events))


async def _take(runtime: Runtime, cause: Cause, area: str, event: Event) -> Chat | None:
    """Handle one event. LINE brings it again only where the account says so: a collision is tried again here."""
    for _ in range(TRIES - 1):
        with suppress(*COLLISION):
            async with runtime.work(cause) as work:
                return await take(work, area, event)
    async with runtime.work(cause) as work:
        return await take(work, area, event)


def _answer(ways: AllWays, area: str, event: Event, chat: Chat) -> None:
    """Say it with the reply token, free and at once. Nothing depends on it: lost, it is lost."""
    if event.reply_token is None or event.standby:
        return
    task = asyncio.create_task(_reply(ways, area, event.reply_token, chat))
    _answering.add(task)
    task.add_done_callback(_answering.discard)


async def _reply(ways: AllWays, area: str, token: SecretStr, chat: Chat) -> None:
    way = ways.way(area, "line", exercise=False)
    if way is None:
        return
    policy = house.policy(area)
    values = words(Facts(), chat.language, brand=policy.brand, short_number=policy.short_number, exercise=False)
    text = render(chat.template, "line", chat.language, values)
    outcome, _ = await way.send(Outgoing(new_id(), "", text, reply_token=token), emergency=True)
    CHATS.labels("accepted" if isinstance(outcome, Accepted) else "failed").inc()
