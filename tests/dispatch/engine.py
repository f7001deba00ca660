"""The engine beside a service under test, warm."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from services.dispatch.engine.pool import Engine
from tests.harness import Running


@asynccontextmanager
async def planning(running: Running) -> AsyncIterator[Engine]:
    """The first start on a machine compiles, which takes a minute; later ones load."""
    engine: Engine = running.runtime.parts["engine"]
    task = asyncio.create_task(engine.run())
    try:
        async with asyncio.timeout(280):
            while not engine.ready:
                await asyncio.sleep(0.02)
        yield engine
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
