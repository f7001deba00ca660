"""Booked rides by hand: the day list, conflicts, due before the pickup, the way home, paper entries."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.dispatch import policy
from shared.events.intake import CallWithdrawn
from shared.pack_parts import DispatchPolicies
from shared.work import new_id, now_utc
from tests.dispatch.conftest import HERE, NORTH, Town
from tests.harness import AREA, bearer

HOSPITAL = {"lon": HERE[0], "lat": HERE[1] + 3 * NORTH}


def tomorrow(hour: int = 3) -> datetime:
    """Tomorrow at that hour UTC (seven hours later in Thailand)."""
    return (datetime.now(UTC) + timedelta(days=1)).replace(hour=hour, minute=0, second=0, microsecond=0)


async def ride(town: Town, at: datetime | None = None, **changes: Any) -> UUID:
    """A booked ride to the hospital."""
    appointment = {"at": at or tomorrow(), "clinic": "ไต", "duration_min": 240, **changes.pop("appointment", {})}
    patient = {"patient_id": new_id(), "mobility": "wheelchair", "name": "ผู้โดยสารทดสอบ"}
    return await town.call(
        lane="booked", severity="green", kind="transfer", appointment=appointment, destination=HOSPITAL,
        patients=[patient], **changes,
    )  # fmt: skip


async def test_a_booked_trip_waits_in_the_day_list_with_its_window(town: Town) -> None:
    call_id = await ride(town)
    trip = await town.trip(call_id)
    assert trip["status"] == "requested"
    assert trip["assignments"] == []
    latest, arrive_by = (datetime.fromisoformat(trip[name]) for name in ("pickup_latest_at", "arrive_by_at"))
    assert arrive_by == tomorrow() - timedelta(minutes=15)
    assert latest < arrive_by
    day = (await town.get("/v1/trips", on=trip["on_day"]))["items"]
    assert [each["id"] for each in day] == [trip["id"]]
    assert (await town.get("/v1/trips", on="2031-01-01"))["items"] == []


async def test_the_day_list_is_in_the_order_of_pickups_and_pages(town: Town) -> None:
    late, early, middle = await ride(town, tomorrow(8)), await ride(town, tomorrow(2)), await ride(town, tomorrow(5))
    day = (await town.trip(late))["on_day"]
    first = await town.get("/v1/trips", on=day, limit=2)
    second = await town.get("/v1/trips", on=day, limit=2, after=first["next"])
    found = [each["call_id"] for each in first["items"] + second["items"]]
    assert found == [str(early), str(middle), str(late)]
    assert second["next"] is None


async def test_booking_a_unit_plans_its_run_and_offers_it_to_the_crew(town: Town) -> None:
    unit = await town.unit(on=False)
    call_id = await ride(town)
    trip = await town.trip(call_id)
    start = datetime.fromisoformat(trip["pickup_latest_at"]) - timedelta(minutes=45)
    path = f"/v1/trips/{trip['id']}/assign"
    made = await town.post(path, {"unit_id": str(unit.id), "start_at": start.isoformat()}, status=201)
    assert (made["status"], made["way"]) == ("offered", "offer")
    assert datetime.fromisoformat(made["start_at"]) == start
    assert (await town.types("dispatch."))[-2:] == ["trip.planned", "assignment.offered"]
    [run] = await town.running.sql("select status, booked from run")
    assert run["status"] == "planned"
    assert run["booked"].lower == start
    assert (await town.trip(call_id))["status"] == "planned"


async def test_a_ride_of_next_week_gives_who_sleeps_until_after_the_morning_to_answer(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    morning = now_utc() + timedelta(hours=5)
    monkeypatch.setattr(policy.Policy, "asks_from", lambda *_: morning)
    unit = await town.unit(on=False)
    trip = await town.trip(await ride(town, tomorrow() + timedelta(days=6)))
    await town.post(f"/v1/trips/{trip['id']}/assign", {"unit_id": str(unit.id)}, status=201)
    [made] = await town.running.sql("select respond_by_at from assignment")
    assert made["respond_by_at"] == morning + policy.policy_of(AREA).booked_respond


async def test_an_accepted_booking_opens_its_run_with_the_first_departure(town: Town) -> None:
    unit = await town.unit()
    call_id = await ride(town)
    made = await book(town, call_id, unit.id)
    await town.step(made["id"], "accept", unit)
    assert "run.opened" not in await town.types("dispatch.run")
    await town.step(made["id"], "en_route", unit)
    assert await town.types("dispatch.run") == ["run.opened"]
    for step in ("at_scene", "left_scene", "at_destination", "clear"):
        await town.step(made["id"], step, unit)
    trip = await town.trip(call_id)
    assert (trip["status"], trip["outcome"]) == ("completed", "completed")


async def book(town: Town, call_id: UUID, unit_id: UUID, *, status: int = 201, **more: Any) -> Any:
    trip = next(each for each in await town.trips(call_id) if each["leg"] == "outbound")
    return await town.post(f"/v1/trips/{trip['id']}/assign", {"unit_id": str(unit_id), **more}, status=status)


async def test_conflicts_are_shown_and_a_coded_reason_overrides_them(town: Town) -> None:
    unit = await town.unit()
    first, second = await ride(town), await ride(town)
    await book(town, first, unit.id)
    refused = await book(town, second, unit.id, status=409)
    assert refused["code"] == "conflicts"
    [conflict] = refused["conflicts"]
    assert conflict["code"] == "booked"
    assert conflict["trip_ids"] == [(await town.trip(first))["id"]]
    assert (await town.trip(second))["status"] == "requested", "nothing is left half done"
    made_up = await book(town, second, unit.id, override_reason="because", status=422)
    assert [(each["field"], each["code"]) for each in made_up["errors"]] == [("override_reason", "unknown_code")]
    await book(town, second, unit.id, override_reason="local_knowledge")
    [kept] = await town.running.sql("select override_reason from run where override_reason is not null")
    assert kept["override_reason"] == "local_knowledge"


async def test_a_pickup_too_late_for_the_appointment_is_a_conflict(town: Town) -> None:
    unit = await town.unit()
    call_id = await ride(town)
    trip = await town.trip(call_id)
    late = datetime.fromisoformat(trip["pickup_latest_at"]) + timedelta(minutes=10)
    refused = await book(town, call_id, unit.id, start_at=late.isoformat(), status=409)
    assert refused["conflicts"][0]["code"] == "late"
    assert refused["conflicts"][0]["late_s"] > 600


async def test_a_unit_without_what_is_needed_is_refused_with_its_shortfalls(town: Town) -> None:
    unit = await town.unit(vehicle={"wheelchairs": 0, "kind": "car"})
    call_id = await ride(town)
    refused = await book(town, call_id, unit.id, status=409)
    assert refused["overridable"]
    assert [short["what"] for short in refused["shortfalls"]] == ["wheelchair"]
    await book(town, call_id, unit.id, override_reason="nearest_regardless")


async def test_a_declined_booking_is_unassigned_again(town: Town) -> None:
    unit = await town.unit()
    call_id = await ride(town)
    made = await book(town, call_id, unit.id)
    await town.step(made["id"], "decline", unit, reason="busy")
    assert (await town.trip(call_id))["status"] == "unassigned"
    assert (await town.types("dispatch.trip"))[-1] == "trip.unassigned"
    assert await town.running.sql("select from run where status = 'planned'") == []


async def test_another_booking_replaces_the_first_and_says_what_was_before(town: Town) -> None:
    first, second = await town.unit(1), await town.unit(2)
    call_id = await ride(town)
    await book(town, call_id, first.id)
    await book(town, call_id, second.id)
    [again] = await town.running.said("dispatch.trip.replanned")
    assert again["data"]["previous_unit_id"] == str(first.id)
    assert again["data"]["unit_id"] == str(second.id)
    [open_] = await town.asked(call_id)
    assert open_["unit_id"] == str(second.id)


async def test_an_hour_before_the_pickup_a_trip_without_a_crew_is_an_alarm(town: Town) -> None:
    call_id = await ride(town)
    trip = await town.trip(call_id)
    [due] = await town.running.sql("select due_at from due where kind = 'booked_due'")
    assert due["due_at"] == datetime.fromisoformat(trip["pickup_latest_at"]) - timedelta(minutes=60)
    await town.running.do_due("booked_due")
    queue = await town.get("/v1/queue")
    assert [item["trip_id"] for item in queue["items"]] == [trip["id"]]
    assert queue["items"][0]["alarm"]
    assert queue["items"][0]["reasons"][0]["th"]
    assert (await town.types("dispatch.trip"))[-1] == "trip.queued"
    [look] = await town.running.sql("select due_at from due where kind = 'find_unit'")
    assert look["due_at"] == datetime.fromisoformat(trip["pickup_latest_at"]) - timedelta(minutes=30)


async def test_the_way_home_waits_until_the_person_is_ready_and_gets_a_unit_at_once(town: Town) -> None:
    unit = await town.unit()
    call_id = await ride(town, appointment={"return_trip": True})
    there, back = sorted(await town.trips(call_id), key=lambda trip: trip["leg"])
    assert back["status"] == "awaiting_ready"
    assert back["outbound_id"] == there["id"]
    assert [back["pickup_lat"], back["drop_lat"]] == [HOSPITAL["lat"], HERE[1]]
    await town.post(f"/v1/trips/{back['id']}/assign", {"unit_id": str(unit.id)}, status=409)
    path = f"/v1/trips/{back['id']}/ready"
    await town.post(path, status=409)  # nobody has brought them yet
    ready = await town.post(path, {"override": "came_otherwise"})
    assert ready["ready_at"] is not None
    [asked] = [each for each in ready["assignments"] if each["ended_at"] is None]
    assert (asked["unit_id"], asked["status"]) == (str(unit.id), "offered")
    await town.drive(asked["id"], unit)
    done = next(trip for trip in await town.trips(call_id) if trip["leg"] == "return")
    assert done["status"] == "completed"
    assert (await town.post(f"/v1/trips/{back['id']}/ready", status=409))["code"] == "out_of_order"


async def test_ready_before_the_way_there_has_ended_is_refused_and_says_why(town: Town) -> None:
    """At any hour: an appointment of a minute ago is of today or, just after midnight, of yesterday."""
    for at, code in (
        (now_utc() - timedelta(minutes=1), "outbound_not_done"),
        (now_utc() + timedelta(hours=30), "another_day"),
    ):
        trips = await town.trips(await ride(town, at, appointment={"return_trip": True}))
        [back] = [trip["id"] for trip in trips if trip["leg"] == "return"]
        assert (await town.post(f"/v1/trips/{back}/ready", status=409))["code"] == code


async def test_nobody_is_ready_for_the_way_home_before_they_came_there(town: Town) -> None:
    """A time of 1970 was taken as it was said, and that ride's wait stood in the reports with decades."""
    unit = await town.unit(1)
    call_id = await ride(town, appointment={"return_trip": True})
    there, back = sorted(await town.trips(call_id), key=lambda trip: trip["leg"])
    now = {"unit_id": str(unit.id), "start_at": now_utc().isoformat()}
    made = await town.post(f"/v1/trips/{there['id']}/assign", now, status=201)
    came_at = (await town.drive(made["id"], unit, until="at_destination"))["stamps"]["at_destination"]
    path = f"/v1/trips/{back['id']}/ready"
    for said in ("1970-01-01T00:00:00Z", (now_utc() - timedelta(minutes=30)).isoformat()):
        assert (await town.post(path, {"at": said}, status=422))["code"] == "before_arrival"
    a_moment_ago = (datetime.fromisoformat(came_at) - timedelta(seconds=30)).isoformat()
    assert (await town.post(path, {"at": a_moment_ago}))["ready_at"] == came_at, "phones are never quite right"


