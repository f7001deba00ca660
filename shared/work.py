"""One unit of work: one transaction, one reading of the clock, and what it says to the others.

A change and its events are one transaction: :meth:`Work.say` collects events, and the flush writes them to
``event_log`` (the archive) and ``outbox`` (what is still to be sent) just before the commit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
import orjson
from uuid_utils.compat import uuid7

from shared.crash import point
from shared.database import BadValue, ClientDataError, Connection, Pool
from shared.events.base import Event, Origin

Clock = Callable[[], datetime]

# One round trip for all that was said. ``back``: how many events of the same aggregate follow in this flush; the
# aggregate's own counter, locked by this statement, then gives every event its number.
WRITE_EVENTS = """
with numbered as (
    insert into aggregate as a (id, noun, area, seq)
    select * from unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[])
    on conflict (id) do update set seq = a.seq + excluded.seq
    returning a.id, a.noun, a.area, a.seq
), said as (
    insert into event_log (id, type, area, noun, aggregate_id, aggregateseq, occurred_at, correlation_id,
                           causation_id, traceparent, exercise, protected, actor, data, open_data)
    select e.id, e.type, n.area, n.noun, n.id, n.seq - e.back, e.occurred_at, e.correlation_id, e.causation_id,
           e.traceparent, e.exercise, e.protected, e.actor, e.data, e.open_data
    from unnest($5::uuid[], $6::text[], $7::uuid[], $8::bigint[], $9::timestamptz[], $10::uuid[], $11::uuid[],
                $12::text[], $13::boolean[], $14::boolean[], $15::text[], $16::jsonb[], $17::jsonb[]) with ordinality
         as e (id, type, aggregate_id, back, occurred_at, correlation_id, causation_id, traceparent, exercise,
               protected, actor, data, open_data, place)
    join numbered n on n.id = e.aggregate_id
    order by e.place
    returning position
), sent as (
    insert into outbox (position) select position from said order by position
)
select id, noun from numbered
"""

WRITE_DUE = """
insert into due (id, kind, subject_id, fence, due_at, origin, data) values ($1, $2, $3, $4, $5, $6, $7)
on conflict (kind, subject_id, fence) do update set due_at = excluded.due_at, data = excluded.data, attempts = 0
"""

# One that is being done just now is not waited for: its handler may be waiting for us, and looks for itself.
CANCEL_DUE = """
delete from due where id in (select id from due where kind = $1 and subject_id = $2 for update skip locked)
"""


MOST_BYTES = 900_000
"""Of one event's data: the broker takes messages of 1 MB, and one that it does not take would stop the relay."""


def now_utc() -> datetime:
    return datetime.now(UTC)


def new_id() -> UUID:
    """A UUIDv7: opaque, and sorted by time of birth."""
    return uuid7()


@dataclass(frozen=True, slots=True)
class Cause:
    """Why this work is done: who did it, and on what message or request it stands."""

    actor: str
    """``person:<subject>``, ``account:<key>`` or ``system:<service>``; never a name."""
    causation_id: UUID | None = None
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Said:
    aggregate_id: UUID
    event: Event
    origin: Origin
    cause: Cause
    occurred_at: datetime


Given = TypeVar("Given")


class _Undone(Exception):
    """A rehearsal ends as if nothing had been."""


Writer = Callable[["Work", list[Any]], Awaitable[None]]
"""Writes many rows of one kind."""


