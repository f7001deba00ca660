"""Nobody at the door: the van goes on with its others, the way home is not forgotten, and the ride ends as what it was."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from tests.dispatch.conftest import Town
from tests.dispatch.test_booking import ride
from tests.dispatch.test_tours import held, near, planned, van


async def at_the_door(town: Town, call: UUID, unit: Any) -> str:
    asked: str = next(
        each["id"] for each in await town.asked(call) if each["status"] in {"offered", "accepted"}
    )  # fmt: skip
    for step in ("accept", "en_route", "at_scene"):
        await town.step(asked, step, unit)
    return asked


async def test_the_van_goes_on_with_its_others_and_the_seat_is_free(town: Town) -> None:
    unit = await van(town)
    one, two = await near(town, 0.2), await near(town, 0.6)
    await planned(town, one, publish=True)
    await town.duty(unit)
    first, second = sorted([await town.trip(one), await town.trip(two)], key=lambda trip: trip["pickup_at"])
    gone = await at_the_door(town, UUID(first["call_id"]), unit)
    await town.step(gone, "clear", unit, outcome="no_show")
    [run] = await town.running.sql("select status from run")
    assert run["status"] == "open", "the others are still to be fetched"
    ended = await town.get(f"/v1/trips/{first['id']}")
    assert (ended["status"], ended["outcome"]) == ("completed", "no_show")
    assert [each["step"] for each in ended["steps"]][-2:] == ["at_scene", "clear"]
    left = await held(town, UUID(second["call_id"]))
    assert (left["status"], left["pickup_at"]) == ("offered", second["assignments"][0]["pickup_at"])
    await town.drive(left["id"], unit)
    assert (await town.trip(UUID(second["call_id"])))["outcome"] == "completed"
    [closed] = await town.running.said("dispatch.run.closed")
    assert len(closed["data"]["trip_ids"]) == 2


@pytest.mark.parametrize(
    ("outcome", "back"), [("no_show", "awaiting_ready"), ("cancelled", "cancelled"), ("refused_treatment", "cancelled")]
)
async def test_the_way_home_waits_where_nobody_knows_and_goes_where_it_is_not_needed(
    town: Town, outcome: str, back: str
) -> None:
    unit = await van(town)
    call = await ride(town, appointment={"return_trip": True, "duration_min": 60})
    await planned_there(town, call)
    await town.duty(unit)
    asked = await at_the_door(town, call, unit)
    await town.step(asked, "clear", unit, outcome=outcome)
    await town.running.do_due("not_carried")
    legs = {trip["leg"]: trip for trip in await town.trips(call)}
    assert (legs["outbound"]["status"], legs["outbound"]["outcome"]) == ("completed", outcome)
    assert legs["return"]["status"] == back
    assert legs["return"]["assignments"] == []


async def planned_there(town: Town, call: UUID) -> None:
    there = next(trip for trip in await town.trips(call) if trip["leg"] == "outbound")
    await town.post("/v1/plans/day", {"on": there["on_day"], "publish": True})


async def test_who_went_by_themselves_is_brought_home_all_the_same(town: Town) -> None:
    unit = await van(town)
    call = await ride(town, appointment={"return_trip": True, "duration_min": 60})
    await planned_there(town, call)
    await town.duty(unit)
    asked = await at_the_door(town, call, unit)
    await town.step(asked, "clear", unit, outcome="no_show")
    await town.running.do_due("not_carried")
    back = next(trip for trip in await town.trips(call) if trip["leg"] == "return")
    await town.post(f"/v1/trips/{back['id']}/ready")
    [offered] = await town.asked(call)
    assert (offered["trip_id"], offered["unit_id"]) == (back["id"], str(unit.id))
