"""What dies, freezes or goes away while events are on their way costs time, and nothing else."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.faults.toy_town import Town, town_of
from tests.patience import PATIENCE_S
from tests.platform_fixtures import Broker, DatabaseServer, MakeDatabase

SOAK = os.environ.get("KARUNA_SOAK") == "1"
BLOWS = 150 if SOAK else 12
SEED = random.SystemRandom().randrange(10**6) if SOAK else 20261122
pytestmark = pytest.mark.timeout(1200 if SOAK else 600)


@pytest_asyncio.fixture
async def town(
    streams: Broker, postgres: DatabaseServer, database: MakeDatabase, tmp_path: Path
) -> AsyncIterator[Town]:
    databases = {name: await database(name, package="tests.core.toy") for name in ("intake", "registry")}
    async with town_of(streams, postgres, databases, tmp_path) as town:
        yield town


async def played(town: Town, seconds: float) -> None:
    """Let the client ask for ``seconds``, then check everything."""
    stop = asyncio.Event()
    asking = asyncio.create_task(town.client(stop))
    await asyncio.sleep(seconds)
    stop.set()
    await asking
    await town.check()


POINTS = {
    "intake": ("work.flushed:7", "work.committed:7", "relay.published:5", "relay.recorded:5", "leader.relay"),
    "registry": ("inbox.effect:20", "inbox.committed:9", "leader.ear.INTAKE"),
}


async def test_a_process_that_dies_at_any_step_changes_nothing(town: Town) -> None:
    """Between commit and publish, publish and record, effect and commit, commit and acknowledge: one after
    another under load; each time an equal process takes over, and the last one lives.
    """
    stop = asyncio.Event()
    asking = asyncio.create_task(town.client(stop))

    async def die_everywhere(service: str) -> None:
        for point in POINTS[service]:
            doomed = town.start(service, crash_at=point)
            assert await doomed.wait() == 137, point
        town.start(service)

    await asyncio.gather(*map(die_everywhere, POINTS))
    while town.requests <= 60:  # the survivors work on, and there is something to check
        await asyncio.sleep(0.05)
    stop.set()
    await asking
    await town.check()


async def test_random_kills_and_freezes_of_everything(town: Town) -> None:
    print(f"seed {SEED}")
    dice = random.Random(SEED)
    for service in ("intake", "intake", "registry", "registry"):
        town.start(service)
    stop = asyncio.Event()
    asking = asyncio.create_task(town.client(stop))
    await asyncio.sleep(2)
    for _ in range(BLOWS):
        await _one_blow(town, dice)
        await asyncio.sleep(dice.uniform(0.3, 1.2))
    stop.set()
    await asking
    await town.check()


async def _one_blow(town: Town, dice: random.Random) -> None:
    what = dice.choice(["broker", "database", "intake", "registry", "freeze", "freeze broker"])
    if what == "broker":
        await town.broker.kill()
        await asyncio.sleep(dice.uniform(0, 0.5))
        await town.broker.start()
    elif what == "database":
        await town.server.kill()
        await asyncio.sleep(dice.uniform(0, 0.5))
        await town.server.start()
    elif what == "freeze broker":
        town.broker.pause()
        await asyncio.sleep(dice.uniform(0.5, 1.5))
        town.broker.resume()
    else:
        service = what if what in town.databases else dice.choice(sorted(town.databases))
        victim = dice.choice([process for process in town.processes[service] if process.running])
        if what == "freeze":
            victim.pause()
            await asyncio.sleep(dice.uniform(0.5, 2.0))
            victim.resume()
        else:
            await victim.kill()
            town.start(service)


async def test_sigterm_under_load_finishes_what_is_in_hand(town: Town) -> None:
    for service in ("intake", "intake", "registry", "registry"):
        town.start(service)
    stop = asyncio.Event()
    asking = asyncio.create_task(town.client(stop, pause_s=0.005))
    while town.requests < 60:
        await asyncio.sleep(0.05)
    for service in ("intake", "registry"):
        victim = town.processes[service][0]
        await victim.stop(PATIENCE_S)  # whoever is killed in the end has not ended well
        assert await victim.wait() == 0, victim.tail()
    await asyncio.sleep(1)
    stop.set()
    await asking
    await town.check()
    await town.processes["intake"][1].stop()
    await town.processes["registry"][1].stop()
