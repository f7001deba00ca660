"""The toy services on real parts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest_asyncio

from shared.service import Runtime, build, running
from tests.core.toy.services import HEARER, SPEAKER
from tests.harness import issuer_file
from tests.platform_fixtures import Broker, Database, MakeDatabase

PACKAGE = "tests.core.toy"
SERVICES = {"intake": SPEAKER, "registry": HEARER}


@dataclass
class Pair:
    """Databases of the two toys and the broker between them."""

    broker: Broker
    databases: dict[str, Database]
    folder: Path

    async def runtime(self, name: str) -> Runtime:
        settings = SERVICES[name].settings(
            database_url=self.databases[name].dsn,
            nats_url=self.broker.url,
            nats_credentials=self.broker.creds(name),
            nats_monitor_url=self.broker.monitor_url,
            issuer_file=issuer_file(self.folder),
        )
        return await build(SERVICES[name], settings)

    @asynccontextmanager
    async def running(self, *names: str) -> AsyncIterator[list[Runtime]]:
        """The named toys with all their background jobs, in this process."""
        async with AsyncExitStack() as stack:
            runtimes = []
            for name in names:
                runtime = await self.runtime(name)
                await stack.enter_async_context(running(runtime))
                runtimes.append(runtime)
            yield runtimes


@pytest_asyncio.fixture
async def pair(streams: Broker, database: MakeDatabase, tmp_path: Path) -> Pair:
    databases = {name: await database(name, package=PACKAGE) for name in SERVICES}
    return Pair(streams, databases, tmp_path)
