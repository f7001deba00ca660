"""Resources as they are put, duty, and cleanliness."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from shared.work import new_id, now_utc
from tests.dispatch.conftest import Town
from tests.harness import bearer, problem_of

STATION = {"area": "kalasin", "name": "ฐานกลาง", "lon": 103.5, "lat": 16.4}
FACILITY = {**STATION, "kind": "hospital", "name": "โรงพยาบาลสมมติ"}
VEHICLE = {"area": "kalasin", "kind": "ambulance", "name": "กู้ชีพ 1", "seats": 2, "stretchers": 1, "equipment": ["aed"]}
CREW = {"area": "kalasin", "kind": "volunteer", "name": "สมชาย ใจดี", "phone": "081-234 5678",
        "line_user_id": "Uabc", "skills": {"first_aid": "2030-01-31", "driving": None}}  # fmt: skip
UNIT = {"area": "kalasin", "call_sign": "กาฬสินธุ์ 1", "level": "bls"}
BODIES: dict[str, dict[str, Any]] = {
    "stations": STATION, "facilities": FACILITY, "vehicles": VEHICLE, "crew": CREW, "units": UNIT,
}  # fmt: skip


@pytest.mark.parametrize("noun", BODIES)
async def test_put_makes_changes_and_leaves_what_is_the_same(town: Town, noun: str) -> None:
    path, body = f"/v1/{noun}/{new_id()}", BODIES[noun]
    client = town.running.client
    made = await client.put(path, json=body, headers=town.desk)
    assert (made.status_code, made.json()["changed"]) == (201, True), made.text
    said = len(await town.running.said())
    again = await client.put(path, json=body, headers=town.desk)
    assert (again.status_code, again.json()["changed"]) == (200, False)
    assert len(await town.running.said()) == said, "the same body says nothing"
    name = "call_sign" if noun == "units" else "name"
    changed = await client.put(path, json={**body, name: "ชื่อใหม่"}, headers=town.desk)
    assert (changed.status_code, changed.json()["changed"]) == (200, True)
    listed = (await town.get(f"/v1/{noun}"))["items"]
    assert [each[name] for each in listed] == ["ชื่อใหม่"]
    elsewhere = await client.put(path, json={**body, "area": "elsewhere"}, headers=bearer("admin", areas=["elsewhere"]))
    assert elsewhere.status_code == 404, "another municipality's id"
    assert (await client.get(f"/v1/{noun}", headers=bearer("admin", areas=["elsewhere"]))).json()["items"] == []


async def test_lists_are_paged(town: Town) -> None:
    ids = sorted([str(await town.put("stations", STATION)) for _ in range(5)])
    found: list[str] = []
    after: dict[str, str] = {}
    while True:
        page = await town.get("/v1/stations", limit="2", **after)
        found += [each["id"] for each in page["items"]]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert found == ids


async def test_the_others_hear_how_to_reach_a_crew_member_and_outsiders_do_not(town: Town) -> None:
    crew_id = await town.put("crew", CREW)
    await town.put("crew", {**CREW, "phone": "0899999999"}, crew_id)
    registered, changed = await town.running.said("dispatch.crew")
    assert registered["type"] == "dispatch.crew.registered.v1"
    assert registered["data"]["private"]["phone"] == "+66812345678"
    assert registered["data"]["private"]["skills"] == ["driving", "first_aid"]
    assert changed["data"]["private"]["phone"] == "+66899999999"
    assert "สมชาย" not in str(registered["open_data"])
    assert "668" not in str(changed["open_data"])


async def test_erasing_a_crew_member_leaves_nothing_personal_here(town: Town) -> None:
    unit = await town.unit(crew=2)
    crew_id = unit.crew[0]
    await town.put("crew", CREW, crew_id)
    await town.post(f"/v1/crew/{crew_id}/erase", status=403)
    await town.post(f"/v1/crew/{crew_id}/erase", status=204, headers=bearer("supervisor"))
    everything = str(
        [dict(row) for row in await town.running.sql("select * from crew where id = $1", crew_id)]
        + [
            dict(row)
            for row in await town.running.sql("select data, open_data from event_log where aggregate_id = $1", crew_id)
        ]
    )
    assert "สมชาย" not in everything
    assert "81234" not in everything
    assert (await town.types("dispatch.crew"))[-1] == "crew.erased"
    [board] = (await town.get("/v1/units"))["items"]
    assert str(crew_id) not in board["crew_ids"] + board["usual_crew_ids"]
    answer = await town.running.client.put(f"/v1/crew/{crew_id}", json=CREW, headers=town.desk)
    assert answer.status_code == 409
    [audited] = await town.running.sql("select * from audit where act = 'erase'")
    assert audited["subject_id"] == crew_id


async def test_duty_says_with_whom_and_in_what_and_the_same_again_says_nothing(town: Town) -> None:
    unit = await town.unit()
    [on] = await town.running.said("dispatch.unit")
    assert on["data"]["crew_ids"] == [str(member) for member in sorted(unit.crew)]
    assert on["data"]["vehicle_id"] == str(unit.vehicle_id)
    assert on["open_data"] == {key: value for key, value in on["data"].items() if key != "private"}
    await town.duty(unit)
    assert len(await town.running.said("dispatch.unit")) == 1
    await town.duty(unit, on=False)
    await town.duty(unit, on=False)
    assert await town.types("dispatch.unit") == ["unit.on_duty", "unit.off_duty"]


async def test_a_duty_may_end_later_than_was_said_and_an_end_left_out_stays(town: Town) -> None:
    """The same crew goes on for four hours: told so, the unit was sent off duty at the old end."""
    unit = await town.unit(1)
    early, late = (now_utc() + timedelta(hours=hours) for hours in (4, 8))

    async def ends(**body: Any) -> list[datetime]:
        shown = await town.duty(unit, **body)
        due = await town.running.sql("select due_at from due where kind = 'duty_ends'")
        at = shown["until_at"]
        return ([datetime.fromisoformat(at)] if at else []) + [row["due_at"] for row in due]

    assert await ends() == []
    assert await ends(until_at=early.isoformat()) == [early, early]
    assert await ends(until_at=late.isoformat()) == [late, late]
    assert await ends() == [late, late]
    said = await town.running.said("dispatch.unit.on_duty")
    assert [event["data"].get("until_at") is not None for event in said] == [False, True, True]
    [row] = await town.running.sql("select duty_at, changed_at from unit where id = $1", unit.id)
    assert row["duty_at"] < row["changed_at"], "it is the same duty"
    away = {"on": False, "reason": "repair"}
    for until in (early, late):
        assert await ends(**away, until_at=until.isoformat()) == [until]
    assert await ends(**away) == [late]


async def test_a_duty_with_an_end_ends_by_itself_after_its_run(town: Town) -> None:
    unit = await town.unit(1, on=False)
    await town.duty(unit, until_at=(now_utc() - timedelta(hours=1)).isoformat(), status=422)
    await town.duty(unit, until_at=(now_utc() + timedelta(hours=8)).isoformat())
    await town.running.sql("update unit set until_at = now()")
    [asked] = await town.asked(await town.call())
    await town.running.do_due("duty_ends")
    assert (await town.get("/v1/units"))["items"][0]["duty"] == "on_duty", "the run is finished first"
    await town.drive(asked["id"], unit, until="clear")
    await town.running.do_due("duty_ends")
    assert (await town.get("/v1/units"))["items"][0]["duty"] == "off_duty"
    assert await town.running.sql("select from due where kind = 'duty_ends'") == []


async def test_who_comes_on_duty_takes_over_what_is_booked_for_the_shift(town: Town) -> None:
    unit = await town.unit(1, on=False)
    soon, later = now_utc() + timedelta(hours=5), now_utc() + timedelta(hours=40)
    booked = []
    for at in (soon, later):
        call_id = await town.call(lane="booked", severity="green", appointment={"at": at})
        trip = await town.trip(call_id)
        booked.append(await town.post(f"/v1/trips/{trip['id']}/assign", {"unit_id": str(unit.id)}, status=201))
    fresh = await town.member(("driving",))
    await town.duty(unit, crew_ids=[str(fresh)])
    headers = bearer("crew", subject=str(fresh), crew_id=str(fresh))
    body = {"step": "accept", "at": now_utc().isoformat()}
    await town.post(f"/v1/assignments/{booked[0]['id']}/steps", body, headers=headers)
    await town.post(f"/v1/assignments/{booked[1]['id']}/steps", body, headers=headers, status=404)


async def test_out_of_service_needs_a_coded_reason_and_is_never_ordered(town: Town) -> None:
    unit = await town.unit()
    answer = await town.duty(unit, on=False, reason="because", status=422)
    assert answer["code"] == "unknown_code"
    out = await town.duty(unit, on=False, reason="repair")
    assert (out["duty"], out["out_of_service_reason"]) == ("out_of_service", "repair")
    call_id = await town.call()
    assert await town.asked(call_id) == []
    back = await town.duty(unit)
    assert (back["duty"], back["out_of_service_reason"]) == ("on_duty", None)


async def test_nobody_and_no_vehicle_is_on_two_units(town: Town) -> None:
    first, second = await town.unit(1), await town.unit(2, on=False)
    crew = [str(member) for member in first.crew]
    assert (await town.duty(second, crew_ids=crew, status=409))["code"] == "crew_elsewhere"
    taken = await town.duty(second, vehicle_id=str(first.vehicle_id), status=409)
    assert taken["code"] == "vehicle_elsewhere"
    assert (await town.duty(second, crew_ids=[], status=422))["code"] == "crew_missing"
    unknown = await town.duty(second, crew_ids=[str(new_id())], status=422)
    assert unknown["errors"][0]["field"] == "crew_ids"


async def test_a_unit_on_a_run_keeps_its_duty_and_may_change_its_crew(town: Town) -> None:
    unit = await town.unit(1)
    call_id = await town.call()
    [asked] = await town.asked(call_id)
    assert (await town.duty(unit, on=False, status=409))["code"] == "on_a_run"
    fresh = await town.member()
    await town.duty(unit, crew_ids=[str(fresh)])
    headers = bearer("crew", subject=str(fresh), crew_id=str(fresh))
    body = {"step": "accept", "at": now_utc().isoformat()}
    await town.post(f"/v1/assignments/{asked['id']}/steps", body, headers=headers)
    await town.post(
        f"/v1/assignments/{asked['id']}/steps", {**body, "step": "en_route"}, headers=unit.headers, status=404
    )


async def test_a_crew_sees_and_moves_its_own_unit_only(town: Town) -> None:
    own, other = await town.unit(1, on=False), await town.unit(2)
    board = await town.get("/v1/units", headers=own.headers)
    assert [each["id"] for each in board["items"]] == [str(own.id)]
    await town.post(f"/v1/units/{own.id}/duty", {"on": True}, headers=own.headers)
    await town.post(f"/v1/units/{other.id}/duty", {"on": False}, headers=own.headers, status=404)


async def test_a_unit_says_since_when_it_is_free_and_what_it_comes_home_from(town: Town) -> None:
    unit = await town.unit(1)
    for _ in range(2):
        [asked] = await town.asked(await town.call())
        await town.drive(asked["id"], unit, until="at_destination")
        [driving] = (await town.get("/v1/units", headers=unit.headers))["items"]
        assert driving["homeward_id"] is None
        await town.step(asked["id"], "clear", unit)
        [free] = (await town.get("/v1/units", headers=unit.headers))["items"]
        assert free["homeward_id"] == asked["id"]
        assert free["last_closed_at"] > (driving["last_closed_at"] or "")
        await town.step(asked["id"], "at_base", unit)
    [back] = (await town.get("/v1/units"))["items"]
    assert (back["homeward_id"], back["last_closed_at"]) == (None, free["last_closed_at"])


async def test_who_carried_infection_is_out_until_clean(town: Town) -> None:
    unit = await town.unit(1, skills=("paramedic", "driving", "infection_control", "lifting"))
    patient = {"patient_id": new_id(), "needs": ["infection_precaution"]}
    first = await town.call(patients=[patient])
    [asked] = await town.asked(first)
    await town.drive(asked["id"], unit, until="at_scene")
    assert (await town.get("/v1/units"))["items"][0]["cleanliness"] == "clean", "nobody was on board yet"
    await town.step(asked["id"], "left_scene", unit)
    await town.step(asked["id"], "at_destination", unit)
    await town.step(asked["id"], "clear", unit)
    [contaminated] = await town.running.said("dispatch.unit.contaminated")
    assert "infection" not in str(contaminated["open_data"])
    assert contaminated["correlation_id"] == unit.id, "the call would tell who carries it"
    second = await town.call()
    assert await town.asked(second) == []
    trip = await town.trip(second)
    found = await town.get(f"/v1/trips/{trip['id']}/recommendations")
    assert [short["code"] for short in found["items"][0]["shortfalls"] if short["hard"]] == ["contaminated"]
    refused = await town.post(
        f"/v1/trips/{trip['id']}/assign", {"unit_id": str(unit.id), "override_reason": "commander"}, status=409
    )
    assert not refused["overridable"]
    await town.post(f"/v1/units/{unit.id}/disinfected", {"method": "chlorine"}, headers=unit.headers)
    await town.running.do_due("serve_queue")
    assert [each["unit_id"] for each in await town.asked(second)] == [str(unit.id)]
    await town.post(f"/v1/units/{unit.id}/disinfected", status=409)


async def test_bad_bodies_name_the_field_in_both_languages(town: Town) -> None:
    path = f"/v1/vehicles/{new_id()}"
    for changes, field in (
        ({"kind": "spaceship"}, "kind"),
        ({"seats": -1}, "seats"),
        ({"seats": 2**40}, "seats"),
        ({"equipment": ["magic"]}, "equipment.0"),
        ({"surprise": 1}, "surprise"),
        ({"name": "a\x00b"}, "name"),
        ({"station_id": str(new_id())}, "station_id"),
    ):
        answer = await town.running.client.put(path, json={**VEHICLE, **changes}, headers=town.desk)
        assert answer.status_code == 422, (changes, answer.text)
        problem = problem_of(answer)
        assert field in [error["field"] for error in problem["errors"]], problem
    phone = await town.running.client.put(f"/v1/crew/{new_id()}", json={**CREW, "phone": "12"}, headers=town.desk)
    assert problem_of(phone)["errors"][0]["field"] == "phone"
    assert "12" not in problem_of(phone)["en"]


@pytest.mark.parametrize("role", ["call_taker", "crew", "volunteer", "partner", "auditor", "case_manager"])
async def test_only_those_who_manage_put_resources(town: Town, role: str) -> None:
    answer = await town.running.client.put(f"/v1/stations/{new_id()}", json=STATION, headers=bearer(role))
    assert answer.status_code == 403


async def test_nobody_takes_over_a_unit_that_others_are_on(town: Town) -> None:
    """A colleague at home belongs to the usual crew; whom the unit fetches is not for them to read."""
    unit = await town.unit(on=False, crew=3)
    *crew, colleague = unit.crew
    await town.duty(unit, crew_ids=[str(member) for member in crew])
    [asked] = await town.asked(await town.call())
    await town.step(asked["id"], "accept", unit)
    headers = bearer("crew", subject=str(colleague), crew_id=str(colleague))
    path, mine = f"/v1/units/{unit.id}/duty", {"on": True, "crew_ids": [str(colleague)]}
    await town.post(path, mine, status=404, headers=headers)
    await town.post(f"/v1/units/{unit.id}/disinfected", status=404, headers=headers)
    assert (await town.get("/v1/trips", headers=headers))["items"] == []
    for step in ("en_route", "at_scene", "left_scene", "at_destination", "clear"):
        await town.step(asked["id"], step, unit)
    await town.post(path, mine, status=404, headers=headers)
    await town.post(path, {"on": False}, headers=unit.headers)
    await town.post(path, mine, headers=headers)


async def test_the_next_shift_takes_over_what_the_unit_has_to_do_and_everybody_hears(town: Town) -> None:
    """On a run, asked, and booked for this shift: each is the new crew's, said under the trip's own lock."""
    unit = await town.unit(crew=1)
    going = await town.call()
    [asked] = await town.asked(going)
    await town.step(asked["id"], "accept", unit)
    later = await town.call(lane="booked", severity="green", appointment={"at": now_utc() + timedelta(days=3)})
    trip = await town.trip(later)
    booked = await town.post(f"/v1/trips/{trip['id']}/assign", {"unit_id": str(unit.id)}, status=201)
    fresh = str(await town.member())
    await town.duty(unit, crew_ids=[fresh])
    [said] = await town.running.said("dispatch.assignment.crew_changed")
    assert (str(said["aggregate_id"]), said["data"]["crew_ids"]) == (asked["id"], [fresh])
    assert (said["data"]["status"], said["data"]["trip_id"]) == ("accepted", (await town.trip(going))["id"])
    [waiting] = await town.asked(later)
    assert (waiting["id"], waiting["crew_ids"]) == (booked["id"], [str(unit.crew[0])]), "its own crew drives it"
    headers = bearer("crew", subject=fresh, crew_id=fresh)
    body = {"step": "en_route", "at": now_utc().isoformat()}
    await town.post(f"/v1/assignments/{asked['id']}/steps", body, headers=unit.headers, status=404)
    await town.post(f"/v1/assignments/{asked['id']}/steps", body, headers=headers)
    await town.duty(unit, crew_ids=[fresh])
    assert len(await town.running.said("dispatch.assignment.crew_changed")) == 1


async def test_a_change_of_crew_waits_for_the_step_that_is_being_reported(town: Town) -> None:
    """Under the trip's lock the step says the crew it had; what is said after it is the new one."""
    unit = await town.unit(crew=1)
    [asked] = await town.asked(await town.call())
    fresh = str(await town.member())
    pool = town.running.runtime.pool
    async with pool.acquire() as db, db.transaction():
        await db.execute("select from trip where id = $1 for no key update", UUID(asked["trip_id"]))
        body = {"on": True, "crew_ids": [fresh]}
        path = f"/v1/units/{unit.id}/duty"
        change = asyncio.create_task(town.running.client.post(path, json=body, headers=town.desk))
        while not await pool.fetchval("select exists (select from pg_locks where not granted)"):
            assert not change.done()
        # A step holds its trip and may still need the unit: with the unit taken first, both would wait.
        await db.execute("select from unit where id = $1 for no key update nowait", unit.id)
    assert (await change).status_code == 200
