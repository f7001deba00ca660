"""A unit on its way to something less urgent is sent to something more urgent, and its call gets another."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.dispatch import policy
from services.dispatch.verbs.bump import AGED
from shared.geo import Point
from shared.pack_parts import DispatchPolicies
from shared.work import now_utc
from tests.dispatch.conftest import HERE, NORTH, Town, Unit
from tests.harness import AREA


async def on_its_way(town: Town, unit: Unit, severity: str = "green", **call: Any) -> UUID:
    """A call whose unit has accepted and set out."""
    call_id = await town.call(severity=severity, **call)
    [asked] = await town.asked(call_id)
    assert asked["unit_id"] == str(unit.id)
    await town.drive(asked["id"], unit, until="en_route")
    return call_id


async def unit_of(town: Town, call_id: UUID) -> list[str]:
    return [each["unit_id"] for each in await town.asked(call_id)]


async def test_the_near_unit_is_taken_and_the_other_call_gets_the_far_one_at_once(town: Town) -> None:
    near = await town.unit(1)
    green = await on_its_way(town, near)
    far = await town.unit(20)
    red = await town.call(severity="red")
    assert await unit_of(town, red) == [str(near.id)]
    [released] = await town.running.said("dispatch.assignment.released")
    assert released["data"]["private"]["reason"] == "more_urgent"
    [lost] = await town.running.said("dispatch.trip.unassigned")
    assert lost["data"]["call_id"] == str(green)
    await town.running.do_due("find_unit")
    assert await unit_of(town, green) == [str(far.id)]
    open_runs = await town.running.sql("select unit_id from run where status = 'open'")
    assert {row["unit_id"] for row in open_runs} == {near.id, far.id}


async def test_nothing_is_taken_where_an_idle_unit_is_there_nearly_as_soon(town: Town) -> None:
    near = await town.unit(1)
    green = await on_its_way(town, near)
    idle = await town.unit(1.2)
    red = await town.call(severity="red")
    assert await unit_of(town, red) == [str(idle.id)]
    assert await unit_of(town, green) == [str(near.id)]


@pytest.mark.parametrize(
    ("held", "comes"), [("red", "red"), ("yellow", "yellow"), ("red", "yellow"), ("green", "white")]
)
async def test_nothing_is_taken_from_a_call_as_urgent(town: Town, held: str, comes: str) -> None:
    near = await town.unit(1)
    first = await on_its_way(town, near, held)
    second = await town.call(severity=comes)
    assert await unit_of(town, second) == []
    assert await unit_of(town, first) == [str(near.id)]


async def test_a_crew_that_has_not_answered_yet_is_sent_to_what_is_more_urgent(town: Town) -> None:
    near = await town.unit(1)
    green = await town.call(severity="green")
    assert await unit_of(town, green) == [str(near.id)]
    red = await town.call(severity="red")
    assert await unit_of(town, red) == [str(near.id)]
    await town.running.do_due("find_unit")
    assert (await town.trip(green))["status"] == "queued", "it waits where everybody sees it"
    assert await town.running.said("dispatch.trip.unassigned") == [], "it never had a unit"
    far = await town.unit(20)
    await town.running.do_due("find_unit")
    assert await unit_of(town, green) == [str(far.id)]


async def test_a_crew_that_has_been_silent_too_long_is_not_sent_elsewhere(town: Town) -> None:
    await town.unit(1)
    await town.call(severity="green")
    await town.running.sql("update assignment set respond_by_at = now() - interval '1 second'")
    assert await unit_of(town, await town.call(severity="red")) == []


async def test_a_patient_who_has_been_reached_keeps_the_unit(town: Town) -> None:
    near = await town.unit(1)
    call_id = await town.call(severity="green")
    [asked] = await town.asked(call_id)
    await town.drive(asked["id"], near, until="at_scene")
    assert await unit_of(town, await town.call(severity="red")) == []


async def test_a_call_loses_its_unit_once_and_not_after_a_long_wait(town: Town) -> None:
    near = await town.unit(1)
    green = await on_its_way(town, near)
    far = await town.unit(20)
    await town.call(severity="red")
    await town.running.do_due("find_unit")
    [again] = await town.asked(green)
    await town.drive(again["id"], far, until="en_route")
    assert await unit_of(town, await town.call(severity="red")) == [], "not a second time"

    third = await town.unit(2)
    await on_its_way(town, third, received_at=now_utc() - AGED - timedelta(seconds=5))
    assert await unit_of(town, await town.call(severity="red")) == [], "it has waited long enough"


async def test_an_unconfirmed_town_takes_nothing_by_itself(town: Town) -> None:
    near = await town.unit(1)
    await on_its_way(town, near)
    policy.set_policy(AREA, DispatchPolicies(default_mode="confirm"))
    assert await unit_of(town, await town.call(severity="red")) == []
    policy.set_policy(AREA, DispatchPolicies(default_mode="auto", choice="closest"))
    assert await unit_of(town, await town.call(severity="red")) == []


async def test_a_call_that_can_wait_spares_the_only_unit_of_a_quarter(town: Town) -> None:
    """Two units stand in the middle, one in the north where it is alone; the call is nearer to that one."""
    quarters = tuple(Point(HERE[0], HERE[1] + km * NORTH) for km in (-2, 1.4))
    policy.set_policy(AREA, DispatchPolicies(default_mode="auto"), demand=quarters)
    alone = await town.unit(1.4)
    south = [await town.unit(-2), await town.unit(-2)]
    location = {"lon": HERE[0], "lat": HERE[1] - 0.2 * NORTH, "address": "บ้านทดสอบ"}
    red = await town.call(severity="red", location=location)
    assert await unit_of(town, red) == [str(alone.id)], "who is in danger gets the soonest"
    [asked] = await town.asked(red)
    await town.step(asked["id"], "decline", alone, reason="vehicle_fault")
    await town.running.do_due("find_unit")
    [second] = await town.asked(red)
    assert second["unit_id"] in {str(unit.id) for unit in south}
    await town.post(f"/v1/trips/{(await town.trip(red))['id']}/cancel", {"reason": "went_alone"})
    green = await town.call(severity="green", location=location)
    [chosen] = await unit_of(town, green)
    assert chosen in {str(unit.id) for unit in south}
    trip = await town.trip(await town.call(severity="green", location=location))
    first = (await town.get(f"/v1/trips/{trip['id']}/recommendations"))["items"][0]
    assert first["unit_id"] != chosen
