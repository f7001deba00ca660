"""What dispatch hears from the others, in whatever order it comes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from shared.events import intake, registry
from shared.events.base import Origin
from shared.events.notify import MessageExpired, MessageFailed, ReplyReceived
from shared.work import new_id, now_utc
from tests.dispatch.conftest import HERE, NORTH, Town, call_event
from tests.harness import AREA


def lost(kind: Any, assignment: dict[str, Any], recipient: Any, **more: Any) -> Any:
    facts = {
        "assignment_id": assignment["id"], "recipient_kind": "crew", "recipient_id": recipient,
        "message_class": "emergency", "at": now_utc(),
    }  # fmt: skip
    return kind(**facts, **more)


FAILED = {"channel": "sms", "attempt": 2, "final": True, "private": {"template": "ordered", "reason": "no_such_number"}}


async def test_postbacks_are_the_same_steps(town: Town) -> None:
    unit = await town.unit()
    call_id = await town.call()
    [asked] = await town.asked(call_id)
    for answer in ("accept", "en_route", "at_scene", "left_scene", "at_destination", "clear", "at_base"):
        await town.reply(answer, assignment_id=asked["id"], crew_id=unit.crew[0], call_id=call_id)
    assert (await town.trip(call_id))["status"] == "completed"
    [accepted] = await town.running.said("dispatch.assignment.accepted")
    assert accepted["data"]["by"] == "person"
    assert accepted["data"]["crew_id"] == str(unit.crew[0])
    assert accepted["causation_id"] is not None


async def test_a_postback_that_loses_the_race_changes_nothing_and_is_no_poison(town: Town) -> None:
    first, second = await town.unit(1, volunteer=True), await town.unit(2, volunteer=True)
    call_id = await town.call()
    await town.running.do_due("order_timeout")
    by_unit = {each["unit_id"]: each for each in await town.asked(call_id)}
    await town.reply("accept", assignment_id=by_unit[str(first.id)]["id"], crew_id=first.crew[0])
    before = len(await town.running.said())
    await town.reply("accept", assignment_id=by_unit[str(second.id)]["id"], crew_id=second.crew[0])
    await town.reply("accept", assignment_id=by_unit[str(second.id)]["id"], crew_id=first.crew[0])
    await town.reply("accept", assignment_id=new_id(), crew_id=first.crew[0])
    assert len(await town.running.said()) == before
    assert await town.running.dead_letters() == []


async def test_a_refused_reply_takes_back_what_it_began_to_say(town: Town) -> None:
    """A volunteer accepts two offers: the second would release others, and must not, for the unit is busy."""
    volunteer = await town.unit(1, volunteer=True)
    first, second = await town.call(), await town.call()
    [one] = await town.asked(first)
    trip = await town.trip(second)
    two = await town.post(f"/v1/trips/{trip['id']}/assign", {"unit_id": str(volunteer.id)}, status=201)
    other = await town.unit(2)
    await town.post(f"/v1/trips/{trip['id']}/assign", {"unit_id": str(other.id)}, status=201)
    await town.reply("accept", assignment_id=one["id"], crew_id=volunteer.crew[0])
    before = await town.types()
    await town.reply("accept", assignment_id=two["id"], crew_id=volunteer.crew[0])
    assert await town.types() == before
    assert {each["status"] for each in await town.asked(second)} == {"offered", "ordered"}


async def test_when_nobody_of_the_crew_is_reached_the_next_unit_is_alerted_at_once(town: Town) -> None:
    first, second = await town.unit(1), await town.unit(2)
    call_id = await town.call()
    [asked] = await town.asked(call_id)
    await town.running.emit(new_id(), lost(MessageFailed, asked, first.crew[0], **FAILED), Origin(AREA, call_id))
    assert await due_at_once(town) == 0, "the other member may have been reached"
    expired = lost(MessageExpired, asked, first.crew[1], private={"template": "ordered"})
    await town.running.emit(new_id(), expired, Origin(AREA, call_id))
    assert await due_at_once(town) == 1
    while await town.running.runtime.due.do_one():
        pass
    assert {each["unit_id"] for each in await town.asked(call_id)} == {str(first.id), str(second.id)}


async def due_at_once(town: Town) -> int:
    rows = await town.running.sql("select from due where kind = 'order_timeout' and due_at <= clock_timestamp()")
    return len(rows)


async def test_a_call_that_becomes_more_urgent_changes_its_trip(town: Town) -> None:
    call_id = new_id()
    patient = {"patient_id": new_id()}
    at = now_utc() + timedelta(days=1)
    base = {"patients": [patient], "appointment": {"at": at}, "lane": "booked", "severity": "green"}
    await town.call(call_id, **base)
    unit = await town.unit(1)
    assert await town.asked(call_id) == []
    triaged = call_event(
        intake.CallTriaged, **{**base, "lane": "emergency", "severity": "red"}, at=now_utc(), by="person"
    )
    await town.say(call_id, triaged)
    await town.running.do_due("find_unit")
    trip = await town.trip(call_id)
    assert (trip["lane"], trip["severity"]) == ("emergency", "red")
    assert [each["unit_id"] for each in await town.asked(call_id)] == [str(unit.id)]
    assert "trip.changed" in await town.types("dispatch.trip")


async def test_an_update_says_only_what_changed_and_adds_and_drops_people(town: Town) -> None:
    first, second = {"patient_id": new_id()}, {"patient_id": new_id()}
    call_id = await town.call(patients=[first])
    said = await town.types("dispatch.trip")
    same = call_event(intake.CallUpdated, patients=[first], at=now_utc(), received_at=await received(town, call_id))
    await town.say(call_id, same)
    assert await town.types("dispatch.trip") == said
    more = call_event(intake.CallUpdated, patients=[first, second], at=now_utc())
    await town.say(call_id, more)
    assert len(await town.trips(call_id)) == 2
    less = call_event(intake.CallUpdated, patients=[second], at=now_utc())
    await town.say(call_id, less)
    status = {trip["patient_id"]: trip["status"] for trip in await town.trips(call_id)}
    assert status == {str(first["patient_id"]): "cancelled", str(second["patient_id"]): "queued"}


async def received(town: Town, call_id: Any) -> Any:
    return (await town.running.sql("select received_at from trip where call_id = $1", call_id))[0]["received_at"]


async def test_duplicates_share_the_leading_calls_trips_and_get_their_own_back(town: Town) -> None:
    unit = await town.unit(1)
    leading, other = await town.call(), await town.call()
    linked = intake.CallLinked(
        other_call_id=leading, link="duplicate", leading_call_id=leading, at=now_utc(), by="person"
    )
    await town.say(other, linked)
    assert [trip["status"] for trip in await town.trips(other)] == ["cancelled"]
    assert [each["unit_id"] for each in await town.asked(leading)] == [str(unit.id)]
    second = await town.unit(2)
    await town.say(other, intake.CallUnlinked(other_call_id=leading, link="duplicate", at=now_utc(), by="person"))
    assert [each["unit_id"] for each in await town.asked(other)] == [str(second.id)]


async def test_a_duplicate_that_leads_from_now_on_gets_its_trips_back(town: Town) -> None:
    unit = await town.unit(1)
    leading, other = await town.call(), await town.call()
    link: dict[str, Any] = {"other_call_id": leading, "link": "duplicate", "at": now_utc(), "by": "person"}
    await town.say(other, intake.CallLinked(**link, leading_call_id=leading))
    await town.say(leading, intake.CallWithdrawn(at=now_utc(), by="person"))
    await town.say(other, intake.CallLinked(**link, leading_call_id=other))
    assert [each["unit_id"] for each in await town.asked(other)] == [str(unit.id)]


async def test_who_is_on_board_is_brought_whatever_becomes_of_the_call(town: Town) -> None:
    unit = await town.unit(1)
    call_id = await town.call()
    [asked] = await town.asked(call_id)
    await town.drive(asked["id"], unit, until="left_scene")
    await town.say(call_id, intake.CallWithdrawn(at=now_utc(), by="person"))
    assert (await town.trip(call_id))["status"] == "under_way"
    await town.step(asked["id"], "at_destination", unit)


async def test_a_call_that_closed_by_itself_ends_no_trip_it_had_not_heard_of(town: Town) -> None:
    """The second patient came while the end of the first one's trip was on its way to intake."""
    await town.unit(1)
    going, closed = await town.call(), await town.call()
    private = {"outcome": "transported"}
    await town.say(going, intake.CallClosed(at=now_utc(), by="system", private=private))
    await town.say(closed, intake.CallClosed(at=now_utc(), by="person", private=private))
    assert (await town.trip(going))["status"] == "requested"
    assert len(await town.asked(going)) == 1
    assert (await town.trip(closed))["status"] == "cancelled"


