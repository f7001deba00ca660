"""The relay: the one writer of a stream, whatever dies, wakes late or intrudes."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

import nats
import orjson
import pytest
from nats.aio.client import Client

from karuna.platform.provision import provision
from karuna.rebuild import Foreign, rebuild
from shared.bus import Bus, BusSettings
from shared.database import connect
from shared.relay import NEXT_ROWS, Outgoing, Relay, StreamWriter, Unsettled, messages_of
from shared.service import Runtime
from shared.streams import DEFAULT_MAX_BYTES
from shared.work import new_id
from tests.core.conftest import Pair
from tests.core.test_hop import ME
from tests.core.toy.services import say_some
from tests.patience import PATIENCE_S


@asynccontextmanager
async def speaker_of(pair: Pair) -> AsyncIterator[tuple[Runtime, Bus]]:
    """A speaker without its background jobs, and a bus with its rights."""
    runtime = await pair.runtime("intake")
    await runtime.bus.open()
    try:
        yield runtime, runtime.bus
    finally:
        await runtime.bus.close()
        await runtime.pool.close()


async def relay_until_empty(pair: Pair, runtime: Runtime, bus: Bus) -> Relay:
    """Lead with a new relay until nothing is left to send."""
    relay = Relay(bus, "INTAKE")
    connection = await connect(pair.databases["intake"].dsn)
    job = asyncio.create_task(relay.run(connection))
    try:
        async with asyncio.timeout(PATIENCE_S):
            while await runtime.pool.fetchval("select count(*) from outbox") and not relay.broken:
                await asyncio.sleep(0.01)
    finally:
        job.cancel()
        await asyncio.gather(job, return_exceptions=True)
        await connection.close()
    return relay


async def stream_ids(pair: Pair) -> list[str]:
    """The message ids of INTAKE in order."""
    found = []
    async with pair.broker.connected("provisioner") as client:
        js = client.jetstream(timeout=PATIENCE_S)
        last = orjson.loads((await client.request("$JS.API.STREAM.INFO.INTAKE", b"", timeout=PATIENCE_S)).data)[
            "state"
        ]["last_seq"]
        for sequence in range(1, last + 1):
            try:
                message = await js.get_msg("INTAKE", sequence)
            except nats.js.errors.NotFoundError:
                continue
            found.append((message.headers or {})["Nats-Msg-Id"])
    return found


async def archive_ids(runtime: Runtime) -> list[str]:
    """Message ids as the archive says they were sent; each aggregate's in the order of its numbers."""
    rows = await runtime.pool.fetch("select id, aggregate_id, aggregateseq from event_log order by stream_sequence")
    numbers: dict[UUID, int] = defaultdict(int)
    for row in rows:
        numbers[row["aggregate_id"]] += 1
        assert row["aggregateseq"] == numbers[row["aggregate_id"]], "out of order"
    return [text for row in rows for text in (str(row["id"]), f"{row['id']}.open")]


async def say(runtime: Runtime, count: int) -> None:
    async with runtime.work(ME) as work:
        await say_some(work, new_id(), count)


@pytest.mark.parametrize(("rows", "stored"), [(1, 1), (1, 2), (3, 1), (3, 2), (3, 3), (3, 6), (9, 18)])
async def test_what_was_stored_but_not_recorded_is_found_by_reading(pair: Pair, rows: int, stored: int) -> None:
    """A relay that died between publish and record, at every place between two messages."""
    async with speaker_of(pair) as (runtime, bus):
        await say(runtime, rows)
        found = await runtime.pool.fetch(NEXT_ROWS, 100)
        messages = [message for row in found for message in messages_of(row)]
        await StreamWriter(bus, "INTAKE").publish(messages[:stored], 0)
        await relay_until_empty(pair, runtime, bus)
        await say(runtime, 2)
        await relay_until_empty(pair, runtime, bus)
        assert await stream_ids(pair) == await archive_ids(runtime)
        assert len(await stream_ids(pair)) == 2 * (rows + 2)


async def test_a_stale_relay_is_refused_by_the_stream(pair: Pair) -> None:
    """It woke up late: what it still wants to send stands in the stream already."""
    async with speaker_of(pair) as (runtime, bus):
        await say(runtime, 5)
        stale = await runtime.pool.fetch(NEXT_ROWS, 100)
        await relay_until_empty(pair, runtime, bus)
        messages = [message for row in stale for message in messages_of(row)]
        for part in (messages[:2], messages):
            with pytest.raises(Unsettled):
                await StreamWriter(bus, "INTAKE").publish(part, 0)
        assert await stream_ids(pair) == await archive_ids(runtime)


