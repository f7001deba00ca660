"""How far each heard aggregate has been applied here, and what waits: parked messages and dead letters.

The cursor is the inbox: never pruned. Whoever applies messages holds the locks of their cursors until the commit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

import asyncpg

from shared.database import Connection, Pool

Key = tuple[str, UUID]
"""Noun and id of an aggregate."""
Place = tuple[str, UUID, int]
"""One of its events: noun, id, aggregateseq."""

TAKE_CURSORS = """
with wanted as (
    select noun, aggregate_id from unnest($1::text[], $2::uuid[]) as w (noun, aggregate_id)
), known as (
    select c.noun, c.aggregate_id, c.seq from cursor c join wanted using (noun, aggregate_id)
    order by c.aggregate_id, c.noun for update of c
), made as (
    insert into cursor (noun, aggregate_id, seq)
    select w.noun, w.aggregate_id, 0 from wanted w
    where not exists (select from known k where k.noun = w.noun and k.aggregate_id = w.aggregate_id)
    order by w.aggregate_id, w.noun on conflict do nothing
    returning noun, aggregate_id, seq
)
select * from known union all select * from made
"""
LOCK_CURSORS = """
select c.noun, c.aggregate_id, c.seq from cursor c
join unnest($1::text[], $2::uuid[]) as w (noun, aggregate_id) using (noun, aggregate_id)
order by c.aggregate_id, c.noun for update of c
"""
MOVE_CURSORS = """
update cursor c set seq = w.seq from unnest($1::text[], $2::uuid[], $3::bigint[]) as w (noun, aggregate_id, seq)
where c.noun = w.noun and c.aggregate_id = w.aggregate_id
"""
PARK = """
insert into parked (noun, aggregate_id, aggregateseq, subject, body, waits_noun, waits_id, parked_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (aggregate_id, noun, aggregateseq)
do update set waits_noun = excluded.waits_noun, waits_id = excluded.waits_id
"""
UNPARK = """
with done as (
    select noun, aggregate_id, seq from unnest($1::text[], $2::uuid[], $3::bigint[]) as w (noun, aggregate_id, seq)
), closed as (
    update dead_letter d set requeued_at = clock_timestamp() from done
    where d.noun = done.noun and d.aggregate_id = done.aggregate_id and d.aggregateseq <= done.seq
      and d.requeued_at is null
)
delete from parked p using done
where p.noun = done.noun and p.aggregate_id = done.aggregate_id and p.aggregateseq <= done.seq
"""
ANY_PARKED = """
select exists (select from parked) or exists (select from dead_letter where requeued_at is null)
"""
RIPE = """
select p.subject, p.body from parked p
left join cursor own on own.noun = p.noun and own.aggregate_id = p.aggregate_id
left join cursor other on other.noun = p.waits_noun and other.aggregate_id = p.waits_id
where (p.aggregateseq <= coalesce(own.seq, 0)
       or (p.aggregateseq = coalesce(own.seq, 0) + 1 and (p.waits_id is null or other.seq > 0)))
  and not exists (select from dead_letter d where d.noun = p.noun and d.aggregate_id = p.aggregate_id
                  and d.aggregateseq = p.aggregateseq and d.requeued_at is null)
order by p.parked_at, p.aggregateseq limit 200
"""
RIPE_OF = RIPE.replace("\nwhere (", "\nwhere (p.aggregate_id = any($1::uuid[]) or p.waits_id = any($1::uuid[])) and (")
OLDEST_HOLE = """
select coalesce(extract(epoch from clock_timestamp() - min(parked_at)), 0)::float as age_s, count(*) as messages
from parked
"""
BURY = """
insert into dead_letter (id, subject, noun, aggregate_id, aggregateseq, body, reason, died_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (aggregate_id, noun, aggregateseq) where requeued_at is null
do update set times = dead_letter.times + 1
returning times
"""
# Nobody knows whose it is: it is known by its bytes.
BURY_UNREAD = """
insert into dead_letter (id, subject, body, reason, died_at) values ($1, $2, $3, $4, $5)
on conflict (subject, sha256(body)) where aggregate_id is null and requeued_at is null
do update set times = dead_letter.times + 1
returning times
"""


async def take(db: Connection, wanted: Iterable[Key]) -> dict[Key, int]:
    """Lock these cursors, always in the same order; gives how far each has come, 0 for an aggregate not heard of."""
    keys = sorted(wanted, key=_order)
    nouns, ids = [key[0] for key in keys], [key[1] for key in keys]
    rows: list[asyncpg.Record] = await db.fetch(TAKE_CURSORS, nouns, ids)
    if len(rows) < len(keys):  # somebody else made one at the same moment, and has committed by now
        rows = await db.fetch(LOCK_CURSORS, nouns, ids)
    return {(row["noun"], row["aggregate_id"]): row["seq"] for row in rows}


async def move(db: Connection, to: Mapping[Key, int]) -> None:
    """These aggregates have been applied up to there."""
    await db.execute(MOVE_CURSORS, *_columns(to))


async def park(db: Connection, place: Place, subject: str, body: bytes, waits: Key | None, at: datetime) -> None:
    """Keep a message that came too early; ``waits``: for an aggregate not known here yet."""
    await db.execute(PARK, *place, subject, body, *(waits or (None, None)), at)


async def unpark(db: Connection, to: Mapping[Key, int]) -> None:
    """What waited of these aggregates up to there is done with."""
    await db.execute(UNPARK, *_columns(to))


async def any_parked(db: Pool) -> bool:
    return bool(await db.fetchval(ANY_PARKED))


async def ripe(db: Pool) -> list[asyncpg.Record]:
    """``subject, body`` of parked messages whose turn has come."""
    return await db.fetch(RIPE)


async def ripe_of(db: Pool, aggregate_ids: Iterable[UUID]) -> list[asyncpg.Record]:
    """As :func:`ripe`, of what waited for one of these aggregates."""
    return await db.fetch(RIPE_OF, list(aggregate_ids))


async def oldest_hole(db: Pool) -> asyncpg.Record:
    """``age_s`` of the oldest parked message, and how many ``messages`` are parked."""
    row = await db.fetchrow(OLDEST_HOLE)
    if row is None:
        raise LookupError("an aggregate without groups always gives a row")
    return row


async def bury(
    db: Pool, letter_id: UUID, subject: str, place: Place | None, body: bytes, reason: str, at: datetime
) -> int:
    """Set a message aside for a person. ``place`` None: it could not even be read.

    Gives how often it has come by now: a message that waits already stays one letter.
    """
    if place is None:
        times: int = await db.fetchval(BURY_UNREAD, letter_id, subject, body, reason, at)
    else:
        times = await db.fetchval(BURY, letter_id, subject, *place, body, reason, at)
    return times


def _columns(to: Mapping[Key, int]) -> tuple[list[str], list[UUID], list[int]]:
    keys = sorted(to, key=_order)
    return [key[0] for key in keys], [key[1] for key in keys], [to[key] for key in keys]


def _order(key: Key) -> tuple[UUID, str]:
    return key[1], key[0]
