"""Close holes: what a service waits for and its stream does not hold any more is given to it from the archive.

A message can be gone from a stream whose end is whole: deleted by hand, or acknowledged by a service whose database
was then brought back from an older copy. PostgreSQL is the truth: the event still stands with whoever said it.
"""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg

from karuna.local import Local
from shared.database import connect
from shared.relay import messages_of
from shared.streams import HEARS

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
where l.stream_sequence is not null order by l.position
"""
GIVE = """
insert into parked (noun, aggregate_id, aggregateseq, subject, body, parked_at)
values ($1, $2, $3, $4, $5, clock_timestamp()) on conflict do nothing
returning 1
"""


async def close_holes(local: Local, listener: str, owners: Sequence[str]) -> int:
    """Give ``listener`` what it misses of these services, which it then applies within a second; how many events.

    Doing it again changes nothing: what it has applied meanwhile is seen by its cursors.
    """
    connection = await connect(local.postgres.dsn(listener))
    try:
        waited_for = await connection.fetch(WAITED_FOR)
        given = 0
        for owner in owners:
            nouns = HEARS[listener].get(owner, ())
            given += await _give(connection, local.postgres.dsn(owner), [w for w in waited_for if w["noun"] in nouns])
        return given
    finally:
        await connection.close()


async def _give(
    listener: asyncpg.Connection[asyncpg.Record], owner_dsn: str, waited_for: Sequence[asyncpg.Record]
) -> int:
    if not waited_for:
        return 0
    columns = [[row[name] for row in waited_for] for name in ("noun", "aggregate_id", "seq")]
    owner = await connect(owner_dsn)
    try:
        said = await owner.fetch(SAID_SINCE, *columns)
    finally:
        await owner.close()
    given = 0
    for row in said:
        message = messages_of(row)[0]
        key = (row["noun"], row["aggregate_id"], row["aggregateseq"])
        given += await listener.fetchval(GIVE, *key, message.subject, message.body) or 0
    return given
