"""Close holes: what a service has missed and its stream does not hold any more is given to it from the archive.

A message can be gone from a stream whose end is whole: deleted or purged by hand, or acknowledged by a service whose
database was then brought back from an older copy. Where more follows of the same aggregate that waits, and is seen; of
the last event nobody waits for anything, so what was sent is held against what was heard. PostgreSQL is the truth: the
event still stands with whoever said it.
"""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg
from nats.aio.client import Client

from karuna.local import Local
from karuna.platform.provision import call
from shared.database import connect
from shared.relay import messages_of
from shared.streams import HEARS, stream_name

AT_ONCE = 5000
ANYWHERE = 2**62

# Aggregates with messages that wait, and aggregates they wait for. What a dead letter holds back waits for a person.
WAITED_FOR = """
with waits as (
    select noun, aggregate_id from parked union select waits_noun, waits_id from parked where waits_id is not null
)
select w.noun, w.aggregate_id, coalesce(c.seq, 0) as seq from waits w left join cursor c using (noun, aggregate_id)
where not exists (select from dead_letter d where d.noun = w.noun and d.aggregate_id = w.aggregate_id
                  and d.requeued_at is null)
order by w.noun, w.aggregate_id
"""
# Only what was sent before: the rest still comes by the stream.
SAID_SINCE = """
select l.* from event_log l join unnest($1::text[], $2::uuid[], $3::bigint[]) as w (noun, aggregate_id, seq)
    on l.noun = w.noun and l.aggregate_id = w.aggregate_id and l.aggregateseq > w.seq
where l.stream_sequence between 1 and $4 order by l.position
"""
SAID_OF = "select noun, id, seq from aggregate where noun = any($1::text[])"
BEHIND = """
select w.noun, w.aggregate_id, coalesce(c.seq, 0) as seq
from unnest($1::text[], $2::uuid[], $3::bigint[]) as w (noun, aggregate_id, said)
left join cursor c using (noun, aggregate_id)
where coalesce(c.seq, 0) < w.said
  and not exists (select from dead_letter d where d.noun = w.noun and d.aggregate_id = w.aggregate_id
                  and d.requeued_at is null)
"""
PARKED = "select noun, aggregate_id, aggregateseq from parked"
GIVE = """
insert into parked (noun, aggregate_id, aggregateseq, subject, body, parked_at)
values ($1, $2, $3, $4, $5, clock_timestamp()) on conflict do nothing
returning 1
"""


async def close_holes(client: Client, local: Local, listener: str, owners: Sequence[str]) -> int:
    """Give ``listener`` what it misses of these services, which it then applies within a second; how many events.

    Doing it again changes nothing: what it has applied meanwhile is seen by its cursors.
    """
    connection = await connect(local.postgres.dsn(listener))
    try:
        waited_for = await connection.fetch(WAITED_FOR)
        given = 0
        for owner in owners:
            nouns = HEARS[listener].get(owner, ())
            said = await _said_since(local, owner, [w for w in waited_for if w["noun"] in nouns])
            for row in [*said, *await missed(client, local, listener, owner)]:
                given += await _give(connection, row)
        return given
    finally:
        await connection.close()


async def missed(client: Client, local: Local, listener: str, owner: str) -> list[asyncpg.Record]:
    """Events of ``owner`` that lie behind the durable of ``listener`` and were neither applied, parked nor set aside.

    Raises:
        ServerRefused: there is no such stream or durable.

    """
    nouns = HEARS[listener].get(owner, ())
    if not nouns:
        return []
    behind_us = await _settled_up_to(client, stream_name(owner), listener)  # first: what is acknowledged is committed
    owning, hearing = await connect(local.postgres.dsn(owner)), await connect(local.postgres.dsn(listener))
    try:
        behind: list[asyncpg.Record] = []
        async with owning.transaction(readonly=True):
            aggregates = await owning.cursor(SAID_OF, list(nouns))
            while rows := await aggregates.fetch(AT_ONCE):
                behind += await hearing.fetch(BEHIND, *map(list, zip(*rows, strict=True)))
        said = await owning.fetch(SAID_SINCE, *_columns(behind), behind_us)
        parked = {tuple(row) for row in await hearing.fetch(PARKED)}
    finally:
        await owning.close()
        await hearing.close()
    return [row for row in said if (row["noun"], row["aggregate_id"], row["aggregateseq"]) not in parked]


async def _settled_up_to(client: Client, stream: str, durable: str) -> int:
    """Up to this place of the stream nothing will be offered to the durable any more."""
    end: int = (await call(client, f"$JS.API.STREAM.INFO.{stream}"))["state"]["last_seq"]
    info = await call(client, f"$JS.API.CONSUMER.INFO.{stream}.{durable}")
    acknowledged: int = info["ack_floor"]["stream_seq"]
    return acknowledged if info["num_pending"] or info["num_ack_pending"] else end


async def _said_since(local: Local, owner: str, waited_for: Sequence[asyncpg.Record]) -> list[asyncpg.Record]:
    if not waited_for:
        return []
    connection = await connect(local.postgres.dsn(owner))
    try:
        return await connection.fetch(SAID_SINCE, *_columns(waited_for), ANYWHERE)
    finally:
        await connection.close()


def _columns(rows: Sequence[asyncpg.Record]) -> list[list[object]]:
    return [[row[name] for row in rows] for name in ("noun", "aggregate_id", "seq")]


async def _give(listener: asyncpg.Connection[asyncpg.Record], row: asyncpg.Record) -> int:
    message = messages_of(row)[0]
    key = (row["noun"], row["aggregate_id"], row["aggregateseq"])
    return await listener.fetchval(GIVE, *key, message.subject, message.body) or 0
