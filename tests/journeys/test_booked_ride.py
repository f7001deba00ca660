"""A bedridden patient is brought to tomorrow's appointment and home again, as a reader of the README would do it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.thai.dates import local
from tests.journeys.rides import HOSPITAL, Doc, assign, book, history, known_person, leg, next_monday, told, withdraw
from tests.journeys.town import SERVICES, STEPS, Town, eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

OWN_PHONE = "0845550101"
BEDRIDDEN: Doc = {"mobility": "stretcher", "needs": ["oxygen"], "groups": ["bedridden"]}
STAMPS = ("accept", *STEPS)
ONE_RIDE = [f"dispatch.assignment.{name}.v1" for name in (
    "offered", "accepted", "en_route", "at_scene", "left_scene", "at_destination", "cleared", "at_base",
)]  # fmt: skip


async def test_a_bedridden_patient_is_brought_to_the_appointment_and_home(town: Town) -> None:
    known = await known_person(town, 77001, "คำมี นอนติดเตียง", phone=OWN_PHONE, **BEDRIDDEN)
    at = next_monday()
    taken = await book(town, {**known["patient"], **BEDRIDDEN}, at)
    there = await _in_the_day_list(town, taken, at)

    await _who_cannot_carry_them_is_refused(town, there)
    asked = await _declined_by_one_accepted_by_another(town, taken, there)
    await _reminded_the_day_before(town, taken, asked)

    await town.drive(asked["id"], STEPS)
    await _seven_stamps(town, there["id"], asked["id"])
    await told(town, taken["id"], OWN_PHONE[1:], "รถออกเดินทางไปรับแล้ว", taken["number"])
    await told(town, taken["id"], OWN_PHONE[1:], "เมื่อพร้อมกลับ โทร 1132", taken["number"])

    home = await _ready_and_driven_home(town, taken)
    await _it_is_over_at_the_desk(town, taken)
    await _the_history_shows_it_all(town, known["id"], taken["id"], [asked["id"], home])


async def _in_the_day_list(town: Town, taken: Doc, at: datetime) -> Doc:
    """The way there stands in the list of its day with window and needs, the way back waits for the word."""
    there, back = await leg(town, taken["id"]), await leg(town, taken["id"], "return")
    day = await town.ask("dispatch", "GET", f"/v1/trips?on={at.date()}&limit=500", role="dispatcher")
    listed = {trip["id"]: trip for trip in day["items"]}
    assert listed[there["id"]]["status"] == "requested"
    assert listed[back["id"]]["status"] == "awaiting_ready"
    assert there["need"]["mobility"] == "stretcher"
    assert there["facility_id"] == HOSPITAL
    latest, arrive_by = (datetime.fromisoformat(there[name]) for name in ("pickup_latest_at", "arrive_by_at"))
    assert latest < arrive_by < at
    other = await town.ask("dispatch", "GET", f"/v1/trips?on={at.date() + timedelta(days=1)}", role="dispatcher")
    assert there["id"] not in str(other)
    return there


async def _who_cannot_carry_them_is_refused(town: Town, there: Doc) -> None:
    """A van without a stretcher: what is missing is said in both languages, and nothing is left half done."""
    path = f"/v1/trips/{there['id']}/recommendations?limit=50"
    found = await town.ask("dispatch", "GET", path, role="dispatcher")
    fits = {item["call_sign"]: item["eligible"] for item in found["items"]}
    assert fits["K6"]
    assert not fits["K7"]
    refused = await assign(town, there, "K7", status=409)
    assert refused["code"] == "unit_not_fit"
    lacks = {short["what"]: short for short in refused["shortfalls"]}
    assert lacks["stretcher"]["th"]
    assert lacks["stretcher"]["en"]
    assert (await leg(town, there["call_id"]))["status"] == "requested"


async def _declined_by_one_accepted_by_another(town: Town, taken: Doc, there: Doc) -> Doc:
    """Both crews are asked by LINE. The patient hears of the vehicle, and again when the time moves."""
    first = await assign(town, there, "K3")
    assert (first["status"], first["way"]) == ("offered", "offer")
    offer = await town.press_when_asked(first["id"], "decline")
    assert taken["number"] in offer["text"]
    await leg(town, taken["id"], status="unassigned")

    start_at = datetime.fromisoformat(there["pickup_latest_at"]) - timedelta(minutes=50)
    second = await assign(town, there, "K6", start_at=start_at.isoformat())
    assert datetime.fromisoformat(second["start_at"]) == start_at
    assert await _messages(town, taken["id"], "ride_planned") == []  # both were only asked
    await town.press_when_asked(second["id"], "accept")

    async def accepted() -> Doc | None:
        trip = await leg(town, taken["id"], status="planned")
        mine = next(each for each in trip["assignments"] if each["id"] == second["id"])
        return trip if mine["status"] == "accepted" else None

    planned: Doc = await eventually(accepted)
    assert {each["unit_id"]: each["status"] for each in planned["assignments"]} == {
        town.unit("K3"): "declined", town.unit("K6"): "accepted",
    }  # fmt: skip
    pickup = local(datetime.fromisoformat(planned["pickup_at"]))
    await told(
        town, taken["id"], OWN_PHONE[1:], "จัดรถแล้ว", taken["number"], f"{pickup:%H:%M}", str(pickup.year + 543)[2:]
    )
    return second


async def _reminded_the_day_before(town: Town, taken: Doc, asked: Doc) -> None:
    """At six in the evening of the day before; then it is in the patient's telephone and with the crew that goes."""
    trip = await leg(town, taken["id"])
    [due] = await town.sql("notify", "select due_at from due where kind = 'reminder' and subject_id = $1", trip["id"])
    pickup = local(datetime.fromisoformat(trip["pickup_at"]))
    assert local(due["due_at"]) == (pickup - timedelta(days=1)).replace(hour=18, minute=0, second=0, microsecond=0)
    await eventually(lambda: _messages(town, taken["id"], "crew_accepted"))  # notify knows who goes
    await town.time_passes("notify", "reminder", trip["id"])
    await told(town, taken["id"], OWN_PHONE[1:], "แจ้งเตือน", taken["number"], f"{pickup:%H:%M}")
    messages = await _messages(town, taken["id"], "crew_reminder")
    assert {message["recipient_id"] for message in messages} == set(asked["crew_ids"])


