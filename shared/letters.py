"""What was set aside for a person: listed with its reason, looked at without private data, given back to the service,
or, where nobody can read it and nothing waits behind it, closed.

Who may: an administrator, for what belongs to their municipalities. A message's area stands in its subject
(``internal.<area>.…``), that of something due in its origin. Giving back and closing are written down in the audit.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import orjson
from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, computed_field

from shared.audit import audit
from shared.auth import Caller, Role, may
from shared.database import Connection, Pool
from shared.errors import Refused, refuse
from shared.openapi import problems
from shared.service import Runtime

AREA_OF_DUE = "case when body = '' then null else convert_from(body, 'UTF8')::jsonb -> 'origin' ->> 'area' end"
AREA_OF = f"case when subject like 'due.%' then {AREA_OF_DUE} else split_part(subject, '.', 2) end"
OWN = f"($1::text[] is null or {AREA_OF} = any($1))"
LIST = f"""
select id, subject, noun, aggregate_id, aggregateseq, reason, died_at, requeued_at, closed, times from dead_letter
where {OWN} and (requeued_at is null or $2) order by died_at, id limit $3
"""  # noqa: S608 no value of anybody in it
SHOW = f"select * from dead_letter where {OWN} and id = $2"  # noqa: S608
REQUEUE = """
with again as (update dead_letter set requeued_at = clock_timestamp()
               where id = any($1::uuid[]) and requeued_at is null and aggregateseq is not null returning *)
insert into parked (noun, aggregate_id, aggregateseq, subject, body, parked_at)
select noun, aggregate_id, aggregateseq, subject, body, clock_timestamp() from again
on conflict (aggregate_id, noun, aggregateseq) do update set waits_noun = null, waits_id = null
returning aggregate_id
"""
REQUEUE_DUE = """
with again as (update dead_letter set requeued_at = clock_timestamp()
               where id = any($1::uuid[]) and requeued_at is null and subject like 'due.%' returning body)
insert into due (id, kind, subject_id, fence, due_at, origin, data)
select d.id, d.kind, d.subject_id, d.fence, clock_timestamp(), d.origin, d.data
from again, jsonb_to_record(convert_from(again.body, 'UTF8')::jsonb)
     as d (id uuid, kind text, subject_id uuid, fence bigint, origin jsonb, data jsonb)
on conflict (kind, subject_id, fence) do update set due_at = excluded.due_at, attempts = 0
returning subject_id
"""
CLOSE = """
update dead_letter set requeued_at = clock_timestamp(), closed = true
where id = any($1::uuid[]) and requeued_at is null and aggregateseq is null and subject not like 'due.%' returning id
"""
AT_ONCE = 500

router = APIRouter(tags=["operations"])
Admin = Annotated[Caller, Depends(may(Role.ADMIN))]


async def letters(db: Connection | Pool, areas: list[str] | None, *, everything: bool = False) -> list[asyncpg.Record]:
    """Those that wait for a person, oldest first; with ``everything`` also those sent again. ``areas`` None: all."""
    return await db.fetch(LIST, areas, everything, AT_ONCE)


async def show(db: Connection | Pool, areas: list[str] | None, letter_id: UUID) -> dict[str, Any] | None:
    """One letter with its envelope. Its private data are left out: look at the owner's record for those."""
    row = await db.fetchrow(SHOW, areas, letter_id)
    if row is None:
        return None
    found: dict[str, Any] = dict(row)
    found["body"] = without_data(found["body"])
    return found


async def requeue(db: Connection | Pool, letter_ids: list[UUID]) -> int:
    """Give letters back to the service, which applies them within a second. Gives how many there were to give."""
    return len(await db.fetch(REQUEUE, letter_ids)) + len(await db.fetch(REQUEUE_DUE, letter_ids))


async def close(db: Connection | Pool, letter_ids: list[UUID]) -> int:
    """Close letters that nobody can read: no more can be done for them. Gives how many there were to close."""
    return len(await db.fetch(CLOSE, letter_ids))


def without_data(body: bytes) -> Any:
    """The envelope; in place of its data how many fields they had."""
    try:
        envelope = orjson.loads(body)
    except orjson.JSONDecodeError:
        return f"{len(body)} bytes that are no JSON"
    if not isinstance(envelope, dict):
        return f"{len(body)} bytes of JSON that are no envelope"
    if "data" in envelope:
        data = envelope["data"]
        envelope["data"] = f"({len(data) if isinstance(data, dict | list) else 0} fields)"
    return envelope