async def test_the_patient_says_ready_by_message(town: Town) -> None:
    unit = await town.unit()
    call_id = await ride(town, appointment={"return_trip": True})
    await town.reply("ready", call_id=call_id)
    assert await town.asked(call_id) == [], "nobody has brought them yet"
    await town.drive((await book(town, call_id, unit.id))["id"], unit, until="clear")
    await town.reply("ready", call_id=call_id)
    await town.running.do_due("find_unit")
    assert [each["unit_id"] for each in await town.asked(call_id)] == [str(unit.id)]


async def test_the_button_beneath_the_news_of_the_way_there_means_the_way_back(town: Town) -> None:
    unit = await town.unit()
    call_id = await ride(town, appointment={"return_trip": True})
    there, back = sorted(await town.trips(call_id), key=lambda trip: trip["leg"])
    await town.drive((await book(town, call_id, unit.id))["id"], unit, until="clear")
    await town.reply("ready", call_id=call_id, trip_id=UUID(there["id"]))
    await town.running.do_due("find_unit")
    assert [(each["trip_id"], each["unit_id"]) for each in await town.asked(call_id)] == [(back["id"], str(unit.id))]


async def test_the_crew_that_brought_somebody_may_say_ready_and_nobody_else(town: Town) -> None:
    unit, other = await town.unit(1), await town.unit(9)
    call_id = await ride(town, appointment={"return_trip": True})
    made = await book(town, call_id, unit.id)
    await town.drive(made["id"], unit, until="clear")
    back = next(trip for trip in await town.trips(call_id) if trip["leg"] == "return")
    await town.post(f"/v1/trips/{back['id']}/ready", status=404, headers=other.headers)
    await town.post(f"/v1/trips/{back['id']}/ready", headers=unit.headers)
    assert await town.running.audited("ready") == [UUID(back["id"])]


