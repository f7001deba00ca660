"""One event from one service to another, over the real broker and two real databases."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from uuid import UUID

import asyncpg
import orjson
import pytest

from shared.database import BadValue
from shared.service import Runtime, health
from shared.work import Cause, new_id
from tests.core.conftest import Pair
from tests.core.toy.services import say_some
from tests.patience import PATIENCE_S

ME = Cause("person:test", None, "00-" + "a" * 32 + "-" + "b" * 16 + "-01")


async def effects(runtime: Runtime, aggregate_id: UUID) -> list[int]:
    rows = await runtime.pool.fetch("select value from effect where aggregate_id = $1 order by id", aggregate_id)
    return [row["value"] for row in rows]


async def until(runtime: Runtime, aggregate_id: UUID, count: int, within_s: float = PATIENCE_S) -> list[int]:
    async with asyncio.timeout(within_s):
        while len(found := await effects(runtime, aggregate_id)) < count:
            await asyncio.sleep(0.01)
    return found


async def test_what_is_said_takes_effect_elsewhere_once_and_in_order(pair: Pair) -> None:
    async with pair.running("intake", "registry") as (speaker, hearer):
        call = new_id()
        async with speaker.work(ME) as work:
            await say_some(work, call, 3)
        assert await until(hearer, call, 3) == [1, 2, 3]
        async with speaker.work(ME) as work:
            await say_some(work, call, 400)
        assert await until(hearer, call, 403) == list(range(1, 404))


async def test_both_trees_carry_the_same_id_and_only_the_internal_one_the_private_part(pair: Pair) -> None:
    async with pair.running("intake", "registry") as (speaker, hearer):
        call = new_id()
        async with speaker.work(ME) as work:
            await say_some(work, call, 1, "ความลับของยายมา")
        await until(hearer, call, 1)
        async with asyncio.timeout(PATIENCE_S):
            while await speaker.pool.fetchval("select count(*) from outbox"):  # the open one is stored after it
                await asyncio.sleep(0.01)
        async with pair.broker.connected("provisioner") as client:
            js = client.jetstream(timeout=PATIENCE_S)
            internal, opened = await js.get_msg("INTAKE", 1), await js.get_msg("INTAKE", 2)
    assert internal.subject == f"internal.kalasin.intake.call.{call}.toyed.v1"
    assert opened.subject == f"karuna.kalasin.intake.call.{call}.toyed.v1"
    full, bare = orjson.loads(internal.data or b""), orjson.loads(opened.data or b"")
    assert full["id"] == bare["id"] == (internal.headers or {})["Nats-Msg-Id"]
    assert (opened.headers or {})["Nats-Msg-Id"] == f"{full['id']}.open"
    assert full["data"]["private"]["secret"] == "ความลับของยายมา"
    assert bare["data"] == {"value": 1}
    assert full["traceparent"] == ME.traceparent
    assert full["aggregateseq"] == bare["aggregateseq"] == 1


async def test_a_change_that_fails_says_nothing(pair: Pair) -> None:
    async with pair.running("intake") as (speaker,):
        try:
            async with speaker.work(ME) as work:
                await say_some(work, new_id(), 1)
                raise asyncpg.PostgresError("undone")  # noqa: TRY301 this is the failure under test
        except asyncpg.PostgresError:
            pass
        assert await speaker.pool.fetchval("select count(*) from event_log") == 0
        assert await speaker.pool.fetchval("select count(*) from outbox") == 0


async def test_what_the_broker_would_not_take_is_refused_before_it_stops_all_the_others(pair: Pair) -> None:
    async with pair.running("intake", "registry") as (speaker, hearer):
        call = new_id()
        for pad, refused in (("ก" * 400_000, True), ("ก" * 290_000, False)):
            with pytest.raises(BadValue) if refused else nullcontext():
                async with speaker.work(ME) as work:
                    await say_some(work, call, 1, pad)
        assert await until(hearer, call, 1) == [1]


async def test_ready_names_what_is_away(pair: Pair) -> None:
    async with pair.running("intake") as (speaker,):
        async with asyncio.timeout(PATIENCE_S):
            while await health(speaker):
                await asyncio.sleep(0.02)
        await pair.broker.kill()
        async with asyncio.timeout(PATIENCE_S):
            while "broker" not in await health(speaker):
                await asyncio.sleep(0.02)
        call = new_id()
        async with speaker.work(ME) as work:
            await say_some(work, call, 2)
        assert await speaker.pool.fetchval("select count(*) from outbox") == 2
        await pair.broker.start()
        async with asyncio.timeout(60):
            while await speaker.pool.fetchval("select count(*) from outbox"):
                await asyncio.sleep(0.05)
