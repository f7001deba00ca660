"""What callers and passengers are told, by night, for protected calls, and around a ride."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.notify import house
from services.notify.rules.policy import Policy
from shared.events.dispatch import (
    AssignmentAtScene,
    AssignmentEnRoute,
    TripAtRisk,
    TripCancelled,
    TripChanged,
    TripCompleted,
    TripPlanned,
    TripReplanned,
    TripRequested,
)
from shared.events.intake import (
    Appointment,
    BarrierOpened,
    Caller,
    CallErased,
    CallHandedOver,
    CallUpdated,
    CallWithdrawn,
    Patient,
)
from shared.events.registry import PersonMatched, PersonRegistered, PersonUnmatched
from shared.thai.dates import local, show_moment
from shared.work import new_id, now_utc
from tests.harness import AREA, call_origin
from tests.notify.conftest import Call, Town, line_id, phone

CALLER = {"name": "สมศักดิ์", "phone": phone(9)}


def night() -> Policy:
    """Quiet hours that hold just now, whatever the clock says."""
    here = local(now_utc())
    return Policy(quiet_from=(here - timedelta(hours=1)).time(), quiet_until=(here + timedelta(hours=1)).time())


async def ask_for_ride(town: Town, call: Call, pickup_at: datetime) -> None:
    """A unit and a time are found, and its crew is asked."""
    event = TripPlanned(
        call_id=call.id, patient_id=call.patient_id, run_id=new_id(), unit_id=call.unit_id,
        assignment_id=call.assignment_id, pickup_at=pickup_at, at=now_utc(), by="person",
    )  # fmt: skip
    await town.service.emit(call.trip_id, event, call.origin)
    await town.offer(call, pickup_at)


async def plan_ride(town: Town, call: Call, pickup_at: datetime) -> None:
    """A crew has taken the ride."""
    await ask_for_ride(town, call, pickup_at)
    await town.accepted(call)


async def replan(town: Town, call: Call, before: datetime, pickup_at: datetime) -> None:
    """Another crew is asked, for another time."""
    call.assignment_id = new_id()
    event = TripReplanned(
        call_id=call.id, patient_id=call.patient_id, run_id=new_id(), unit_id=call.unit_id,
        assignment_id=call.assignment_id, pickup_at=pickup_at, previous_run_id=new_id(),
        previous_unit_id=call.unit_id, previous_pickup_at=before, at=now_utc(), by="person",
    )  # fmt: skip
    await town.service.emit(call.trip_id, event, call.origin)
    await town.offer(call, pickup_at)


async def ride(town: Town, pickup_at: datetime) -> Call:
    return await town.call(caller=CALLER, lane="booked", appointment=pickup_at)


async def cancel_trip(town: Town, call: Call, **more: Any) -> None:
    event = TripCancelled(
        call_id=call.id, patient_id=call.patient_id, leg="outbound", at=now_utc(), by="person", **more,
        private=TripCancelled.Private(reason="appointment_moved"),
    )  # fmt: skip
    await town.service.emit(call.trip_id, event, call.origin)


async def complete(town: Town, call: Call, leg: str = "outbound", outcome: str = "completed") -> None:
    event = TripCompleted(
        call_id=call.id, patient_id=call.patient_id, leg=leg, at=now_utc(),
        private=TripCompleted.Private(outcome=outcome),
    )  # fmt: skip
    await town.service.emit(call.trip_id, event, call.origin)


async def test_the_caller_hears_of_receipt_departure_arrival_and_end_once_each(town: Town) -> None:
    call = await town.call(caller=CALLER)
    await town.step(AssignmentEnRoute, call)
    await town.step(AssignmentAtScene, call)
    await complete(town, call)
    texts = [entry.text for entry in await town.texts(9, 4)]
    for text, word in zip(texts, ("รับแจ้งแล้ว", "ออกเดินทางแล้ว", "ถึงแล้ว", "เสร็จสิ้น"), strict=True):
        assert word in text
        assert call.number in text
    assert "ABCD-EFGH" in texts[0]


async def test_a_caller_whose_unit_was_taken_hears_of_it_and_of_the_next_one(town: Town) -> None:
    call = await town.call(caller=CALLER)
    await town.step(AssignmentEnRoute, call)
    await town.released(call, "more_urgent")
    call.assignment_id = new_id()
    await town.step(AssignmentEnRoute, call)
    texts = [entry.text for entry in await town.texts(9, 4)]
    for text, word in zip(texts, ("รับแจ้งแล้ว", "ออกเดินทางแล้ว", "เร่งด่วนกว่า", "ออกเดินทางแล้ว"), strict=True):
        assert word in text


async def test_who_was_not_told_of_a_unit_hears_nothing_of_its_loss(town: Town) -> None:
    call = await town.call(caller=CALLER)
    await town.released(call, "more_urgent")
    call.assignment_id = new_id()
    await town.step(AssignmentEnRoute, call)
    await town.texts(9, 2)
    assert await town.messages(rule="caller_redirected") == []
    assert await town.messages(rule="caller_on_the_way_again") == []


async def test_a_caller_with_line_is_told_by_line_and_not_by_sms_as_well(town: Town) -> None:
    await town.call(caller={**CALLER, "line_user_id": line_id(9)})
    assert "รับแจ้งแล้ว" in (await town.chat(9))[0].text
    message = (await town.messages(rule="caller_received"))[0]
    await town.status(message["id"], "accepted")
    assert [a["state"] for a in await town.attempts(message["id"])] == ["accepted", "cancelled"]


async def test_an_english_speaker_is_told_in_english(town: Town) -> None:
    await town.call(caller={**CALLER, "language": "en"})
    assert "Help is being arranged" in (await town.texts(9))[0].text


async def test_nobody_outside_the_crew_is_written_to_about_a_protected_call(town: Town) -> None:
    crew = await town.crew(1)
    call = await town.call(crew, caller=CALLER, protected=True)
    await town.order(call)
    entry = (await town.chat(1))[0]
    assert call.number in entry.text
    assert "สมศรี" not in entry.text
    message = (await town.messages(rule="caller_received"))[0]
    assert (message["status"], message["reason"]) == ("suppressed", "protected")
    assert all(row["open_data"] == {} for row in await town.said("message"))


async def test_once_a_call_is_protected_nothing_that_waits_is_sent_and_nothing_is_open_any_more(
    quiet_town: Town,
) -> None:
    town = quiet_town
    house.settle({AREA: night()})
    crew, pickup_at = await town.crew(1), now_utc() + timedelta(days=2)
    call = await town.call(crew, caller=CALLER, lane="booked", appointment=pickup_at)
    await plan_ride(town, call, pickup_at)
    waiting = (await town.messages(rule="ride_planned"))[0]
    assert waiting["status"] == "planned"
    said = len(await town.said("message"))
    call.origin = replace(call.origin, protected=True)
    await become(town, call, pickup_at, CALLER)
    waiting = (await town.messages(id=waiting["id"]))[0]
    assert (waiting["status"], waiting["reason"]) == ("cancelled", "protected")
    await town.service.do_due("reminder")
    told = await town.messages(rule="ride_reminder", recipient_kind="caller")
    assert [(row["status"], row["reason"]) for row in told] == [("suppressed", "protected")]
    later = (await town.said("message"))[said:]
    assert later
    assert all(row["open_data"] == {} for row in later)


async def become(town: Town, call: Call, at: datetime, caller: dict[str, Any]) -> None:
    """Intake says the call anew; dispatch has not heard of it yet."""
    event = CallUpdated(
        number=call.number, status="open", kind="medical", lane="booked", severity=call.severity,
        severity_scheme="cbd", channel="phone", received_at=now_utc(), patient_count=1, at=now_utc(),
        private=CallUpdated.Private(
            caller=Caller(**caller), patients=(Patient(patient_id=call.patient_id),), appointment=Appointment(at=at),
            changed=("patients",),
        ),
    )  # fmt: skip
    await town.service.emit(call.id, event, call.origin)


async def test_once_a_patient_is_known_to_be_of_the_secret_class_the_caller_is_not_written_to(town: Town) -> None:
    """The telephone may be shared with whom they fear. Their crew is ordered as ever."""
    crew, person_id = await town.crew(1), new_id()
    call = await town.call(crew, caller=CALLER)
    private = PersonRegistered.Private(phone=phone(9), disclosure="secret")
    await town.service.emit(person_id, PersonRegistered(at=now_utc(), private=private), call.origin)
    how = PersonMatched.Private(method="identifier")
    matched = PersonMatched(call_id=call.id, patient_id=call.patient_id, at=now_utc(), by="system", private=how)
    await town.service.emit(person_id, matched, call.origin)
    await town.order(call)
    await town.step(AssignmentEnRoute, call)
    assert call.number in (await town.chat(1))[0].text
    message = (await town.messages(rule="caller_on_the_way"))[0]
    assert (message["status"], message["reason"]) == ("suppressed", "not_by_text")


@pytest.mark.parametrize("order", ["asm", "ams", "mas"])
async def test_who_was_taken_for_somebody_else_is_told_by_their_own_telephone(town: Town, order: str) -> None:
    """First (a), then it was said not to be them (s) but somebody else (m): in no order the first comes back."""
    first, second = new_id(), new_id()
    for person_id, number in ((first, 8), (second, 9)):
        private = PersonRegistered.Private(phone=phone(number))
        await town.service.emit(person_id, PersonRegistered(at=now_utc(), private=private), call_origin(person_id))
    call = await town.call(caller=CALLER)
    how = PersonMatched.Private(method="identifier")
    facts = {"call_id": call.id, "patient_id": call.patient_id, "at": now_utc()}
    said = {
        "a": (first, PersonMatched(**facts, by="system", private=how)),
        "s": (first, PersonUnmatched(**facts, by="person", turn=1)),
        "m": (second, PersonMatched(**facts, by="person", turn=1, private=how)),
    }
    for each in order:
        await town.service.emit(*said[each], call.origin)
    [row] = await town.service.sql("select person_id from recipient where kind = 'patient' and call_id = $1", call.id)
    assert row["person_id"] == second


async def test_what_was_handled_on_paper_is_told_to_nobody(town: Town) -> None:
    crew = await town.crew(1)
    call = await town.call(crew, caller=CALLER, back_entry=True)
    await town.order(call, back_entry=True)
    assert await town.messages() == []


async def test_a_call_handed_over_for_good_is_told_and_one_that_is_only_shared_is_not(town: Town) -> None:
    for ends, count in ((False, 1), (True, 2)):
        call = await town.call(caller=CALLER)
        private = CallHandedOver.Private(receiver="centre_1669", reason="outside_area")
        event = CallHandedOver(at=now_utc(), by="person", ends_call=ends, private=private)
        await town.service.emit(call.id, event, call.origin)
        assert len(await town.messages(call_id=call.id)) == count


async def test_of_a_series_that_is_another_s_from_the_start_only_the_first_visit_is_told(town: Town) -> None:
    first = await town.call(caller=CALLER, lane="booked", appointment=now_utc() + timedelta(days=2), served=False)
    appointment = Appointment(at=now_utc() + timedelta(days=9), occurrence=2, series_of=first.id)
    second = await town.call(caller=CALLER, lane="booked", appointment=appointment, served=False)
    ours = await town.call(caller=CALLER, lane="booked", appointment=appointment)
    for call in (first, second, ours):
        private = CallHandedOver.Private(receiver="other", reason="outside_area")
        event = CallHandedOver(at=now_utc(), by="system", ends_call=True, private=private)
        await town.service.emit(call.id, event, call.origin)
    told = [message["call_id"] for message in await town.messages(rule="caller_handed_over")]
    assert told == [first.id, ours.id]


async def test_routine_waits_for_the_morning_and_an_emergency_does_not(town: Town) -> None:
    house.settle({AREA: night()})
    pickup_at = now_utc() + timedelta(days=2)
    ride = await town.call(caller=CALLER, lane="booked", appointment=pickup_at)
    await plan_ride(town, ride, pickup_at)
    await town.call(caller={"phone": phone(8)})
    await town.texts(8)
    message = (await town.messages(rule="ride_planned"))[0]
    attempt = (await town.attempts(message["id"]))[0]
    assert attempt["due_at"] > now_utc() + timedelta(minutes=50)
    assert message["status"] == "planned"


async def test_a_ride_that_starts_before_the_morning_is_told_by_night(town: Town) -> None:
    house.settle({AREA: night()})
    pickup_at = now_utc() + timedelta(minutes=30)
    ride = await town.call(caller=CALLER, lane="booked", appointment=pickup_at)
    await plan_ride(town, ride, pickup_at)
    assert any("จัดรถแล้ว" in entry.text for entry in await town.texts(9, 2))


async def test_a_crew_at_home_is_asked_by_night_only_where_the_morning_is_too_late(town: Town) -> None:
    house.settle({AREA: night()})
    now, pickup_at = now_utc(), now_utc() + timedelta(days=2)
    crew = await town.crew(1)
    for minutes, waits in ((180, True), (30, False)):
        call = await town.call(caller=CALLER, lane="booked", appointment=pickup_at)
        await town.offer(call, pickup_at, crew_ids=(crew,), respond_by_at=now + timedelta(minutes=minutes))
        (message,) = await town.messages(rule="crew_offered", call_id=call.id)
        first = (await town.attempts(message["id"]))[0]
        assert (first["due_at"] is not None and first["due_at"] > now + timedelta(minutes=50)) == waits


async def test_a_crew_is_asked_for_a_ride_with_its_day_and_tambon_and_without_a_name_or_a_home(town: Town) -> None:
    crew, pickup_at = await town.crew(1), now_utc() + timedelta(days=2)
    where = {"tambon_code": "460102", "landmark": "บ้านยายมี", "address": "9/9"}
    call = await town.call(caller=CALLER, lane="booked", appointment=pickup_at, location=where)
    await town.offer(call, pickup_at, crew_ids=(crew,))
    (message,) = await town.messages(rule="crew_offered", call_id=call.id)
    texts = [attempt["text"] for attempt in await town.attempts(message["id"])]
    assert len(texts) == 2
    for text in texts:
        assert "ต.เหนือ" in text
        assert show_moment(pickup_at) in text
        assert not any(hidden in text for hidden in ("ยายมี", "9/9", "สมศรี"))
    await town.service.emit(call.id, CallErased(at=now_utc()), call.origin)
    assert await town.service.sql("select tambon_code from call where tambon_code is not null") == []


async def test_the_evening_before_passenger_and_crew_are_reminded_once(town: Town) -> None:
    crew = await town.crew(1)
    pickup_at = now_utc() + timedelta(days=3)
    call = await town.call(crew, caller=CALLER, lane="booked", appointment=pickup_at)
    await plan_ride(town, call, pickup_at)
    due = await town.service.sql("select * from due where kind = 'reminder'")
    evening = local(due[0]["due_at"])
    assert len(due) == 1
    assert (evening.hour, evening.date()) == (18, local(pickup_at).date() - timedelta(days=1))
    assert await town.service.do_due("reminder") == 1
    assert len(await town.messages(rule="ride_reminder")) == 1
    assert [m["recipient_id"] for m in await town.messages(rule="crew_reminder")] == [crew]


async def test_a_vehicle_is_arranged_when_a_crew_has_taken_the_ride_and_not_when_it_is_only_asked(town: Town) -> None:
    pickup_at = now_utc() + timedelta(days=3)
    call = await ride(town, pickup_at)
    await ask_for_ride(town, call, pickup_at)
    assert await town.messages(rule="ride_planned") == []
    await town.service.do_due("reminder")
    [reminder] = await town.messages(rule="ride_reminder")
    assert "กำลังจัดรถ" in (await town.attempts(reminder["id"]))[0]["text"]
    await town.accepted(call)
    [message] = await town.messages(rule="ride_planned")
    assert "จัดรถแล้ว" in (await town.attempts(message["id"]))[0]["text"]


async def test_an_order_is_no_question_and_whatever_is_heard_first_the_rider_is_told_once(town: Town) -> None:
    pickup_at = now_utc() + timedelta(days=3)
    ordered = await ride(town, pickup_at)
    await ask_for_ride(town, ordered, pickup_at)
    await town.order(ordered)
    assert len(await town.messages(rule="ride_planned", call_id=ordered.id)) == 1
    # What falls due is offered, accepted, and planned only then.
    due = await ride(town, pickup_at)
    await town.offer(due, pickup_at)
    await town.accepted(due)
    assert await town.messages(rule="ride_planned", call_id=due.id) == []
    await plan_ride(town, due, pickup_at)
    assert len(await town.messages(rule="ride_planned", call_id=due.id)) == 1
    # Another crew takes it for the same time: nothing new for who waits at the door.
    await replan(town, due, pickup_at, pickup_at)
    await town.accepted(due)
    assert await town.messages(rule="ride_changed", call_id=due.id) == []
    assert len(await town.messages(rule="ride_planned", call_id=due.id)) == 1


async def late(town: Town, call: Call, told_at: datetime, expected_at: datetime | None) -> None:
    event = TripAtRisk(
        call_id=call.id, patient_id=call.patient_id, risk="late", leg="outbound", unit_id=call.unit_id,
        assignment_id=call.assignment_id, promised_at=told_at, expected_at=expected_at, at=now_utc(),
    )  # fmt: skip
    await town.service.emit(call.trip_id, event, call.origin)


async def test_whoever_was_told_a_time_hears_that_the_van_is_late_and_the_new_one(town: Town) -> None:
    house.settle({AREA: night()})
    told_at = now_utc() + timedelta(days=1)
    call = await ride(town, told_at)
    await plan_ride(town, call, told_at)
    await late(town, call, told_at, told_at + timedelta(minutes=40))
    [message] = await town.messages(rule="ride_late")
    new_time = f"{local(told_at + timedelta(minutes=40)):%H:%M}"
    assert new_time in (await town.attempts(message["id"]))[0]["text"]
    assert message["expires_at"] <= now_utc() + timedelta(hours=1), "who stands at the door is told at night, too"
    # The van moves at last, three minutes from what was said: no message says the old time, or the same once more.
    await town.step(AssignmentEnRoute, call, lane="booked")
    await late(town, call, told_at, told_at + timedelta(minutes=43))
    assert len(await town.messages(rule="ride_late")) == 1
    assert await town.messages(rule="ride_changed") == []
    await late(town, call, told_at, told_at + timedelta(minutes=60))
    assert len(await town.messages(rule="ride_late")) == 2


async def test_a_late_van_of_which_nobody_knows_more_is_owned_to_without_a_time(town: Town) -> None:
    told_at = now_utc() + timedelta(days=1)
    call = await ride(town, told_at)
    await plan_ride(town, call, told_at)
    await late(town, call, told_at, None)
    [message] = await town.messages(rule="ride_late")
    assert "กำลังติดตามรถ" in (await town.attempts(message["id"]))[0]["text"]


async def test_nobody_hears_of_a_late_van_who_was_never_told_a_time(town: Town) -> None:
    told_at = now_utc() + timedelta(days=1)
    call = await ride(town, told_at)
    await ask_for_ride(town, call, told_at)
    await late(town, call, told_at, told_at + timedelta(minutes=40))
    assert await town.messages(rule="ride_late") == []
    await town.accepted(call)
    assert len(await town.messages(rule="ride_planned")) == 1


async def test_whoever_was_not_at_the_door_hears_so_and_is_not_asked_how_the_ride_was(town: Town) -> None:
    pickup_at = now_utc() + timedelta(hours=1)
    call = await ride(town, pickup_at)
    await plan_ride(town, call, pickup_at)
    back = TripRequested(
        call_id=call.id, patient_id=call.patient_id, kind="transfer", leg="return", lane="booked", severity="green",
        severity_scheme="cbd", waits_for_ready=True, at=now_utc(),
    )  # fmt: skip
    await town.service.emit(new_id(), back, call.origin)
    await complete(town, call, outcome="no_show")
    [message] = await town.messages(rule="ride_no_show")
    assert "ไม่พบผู้โดยสาร" in (await town.attempts(message["id"]))[0]["text"]
    for rule in ("ride_ready", "ride_done"):
        assert await town.messages(rule=rule) == [], "nobody was brought anywhere"


async def test_moving_the_ride_moves_the_reminder_and_cancelling_drops_it(town: Town) -> None:
    pickup_at = now_utc() + timedelta(days=3)
    call = await town.call(caller=CALLER, lane="booked", appointment=pickup_at)
    await plan_ride(town, call, pickup_at)
    await replan(town, call, pickup_at, pickup_at + timedelta(days=1))
    assert await town.messages(rule="ride_changed") == []  # nobody has taken it for the new time yet
    await town.accepted(call)
    due = await town.service.sql("select due_at from due where kind = 'reminder'")
    assert [local(row["due_at"]).date() for row in due] == [local(pickup_at).date()]
    assert len(await town.messages(rule="ride_changed")) == 1
    await cancel_trip(town, call)
    assert await town.service.sql("select 1 from due where kind = 'reminder'") == []
    assert len(await town.messages(rule="ride_cancelled")) == 1


@pytest.mark.parametrize("heard", ["withdrawn", "cancelled"])
async def test_a_series_that_is_withdrawn_is_told_once_whatever_is_heard_first(town: Town, heard: str) -> None:
    pickup_at = now_utc() + timedelta(days=3)
    visits = [await ride(town, pickup_at + timedelta(days=day)) for day in (0, 2, 4)]

    async def withdrawn() -> None:
        for visit in reversed(visits):
            event = CallWithdrawn(at=now_utc(), by="person", along_with_id=visits[0].id)
            await town.service.emit(visit.id, event, visit.origin)

    async def cancelled() -> None:
        for visit in visits:
            await cancel_trip(town, visit, whole_series=True)

    first, then = (withdrawn, cancelled) if heard == "withdrawn" else (cancelled, withdrawn)
    await first()
    await then()
    assert await town.messages(rule="ride_cancelled") == []
    [message] = await town.messages(rule="series_cancelled")
    assert message["call_id"] == visits[0].id
    text = (await town.attempts(message["id"]))[0]["text"]
    assert "ทั้งชุด" in text
    assert visits[0].number in text
    alone = await ride(town, pickup_at)
    await cancel_trip(town, alone)
    assert [message["call_id"] for message in await town.messages(rule="ride_cancelled")] == [alone.id]


async def test_what_waits_is_dropped_when_the_caller_withdraws(quiet_town: Town) -> None:
    town = quiet_town
    call = await town.call(caller=CALLER)
    await town.service.emit(call.id, CallWithdrawn(at=now_utc(), by="person"), call.origin)
    message = (await town.messages())[0]
    assert (message["status"], message["reason"]) == ("cancelled", "call_withdrawn")
    assert {a["state"] for a in await town.attempts(message["id"])} == {"cancelled"}


def way_back(call: Call, *, ready: bool = False, patient_id: UUID | None = None) -> Any:
    facts = {
        "call_id": call.id, "patient_id": patient_id or call.patient_id, "kind": "medical", "leg": "return",
        "lane": "booked", "severity": "green", "severity_scheme": "cbd", "waits_for_ready": not ready, "at": now_utc(),
    }  # fmt: skip
    return TripChanged(**facts, ready_at=now_utc()) if ready else TripRequested(**facts)


async def at_the_hospital(town: Town) -> tuple[Call, UUID, Any]:
    """A rider with LINE who was brought there: the call, the way back, and the message with the button."""
    caller = {**CALLER, "line_user_id": line_id(9)}
    call = await town.call(caller=caller, lane="booked", appointment=now_utc() + timedelta(hours=3))
    return_id = new_id()
    await town.service.emit(return_id, way_back(call), call.origin)
    await complete(town, call)
    return call, return_id, (await town.chat(9, 2))[1]


async def test_ready_is_confirmed_when_dispatch_has_agreed_and_not_before(town: Town) -> None:
    call, return_id, shown = await at_the_hospital(town)
    await town.press(9, shown.buttons[0])
    await town.write(9, "พร้อมกลับ")
    assert len(await town.chat(9)) == 2, "nobody knows yet whether a vehicle comes"
    await town.service.emit(return_id, way_back(call, ready=True), call.origin)
    answer = (await town.chat(9, 3))[2].text
    assert "กำลังจัดรถ" in answer
    assert call.number in answer
    await town.service.do_due("ready_unheard")
    assert len(await town.messages(rule="ride_ready_unheard")) == 0
    await town.press(9, shown.buttons[0])  # once more: it is known already
    assert "กำลังจัดรถ" in (await town.chat(9, 4))[3].text


@pytest.mark.parametrize(("days", "said"), [(0, "ยังไม่ได้รับแจ้งว่าท่านถึงปลายทาง"), (3, "เป็นของนัดวันที่")])
async def test_ready_before_one_is_there_is_told_why_and_whom_to_ring(town: Town, days: int, said: str) -> None:
    """The way there has not ended, as far as anybody knows: of today's ride, and of one of another day."""
    middle = local(now_utc()).replace(hour=12)  # neither midnight makes it another day
    call = await town.call(
        caller={**CALLER, "line_user_id": line_id(9)}, lane="booked", appointment=middle + timedelta(days=days)
    )
    await town.service.emit(new_id(), way_back(call), call.origin)
    told = len(await town.chat(9, 1))
    await town.write(9, "พร้อมกลับ")
    await town.service.do_due("ready_unheard")
    answer = (await town.chat(9, told + 1))[-1].text
    assert said in answer
    assert call.number in answer
    assert "โทร 1132" in answer


