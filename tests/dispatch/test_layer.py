"""The planner that works by itself: proposes or publishes for those who wait, keeps promises, and may be killed."""

from __future__ import annotations

import asyncio
import os
import signal
from datetime import UTC, date, datetime, time
from typing import Any

import pytest

from services.dispatch import layer, planner, policy
from services.dispatch.engine.pool import MOST_DRIVES, MOST_EACH, PREVIEWS, Engine
from services.dispatch.store.plans import Kept
from shared.pack_parts import DispatchPolicies
from shared.work import now_utc
from tests.dispatch.conftest import Town
from tests.dispatch.engine import planning
from tests.dispatch.test_booking import ride
from tests.dispatch.test_tours import held, near, van
from tests.harness import AREA, bearer
from tests.patience import PATIENCE_S


def wants(day_plan: str, booked_mode: str = "auto", **more: Any) -> policy.Policy:
    pack = DispatchPolicies.model_validate(
        {"default_mode": "auto", "booked_mode": booked_mode, "day_plan": day_plan, **more}
    )
    return policy.set_policy(AREA, pack)


async def look(town: Town, on: str, tried: layer.Tried | None = None) -> Kept | None:
    tried = {} if tried is None else tried
    return await layer.look(town.running.runtime, AREA, date.fromisoformat(on), now_utc(), tried)


async def test_who_waits_is_planned_by_the_system_and_told_as_by_people(town: Town) -> None:
    wants("publish")
    await van(town)
    first, second = await near(town, 0.2), await near(town, 0.6)
    on, tried = (await town.trip(first))["on_day"], dict[Any, Any]()
    assert await look(town, on, tried) is not None
    assert [(await town.trip(call))["status"] for call in (first, second)] == ["planned", "planned"]
    [published] = await town.running.said("dispatch.plan.published")
    assert (published["data"]["by"], published["data"]["trip_count"]) == ("system", 2)
    assert published["actor"] == "system:dispatch"
    assert len(await town.running.said("dispatch.trip.planned")) == 2
    assert await look(town, on, tried) is None, "nobody waits"


async def test_a_promise_stays_when_somebody_new_is_planned_beside_it(town: Town) -> None:
    wants("publish")
    await van(town)
    first = await near(town, 0.2)
    on = (await town.trip(first))["on_day"]
    await look(town, on)
    told = (await town.trip(first))["pickup_at"]
    await near(town, 0.6)
    await look(town, on)
    assert (await town.trip(first))["pickup_at"] == told
    assert len(await town.running.said("dispatch.trip.planned")) == 2
    assert await town.running.said("dispatch.trip.replanned") == []


@pytest.mark.parametrize(("day_plan", "booked_mode"), [("propose", "auto"), ("publish", "confirm")])
async def test_a_proposal_waits_for_a_person(town: Town, day_plan: str, booked_mode: str) -> None:
    wants(day_plan, booked_mode)
    await van(town)
    call = await ride(town)
    on = (await town.trip(call))["on_day"]
    made = await look(town, on)
    assert made is not None
    assert (await town.trip(call))["status"] == "requested"
    assert (await town.get("/v1/plans/day", on=on))["proposal_id"] == str(made.id)
    again = await look(town, on)
    assert again is not None
    assert again.id == made.id, "a process that began anew finds what was proposed"
    answer = await town.post(f"/v1/plans/{made.id}/publish")
    assert answer["published"] == 1
    assert (await town.get("/v1/plans/day", on=on))["proposal_id"] is None
    [published] = await town.running.said("dispatch.plan.published")
    assert published["data"]["by"] == "person"


async def test_a_proposal_for_a_day_that_has_changed_is_not_shown(town: Town) -> None:
    wants("propose")
    unit = await van(town)
    on = (await town.trip(await ride(town)))["on_day"]
    await look(town, on)
    await town.duty(unit)
    assert (await town.get("/v1/plans/day", on=on))["proposal_id"] is None


async def test_a_unit_that_changed_meanwhile_keeps_its_route(town: Town) -> None:
    wants("publish")
    one, other = await van(town, 1, wheelchairs=1), await van(town, 2, wheelchairs=1)
    calls = [await ride(town), await ride(town)]
    runtime, on = town.running.runtime, date.fromisoformat((await town.trip(calls[0]))["on_day"])
    made = await planner.draft(runtime.pool, None, AREA, on, now_utc())
    await planner.plans.keep(runtime.pool, made)
    await town.duty(other)
    done = await planner.publish(runtime, made, layer.CAUSE)
    assert [str(offer.unit_id) for offer in done.planned] == [str(one.id)]
    assert [each.code for each in done.unserved] == ["changed"]
    assert sorted([(await town.trip(call))["status"] for call in calls]) == ["planned", "requested"]


