"""From a call to a crew on its way: order, silence, decline, the first to accept, and the stamps."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from shared.events.intake import CallUpdated
from shared.work import new_id, now_utc
from tests.dispatch.conftest import Town, call_event
from tests.harness import bearer, problem_of


async def test_the_nearest_fitting_unit_is_ordered_in_the_same_transaction(town: Town) -> None:
    await town.unit(5.0)
    near = await town.unit(1.0)
    call_id = await town.call()
    [asked] = await town.asked(call_id)
    assert asked["unit_id"] == str(near.id)
    assert asked["status"] == "ordered"
    assert sorted(asked["crew_ids"]) == sorted(map(str, near.crew))
    said = await town.types("dispatch.")
    assert said[-3:] == ["trip.requested", "run.opened", "assignment.ordered"]
    [ordered] = await town.running.said("dispatch.assignment.ordered")
    assert ordered["correlation_id"] == call_id
    answer_by = (await town.running.sql("select respond_by_at - asked_at as wait from assignment"))[0]["wait"]
    assert answer_by == timedelta(seconds=30)


async def test_a_crew_goes_through_the_seven_stamps(town: Town) -> None:
    unit = await town.unit()
    call_id = await town.call()
    [asked] = await town.asked(call_id)
    await town.drive(asked["id"], unit, until="at_destination")
    assert (await town.trip(call_id))["status"] == "under_way"
    await town.step(asked["id"], "clear", unit, outcome="transported", odometer_km=120.5, rc="yellow")
    trip = await town.trip(call_id)
    assert (trip["status"], trip["outcome"]) == ("completed", "transported")
    await town.step(asked["id"], "at_base", unit)
    assert await town.types("dispatch.assignment") == [
        f"assignment.{name}"
        for name in (
            "ordered",
            "accepted",
            "en_route",
            "at_scene",
            "left_scene",
            "at_destination",
            "cleared",
            "at_base",
        )
    ]
    assert (await town.types("dispatch.trip"))[-1] == "trip.completed"
    assert await town.types("dispatch.run") == ["run.opened", "run.closed"]
    [run] = await town.running.sql("select * from run")
    assert run["status"] == "closed"
    assert run["at_base_at"] is not None


async def test_silence_alerts_the_next_unit_in_parallel_and_the_first_to_accept_keeps_the_trip(town: Town) -> None:
    first, second = await town.unit(1), await town.unit(2)
    call_id = await town.call()
    await town.running.do_due("order_timeout")
    asked = {each["unit_id"]: each for each in await town.asked(call_id)}
    assert {each["status"] for each in asked.values()} == {"ordered"}
    assert set(asked) == {str(first.id), str(second.id)}
    await town.step(asked[str(second.id)]["id"], "accept", second)
    [kept] = await town.asked(call_id)
    assert kept["unit_id"] == str(second.id)
    late = await town.step(asked[str(first.id)]["id"], "accept", first, status=409)
    assert late["code"] == "taken"
    released = (await town.running.said("dispatch.assignment.released"))[0]
    assert released["data"]["private"]["reason"] == "another_accepted"
    [busy] = await town.running.sql("select unit_id from run where status = 'open'")
    assert busy["unit_id"] == second.id


async def test_a_silent_unit_beside_which_others_were_alerted_is_set_free_in_the_end(town: Town) -> None:
    await town.unit(1)
    call_id = await town.call()
    await town.running.do_due("order_timeout")
    assert len(await town.asked(call_id)) == 1, "it may still answer"
    await town.running.do_due("order_expires")
    assert await town.asked(call_id) == []
    assert "assignment.expired" in await town.types("dispatch.assignment")
    queue = await town.get("/v1/queue")
    assert queue["alarms"] == 1
    assert queue["items"][0]["silent"] == 1


async def test_green_silence_counts_as_no_and_the_next_is_ordered(town: Town) -> None:
    first, second = await town.unit(1), await town.unit(2)
    call_id = await town.call(severity="green")
    await town.running.do_due("order_timeout")
    [asked] = await town.asked(call_id)
    assert asked["unit_id"] == str(second.id)
    statuses = {each["unit_id"]: each["status"] for each in (await town.trip(call_id))["assignments"]}
    assert statuses[str(first.id)] == "expired"


async def test_a_decline_with_its_reason_asks_the_next_at_once(town: Town) -> None:
    first, second = await town.unit(1), await town.unit(2)
    call_id = await town.call()
    [asked] = await town.asked(call_id)
    await town.step(asked["id"], "decline", first, reason="vehicle_fault")
    await town.running.do_due("find_unit")
    [after] = await town.asked(call_id)
    assert after["unit_id"] == str(second.id)
    [declined] = await town.running.said("dispatch.assignment.declined")
    assert declined["data"]["private"]["reason"] == "vehicle_fault"
    assert "reason" not in str(declined["open_data"])


async def test_a_volunteer_who_declines_is_followed_by_the_next_at_once(town: Town) -> None:
    first, second = await town.unit(1, volunteer=True), await town.unit(2, volunteer=True)
    call_id = await town.call()
    [asked] = await town.asked(call_id)
    await drain(town)
    await town.reply("decline", assignment_id=asked["id"], crew_id=first.crew[0])
    await drain(town)
    assert [each["unit_id"] for each in await town.asked(call_id)] == [str(second.id)]


async def drain(town: Town) -> None:
    """Do what is due by now, and nothing that is not."""
    while await town.running.runtime.due.do_one():
        pass


async def test_a_unit_at_work_is_not_asked_for_another_call(town: Town) -> None:
    unit = await town.unit(1)
    [asked] = await town.asked(await town.call())
    await town.drive(asked["id"], unit, until="at_scene")
    second = await town.call()
    assert await town.asked(second) == []
    trip = await town.trip(second)
    refused = await town.post(f"/v1/trips/{trip['id']}/assign", {"unit_id": str(unit.id)}, status=409)
    assert ([short["code"] for short in refused["shortfalls"]], refused["overridable"]) == (["busy"], False)


async def test_nobody_free_is_a_visible_queue_served_by_severity_the_moment_somebody_is(town: Town) -> None:
    unit = await town.unit(1, on=False)
    green, red = await town.call(severity="green"), await town.call(severity="red")
    queue = await town.get("/v1/queue")
    assert [item["severity"] for item in queue["items"]] == ["red", "green"]
    assert queue["items"][0]["alarm"]
    assert queue["items"][0]["reason_codes"] == ["nobody_free"]
    assert (await town.types("dispatch.trip")).count("trip.queued") == 2
    await town.duty(unit)
    await town.running.do_due("serve_queue")
    assert [each["unit_id"] for each in await town.asked(red)] == [str(unit.id)]
    assert await town.asked(green) == []
    [asked] = await town.asked(red)
    await town.drive(asked["id"], unit, until="clear")
    await town.running.do_due("serve_queue")
    assert [each["unit_id"] for each in await town.asked(green)] == [str(unit.id)]


async def test_a_waiting_trip_is_never_forgotten(town: Town) -> None:
    """Whatever else is lost: a trip that needs a unit has something due."""
    call_id = await town.call()
    [row] = await town.running.sql("select due_at - clock_timestamp() as wait from due where kind = 'find_unit'")
    assert row["wait"] <= timedelta(seconds=15)
    for _ in range(2):
        await town.running.do_due("find_unit")
        assert len(await town.running.sql("select from due where kind = 'find_unit'")) == 1, "it looks again, for ever"
    unit = await town.unit(1)
    await town.running.sql("delete from due where kind = 'serve_queue'")
    await town.running.do_due("find_unit")
    assert [each["unit_id"] for each in await town.asked(call_id)] == [str(unit.id)]


async def test_two_hundred_accept_at_once_and_one_wins(town: Town) -> None:
    """Twenty units are asked, each crew presses ten times, all at the same moment."""
    units = [await town.unit(number / 10) for number in range(1, 21)]
    call_id = await town.call()
    for _ in units[1:]:
        await town.running.do_due("order_timeout")
    asked = {each["unit_id"]: each["id"] for each in await town.asked(call_id)}
    assert len(asked) == 20

    async def press(number: int) -> int:
        unit = units[number % 20]
        body = {"step": "accept", "at": (now_utc() - timedelta(milliseconds=number)).isoformat()}
        return await town.press(f"/v1/assignments/{asked[str(unit.id)]}/steps", body, unit.headers)

    answers = await asyncio.gather(*(press(number) for number in range(200)))
    assert sorted(set(answers)) == [200, 409]
    assert answers.count(200) == 1
    [kept] = await town.asked(call_id)
    assert kept["status"] == "accepted"
    assert (await town.types("dispatch.assignment")).count("assignment.accepted") == 1
    open_runs = await town.running.sql("select unit_id from run where status = 'open'")
    assert [str(row["unit_id"]) for row in open_runs] == [kept["unit_id"]]


async def test_many_calls_at_once_never_share_a_unit(town: Town) -> None:
    for number in range(8):
        await town.unit(number + 1)
    calls = await asyncio.gather(*(town.call() for _ in range(12)))
    asked = [each["unit_id"] for call_id in calls for each in await town.asked(call_id)]
    assert len(asked) == len(set(asked)) == 8
    assert len((await town.get("/v1/queue"))["items"]) == 12


async def test_each_patient_has_a_trip_and_a_unit_of_their_own(town: Town) -> None:
    for number in range(3):
        await town.unit(number + 1)
    call_id = await town.call(patients=[{"patient_id": new_id()} for _ in range(3)])
    assert len(await town.trips(call_id)) == 3
    assert len({each["unit_id"] for each in await town.asked(call_id)}) == 3


async def test_a_hazard_has_one_trip_and_asks_for_its_skill(town: Town) -> None:
    await town.unit(1)
    snake = await town.unit(
        3, level="transport", skills=("snake_handling", "driving"), equipment=("snake_tongs",), crew=1
    )
    call_id = await town.call(kind="hazard", severity="green", hazard="snake", patients=[])
    [asked] = await town.asked(call_id)
    assert asked["unit_id"] == str(snake.id)
    for step in ("accept", "en_route", "at_scene"):
        await town.step(asked["id"], step, snake)
    await town.step(asked["id"], "clear", snake, outcome="hazard_cleared")
    assert (await town.trip(call_id))["status"] == "completed"


async def test_exercise_calls_get_exercise_units_only(town: Town) -> None:
    await town.unit(1)
    practice = await town.unit(9, exercise=True)
    call_id = await town.call(exercise=True)
    [asked] = await town.asked(call_id)
    assert asked["unit_id"] == str(practice.id)
    assert all(row["exercise"] for row in await town.running.said("dispatch.assignment"))


@pytest.mark.parametrize("done", range(6))
async def test_the_end_of_an_exercise_frees_its_unit_wherever_it_is(town: Town, done: int) -> None:
    from shared.events.intake import CallWithdrawn

    practice = await town.unit(1, exercise=True)
    waiting, going = await town.call(exercise=True, severity="green"), await town.call(exercise=True)
    [asked] = await town.asked(going)
    queue = await town.get("/v1/queue")
    assert [(each["exercise"], each["alarm"]) for each in queue["items"]] == [(True, False)] * len(queue["items"])
    for step in ("accept", "en_route", "at_scene", "left_scene", "at_destination")[:done]:
        await town.step(asked["id"], step, practice)
    for call_id in (waiting, going):
        ended = CallWithdrawn(at=now_utc(), by="person", private={"reason": "exercise_ended"})
        await town.say(call_id, ended, exercise=True)
    assert {(await town.trip(each))["status"] for each in (waiting, going)} <= {"cancelled", "completed"}
    assert (await town.get("/v1/queue"))["items"] == []
    assert await town.running.sql("select from run where status in ('open', 'planned')") == []


async def test_a_call_that_is_not_served_orders_nobody(town: Town) -> None:
    await town.unit(1)
    call_id = await town.call(served=False, status="handed_over")
    assert await town.trips(call_id) == []


async def test_protected_calls_keep_their_trips_closed(town: Town) -> None:
    await town.unit(1)
    await town.call(protected=True)
    rows = [row for row in await town.running.said("dispatch.") if row["noun"] in {"trip", "assignment", "run"}]
    assert rows
    assert all(row["open_data"] == {} for row in rows)


@pytest.mark.parametrize("status", ["open", "closed"])
async def test_what_grows_from_a_call_that_becomes_protected_is_closed_from_then_on(town: Town, status: str) -> None:
    """Whether the crew is on its way, or is home and writes down what was."""
    unit = await town.unit(1)
    patient = {"patient_id": new_id()}
    call_id = await town.call(patients=[patient])
    [asked] = await town.asked(call_id)
    await town.drive(asked["id"], unit, until="en_route" if status == "open" else "clear")
    said = len(await town.running.said("dispatch."))
    await town.say(call_id, call_event(CallUpdated, patients=[patient], status=status, at=now_utc()), protected=True)
    await town.step(asked["id"], "at_scene" if status == "open" else "at_base", unit)
    rows = [row for row in (await town.running.said("dispatch."))[said:] if row["noun"] in {"trip", "assignment"}]
    assert rows
    assert all(row["open_data"] == {} for row in rows)


async def test_withdrawal_stands_the_crew_down_and_frees_the_unit(town: Town) -> None:
    from shared.events.intake import CallWithdrawn

    unit = await town.unit(1)
    call_id = await town.call()
    [asked] = await town.asked(call_id)
    await town.step(asked["id"], "accept", unit)
    await town.say(call_id, CallWithdrawn(at=now_utc(), by="person"))
    trip = await town.trip(call_id)
    assert trip["status"] == "cancelled"
    assert trip["assignments"][0]["reason"] == "trip_cancelled"
    assert await town.running.sql("select from run where status = 'open'") == []
    assert await town.running.sql("select from due where kind = 'order_timeout'") == []


async def test_volunteers_are_offered_and_get_a_run_when_they_accept(town: Town) -> None:
    volunteer = await town.unit(1, volunteer=True)
    call_id = await town.call()
    [asked] = await town.asked(call_id)
    assert (asked["status"], asked["run_id"]) == ("offered", None)
    done = await town.step(asked["id"], "accept", volunteer)
    assert done["run_id"] is not None
    assert (await town.types("dispatch."))[-4:].count("run.opened") == 1


async def test_who_may_not_manage_is_told_so(town: Town) -> None:
    unit = await town.unit(1)
    call_id = await town.call()
    [asked] = await town.asked(call_id)
    stranger = new_id()
    headers = bearer("crew", subject=str(stranger), crew_id=str(stranger))
    body = {"step": "accept", "at": now_utc().isoformat()}
    answer = await town.running.client.post(f"/v1/assignments/{asked['id']}/steps", json=body, headers=headers)
    assert answer.status_code == 404, "a step for somebody else's trip"
    assert problem_of(answer)["code"] == "not_found"
    for role in ("partner", "auditor"):
        refused = await town.running.client.get("/v1/trips", headers=bearer(role))
        assert refused.status_code == 403
    elsewhere = bearer("dispatcher", areas=["elsewhere"])
    hidden = await town.running.client.post(f"/v1/assignments/{asked['id']}/steps", json=body, headers=elsewhere)
    assert hidden.status_code == 404
    assert unit
