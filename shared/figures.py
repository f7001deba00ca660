"""Figures of the moment, read when Prometheus asks: what is away, what waits for a person, how full the stream is.

They come from the database and the broker, not from counters of one process, so that every process of a service
tells the same and a restart forgets nothing. What cannot be read just now is left out, and ``karuna_wrong`` says why.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

import nats
import orjson
from prometheus_client import Gauge

from shared.database import AWAY
from shared.service import Runtime, health
from shared.standing import warnings
from shared.streams import SERVICES, stream_name

WITHIN_S = 2.0
READY = Gauge("karuna_ready", "1 while this process is ready to take work")
WRONG = Gauge("karuna_wrong", "1 for each thing that keeps this process from being ready", ["what"])
WARNING = Gauge("karuna_warning", "1 for each thing that is not well and keeps nobody from working", ["what", "of"])
OUTBOX_WAITING = Gauge("karuna_outbox_waiting_seconds", "Age of the oldest event that is not in the stream yet")
PARKED_WAITING = Gauge("karuna_parked_waiting_seconds", "Age of the oldest message that came too early")
DEAD_WAITING = Gauge("karuna_dead_letters_waiting", "Messages set aside until a person has looked")
STREAM_BYTES = Gauge("karuna_stream_bytes", "Size of this service's stream", ["stream"])
STREAM_LIMIT = Gauge("karuna_stream_limit_bytes", "The size at which the stream refuses", ["stream"])

READ_WAITING = """
select coalesce((select extract(epoch from clock_timestamp() - occurred_at) from event_log
                 where position = (select min(position) from outbox)), 0)::float8 as outbox_s,
       coalesce((select extract(epoch from clock_timestamp() - min(parked_at)) from parked), 0)::float8 as parked_s,
       (select count(*) from dead_letter where requeued_at is null) as dead
"""


async def read(runtime: Runtime) -> None:
    """Bring every gauge up to date, in at most a few seconds."""
    wrong = await health(runtime)
    READY.set(not wrong)
    WRONG.clear()
    for what in wrong:
        WRONG.labels(what).set(1)
    WARNING.clear()
    for each in warnings(runtime):
        WARNING.labels(each.code, each.of).set(1)
    with suppress(*AWAY):
        row = await runtime.pool.fetchrow(READ_WAITING, timeout=WITHIN_S)
        if row is not None:
            OUTBOX_WAITING.set(max(0.0, row["outbox_s"]))
            PARKED_WAITING.set(max(0.0, row["parked_s"]))
            DEAD_WAITING.set(row["dead"])
        async with asyncio.timeout(WITHIN_S):
            for figure in runtime.service.figures:
                await figure(runtime)
    if runtime.bus.connected and runtime.service.name in SERVICES:  # a listener that says nothing has no stream
        with suppress(nats.errors.Error, TimeoutError, KeyError):
            await _stream(runtime)


async def _stream(runtime: Runtime) -> None:
    name = stream_name(runtime.service.name)
    reply = await runtime.bus.client.request(f"$JS.API.STREAM.INFO.{name}", b"", timeout=WITHIN_S)
    info = orjson.loads(reply.data)
    STREAM_BYTES.labels(name).set(info["state"]["bytes"])
    STREAM_LIMIT.labels(name).set(info["config"]["max_bytes"])