async def test_handing_the_call_over_ends_our_trips_only_where_it_says_so(town: Town) -> None:
    await town.unit(1)
    kept, gone = await town.call(), await town.call()
    private = {"receiver": "centre_1669", "reason": "red_flag"}
    for call_id, ends in ((kept, False), (gone, True)):
        event = intake.CallHandedOver(at=now_utc(), by="person", ends_call=ends, private=private)
        await town.say(call_id, event)
    assert (await town.trip(kept))["status"] == "requested"
    assert (await town.trip(gone))["status"] == "cancelled"


async def test_a_barrier_asks_for_more_of_the_crew_until_somebody_sees_to_it(town: Town) -> None:
    call_id = await town.call()
    trip = await town.trip(call_id)
    unit = await town.unit(1)
    barrier_id = new_id()
    facts = {"call_id": call_id, "at": now_utc()}
    private = {"barrier": "people", "action": "lift_team", "owner": "dispatcher"}
    await town.running.emit(barrier_id, intake.BarrierOpened(**facts, private=private), Origin(AREA, call_id))
    missing = await shortfalls(town, trip["id"], unit)
    assert {"4", "escort"} <= missing
    met = intake.BarrierMet(**facts, by="person", private={"barrier": "people", "outcome": "done"})
    await town.running.emit(barrier_id, met, Origin(AREA, call_id))
    assert not {"4", "escort"} & await shortfalls(town, trip["id"], unit)