@dataclass(frozen=True, slots=True)
class Work:
    """One transaction. Handlers have the shape ``async def verb(work, message)``."""

    db: Connection
    now: datetime
    cause: Cause
    _said: list[Said] = field(default_factory=list)
    _then: list[Callable[[], None]] = field(default_factory=list)
    _gathered: dict[Writer, list[Any]] = field(default_factory=dict)
    _early: list[Said] = field(default_factory=list)
    seen: dict[str, Any] = field(default_factory=dict)
    """What was read under a lock that this transaction holds, and is looked at for each of many messages."""

    def because_of(self, cause: Cause) -> Work:
        """The same transaction, on behalf of another message."""
        return replace(self, cause=cause)

    def then(self, act: Callable[[], None]) -> None:
        """Do ``act`` (a hint, e.g. wake somebody) once this has committed; never if it does not."""
        self._then.append(act)

    def gather(self, write: Writer, row: Any) -> None:
        """Have ``write`` called once before the commit with all rows gathered for it.

        A backlog is applied many messages to a transaction; what each adds is then one statement for all.
        """
        self._gathered.setdefault(write, []).append(row)

    async def write_gathered(self) -> None:
        while self._gathered:
            write = next(iter(self._gathered))
            await write(self, self._gathered.pop(write))

    async def write_early(self) -> None:
        """Have all that was gathered and said so far in the tables, where an erasure finds it."""
        await self.write_gathered()
        self._early.extend(self._said)
        await self.flush()

    def say(self, aggregate_id: UUID, event: Event, origin: Origin) -> None:
        """Tell everyone concerned, if and only if this transaction commits.

        ``origin.area`` counts at an aggregate's birth only; afterwards the aggregate keeps its own.
        """
        self._said.append(Said(aggregate_id, event, origin, self.cause, self.now))

    @asynccontextmanager
    async def attempt(self) -> AsyncIterator[None]:
        """A part that may be refused while the whole goes on: what it wrote, said and hinted is undone together."""
        said, hints = list(self._said), len(self._then)
        gathered = {write: list(rows) for write, rows in self._gathered.items()}
        try:
            async with self.db.transaction():
                yield
        except BaseException:
            self._said[:] = said  # what was written early is undone, and written again with the rest
            self._gathered.clear()
            self._gathered.update(gathered)
            del self._then[hints:]
            self.seen.clear()
            raise

    async def rehearse(self, part: Callable[[], Awaitable[Given]]) -> Given:
        """What ``part`` gives, while nothing of what it does stays: neither written, said nor hinted."""
        given: list[Given] = []

        async def undone() -> None:
            given.append(await part())
            raise _Undone

        with suppress(_Undone):
            async with self.attempt():
                await undone()
        return given[0]

    async def later(
        self,
        kind: str,
        subject_id: UUID,
        due_at: datetime,
        origin: Origin,
        *,
        fence: int = 0,
        data: dict[str, Any] | None = None,
    ) -> None:
        """Have ``kind`` happen at ``due_at``; saying it again for the same subject and fence moves it.

        What is said again has all its tries before it.
        """
        packed = {
            "area": origin.area,
            "correlation_id": str(origin.correlation_id),
            "protected": origin.protected,
            "exercise": origin.exercise,
            "traceparent": self.cause.traceparent,
        }
        await self.db.execute(WRITE_DUE, new_id(), kind, subject_id, fence, due_at, packed, data or {})

    async def cancel(self, kind: str, subject_id: UUID) -> None:
        """What was due for this subject is pointless now. A handler that has begun looks again, or was first."""
        await self.db.execute(CANCEL_DUE, kind, subject_id)

    @property
    def said_something(self) -> bool:
        return bool(self._said or self._early)

    async def flush(self) -> None:
        """Write what was said. Aggregate rows are locked in the order of their ids, so flushes cannot deadlock."""
        if not self._said:
            return
        first = {said.aggregate_id: said for said in reversed(self._said)}
        ids = sorted(first)
        left = Counter(said.aggregate_id for said in self._said)
        aggregates = [(key, first[key].event.NOUN, first[key].origin.area, left[key]) for key in ids]
        events = [_row(said, left) for said in self._said]
        rows = await self.db.fetch(
            WRITE_EVENTS, *map(list, zip(*aggregates, strict=True)), *map(list, zip(*events, strict=True))
        )
        for row in rows:
            if row["noun"] != first[row["id"]].event.NOUN:
                raise ValueError(f"aggregate is a {row['noun']}, not a {first[row['id']].event.NOUN}")
        self._said.clear()


def _row(said: Said, left: Counter[UUID]) -> tuple[Any, ...]:
    left[said.aggregate_id] -= 1
    event, origin = said.event, said.origin
    full = event.full()
    if len(orjson.dumps(full)) > MOST_BYTES:
        raise BadValue(f"{event.short_type()} is larger than a message may be")
    return (
        new_id(),
        event.short_type(),
        said.aggregate_id,
        left[said.aggregate_id],
        said.occurred_at,
        origin.correlation_id,
        said.cause.causation_id,
        said.cause.traceparent,
        origin.exercise,
        origin.protected,
        said.cause.actor,
        full,
        {} if origin.protected else event.open(),
    )


@asynccontextmanager
async def transaction(
    pool: Pool, cause: Cause, *, clock: Clock = now_utc, woke: Callable[[], None] = lambda: None
) -> AsyncIterator[Work]:
    """Open a unit of work; commit it when the block ends well, then wake the relay if something was said."""
    try:
        async with pool.acquire(timeout=5) as connection:
            async with connection.transaction():
                work = Work(connection, clock(), cause)
                yield work
                await work.write_gathered()
                spoke = work.said_something
                await work.flush()
                point("work.flushed")
            point("work.committed")
    except ClientDataError as problem:
        raise BadValue(type(problem).__name__) from problem
    if spoke:
        woke()
    for act in work._then:  # noqa: SLF001
        act()


def is_unique(problem: BaseException, constraint: str) -> bool:
    """True when ``problem`` is the violation of that unique index, by which the database keeps a law."""
    return isinstance(problem, asyncpg.UniqueViolationError) and problem.constraint_name == constraint
