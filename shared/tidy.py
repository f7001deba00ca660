"""A job beside a service: what nobody needs any more is dropped, an hour apart."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import structlog

from shared.database import AWAY, COLLISION, Pool
from shared.limits import sweep
from shared.service import Runtime
from shared.work import now_utc

log = structlog.get_logger()

EVERY_S = 3600
ANSWERS_KEPT = timedelta(days=7)
"""How long an Idempotency-Key is remembered: longer than any page or partner keeps trying."""
DROP_ANSWERS = "delete from idempotency where made_at < $1"


async def tidy(runtime: Runtime) -> None:
    while not runtime.stopping:
        try:
            await tidy_once(runtime.pool)
        except (*AWAY, *COLLISION) as problem:
            log.warning("tidy.interrupted", reason=type(problem).__name__)
        await asyncio.sleep(EVERY_S)


async def tidy_once(pool: Pool, *, at: datetime | None = None) -> None:
    """Drop answers and counts of tries that are past their time."""
    now = at or now_utc()
    await sweep(pool, at=now)
    await pool.execute(DROP_ANSWERS, now - ANSWERS_KEPT)
