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
insert into receipt (id, provider, provider_id, state, code, said_at, came_at)
select w.*, $7 from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[]) as w
"""
MATCHING = """
select r.id as receipt_id, r.state, r.code, r.said_at, p.attempt_id, p.number, a.message_id
from unnest($1::text[], $2::text[]) as w (provider, provider_id)
join receipt r using (provider, provider_id)
join lateral (select * from part q where q.provider = r.provider and q.provider_id = r.provider_id
              order by q.attempt_id desc limit 1) p on true
join attempt a on a.id = p.attempt_id
order by r.came_at, r.id limit 500
"""
MATCHING_ANY = """
select r.id as receipt_id, r.state, r.code, r.said_at, p.attempt_id, p.number, a.message_id
from receipt r
join lateral (select * from part q where q.provider = r.provider and q.provider_id = r.provider_id
              order by q.attempt_id desc limit 1) p on true
join attempt a on a.id = p.attempt_id
order by r.came_at, r.id limit 500
"""
DROP = "delete from receipt where id = any($1::uuid[])"
DROP_OLD = "delete from receipt where came_at < $1"
# A receipt of failure stays: "delivered" never overwrites it, nor does anything overwrite "delivered" but failure.
# Of several about one part, failure counts, else the last.
SET_PARTS = """
update part p set state = w.state, code = coalesce(w.code, p.code), said_at = coalesce(w.said_at, p.said_at)
from (select distinct on (v.attempt_id, v.number) v.*
      from unnest($1::uuid[], $2::smallint[], $3::text[], $4::text[], $5::timestamptz[]) with ordinality
           as v (attempt_id, number, state, code, said_at, place)
      order by v.attempt_id, v.number, v.state = 'undelivered' desc, v.place desc) w
where p.attempt_id = w.attempt_id and p.number = w.number and p.state <> 'undelivered'
  and (p.state <> 'delivered' or w.state = 'undelivered')
"""
PARTS_OF = """
select p.attempt_id, p.number, p.of_parts, p.state, p.code, a.number as attempt, a.message_id, a.channel,
       a.state as attempt_state
from part p join attempt a on a.id = p.attempt_id where p.attempt_id = any($1::uuid[]) order by p.attempt_id, p.number
"""
FOLD = """
update attempt a set state = w.state, code = coalesce(w.code, a.code)
from unnest($1::uuid[], $2::text[], $3::text[]) as w (id, state, code)
where a.id = w.id and a.state in ('accepted', 'unknown', 'delivered')
returning a.id
"""


Said = tuple[str, str, str, str | None, datetime | None]
"""Provider, its id of the part, state, code, when it says so."""


async def keep(db: Connection, came: Sequence[Said], at: datetime) -> None:
    """Every receipt is kept first; :func:`matching` then finds those whose part is known."""
    await db.execute(KEEP, [new_id() for _ in came], *map(list, zip(*came, strict=True)), at)


async def matching(db: Connection, ids: Sequence[tuple[str, str]] | None) -> list[Record]:
    """Kept receipts whose part is known, oldest first; ``None`` looks at all."""
    if ids is None:
        return await db.fetch(MATCHING_ANY)
    return await db.fetch(MATCHING, [provider for provider, _ in ids], [id_ for _, id_ in ids])


async def drop(db: Connection, receipt_ids: Sequence[UUID]) -> None:
    await db.execute(DROP, list(receipt_ids))


async def drop_old(db: Connection, before: datetime) -> None:
    """Of messages that are not ours, or were erased."""
    await db.execute(DROP_OLD, before)


async def set_parts(db: Connection, rows: Sequence[Record]) -> None:
    """What kept receipts say of their parts, oldest first."""
    columns = [[row[name] for row in rows] for name in ("attempt_id", "number", "state", "code", "said_at")]
    await db.execute(SET_PARTS, *columns)


async def parts_of(db: Connection, attempt_ids: Sequence[UUID]) -> list[Record]:
    return await db.fetch(PARTS_OF, list(attempt_ids))


async def fold(db: Connection, told: Sequence[tuple[UUID, str, str | None]]) -> set[UUID]:
    """Attempts as their parts say: id, state, code; gives those that were not so before and have not ended."""
    rows = await db.fetch(FOLD, *map(list, zip(*told, strict=True)))
    return {row["id"] for row in rows}
