"""``karuna registry rebuild``: the folds are what the archives say, and an interruption leaves them as they were."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from karuna import folds
from karuna.main import app
from services.registry.app import HEARS
from services.registry.projection import NotWhole, rebuild
from services.registry.store.history import Figures
from shared.database import COLLISION, connect
from shared.events import intake, notify
from shared.events.envelope import decode
from shared.heard import Raw
from shared.work import new_id, now_utc
from tests.harness import Running
from tests.patience import PATIENCE_S
from tests.registry.conftest import Call, add, somsri
from tests.registry.test_history import picture, whole_story

BREAKS = (
    "update trip set status = 'requested', outcome = null, ended_at = null",
    "delete from barrier",
    "insert into trip (id, call_id, leg, lane, status) values (gen_random_uuid(), gen_random_uuid(), 'outbound', 'booked', 'requested')",
)


async def groups(raws: Iterable[Raw], size: int = 7) -> AsyncIterator[Sequence[Raw]]:
    waiting = list(raws)
    while waiting:
        yield waiting[:size]
        waiting = waiting[size:]


def dsn_of(registry: Running) -> str:
    address: str = registry.runtime.settings.database_url.get_secret_value()
    return address


async def built(registry: Running, said: AsyncIterator[Sequence[Raw]], *, keep: bool = True) -> tuple[Figures, Figures]:
    connection = await connect(dsn_of(registry), command_s=None)
    try:
        return await rebuild(connection, HEARS, said, keep=keep)
    finally:
        await connection.close()


async def told(registry: Running) -> list[Call]:
    """Two calls to their end, one with a bad rating, and one that is erased."""
    calls = [await whole_story(registry), await Call(registry, patients=[somsri()]).received()]
    bad = notify.RatingGiven(call_id=calls[1].id, at=now_utc(), private=notify.RatingGiven.Private(score=1))
    await calls[1].tell(bad, new_id())
    gone = await whole_story(registry, caller={"phone": "+66899999999"})
    await gone.erased()
    return [*calls, gone]


def all_of(calls: Iterable[Call]) -> list[Raw]:
    return [raw for call in calls for raw in call.raws]


@pytest.mark.parametrize("damage", BREAKS)
async def test_what_went_wrong_in_the_folds_is_right_again(registry: Running, damage: str) -> None:
    await add(registry, name="คนอื่น")
    calls = await told(registry)
    right = await picture(registry)
    await registry.sql(damage)
    before, after = await built(registry, groups(all_of(calls)))
    assert before != after
    assert await picture(registry) == right, "folds are mended; people, matches, cases and what was said stay"
    assert await built(registry, groups(all_of(calls))) == (after, after)


async def test_only_looking_changes_nothing(registry: Running) -> None:
    calls = await told(registry)
    await registry.sql(BREAKS[0])
    broken = await picture(registry)
    before, after = await built(registry, groups(all_of(calls)), keep=False)
    assert before != after
    assert await picture(registry) == broken


async def test_an_interruption_leaves_everything_as_it_was(registry: Running) -> None:
    calls = await told(registry)
    was = await picture(registry)

    async def broken_off() -> AsyncIterator[Sequence[Raw]]:
        yield all_of(calls)[:9]
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await built(registry, broken_off())
    assert await picture(registry) == was
    late = await Call(registry, patients=[somsri()]).received()
    assert await registry.sql("select from history where call_id = $1", late.id), "and hearing goes on"


async def test_an_archive_that_lost_something_is_not_taken_for_the_truth(registry: Running) -> None:
    calls = await told(registry)
    was = await picture(registry)
    with pytest.raises(NotWhole, match="call 1"):
        await built(registry, groups([raw for raw in all_of(calls) if raw is not calls[0].raws[-1]]))
    assert await picture(registry) == was


async def test_what_comes_meanwhile_is_heard_after_it(registry: Running) -> None:
    calls = await told(registry)
    late = Call(registry, patients=[somsri()])
    raw = await late.tell(_received(late), take=False)
    hearing: list[asyncio.Task[None]] = []

    async def meanwhile() -> AsyncIterator[Sequence[Raw]]:
        yield all_of(calls)
        hearing.append(asyncio.create_task(registry.runtime.inbox.take([raw])))
        async with asyncio.timeout(PATIENCE_S):
            while not await registry.sql("select from pg_locks where not granted"):
                await asyncio.sleep(0)

    before, after = await built(registry, meanwhile())
    assert before == after
    try:
        await hearing[0]
    except COLLISION:  # it had waited long: the ear comes again
        await registry.runtime.inbox.take([raw])
    assert await registry.sql("select from history where call_id = $1", late.id)


def _received(call: Call) -> object:
    return intake.CallReceived(**call.state(), private=call.private(intake.CallReceived.Private))


async def test_an_archive_is_read_whole_in_its_order(registry: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    await told(registry)
    monkeypatch.setattr(folds, "AT_ONCE", 2)
    read = [raw async for group in folds.archived({dsn_of(registry): ("person", "case")}) for raw in group]
    said = [row for row in await registry.said() if row["noun"] in {"person", "case"}]
    assert len(said) > 2
    assert [decode(raw.body, raw.subject).id for raw in read] == [row["id"] for row in said]


@pytest.mark.parametrize(("check", "same", "code"), [(True, True, 0), (True, False, 1), (False, False, 0)])
def test_the_command_says_before_and_after(
    check: bool, same: bool, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def done(_: object, *, keep: bool) -> tuple[Figures, Figures]:
        assert keep is not check
        return {"history": (1200, 5)}, {"history": (1200, 5) if same else (1201, 6)}

    monkeypatch.setattr(folds, "rebuild", done)
    result = CliRunner().invoke(app, ["registry", "rebuild", "--home", str(tmp_path), *(["--check"] if check else [])])
    assert result.exit_code == code, result.output
    assert ("the same" if same else "differs") in result.output
    assert "own facts" in result.output
