"""Rests of crews in the day's plan, at the interface: planned, told, proved, taken note of while time goes on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.dispatch import daybook, planner, policy
from services.dispatch.day import plan as planning
from shared.errors import Refused
from shared.pack_parts import DispatchPolicies
from shared.thai.dates import local_day
from shared.work import now_utc
from tests.dispatch.conftest import Town
from tests.dispatch.test_booking import ride, tomorrow
from tests.dispatch.test_rosters import put
from tests.harness import AREA

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def an_hour_of_rest(town: Town) -> Iterator[None]:
    policy.set_policy(AREA, DispatchPolicies(default_mode="auto", booked_mode="auto", rest_min=60))
    yield
    policy.set_policy(AREA, DispatchPolicies(default_mode="auto", booked_mode="auto"))


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def rests_of(town: Town, on: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await town.get("/v1/plans/day", on=str(on)))["rests"]
    return found


async def test_a_crew_on_a_long_shift_keeps_an_hour_free_whatever_is_booked(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    unit = await town.unit(1, on=False)
    await town.unit(9, on=False, vehicle={"wheelchairs": 0, "stretchers": 0, "seats": 1})
    begins = tomorrow(1)  # eight to five in Thailand
    await put(town, unit, begins, 9)
    calls = [await ride(town, tomorrow(4) + number * timedelta(minutes=30)) for number in range(8)]
    on = (await town.trip(calls[0]))["on_day"]
    [before] = await rests_of(town, on)
    assert (before["unit_id"], before["stands"]) == (str(unit.id), "planned"), "nobody else is on a shift"

    made = await town.post("/v1/plans/day", {"on": on, "publish": True}, status=200)
    assert made["published"] > 0
    [rest] = await rests_of(town, on)
    assert rest == made["rests"][0], "what is published stands"
    opens, closes = moment(rest["begins_at"]), moment(rest["ends_at"])
    assert closes - opens == HOUR
    assert begins + 3 * HOUR <= opens <= begins + 5 * HOUR, "after no more than five hours of work"
    assert "rest " in rest["en"]
    assert "พัก" in rest["th"]
    for tour in made["tours"]:
        assert moment(tour["ends_at"]) <= opens or moment(tour["starts_at"]) >= closes

    # A plan that has lost a rest is not shown, let alone published.
    await ride(town, tomorrow(8))

    def worked_through(model: Any, plan: Any) -> Any:
        return [[visit for visit in route if model.riders[visit[0]].rest is None] for route in plan]

    monkeypatch.setattr(planning, "filled", worked_through)
    with pytest.raises(Refused, match="did not pass its check"):
        await planner.propose(town.running.runtime.pool, None, AREA, datetime.fromisoformat(on).date(), now_utc())


async def test_what_a_unit_did_says_whether_its_crew_has_rested(town: Town) -> None:
    """Two hours into the time when it is due: one drove all the while, one was free, one has just come back."""
    units = [await town.unit(number + 1) for number in range(3)]
    now = now_utc().astimezone(UTC)
    for unit in units:
        await put(town, unit, now - 5 * HOUR - timedelta(minutes=20), 9)
    insert = """insert into run (id, unit_id, area, lane, exercise, status, opened_at, closed_at)
        values (gen_random_uuid(), $1, $2, 'emergency', false, 'closed', $3, $4)"""
    for unit, back in ((units[0], now), (units[2], now - timedelta(minutes=30))):
        await town.running.runtime.pool.execute(insert, unit.id, AREA, now - 6 * HOUR, back)
    book = await daybook.read(town.running.runtime.pool, AREA, local_day(now - 5 * HOUR), now)
    stands = {unit_id: [each.stands for each in found] for unit_id, found in book.model.restings.items()}
    assert stands == {str(units[0].id): ["late"], str(units[2].id): ["going_on"]}
    [going_on] = [van for van in book.model.vans if van.id == str(units[2].id)]
    assert going_on.shift[0] >= now + timedelta(minutes=30), "it is left to rest"
