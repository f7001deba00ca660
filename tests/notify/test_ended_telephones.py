"""A telephone that is theirs no more: what waits to be sent to it goes to the one that is, or nowhere."""

from __future__ import annotations

from datetime import timedelta

from shared.events.registry import PersonChanged, PersonMatched, PersonRegistered
from shared.work import new_id, now_utc
from tests.harness import call_origin
from tests.notify.conftest import Town, phone
from tests.notify.test_public import CALLER, plan_ride


async def test_what_waits_for_a_telephone_that_ended_does_not_go_there(quiet_town: Town) -> None:
    town, person_id, pickup_at = quiet_town, new_id(), now_utc() + timedelta(days=1)
    origin = call_origin(person_id)
    registered = PersonRegistered(at=now_utc(), private=PersonRegistered.Private(phone=phone(7)))
    await town.service.emit(person_id, registered, origin)
    call = await town.call(caller=CALLER, lane="booked", appointment=pickup_at)
    private = PersonMatched.Private(method="identifier")
    matched = PersonMatched(call_id=call.id, patient_id=call.patient_id, at=now_utc(), by="system", private=private)
    await town.service.emit(person_id, matched, call.origin)
    await plan_ride(town, call, pickup_at)
    [message] = await town.messages(rule="ride_planned", call_id=call.id)
    [attempt] = await town.attempts(message["id"])
    assert (message["recipient_kind"], attempt["address"], message["status"]) == ("patient", phone(7), "planned")

    for number in (8, None):
        said = PersonChanged.Private(phone=phone(number) if number else None, written=("contacts_ended",))
        await town.service.emit(person_id, PersonChanged(at=now_utc(), private=said), origin)
        [attempt] = await town.attempts(message["id"])
        [message] = await town.messages(rule="ride_planned", call_id=call.id)
        if number:
            assert (attempt["address"], attempt["state"], message["status"]) == (phone(8), "ready", "planned")
    assert (attempt["state"], message["status"], message["reason"]) == ("cancelled", "cancelled", "no_address")
    again = PersonChanged(at=now_utc(), private=PersonChanged.Private(phone=phone(9)))
    await town.service.emit(person_id, again, origin)
    assert [each["status"] for each in await town.messages(rule="ride_planned", call_id=call.id)] == ["cancelled"]
    town.start()
    assert not [each for each in town.smsc.inbox.after(0) if phone(7)[1:] in str(each)]
