"""Who does a job that only one process should do: a session advisory lock in PostgreSQL.

The lock gives order and speed. Correctness never leans on it: a paused leader may wake up beside its successor,
and finds the stream's expected sequence and the cursors moved on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeAlias

import asyncpg
import structlog

from shared.crash import point
from shared.database import AWAY, connect

log = structlog.get_logger()

TRY_LOCK = "select pg_try_advisory_lock(hashtextextended($1, 0))"
TRY_EVERY_S = 0.25
LET_OTHERS_FIRST_S = 0.3

LockConnection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Job = Callable[[LockConnection], Awaitable[None]]


class Leadership:
    """The jobs this process leads or stands by for. Having more jobs makes it slower to ask for another,

    so that equal processes share them.
    """

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self.leading: set[str] = set()

    async def hold(self, name: str, job: Job) -> None:
        """Run ``job`` whenever the lock ``name`` is ours; for ever. A lost connection is a lost lock."""
        while True:
            try:
                connection = await connect(self._dsn)
            except AWAY as problem:
                log.warning("leader.database_away", job=name, reason=type(problem).__name__)
                await asyncio.sleep(0.5)
                continue
            try:
                await self._lead(name, job, connection)
            except AWAY as problem:
                log.warning("leader.lost", job=name, reason=type(problem).__name__)
                await asyncio.sleep(0.2)
            finally:
                self.leading.discard(name)
                connection.terminate()

    async def _lead(self, name: str, job: Job, connection: LockConnection) -> None:
        await asyncio.sleep(LET_OTHERS_FIRST_S * len(self.leading))
        while not await connection.fetchval(TRY_LOCK, name):
            await asyncio.sleep(TRY_EVERY_S)
        self.leading.add(name)
        log.info("leader.took", job=name)
        point(f"leader.{name}")
        work = asyncio.ensure_future(job(connection))

        def lost(_: object) -> None:
            work.cancel()

        connection.add_termination_listener(lost)
        try:
            await work
        except asyncio.CancelledError:
            if connection.is_closed() and not _being_cancelled():
                raise ConnectionResetError(f"lock of {name} lost") from None
            raise
        finally:
            if not work.done():
                work.cancel()
                with suppress(asyncio.CancelledError, *AWAY):
                    await work


def _being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
