"""The connection ends when it is told to, whatever its library is doing just then."""

from __future__ import annotations

import asyncio

from shared.bus import Bus, BusSettings
from tests.patience import PATIENCE_S
from tests.platform_fixtures import Broker


async def test_attempts_to_reconnect_end_with_the_bus_even_where_they_miss_being_told(streams: Broker) -> None:
    bus = Bus(BusSettings(streams.url, "intake", streams.creds("intake")))
    await bus.open()
    missed = 0

    async def deaf() -> None:
        nonlocal missed
        while missed < 3:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                missed += 1

    attempt = asyncio.create_task(deaf())
    await asyncio.sleep(0)
    bus.client._reconnection_task = attempt
    async with asyncio.timeout(PATIENCE_S):
        await bus.close()
    assert attempt.done()
    assert missed == 3
    await bus.close()