async def test_cancelling_the_way_there_cancels_the_way_back(town: Town) -> None:
    call_id = await ride(town, appointment={"return_trip": True})
    there = next(trip for trip in await town.trips(call_id) if trip["leg"] == "outbound")
    await town.post(f"/v1/trips/{there['id']}/cancel", {"reason": "appointment_moved"})
    assert {trip["status"] for trip in await town.trips(call_id)} == {"cancelled"}
    await town.post(f"/v1/trips/{there['id']}/cancel", {"reason": "other"}, status=409)


async def test_a_paper_entry_records_original_times_and_orders_nobody(town: Town) -> None:
    unit = await town.unit()
    received = now_utc() - timedelta(hours=5)
    call_id = await town.call(back_entry=True, received_at=received)
    trip = await town.trip(call_id)
    assert trip["assignments"] == []
    assert await town.running.sql("select from due where kind = 'find_unit'") == []
    start = received + timedelta(minutes=2)
    path = f"/v1/trips/{trip['id']}/assign"
    made = await town.post(path, {"unit_id": str(unit.id), "start_at": start.isoformat()}, status=201)
    for number, step in enumerate(("accept", "en_route", "at_scene", "left_scene", "at_destination", "clear")):
        await town.step(made["id"], step, at=start + timedelta(minutes=number + 1))
    trip = await town.trip(call_id)
    assert trip["status"] == "completed"
    [entry] = trip["assignments"]
    assert datetime.fromisoformat(entry["stamps"]["at_scene"]) == start + timedelta(minutes=3)
    assert all(row["data"]["back_entry"] for row in await town.running.said("dispatch.assignment"))
    assert await town.running.sql("select from due where kind = 'order_timeout'") == []
    another = await town.call()
    assert [each["unit_id"] for each in await town.asked(another)] == [str(unit.id)], "the unit was never taken"


