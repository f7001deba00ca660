"""Whether the console still hears: facts that wait in a stream while nobody takes them make an old picture look new.

A late fact shows by itself that the console was behind. One that never comes does not, so every process asks the
broker how far each ear has come. Source: NATS JetStream API, ``CONSUMER.INFO``.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import nats.errors
import orjson
import structlog

from services.console.live import LATE_S, hub_of
from shared.service import Runtime
from shared.streams import durables_of

log = structlog.get_logger()

EVERY_S = 5.0
ANSWERS_WITHIN_S = 2.0


@dataclass(slots=True)
class Progress:
    """How far each ear had come, and since when it is there with something waiting."""

    at: dict[str, tuple[int, datetime]] = field(default_factory=dict)

    def note(self, ear: str, info: dict[str, Any], now: datetime) -> None:
        """``info``: the broker's answer about one durable."""
        floor = int(info["ack_floor"]["stream_seq"])
        waiting = int(info["num_pending"]) + int(info["num_ack_pending"])
        known = self.at.get(ear)
        if not waiting or known is None or known[0] != floor:
            self.at[ear] = (floor, now)

    def stands_since(self, now: datetime) -> datetime | None:
        """Since when an ear has not moved though something waits; None while all go on."""
        since = min((since for _, since in self.at.values()), default=now)
        return since if (now - since).total_seconds() > LATE_S else None


async def watch_ears(runtime: Runtime) -> None:
    """A job beside the console: ask, and tell the pages by their next beat."""
    progress, durables = Progress(), durables_of("console")
    while not runtime.stopping:
        await asyncio.sleep(EVERY_S)
        if not runtime.bus.connected:
            progress = Progress()  # the beat says that the broker is away
            continue
        try:
            for durable in durables:
                subject = f"$JS.API.CONSUMER.INFO.{durable.stream}.{durable.name}"
                reply = await runtime.bus.client.request(subject, b"", timeout=ANSWERS_WITHIN_S)
                progress.note(durable.stream, orjson.loads(reply.data), datetime.now(UTC))
        except (nats.errors.Error, TimeoutError, KeyError, OSError) as problem:
            log.warning("ears.not_known", reason=type(problem).__name__)
        hub_of(runtime).stands_since = progress.stands_since(datetime.now(UTC))