async def shortfalls(town: Town, trip_id: str, unit: Any) -> set[str]:
    found = await town.get(f"/v1/trips/{trip_id}/recommendations")
    [mine] = [item for item in found["items"] if item["unit_id"] == str(unit.id)]
    return {short["what"] for short in mine["shortfalls"]}


async def test_news_of_a_call_not_heard_yet_waits_for_it(town: Town) -> None:
    call_id, person_id, patient_id = new_id(), new_id(), new_id()
    private = {"barrier": "people", "action": "lift_team", "owner": "dispatcher"}
    opened = intake.BarrierOpened(call_id=call_id, at=now_utc(), private=private)
    await town.running.emit(new_id(), opened, Origin(AREA, call_id))
    matched = registry.PersonMatched(
        call_id=call_id, patient_id=patient_id, at=now_utc(), by="system", private={"method": "cid"}
    )
    await town.running.emit(person_id, matched, Origin(AREA, call_id))
    assert len(await town.running.sql("select from parked")) == 2
    await town.call(call_id, patients=[{"patient_id": patient_id}])
    assert await town.running.sql("select from parked") == []
    [row] = await town.running.sql("select need, person_id from trip")
    assert row["need"]["barriers"] == ["people"]
    assert row["person_id"] == person_id
    assert await town.running.dead_letters() == []


async def test_news_of_a_call_without_trips_is_no_poison(town: Town) -> None:
    call_id = await town.call(served=False)
    private = {"barrier": "money", "action": "free_ride", "owner": "dispatcher"}
    opened = intake.BarrierOpened(call_id=call_id, at=now_utc(), private=private)
    await town.running.emit(new_id(), opened, Origin(AREA, call_id))
    assert await town.running.dead_letters() == []
    assert await town.running.sql("select from parked") == []


