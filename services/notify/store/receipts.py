"""Delivery receipts of SMS: matched with their part, or kept until it is known."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from shared.database import Connection
from shared.work import new_id

Record = asyncpg.Record

KEEP = """
insert into receipt (id, provider, provider_id, state, code, said_at, came_at) values ($1, $2, $3, $4, $5, $6, $7)
"""
MATCHING = """
select r.id as receipt_id, r.state, r.code, r.said_at, p.attempt_id, p.number, a.message_id
from receipt r
join lateral (select * from part q where q.provider = r.provider and q.provider_id = r.provider_id
              order by q.attempt_id desc limit 1) p on true
join attempt a on a.id = p.attempt_id
where ($1::text[] is null
       or (r.provider, r.provider_id) in (select * from unnest($1::text[], $2::text[])))
order by r.came_at, r.id limit 500
"""
DROP = "delete from receipt where id = any($1::uuid[])"
DROP_OLD = "delete from receipt where came_at < $1"
# A receipt of failure stays: "delivered" never overwrites it, nor does anything overwrite "delivered" but failure.
SET_PART = """
update part set state = $3, code = coalesce($4, code), said_at = coalesce($5, said_at)
where attempt_id = $1 and number = $2 and state <> 'undelivered'
  and (state <> 'delivered' or $3 = 'undelivered')
"""
PARTS_OF = """
select p.attempt_id, p.number, p.of_parts, p.state, p.code, a.number as attempt, a.message_id, a.channel,
       a.state as attempt_state
from part p join attempt a on a.id = p.attempt_id where p.attempt_id = any($1::uuid[]) order by p.attempt_id, p.number
"""
FOLD = """
update attempt set state = $2, code = coalesce($3, code)
where id = $1 and state in ('accepted', 'unknown', 'delivered')
"""


async def keep(
    db: Connection,
    provider: str,
    provider_id: str,
    state: str,
    code: str | None,
    said_at: datetime | None,
    at: datetime,
) -> None:
    """Every receipt is kept first; :func:`matching` then finds those whose part is known."""
    await db.execute(KEEP, new_id(), provider, provider_id, state, code, said_at, at)


async def matching(db: Connection, ids: Sequence[tuple[str, str]] | None) -> list[Record]:
    """Kept receipts whose part is known, oldest first; ``None`` looks at all."""
    if ids is None:
        return await db.fetch(MATCHING, None, None)
    return await db.fetch(MATCHING, [provider for provider, _ in ids], [id_ for _, id_ in ids])


async def drop(db: Connection, receipt_ids: Sequence[UUID]) -> None:
    await db.execute(DROP, list(receipt_ids))


async def drop_old(db: Connection, before: datetime) -> None:
    """Of messages that are not ours, or were erased."""
    await db.execute(DROP_OLD, before)


async def set_part(
    db: Connection, attempt_id: UUID, number: int, state: str, code: str | None, said_at: datetime | None
) -> None:
    await db.execute(SET_PART, attempt_id, number, state, code, said_at)


async def parts_of(db: Connection, attempt_ids: Sequence[UUID]) -> list[Record]:
    return await db.fetch(PARTS_OF, list(attempt_ids))


async def fold(db: Connection, attempt_id: UUID, state: str, code: str | None) -> bool:
    """The attempt as its parts say; False where it says so already or has ended."""
    return await db.execute(FOLD, attempt_id, state, code) == "UPDATE 1"