async def test_confirm_proposes_and_the_dispatcher_orders_or_it_is_an_alarm(town: Town) -> None:
    policy.set_policy("kalasin", DispatchPolicies(default_mode="confirm", booked_mode="confirm"))
    unit = await town.unit()
    call_id = await town.call()
    [proposed] = await town.asked(call_id)
    assert (proposed["status"], proposed["run_id"]) == ("proposed", None)
    trip = await town.trip(call_id)
    ordered = await town.post(f"/v1/trips/{trip['id']}/assign", {"unit_id": str(unit.id)}, status=201)
    assert ordered["id"] == proposed["id"]
    assert (ordered["status"], ordered["previous_status"]) == ("ordered", "proposed")
    assert await town.running.audited("assign_unit") == [UUID(trip["id"])]
    await town.step(ordered["id"], "accept", unit)
    other = await town.call()
    again = await town.unit(2)
    await town.running.do_due("serve_queue")
    await town.running.do_due("proposal_timeout")
    queue = await town.get("/v1/queue")
    [item] = [each for each in queue["items"] if each["call_id"] == str(other)]
    assert item["reason_codes"] == ["not_confirmed"]
    assert item["alarm"]
    assert again


async def test_a_proposal_nobody_confirmed_is_no_answer_of_the_crew(town: Town) -> None:
    policy.set_policy("kalasin", DispatchPolicies(default_mode="confirm", booked_mode="confirm"))
    unit = await town.unit()
    call_id = await town.call()
    await town.running.do_due("proposal_timeout")
    [item] = (await town.get("/v1/queue"))["items"]
    assert (item["reason_codes"], item["silent"]) == (["not_confirmed"], 0)
    trip = await town.trip(call_id)
    [found] = (await town.get(f"/v1/trips/{trip['id']}/recommendations"))["items"]
    assert not found["said_no"]
    await town.running.do_due("find_unit")
    [again] = await town.asked(call_id)
    assert (again["unit_id"], again["status"]) == (str(unit.id), "proposed")


