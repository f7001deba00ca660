"""Infectious waste from the bag to the incinerator; and no cleaning, no order."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson

from shared.work import new_id, now_utc
from tests.dispatch.conftest import Town
from tests.harness import bearer

INFECTED = [{"patient_id": new_id(), "needs": ["infection_precaution"]}]
SKILLS = ("paramedic", "driving", "lifting", "infection_control")


async def test_no_cleaning_no_order(town: Town) -> None:
    unit = await town.unit(1, skills=SKILLS)
    call = await town.call(patients=[{**INFECTED[0], "patient_id": new_id()}])
    [assignment] = await town.asked(call)
    await town.drive(assignment["id"], unit)
    next_call = await town.call()
    assert await town.asked(next_call) == [], "contaminated: nobody is sent with it"
    await town.post(f"/v1/units/{unit.id}/disinfected", {}, headers=unit.headers)
    await town.running.do_due()
    assert [each["unit_id"] for each in await town.asked(next_call)] == [str(unit.id)]


async def packed(town: Town, **changes: Any) -> tuple[Any, Any]:
    """A unit, and what it packed after a trip."""
    unit = await town.unit(1, skills=SKILLS)
    call = await town.call(patients=[{**INFECTED[0], "patient_id": new_id()}])
    [assignment] = await town.asked(call)
    await town.drive(assignment["id"], unit)
    body = {"unit_id": str(unit.id), "trip_id": assignment["trip_id"], "bags": 3, "weight_g": 1200, **changes}
    return unit, await town.post("/v1/waste", body, status=201, headers=unit.headers)


async def test_every_hand_is_written_down_until_it_is_disposed_of(town: Town) -> None:
    unit, log = await packed(town, sealed=False)
    path = f"/v1/waste/{log['id']}/hand-overs"
    unsealed = await town.post(path, {"receiver": "station_store"}, status=409, headers=unit.headers)
    assert unsealed["code"] == "not_sealed"
    await town.post(f"/v1/waste/{log['id']}/sealed", headers=unit.headers)
    await town.post(path, {"receiver": "station_store"}, status=201, headers=unit.headers)
    assert (await town.post(path, {"receiver": "carrier", "bags": 4}, status=422))["code"] == "more_than_before"
    early = (now_utc() - timedelta(hours=2)).isoformat()
    assert (await town.post(path, {"receiver": "carrier", "at": early}, status=422))["code"] == "before_last"
    await town.post(path, {"receiver": "carrier", "bags": 2, "weight_g": 800}, status=201)
    done = await town.post(path, {"receiver": "incinerator"}, status=201)
    assert done["disposed_at"] is not None
    assert done["missing_bags"] == 1, "one bag was lost between station and carrier, and everybody sees it"
    assert (await town.post(path, {"receiver": "carrier"}, status=409))["code"] == "disposed"
    [row] = (await town.get("/v1/waste"))["items"]
    assert [(each["number"], each["receiver"], each["bags"]) for each in row["chain"]] == [
        (1, "station_store", 3), (2, "carrier", 2), (3, "incinerator", 2),
    ]  # fmt: skip
    said = await town.running.said("dispatch.waste.handed_over")
    assert len(said) == 3
    for each in said:
        assert each["correlation_id"] == unit.id, "of the unit: no stranger learns which call carried an infection"
        assert log["trip_id"] not in orjson.dumps(each["open_data"]).decode()


async def test_a_log_is_its_own_units(town: Town) -> None:
    unit, log = await packed(town)
    stranger = bearer("crew", subject="x", crew_id=str(new_id()))
    await town.post(f"/v1/waste/{log['id']}/hand-overs", {"receiver": "hospital"}, status=404, headers=stranger)
    await town.post("/v1/waste", {"unit_id": str(unit.id), "bags": 1}, status=404, headers=stranger)
    other = await town.unit(2)
    wrong = await town.post("/v1/waste", {"unit_id": str(other.id), "trip_id": log["trip_id"], "bags": 1}, status=422)
    assert wrong["code"] == "not_this_unit"
    later = (now_utc() + timedelta(hours=1)).isoformat()
    future = await town.post("/v1/waste", {"unit_id": str(unit.id), "bags": 1, "at": later}, status=422)
    assert future["code"] == "in_the_future"


async def test_the_same_log_sent_twice_is_one(town: Town) -> None:
    unit = await town.unit(1)
    body = {"unit_id": str(unit.id), "bags": 1}
    for _ in range(2):
        await town.post("/v1/waste", body, status=201, headers={**unit.headers, "Idempotency-Key": "once"})
    assert len((await town.get("/v1/waste"))["items"]) == 1


async def test_a_phone_names_its_log_and_sees_what_its_units_have_not_handed_on_to_the_end(town: Town) -> None:
    unit, other = await town.unit(1), await town.unit(2)
    body = {"id": str(new_id()), "unit_id": str(unit.id), "bags": 2}
    made = await town.post("/v1/waste", body, status=201, headers=unit.headers)
    assert made["id"] == body["id"]
    again = await town.post("/v1/waste", {**body, "unit_id": str(other.id)}, status=409, headers=other.headers)
    assert again["code"] == "packed_already"
    assert (await town.get("/v1/waste/own", headers=other.headers))["items"] == [], "another's is not shown"
    path = f"/v1/waste/{made['id']}/hand-overs"
    await town.post(path, {"receiver": "station_store"}, status=201, headers=unit.headers)
    [shown] = (await town.get("/v1/waste/own", headers=unit.headers))["items"]
    assert (shown["id"], [each["receiver"] for each in shown["chain"]]) == (made["id"], ["station_store"])
    await town.post(path, {"receiver": "incinerator"}, status=201, headers=unit.headers)
    assert (await town.get("/v1/waste/own", headers=unit.headers))["items"] == []
    await town.get("/v1/waste/own", status=403)
