"""Who serves: people without an account by the code on a station's wall, and hours by month."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

from shared.thai.dates import day_bounds, local_day
from shared.work import now_utc
from tests.dispatch.conftest import HERE, Town
from tests.harness import AREA, bearer

NEW = {"name": "สมศรี มาช่วย", "phone": "086 555 1234"}


async def wall(town: Town) -> str:
    """A station's code."""
    station = await town.put("stations", {"area": AREA, "name": "ฐานหน้าตลาด", "lon": HERE[0], "lat": HERE[1]})
    return str((await town.post(f"/v1/stations/{station}/code"))["code"])


async def hours(town: Town) -> dict[str, Any]:
    return {each["name"]: each for each in (await town.get("/v1/hours"))["items"]}


async def test_somebody_without_an_account_comes_helps_and_leaves(town: Town) -> None:
    code = await wall(town)
    come = await town.post("/v1/check-ins", {"code": code, **NEW}, status=201, headers={})
    assert come["station"] == "ฐานหน้าตลาด"
    assert "สมศรี" not in str(come), "whoever reads the answer learns nothing of a person"
    again = await town.post("/v1/check-ins", {"code": code, **NEW}, status=201, headers={})
    assert again["began_at"] == come["began_at"]
    [here] = (await town.get("/v1/attendance"))["items"]
    assert here["name"] == NEW["name"]
    await town.running.sql("update served set began_at = began_at - interval '90 minutes'")
    left = await town.post("/v1/check-outs", {"code": code, "phone": "0865551234"}, headers={})
    assert left["ended_at"] is not None
    assert (await town.get("/v1/attendance"))["items"] == []
    gone = await town.post("/v1/check-outs", {"code": code, "phone": NEW["phone"]}, status=409, headers={})
    assert gone["code"] == "not_here"
    [member] = [each for each in (await town.get("/v1/crew"))["items"] if each["name"] == NEW["name"]]
    assert (member["kind"], member["skills"], member["phone"]) == ("volunteer", {}, "+66865551234")
    assert await town.types("dispatch.crew") == ["crew.registered"], "a member like any other: told, and erased, as one"


async def test_who_is_erased_is_nowhere(town: Town) -> None:
    code = await wall(town)
    await town.post("/v1/check-ins", {"code": code, **NEW}, status=201, headers={})
    [here] = (await town.get("/v1/attendance"))["items"]
    await town.post(f"/v1/crew/{here['crew_id']}/erase", status=204, headers=bearer("supervisor"))
    assert (await town.get("/v1/attendance"))["items"] == []
    again = await town.post("/v1/check-ins", {"code": code, **NEW}, status=201, headers={})
    assert again["began_at"] > here["began_at"], "whoever comes again is new to us"
    assert NEW["name"] not in str(await town.running.sql("select * from crew where id = $1", UUID(here["crew_id"])))


async def test_two_phones_at_once_make_one_member_and_a_new_code_ends_the_old_one(town: Town) -> None:
    station = await town.put("stations", {"area": AREA, "name": "ฐาน", "lon": HERE[0], "lat": HERE[1]})
    old = (await town.post(f"/v1/stations/{station}/code"))["code"]
    await asyncio.gather(*(town.post("/v1/check-ins", {"code": old, **NEW}, status=201, headers={}) for _ in range(4)))
    assert len((await town.get("/v1/attendance"))["items"]) == 1
    assert len((await town.get("/v1/crew"))["items"]) == 1
    await town.post(f"/v1/stations/{station}/code")
    refused = await town.post("/v1/check-ins", {"code": old, **NEW}, status=404, headers={})
    assert refused["code"] == "unknown_code"


async def test_who_forgets_to_check_out_counts_when_somebody_says_how_long(town: Town) -> None:
    code = await wall(town)
    await town.post("/v1/check-ins", {"code": code, **NEW}, status=201, headers={})
    await town.running.sql("update served set began_at = began_at - interval '13 hours'")
    assert await town.running.do_due("check_in_ends") == 1
    [here] = (await town.get("/v1/attendance"))["items"]
    assert here["forgotten"]
    assert await hours(town) == {}
    path = f"/v1/attendance/{here['id']}/end"
    early = await town.post(path, {"at": (now_utc() - timedelta(days=2)).isoformat()}, status=422)
    assert early["code"] == "ends_wrong"
    await town.post(path, {"at": (now_utc() - timedelta(hours=11)).isoformat()}, status=204)
    assert (await town.get("/v1/attendance"))["items"] == []
    assert (await town.post(path, {}, status=409))["code"] == "over"


async def test_hours_are_those_on_duty_and_at_stations_and_what_overlaps_counts_once(town: Town) -> None:
    unit = await town.unit(1, crew=1)
    begins = day_bounds(local_day(now_utc()).replace(day=1))[0]
    sql, member = town.running.sql, unit.crew[0]
    # On duty for an hour and a half of this month's first two hours, and at the station for the second of them.
    await sql(
        "update served set began_at = $1::timestamptz - interval '1 hour', ended_at = $1::timestamptz + interval '90 minutes'",
        begins,
    )
    station = (await sql("select station_id from unit"))[0]["station_id"]
    insert = "insert into served (id, area, crew_id, station_id, began_at, ended_at) values (gen_random_uuid(), $1, $2, $3, $4::timestamptz + interval '1 hour', $4::timestamptz + interval '2 hours')"
    await sql(insert, AREA, member, station, begins)
    month = (local_day(now_utc()).replace(day=1)).isoformat()
    [row] = (await town.get("/v1/hours", month=month))["items"]
    assert (row["times"], row["served_s"]) == (2, 7200.0)


async def test_duty_is_served_from_sign_on_to_sign_off(town: Town) -> None:
    unit = await town.unit(1)
    one, other = unit.crew
    await town.duty(unit, crew_ids=[str(one)])  # the other one goes home
    rows = await town.running.sql("select crew_id, ended_at from served order by began_at")
    assert {(row["crew_id"], row["ended_at"] is None) for row in rows} == {(one, True), (other, False)}
    await town.duty(unit, on=False)
    assert await town.running.sql("select from served where ended_at is null") == []
    exercise = await town.unit(2, exercise=True)
    assert await town.running.sql("select from served where unit_id = $1", exercise.id) == []
