"""Look at what was set aside, and send it again."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import asyncpg
import orjson

LIST = """
select id, subject, noun, aggregateseq, reason, died_at, requeued_at from dead_letter
where requeued_at is null or $1 order by died_at limit 500
"""
SHOW = "select * from dead_letter where id = $1"
REQUEUE = """
with again as (update dead_letter set requeued_at = clock_timestamp()
               where id = $1 and requeued_at is null and aggregateseq is not null returning *)
insert into parked (noun, aggregate_id, aggregateseq, subject, body, parked_at)
select noun, aggregate_id, aggregateseq, subject, body, clock_timestamp() from again
on conflict (aggregate_id, noun, aggregateseq) do update set waits_noun = null, waits_id = null
"""
REQUEUE_DUE = """
with again as (update dead_letter set requeued_at = clock_timestamp()
               where id = $1 and requeued_at is null and subject like 'due.%' returning body)
insert into due (id, kind, subject_id, fence, due_at, origin, data)
select d.id, d.kind, d.subject_id, d.fence, clock_timestamp(), d.origin, d.data
from again, jsonb_to_record(convert_from(again.body, 'UTF8')::jsonb)
     as d (id uuid, kind text, subject_id uuid, fence bigint, origin jsonb, data jsonb)
on conflict (kind, subject_id, fence) do update set due_at = excluded.due_at
"""


async def letters(dsn: str, *, everything: bool = False) -> list[asyncpg.Record]:
    """Those that wait for a person, oldest first; with ``everything`` also those sent again."""
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetch(LIST, everything)
    finally:
        await connection.close()


async def show(dsn: str, letter_id: UUID) -> dict[str, Any] | None:
    """One letter with its envelope. Its private data are left out: look at the owner's record for those."""
    connection = await asyncpg.connect(dsn)
    try:
        row = await connection.fetchrow(SHOW, letter_id)
    finally:
        await connection.close()
    if row is None:
        return None
    found: dict[str, Any] = dict(row)
    found["body"] = _without_data(found["body"])
    return found


def _without_data(body: bytes) -> Any:
    try:
        envelope = orjson.loads(body)
    except orjson.JSONDecodeError:
        return f"{len(body)} bytes that are no JSON"
    if isinstance(envelope, dict) and "data" in envelope:
        envelope["data"] = f"({len(envelope['data'] or {})} fields)"
    return envelope


async def requeue(dsn: str, letter_id: UUID) -> bool:
    """Give a letter back to the service, which applies it within a second. False: nothing to send again."""
    connection = await asyncpg.connect(dsn)
    try:
        for statement in (REQUEUE, REQUEUE_DUE):
            if await connection.execute(statement, letter_id) != "INSERT 0 0":
                return True
        return False
    finally:
        await connection.close()