class Letter(BaseModel):
    """``reason`` names what went wrong and where, never a value; ``times``: so often the message has come.

    ``readable``: it can be given back once the cause is mended; where not, it can only be ``closed``. ``requeued_at``:
    when it was given back or closed.
    """

    id: UUID
    subject: str
    noun: str | None
    aggregate_id: UUID | None
    aggregateseq: int | None
    reason: str
    died_at: datetime
    requeued_at: datetime | None
    closed: bool
    times: int

    @computed_field  # type: ignore[prop-decorator]
    @property
    def readable(self) -> bool:
        return self.aggregateseq is not None or self.subject.startswith("due.")


class Letters(BaseModel):
    items: list[Letter]
    next: None = None


class WholeLetter(Letter):
    """With its envelope, whose ``data`` are only counted."""

    body: Any


class Requeued(BaseModel):
    requeued: int


class Closed(BaseModel):
    closed: int


def _areas(caller: Caller) -> list[str] | None:
    return None if "*" in caller.areas else sorted(caller.areas)


def _runtime(request: Request) -> Runtime:
    found: Runtime = request.app.state.runtime
    return found


@router.get("/v1/dead-letters", response_model=Letters, responses=problems(401, 403))
async def list_letters(
    request: Request, caller: Admin, everything: Annotated[bool, Query(alias="all")] = False
) -> Letters:
    """ข้อความที่วางไว้ให้คนดู | Messages that were set aside for a person, oldest first (``all``: also those sent again)."""
    rows = await letters(_runtime(request).pool, _areas(caller), everything=everything)
    return Letters(items=[Letter(**row) for row in rows])


@router.get("/v1/dead-letters/{letter_id}", response_model=WholeLetter, responses=problems(401, 403, 404))
async def read_letter(request: Request, caller: Admin, letter_id: UUID) -> WholeLetter:
    """ดูหนึ่งฉบับ โดยไม่แสดงข้อมูลส่วนบุคคล | One of them, without its private data."""
    found = await show(_runtime(request).pool, _areas(caller), letter_id)
    if found is None:
        raise refuse("not_found")
    return WholeLetter(**{name: found[name] for name in WholeLetter.model_fields})


@router.post("/v1/dead-letters/{letter_id}/requeue", response_model=Requeued, responses=problems(401, 403, 404))
async def send_again(request: Request, caller: Admin, letter_id: UUID) -> Requeued:
    """ส่งอีกครั้ง | Give it back to the service. 404: there is none, or it was sent again already."""
    pool = _runtime(request).pool
    if await show(pool, _areas(caller), letter_id) is None or not (done := await _again(pool, caller, [letter_id])):
        raise refuse("not_found")
    return Requeued(requeued=done)


@router.post("/v1/dead-letters/requeue", response_model=Requeued, responses=problems(401, 403))
async def send_all_again(request: Request, caller: Admin) -> Requeued:
    """ส่งทั้งหมดอีกครั้ง | Give all that wait back to the service, after what was wrong is mended."""
    pool = _runtime(request).pool
    ids = [row["id"] for row in await letters(pool, _areas(caller))]
    return Requeued(requeued=await _again(pool, caller, ids))


@router.post("/v1/dead-letters/{letter_id}/close", response_model=Closed, responses=problems(401, 403, 404, 409))
async def close_letter(request: Request, caller: Admin, letter_id: UUID) -> Closed:
    """ปิดฉบับที่อ่านไม่ออก | Close one that nobody can read. 404: none waits; 409: it can be read."""
    pool = _runtime(request).pool
    found = await show(pool, _areas(caller), letter_id)
    if found is None or found["requeued_at"] is not None:
        raise refuse("not_found")
    async with pool.acquire(timeout=5) as connection, connection.transaction():
        done = await close(connection, [letter_id])
    if not done:
        th, en = "ข้อความนี้อ่านได้ ให้แก้สาเหตุแล้วส่งอีกครั้ง", "this message can be read: mend the cause and send it again"
        raise Refused(409, "letter_readable", th, en, field="letter_id")
    await audit(pool, caller, "close_letter", "dead_letter", [letter_id])
    return Closed(closed=done)


async def _again(pool: Pool, caller: Caller, ids: list[UUID]) -> int:
    async with pool.acquire(timeout=5) as connection, connection.transaction():
        done = await requeue(connection, ids)
    if done:
        await audit(pool, caller, "requeue", "dead_letter", ids)
    return done