async def test_ready_that_dispatch_does_not_agree_to_is_told_as_such(town: Town) -> None:
    call, return_id, shown = await at_the_hospital(town)
    await town.press(9, shown.buttons[0])
    await town.service.do_due("ready_unheard")
    answer = (await town.chat(9, 3))[2].text
    assert "ยังไม่มีรถไปรับ" in answer
    assert "1132" in answer
    gone = TripCancelled(
        call_id=call.id, patient_id=call.patient_id, leg="return", at=now_utc(), by="person",
        private=TripCancelled.Private(reason="went_alone"),
    )  # fmt: skip
    await town.service.emit(return_id, gone, call.origin)
    await town.chat(9, 4)
    await town.press(9, shown.buttons[0])
    assert "ไม่มีรถกลับ" in (await town.chat(9, 5))[4].text


async def test_another_patient_s_way_back_is_not_taken_for_ones_own(town: Town) -> None:
    call, return_id, shown = await at_the_hospital(town)
    other = new_id()
    await town.service.emit(other, way_back(call, patient_id=new_id()), call.origin)
    gone = TripCancelled(
        call_id=call.id, patient_id=call.patient_id, leg="return", at=now_utc(), by="person",
        private=TripCancelled.Private(reason="went_alone"),
    )  # fmt: skip
    await town.service.emit(return_id, gone, call.origin)
    await town.chat(9, 3)
    await town.press(9, shown.buttons[0])
    assert "ไม่มีรถกลับ" in (await town.chat(9, 4))[3].text