async def test_groups_of_the_person_ask_for_more_of_a_crew(town: Town) -> None:
    person_id, patient_id, membership = new_id(), new_id(), new_id()
    joined = registry.GroupJoined(
        person_id=person_id, at=now_utc(), private={"group": "bedridden", "from_on": now_utc().date()}
    )
    await town.running.emit(membership, joined, Origin(AREA, person_id))
    call_id = await town.call(
        lane="booked", severity="green", appointment={"at": now_utc() + timedelta(days=1)},
        patients=[{"patient_id": patient_id, "mobility": "walking"}],
    )  # fmt: skip
    matched = registry.PersonMatched(
        call_id=call_id, patient_id=patient_id, at=now_utc(), by="system", private={"method": "cid"}
    )
    await town.running.emit(person_id, matched, Origin(AREA, person_id))
    assert (await town.trip(call_id))["need"]["groups"] == ["bedridden"]
    car = await town.unit(1, vehicle={"kind": "car", "stretchers": 0})
    trip = await town.trip(call_id)
    refused = await town.post(f"/v1/trips/{trip['id']}/assign", {"unit_id": str(car.id)}, status=409)
    assert "stretcher" in [short["what"] for short in refused["shortfalls"]]


def in_group(person_id: UUID, group: str = "bedridden") -> registry.GroupJoined:
    private = {"group": group, "from_on": now_utc().date()}
    return registry.GroupJoined(person_id=person_id, at=now_utc(), private=private)


async def match(town: Town, call_id: UUID, patient_id: UUID, person_id: UUID, turn: int = 0) -> None:
    matched = registry.PersonMatched(
        call_id=call_id, patient_id=patient_id, at=now_utc(), by="system", turn=turn, private={"method": "cid"}
    )
    await town.running.emit(person_id, matched, Origin(AREA, person_id))


async def unmatch(town: Town, call_id: UUID, patient_id: UUID, person_id: UUID, turn: int) -> None:
    said = registry.PersonUnmatched(call_id=call_id, patient_id=patient_id, at=now_utc(), by="person", turn=turn)
    await town.running.emit(person_id, said, Origin(AREA, person_id))


@pytest.mark.parametrize("order", ["asm", "ams", "mas", "as"])
async def test_what_was_asked_for_somebody_else_is_asked_no_more(town: Town, order: str) -> None:
    """First (a), then it was said not to be them (s) but somebody else (m): in no order the first comes back."""
    first, second, patient_id = new_id(), new_id(), new_id()
    await town.running.emit(new_id(), in_group(first), Origin(AREA, first))
    await town.running.emit(new_id(), in_group(second, "elderly_alone"), Origin(AREA, second))
    base: dict[str, Any] = {"lane": "booked", "severity": "green", "appointment": {"at": now_utc() + timedelta(days=1)}}
    patient = {"patient_id": patient_id, "mobility": "walking", "groups": ["disabled"]}
    call_id = await town.call(**base, patients=[patient])
    say = {
        "a": lambda: match(town, call_id, patient_id, first),
        "s": lambda: unmatch(town, call_id, patient_id, first, 1),
        "m": lambda: match(town, call_id, patient_id, second, 1),
    }
    for each in order:
        await say[each]()
    asked = ["disabled", "elderly_alone"] if "m" in order else ["disabled"]
    assert (await town.trip(call_id))["need"]["groups"] == asked
    told = call_event(intake.CallUpdated, **base, patients=[{**patient, "person_id": first}], at=now_utc())
    await town.say(call_id, told)
    if "m" in order:
        assert (await town.trip(call_id))["need"]["groups"] == asked, "the call knows no better than the registry"


