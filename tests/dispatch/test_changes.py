"""A call that changes takes its trip along: sooner, later, on another day; and what the crew had accepted with it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from shared.events import intake
from shared.work import new_id, now_utc
from tests.dispatch.conftest import Town, call_event
from tests.dispatch.test_booking import HOSPITAL, book, tomorrow

PATIENT = {"patient_id": new_id(), "mobility": "wheelchair"}
RIDE: dict[str, Any] = {
    "lane": "booked", "severity": "green", "kind": "transfer", "destination": HOSPITAL, "patients": [PATIENT],
}  # fmt: skip
EMERGENCY = {**RIDE, "lane": "emergency", "severity": "red"}


def appointment(at: datetime) -> dict[str, Any]:
    return {**RIDE, "appointment": {"at": at, "clinic": "ไต"}}


async def changes(town: Town, call_id: UUID, facts: dict[str, Any]) -> None:
    await town.say(call_id, call_event(intake.CallTriaged, **facts, at=now_utc(), by="person"))


async def test_an_accepted_ride_that_becomes_an_emergency_gets_a_unit_now(town: Town) -> None:
    """Its own crew is the only one there is: held for tomorrow it said no to nothing, and it is called at once."""
    unit = await town.unit()
    call_id = await town.call(**appointment(tomorrow()))
    booked = await book(town, call_id, unit.id)
    await town.step(booked["id"], "accept", unit)
    await changes(town, call_id, EMERGENCY)
    assert (await town.trip(call_id))["status"] == "unassigned"
    assert len((await town.get("/v1/queue"))["items"]) == 1
    await town.running.do_due("find_unit")
    [asked] = await town.asked(call_id)
    assert (asked["unit_id"], asked["status"]) == (str(unit.id), "ordered")
    assert (await town.types("dispatch.trip"))[-1] == "trip.unassigned"


async def test_a_ride_that_waits_in_the_queue_is_looked_at_at_once_when_it_becomes_an_emergency(town: Town) -> None:
    call_id = await town.call(**appointment(tomorrow()))
    await town.running.do_due("booked_due")
    assert (await town.trip(call_id))["status"] == "queued"
    await changes(town, call_id, EMERGENCY)
    [look] = await town.running.sql("select due_at from due where kind = 'find_unit'")
    assert look["due_at"] <= now_utc()


async def test_an_emergency_that_becomes_a_ride_calls_nobody_before_its_time(town: Town) -> None:
    """Neither the one who is asked nor the one who accepted goes; the booking is an alarm before its pickup."""
    for until in (None, "accept"):
        unit = await town.unit()
        call_id = await town.call(**{**EMERGENCY, "patients": [{"patient_id": new_id()}]})
        [asked] = await town.asked(call_id)
        if until:
            await town.step(asked["id"], until, unit)
        trip = await town.trip(call_id)
        await changes(town, call_id, {**appointment(tomorrow()), "patients": [{"patient_id": trip["patient_id"]}]})
        assert await town.asked(call_id) == []
        assert await town.running.sql("select from due where kind = 'find_unit'") == []
        assert (await town.get("/v1/queue"))["items"] == []
        await town.running.do_due("serve_queue")
        assert await town.asked(call_id) == []
        await town.running.do_due("booked_due")
        assert len((await town.get("/v1/queue"))["items"]) == 1
        await town.post(f"/v1/trips/{trip['id']}/cancel", {"reason": "other"})
        await town.duty(unit, on=False)


async def test_an_appointment_on_another_day_is_planned_anew(town: Town) -> None:
    unit = await town.unit()
    call_id = await town.call(**appointment(tomorrow()))
    booked = await book(town, call_id, unit.id)
    await town.step(booked["id"], "accept", unit)
    later = tomorrow() + timedelta(days=2)
    await changes(town, call_id, appointment(later))
    trip = await town.trip(call_id)
    assert (trip["status"], trip["pickup_at"]) == ("unassigned", None)
    assert [each["status"] for each in trip["assignments"]] == ["released"]
    assert await town.running.sql("select from run where status = 'planned'") == []
    [watch] = await town.running.sql("select due_at from due where kind = 'booked_due'")
    assert watch["due_at"] == datetime.fromisoformat(trip["pickup_latest_at"]) - timedelta(minutes=60)
    assert (await town.types("dispatch.trip"))[-2:] == ["trip.changed", "trip.unassigned"]


async def test_an_appointment_a_few_minutes_later_keeps_its_crew(town: Town) -> None:
    unit = await town.unit()
    call_id = await town.call(**appointment(tomorrow()))
    booked = await book(town, call_id, unit.id)
    await changes(town, call_id, appointment(tomorrow() + timedelta(minutes=10)))
    assert (await town.trip(call_id))["status"] == "planned"
    assert [each["id"] for each in await town.asked(call_id)] == [booked["id"]]


async def test_a_ride_already_looked_for_that_moves_to_another_day_waits_for_that_day(town: Town) -> None:
    call_id = await town.call(**appointment(tomorrow()))
    await town.running.do_due("booked_due")
    await changes(town, call_id, appointment(tomorrow() + timedelta(days=6)))
    await town.unit()
    await town.running.do_due("serve_queue")
    assert await town.asked(call_id) == []
    assert await town.running.sql("select from due where kind = 'find_unit'") == []
    assert len(await town.running.sql("select from due where kind = 'booked_due'")) == 1
