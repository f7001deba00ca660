"""What is past its time is erased: a job beside the owner of the data, one process at a time, a few at once.

How long is a setting in days; 0, as shipped, keeps everything. Who sets it decides for the municipality (PDPA s. 37(3)
asks the controller to erase when the time of keeping is over), so nothing is guessed here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

import structlog
from prometheus_client import Counter

from shared.leader import LockConnection
from shared.service import Runtime
from shared.work import Cause, Work, now_utc

log = structlog.get_logger()

AT_ONCE: Final = 50
EVERY_S: Final = 3600.0
PAUSE_S: Final = 0.5
"""Between batches: the desk comes first."""
RETIRED = Counter("karuna_retired_total", "Aggregates erased because their time of keeping was over", ["service"])

Step = Callable[[Work, datetime, int], Awaitable[int]]
"""Erase at most so many of which nothing has been heard since a moment; returns how many those were."""


async def retire_once(runtime: Runtime, days: int, step: Step, *, at: datetime | None = None) -> int:
    """One batch; 0 where nothing is past its time, or everything is kept."""
    if not days:
        return 0
    now = at or now_utc()
    async with runtime.work(Cause(f"system:{runtime.service.name}")) as work:
        gone = await step(work, now - timedelta(days=days), AT_ONCE)
    if gone:
        RETIRED.labels(runtime.service.name).inc(gone)
        log.info("retention.erased", count=gone)
    return gone


def retiring(days: Callable[[Runtime], int], step: Step) -> Callable[[Runtime], Awaitable[None]]:
    """The job, for ``Service.beside``."""

    async def retire(runtime: Runtime) -> None:
        async def lead(connection: LockConnection) -> None:
            while not connection.is_closed():
                gone = await retire_once(runtime, days(runtime), step)
                await asyncio.sleep(PAUSE_S if gone else EVERY_S)

        await runtime.leadership.hold("retire", lead)

    return retire
