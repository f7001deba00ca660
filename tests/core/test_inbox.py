"""The law of the cursor: N processes, redelivery, reordering and replay change nothing."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from uuid import UUID

import pytest_asyncio
import structlog

from karuna.dead_letters import letters, requeue, show
from shared.consumer import Inbox
from shared.erasure import forget_heard
from shared.events.intake import CallErased
from shared.heard import Hears, Message, Raw
from shared.work import Cause, Work, new_id, now_utc
from tests.core.conftest import PACKAGE
from tests.core.toy.services import HEARER, Toyed
from tests.harness import Running, call_origin, service_running
from tests.platform_fixtures import MakeDatabase


@pytest_asyncio.fixture
async def hearer(database: MakeDatabase, tmp_path: Path) -> AsyncIterator[Running]:
    made = await database("registry", package=PACKAGE)
    async with service_running(HEARER, made.dsn, tmp_path) as running:
        yield running


async def toy(hearer: Running, call: UUID, seq: int, *, take: bool = False, **private: object) -> Raw:
    event = Toyed(value=seq, private=Toyed.Private(secret="ลับ", **private))
    return await hearer.emit(call, event, call_origin(call), seq=seq, take=take)


async def effects(hearer: Running, call: UUID) -> list[int]:
    rows = await hearer.sql("select value from effect where aggregate_id = $1 order by id", call)
    return [row["value"] for row in rows]


async def test_duplicates_reordering_and_replay_change_nothing(hearer: Running) -> None:
    calls = [new_id() for _ in range(5)]
    raws = [await toy(hearer, call, seq) for call in calls for seq in range(1, 21)]
    dice = random.Random(7)
    for _ in range(3):
        shuffled = raws * 2
        dice.shuffle(shuffled)
        for start in range(0, len(shuffled), 17):
            await hearer.runtime.inbox.take(shuffled[start : start + 17])
    for call in calls:
        assert await effects(hearer, call) == list(range(1, 21))
    assert await hearer.sql("select 1 from parked") == []


async def test_what_there_was_no_time_for_is_given_back_and_the_rest_is_committed(hearer: Running) -> None:
    """What waited for what was done is applied while there is time, and by the next look else."""
    call, other = new_id(), new_id()
    second = await toy(hearer, other, 2)
    assert await hearer.runtime.inbox.take([second]) == []
    raws = [await toy(hearer, other, 1), *[await toy(hearer, call, seq) for seq in range(1, 6)]]
    asked: list[bool] = []

    def enough() -> bool:
        asked.append(len(asked) >= 2)
        return asked[-1]

    assert await hearer.runtime.inbox.take(raws, enough) == raws[3:]
    assert (await effects(hearer, other), await effects(hearer, call)) == ([1], [1, 2])
    assert await hearer.runtime.inbox.take(raws[3:]) == []
    await hearer.runtime.inbox.drain()
    assert (await effects(hearer, other), await effects(hearer, call)) == ([1, 2], [1, 2, 3, 4, 5])


async def test_two_processes_at_once_change_nothing(hearer: Running, tmp_path: Path) -> None:
    calls = [new_id() for _ in range(4)]
    raws = [await toy(hearer, call, seq) for seq in range(1, 16) for call in calls]
    dsn = hearer.runtime.settings.database_url.get_secret_value()
    async with service_running(HEARER, dsn, tmp_path) as second:

        async def take_all(running: Running, seed: int) -> None:
            mine = list(raws)
            random.Random(seed).shuffle(mine)
            for start in range(0, len(mine), 7):
                await running.runtime.inbox.take(mine[start : start + 7])

        await asyncio.gather(take_all(hearer, 1), take_all(second, 2), take_all(second, 3))
        await hearer.runtime.inbox.drain()
    for call in calls:
        assert await effects(hearer, call) == list(range(1, 16))


async def test_a_hole_parks_what_comes_after_until_it_closes(hearer: Running) -> None:
    call = new_id()
    await toy(hearer, call, 1, take=True)
    await toy(hearer, call, 3, take=True)
    await toy(hearer, call, 4, take=True)
    assert await effects(hearer, call) == [1]
    assert len(await hearer.sql("select 1 from parked")) == 2
    await toy(hearer, call, 2, take=True)
    assert await effects(hearer, call) == [1, 2, 3, 4]
    assert await hearer.sql("select 1 from parked") == []


async def test_what_names_an_unknown_aggregate_waits_for_it(hearer: Running) -> None:
    named, call = new_id(), new_id()
    await toy(hearer, call, 1, take=True, names=named)
    await toy(hearer, call, 2, take=True)
    assert await effects(hearer, call) == []
    assert await hearer.dead_letters() == []
    await toy(hearer, named, 1, take=True)
    assert await effects(hearer, call) == [1, 2]


async def test_poison_is_set_aside_and_holds_back_only_its_own_aggregate(hearer: Running) -> None:
    sick, well = new_id(), new_id()
    bad = await toy(hearer, sick, 1, poison=True)
    group = [bad, await toy(hearer, sick, 2), await toy(hearer, well, 1), await toy(hearer, well, 2)]
    await hearer.runtime.inbox.take(group)
    assert await effects(hearer, well) == [1, 2]
    assert await effects(hearer, sick) == []
    assert await hearer.dead_letters() == ["ZeroDivisionError at take_effect:" + await _line(hearer)]


async def test_a_message_is_one_letter_however_often_the_stream_brings_it(hearer: Running) -> None:
    sick = new_id()
    bad = await toy(hearer, sick, 1, poison=True)
    torn, empty = Raw(bad.subject, bad.body[:40]), Raw(bad.subject, b"")
    for _ in range(3):
        await hearer.runtime.inbox.take([torn, bad, empty])
    await hearer.runtime.inbox.take([torn])
    found = await letters(hearer.runtime.settings.database_url.get_secret_value())
    assert sorted((row["noun"] or "", row["times"]) for row in found) == [("", 3), ("", 4), ("call", 3)]


async def test_a_group_goes_on_around_whoever_makes_trouble(hearer: Running) -> None:
    """Poison and what must wait cost the others neither their order nor their common transactions."""
    early, sick, calls = new_id(), new_id(), [new_id() for _ in range(3)]
    group = [await toy(hearer, call, seq) for call in calls for seq in range(1, 11)]
    group.insert(20, await toy(hearer, sick, 1, poison=True))
    group.insert(10, await toy(hearer, early, 1, names=new_id()))
    await hearer.runtime.inbox.take(group)
    for call in calls:
        assert await effects(hearer, call) == list(range(1, 11))
    assert await effects(hearer, sick) == await effects(hearer, early) == []
    assert (
        len(await hearer.dead_letters())
        == len(await hearer.sql("select 1 from parked where waits_id is not null"))
        == 1
    )
    together = await hearer.sql("select distinct xmin::text from effect")
    assert len(together) == 3, "before, between and after the two"


async def test_what_stands_on_an_unknown_call_waits_together_and_the_others_go_on(hearer: Running) -> None:
    unknown, grown, well = new_id(), new_id(), new_id()
    group = [await toy(hearer, well, seq) for seq in range(1, 6)]
    for seq in (1, 2):
        event = Toyed(value=seq, private=Toyed.Private(secret="ลับ", names=unknown))
        group.insert(seq, await hearer.emit(grown, event, call_origin(unknown), seq=seq, take=False))
    await hearer.runtime.inbox.take(group)
    assert await effects(hearer, well) == list(range(1, 6))
    assert len(await hearer.sql("select distinct xmin::text from effect")) == 1
    assert len(await hearer.sql("select distinct xmin::text from parked where waits_id = $1", unknown)) == 1
    await toy(hearer, unknown, 1, take=True)
    assert await effects(hearer, grown) == [1, 2]
    assert await hearer.sql("select 1 from parked") == []


async def test_those_that_come_before_their_calls_are_parked_together(hearer: Running) -> None:
    """In a backlog many do: one group is undone once, not once for each."""
    unknown, known, well = [new_id() for _ in range(3)], new_id(), new_id()
    await toy(hearer, known, 1, take=True)
    group = [await toy(hearer, well, 1)]
    for call in (*unknown, known):
        event = Toyed(value=1, private=Toyed.Private(secret="ลับ", names=call))
        group.append(await hearer.emit(new_id(), event, call_origin(call), seq=1, take=False))
    await hearer.runtime.inbox.take(group)
    assert len(await hearer.sql("select 1 from parked")) == len(unknown), "whose call is known waits for nothing"
    assert len(await hearer.sql("select distinct xmin::text from parked")) == 1
    assert len(await hearer.sql("select 1 from effect")) == 3
    for call in unknown:
        await toy(hearer, call, 1, take=True)
    assert await hearer.sql("select 1 from parked") == []


async def _line(hearer: Running) -> str:
    return (await hearer.dead_letters())[0].rsplit(":", 1)[1]


async def test_a_dead_letter_can_be_looked_at_and_sent_again(hearer: Running) -> None:
    dsn = hearer.runtime.settings.database_url.get_secret_value()
    call = new_id()
    await toy(hearer, call, 1, take=True, poison=True)
    await toy(hearer, call, 2, take=True)
    (letter,) = await letters(dsn)
    shown = await show(dsn, letter["id"])
    assert shown is not None
    assert "ลับ" not in str(shown)
    cured = await toy(hearer, call, 1)
    await hearer.sql("update dead_letter set body = $1", cured.body)
    assert await requeue(dsn, letter["id"])
    await hearer.runtime.inbox.drain()
    assert await effects(hearer, call) == [1, 2]
    assert await letters(dsn) == []
    assert not await requeue(dsn, letter["id"])


async def test_a_redelivered_poison_is_one_letter_and_closes_when_it_succeeds(hearer: Running) -> None:
    dsn = hearer.runtime.settings.database_url.get_secret_value()
    call = new_id()
    for _ in range(3):
        await toy(hearer, call, 1, take=True, poison=True)
    assert len(await letters(dsn)) == 1
    await toy(hearer, call, 1, take=True)
    assert await effects(hearer, call) == [1]
    assert await letters(dsn) == []


async def test_rubbish_and_forgeries_become_dead_letters(hearer: Running) -> None:
    good = await toy(hearer, new_id(), 1)
    other = f"internal.kalasin.intake.call.{new_id()}.toyed.v1"
    rubbish = [
        Raw(good.subject, b"\xff\xfe not json"),
        Raw(good.subject, b'{"specversion":"1.0"}'),
        Raw(other, good.body),
        Raw(good.subject.replace("kalasin", "songkhla"), good.body),
        Raw(good.subject.replace("intake", "dispatch"), good.body),
        Raw(good.subject, good.body.replace(b"/karuna/kalasin/intake", b"/karuna/kalasin/dispatch")),
    ]
    await hearer.runtime.inbox.take([*rubbish, good])
    assert len(await hearer.dead_letters()) == len(rubbish)
    assert len(await hearer.sql("select 1 from effect")) == 1


async def test_an_erased_event_applies_at_once_and_drops_what_was_parked(hearer: Running) -> None:
    call = new_id()
    await toy(hearer, call, 1, take=True)
    await toy(hearer, call, 3, take=True)
    erased = await hearer.emit(call, CallErased(at=now_utc()), call_origin(call), seq=5)
    assert await hearer.sql("select 1 from parked") == []
    await toy(hearer, call, 2, take=True)
    await hearer.runtime.inbox.take([erased])
    assert await effects(hearer, call) == [1]
    await toy(hearer, call, 6, take=True)
    assert await effects(hearer, call) == [1, 6]


async def test_an_erasure_wipes_what_could_not_be_read_too(hearer: Running) -> None:
    """Such a letter has no number and no aggregate of its own; whose it is stands in its subject."""
    call, other = new_id(), new_id()
    for each in (call, other):
        raw = await toy(hearer, each, 1)
        await hearer.runtime.inbox.take([Raw(raw.subject, raw.body.replace(b'"aggregateseq":1', b'"aggregateseq":0'))])
    async with hearer.runtime.work(Cause("system:registry")) as work:
        await forget_heard(work, "call", call)
    left = {
        row["subject"].split(".")[4]: row["body"] for row in await hearer.sql("select subject, body from dead_letter")
    }
    assert left[str(call)] == b""
    assert "ลับ".encode() in left[str(other)]


async def test_what_was_gathered_before_an_attempt_that_fails_is_written(hearer: Running) -> None:
    """Also where the attempt wrote it early: a group's other messages must not lose their rows to one refusal."""
    kept, refused = new_id(), new_id()

    async def write(work: Work, ids: list[UUID]) -> None:
        await work.db.execute("insert into known (id) select * from unnest($1::uuid[])", ids)

    async with hearer.runtime.work(Cause("system:registry")) as work:
        work.gather(write, kept)
        with suppress(LookupError):
            async with work.attempt():
                work.gather(write, refused)
                await work.write_early()
                raise LookupError
    assert [row["id"] for row in await hearer.sql("select id from known")] == [kept]


