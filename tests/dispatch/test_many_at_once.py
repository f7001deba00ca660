"""A flood: many calls are decided in one transaction, and who is free is read once for all of them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from services.dispatch.store import units as unit_store
from shared.events import intake
from shared.events.base import Origin
from shared.work import new_id
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


async def calls_together(town: Town, *severities: str) -> list[UUID]:
    """Calls that dispatch hears of in one group."""
    ids = [new_id() for _ in severities]
    raws = [
        await town.running.emit(
            call_id, call_event(intake.CallReceived, severity=severity), Origin(AREA, call_id), take=False
        )
        for call_id, severity in zip(ids, severities, strict=True)
    ]
    await patiently(lambda: town.running.runtime.inbox.take(raws))
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


async def test_a_unit_let_go_in_the_middle_of_a_group_goes_to_the_next_call(town: Town) -> None:
    """The red call takes the only unit from the green one; what the group decides then is read anew."""
    only = await town.unit(1)
    [green, red, white] = await calls_together(town, "green", "red", "white")
    assert await units_of(town, [red]) == [str(only.id)]
    assert await units_of(town, [green, white]) == []


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
