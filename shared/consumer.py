"""Hearing other services: every event applied once and in order, whatever the broker does.

Per message: lock (noun, aggregate) and look at its cursor. Already applied: acknowledge. Next: effect and cursor in
one transaction. Further: park it until the hole closes. A backlog is applied in groups, one transaction for many
messages; as soon as one of a group makes trouble the group is undone and each goes alone.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import structlog
from prometheus_client import Counter, Gauge, Histogram

from shared.crash import point
from shared.database import AWAY, COLLISION, Connection, Pool
from shared.events.base import Event, Origin
from shared.events.envelope import Envelope, NotOurs, decode, event_of
from shared.work import Cause, Work, new_id, now_utc, transaction

log = structlog.get_logger()

HOLE_ALARM_S = 30
TRIES = 3
GROUP = 100

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
with closed as (update dead_letter set requeued_at = clock_timestamp()
                where noun = $1 and aggregate_id = $2 and aggregateseq <= $3 and requeued_at is null)
delete from parked where noun = $1 and aggregate_id = $2 and aggregateseq <= $3
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
OLDEST_HOLE = """
select coalesce(extract(epoch from clock_timestamp() - min(parked_at)), 0)::float as age_s, count(*) as messages
from parked
"""
BURY = """
insert into dead_letter (id, subject, noun, aggregate_id, aggregateseq, body, reason, died_at)
values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing
"""
APPLIED = Counter("karuna_consumer_applied_total", "Messages whose effect was committed", ["noun"])
REPEATED = Counter("karuna_consumer_repeated_total", "Messages that had been applied before", ["noun"])
PARKED = Counter("karuna_consumer_parked_total", "Messages that came too early", ["noun"])
DEAD = Counter("karuna_consumer_dead_letters_total", "Messages set aside for a person", ["noun"])
OLDEST_PARKED = Gauge("karuna_consumer_oldest_parked_seconds", "Age of the oldest parked message")
HOP = Histogram(
    "karuna_hop_seconds",
    "From the event to its effect here",
    ["noun"],
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 30, 300),
)


class Unknown(Exception):
    """A handler met an aggregate that has not been heard of here yet: the message waits for it."""

    def __init__(self, noun: str, aggregate_id: UUID) -> None:
        super().__init__(f"{noun} not known here yet")
        self.noun = noun
        self.aggregate_id = aggregate_id


@dataclass(frozen=True, slots=True)
class Message:
    """What a handler gets: the envelope and the typed event inside."""

    envelope: Envelope
    event: Any

    @property
    def id(self) -> UUID:
        return self.envelope.aggregate_id

    @property
    def time(self) -> datetime:
        return self.envelope.time

    @property
    def origin(self) -> Origin:
        return self.envelope.origin


Handler = Callable[[Work, Message], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Hears:
    """One line of a service's table of contents: this event, this handler."""

    event: type[Event]
    handler: Handler


@dataclass(frozen=True, slots=True)
class Raw:
    """A message as it came: where from, and its bytes."""

    subject: str
    body: bytes


Key = tuple[str, UUID]


