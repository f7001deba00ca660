"""What is past its time is erased: a job beside the owner of the data, one process at a time, a few at once.

How long is a setting in days; 0, as shipped, keeps everything. Who sets it decides for the municipality (PDPA s. 37(3)
asks the controller to erase when the time of keeping is over), so nothing is guessed here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from prometheus_client import Counter

from shared.leader import LockConnection
from shared.service import Runtime
from shared.work import Cause, Work, now_utc

log = structlog.get_logger()

AT_ONCE: Final = 50
"""How many are erased in one transaction."""
EVERY_S: Final = 3600.0
PAUSE_S: Final = 0.5
"""Between batches: the desk comes first."""
RETIRED = Counter("karuna_retired_total", "Aggregates erased because their time of keeping was over", ["service"])


@dataclass(frozen=True, slots=True)
class Retired:
    """How many were erased, and from where to go on; ``next`` None: all have been looked at."""

    gone: int
    next: Any = None


Step = Callable[[Work, datetime, Any], Awaitable[Retired]]
"""Look at some of which nothing has been heard since a moment, from a place on (None: the beginning), and erase at most
:data:`AT_ONCE` of them."""


async def retire_all(runtime: Runtime, days: int, step: Step, *, at: datetime | None = None) -> int:
    """Everything that is past its time now, batch by batch; returns how many. 0 days: everything is kept."""
    now, place, gone = at or now_utc(), None, 0
    while days:
        async with runtime.work(Cause(f"system:{runtime.service.name}")) as work:
            done = await step(work, now - timedelta(days=days), place)
        gone += done.gone
        RETIRED.labels(runtime.service.name).inc(done.gone)
        if done.next is None:
            break
        place = done.next
        await asyncio.sleep(PAUSE_S)
    if gone:
        log.info("retention.erased", count=gone)
    return gone


def retiring(days: Callable[[Runtime], int], step: Step) -> Callable[[Runtime], Awaitable[None]]:
    """The job, for ``Service.beside``."""

    async def retire(runtime: Runtime) -> None:
        async def lead(connection: LockConnection) -> None:
            while not connection.is_closed():
                await retire_all(runtime, days(runtime), step)
                await asyncio.sleep(EVERY_S)

        await runtime.leadership.hold("retire", lead)

    return retire