async def test_what_the_registry_asks_of_a_crew_outlives_every_later_word_about_the_call(town: Town) -> None:
    """The registry says once who somebody is; the call is told anew many times, and may get a way back."""
    person_id, patient_id, membership = new_id(), new_id(), new_id()
    await town.running.emit(membership, in_group(person_id), Origin(AREA, person_id))
    at = now_utc() + timedelta(days=1)
    patient = {"patient_id": patient_id, "mobility": "walking", "groups": ["elderly_alone"]}
    base: dict[str, Any] = {"lane": "booked", "severity": "green", "patients": [patient]}
    call_id = await town.call(**base, appointment={"at": at})
    await match(town, call_id, patient_id, person_id)
    car = await town.unit(1, vehicle={"kind": "car", "stretchers": 0})
    visit = {"at": at + timedelta(hours=1), "return_trip": True}
    await town.say(call_id, call_event(intake.CallUpdated, **base, appointment=visit, at=now_utc()))
    there, back = sorted(await town.trips(call_id), key=lambda trip: trip["leg"])
    assert [trip["need"]["groups"] for trip in (there, back)] == [["bedridden", "elderly_alone"]] * 2
    refused = await town.post(f"/v1/trips/{there['id']}/assign", {"unit_id": str(car.id)}, status=409)
    assert "stretcher" in [short["what"] for short in refused["shortfalls"]]
    left = registry.GroupLeft(
        person_id=person_id, at=now_utc(), private={"group": "bedridden", "until_on": now_utc().date()}
    )
    await town.running.emit(membership, left, Origin(AREA, person_id))
    needs = [trip["need"]["groups"] for trip in await town.trips(call_id)]
    assert needs == [["elderly_alone"]] * 2, "what the call itself said stays"


async def test_a_group_that_is_known_later_is_asked_of_the_trips_there_are(town: Town) -> None:
    """By whichever record of the person they stand, and as long as the two records are one person's."""
    person_id, record, patient_id = new_id(), new_id(), new_id()
    call_id = await town.call(patients=[{"patient_id": patient_id}])
    await match(town, call_id, patient_id, record)

    async def groups() -> list[str]:
        found: list[str] = (await town.trip(call_id))["need"].get("groups", [])
        return found

    await town.running.emit(new_id(), in_group(person_id), Origin(AREA, person_id))
    assert await groups() == []
    linked = registry.PersonLinked(survivor_id=person_id, at=now_utc(), by="person")
    await town.running.emit(record, linked, Origin(AREA, record))
    assert await groups() == ["bedridden"]
    await town.running.emit(new_id(), in_group(person_id, "psychiatric"), Origin(AREA, person_id))
    assert await groups() == ["bedridden", "psychiatric"]
    apart = registry.PersonUnlinked(survivor_id=person_id, at=now_utc(), by="person")
    await town.running.emit(record, apart, Origin(AREA, record))
    assert await groups() == []


async def test_nothing_comes_back_to_a_call_that_was_erased(town: Town) -> None:
    """Who the patient is, and what bars the way, is said in other streams: it may come after the erasure."""
    call_id, person_id, patient_id = new_id(), new_id(), new_id()
    await town.running.emit(new_id(), in_group(person_id), Origin(AREA, person_id))
    await town.call(call_id, patients=[{"patient_id": patient_id}])
    await town.say(call_id, intake.CallErased(at=now_utc()))
    await match(town, call_id, patient_id, person_id)
    private = {"barrier": "people", "action": "lift_team", "owner": "dispatcher"}
    opened = intake.BarrierOpened(call_id=call_id, at=now_utc(), private=private)
    await town.running.emit(new_id(), opened, Origin(AREA, call_id))
    [row] = await town.running.sql("select person_id, need from trip where call_id = $1", call_id)
    assert (row["person_id"], row["need"]) == (None, {})


