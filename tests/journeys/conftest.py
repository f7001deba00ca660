"""The whole system, started once for all journeys of a run, on free ports and in a folder of its own.

Everything here lives on one event loop, the session's: journeys mark themselves with ``loop_scope="session"``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from karuna.local import Local
from tests.journeys.town import Town, town_of, whole_system


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def installation(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Local]:
    """Broker, database, services, simulators; the municipality of Kalasin is there and its day crews are on duty."""
    async with whole_system(tmp_path_factory.mktemp("whole")) as local:
        yield local


@pytest_asyncio.fixture(loop_scope="session")
async def town(installation: Local) -> AsyncIterator[Town]:
    """Quiet before and after: an order left open would be given on when its silence ends, in the midst of another test."""
    async with town_of(installation) as made:
        yield made
        await made.nobody_is_under_way()
