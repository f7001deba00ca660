"""Two services with nothing in them but the core: ``intake`` speaks, ``registry`` hears."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse
from pydantic import Field

from shared.auth import Caller, Role, may
from shared.events.base import Event, Origin, Part
from shared.heard import Hears, Message, Unknown
from shared.http import Body, IdempotencyKey, once
from shared.service import Service
from shared.settings import Settings
from shared.work import Work, new_id


class Toyed(Event, type="intake.call.toyed.v1"):
    """``value`` is what takes effect; ``poison`` makes the hearer fail; ``names`` another call it needs."""

    value: int

    class Private(Part):
        secret: str
        poison: bool = False
        names: UUID | None = None

    private: Private


class Say(Body):
    count: int = Field(default=1, ge=1, le=1000)
    aggregate_id: UUID | None = None
    pad: str = Field(default="ลับ", max_length=10_000)


router = APIRouter()
NEXT_VALUE = "select coalesce(max(value), 0) + 1 from effect where aggregate_id = $1"
LOCK = "select pg_advisory_xact_lock(hashtextextended($1::uuid::text, 0))"
KEEP = "insert into effect (aggregate_id, seq, value) values ($1, 0, $2)"


@router.post("/toy", status_code=201)
async def say_toys(
    body: Say, request: Request, caller: Annotated[Caller, Depends(may(Role.ADMIN))], key: IdempotencyKey = None
) -> JSONResponse:
    runtime = request.app.state.runtime
    async with runtime.work(runtime.asked_by(caller, request)) as work:

        async def verb() -> tuple[int, dict[str, object]]:
            aggregate_id = body.aggregate_id or new_id()
            values = await say_some(work, aggregate_id, body.count, body.pad)
            return 201, {"id": str(aggregate_id), "values": values}

        return await once(work, request, caller, key, body, verb)


async def say_some(work: Work, aggregate_id: UUID, count: int, pad: str = "ลับ") -> list[int]:
    """Say the next values of an aggregate; the speaker keeps them too, so that the two can be compared."""
    await work.db.execute(LOCK, aggregate_id)
    first = await work.db.fetchval(NEXT_VALUE, aggregate_id)
    values = list(range(first, first + count))
    for value in values:
        await work.db.execute(KEEP, aggregate_id, value)
        work.say(aggregate_id, Toyed(value=value, private=Toyed.Private(secret=pad)), Origin("kalasin", aggregate_id))
    return values


EFFECT = "insert into effect (aggregate_id, seq, value) values ($1, $2, $3)"


async def take_effect(work: Work, message: Message) -> None:
    event: Toyed = message.event
    if event.private.poison:
        raise ZeroDivisionError
    if event.private.names is not None:
        named = event.private.names
        if not await work.db.fetchval("select exists (select from known where id = $1)", named):
            raise Unknown("call", named)
    await work.db.execute("insert into known (id) values ($1) on conflict do nothing", message.id)
    await work.db.execute(EFFECT, message.id, message.envelope.aggregateseq, event.value)


SPEAKER = Service(name="intake", settings=Settings, routers=[router], hears=[])
HEARER = Service(name="registry", settings=Settings, routers=[], hears=[Hears(Toyed, take_effect)])
