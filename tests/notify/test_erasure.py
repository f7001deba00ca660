"""After erasure nothing personal is left in this database, whatever was still on its way."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from services.notify.rules.plan import Occasion
from services.notify.rules.words import Facts
from services.notify.verbs.tell import Telling, tell
from shared.events.dispatch import CrewErased, TripAtRisk, TripCancelled
from shared.events.intake import BarrierOpened, CallErased
from shared.events.registry import PersonErased, PersonMatched, PersonRegistered
from shared.work import Cause, new_id, now_utc
from tests.harness import call_origin
from tests.notify.conftest import Call, Town, line_id, phone
from tests.notify.test_public import become, plan_ride
from tests.patience import PATIENCE_S

TABLES = (
    "recipient", "person", "opt_out", "blocked", "call", "trip", "assignment", "message", "attempt", "part", "receipt", "reply",
    "reply_token", "link_code", "event_log", "parked", "dead_letter", "due", "idempotency", "audit",
)  # fmt: skip


async def found(town: Town, *canaries: str) -> dict[str, list[str]]:
    """Where a canary stands in the database: table → which."""
    places = {}
    for table in TABLES:
        text = " ".join(str(dict(row)) for row in await town.service.sql(f"select * from {table}"))
        if hits := [canary for canary in canaries if canary in text]:
            places[table] = hits
    return places


async def test_an_erased_call_leaves_no_name_number_account_text_or_point(town: Town) -> None:
    crew = await town.crew(1)
    canaries = (phone(9), line_id(9), "สมศักดิ์", "สมศรี", "ABCD-EFGH", "16.4341", "ช่วยที")
    call = await town.call(crew, caller={"name": "สมศักดิ์", "phone": phone(9), "line_user_id": line_id(9)})
    await town.order(call)
    await town.chat(1)
    await town.chat(9)
    await town.write(9, "STOP")
    await town.write(9, "ช่วยที")
    await town.act(9, "location", lat=16.4341, lon=103.5)
    await town.act(9, "unfollow")
    assert await found(town, *canaries)
    await town.service.emit(call.id, CallErased(at=now_utc()), call.origin)
    assert await found(town, *canaries) == {}
    # what comes later about it brings nothing back
    assert [m["status"] for m in await town.messages(rule="crew_ordered")] == ["cancelled"]


LOCKED_OUT = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"


async def test_of_whom_others_are_just_telling_the_erasure_takes_that_too(town: Town) -> None:
    """What is told was read before the erasure and is written after it: the erasure waits for that."""
    call = await town.call(caller={"name": "สมศักดิ์", "phone": phone(9), "line_user_id": line_id(9)})
    told = Telling(
        "intake.call.withdrawn.v1", new_id(), call.origin, Occasion(Facts(call.number)), {"whole_series": True}, call.id
    )
    async with town.service.runtime.work(Cause("system:test")) as work:
        await tell(work, told)
        erasing = asyncio.create_task(town.service.emit(call.id, CallErased(at=now_utc()), call.origin))
        async with asyncio.timeout(PATIENCE_S):
            while not (erasing.done() or (await town.service.sql(LOCKED_OUT))[0]["count"]):
                await asyncio.sleep(0.01)
    await erasing
    assert len(await town.messages(event_type=told.event_type)) == 1
    assert await found(town, phone(9), line_id(9), "สมศักดิ์") == {}


async def test_an_erased_crew_member_and_person_leave_nothing(town: Town) -> None:
    crew = await town.crew(1)
    call = await town.call(crew)
    await town.order(call)
    await town.chat(1)
    await town.write(1, "ขอบคุณครับทุกคน")
    await town.service.emit(crew, CrewErased(at=now_utc()), call_origin(crew))
    assert await found(town, phone(1), line_id(1), "สมชาย", "ขอบคุณครับทุกคน") == {}
    person_id = new_id()
    registered = PersonRegistered(
        at=now_utc(), private=PersonRegistered.Private(phone=phone(7), line_user_id=line_id(7))
    )
    await town.service.emit(person_id, registered, call_origin(person_id))
    private = PersonMatched.Private(method="identifier")
    matched = PersonMatched(call_id=call.id, patient_id=call.patient_id, at=now_utc(), by="system", private=private)
    await town.service.emit(person_id, matched, call.origin)
    await town.service.emit(person_id, PersonErased(at=now_utc()), call_origin(person_id))
    assert await found(town, phone(7), line_id(7)) == {}


async def test_a_person_heard_of_and_erased_in_one_go_leaves_nothing(town: Town) -> None:
    call, person_id = await town.call(caller={}), new_id()
    registered = PersonRegistered(at=now_utc(), private=PersonRegistered.Private(phone=phone(7)))
    private = PersonMatched.Private(method="identifier")
    matched = PersonMatched(call_id=call.id, patient_id=call.patient_id, at=now_utc(), by="system", private=private)
    events = (registered, matched, PersonErased(at=now_utc()))
    group = [await town.service.emit(person_id, each, call.origin, take=False) for each in events]
    await town.service.runtime.inbox.take(group)
    assert await found(town, phone(7)) == {}
    assert await town.service.sql("select 1 from recipient where person_id = $1", person_id) == []


async def test_an_erasure_before_the_messages_left_sends_nothing(quiet_town: Town) -> None:
    town = quiet_town
    call = await town.call(caller={"phone": phone(9)})
    await town.service.emit(call.id, CallErased(at=now_utc()), call.origin)
    town.start()
    await town.crew(1)
    assert [m["status"] for m in await town.messages()] == ["cancelled"]
    assert not town.smsc.inbox.after(0)


async def test_when_one_of_several_is_erased_the_others_are_still_told(town: Town) -> None:
    """Intake says the erasure, and then anew what remains."""
    visit = now_utc() + timedelta(days=2)
    call = await town.call(caller={"phone": phone(9)}, lane="booked", appointment=visit)
    await plan_ride(town, call, visit)
    await town.service.emit(call.id, CallErased(at=now_utc()), call.origin)
    await become(town, call, visit, {"phone": phone(9)})
    risk = TripAtRisk(
        call_id=call.id, patient_id=call.patient_id, risk="late", leg="outbound", unit_id=call.unit_id, at=now_utc(),
        expected_at=visit + timedelta(hours=1),
    )  # fmt: skip
    await town.service.emit(call.trip_id, risk, call.origin)
    private = TripCancelled.Private(reason="no_unit")
    gone = TripCancelled(
        call_id=call.id, patient_id=call.patient_id, leg="outbound", at=now_utc(), by="person", private=private
    )
    await town.service.emit(call.trip_id, gone, call.origin)
    for rule in ("ride_late", "ride_cancelled"):
        assert [row["reason"] for row in await town.messages(rule=rule)] in ([None], ["trip_cancelled"]), rule


async def test_of_a_call_erased_before_it_was_heard_of_the_rest_is_heard_in_silence(town: Town) -> None:
    """Its first events come blanked; what other services said of it is neither told to anybody nor a dead letter."""
    crew, call_id = await town.crew(1), new_id()
    call = Call(call_id, new_id(), new_id(), new_id(), call_origin(call_id), "KLS-0000-0001", crew_ids=(crew,))
    await town.service.emit(call_id, CallErased(at=now_utc()), call.origin, seq=3)
    barrier = BarrierOpened.Private(barrier="knowledge", action="guide", owner="call_taker")
    await town.service.emit(new_id(), BarrierOpened(call_id=call_id, at=now_utc(), private=barrier), call.origin)
    await town.trip(call)
    private = PersonMatched.Private(method="identifier")
    matched = PersonMatched(call_id=call_id, patient_id=call.patient_id, at=now_utc(), by="system", private=private)
    await town.service.emit(new_id(), matched, call.origin)
    assert await town.service.dead_letters() == []
    assert await town.service.sql("select 1 from parked") == []
    assert await town.messages() == []