class Inbox:
    """Applies messages to this service's database. Knows nothing of the broker."""

    def __init__(
        self,
        service: str,
        pool: Pool,
        hears: Sequence[Hears],
        *,
        every: Handler | None = None,
        woke: Callable[[], None] = lambda: None,
    ) -> None:
        """``every`` is given each message, typed or not, in place of what ``hears`` names."""
        self._service = service
        self._pool = pool
        self._every = every
        self._handlers: dict[str, list[Handler]] = {}
        for line in hears:
            self._handlers.setdefault(line.event.short_type(), []).append(line.handler)
        self._woke = woke
        self.anything_parked = True

    async def take(self, messages: Sequence[Raw]) -> None:
        """Apply, park or bury every message; when this returns all may be acknowledged.

        Raises:
            one of ``AWAY`` or ``COLLISION``: the database is away or crowded, nothing may be acknowledged yet.

        """
        letters: list[tuple[Raw, Envelope]] = []
        for raw in messages:
            try:
                letters.append((raw, decode(raw.body, raw.subject)))
            except NotOurs as problem:
                await self._bury(raw, None, str(problem))
        if not letters:
            return
        try:
            await self._apply(letters)
        except AWAY:
            raise
        except Exception as problem:  # noqa: BLE001 whatever one of a group does, each then goes alone
            if len(letters) > 1:
                log.info("consumer.group_undone", size=len(letters), reason=type(problem).__name__)
                for letter in letters:
                    await self._take_one(*letter)
            else:
                await self._take_one(*letters[0])
        if self.anything_parked:
            await self.drain()

    async def drain(self) -> None:
        """Apply what is parked and has become ripe, until nothing more is."""
        while True:
            ripe = await self._pool.fetch(RIPE)
            self.anything_parked = True
            for row in ripe:
                raw = Raw(row["subject"], row["body"])
                await self._take_one(raw, decode(raw.body, raw.subject))
            if not ripe:
                break
        self.anything_parked = await self._pool.fetchval(ANY_PARKED)

    async def watch_holes(self) -> None:
        """Look again every second (a successor's net), and raise the alarm for a hole that does not close."""
        while True:
            await asyncio.sleep(1)
            try:
                state = await self._pool.fetchrow(OLDEST_HOLE)
                if state is None or state["messages"] == 0:
                    OLDEST_PARKED.set(0)
                    continue
                OLDEST_PARKED.set(state["age_s"])
                if state["age_s"] > HOLE_ALARM_S:
                    log.error("consumer.hole", age_s=round(state["age_s"]), messages=state["messages"])
                await self.drain()
            except (*AWAY, *COLLISION) as problem:
                log.warning("consumer.watch_failed", reason=type(problem).__name__)

    async def _take_one(self, raw: Raw, envelope: Envelope) -> None:
        """One message in its own transaction, tried again where that can help, else parked or buried."""
        reason = ""
        for attempt in range(TRIES):
            try:
                await self._apply([(raw, envelope)])
            except AWAY:
                raise
            except Unknown as unknown:
                if await self._park_waiting(raw, envelope, unknown):
                    return
                reason = str(unknown)
            except COLLISION:
                if attempt == TRIES - 1:
                    raise  # a crowd, not poison: the ear waits and comes again
                await asyncio.sleep(0.05 * (attempt + 1))
            except NotOurs as problem:
                reason = str(problem)
                break
            except Exception as problem:  # noqa: BLE001 a poison message may fail in any way
                reason = _where(problem)
            else:
                return
        await self._bury(raw, envelope, reason)

    async def _apply(self, letters: Sequence[tuple[Raw, Envelope]]) -> None:
        cause = Cause(f"system:{self._service}")
        async with transaction(self._pool, cause, woke=self._woke) as work:
            cursors = await _lock(work.db, letters)
            moved: dict[Key, int] = {}
            for raw, envelope in letters:
                await self._step(work, raw, envelope, cursors, moved)
            if moved:
                keys = sorted(moved, key=lambda key: (key[1], key[0]))
                await work.db.execute(
                    MOVE_CURSORS, [key[0] for key in keys], [key[1] for key in keys], [moved[key] for key in keys]
                )
                if self.anything_parked:
                    for noun, aggregate_id in keys:
                        await work.db.execute(UNPARK, noun, aggregate_id, moved[noun, aggregate_id])
        point("inbox.committed")

    async def _step(
        self, work: Work, raw: Raw, envelope: Envelope, cursors: dict[Key, int], moved: dict[Key, int]
    ) -> None:
        """The law of the cursor for one message, inside the group's transaction."""
        key = (envelope.noun, envelope.aggregate_id)
        seq, erases = envelope.aggregateseq, envelope.short_type.split(".")[2] == "erased"
        if seq <= cursors[key]:
            REPEATED.labels(envelope.noun).inc()
            if self.anything_parked:
                await work.db.execute(UNPARK, *key, cursors[key])
            return
        if seq > cursors[key] + 1 and not erases:
            await self._park(work.db, raw, envelope, work.now)
            return
        await self._effect(work, envelope)
        point("inbox.effect")
        cursors[key] = moved[key] = seq
        if erases:
            await work.db.execute(UNPARK, *key, seq)
        APPLIED.labels(envelope.noun).inc()
        HOP.labels(envelope.noun).observe(max(0.0, (work.now - envelope.time).total_seconds()))

    async def _effect(self, work: Work, envelope: Envelope) -> None:
        if self._every is not None:
            await self._every(work, Message(envelope, None))
            return
        handlers = self._handlers.get(envelope.short_type, [])
        if not handlers or not envelope.data:
            return  # not for us, or erased since: only the cursor moves
        message = Message(envelope, event_of(envelope))
        cause = Cause(f"system:{self._service}", envelope.id, envelope.traceparent)
        for handler in handlers:
            await handler(work.because_of(cause), message)

    async def _park(
        self,
        db: Connection,
        raw: Raw,
        envelope: Envelope,
        at: datetime,
        waits: tuple[str | None, UUID | None] = (None, None),
    ) -> None:
        key = (envelope.noun, envelope.aggregate_id, envelope.aggregateseq)
        await db.execute(PARK, *key, raw.subject, raw.body, *waits, at)
        self.anything_parked = True
        PARKED.labels(envelope.noun).inc()

    async def _park_waiting(self, raw: Raw, envelope: Envelope, unknown: Unknown) -> bool:
        """Park a message until ``unknown`` is heard of. False when that happened in the meantime: try again.

        The lock on the other aggregate's cursor makes sure that either we see it known, or it sees us parked.
        """
        async with transaction(self._pool, Cause(f"system:{self._service}")) as work:
            key = (unknown.noun, unknown.aggregate_id)
            cursors = await _lock_keys(work.db, [key])
            if cursors[key] > 0:
                return False
            await self._park(work.db, raw, envelope, work.now, key)
        return True

    async def _bury(self, raw: Raw, envelope: Envelope | None, reason: str) -> None:
        key = (envelope.noun, envelope.aggregate_id, envelope.aggregateseq) if envelope else (None, None, None)
        await self._pool.execute(BURY, new_id(), raw.subject, *key, raw.body, reason, now_utc())
        self.anything_parked = True
        DEAD.labels(envelope.noun if envelope else "unreadable").inc()
        log.error("consumer.dead_letter", subject=raw.subject, reason=reason)


async def _lock(db: Connection, letters: Sequence[tuple[Raw, Envelope]]) -> dict[Key, int]:
    return await _lock_keys(db, sorted({(e.noun, e.aggregate_id) for _, e in letters}))


async def _lock_keys(db: Connection, keys: Sequence[Key]) -> dict[Key, int]:
    nouns, ids = [key[0] for key in keys], [key[1] for key in keys]
    rows: list[asyncpg.Record] = await db.fetch(TAKE_CURSORS, nouns, ids)
    if len(rows) < len(keys):  # somebody else made one at the same moment, and has committed by now
        rows = await db.fetch(LOCK_CURSORS, nouns, ids)
    return {(row["noun"], row["aggregate_id"]): row["seq"] for row in rows}


def _where(problem: BaseException) -> str:
    """Kind and place of an error. Its text is left out: it may quote what was in the message."""
    frames = traceback.extract_tb(problem.__traceback__)
    place = f"{frames[-1].name}:{frames[-1].lineno}" if frames else "?"
    return f"{type(problem).__name__} at {place}"
