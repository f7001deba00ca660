"""What always takes longer than it may is set aside for a person, and holds nobody up."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.due import Due, DueRunner
from shared.events.base import Origin
from shared.heard import Hears, Message
from shared.work import Work, new_id, now_utc
from tests.core.conftest import SERVICES, Pair
from tests.core.test_hop import ME, until
from tests.core.toy.services import HEARER, Toyed, say_some
from tests.patience import PATIENCE_S


async def _too_long(work: Work) -> None:
    """As a statement that runs into the time it may take."""
    await work.db.execute("select pg_sleep(60)", timeout=0.05)


async def test_a_message_that_always_takes_too_long_dies_and_those_beside_it_take_effect(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless = new_id()
    hears = next(line for line in HEARER.hears if line.event is Toyed)

    async def handler(work: Work, message: Message) -> None:
        if message.id == endless:
            await _too_long(work)
        await hears.handler(work, message)

    monkeypatch.setitem(SERVICES, "registry", replace(HEARER, hears=[Hears(Toyed, handler)]))
    async with pair.running("intake", "registry") as (speaker, hearer):
        before, after = new_id(), new_id()
        async with speaker.work(ME) as work:
            for call in (before, endless, after):
                await say_some(work, call, 1)
        assert await until(hearer, before, 1) == [1]
        assert await until(hearer, after, 1) == [1]
        async with asyncio.timeout(PATIENCE_S):
            while not (letters := await hearer.pool.fetch("select noun, aggregate_id, reason from dead_letter")):
                await asyncio.sleep(0.01)
        assert [(row["noun"], row["aggregate_id"]) for row in letters] == [("call", endless)]


async def test_a_parked_message_that_always_takes_too_long_dies_and_holds_nobody_up(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its turn comes with what it waited for; every message that comes after looks at what is parked."""
    endless, awaited, after = new_id(), new_id(), new_id()
    hears = next(line for line in HEARER.hears if line.event is Toyed)

    async def handler(work: Work, message: Message) -> None:
        if message.id == endless and await work.db.fetchval("select exists (select from known where id = $1)", awaited):
            await _too_long(work)
        await hears.handler(work, message)

    monkeypatch.setitem(SERVICES, "registry", replace(HEARER, hears=[Hears(Toyed, handler)]))
    async with pair.running("intake", "registry") as (speaker, hearer):
        event = Toyed(value=1, private=Toyed.Private(secret="ลับ", names=awaited))
        async with speaker.work(ME) as work:
            work.say(endless, event, Origin("kalasin", endless))
        async with asyncio.timeout(PATIENCE_S):
            while not await hearer.pool.fetchval("select count(*) from parked"):
                await asyncio.sleep(0.01)
        for call in (awaited, after):
            async with speaker.work(ME) as work:
                await say_some(work, call, 1)
            assert await until(hearer, call, 1) == [1]
        letters = await hearer.pool.fetch("select aggregate_id from dead_letter")
        assert [row["aggregate_id"] for row in letters] == [endless]


async def test_a_due_thing_that_always_takes_too_long_lets_the_others_be_done(pair: Pair) -> None:
    runtime = await pair.runtime("intake")
    done, call = asyncio.Event(), new_id()

    async def slow(work: Work, _: Due) -> None:
        await _too_long(work)

    async def quick(_: Work, __: Due) -> None:
        done.set()

    async with runtime.work(ME) as work:
        for ago_s, kind in ((5, "slow"), (1, "quick")):
            await work.later(kind, call, now_utc() - timedelta(seconds=ago_s), Origin("kalasin", call))
    runner = DueRunner("intake", runtime.pool, {"slow": slow, "quick": quick})
    job = asyncio.create_task(runner.run())
    async with asyncio.timeout(PATIENCE_S):
        await done.wait()
    job.cancel()
    await asyncio.gather(job, return_exceptions=True)
    left = await runtime.pool.fetch("select kind, attempts from due")
    assert [(row["kind"], row["attempts"]) for row in left] == [("slow", 1)]
    await runtime.pool.close()
