"""Erasure: what an owner and what a hearer must do so that nothing personal of an aggregate is left.

The owner blanks ``data`` in ``event_log`` (the envelope stays, so numbers have no holes), writes the ledger that is
applied again after every restore, and overwrites the internal messages in the stream one by one: ``MSG.DELETE``
overwrites, ``PURGE`` would not. The open copies hold nothing personal and stay.

A hearer wipes its own copies in its handler of the ``erased`` event and calls :func:`forget_heard`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from uuid import UUID

import nats.errors
import orjson
import structlog
from prometheus_client import Counter

from shared.bus import Bus
from shared.database import AWAY, COLLISION, Pool
from shared.events.words import By
from shared.leader import LockConnection
from shared.service import Runtime
from shared.streams import stream_name
from shared.work import Work

log = structlog.get_logger()

BLANK_EVENTS = """
with held as (
    select position from event_log where aggregate_id = any($1::uuid[]) and data <> '{}'::jsonb
    order by position for update
), blanked as (
    update event_log l set data = '{}' from held where l.position = held.position returning l.position
)
insert into shred (position) select position from blanked on conflict do nothing
"""
# Of both reasons ``person`` stays: it comes first in the alphabet, too.
WRITE_ERASURE = """
insert into erasure as e (noun, subject_id, erased_at, by)
select $1, subject_id, $3, $4 from unnest($2::uuid[]) as s (subject_id)
on conflict (noun, subject_id) do update set erased_at = excluded.erased_at, by = least(e.by, excluded.by)
"""
BLANK_HEARD = "delete from parked where noun = $1 and aggregate_id = $2"
# What could not even be read is known by its subject alone: <tree>.<area>.<service>.<noun>.<id>.…
BLANK_LETTERS = """
update dead_letter set body = '', reason = 'erased', requeued_at = coalesce(requeued_at, $3)
where aggregate_id = $2 and (noun = $1 or noun is null)
   or aggregate_id is null and split_part(subject, '.', 4) = $1 and split_part(subject, '.', 5) = $2::text
"""
TO_SHRED = """
select position, stream_sequence from event_log
where position = any(array(select s.position from shred s order by s.position limit 200))
  and stream_sequence is not null and 0 = (select count(*) from outbox o where o.position = event_log.position)
order by position
"""
SHREDDED = "delete from shred where position = any($1::bigint[])"

EVERY_S = 1.0
ASK_TIMEOUT_S = 5.0
GONE = {10037, 10043, 10057}
"""The server's codes for a message that is not there (any more)."""
SHREDDED_TOTAL = Counter("karuna_erasure_messages_total", "Messages overwritten in a stream")


async def erase(work: Work, noun: str, ids: UUID | Iterable[UUID], by: By = By.PERSON) -> None:
    """Blank everything said of these aggregates so far, and note it in the ledger. Owner only.

    ``by`` system: their time of keeping was over. Who was erased because somebody asked for it stays so in the ledger.
    Say the ``erased`` event in the same work: it is written after this, and so stays readable.
    """
    await work.write_early()  # what this very work said of them before is blanked, too
    wanted = [ids] if isinstance(ids, UUID) else list(ids)
    await work.db.execute(BLANK_EVENTS, wanted)
    await work.db.execute(WRITE_ERASURE, noun, wanted, work.now, by.value)
    for aggregate_id in wanted:
        await work.db.execute(BLANK_LETTERS, noun, aggregate_id, work.now)


async def forget_heard(work: Work, noun: str, aggregate_id: UUID) -> None:
    """Wipe what waits here of a foreign aggregate: parked rows and dead letters."""
    await work.db.execute(BLANK_HEARD, noun, aggregate_id)
    await work.db.execute(BLANK_LETTERS, noun, aggregate_id, work.now)


async def shred(runtime: Runtime) -> None:
    """A job beside the service: overwrite the internal messages of what was erased, one process at a time."""

    async def lead(connection: LockConnection) -> None:
        while not connection.is_closed():
            if not runtime.bus.connected or not await shred_once(runtime.pool, runtime.bus, runtime.service.name):
                await asyncio.sleep(EVERY_S)

    await runtime.leadership.hold("shred", lead)


async def shred_once(pool: Pool, bus: Bus, service: str) -> int:
    """Overwrite what is due now; returns how many messages. Rows not sent yet are sent blanked, and wait for it."""
    rows = await pool.fetch(TO_SHRED)
    done: list[int] = []
    try:
        for row in rows:
            await _overwrite(bus, stream_name(service), row["stream_sequence"])
            done.append(row["position"])
    except (nats.errors.Error, TimeoutError, *AWAY, *COLLISION) as problem:
        log.warning("erasure.interrupted", reason=type(problem).__name__, left=len(rows) - len(done))
    if done:
        await pool.execute(SHREDDED, done)
        SHREDDED_TOTAL.inc(len(done))
    return len(done)


async def _overwrite(bus: Bus, stream: str, sequence: int) -> None:
    """Delete one message so that its bytes are overwritten (``no_erase`` left out)."""
    body = orjson.dumps({"seq": sequence})
    reply = await bus.client.request(f"$JS.API.STREAM.MSG.DELETE.{stream}", body, timeout=ASK_TIMEOUT_S)
    error = orjson.loads(reply.data).get("error")
    if error is not None and error.get("err_code") not in GONE:
        raise nats.errors.Error(error.get("description"))
