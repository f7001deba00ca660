"""What runs beside HTTP and the ears: the senders, and the sweeper that takes up what was left lying."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial

import structlog
from prometheus_client import Gauge

from services.notify.channels.base import Receipt
from services.notify.prepare import WAYS
from services.notify.sending.sender import Sender
from services.notify.sending.together import Together
from services.notify.sending.ways import AllWays
from services.notify.store import receipts, replies
from services.notify.store.reports import look
from services.notify.verbs.ends import expire
from services.notify.verbs.receipts import Came, match_kept, receive
from services.notify.verbs.record import recover
from shared.database import AWAY, COLLISION
from shared.service import Runtime
from shared.work import Cause

log = structlog.get_logger()

SWEEP_EVERY_S = 1.0
RECEIPTS_GATHER_S = 0.25
TIDY_EVERY = 600
KEEP_RECEIPTS = timedelta(days=3)
KEEP_LINE_EVENTS = timedelta(days=30)
SYSTEM = Cause("system:notify")
OLDEST_DUE = Gauge("karuna_notify_oldest_due_seconds", "How long the oldest due attempt has waited", ["urgent"])


async def run_senders(runtime: Runtime) -> None:
    """Hold the channels open and send what is due, until cancelled."""
    ways: AllWays = runtime.parts[WAYS]

    async def take(came: list[Came]) -> None:
        async with runtime.work(SYSTEM) as work:
            await receive(work, came)

    receipts_in = Together(take, linger_s=RECEIPTS_GATHER_S)

    async def came(provider: str, receipt: Receipt) -> None:
        await receipts_in.do((provider, receipt))

    async with ways.open(came):
        line = Sender(runtime, ways, "line", runtime.settings.line_parallel)
        sms = Sender(runtime, ways, "sms", runtime.settings.sms_parallel)
        async with asyncio.TaskGroup() as group:
            group.create_task(receipts_in.run())
            group.create_task(line.run())
            group.create_task(sms.run())


async def sweep(runtime: Runtime) -> None:
    """Every second: attempts whose process died, early receipts, what has expired. Now and then: what is old."""
    rounds = 0
    while True:
        await asyncio.sleep(SWEEP_EVERY_S)
        try:
            await sweep_once(runtime)
            if rounds % TIDY_EVERY == 0:
                await tidy(runtime)
            rounds += 1
        except (*AWAY, *COLLISION) as problem:
            log.warning("sweep.interrupted", reason=type(problem).__name__)


async def sweep_once(runtime: Runtime) -> None:
    """One look first: mostly there is nothing to take up."""
    left = await look(runtime.pool)
    for urgent in (True, False):
        OLDEST_DUE.labels(urgent).set(left["oldest_urgent_s" if urgent else "oldest_routine_s"])
    if not (left["lost"] or left["receipts"] or left["expired"]):
        return
    async with runtime.work(SYSTEM) as work:
        await recover(work)
    async with runtime.work(SYSTEM) as work:
        await match_kept(work, None)
    async with runtime.work(SYSTEM) as work:
        await expire(work)


async def tidy(runtime: Runtime) -> None:
    """Receipts of nobody, webhook events no provider repeats any more, tokens long spent."""
    async with runtime.work(SYSTEM) as work:
        await receipts.drop_old(work.db, work.now - KEEP_RECEIPTS)
        old = partial(replies.drop_old, work.db)
        await old(events_before=work.now - KEEP_LINE_EVENTS, tokens_before=work.now)
