"""A tour that has begun takes one more rider, where nobody it carries or is to fetch loses by it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.dispatch import policy
from shared.pack_parts import DispatchPolicies
from shared.work import now_utc
from tests.dispatch.conftest import NORTH, Town, Unit
from tests.dispatch.test_booking import HOSPITAL
from tests.dispatch.test_tours import held, near, van
from tests.harness import AREA

HOME = {"lon": HOSPITAL["lon"], "lat": HOSPITAL["lat"] - 2 * NORTH, "address": "บ้านทดสอบ"}


@pytest.fixture
def by_itself(town: Town) -> Town:
    """The system asks crews without a dispatcher."""
    policy.set_policy(AREA, DispatchPolicies(default_mode="auto", booked_mode="auto", on_the_way="auto"))
    return town


async def offered(town: Town, call_id: UUID) -> list[dict[str, Any]]:
    """Who could come by."""
    found = await town.get(f"/v1/trips/{(await town.trip(call_id))['id']}/offers")
    return [each for each in found["items"] if each["on_the_way"]]


async def begun(town: Town, unit: Unit, *, km: float = 1.0, minutes: int = 75) -> UUID:
    """A tour that is on its way to its first rider."""
    await town.duty(unit)
    call_id = await near(town, km, now_utc() + timedelta(minutes=minutes))
    trip = await town.trip(call_id)
    start_at = now_utc() - timedelta(minutes=3)  # so that all appointments are kept by minutes, not by seconds
    body = {"unit_id": str(unit.id), "start_at": start_at.isoformat()}
    made = await town.post(f"/v1/trips/{trip['id']}/assign", body, status=201)
    await town.step(made["id"], "accept", unit)
    await town.step(made["id"], "en_route", unit)
    return call_id


async def waits(town: Town, km: float = 1.5) -> UUID:
    """Somebody whose ride is due, and for whom nobody is free."""
    call_id = await near(town, km, now_utc() + timedelta(minutes=65))
    await town.running.do_due("booked_due")
    await town.running.do_due("find_unit")
    return call_id


async def test_who_waits_is_taken_along_by_a_van_on_its_way(by_itself: Town) -> None:
    town = by_itself
    unit = await van(town, 2.0)
    first = await begun(town, unit)
    told, before = (await town.trip(first))["pickup_at"], await held(town, first)
    second = await waits(town)
    await town.running.do_due("on_the_way")
    asked = await held(town, second)
    assert (asked["run_id"], asked["unit_id"], asked["status"]) == (before["run_id"], str(unit.id), "offered")
    trip = await town.trip(second)
    assert (trip["status"], trip["pickup_at"]) == ("planned", asked["pickup_at"]), "the rider is told a time"
    assert (await town.trip(first))["pickup_at"] == told, "nobody's promise has moved"
    own = await held(town, first)
    stops = [own["pickup_at"], asked["pickup_at"], asked["dropoff_at"], own["dropoff_at"]]
    assert stops[0] < stops[1] < min(stops[2:]), "the crew's list has both before anybody is brought"
    [said] = [e for e in await town.running.said("dispatch.assignment.offered") if e["data"]["on_the_way"]]
    assert said["data"]["run_id"] == before["run_id"]
    for which, step in [(asked, "accept"), (own, "at_scene"), (own, "left_scene"), (asked, "en_route"),
                        (asked, "at_scene"), (asked, "left_scene"), (own, "at_destination"), (own, "clear"),
                        (asked, "at_destination"), (asked, "clear")]:  # fmt: skip
        await town.step(which["id"], step, unit)
    assert {(await town.trip(call))["status"] for call in (first, second)} == {"completed"}
    [closed] = await town.running.said("dispatch.run.closed")
    assert len(closed["data"]["trip_ids"]) == 2


async def test_a_crew_that_says_no_leaves_the_rider_to_others(by_itself: Town) -> None:
    town = by_itself
    unit = await van(town, 2.0)
    await begun(town, unit)
    second = await waits(town)
    await town.running.do_due("on_the_way")
    await town.step((await held(town, second))["id"], "decline", unit)
    assert (await town.trip(second))["status"] == "unassigned"
    await town.running.do_due("find_unit")
    await town.running.do_due("on_the_way")
    assert [each["status"] for each in (await town.trip(second))["assignments"]] == ["declined"], "nor asked again"


async def test_a_dispatcher_sees_the_van_that_comes_by_and_confirms(town: Town) -> None:
    """So it is where no pack says otherwise."""
    unit = await van(town, 2.0)
    first = await begun(town, unit)
    second = await waits(town)
    assert [each["unit_id"] for each in await offered(town, second)] == [str(unit.id)]
    await town.running.do_due("on_the_way")
    asked = await held(town, second)
    assert (asked["status"], asked["run_id"]) == ("proposed", None)
    assert (await held(town, first))["dropoff_at"] is not None
    [said] = await town.running.said("dispatch.assignment.proposed")
    assert said["data"]["on_the_way"] is True
    trip = await town.trip(second)
    made = await town.post(f"/v1/trips/{trip['id']}/assign", {"unit_id": str(unit.id)}, status=201)
    assert (made["status"], made["run_id"]) == ("offered", (await held(town, first))["run_id"])
    assert len([each for each in (await town.trip(second))["assignments"] if each["status"] == "offered"]) == 1


async def test_who_is_ready_to_go_home_rides_along(town: Town) -> None:
    """The van has brought somebody to the clinic and has its next rider there: two go home together."""
    unit = await van(town, 2.0)
    await begun(town, unit, km=2.0)
    call_id = await town.call(
        lane="booked", severity="green", kind="transfer", destination=HOSPITAL, location=HOME,
        appointment={"at": now_utc() - timedelta(hours=3), "clinic": "x", "return_trip": True, "duration_min": 60},
    )  # fmt: skip
    back = next(trip for trip in await town.trips(call_id) if trip["leg"] == "return")
    await town.post(f"/v1/trips/{back['id']}/ready", {"override": "came_otherwise"})
    [offer] = (await town.get(f"/v1/trips/{back['id']}/offers"))["items"]
    assert (offer["unit_id"], offer["on_the_way"], offer["shared"]) == (str(unit.id), True, 1)


@pytest.mark.parametrize("why", ["no_place", "duty_ends", "far"])
async def test_nobody_is_taken_along_at_the_cost_of_others(town: Town, why: str) -> None:
    unit = await van(town, 2.0, wheelchairs=1 if why == "no_place" else 2)
    first = await begun(town, unit)
    if why == "duty_ends":
        until = datetime.fromisoformat((await held(town, first))["dropoff_at"]) + timedelta(minutes=15)
        await town.running.sql("update unit set until_at = $2 where id = $1", unit.id, until)
    second = await waits(town, -25.0 if why == "far" else 1.5)
    assert await offered(town, second) == []
    await town.running.do_due("on_the_way")
    assert (await town.trip(second))["assignments"] == []