async def test_at_the_hospital_the_passenger_gets_a_button_to_come_back_and_dispatch_hears_of_it(town: Town) -> None:
    _, return_id, ready = await at_the_hospital(town)
    assert [button["label"] for button in ready.buttons] == ["พร้อมกลับ"]
    await town.write(9, "พร้อมกลับค่ะ")
    replies = [row["data"] for row in await town.said("reply.received")]
    assert [(reply["answer"], reply["trip_id"]) for reply in replies] == [("ready", str(return_id))]
    await town.press(9, ready.buttons[0])
    replies = [row["data"] for row in await town.said("reply.received")]
    assert [reply["answer"] for reply in replies] == ["ready", "ready"]


async def test_a_rating_is_said_as_a_score_and_its_words_stay_here(town: Town) -> None:
    call = await town.call(caller={**CALLER, "line_user_id": line_id(9)})
    await complete(town, call)
    await town.until(lambda: town.messages(rule="caller_done", status="accepted"))
    await town.write(9, "5 ดาว")
    given = await town.said("rating.given")
    assert [row["data"]["private"]["score"] for row in given] == [5]
    assert given[0]["open_data"] == {
        "call_id": str(call.id),
        "trip_id": str(call.trip_id),
        "at": given[0]["data"]["at"],
    }