async def test_a_stale_relay_gets_nothing_in_while_another_is_at_work(pair: Pair) -> None:
    """Its third message has the place at which the other's stream just stands, but not what it believes before it."""
    async with speaker_of(pair) as (runtime, bus):
        await say(runtime, 3)
        first, *others = await runtime.pool.fetch(NEXT_ROWS, 100)
        writer = StreamWriter(bus, "INTAKE")
        await writer.publish(messages_of(first), 0)
        with pytest.raises(Unsettled):
            await writer.publish([message for row in others for message in messages_of(row)], 0)
        assert await stream_ids(pair) == [f"{first['id']}", f"{first['id']}.open"]
        await relay_until_empty(pair, runtime, bus)
        assert await stream_ids(pair) == await archive_ids(runtime)


async def test_two_relays_at_once_send_everything_once(pair: Pair) -> None:
    """The lock is skipped on purpose: the expected sequence alone must keep the stream right."""
    async with speaker_of(pair) as (runtime, bus):
        connections = [await connect(pair.databases["intake"].dsn) for _ in range(2)]
        jobs = [asyncio.create_task(Relay(bus, "INTAKE").run(connection)) for connection in connections]
        for _ in range(40):
            await say(runtime, 3)
        async with asyncio.timeout(90):
            while await runtime.pool.fetchval("select count(*) from outbox"):
                await asyncio.sleep(0.02)
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)
        for connection in connections:
            await connection.close()
        assert await stream_ids(pair) == await archive_ids(runtime)


async def test_a_full_stream_takes_nothing_and_nothing_is_lost_until_there_is_room(pair: Pair) -> None:
    """The limit may fall between the two messages of a row; what waits goes out once the stream is made larger."""
    async with speaker_of(pair) as (runtime, bus):
        await say(runtime, 2)
        await relay_until_empty(pair, runtime, bus)
        await _room(pair, 7_000)
        await say(runtime, 30)
        messages = [message for row in await runtime.pool.fetch(NEXT_ROWS, 100) for message in messages_of(row)]
        for part in (messages[:10], messages):
            with pytest.raises(Unsettled):
                await StreamWriter(bus, "INTAKE").publish(part, 4)
        assert len(await stream_ids(pair)) < 14
        await _room(pair, DEFAULT_MAX_BYTES)
        await relay_until_empty(pair, runtime, bus)
        assert len(await stream_ids(pair)) == 64
        assert await stream_ids(pair) == await archive_ids(runtime)


async def _room(pair: Pair, max_bytes: int) -> None:
    async with pair.broker.connected("provisioner") as client:
        await provision(client, max_bytes=max_bytes)


async def test_a_foreign_message_stops_the_relay_loudly(pair: Pair) -> None:
    async with speaker_of(pair) as (runtime, bus):
        await bus.client.request(f"internal.kalasin.intake.call.{new_id()}.toyed.v1", b"{}", timeout=PATIENCE_S)
        await say(runtime, 1)
        relay = await relay_until_empty(pair, runtime, bus)
        assert "somebody else wrote it" in (relay.broken or "")
        assert await runtime.pool.fetchval("select count(*) from outbox") == 1


@pytest.mark.parametrize("keep", [0, 1, 2, 7])
async def test_a_deleted_or_shorter_stream_is_rebuilt_the_same(pair: Pair, keep: int) -> None:
    async with speaker_of(pair) as (runtime, bus):
        await say(runtime, 4)
        await relay_until_empty(pair, runtime, bus)
        before = await stream_ids(pair)
        async with pair.broker.connected("provisioner") as client:
            await _shorten(pair, client, keep)
        await say(runtime, 1)
        relay = await relay_until_empty(pair, runtime, bus)
        assert "karuna streams rebuild" in (relay.broken or "")
        owner = Bus(BusSettings(pair.broker.url, "provisioner", pair.broker.creds("provisioner")))
        await owner.open()
        done = await rebuild(pair.databases["intake"].owner_dsn, owner, "INTAKE")
        await owner.close()
        assert (done.kept, done.resent) == (keep, 8 - keep)
        await relay_until_empty(pair, runtime, bus)
        assert (await stream_ids(pair))[:8] == before
        assert await stream_ids(pair) == await archive_ids(runtime)


