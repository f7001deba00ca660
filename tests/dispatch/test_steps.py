"""Steps: order, times, reports made again, corrections, by whom; backup, release and hand-over."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from shared.events import intake
from shared.work import new_id, now_utc
from tests.dispatch.conftest import Town, call_event
from tests.harness import bearer


async def test_a_step_out_of_order_says_what_would_be_possible(town: Town) -> None:
    unit = await town.unit()
    [asked] = await town.asked(await town.call())
    refused = await town.step(asked["id"], "at_scene", unit, status=409)
    assert refused["code"] == "out_of_order"
    assert "accept" in refused["en"]
    assert "รับงาน" in refused["th"]
    assert ("ถอนหน่วย" in refused["th"], "release" in refused["th"]) == (True, False)
    assert (await town.types("dispatch.assignment")) == ["assignment.ordered"]


async def test_the_same_report_again_is_answered_the_same(town: Town) -> None:
    unit = await town.unit()
    [asked] = await town.asked(await town.call())
    at = now_utc()
    first = await town.step(asked["id"], "accept", unit, at=at)
    again = await town.step(asked["id"], "accept", unit, at=at)
    assert again["step"] == first["step"]
    assert (await town.types("dispatch.assignment")).count("assignment.accepted") == 1


async def test_an_idempotency_key_gives_the_stored_answer_and_another_body_is_refused(town: Town) -> None:
    unit = await town.unit()
    [asked] = await town.asked(await town.call())
    path, body = f"/v1/assignments/{asked['id']}/steps", {"step": "accept", "at": now_utc().isoformat()}
    headers = {**unit.headers, "Idempotency-Key": "tablet-7-42"}
    first = await town.running.client.post(path, json=body, headers=headers)
    second = await town.running.client.post(path, json=body, headers=headers)
    assert first.json() == second.json()
    assert second.headers["Idempotent-Replay"] == "true"
    other = await town.running.client.post(path, json={**body, "step": "decline"}, headers=headers)
    assert other.status_code == 422


async def test_what_was_stamped_without_signal_keeps_its_own_times(town: Town) -> None:
    """A tablet comes back from the hills and sends everything at once; then it sends it all once more."""
    unit = await town.unit()
    call_id = await town.call()
    [asked] = await town.asked(call_id)
    await town.running.sql("update assignment set asked_at = asked_at - interval '50 minutes'")
    steps = ("accept", "en_route", "at_scene", "left_scene", "at_destination", "clear")
    times = [now_utc() - timedelta(minutes=45 - 7 * number) for number in range(6)]
    for _ in range(2):
        for step, at in zip(steps, times, strict=True):
            await town.step(asked["id"], step, unit, at=at)
    stamps = (await town.trip(call_id))["assignments"][0]["stamps"]
    assert [datetime.fromisoformat(stamps[step]) for step in steps] == times
    assert len(await town.running.sql("select from step")) == 6
    [cleared] = await town.running.said("dispatch.assignment.cleared")
    assert datetime.fromisoformat(cleared["data"]["at"]) == times[-1]


async def test_times_that_cannot_be_are_refused(town: Town) -> None:
    unit = await town.unit()
    [asked] = await town.asked(await town.call())
    future = await town.step(asked["id"], "accept", unit, at=now_utc() + timedelta(hours=1), status=422)
    assert (future["code"], future["errors"][0]["field"]) == ("in_the_future", "at")
    early = await town.step(asked["id"], "accept", unit, at=now_utc() - timedelta(hours=1), status=422)
    assert early["code"] == "before_previous"
    await town.step(asked["id"], "accept", unit)
    naive = {"step": "en_route", "at": "2026-11-22T10:00:00"}
    await town.post(f"/v1/assignments/{asked['id']}/steps", naive, status=422, headers=unit.headers)


async def test_a_correction_keeps_the_previous_value_who_and_why(town: Town) -> None:
    unit = await town.unit()
    call_id = await town.call()
    [asked] = await town.asked(call_id)
    await town.running.sql("update assignment set asked_at = asked_at - interval '10 minutes'")
    await town.step(asked["id"], "accept", unit, at=now_utc() - timedelta(minutes=8))
    wrong = await town.step(asked["id"], "en_route", unit, at=now_utc() - timedelta(minutes=1))
    right = now_utc() - timedelta(minutes=5)
    missing = await town.step(asked["id"], "en_route", at=right, correction=True, status=422)
    assert missing["errors"][0]["field"] == "reason"
    fixed = await town.step(asked["id"], "en_route", at=right, correction_of=wrong["step"]["id"], reason="radio_log")
    assert datetime.fromisoformat(fixed["stamps"]["en_route"]) == right
    assert fixed["step"]["previous_at"] == wrong["step"]["at"]
    assert fixed["step"]["on_behalf"]
    again = await town.step(asked["id"], "en_route", at=right, correction=True, reason="radio_log")
    assert again["step"] == fixed["step"]
    [event] = await town.running.said("dispatch.assignment.corrected")
    assert event["data"]["step"] == "en_route"
    assert event["data"]["private"]["reason"] == "radio_log"
    trip = await town.get(f"/v1/trips/{(await town.trip(call_id))['id']}")
    assert [step["correction_of"] for step in trip["steps"]] == [None, None, wrong["step"]["id"]]
    late = await town.step(asked["id"], "accept", at=now_utc(), correction=True, reason="pressed_early", status=422)
    assert late["code"] == "after_next"


async def test_who_said_it_is_recorded_the_crew_or_somebody_on_its_behalf(town: Town) -> None:
    unit = await town.unit()
    [asked] = await town.asked(await town.call())
    by_crew = await town.step(asked["id"], "accept", unit)
    by_desk = await town.step(asked["id"], "en_route")
    assert (by_crew["step"]["crew_id"], by_crew["step"]["on_behalf"]) == (str(unit.crew[0]), False)
    assert (by_desk["step"]["crew_id"], by_desk["step"]["on_behalf"]) == (None, True)
    accepted, en_route = (await town.running.said("dispatch.assignment"))[1:]
    assert accepted["data"]["previous_status"] == "ordered"
    assert accepted["data"]["crew_id"] == str(unit.crew[0])
    assert en_route["data"]["by"] == "person"


async def test_nobody_transported_needs_an_outcome(town: Town) -> None:
    unit = await town.unit()
    call_id = await town.call()
    [asked] = await town.asked(call_id)
    await town.drive(asked["id"], unit, until="at_scene")
    refused = await town.step(asked["id"], "clear", unit, status=422)
    assert refused["errors"][0]["field"] == "outcome"
    await town.step(asked["id"], "clear", unit, outcome="refused_treatment")
    assert (await town.trip(call_id))["outcome"] == "refused_treatment"


async def test_a_facility_must_be_known(town: Town) -> None:
    unit = await town.unit()
    [asked] = await town.asked(await town.call())
    refused = await town.step(asked["id"], "accept", unit, facility_id=str(new_id()), status=422)
    assert refused["errors"][0]["field"] == "facility_id"


async def test_release_looks_for_another_unit_at_once(town: Town) -> None:
    first, second = await town.unit(1), await town.unit(2)
    call_id = await town.call()
    [asked] = await town.asked(call_id)
    await town.step(asked["id"], "accept", first)
    await town.post(f"/v1/assignments/{asked['id']}/release", {"reason": "why not"}, status=422)
    await town.post(f"/v1/assignments/{asked['id']}/release", {"reason": "vehicle_fault"})
    assert (await town.trip(call_id))["status"] == "unassigned"
    assert (await town.types("dispatch.trip"))[-1] == "trip.unassigned"
    await town.running.do_due("find_unit")
    [after] = await town.asked(call_id)
    assert after["unit_id"] == str(second.id)
    await town.step(after["id"], "accept", second)
    assert (await town.trip(call_id))["status"] == "planned"


async def test_with_a_patient_on_board_nobody_takes_the_unit_away(town: Town) -> None:
    """One click made the ambulance free with the patient in it, and the next emergency went to it."""
    unit = await town.unit(1)
    call_id = await town.call()
    [asked] = await town.asked(call_id)
    await town.drive(asked["id"], unit, until="left_scene")
    trip = await town.trip(call_id)
    for path in (f"/v1/assignments/{asked['id']}/release", f"/v1/trips/{trip['id']}/cancel"):
        refused = await town.post(path, {"reason": "other"}, status=409)
        assert refused["code"] == "patient_on_board"
        assert "hand over" in refused["en"]
        assert "ส่งมอบ" in refused["th"]
    next_call = await town.call()
    assert await town.asked(next_call) == []
    assert (await town.trip(call_id))["status"] == "under_way"
    # Nobody was on board after all: the desk ends it with what came of it, and the unit is free.
    await town.step(asked["id"], "at_destination")
    await town.step(asked["id"], "clear", outcome="refused_treatment")
    ended = await town.trip(call_id)
    assert (ended["status"], ended["outcome"]) == ("completed", "refused_treatment")
    await town.running.do_due("serve_queue")
    assert [each["unit_id"] for each in await town.asked(next_call)] == [str(unit.id)]


async def test_a_job_without_a_patient_may_be_called_off_on_its_way(town: Town) -> None:
    unit = await town.unit(1)
    call_id = await town.call(patients=[])
    [asked] = await town.asked(call_id)
    await town.drive(asked["id"], unit, until="left_scene")
    await town.post(f"/v1/trips/{(await town.trip(call_id))['id']}/cancel", {"reason": "other"})
    assert await town.asked(call_id) == []


async def test_a_crew_that_accepted_and_then_cannot_go_loses_the_trip_to_the_next(town: Town) -> None:
    first, second = await town.unit(1), await town.unit(2)
    call_id = await town.call()
    [asked] = await town.asked(call_id)
    await town.step(asked["id"], "accept", first)
    await town.reply("decline", assignment_id=UUID(asked["id"]), crew_id=first.crew[0])
    assert (await town.trip(call_id))["status"] == "unassigned"
    [declined] = await town.running.said("dispatch.assignment.declined")
    assert declined["data"]["previous_status"] == "accepted"
    assert "run.closed" in await town.types()
    await town.running.do_due("find_unit")
    [after] = await town.asked(call_id)
    assert after["unit_id"] == str(second.id)
    await town.drive(after["id"], second, until="en_route")
    await town.step(after["id"], "decline", second, status=409)


async def test_backup_sends_a_second_unit_in_support(town: Town) -> None:
    first, second = await town.unit(1), await town.unit(2)
    call_id = await town.call()
    [asked] = await town.asked(call_id)
    await town.drive(asked["id"], first, until="at_scene")
    await town.post(f"/v1/assignments/{asked['id']}/backup", {"requirements": ["lifting"]}, headers=first.headers)
    support = next(each for each in await town.asked(call_id) if each["role"] == "support")
    assert support["unit_id"] == str(second.id)
    await town.step(support["id"], "accept", second)
    assert (await town.trip(call_id))["status"] == "under_way", "the first keeps the trip"
    for step in ("en_route", "at_scene"):
        await town.step(support["id"], step, second)
    for step in ("left_scene", "at_destination", "clear"):
        await town.step(asked["id"], step, first)
    assert (await town.trip(call_id))["status"] == "completed"
    await town.step(support["id"], "clear", second)
    assert len(await town.running.said("dispatch.trip.completed")) == 1


async def test_backup_that_nobody_can_give_yet_is_given_when_somebody_can(town: Town) -> None:
    first = await town.unit(1)
    call_id = await town.call()
    [asked] = await town.asked(call_id)
    await town.step(asked["id"], "accept", first)
    await town.post(f"/v1/assignments/{asked['id']}/backup", {}, headers=first.headers)
    second = await town.unit(2)
    await town.running.do_due("find_support")
    assert str(second.id) in {each["unit_id"] for each in await town.asked(call_id)}


async def test_what_a_backup_must_be_able_to_do_outlasts_the_first_no(town: Town) -> None:
    crews = {1: (), 2: ("lifting",), 3: (), 4: ("lifting",)}
    first, able, near, far = [await town.unit(km, skills=("paramedic", "driving", *more)) for km, more in crews.items()]
    call_id = new_id()
    patient = {"patient_id": new_id()}
    await town.call(call_id, patients=[patient])
    [asked] = await town.asked(call_id)
    assert asked["unit_id"] == str(first.id)
    await town.drive(asked["id"], first, until="at_scene")
    await town.post(f"/v1/assignments/{asked['id']}/backup", {"requirements": ["lifting"]}, headers=first.headers)
    [support] = [each for each in await town.asked(call_id) if each["role"] == "support"]
    assert support["unit_id"] == str(able.id)
    await town.say(call_id, call_event(intake.CallUpdated, patients=[patient], notes="อยู่ชั้นสอง", at=now_utc()))
    await town.step(support["id"], "decline", able)
    await town.running.do_due("find_support")
    [again] = [each for each in await town.asked(call_id) if each["role"] == "support"]
    assert again["unit_id"] == str(far.id), "the next one can lift, too, though another is nearer"
    assert near.id != far.id
    await town.step(again["id"], "accept", far)
    assert (await town.trip(call_id))["units"]["missing"] == 0


async def test_a_hand_over_names_receiver_and_time_and_is_said_once(town: Town) -> None:
    unit = await town.unit()
    hospital = await town.put(
        "facilities", {"area": "kalasin", "kind": "hospital", "name": "รพ.", "lon": 103.5, "lat": 16.4}
    )
    patient_id = new_id()
    call_id = await town.call(patients=[{"patient_id": patient_id}])
    [asked] = await town.asked(call_id)
    path = f"/v1/assignments/{asked['id']}/handover"
    body = {"receiver": "hospital", "facility_id": str(hospital), "at": now_utc().isoformat()}
    await town.post(path, body, headers=unit.headers, status=409)
    await town.drive(asked["id"], unit, until="at_destination")
    body["at"] = now_utc().isoformat()
    made = await town.post(path, body, headers=unit.headers, status=201)
    assert await town.post(path, body, headers=unit.headers, status=201) == made
    assert set(await town.running.audited("hand_over")) == {UUID(asked["id"])}
    [said] = await town.running.said("dispatch.patient")
    assert said["aggregate_id"] == patient_id
    assert said["data"]["private"]["receiver"] == "hospital"
    assert "facility_id" not in said["open_data"]
    wrong = await town.post(path, {**body, "receiver": "aliens"}, headers=unit.headers, status=422)
    assert wrong["errors"][0]["field"] == "receiver"


async def test_a_crew_sees_its_own_open_trips_and_access_ends_with_the_trip(town: Town) -> None:
    unit, other = await town.unit(1), await town.unit(2)
    call_id = await town.call(patients=[{"patient_id": new_id(), "name": "นางสาวทดสอบ"}])
    [asked] = await town.asked(call_id)
    [mine] = (await town.get("/v1/trips", headers=unit.headers))["items"]
    assert mine["details"]["patient"]["name"] == "นางสาวทดสอบ"
    assert mine["details"]["location"]["address"] == "บ้านทดสอบ"
    await town.get(f"/v1/trips/{mine['id']}", headers=other.headers, status=404)
    assert (await town.get("/v1/trips", headers=other.headers))["items"] == []
    await town.drive(asked["id"], unit, until="clear")
    assert (await town.get("/v1/trips", headers=unit.headers))["items"] == []
    await town.get(f"/v1/trips/{mine['id']}", headers=unit.headers, status=404)
    audited = await town.running.sql("select caller from audit where act = 'read' and noun = 'trip'")
    assert [row["caller"] for row in audited] == [f"person:{unit.crew[0]}"]
    [listed] = (await town.get("/v1/trips", call_id=str(call_id)))["items"]
    assert listed["details"] is None, "the desk's lists hold no names"


async def test_tokens_of_another_kind_are_refused(town: Town) -> None:
    unit = await town.unit()
    [asked] = await town.asked(await town.call())
    path, body = f"/v1/assignments/{asked['id']}/steps", {"step": "accept", "at": now_utc().isoformat()}
    for headers, status in (
        ({}, 401),
        (bearer("crew", crew_id=str(unit.crew[0]), now_s=0), 401),
        (bearer("crew"), 403),
        (bearer("case_manager"), 403),
        (bearer("crew", crew_id=str(unit.crew[0]), device_id="stolen-phone"), 401),
    ):
        answer = await town.running.client.post(path, json=body, headers=headers)
        assert answer.status_code == status, answer.text