async def _messages(town: Town, call_id: str, template: str) -> list[Doc]:
    return [message for message in await town.messages(call_id) if message["template"] == template]


async def _seven_stamps(town: Town, trip_id: str, assignment_id: str) -> None:
    """รับแจ้ง, สั่งการ and the five of the crew, in order; the trip is completed."""

    async def stamped() -> Doc | None:
        trip = await town.ask("dispatch", "GET", f"/v1/trips/{trip_id}", role="dispatcher")
        mine = next(each for each in trip["assignments"] if each["id"] == assignment_id)
        return trip if "at_base" in mine["stamps"] else None

    trip: Doc = await eventually(stamped)
    mine = next(each for each in trip["assignments"] if each["id"] == assignment_id)
    said = [trip["received_at"], mine["asked_at"], *(mine["stamps"][step] for step in STAMPS)]
    times = [datetime.fromisoformat(each) for each in said]
    assert times == sorted(times)
    assert (trip["status"], trip["outcome"]) == ("completed", "completed")
    assert [step["step"] for step in trip["steps"] if step["assignment_id"] == assignment_id] == list(STAMPS)


async def _ready_and_driven_home(town: Town, taken: Doc) -> str:
    """Nobody goes before they are ready; then somebody is asked at once, accepts and brings them home."""
    back = await leg(town, taken["id"], "return")
    early = await assign(town, back, "K6", status=409)
    assert early["code"] == "not_ready"
    ready = await town.ask("dispatch", "POST", f"/v1/trips/{back['id']}/ready", role="call_taker", body={})
    assert ready["ready_at"]
    [asked] = [each for each in ready["assignments"] if each["ended_at"] is None]
    assert asked["status"] == "offered"
    await town.drive(asked["id"])
    await _seven_stamps(town, back["id"], asked["id"])
    assert [back["pickup_lat"], back["drop_lat"]] == [ready["pickup_lat"], 16.4349]
    return str(asked["id"])


async def _it_is_over_at_the_desk(town: Town, taken: Doc) -> None:
    async def closed() -> Doc | None:
        call = await town.ask("intake", "GET", f"/v1/calls/{taken['id']}", role="call_taker")
        return call if call["status"] == "closed" else None

    call: Doc = await eventually(closed)
    assert (call["stage"], call["outcome"]) == ("done", "done")
    assert {trip["leg"]: trip["state"] for trip in call["trips"]} == {"outbound": "completed", "return": "completed"}


