"""Going off duty while people rely on the unit: asked once more, given to others, and nobody is left in silence."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from shared.thai.dates import local_day
from shared.work import new_id, now_utc
from tests.dispatch.conftest import Town, Unit
from tests.dispatch.test_booking import ride
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
