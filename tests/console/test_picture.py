"""The picture of open facts: whatever the order, the repetition and the crowd, it is what the facts say."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from karuna.contracts.catalogue import GOLDENS
from karuna.contracts.goldens import read_goldens
from services.console.rules.picture import Seen, ends, step
from shared.events.envelope import decode
from shared.heard import Raw
from shared.work import new_id
from tests.console.conftest import Console
from tests.console.story import Story, whole

Doc = dict[str, Any]


def stories() -> list[Story]:
    """A busy night: calls at every stage, a protected one, units that come on duty and get dirty."""
    units = [new_id() for _ in range(3)]
    made = [whole(units[n % 3], steps=n) for n in range(9)] + [whole(units[0], steps=3, protected=True)]
    for unit in units:
        made[0].unit("on_duty", unit)
        made[0].unit("contaminated", unit)
    made[0].unit("disinfected", units[0])
    return made


def folded(said: Sequence[Raw]) -> dict[UUID, tuple[Doc, bool]]:
    """Each aggregate's state by the pure fold over its facts in their own order, and whether it is over."""
    states: dict[UUID, Doc] = defaultdict(dict)
    over: dict[UUID, bool] = defaultdict(bool)
    for raw in said:
        envelope = decode(raw.body, raw.subject)
        seen = Seen(envelope.noun, envelope.short_type.split(".")[2], envelope.time, envelope.data)
        states[envelope.aggregate_id] = step(states[envelope.aggregate_id], seen)
        over[envelope.aggregate_id] |= ends(seen)
    return {each: (state, over[each]) for each, state in states.items()}


async def kept(console: Console) -> dict[UUID, tuple[Doc, bool]]:
    rows = await console.pool.fetch("select id, state, ended_at from thing")
    return {row["id"]: (row["state"], row["ended_at"] is not None) for row in rows}


@pytest.mark.parametrize("seed", range(4))
async def test_any_order_any_repetition_and_four_hearers_give_the_same_picture(console: Console, seed: int) -> None:
    chance = random.Random(seed)
    said = [raw for story in stories() for raw in story.said]
    delivered = [*said, *chance.sample(said, len(said) // 3)]
    chance.shuffle(delivered)
    inbox = console.running.runtime.inbox

    async def hear(part: list[Raw]) -> None:
        for start in range(0, len(part), 7):
            await inbox.take(part[start : start + 7])

    await asyncio.gather(*(hear(delivered[n::4]) for n in range(4)))
    assert await kept(console) == folded(said)
    assert await console.running.dead_letters() == []


async def test_the_feed_holds_every_fact_once_and_in_an_order_that_has_no_holes(console: Console) -> None:
    said = [raw for story in stories() for raw in story.said]
    for raw in [*said, *said[::2]]:
        await console.running.runtime.inbox.take([raw])
    rows = await console.pool.fetch("select position, noun, id, type from fact order by position")
    assert len(rows) == len(said)
    last: dict[UUID, int] = {}
    for row, raw in zip(rows, said, strict=True):
        envelope = decode(raw.body, raw.subject)
        assert (row["id"], row["type"]) == (envelope.aggregate_id, envelope.short_type)
        assert row["position"] > last.get(row["id"], 0)
        last[row["id"]] = row["position"]


OPEN = [golden for golden in read_goldens(GOLDENS) if golden.tree == "open"]


@given(st.permutations(range(3)), st.integers(0, 9))
def test_stories_that_are_interleaved_do_not_touch_each_other(order: list[int], steps: int) -> None:
    three = [whole(new_id(), steps=min(steps, 8)) for _ in order]
    one_after_the_other = folded([raw for story in three for raw in story.said])
    queues = [list(three[n].said) for n in order]
    mixed = []
    while any(queues):
        mixed += [queue.pop(0) for queue in queues if queue]
    assert folded(mixed) == one_after_the_other


def test_every_released_open_fact_can_be_folded() -> None:
    assert OPEN
    for golden in OPEN:
        said = golden.content
        noun, name = said["type"].split(".")[3:5]
        state = step({}, Seen(noun, name, _at(said["time"]), said["data"]))
        assert state["is"]
        assert state["stamps"] == {name: _at(said["time"]).isoformat()}


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_what_does_not_move_a_life_along_leaves_its_status() -> None:
    story = whole(new_id(), steps=2)
    assignment = new_id()
    story.assignment("accepted", assignment, new_id())
    story.assignment("delayed", assignment, new_id(), depart_by_at="2026-11-22T03:05:00Z")
    state, over = folded(story.said)[assignment]
    assert (state["is"], "delayed" in state["stamps"], over) == ("accepted", True, False)


def test_a_promise_in_danger_leaves_the_ride_where_it_is() -> None:
    story = whole(new_id(), steps=2)
    story.trip("planned", pickup_at="2026-11-22T03:00:00Z")
    story.trip("at_risk", risk="late", expected_at="2026-11-22T03:30:00Z")
    state, over = folded(story.said)[story.trip_id]
    assert (state["is"], state["risk"], state["pickup_at"], over) == ("planned", "late", "2026-11-22T03:00:00Z", False)