async def _the_history_shows_it_all(town: Town, person_id: str, call_id: str, assignments: list[str]) -> None:
    """What the crews said, both legs, every message: each once, in order, readable in both languages."""
    ends = {"intake.call.closed.v1": 1, "dispatch.trip.completed.v1": 2, "dispatch.assignment.at_base.v1": 2}
    lines = await history(town, person_id, call_id, ends, frozenset(SERVICES))
    mine = [line for line in lines if line["call_id"] == call_id]
    assert len({line["event_id"] for line in mine}) == len(mine)
    for assignment_id in assignments:
        assert [line["type"] for line in mine if line["subject_id"] == assignment_id] == ONE_RIDE
    types = [line["type"] for line in mine]
    for once in ("intake.call.received.v1", "dispatch.assignment.declined.v1", "dispatch.trip.unassigned.v1"):
        assert types.count(once) == 1
    assert types.count("dispatch.trip.completed.v1") == 2
    assert all(line["th"] and line["en"] for line in mine)


# --- two rides at once, and a ride nobody has taken -----------------------------------------------------------------


async def test_an_overlapping_booking_is_refused_until_a_reason_is_written(town: Town) -> None:
    at = next_monday(13)
    first, second = [await book(town, {"age": 70, "mobility": "wheelchair"}, at) for _ in range(2)]
    one, other = await leg(town, first["id"]), await leg(town, second["id"])
    await assign(town, one, "K7")

    refused = await assign(town, other, "K7", status=409)
    assert (refused["code"], refused["overridable"]) == ("conflicts", True)
    assert refused["th"]
    [conflict] = refused["conflicts"]
    assert (conflict["code"], conflict["trip_ids"]) == ("booked", [one["id"]])
    assert conflict["starts_at"] < conflict["ends_at"]
    assert (await leg(town, second["id"]))["assignments"] == []

    made_up = await assign(town, other, "K7", status=422, override_reason="because")
    assert made_up["errors"][0]["field"] == "override_reason"
    made = await assign(town, other, "K7", override_reason="local_knowledge")
    assert made["status"] == "offered"
    [run] = await town.sql("dispatch", "select override_reason from run where id = $1", made["run_id"])
    assert run["override_reason"] == "local_knowledge"
    for call in (first, second):
        await withdraw(town, call["id"])
    left = await town.sql("dispatch", "select 1 from run where unit_id = $1 and status = 'planned'", town.unit("K7"))
    assert left == []


async def test_an_hour_before_a_ride_without_a_crew_is_an_alarm_and_then_somebody_is_looked_for(town: Town) -> None:
    taken = await book(town, {"age": 70, "mobility": "wheelchair"}, next_monday(15))
    trip = await leg(town, taken["id"])
    [due] = await town.sql(
        "dispatch", "select due_at from due where kind = 'booked_due' and subject_id = $1", trip["id"]
    )
    assert due["due_at"] == datetime.fromisoformat(trip["pickup_latest_at"]) - timedelta(minutes=60)
    assert await _queued(town, trip) is None

    await town.time_passes("dispatch", "booked_due", trip["id"])
    waiting: Any = await eventually(lambda: _queued(town, trip))
    assert waiting["alarm"]
    assert waiting["reasons"][0]["th"]

    await town.sql("dispatch", "update trip set now_at = clock_timestamp() where id = $1", trip["id"])
    await town.time_passes("dispatch", "find_unit", trip["id"])
    proposed = await town.trip(taken["id"], lambda trip: any(a["status"] == "proposed" for a in trip["assignments"]))
    [mine] = proposed["assignments"]
    confirm = {"unit_id": mine["unit_id"]}
    await town.ask("dispatch", "POST", f"/v1/trips/{trip['id']}/assign", role="dispatcher", body=confirm)
    await town.press_when_asked(mine["id"], "accept")
    await leg(town, taken["id"], status="planned")
    assert await _queued(town, trip) is None
    await withdraw(town, taken["id"])


async def _queued(town: Town, trip: Doc) -> Doc | None:
    queue = await town.ask("dispatch", "GET", "/v1/queue", role="dispatcher")
    return next((item for item in queue["items"] if item["trip_id"] == trip["id"]), None)
