"""A broker that came back by itself has lost its streams in memory: the keeper makes them again."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

from karuna.containers import keep
from karuna.local import Local
from karuna.platform.provision import provision
from tests.patience import PATIENCE_S
from tests.platform_fixtures import Broker


async def test_a_broker_that_lost_its_memory_gets_it_back(streams: Broker) -> None:
    told: asyncio.Queue[str] = asyncio.Queue()
    local = cast("Local", SimpleNamespace(nats=SimpleNamespace(url=streams.url), accounts=streams.accounts))
    keeper = asyncio.create_task(keep(local, told.put_nowait))
    try:
        await asyncio.sleep(0)
        await streams.kill()
        await streams.start()
        async with asyncio.timeout(PATIENCE_S):
            while await told.get() != "POSITIONS: created":
                pass
        async with streams.connected("doctor") as doctor:
            findings: list[Any] = await provision(doctor, apply=False)
        assert [finding.what for finding in findings if finding.drifted] == []
    finally:
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)