async def test_a_route_that_would_shift_many_is_left_to_people(town: Town) -> None:
    wants("publish")
    await van(town)
    runtime, call = town.running.runtime, await ride(town)
    on = date.fromisoformat((await town.trip(call))["on_day"])
    made = await planner.draft(runtime.pool, None, AREA, on, now_utc())
    await planner.plans.keep(runtime.pool, made)
    made.body["shifted"] = dict.fromkeys(made.body["shifted"], 5)
    done = await planner.publish(runtime, made, layer.CAUSE, most_shifted=4)
    assert (done.published, [each.code for each in done.unserved]) == (0, ["waiting"])
    assert (await town.trip(call))["status"] == "requested"


@pytest.mark.parametrize("who", ["engine", "planner"])
async def test_whoever_is_killed_in_mid_search_loses_nothing_and_doubles_nothing(
    town: Town, monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    wants("publish")
    monkeypatch.setattr(layer, "BY_DAY_S", 50.0)
    monkeypatch.setattr(layer, "BY_NIGHT_S", 50.0)
    await van(town)
    calls = [await near(town, 0.2), await near(town, 0.6)]
    on = (await town.trip(calls[0]))["on_day"]
    async with planning(town.running) as engine:
        assert engine.pid is not None
        os.kill(engine.pid, signal.SIGSTOP)  # it searches for as long as the test likes
        search = asyncio.create_task(look(town, on))
        await _searching(engine)
        assert {(await town.trip(call))["status"] for call in calls} == {"requested"}
        if who == "engine":
            os.kill(engine.pid, signal.SIGKILL)
            assert await search is not None, "what insertion had found is published"
        else:
            search.cancel()
            with pytest.raises(asyncio.CancelledError):
                await search
            assert await town.running.said("dispatch.plan.published") == []
            os.kill(engine.pid, signal.SIGCONT)
    monkeypatch.undo()
    await look(town, on)  # whoever takes over
    assert [(await held(town, call))["status"] for call in calls] == ["offered", "offered"]
    assert len(await town.running.said("dispatch.assignment.offered")) == 2
    assert len(await town.running.said("dispatch.plan.published")) == 1


async def _searching(engine: Engine, least: int = 1) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while engine.searching < least:
            await asyncio.sleep(0.01)


def test_previews_hold_no_more_drives_together_than_there_is_memory_for() -> None:
    engine = Engine()
    assert engine._has_room("one", PREVIEWS, 2 * MOST_DRIVES), "alone none is too large"
    engine._whose[1], engine._drives[1] = "one", MOST_DRIVES - 10
    assert engine._has_room("other", PREVIEWS, 10)
    assert not engine._has_room("other", PREVIEWS, 11)
    assert engine._has_room(None, PREVIEWS, MOST_DRIVES), "the municipality's own day waits for none"


async def test_nobody_is_planned_while_somebody_plans_a_day_and_previews_keep_nobody_waiting(town: Town) -> None:
    wants("publish")
    await van(town)
    on = (await town.trip(await ride(town)))["on_day"]
    van_of = {"start": {"x": 0, "y": 0}, "end": {"x": 0, "y": 0}, "capacity": {"seat": 3}, "shift": [0, 5000]}
    doors = [{end: {"x": at % 7, "y": at % (11 if end == "pickup" else 3), "window": [0, 5000]}
              for end in ("pickup", "dropoff")} for at in range(60)]  # fmt: skip
    body = {
        "time_limit_s": 60, "vehicles": [{**van_of, "id": f"v{at}"} for at in range(6)],
        "trips": [{**each, "id": f"t{at}"} for at, each in enumerate(doors)],
    }  # fmt: skip

    def preview(role: str) -> Any:
        return town.running.client.post("/v1/plans/preview", json=body, headers=bearer(role), timeout=None)

    async with planning(town.running) as engine:
        engine._whose[-1] = None
        assert await look(town, on) is None
        del engine._whose[-1]
        begun = [asyncio.ensure_future(preview("partner")) for _ in range(MOST_EACH)]
        await _searching(engine, MOST_EACH)
        assert (await preview("partner")).json()["code"] == "planner_busy", "one outsider leaves room for others"
        begun += [asyncio.ensure_future(preview("supervisor")) for _ in range(PREVIEWS - MOST_EACH)]
        await _searching(engine, PREVIEWS)
        assert (await preview("dispatcher")).json()["code"] == "planner_busy"
        found = await look(town, on)
        assert found is not None
        assert found.body["answer"]["searched"]
        for each in begun:
            each.cancel()
        await asyncio.gather(*begun, return_exceptions=True)


def test_tomorrow_is_planned_from_the_evening_on() -> None:
    before, after = (datetime(2026, 11, 22, hour, 59, tzinfo=UTC) for hour in (10, 11))
    late = datetime(2026, 11, 22, 17, 30, tzinfo=UTC)  # half past midnight in Bangkok
    today, tomorrow = date(2026, 11, 22), date(2026, 11, 23)
    evening = wants("propose", night_plan_at=time(18, 0))
    assert layer.days_of(evening, before) == [today]
    assert layer.days_of(evening, after) == [today, tomorrow]
    assert layer.days_of(evening, late) == [tomorrow]
    assert layer.days_of(wants("off"), after) == []
