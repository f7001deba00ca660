"""Volunteers around a call: all who are near at once, then those around them, until somebody says yes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from services.dispatch import policy
from services.dispatch.rules.circles import FARTHEST, circle_of
from services.dispatch.rules.eligibility import UnitFacts
from shared.geo import Point
from shared.pack_parts import DispatchPolicies
from tests.dispatch.conftest import HERE, NORTH, Town
from tests.harness import AREA

AUTO = DispatchPolicies(default_mode="auto", booked_mode="auto")


@pytest.fixture(autouse=True)
def circles_of_a_kilometre(town: Town) -> Iterator[None]:
    policy.set_policy(AREA, AUTO.model_copy(update={"circle_m": 1000.0, "circle_s": 60.0}))
    yield
    policy.set_policy(AREA, AUTO)


async def circles(town: Town, call_id: UUID) -> dict[int | None, set[str]]:
    """Circle → units that were asked in it."""
    found: dict[int | None, set[str]] = {}
    for each in (await town.trip(call_id))["assignments"]:
        found.setdefault(each["circle"], set()).add(each["unit_id"])
    return found


def ids(*units: Any) -> set[str]:
    return {str(unit.id) for unit in units}


async def test_circles_widen_until_somebody_accepts(town: Town) -> None:
    one, two = await town.unit(0.5, volunteer=True), await town.unit(0.9, volunteer=True)
    three, four = await town.unit(1.5, volunteer=True), await town.unit(1.9, volunteer=True)
    five = await town.unit(4.5, volunteer=True)
    call_id = await town.call(severity="green")
    assert await circles(town, call_id) == {1: ids(one, two)}
    [first, beside] = (await town.trip(call_id))["assignments"]
    assert (first["unit_id"], first["circle_m"], first["attempt"], beside["attempt"]) == (str(one.id), 1000.0, 1, 2)
    await town.step(first["id"], "decline", one)
    assert await circles(town, call_id) == {1: ids(one, two)}, "somebody may still say yes"
    await town.running.do_due("widen_circle")
    assert await circles(town, call_id) == {1: ids(one, two), 2: ids(three, four)}
    assert {each["unit_id"] for each in await town.asked(call_id)} == ids(two, three, four), (
        "and who was asked still is"
    )
    await town.running.do_due("widen_circle")
    assert (await circles(town, call_id))[5] == ids(five), "nobody waits for circles in which nobody is"
    await town.running.do_due("widen_circle")
    assert sum(len(each) for each in (await circles(town, call_id)).values()) == 5, "all were asked"
    said = [event["data"].get("circle") for event in await town.running.said("dispatch.assignment.offered")]
    assert said == [1, 1, 2, 2, 5]

    asked = {each["unit_id"]: each["id"] for each in await town.asked(call_id)}
    await town.step(asked[str(three.id)], "accept", three)
    assert [each["unit_id"] for each in await town.asked(call_id)] == [str(three.id)], "the others are let go"
    assert await town.running.sql("select from due where kind = 'widen_circle'") == []


async def test_a_crew_on_duty_that_is_best_is_ordered_alone(town: Town) -> None:
    staff = await town.unit(0.2)
    await town.unit(0.5, volunteer=True)
    call_id = await town.call(severity="green")
    assert await circles(town, call_id) == {None: ids(staff)}


async def test_who_cannot_do_it_is_not_asked_however_near(town: Town) -> None:
    fits = await town.unit(0.9, volunteer=True)
    await town.unit(0.5, volunteer=True, vehicle={"stretchers": 0})
    call_id = await town.call(severity="green", patients=[{"patient_id": str(UUID(int=7)), "mobility": "stretcher"}])
    assert await circles(town, call_id) == {1: ids(fits)}


async def test_one_after_the_other_where_no_circles_are_wanted(town: Town) -> None:
    policy.set_policy(AREA, AUTO)
    near, _ = await town.unit(0.5, volunteer=True), await town.unit(0.9, volunteer=True)
    call_id = await town.call(severity="green")
    assert await circles(town, call_id) == {None: ids(near)}


def test_circles_are_counted_from_the_place() -> None:
    place = Point(*HERE)

    def at(km: float | None) -> int:
        where = Point(HERE[0], HERE[1] + km * NORTH) if km is not None else None
        return circle_of(UnitFacts("u", "ambulance", "fr", "on_duty", station=where), place, 1000.0)

    assert [at(km) for km in (0.0, 0.5, 1.5, 4.5, 500.0, None)] == [1, 1, 2, 5, FARTHEST, FARTHEST]