async def test_a_blanked_event_only_moves_the_cursor(hearer: Running) -> None:
    call = new_id()
    raw = await toy(hearer, call, 1)
    head, _, _ = raw.body.partition(b'"data":')
    await hearer.runtime.inbox.take([Raw(raw.subject, head + b'"data":{}}')])
    await toy(hearer, call, 2, take=True)
    assert await effects(hearer, call) == [2]
    assert await hearer.dead_letters() == []


async def test_what_is_logged_of_a_message_tells_of_which_call_and_trace_it_is(hearer: Running) -> None:
    call, bound = new_id(), []

    async def remember(_: Work, __: Message) -> None:
        bound.append(structlog.contextvars.get_contextvars())

    raw = await toy(hearer, call, 1)
    trace = f'"traceparent":"00-{"a" * 32}-{"b" * 16}-01","data"'.encode()
    inbox = Inbox("registry", hearer.runtime.pool, [Hears(Toyed, remember)])
    await inbox.take([Raw(raw.subject, raw.body.replace(b'"data"', trace, 1))])
    assert bound == [{"correlation_id": str(call), "trace_id": "a" * 32}]
    assert structlog.contextvars.get_contextvars() == {}


async def test_unknown_event_types_and_unknown_fields_are_passed_over(hearer: Running) -> None:
    call = new_id()
    raw = await toy(hearer, call, 1)
    newer = Raw(raw.subject.replace("toyed", "sung"), raw.body.replace(b"call.toyed.v1", b"call.sung.v1"))
    await hearer.runtime.inbox.take([newer])
    raw = await toy(hearer, call, 2)
    await hearer.runtime.inbox.take([Raw(raw.subject, raw.body.replace(b'"value":2', b'"value":2,"mood":"good"'))])
    assert await effects(hearer, call) == [2]
    assert await hearer.dead_letters() == []
