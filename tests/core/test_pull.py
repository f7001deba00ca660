"""What a durable offers is given as soon as it comes, whatever is or was asked for beside."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import nats.errors
import pytest
import pytest_asyncio
from nats.aio.client import Client

from karuna.platform.provision import call
from shared.pull import Pull
from tests.patience import PATIENCE_S
from tests.platform_fixtures import Broker

NUMBERS = range(1, 10**6)
NEXT = "$JS.API.CONSUMER.MSG.NEXT.INTAKE.registry"


@pytest.fixture
def numbers() -> Iterator[int]:
    return iter(NUMBERS)


@pytest_asyncio.fixture
async def hearer(streams: Broker) -> AsyncIterator[Client]:
    forever = {"allow_reconnect": True, "max_reconnect_attempts": -1, "reconnect_time_wait": 0.1}
    async with streams.connected("registry", **forever) as client:
        yield client


async def say(broker: Broker, numbers: Iterator[int], count: int = 1) -> list[bytes]:
    """Store so many messages; gives their bodies."""
    bodies = [str(next(numbers)).encode() for _ in range(count)]
    async with broker.connected("intake") as speaker:
        for body in bodies:
            await speaker.request(f"internal.kalasin.intake.call.{body.decode()}.received.v1", body, timeout=PATIENCE_S)
    return bodies


async def heard(pull: Pull, count: int) -> list[bytes]:
    """The bodies of the next so many messages, acknowledged."""
    found: list[bytes] = []
    async with asyncio.timeout(PATIENCE_S):
        while len(found) < count:
            for message in await pull.next():
                found.append(message.data)
                await message.ack()
    return found


async def test_one_that_comes_alone_waits_for_no_other(streams: Broker, hearer: Client, numbers: Iterator[int]) -> None:
    """Even where the broker still serves an earlier request: what that one brings is no beginning of a group."""
    async with Pull(hearer, "INTAKE", "registry", ahead=100, expires_s=60) as pull:
        await hearer.publish(NEXT, b'{"batch": 1, "expires": 60000000000}', reply=pull.inbox)
        for _ in range(3):
            waiting = asyncio.create_task(heard(pull, 1))
            await asyncio.sleep(0)
            assert await say(streams, numbers) == await waiting


async def test_a_backlog_comes_in_order_and_no_more_than_there_is_room_for(
    streams: Broker, hearer: Client, numbers: Iterator[int]
) -> None:
    said = await say(streams, numbers, 25)
    found: list[bytes] = []
    async with Pull(hearer, "INTAKE", "registry", ahead=10) as pull, asyncio.timeout(PATIENCE_S):
        while len(found) < 10:
            found += [message.data for message in await pull.come(len(found))]
            await hearer.flush()
        assert await pull.come(10) == []
        while len(found) < len(said):
            found += [message.data for message in await pull.next()]
    assert found == said


async def test_when_a_request_has_ended_another_follows(
    streams: Broker, hearer: Client, numbers: Iterator[int]
) -> None:
    async with Pull(hearer, "INTAKE", "registry", ahead=10, expires_s=0.1) as pull:
        for _ in range(4):
            assert await pull.next() == []
        assert await say(streams, numbers, 3) == await heard(pull, 3)


async def test_a_broker_that_was_away_and_a_durable_that_is_gone_are_said(
    streams: Broker, hearer: Client, numbers: Iterator[int]
) -> None:
    """What was asked for is forgotten there: whoever listens has to begin again."""
    async with Pull(hearer, "INTAKE", "registry", ahead=10, expires_s=60) as pull:
        waiting = asyncio.create_task(pull.next())
        await asyncio.sleep(0)
        await streams.kill()
        await streams.start()
        with pytest.raises(nats.errors.ConnectionClosedError):
            await asyncio.wait_for(waiting, PATIENCE_S)
    async with asyncio.timeout(PATIENCE_S):
        while not hearer.is_connected:
            await asyncio.sleep(0.02)
    async with Pull(hearer, "INTAKE", "registry", ahead=10, expires_s=60) as pull:
        assert await say(streams, numbers) == await heard(pull, 1)
        async with streams.connected("provisioner") as client:
            await call(client, "$JS.API.CONSUMER.DELETE.INTAKE.registry")
        with pytest.raises(nats.errors.Error, match="Consumer Deleted"):
            await asyncio.wait_for(pull.next(), PATIENCE_S)
