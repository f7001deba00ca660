"""A facility is told who comes and answers; beds are held until a moment, used, and free again."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import pytest

from shared.work import new_id, now_utc
from tests.dispatch.conftest import HERE, Town
from tests.harness import AREA, bearer

PLACE = {"area": AREA, "kind": "hospital", "name": "โรงพยาบาลสมมติ", "lon": HERE[0], "lat": HERE[1]}


async def bed(town: Town) -> tuple[UUID, UUID]:
    """A facility, and a bed of it."""
    facility = await town.put("facilities", {**PLACE, "kind": "health_centre"})
    return facility, await town.put("beds", {"area": AREA, "facility_id": str(facility), "name": "เตียง 1"})


async def board(town: Town) -> dict[str, Any]:
    [only] = (await town.get("/v1/beds"))["items"]
    return dict(only)


async def test_a_facility_is_told_refuses_and_the_other_one_takes_the_person(town: Town) -> None:
    unit = await town.unit(1)
    first, second = await town.put("facilities", PLACE), await town.put("facilities", PLACE)
    call = await town.call()
    [assignment] = await town.asked(call)
    path = f"/v1/assignments/{assignment['id']}/alert"
    await town.drive(assignment["id"], unit, until="at_scene")
    soon = (now_utc() + timedelta(minutes=12)).isoformat()
    told = await town.post(path, {"facility_id": str(first), "expected_at": soon}, status=201, headers=unit.headers)
    again = await town.post(path, {"facility_id": str(first)}, status=201, headers=unit.headers)
    assert again["id"] == told["id"], "told once"
    answer = f"/v1/alerts/{told['id']}/answer"
    assert (await town.post(answer, {"accepts": False}, status=422))["code"] == "reason_missing"
    refusal = {"accepts": False, "reason": "no_bed", "other_facility_id": str(second)}
    refused = await town.post(answer, refusal)
    assert (refused["status"], refused["other_facility_id"]) == ("refused", str(second))
    assert (await town.post(answer, {"accepts": True}, status=409))["code"] == "answered"
    told = await town.post(path, {"facility_id": str(second)}, status=201, headers=unit.headers)
    await town.post(f"/v1/alerts/{told['id']}/answer", {"accepts": True})
    seen = (await town.get("/v1/alerts", headers=unit.headers))["items"]
    assert [each["status"] for each in seen] == ["accepted", "refused"]
    stranger = bearer("crew", subject="x", crew_id=str(new_id()))
    assert (await town.get("/v1/alerts", headers=stranger))["items"] == []
    await town.post(path, {"facility_id": str(first)}, status=404, headers=stranger)
    assert await town.types("dispatch.facility") == [
        "facility.alerted", "facility.refused", "facility.alerted", "facility.accepted",
    ]  # fmt: skip
    for row in await town.running.said("dispatch.facility"):
        assert str(first) not in orjson.dumps(row["open_data"]).decode()
        assert str(first) != str(row["aggregate_id"])


async def test_nobody_is_announced_who_will_not_come(town: Town) -> None:
    unit = await town.unit(1)
    facility = await town.put("facilities", PLACE)
    call = await town.call()
    [assignment] = await town.asked(call)
    path = f"/v1/assignments/{assignment['id']}/alert"
    assert (await town.post(path, {}, status=422))["code"] == "no_facility"
    assert (await town.post(path, {"facility_id": str(new_id())}, status=422))["code"] == "unknown_facility"
    await town.drive(assignment["id"], unit, until="at_base")
    assert (await town.post(path, {"facility_id": str(facility)}, status=409))["code"] == "assignment_over"


async def test_a_bed_is_held_used_and_free_again(town: Town) -> None:
    await town.unit(1)
    _, bed_id = await bed(town)
    trip = (await town.trip(await town.call()))["id"]
    assert (await board(town))["state"] == "free"
    held = await town.post(f"/v1/beds/{bed_id}/hold", {"trip_id": trip}, status=201)
    assert (await board(town))["state"] == "held"
    assert (await town.post(f"/v1/beds/{bed_id}/hold", {}, status=409))["code"] == "bed_taken"
    [facility] = (await town.get("/v1/facilities"))["items"]
    assert facility["beds_free"] == 0
    await town.post(f"/v1/bed-holds/{held['id']}/use")
    await town.running.do_due("bed_expires")
    assert (await board(town))["state"] == "used", "somebody lies in it"
    await town.post(f"/v1/bed-holds/{held['id']}/release", {"reason": "went_home"})
    assert (await board(town))["state"] == "free"
    assert (await town.post(f"/v1/bed-holds/{held['id']}/release", {}, status=409))["code"] == "hold_over"
    assert await town.types("dispatch.bed") == ["bed.held", "bed.used", "bed.released"]


async def test_a_hold_ends_by_itself(town: Town) -> None:
    _, bed_id = await bed(town)
    await town.post(f"/v1/beds/{bed_id}/hold", {}, status=201)
    assert await town.running.do_due("bed_expires") == 1
    assert (await board(town))["state"] == "free"
    [said] = await town.running.said("dispatch.bed.released")
    assert said["data"]["private"]["reason"] == "expired"
    assert said["data"]["by"] == "system"
    long = (now_utc() + timedelta(hours=13)).isoformat()
    assert (await town.post(f"/v1/beds/{bed_id}/hold", {"until_at": long}, status=422))["code"] == "hold_length"


async def test_of_many_who_want_a_bed_one_gets_it(town: Town) -> None:
    _, bed_id = await bed(town)
    ask = town.running.client.post
    answers = await asyncio.gather(*(ask(f"/v1/beds/{bed_id}/hold", json={}, headers=town.desk) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    with pytest.raises(asyncpg.UniqueViolationError):
        await town.running.sql(
            "insert into bed_hold (id, area, bed_id, held_at, expires_at) select gen_random_uuid(), area, bed_id, held_at, expires_at from bed_hold"
        )