async def test_who_does_not_know_the_way_gets_a_card_of_guidance(town: Town) -> None:
    call = await town.call(caller=CALLER)
    for barrier in ("money", "knowledge"):
        private = BarrierOpened.Private(barrier=barrier, action="guide", owner="call_taker")
        event = BarrierOpened(call_id=call.id, at=now_utc(), private=private)
        await town.service.emit(new_id(), event, call.origin)
    assert [m["template"] for m in await town.messages(rule="caller_guidance")] == ["guidance_card"]


async def test_a_barrier_heard_before_its_call_waits_for_it(town: Town) -> None:
    call_id = new_id()
    private = BarrierOpened.Private(barrier="knowledge", action="guide", owner="call_taker")
    event = BarrierOpened(call_id=call_id, at=now_utc(), private=private)
    await town.service.emit(new_id(), event, call_origin(call_id))
    assert len(await town.service.sql("select 1 from parked where waits_id = $1", call_id)) == 1
    assert await town.messages() == []


async def test_a_passenger_whom_the_registry_can_reach_is_told_directly_unless_they_may_not_be_written_to(
    town: Town,
) -> None:
    for may, told in ((True, "patient"), (False, None)):
        person_id = new_id()
        private = PersonRegistered.Private(phone=phone(7), may_be_texted=may)
        await town.service.emit(person_id, PersonRegistered(at=now_utc(), private=private), call_origin(person_id))
        pickup_at = now_utc() + timedelta(days=1)
        call = await town.call(caller=CALLER, lane="booked", appointment=pickup_at)
        matched = PersonMatched(
            call_id=call.id, patient_id=call.patient_id, at=now_utc(), by="system",
            private=PersonMatched.Private(method="identifier"),
        )  # fmt: skip
        await town.service.emit(person_id, matched, call.origin)
        await plan_ride(town, call, pickup_at)
        message = (await town.messages(rule="ride_planned", call_id=call.id))[0]
        assert message["recipient_kind"] == "patient"
        assert message["status"] == ("planned" if told else "suppressed") or message["status"] == "accepted"
