"""Everything dies, freezes or goes away in turn while calls come in and crews answer: it costs time and nothing else."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import nats
import pytest
import pytest_asyncio
from rich.console import Console

from karuna.show import rebuild_and_print
from tests.faults.whole_town import Ledger, Nemesis
from tests.journeys.town import SERVICES, Town, eventually, town_of, whole_system
from tests.patience import PATIENCE_S

SOAK = os.environ.get("KARUNA_SOAK") == "1"
SEED = int(os.environ.get("KARUNA_FAULT_SEED", "20261122"))
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(1500 if SOAK else 600)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ledger(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ledger]:
    """One installation, and one record of all that was promised there."""
    async with whole_system(tmp_path_factory.mktemp("faults")) as local, town_of(local) as town:
        yield Ledger(town, SEED)


@asynccontextmanager
async def busy(ledger: Ledger, every_s: float = 0.3) -> AsyncIterator[None]:
    """Calls come in and crews answer inside the block; then the callers stop, and the crews a little later."""
    no_more_calls, no_more_crews = asyncio.Event(), asyncio.Event()
    async with asyncio.TaskGroup() as people:
        people.create_task(ledger.crews(no_more_crews))
        calling = people.create_task(ledger.callers(no_more_calls, every_s))
        try:
            yield
        finally:
            no_more_calls.set()
            await calling
            await asyncio.sleep(1)
            no_more_crews.set()


async def ready(town: Town) -> None:
    """Wait until every service says so; one that was killed is started again by its supervisor."""

    async def all_well() -> bool:
        try:
            return not any([await why_not_ready(town, service) for service in SERVICES])
        except httpx.HTTPError:
            return False

    await eventually(all_well)


async def why_not_ready(town: Town, service: str) -> dict[str, str]:
    answer = await town.client.get(town.local.url(service) + "/readyz")
    wrong: dict[str, str] = answer.json()["wrong"]
    assert (answer.status_code == httpx.codes.OK) == (not wrong)
    return wrong


async def test_the_broker_is_away_for_twenty_seconds(ledger: Ledger) -> None:
    town = ledger.town
    await town.local.nats.kill()
    before = ledger.answers.copy()
    stop = asyncio.Event()
    calling = asyncio.create_task(ledger.callers(stop, 0.5))

    async def named() -> bool:
        return all(["broker" in await why_not_ready(town, service) for service in SERVICES])

    await eventually(named)
    await asyncio.sleep(20 if SOAK else 8)

    async def went_on() -> bool:
        return ledger.answers[201] - before[201] >= 10

    await eventually(went_on)
    stop.set()
    await calling
    assert set(ledger.answers - before) == {201}, "intake goes on as if nothing had happened"
    await town.local.nats.start()
    await ready(town)
    await ledger.check()


async def test_the_database_is_away(ledger: Ledger) -> None:
    town = ledger.town
    await town.local.postgres.kill()
    answer = await town.client.post(
        town.local.url("intake") + "/v1/calls", json=ledger.body(), headers=town.headers("call_taker")
    )
    assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE, answer.text
    assert answer.headers["retry-after"]
    assert "database" in await why_not_ready(town, "intake")
    before = ledger.retries
    insisting = asyncio.create_task(ledger.call())
    await eventually(lambda: _tried(ledger, before + 3))
    await town.local.postgres.start_server()
    await insisting
    await ready(town)
    await ledger.check()


async def _tried(ledger: Ledger, times: int) -> bool:
    return ledger.retries >= times


async def test_a_stream_is_deleted_and_rebuilt_while_everything_runs(ledger: Ledger) -> None:
    local = ledger.town.local
    async with busy(ledger):
        await asyncio.sleep(1.5)
        client = await nats.connect(
            local.nats.url,
            user_credentials=str(local.accounts.creds("provisioner")),
            inbox_prefix=b"_INBOX.provisioner",
        )
        for stream in ("INTAKE", "DISPATCH"):
            await client.request(f"$JS.API.STREAM.DELETE.{stream}", b"", timeout=PATIENCE_S)
        await client.close()
        await asyncio.sleep(1)
        await rebuild_and_print(Console(quiet=True), local, ["INTAKE", "DISPATCH"])
        await asyncio.sleep(1)
    await ready(ledger.town)
    await ledger.check()


async def test_an_answer_lost_after_line_took_it_makes_no_second_message(ledger: Ledger) -> None:
    town = ledger.town
    for fault in ("lose_response", "accept_then_500"):
        await town.client.post(f"{town.line_url}/_control/faults", json={"fault": fault, "times": 4})
    async with busy(ledger):
        await asyncio.sleep(3)
    await town.client.post(f"{town.line_url}/_control/faults", json={"fault": "slow", "delay_s": 1, "times": 3})
    async with busy(ledger):
        await asyncio.sleep(1)
    await ledger.check()


@pytest.mark.parametrize("processes", [1, 3])
async def test_random_kills_and_freezes_of_everything(ledger: Ledger, processes: int) -> None:
    town = ledger.town
    helpers = [helper for service in SERVICES for helper in town.local.start_service(service, processes=processes - 1)]
    supervisors = [asyncio.create_task(helper.supervise()) for helper in helpers]
    await ready(town)
    nemesis = Nemesis(town, random.Random(SEED + processes))
    async with busy(ledger):
        for _ in range(120 if SOAK else 12):
            await nemesis.strike()
            await asyncio.sleep(nemesis.dice.uniform(0.2, 1.0))
        await ready(town)
    for supervisor in supervisors:
        supervisor.cancel()
    print(f"{nemesis.done=} {ledger.answers=} {ledger.retries=}")
    await ledger.check()
