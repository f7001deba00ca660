"""A flood: many calls are decided in one transaction, and who is free is read once for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest

from services.dispatch.store import units as unit_store
from services.dispatch.verbs import decide, queue
from shared.events import intake
from shared.events.base import Origin
from shared.events.notify import ReplyReceived
from shared.work import new_id, now_utc
from tests.dispatch.conftest import Town, call_event
from tests.harness import AREA, patiently


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The areas whose free units were read."""
    read, free = [], unit_store.free

    async def noted(db: Any, area: str, **wanted: Any) -> Any:
        read.append(area)
        return await free(db, area, **wanted)

    monkeypatch.setattr(unit_store, "free", noted)
    return read


def heard(severity: str) -> Any:
    return call_event(intake.CallReceived, severity=severity)


async def hear_together(town: Town, events: Sequence[tuple[UUID, Any, UUID]]) -> None:
    """One group; ``events``: whose it is, what was said, and of which call."""
    raws = [
        await town.running.emit(aggregate_id, event, Origin(AREA, call_id), take=False)
        for aggregate_id, event, call_id in events
    ]
    await patiently(lambda: town.running.runtime.inbox.take(raws))


async def calls_together(town: Town, *severities: str) -> list[UUID]:
    """Calls that dispatch hears of in one group."""
    ids = [new_id() for _ in severities]
    await hear_together(town, [(one, heard(severity), one) for one, severity in zip(ids, severities, strict=True)])
    return ids


async def units_of(town: Town, calls: list[UUID]) -> list[str]:
    return [asked["unit_id"] for call_id in calls for asked in await town.asked(call_id)]


async def test_each_call_of_a_group_gets_a_unit_of_its_own_and_whoever_is_left_waits(
    town: Town, readings: list[str]
) -> None:
    units = {str((await town.unit(km)).id) for km in (1, 2, 3)}
    readings.clear()
    calls = await calls_together(town, "yellow", "yellow", "yellow", "green")
    assert len(readings) == 1
    asked = await units_of(town, calls)
    assert len(asked) == 3
    assert set(asked) == units
    assert (await town.trip(calls[3]))["status"] == "queued"
    assert await town.running.dead_letters() == []


async def test_a_unit_that_says_no_in_the_middle_of_a_group_goes_to_the_next_call(town: Town) -> None:
    near, far = await town.unit(1), await town.unit(2)
    held = await town.call(severity="yellow")
    [asked] = await town.asked(held)
    assert asked["unit_id"] == str(near.id)
    about = {"assignment_id": asked["id"], "crew_id": near.crew[0], "call_id": held}
    no = ReplyReceived(channel="line", answer="decline", at=now_utc(), **about)
    first, second = new_id(), new_id()
    events = [(first, heard("yellow"), first), (new_id(), no, held), (second, heard("yellow"), second)]
    await hear_together(town, events)
    assert await units_of(town, [first]) == [str(far.id)]
    assert await units_of(town, [second]) == [str(near.id)]


async def test_whom_a_unit_was_meant_for_gets_it_though_others_wait_longer(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three wait and two are free: shared out so that all drives together are short, the longest waiting is left."""
    waiting = await calls_together(town, *["yellow"] * 3)
    meant: list[tuple[UUID, UUID]] = []

    def shared_out(asked: Any, seconds: Any) -> dict[int, int]:
        return {1: 0, 2: 1} if len(asked) == 3 else {}

    find_unit = decide.find_unit

    async def noted(work: Any, trip: Any, history: Any, chosen: Any = None) -> bool:
        if chosen is not None:
            meant.append((trip.call_id, chosen.member.id))
        return await find_unit(work, trip, history, chosen)

    monkeypatch.setattr(queue, "assign", shared_out)
    monkeypatch.setattr(decide, "find_unit", noted)
    units = {(await town.unit(km)).id for km in (1, 2)}
    await town.running.do_due("serve_queue")
    assert {unit_id for _, unit_id in meant} == units
    assert {call_id for call_id, _ in meant} == set(waiting[1:])
    for call_id, unit_id in meant:
        assert await units_of(town, [call_id]) == [str(unit_id)]
    assert (await town.trip(waiting[0]))["status"] == "queued"
    assert await town.running.dead_letters() == []


async def test_one_unit_that_becomes_free_does_not_have_the_whole_queue_decided_again(
    town: Town, readings: list[str]
) -> None:
    waiting = await calls_together(town, *["green"] * 6)
    assert await units_of(town, waiting) == []
    unit = await town.unit(1)
    readings.clear()
    await town.running.do_due("serve_queue")
    assert await units_of(town, waiting) == [str(unit.id)]
    assert len(readings) == 1
    looked_at_again = await town.running.sql("select subject_id from due where kind = 'find_unit'")
    assert len(looked_at_again) >= 5, "nobody who waits is forgotten"
