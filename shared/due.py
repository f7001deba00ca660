"""What must happen later: rows in ``due``, claimed by the database's clock.

A due thing is done in the transaction that removes its row. What fails is tried again with growing pauses, and
becomes a dead letter for a person after the last try.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from weakref import WeakSet

import structlog
from prometheus_client import Counter, Gauge

from shared.crash import point
from shared.database import AWAY, COLLISION, Pool
from shared.events.base import Origin
from shared.logs import about
from shared.work import Cause, Clock, Work, new_id, now_utc, transaction

log = structlog.get_logger()

POLL_S = 0.5
TRIES = 8

# ``(select clock_timestamp())`` is read once, so that the index on due_at bounds the search.
# The row goes first: what its handler makes due anew, for the same subject and fence, is another row and stays.
CLAIM = """
with mine as (select id from due where due_at <= (select clock_timestamp()) and kind = any($1::text[])
              order by due_at limit 1 for update skip locked)
delete from due d using mine where d.id = mine.id
returning d.id, d.kind, d.subject_id, d.fence, d.due_at, d.origin, d.data, d.attempts
"""
TRY_LATER = """
update due set attempts = attempts + 1, due_at = clock_timestamp() + least(60, power(2, attempts)) * interval '1 second'
where id = $1
"""
# Two transactions met: nothing is wrong with this one, and those behind it need not wait.
LET_OTHERS = "update due set due_at = clock_timestamp() + interval '1 second' where id = $1"
GIVE_UP = """
with gone as (delete from due where id = $1 returning *)
insert into dead_letter (id, subject, noun, aggregate_id, aggregateseq, body, reason, died_at)
select $2, 'due.' || kind, null, subject_id, null, convert_to(row_to_json(gone)::text, 'UTF8'), $3, clock_timestamp()
from gone
"""
NEXT_DUE = """
select extract(epoch from min(due_at) - clock_timestamp())::float from due where kind = any($1::text[])
"""

_runners: WeakSet[DueRunner] = WeakSet()


def poke() -> None:
    """Something is due at once: do not wait for the next look. ``work.then(poke)`` beside ``work.later(…, now)``."""
    for runner in _runners:
        runner.poked.set()


DONE_TOTAL = Counter("karuna_due_done_total", "Due things done", ["kind"])
LATENESS = Gauge("karuna_due_lateness_seconds", "How late the last due thing was done")


@dataclass(frozen=True, slots=True)
class Due:
    """A due thing as its handler sees it. ``fence`` is the version for which it was meant."""

    id: UUID
    kind: str
    subject_id: UUID
    fence: int
    due_at: datetime
    origin: Origin
    data: dict[str, Any]


DueHandler = Callable[[Work, Due], Awaitable[None]]


class DueRunner:
    """Does what is due. Any number of processes may run it: a row is locked while it is done."""

    def __init__(
        self,
        service: str,
        pool: Pool,
        handlers: Mapping[str, DueHandler],
        *,
        clock: Clock = now_utc,
        woke: Callable[[], None] = lambda: None,
    ) -> None:
        self._service = service
        self._pool = pool
        self._handlers = handlers
        self._clock = clock
        self._woke = woke
        self.stopping = False
        self.poked = asyncio.Event()
        _runners.add(self)

    async def run(self) -> None:
        while not self.stopping:
            try:
                self.poked.clear()
                while await self.do_one():
                    pass
                wait_s = await self._pool.fetchval(NEXT_DUE, list(self._handlers))
                pause_s = POLL_S if wait_s is None else max(0.01, min(POLL_S, wait_s))
                with suppress(TimeoutError):
                    await asyncio.wait_for(self.poked.wait(), pause_s)
            except (*AWAY, *COLLISION) as problem:
                log.warning("due.interrupted", reason=type(problem).__name__)
                await asyncio.sleep(1)

    async def do_one(self) -> bool:
        """Do the most overdue thing; False when nothing is due."""
        failed: tuple[UUID, int, str] | None = None
        try:
            async with transaction(
                self._pool, Cause(f"system:{self._service}"), clock=self._clock, woke=self._woke
            ) as work:
                row = await work.db.fetchrow(CLAIM, list(self._handlers))
                if row is None:
                    return False
                failed = (row["id"], row["attempts"], "")
                due = _due(row)
                cause = Cause(f"system:{self._service}", None, row["origin"].get("traceparent"))
                with about(due.origin.correlation_id, cause.traceparent):
                    await self._handlers[due.kind](work.because_of(cause), due)
                point("due.effect")
        except COLLISION:
            if failed is None:
                raise
            await self._pool.execute(LET_OTHERS, failed[0])
            return True
        except Exception as problem:
            if failed is None:
                raise
            # Also when the database went away meanwhile, or this takes longer than it may: others must not wait behind
            # it. Where the database is away still, so is this statement, and nothing was counted.
            await self._failed(failed[0], failed[1], type(problem).__name__)
            return True
        DONE_TOTAL.labels(due.kind).inc()
        LATENESS.set(max(0.0, (work.now - due.due_at).total_seconds()))
        return True

    async def _failed(self, due_id: UUID, attempts: int, reason: str) -> None:
        log.error("due.failed", reason=reason, attempts=attempts + 1)
        if attempts + 1 < TRIES:
            await self._pool.execute(TRY_LATER, due_id)
        else:
            await self._pool.execute(GIVE_UP, due_id, new_id(), reason)


def _due(row: Any) -> Due:
    packed = row["origin"]
    origin = Origin(
        packed["area"], UUID(packed["correlation_id"]), protected=packed["protected"], exercise=packed["exercise"]
    )
    return Due(row["id"], row["kind"], row["subject_id"], row["fence"], row["due_at"], origin, row["data"])
