"""Booked rides: who could take one, and a day planned at once, seen and then published."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from shared.work import new_id
from tests.dispatch.conftest import Town
from tests.dispatch.test_booking import ride, tomorrow
from tests.harness import bearer


async def offers(town: Town, call_id: UUID) -> dict[str, Any]:
    found: dict[str, Any] = await town.get(f"/v1/trips/{(await town.trip(call_id))['id']}/offers")
    return found


async def test_the_offers_of_a_ride_can_be_booked_as_they_stand(town: Town) -> None:
    near, far = await town.unit(1, on=False), await town.unit(6, on=False)
    call_id = await ride(town)
    found = await offers(town, call_id)
    assert [each["unit_id"] for each in found["items"]] == [str(near.id), str(far.id)]
    first = found["items"][0]
    trip = await town.trip(call_id)
    assert datetime.fromisoformat(first["pickup_at"]) <= datetime.fromisoformat(trip["pickup_latest_at"])
    assert 0 <= first["early_s"] < 60, "as late as still reaches the appointment, on a whole minute"
    booking = {"unit_id": first["unit_id"], "pickup_at": first["pickup_at"]}
    await town.post(f"/v1/trips/{trip['id']}/assign", booking, status=201)
    planned = await town.trip(call_id)
    assert (planned["status"], planned["pickup_at"]) == ("planned", first["pickup_at"])


async def test_a_unit_that_is_bound_is_offered_earlier_or_not_at_all(town: Town) -> None:
    only = await town.unit(1, on=False)
    first, second, third = await ride(town), await ride(town), await ride(town)
    await town.post(f"/v1/trips/{(await town.trip(first))['id']}/assign", {"unit_id": str(only.id)}, status=201)
    [earlier] = (await offers(town, second))["items"]
    assert earlier["early_s"] > 600
    booking = {"unit_id": earlier["unit_id"], "pickup_at": earlier["pickup_at"]}
    await town.post(f"/v1/trips/{(await town.trip(second))['id']}/assign", booking, status=201)
    left = await offers(town, third)
    assert (left["items"], left["unserved"]["code"]) == ([], "all_bound")
    assert "one more between" in left["unserved"]["en"]
    assert "หนึ่งหน่วย" in left["unserved"]["th"]


async def test_what_is_missing_is_named_in_both_languages(town: Town) -> None:
    await town.unit(1, vehicle={"stretchers": 0, "wheelchairs": 0})
    left = (await offers(town, await ride(town)))["unserved"]
    assert left["code"] == "nobody_fits"
    assert "wheelchair" in left["en"].lower()
    assert "รถเข็น" in left["th"] or "วีลแชร์" in left["th"]


async def test_a_day_is_seen_first_and_then_published(town: Town) -> None:
    units = [await town.unit(1, on=False), await town.unit(2, on=False)]
    calls = [await ride(town, tomorrow(hour)) for hour in (2, 2, 5)]
    day = (await town.trip(calls[0]))["on_day"]
    seen = await town.post("/v1/plans/day", {"on": day}, status=200)
    assert (len(seen["planned"]), seen["unserved"], seen["published"]) == (3, [], 0)
    assert {(await town.trip(call))["status"] for call in calls} == {"requested"}, "nothing was touched"
    at_two = [each["unit_id"] for each in seen["planned"][:2]]
    assert set(at_two) == {str(unit.id) for unit in units}, "two at once are two vehicles"

    made = await town.post("/v1/plans/day", {"on": day, "publish": True}, status=200)
    assert made["published"] == 3
    assert made["planned"] == seen["planned"]
    for call in calls:
        trip = await town.trip(call)
        assert trip["status"] == "planned"
        [asked] = trip["assignments"]
        assert asked["status"] == "offered"
    again = await town.post("/v1/plans/day", {"on": day, "publish": True}, status=200)
    assert (again["planned"], again["unserved"], again["published"]) == ([], [], 0)
    assert len(await town.running.said("dispatch.trip.planned")) == 3


async def test_a_ride_nobody_can_take_has_its_reason_and_the_others_go(town: Town) -> None:
    await town.unit(1, on=False, vehicle={"stretchers": 0})
    walks = await ride(town)
    lies = await town.call(
        lane="booked", severity="green", kind="transfer", appointment={"at": tomorrow(), "clinic": "x", "duration_min": 60},
        destination={"lon": 103.506, "lat": 16.45}, patients=[{"patient_id": new_id(), "mobility": "stretcher"}],
    )  # fmt: skip
    day = (await town.trip(walks))["on_day"]
    made = await town.post("/v1/plans/day", {"on": day, "publish": True}, status=200)
    assert made["published"] == 1
    [left] = made["unserved"]
    assert (left["trip_id"], left["code"]) == ((await town.trip(lies))["id"], "nobody_fits")


async def test_of_two_for_one_place_the_visit_of_a_series_goes_whichever_was_asked_for_first(town: Town) -> None:
    await town.unit(1, on=False, vehicle={"wheelchairs": 1})
    single = await ride(town)
    series = await ride(town, appointment={"series_of": new_id(), "occurrence": 3})
    last = await ride(town)
    day = (await town.trip(single))["on_day"]
    seen = await town.post("/v1/plans/day", {"on": day}, status=200)
    left = {each["trip_id"] for each in seen["unserved"]}
    assert left
    assert left <= {(await town.trip(call))["id"] for call in (single, last)}
    assert (await town.trip(series))["id"] in {each["trip_id"] for each in seen["planned"]}


@pytest.mark.parametrize(("role", "status"), [("call_taker", 403), ("supervisor", 200)])
async def test_who_may_plan_a_day(town: Town, role: str, status: int) -> None:
    answer = await town.running.client.post("/v1/plans/day", json={"on": "2026-11-23"}, headers=bearer(role))
    assert answer.status_code == status
    both = bearer("supervisor", areas=["kalasin", "sample"])
    unclear = await town.running.client.post("/v1/plans/day", json={"on": "2026-11-23"}, headers=both)
    assert [error["field"] for error in unclear.json()["errors"]] == ["area"]


async def test_an_emergency_has_no_offers(town: Town) -> None:
    trip = await town.trip(await town.call())
    answer = await town.running.client.get(f"/v1/trips/{trip['id']}/offers", headers=town.desk)
    assert (answer.status_code, answer.json()["code"]) == (409, "not_booked")
    missing = await town.running.client.get(f"/v1/trips/{new_id()}/offers", headers=town.desk)
    assert missing.status_code == 404