async def test_what_one_record_of_a_person_asks_of_a_crew_all_ask(town: Town) -> None:
    """A chain of records: the group stands at one end, the call is matched to the other."""
    ends = first, middle, last = new_id(), new_id(), new_id()
    private = {"group": "bedridden", "from_on": now_utc().date()}
    joined = registry.GroupJoined(person_id=last, at=now_utc(), private=private)
    await town.running.emit(new_id(), joined, Origin(AREA, last))
    for one, other in ((middle, first), (last, middle)):
        linked = registry.PersonLinked(survivor_id=other, at=now_utc(), by="person")
        await town.running.emit(one, linked, Origin(AREA, one))

    async def groups(person_id: UUID) -> list[str]:
        patient_id = new_id()
        call_id = await town.call(patients=[{"patient_id": patient_id}])
        matched = registry.PersonMatched(
            call_id=call_id, patient_id=patient_id, at=now_utc(), by="system", private={"method": "cid"}
        )
        await town.running.emit(person_id, matched, Origin(AREA, person_id))
        found: list[str] = (await town.trip(call_id))["need"].get("groups", [])
        return found

    assert [await groups(one) for one in ends] == [["bedridden"]] * 3
    apart = registry.PersonUnlinked(survivor_id=middle, at=now_utc(), by="person")
    await town.running.emit(last, apart, Origin(AREA, last))
    assert [await groups(one) for one in ends] == [[], [], ["bedridden"]]
    await town.running.emit(first, registry.PersonErased(at=now_utc()), Origin(AREA, first))
    assert await town.running.sql("select from person_link") == []


async def test_an_erased_call_leaves_nothing_personal_here(town: Town) -> None:
    unit = await town.unit(1)
    call_id, person_id = new_id(), new_id()
    patient = {"patient_id": new_id(), "name": "คนานิรี ทดสอบ", "person_id": person_id, "needs": ["oxygen"]}
    location = {"lon": HERE[0], "lat": HERE[1] + NORTH, "address": "บ้านคานารี"}
    await town.call(call_id, patients=[patient], location=location, notes="โน้ตคานารี")
    [asked] = await town.asked(call_id)
    await town.drive(asked["id"], unit, until="clear")
    await town.say(call_id, intake.CallErased(at=now_utc()))
    rows = await town.running.sql("select * from trip where call_id = $1", call_id)
    left = str([dict(row) for row in rows])
    for canary in ("คนานิรี", "บ้านคานารี", "โน้ตคานารี", "oxygen", str(person_id)):
        assert canary not in left
    assert rows[0]["pickup_lat"] is None
    assert rows[0]["status"] == "completed", "what was driven stays on record"


async def test_an_erased_person_is_wiped_from_trips_and_groups(town: Town) -> None:
    person_id, patient_id = new_id(), new_id()
    call_id = await town.call(patients=[{"patient_id": patient_id, "name": "คานารี", "person_id": person_id}])
    private = {"group": "bedridden", "from_on": now_utc().date()}
    await town.running.emit(
        new_id(), registry.GroupJoined(person_id=person_id, at=now_utc(), private=private), Origin(AREA, person_id)
    )
    await town.running.emit(person_id, registry.PersonErased(at=now_utc()), Origin(AREA, person_id))
    assert "คานารี" not in str([dict(row) for row in await town.running.sql("select * from trip")])
    assert await town.running.sql("select from person_group") == []
    assert call_id


async def test_a_person_matched_and_erased_in_one_go_leaves_nothing(town: Town) -> None:
    person_id, patient_id = new_id(), new_id()
    call_id = await town.call(patients=[{"patient_id": patient_id, "name": "คานารี"}])
    matched = registry.PersonMatched(
        call_id=call_id, patient_id=patient_id, at=now_utc(), by="system", private={"method": "cid"}
    )
    origin = Origin(AREA, call_id)
    events = (matched, registry.PersonErased(at=now_utc()))
    group = [await town.running.emit(person_id, each, origin, take=False) for each in events]
    await town.running.runtime.inbox.take(group)
    [row] = await town.running.sql("select person_id, details from trip where call_id = $1", call_id)
    assert row["person_id"] is None
    assert "คานารี" not in str(row["details"])


async def test_everything_heard_twice_changes_nothing(town: Town) -> None:
    unit = await town.unit(1)
    call_id = new_id()
    received_event = call_event(intake.CallReceived)
    origin = Origin(AREA, call_id)
    first = await town.running.emit(call_id, received_event, origin)
    [asked] = await town.asked(call_id)
    reply = ReplyReceived(
        channel="line", answer="accept", at=now_utc(), assignment_id=asked["id"], crew_id=unit.crew[0]
    )
    second = await town.running.emit(new_id(), reply, origin)
    before = await town.types()
    await town.running.runtime.inbox.take([second, first, second, first])
    assert await town.types() == before
