"""Going off duty while people rely on the unit: asked once more, given to others, and nobody is left in silence."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

from shared.thai.dates import local_day
from shared.work import new_id, now_utc
from tests.dispatch.conftest import Town, Unit
from tests.dispatch.test_booking import HOSPITAL, ride, tomorrow
from tests.dispatch.test_rosters import put
from tests.dispatch.test_tours import held, near, planned, van

AT_RISK = "dispatch.trip.at_risk"


async def brought(town: Town, unit: Unit) -> dict[str, Any]:
    """Somebody was brought to the clinic; the way home, which waits for them to be ready."""
    call = await ride(town, now_utc() + timedelta(minutes=90), appointment={"return_trip": True, "duration_min": 60})
    there = next(trip for trip in await town.trips(call) if trip["leg"] == "outbound")
    made = await town.post(
        f"/v1/trips/{there['id']}/assign", {"unit_id": str(unit.id), "start_at": now_utc().isoformat()}, status=201
    )
    await town.drive(made["id"], unit)
    return next(trip for trip in await town.trips(call) if trip["leg"] == "return")


async def off(town: Town, unit: Unit, *, status: int = 200, **body: Any) -> Any:
    answer = await town.post(f"/v1/units/{unit.id}/duty", {"on": False, **body}, status=status, headers=unit.headers)
    if status == 200:
        await town.running.do_due("unit_left")
    return answer


async def test_a_crew_that_leaves_somebody_at_a_clinic_is_asked_and_the_desk_alarmed(town: Town) -> None:
    unit = await van(town, 1)
    await town.duty(unit)
    back = await brought(town, unit)
    refused = await off(town, unit, status=409)
    assert refused["code"] == "people_rely"
    assert [(each["trip_id"], each["leg"]) for each in refused["waiting"]] == [(back["id"], "return")]
    assert await town.running.said(AT_RISK) == []
    assert (await off(town, unit, confirm=True))["duty"] == "off_duty"
    [said] = await town.running.said(AT_RISK)
    assert (said["aggregate_id"], said["data"]["risk"], said["data"]["unit_id"]) == (
        UUID(back["id"]), "left_behind", str(unit.id),
    )  # fmt: skip
    [shown] = (await town.get("/v1/plans/day", on=local_day(now_utc()).isoformat()))["conflicts"]
    assert (shown["trip_id"], shown["code"]) == (back["id"], "left_behind")
    assert "หน่วย 1" in shown["th"], "whom to ring"
    assert [each["unit_id"] for each in shown["ring"]] == [str(unit.id)]
    members = (await town.get("/v1/crew", unit_id=str(unit.id)))["items"]
    assert {member["id"] for member in members} == {str(each) for each in unit.crew}, "off duty: the usual ones"
    audited = await town.running.sql("select subject_id from audit where noun = 'crew' and act = 'read'")
    assert {row["subject_id"] for row in audited} == set(unit.crew), "who was shown whose number is written down"
    assert (await town.get("/v1/crew", unit_id=str(new_id())))["items"] == []

    # Ready, and nobody there: the desk hears of it again, and the ride waits where everybody sees it.
    await town.post(f"/v1/trips/{back['id']}/ready")
    assert len(await town.running.said(AT_RISK)) == 2
    assert [each["trip_id"] for each in (await town.get("/v1/queue"))["items"]] == [back["id"]]
    await town.duty(unit)
    await town.running.do_due("serve_queue")
    assert (await town.get(f"/v1/trips/{back['id']}"))["assignments"][0]["unit_id"] == str(unit.id)


async def test_who_waits_half_an_hour_for_a_place_for_the_chair_is_brought_home_lying_down(town: Town) -> None:
    """The only van that takes a wheelchair broke down until the next day, and an ambulance stood there all night."""
    unit = await van(town, 1)
    await town.duty(unit)
    back = await brought(town, unit)
    await off(town, unit, confirm=True)
    ambulance = await town.unit(2, vehicle={"wheelchairs": 0, "stretchers": 1})
    await town.post(f"/v1/trips/{back['id']}/ready")

    async def asked() -> list[str]:
        await town.running.do_due("find_unit")
        found = (await town.get(f"/v1/trips/{back['id']}"))["assignments"]
        return [each["unit_id"] for each in found if each["ended_at"] is None]

    assert await asked() == [], "the van may still come"
    await town.running.sql("update trip set ready_at = ready_at - interval '31 minutes'")
    assert await asked() == [str(ambulance.id)]


async def test_who_can_be_brought_home_by_another_is_no_alarm(town: Town) -> None:
    unit, other = await van(town, 1), await van(town, 2)
    await town.duty(unit)
    await brought(town, unit)
    await town.duty(other)
    await off(town, unit, confirm=True)
    assert await town.running.said(AT_RISK) == []
    assert (await town.get("/v1/plans/day", on=local_day(now_utc()).isoformat()))["conflicts"] == []


async def test_a_ride_that_nobody_else_can_take_is_seen_to_have_no_unit(town: Town) -> None:
    unit = await van(town, 1)
    await town.duty(unit)
    call = await near(town, 0.2, now_utc() + timedelta(hours=4))
    await planned(town, call, publish=True)
    await off(town, unit, confirm=True)
    trip = await town.trip(call)
    assert (trip["status"], trip["assignments"][-1]["status"]) == ("unassigned", "released")
    assert await town.running.sql("select 1 from due where kind = 'booked_due'"), "with its alarm before the pickup"


async def test_rides_of_the_hours_to_come_go_to_others_at_the_told_time(town: Town) -> None:
    unit = await van(town, 1)
    await town.duty(unit)
    call = await near(town, 0.2, now_utc() + timedelta(hours=4))
    await planned(town, call, publish=True)
    refused = await off(town, unit, status=409)
    assert [each["trip_id"] for each in refused["waiting"]] == [(await town.trip(call))["id"]]
    other, told = await van(town, 2), (await town.trip(call))["pickup_at"]
    await off(town, unit, confirm=True)
    assert (await held(town, call))["unit_id"] == str(other.id)
    trip = await town.trip(call)
    assert (trip["status"], trip["pickup_at"]) == ("planned", told)


async def test_rides_stay_with_the_next_crew_of_the_unit(town: Town) -> None:
    unit = await van(town, 1)
    await town.duty(unit)
    call = await near(town, 0.2, now_utc() + timedelta(hours=4))
    await planned(town, call, publish=True)
    await van(town, 2)  # could take it
    await put(town, unit, now_utc() + timedelta(minutes=20))
    assert (await off(town, unit))["duty"] == "off_duty", "nobody is asked"
    assert (await held(town, call))["unit_id"] == str(unit.id)


async def test_whoever_goes_home_for_the_night_keeps_the_rides_of_the_morning(town: Town) -> None:
    unit = await van(town, 1)
    await town.duty(unit)
    call = await near(town, 0.2, now_utc() + timedelta(hours=9))
    await planned(town, call, publish=True)
    assert (await off(town, unit))["duty"] == "off_duty"
    assert (await held(town, call))["unit_id"] == str(unit.id)


async def test_a_unit_on_which_nobody_relies_goes_as_before(town: Town) -> None:
    unit = await van(town, 1)
    await town.duty(unit)
    assert (await off(town, unit))["duty"] == "off_duty"


async def retire(town: Town, noun: str, resource_id: UUID, *, status: int = 200) -> Any:
    """Take it out of use, as the administration does: the same again, but not active."""
    fields = {
        "unit": ("call_sign", "station_id", "level", "volunteer"),
        "vehicle": ("kind", "name", "station_id", "seats", "wheelchairs", "stretchers", "equipment"),
        "crew": ("kind", "name", "phone", "skills"),
    }[noun]
    [row] = await town.running.sql(f"select * from {noun} where id = $1", resource_id)
    body = {"area": row["area"], "active": False} | {name: row[name] for name in fields}
    if noun == "unit":
        body |= {"vehicle_id": row["usual_vehicle_id"], "crew_ids": row["usual_crew_ids"]}
    path = f"/v1/{noun if noun == 'crew' else noun + 's'}/{resource_id}"
    said = json.loads(json.dumps(body, default=str))
    answer = await town.running.client.put(path, json=said, headers=town.desk)
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_riders_of_a_unit_that_is_taken_out_of_use_go_with_others_or_are_seen(town: Town) -> None:
    """However far ahead they are: the rider learnt of it ten minutes after the told time."""
    unit = await van(town, 1)
    lying = await town.call(
        lane="booked", severity="green", kind="transfer", destination=HOSPITAL,
        appointment={"at": tomorrow() + timedelta(days=2)},
        patients=[{"patient_id": new_id(), "mobility": "stretcher"}],
    )  # fmt: skip
    calls = [await ride(town), lying]
    for call in calls:
        await town.post(f"/v1/trips/{(await town.trip(call))['id']}/assign", {"unit_id": str(unit.id)}, status=201)
    other = await town.unit(2, on=False, vehicle={"wheelchairs": 2, "seats": 4, "stretchers": 0})
    told, trip = (await town.trip(calls[0]))["pickup_at"], (await town.trip(lying))["id"]
    await retire(town, "unit", unit.id)
    await town.running.do_due("unit_left")
    assert (await held(town, calls[0]))["unit_id"] == str(other.id)
    assert (await town.trip(calls[0]))["pickup_at"][:16] == told[:16], "the minute that was told"
    assert ((await town.trip(calls[1]))["status"], await town.asked(calls[1])) == ("unassigned", [])
    said = await town.running.said("dispatch.trip.unassigned")
    assert [event["aggregate_id"] for event in said] == [UUID(trip)]


async def test_what_serves_just_now_is_not_taken_out_of_use_in_silence(town: Town) -> None:
    """A unit and a vehicle are taken off duty first; somebody who leaves, leaves their unit."""
    unit = await town.unit(1)
    for noun, resource_id in (("unit", unit.id), ("vehicle", unit.vehicle_id)):
        assert (await retire(town, noun, resource_id, status=409))["code"] == "on_duty"
    one, two = unit.crew
    await retire(town, "crew", one)
    [row] = await town.running.sql("select duty, crew_ids from unit where id = $1", unit.id)
    assert (row["duty"], row["crew_ids"]) == ("on_duty", [two])
    await retire(town, "crew", two)
    assert await town.asked(await town.call()) == []
    for noun, resource_id in (("unit", unit.id), ("vehicle", unit.vehicle_id)):  # off duty now
        await retire(town, noun, resource_id)


async def test_a_booking_counts_on_nothing_that_is_out_of_use(town: Town) -> None:
    unit = await van(town, 1)
    trip = (await town.trip(await ride(town)))["id"]
    await retire(town, "vehicle", unit.vehicle_id)
    for each in unit.crew:
        await retire(town, "crew", each)
    refused = await town.post(f"/v1/trips/{trip}/assign", {"unit_id": str(unit.id)}, status=409)
    assert {"wheelchair", "driving"} & {short["what"] for short in refused["shortfalls"]}
