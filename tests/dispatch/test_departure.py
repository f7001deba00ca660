"""A crew that accepts an emergency has to set out: else the desk is alarmed and the next unit alerted beside it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.dispatch.conftest import Town, Unit
from tests.patience import PATIENCE_S

TIMER = "departure_overdue"


async def accepted(town: Town, unit: Unit, **call: object) -> tuple[object, str]:
    """A call whose trip this crew has accepted; call and assignment."""
    call_id = await town.call(**call)
    [asked] = await town.asked(call_id)
    assert asked["unit_id"] == str(unit.id)
    await town.step(asked["id"], "accept", unit)
    return call_id, asked["id"]


async def overdue(town: Town) -> dict[str, dict]:
    """The time is up; who is on the trip or asked for it, by unit."""
    await town.running.sql("update due set due_at = clock_timestamp() - interval '1 hour' where kind = $1", TIMER)
    assert await town.running.runtime.due.do_one()
    rows = await town.running.sql("select * from assignment where ended_at is null")
    return {str(row["unit_id"]): dict(row) for row in rows}


@pytest.mark.parametrize(("severity", "seconds"), [("red", 120), ("yellow", 180), ("green", 300)])
async def test_how_long_a_crew_has_is_a_matter_of_the_pack(town: Town, severity: str, seconds: int) -> None:
    unit = await town.unit(1)
    _, assignment_id = await accepted(town, unit, severity=severity)
    [due] = await town.running.sql("select due_at - now() as left from due where kind = $1", TIMER)
    assert timedelta(0) <= timedelta(seconds=seconds) - due["left"] < timedelta(seconds=PATIENCE_S)
    await town.step(assignment_id, "en_route", unit)
    assert await town.running.sql("select 1 from due where kind = $1", TIMER) == []


async def test_the_next_is_alerted_beside_a_crew_that_does_not_set_out_and_the_trip_stays_with_it(town: Town) -> None:
    first, second, third = await town.unit(1), await town.unit(2), await town.unit(3)
    call_id, assignment_id = await accepted(town, first)
    for _ in range(2):  # looked at again: nobody else while the next one may still answer, and said once
        now = await overdue(town)
        assert {unit_id: each["status"] for unit_id, each in now.items()} == {
            str(first.id): "accepted", str(second.id): "ordered",
        }  # fmt: skip
    [said] = await town.running.said("dispatch.assignment.delayed")
    assert said["aggregate_id"] == now[str(first.id)]["id"]
    depart_by_at = datetime.fromisoformat(said["data"]["depart_by_at"])
    assert abs(depart_by_at - now[str(first.id)]["accepted_at"] - timedelta(seconds=120)) < timedelta(
        seconds=PATIENCE_S
    )
    assert (await town.trip(call_id))["status"] == "planned"

    # The second says no: the trip is still the first one's, and the third is alerted.
    await town.step(now[str(second.id)]["id"], "decline", second)
    assert (await town.trip(call_id))["status"] == "planned"
    assert set(await overdue(town)) == {str(first.id), str(third.id)}
    await town.step(assignment_id, "en_route", first)
    [goes] = await town.asked(call_id)
    assert goes["unit_id"] == str(first.id)
    assert "trip.unassigned" not in await town.types("dispatch.trip")
    assert await town.running.sql("select 1 from due where kind = $1", TIMER) == []


async def test_the_next_that_accepts_takes_the_trip_and_who_did_not_set_out_is_free_again(town: Town) -> None:
    first, second = await town.unit(1), await town.unit(2)
    call_id, assignment_id = await accepted(town, first)
    alerted = (await overdue(town))[str(second.id)]
    await town.step(alerted["id"], "accept", second)
    [kept] = await town.asked(call_id)
    assert kept["unit_id"] == str(second.id)
    assert (await town.step(assignment_id, "en_route", first, status=409))["code"] == "taken"
    [replanned] = await town.running.said("dispatch.trip.replanned")
    assert (replanned["data"]["previous_unit_id"], replanned["data"]["unit_id"]) == (str(first.id), str(second.id))
    [open_run] = await town.running.sql("select unit_id from run where status = 'open'")
    assert open_run["unit_id"] == second.id
    for step in ("en_route", "at_scene", "left_scene", "at_destination", "clear"):
        await town.step(kept["id"], step, second)
    assert (await town.trip(call_id))["status"] == "completed"


async def test_a_crew_that_gives_back_what_it_accepted_leaves_it_to_the_one_alerted_beside_it(town: Town) -> None:
    first, second = await town.unit(1), await town.unit(2)
    call_id, assignment_id = await accepted(town, first)
    alerted = (await overdue(town))[str(second.id)]
    await town.post(f"/v1/assignments/{assignment_id}/release", {"reason": "vehicle_fault"})
    assert (await town.trip(call_id))["status"] == "unassigned"
    await town.step(alerted["id"], "accept", second)
    assert (await town.trip(call_id))["status"] == "planned"


async def test_green_is_an_alarm_only_and_what_is_entered_from_paper_none(town: Town) -> None:
    first, second = await town.unit(1), await town.unit(2)
    await accepted(town, first, severity="green")
    assert str(second.id) not in await overdue(town)
    assert len(await town.running.said("dispatch.assignment.delayed")) == 1
    paper = await town.call(back_entry=True)
    trip = await town.trip(paper)
    start_at = (datetime.fromisoformat(trip["received_at"]) + timedelta(seconds=1)).isoformat()
    made = await town.post(
        f"/v1/trips/{trip['id']}/assign", {"unit_id": str(second.id), "start_at": start_at}, status=201
    )
    await town.step(made["id"], "accept")
    assert await town.running.sql("select 1 from due where kind = $1", TIMER) == []


async def test_where_nobody_else_is_free_it_is_tried_again_until_somebody_is(town: Town) -> None:
    first = await town.unit(1)
    call_id, _ = await accepted(town, first)
    assert set(await overdue(town)) == {str(first.id)}
    queue = await town.get("/v1/queue")
    assert queue["items"] == [], "it has a crew"
    second = await town.unit(2)
    assert set(await overdue(town)) == {str(first.id), str(second.id)}
    assert (await town.trip(call_id))["status"] == "planned"