async def test_call_takers_assign_and_crews_do_not(town: Town) -> None:
    unit = await town.unit()
    call_id = await ride(town)
    trip = await town.trip(call_id)
    path, body = f"/v1/trips/{trip['id']}/assign", {"unit_id": str(unit.id)}
    await town.post(path, body, status=403, headers=unit.headers)
    await town.post(path, body, status=201, headers=bearer("call_taker"))


async def test_nobody_waits_at_the_clinic_for_a_click(town: Town) -> None:
    """Rides are confirmed by a dispatcher here; whoever is ready to go home is treated like a green emergency."""
    policy.set_policy("kalasin", DispatchPolicies(default_mode="auto", booked_mode="confirm"))
    unit = await town.unit()
    call_id = await ride(town, appointment={"return_trip": True})
    back = next(trip for trip in await town.trips(call_id) if trip["leg"] == "return")
    ready = await town.post(f"/v1/trips/{back['id']}/ready", {"override": "came_otherwise"})
    assert [(each["unit_id"], each["status"]) for each in ready["assignments"]] == [(str(unit.id), "offered")]


async def test_a_day_of_the_buddhist_era_is_refused_instead_of_looking_empty(town: Town) -> None:
    answer = await town.running.client.get("/v1/trips?on=2569-11-23", headers=town.desk)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert (error["field"], error["code"]) == ("on", "year_in_buddhist_era")
    assert "พ.ศ." in error["th"]
    assert "2026" in error["en"]


async def test_a_ride_withdrawn_with_its_series_says_so(town: Town) -> None:
    alone, visit, died = await ride(town), await ride(town), CallWithdrawn.Private(reason="died")
    await town.say(alone, CallWithdrawn(at=now_utc(), by="person"))
    await town.say(visit, CallWithdrawn(at=now_utc(), by="person", along_with_id=alone, private=died))
    gone = [row["data"] for row in await town.running.said("dispatch.trip.cancelled")]
    said = {event["call_id"]: event["whole_series"] for event in gone}
    assert said == {str(alone): False, str(visit): True}
    reasons = {event["call_id"]: event["private"]["reason"] for event in gone}
    assert reasons == {str(alone): "caller_withdrew", str(visit): "died"}
