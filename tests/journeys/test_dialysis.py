"""Dialysis on Mondays, Wednesdays and Fridays: every visit a ride of its own, what is open goes on to the next one."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from karuna.seed import line_user, seed_id
from shared.thai.dates import local
from shared.work import now_utc
from tests.journeys.rides import Doc, assign, book, code_of, history, known_person, leg, next_monday, told, withdraw
from tests.journeys.town import AREA, STEPS, Town, eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

LINE = line_user(AREA, "journey-dialysis")
SITTING: Doc = {"mobility": "wheelchair"}
RULE = "FREQ=WEEKLY;BYDAY=MO,WE,FR"
DRIVER = str(seed_id(AREA, "crew", "C33"))
STRANGER = str(seed_id(AREA, "crew", "C38"))


async def test_dialysis_three_times_a_week(town: Town) -> None:
    known = await known_person(town, 77002, "บัวผัน ฟอกไต", line_user_id=LINE, **SITTING)
    at = next_monday(10)
    taken = await book(
        town, {**known["patient"], **SITTING}, at, appointment={"recurrence": f"{RULE};COUNT=5"},
        barriers=["money", "time"],
    )  # fmt: skip
    await _each_visit_is_a_ride_of_its_own(town, taken, at)

    await _driven_there_by_the_crews_own_telephone(town, taken)
    money = next(each for each in taken["barriers"] if each["barrier"] == "money")
    met = {"outcome": "free_ride"}
    await town.ask("intake", "POST", f"/v1/barriers/{money['id']}/met", role="case_manager", body=met)
    await _the_patient_says_ready_by_line_and_goes_home(town, taken)
    await _what_is_open_goes_on_to_the_next_visit(town, taken)
    await _the_history_holds_both_visits(town, known["id"], taken)

    await withdraw(town, taken["series"][0]["id"], whole_series=True, reason="recovered")
    for visit in taken["series"]:
        await leg(town, visit["id"], status="cancelled")
        await leg(town, visit["id"], "return", status="cancelled")


async def _each_visit_is_a_ride_of_its_own(town: Town, taken: Doc, at: datetime) -> None:
    """Wednesday, Friday, Monday, Wednesday: a number, a call linked to the first, and both legs in the day's list."""
    visits = taken["series"]
    days = [local(datetime.fromisoformat(visit["appointment_at"])) for visit in visits]
    assert days == [at + timedelta(days=days) for days in (2, 4, 7, 9)]
    assert len({taken["number"], *(visit["number"] for visit in visits)}) == 5
    for visit, day in zip(visits, days, strict=True):
        there, back = await leg(town, visit["id"]), await leg(town, visit["id"], "return")
        assert (there["on_day"], back["outbound_id"]) == (str(day.date()), there["id"])
        listed = await town.ask("dispatch", "GET", f"/v1/trips?on={day.date()}&limit=500", role="dispatcher")
        assert {there["id"], back["id"]} <= {trip["id"] for trip in listed["items"]}
    last = await town.ask("intake", "GET", f"/v1/calls/{visits[-1]['id']}", role="call_taker")
    assert (last["series_of"], last["occurrence"]) == (taken["id"], 5)
    assert [(link["other_call_id"], link["link"]) for link in last["links"]] == [(taken["id"], "occurrence")]


async def _driven_there_by_the_crews_own_telephone(town: Town, taken: Doc) -> None:
    """The same stamps over HTTP with the crew's token; a crew that is not on it does not even see it."""
    there = await leg(town, taken["id"])
    asked = await assign(town, there, "K7")
    path = f"/v1/assignments/{asked['id']}/steps"
    body = {"step": "accept", "at": now_utc().isoformat()}
    await town.ask("dispatch", "POST", path, role="crew", body=body, status=404, claims={"crew_id": STRANGER})
    for step in ("accept", *STEPS):
        body = {"step": step, "at": now_utc().isoformat()}
        done = await town.ask("dispatch", "POST", path, role="crew", body=body, claims={"crew_id": DRIVER})
    times = [datetime.fromisoformat(done["stamps"][step]) for step in ("accept", *STEPS)]
    assert times == sorted(times)


async def _the_patient_says_ready_by_line_and_goes_home(town: Town, taken: Doc) -> None:
    """Where the patient has LINE there is a button; pressing it asks a crew at once."""
    shown = await told(town, taken["id"], LINE, "พร้อมกลับ", taken["number"], via="line")
    await town.press(shown, "ready")
    back = await leg(town, taken["id"], "return", status="requested")

    async def somebody_is_asked() -> Any:
        trip = await leg(town, taken["id"], "return")
        return next((each for each in trip["assignments"] if each["status"] == "offered"), None)

    asked = await eventually(somebody_is_asked)
    assert back["ready_at"]
    await town.drive(asked["id"])
    await leg(town, taken["id"], "return", status="completed")


async def _what_is_open_goes_on_to_the_next_visit(town: Town, taken: Doc) -> None:
    """Nobody has stayed with the patient yet: that is asked for again on Wednesday. What was met is not."""
    time = next(each for each in taken["barriers"] if each["barrier"] == "time")

    async def closed() -> Doc | None:
        call = await town.ask("intake", "GET", f"/v1/calls/{taken['id']}", role="call_taker")
        return call if call["status"] == "closed" else None

    over: Doc = await eventually(closed)
    ended = {each["barrier"]: (each["state"], each["reason"]) for each in over["barriers"]}
    assert ended == {"money": ("met", None), "time": ("unmet", "carried_over")}
    upcoming = await town.ask("intake", "GET", f"/v1/calls/{taken['series'][0]['id']}", role="call_taker")
    carried = {each["barrier"]: each for each in upcoming["barriers"]}
    assert set(carried) == {"time"}
    assert (carried["time"]["state"], carried["time"]["carried_from"]) == ("asked", time["id"])

    async def the_crew_is_to_know() -> bool:
        trip = await leg(town, upcoming["id"])
        return "time" in trip["need"].get("barriers", [])

    await eventually(the_crew_is_to_know)


async def _the_history_holds_both_visits(town: Town, person_id: str, taken: Doc) -> None:
    """Monday's ride to its end, and Wednesday's that is to come, with what was carried over between them."""
    ends = {"intake.call.closed.v1": 1, "intake.barrier.unmet.v1": 1, "dispatch.trip.completed.v1": 2}
    lines = await history(town, person_id, taken["id"], ends)
    monday = [line for line in lines if line["call_id"] == taken["id"]]
    assert [line["type"] for line in monday].count("dispatch.trip.completed.v1") == 2
    [unmet] = [line for line in monday if line["type"] == "intake.barrier.unmet.v1"]
    assert (code_of(unmet, "barrier"), code_of(unmet, "reason")) == ("time", "carried_over")
    wednesday = {line["type"] for line in lines if line["call_id"] == taken["series"][0]["id"]}
    assert {"intake.call.received.v1", "dispatch.trip.requested.v1", "intake.barrier.opened.v1"} <= wednesday