class Killed(BaseException):
    """The process that rebuilds is gone."""


@pytest.mark.parametrize("sent", [0, 1, 3, 4], ids=lambda sent: f"{sent}_of_4_sent_and_not_noted")
async def test_a_rebuild_that_was_interrupted_goes_on_where_it_was(
    pair: Pair, monkeypatch: pytest.MonkeyPatch, sent: int
) -> None:
    """Killed in its third group of two events; until it is done again no relay sends behind the gap."""
    monkeypatch.setattr("karuna.rebuild.BATCH_ROWS", 2)
    async with speaker_of(pair) as (runtime, bus):
        await say(runtime, 8)
        await relay_until_empty(pair, runtime, bus)
        before = await stream_ids(pair)
        async with pair.broker.connected("provisioner") as client:
            await _shorten(pair, client, 0)
        owner = Bus(BusSettings(pair.broker.url, "provisioner", pair.broker.creds("provisioner")))
        await owner.open()
        publish = StreamWriter.publish

        async def until_killed(self: StreamWriter, messages: Sequence[Outgoing], expected: int) -> None:
            if expected < 8:
                await publish(self, messages, expected)
                return
            if sent:
                await publish(self, messages[:sent], expected)
            raise Killed

        monkeypatch.setattr(StreamWriter, "publish", until_killed)
        with pytest.raises(Killed):
            await rebuild(pair.databases["intake"].owner_dsn, owner, "INTAKE")
        monkeypatch.setattr(StreamWriter, "publish", publish)
        await say(runtime, 1)
        relay = await relay_until_empty(pair, runtime, bus)
        assert "karuna streams rebuild" in (relay.broken or "")
        assert len(await stream_ids(pair)) == 8 + sent
        done = await rebuild(pair.databases["intake"].owner_dsn, owner, "INTAKE")
        await owner.close()
        assert (done.kept, done.kept + done.resent) == (8 + sent, 16)
        await relay_until_empty(pair, runtime, bus)
        assert (await stream_ids(pair))[:16] == before
        assert await stream_ids(pair) == await archive_ids(runtime)


async def test_an_event_sent_by_half_is_sent_whole_again_when_that_half_is_lost(pair: Pair) -> None:
    """As in a backup made between the two copies, restored beside an empty stream."""
    async with speaker_of(pair) as (runtime, bus):
        await say(runtime, 2)
        await relay_until_empty(pair, runtime, bus)
        await say(runtime, 1)
        await runtime.pool.execute("update outbox set internal_sequence = 5")
        await runtime.pool.execute("update relay set last_sequence = 5")
        async with pair.broker.connected("provisioner") as client:
            await _shorten(pair, client, 0)
        owner = Bus(BusSettings(pair.broker.url, "provisioner", pair.broker.creds("provisioner")))
        await owner.open()
        await rebuild(pair.databases["intake"].owner_dsn, owner, "INTAKE")
        await owner.close()
        await relay_until_empty(pair, runtime, bus)
        assert len(await stream_ids(pair)) == 6
        assert await stream_ids(pair) == await archive_ids(runtime)


async def _shorten(pair: Pair, client: Client, keep: int) -> None:
    """An empty stream, or one that lost its end: delete it and put the beginning back."""
    js = client.jetstream(timeout=PATIENCE_S)
    kept = [await js.get_msg("INTAKE", sequence) for sequence in range(1, keep + 1)]
    await js.delete_stream("INTAKE")
    await provision(client)
    for message in kept:
        headers = {"Nats-Msg-Id": (message.headers or {})["Nats-Msg-Id"]}
        await client.request(message.subject or "", message.data or b"", headers=headers, timeout=PATIENCE_S)


async def test_a_stream_of_another_life_is_not_rebuilt_over(pair: Pair) -> None:
    async with speaker_of(pair) as (runtime, bus):
        await say(runtime, 2)
        await relay_until_empty(pair, runtime, bus)
        async with pair.broker.connected("provisioner") as client:
            await _shorten(pair, client, 0)
        await bus.client.request(f"internal.kalasin.intake.call.{new_id()}.toyed.v1", b"{}", timeout=PATIENCE_S)
        owner = Bus(BusSettings(pair.broker.url, "provisioner", pair.broker.creds("provisioner")))
        await owner.open()
        with pytest.raises(Foreign):
            await rebuild(pair.databases["intake"].owner_dsn, owner, "INTAKE")
        await owner.close()
