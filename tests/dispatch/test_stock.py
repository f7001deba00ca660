"""Hydrants with their checks and gaps; what neighbourhoods keep, and what is out with a trip."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.dispatch.rules.coverage_gaps import gaps
from shared.geo import Point, distance_m
from shared.thai.dates import local_day
from shared.work import new_id, now_utc
from tests.dispatch.conftest import HERE, NORTH, Town
from tests.harness import AREA, problem_of

KEPT = {"area": AREA, "kind": "aed", "community": "ชุมชนวัดกลาง", "count": 3}


async def hydrant(town: Town, km: float = 0) -> UUID:
    body = {"area": AREA, "name": "หัวแดงหน้าตลาด", "lon": HERE[0], "lat": HERE[1] + km * NORTH}
    return await town.put("hydrants", body)


async def look(town: Town, which: UUID, status: str, hours_ago: float = 0, **more: Any) -> Any:
    at = (now_utc() - timedelta(hours=hours_ago)).isoformat()
    return await town.post(f"/v1/hydrants/{which}/checks", {"status": status, "at": at, **more})


async def test_a_hydrant_stands_as_it_was_last_seen(town: Town) -> None:
    which = await hydrant(town)
    [fresh] = (await town.get("/v1/hydrants"))["items"]
    assert (fresh["status"], fresh["checked_at"]) == ("unchecked", None)
    await look(town, which, "working", 5)
    broken = await look(town, which, "broken", 1, note="ฝาหาย")
    late = await look(town, which, "working", 3)
    assert (broken["status"], late["status"]) == ("broken", "broken"), "a check told late does not overrule a newer one"
    assert len(await town.running.sql("select from hydrant_check")) == 3, "every check stays"
    future = {"status": "working", "at": (now_utc() + timedelta(hours=2)).isoformat()}
    assert (await town.post(f"/v1/hydrants/{which}/checks", future, status=422))["code"] == "in_the_future"


async def test_a_check_sent_twice_with_one_key_is_one_check(town: Town) -> None:
    which, headers = await hydrant(town), {**town.desk, "Idempotency-Key": "once"}
    sent = [await town.post(f"/v1/hydrants/{which}/checks", {"status": "working"}, headers=headers) for _ in range(2)]
    assert sent[0] == sent[1]
    assert len(await town.running.sql("select from hydrant_check")) == 1


async def test_a_hydrant_stands_in_thailand(town: Town) -> None:
    body = {"area": AREA, "name": "หัวแดง", "lon": 103.5, "lat": 16.43}
    for changed, fields in (({"lon": 0, "lat": 0}, ["lon", "lat"]), ({"lat": 48.2}, ["lat"])):
        refused = await town.running.client.put(f"/v1/hydrants/{new_id()}", json=body | changed, headers=town.desk)
        assert (refused.status_code, [each["field"] for each in problem_of(refused)["errors"]]) == (422, fields)


async def test_gaps_are_communities_without_a_hydrant_that_gives_water(town: Town) -> None:
    from dataclasses import replace

    from services.dispatch import policy

    near, far = Point(*HERE), Point(HERE[0], HERE[1] + 3 * NORTH)
    policy._policies[AREA] = replace(policy.policy_of(AREA), demand=(near, far))
    nothing = await town.get("/v1/hydrant-gaps")
    assert (nothing["places"], len(nothing["items"])) == (2, 2)
    which = await hydrant(town)
    await look(town, which, "working")
    found = await town.get("/v1/hydrant-gaps", within_m=500)
    assert [(round(each["nearest_m"], -2), each["nearest_id"]) for each in found["items"]] == [(3000, str(which))]
    await look(town, which, "broken")
    assert len((await town.get("/v1/hydrant-gaps"))["items"]) == 2


PLACES = st.builds(Point, st.floats(103, 104), st.floats(16, 17))


@given(st.lists(PLACES, max_size=5), st.lists(PLACES, max_size=5), st.floats(10, 20_000))
def test_a_place_is_a_gap_or_has_water_near(places: list[Point], hydrants: list[Point], within_m: float) -> None:
    found = [gap.place for gap in gaps(places, [(str(n), at) for n, at in enumerate(hydrants)], within_m)]
    for place in places:
        assert (place in found) != any(distance_m(place, at) <= within_m for at in hydrants)


async def test_equipment_is_lent_to_a_trip_and_comes_back(town: Town) -> None:
    await town.unit(1)
    account = await town.put("equipment", {**KEPT, "maintenance_due_on": local_day(now_utc()).isoformat()})
    trip = (await town.trip(await town.call()))["id"]
    path = f"/v1/equipment/{account}/loans"
    loan = await town.post(path, {"trip_id": trip, "count": 2}, status=201)
    [row] = (await town.get("/v1/equipment"))["items"]
    assert (row["count"], row["lent"]) == (3, 2)
    assert (await town.post(path, {"trip_id": trip, "count": 2}, status=409))["code"] == "not_enough"
    less = await town.running.client.put(f"/v1/equipment/{account}", json={**KEPT, "count": 1}, headers=town.desk)
    assert less.json()["code"] == "out_on_loan"
    [out] = (await town.get("/v1/equipment-loans"))["items"]
    assert (out["id"], out["kind"]) == (loan["id"], "aed")
    await town.post(f"/v1/equipment-loans/{loan['id']}/return", {"condition": "lost"})
    assert (await town.post(f"/v1/equipment-loans/{loan['id']}/return", {}, status=409))["code"] == "returned"
    [row] = (await town.get("/v1/equipment"))["items"]
    assert (row["count"], row["lent"]) == (1, 0), "what is lost leaves the account"
    last = await town.post(path, {"trip_id": trip}, status=201)
    await town.post(f"/v1/equipment-loans/{last['id']}/return", {"condition": "broken"})
    assert (await town.post(path, {"trip_id": trip}, status=409))["code"] == "not_fit"


async def test_one_that_comes_back_broken_is_lent_no_more_and_the_others_are(town: Town) -> None:
    account = await town.put("equipment", {**KEPT, "count": 3})
    trip = (await town.trip(await town.call()))["id"]
    path = f"/v1/equipment/{account}/loans"
    loan = await town.post(path, {"trip_id": trip}, status=201)
    await town.post(f"/v1/equipment-loans/{loan['id']}/return", {"condition": "broken"})
    [row] = (await town.get("/v1/equipment"))["items"]
    assert (row["count"], row["condition"]) == (2, "good")
    both = await town.post(path, {"trip_id": trip, "count": 2}, status=201)
    await town.post(f"/v1/equipment-loans/{both['id']}/return", {"condition": "broken"})
    assert (await town.post(path, {"trip_id": trip}, status=409))["code"] == "not_fit", "none of it is left"
    await town.put("equipment", {**KEPT, "count": 3}, account)
    await town.post(path, {"trip_id": trip, "count": 3}, status=201)


async def test_of_many_who_want_the_last_one_one_gets_it(town: Town) -> None:
    await town.unit(1)
    account = await town.put("equipment", {**KEPT, "count": 1})
    trip = (await town.trip(await town.call()))["id"]
    ask = town.running.client.post
    body, path = {"trip_id": trip}, f"/v1/equipment/{account}/loans"
    answers = await asyncio.gather(*(ask(path, json=body, headers=town.desk) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    assert (await town.post(path, {"trip_id": str(new_id())}, status=404))["code"] == "not_found"
