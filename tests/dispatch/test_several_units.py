"""Several units for one call: by run card, by a crew's wish, watched for departure, handed over between, stood down."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest_asyncio

from services.dispatch import policy
from shared.events import intake
from shared.pack_cards import Asked, RunCard
from shared.pack_parts import DispatchPolicies
from shared.thai.text import Text
from shared.work import new_id, now_utc
from tests.dispatch.conftest import HERE, NORTH, Town, Unit, call_event
from tests.harness import AREA, bearer

CRASH = 25
BLS, RESCUE = Asked(level="bls"), Asked(kinds=frozenset({"rescue_truck"}), skills=frozenset({"rescue"}))
TWO_BLS = Asked(level="bls", count=2)


def card(*units: Asked, **fits: Any) -> RunCard:
    return RunCard(code="crash", name=Text(th="รถชน", en="crash"), groups=frozenset({CRASH}), units=units, **fits)


def cards(*made: RunCard, mode: str = "auto") -> None:
    policy.set_policy(AREA, DispatchPolicies(default_mode=mode, booked_mode=mode), cards=made)


@pytest_asyncio.fixture
async def crash(town: Town) -> Town:
    """A town whose card for road crashes sends two BLS units and a rescue truck."""
    cards(card(TWO_BLS, RESCUE))
    return town


async def bls(town: Town, km: float) -> Unit:
    return await town.unit(km, level="bls", skills=("emt_b", "driving"))


async def truck(town: Town, km: float) -> Unit:
    return await town.unit(km, level="fr", skills=("first_aid", "rescue"), vehicle={"kind": "rescue_truck"})


async def going(town: Town, call_id: UUID, role: str = "support") -> dict[str, dict[str, Any]]:
    """Unit → its assignment."""
    return {each["unit_id"]: each for each in await town.asked(call_id) if each["role"] == role}


def ids(*units: Unit) -> set[str]:
    return {str(unit.id) for unit in units}


async def overdue(town: Town) -> None:
    await town.running.sql(
        "update due set due_at = clock_timestamp() - interval '1 h' where kind = 'departure_overdue'"
    )
    await town.running.sql(
        "update assignment set accepted_at = accepted_at - interval '10 min' where status = 'accepted'"
    )
    while await town.running.sql("select 1 from due where kind = 'departure_overdue' and due_at < clock_timestamp()"):
        await town.running.runtime.due.do_one()


async def test_the_card_sends_them_together_and_what_is_missing_is_said_until_somebody_can(crash: Town) -> None:
    near, far, third = await bls(crash, 1), await bls(crash, 2), await bls(crash, 3)
    call_id = await crash.call(criteria_group=CRASH)
    assert set(await going(crash, call_id, "primary")) == ids(near)
    assert set(await going(crash, call_id)) == ids(far), "the second BLS, and nobody in place of the truck"
    trip = await crash.trip(call_id)
    assert trip["units"]["missing"] == 1
    assert trip["units"]["en"].startswith("asked for 2 BLS + 1 heavy rescue truck")
    assert [unit["missing"] for unit in trip["units"]["units"]] == [False, False, True]
    [more] = (await crash.get("/v1/queue"))["more"]
    assert (more["trip_id"], more["units"]["missing"]) == (trip["id"], 1)

    heavy = await truck(crash, 9)
    await crash.running.do_due("serve_queue")
    assert set(await going(crash, call_id)) == ids(far, heavy)
    assert (await crash.get("/v1/queue"))["more"] == []
    assert str(third.id) not in {each["unit_id"] for each in await crash.asked(call_id)}


async def test_who_says_no_is_replaced_and_each_accepts_for_itself(crash: Town) -> None:
    first, second, third, heavy = await bls(crash, 1), await bls(crash, 2), await bls(crash, 3), await truck(crash, 4)
    call_id = await crash.call(criteria_group=CRASH)
    asked = await going(crash, call_id)
    await crash.step(asked[str(second.id)]["id"], "decline", second)
    await crash.running.do_due("find_support")
    assert set(await going(crash, call_id)) == ids(third, heavy)
    for unit in (third, heavy):
        await crash.step((await going(crash, call_id))[str(unit.id)]["id"], "accept", unit)
    assert (await crash.trip(call_id))["status"] == "requested", "those in support do not hold the trip"
    await crash.step((await going(crash, call_id, "primary"))[str(first.id)]["id"], "accept", first)
    assert (await crash.trip(call_id))["status"] == "planned"
    assert len(await crash.asked(call_id)) == 3


async def test_other_calls_get_one_unit_and_a_call_that_becomes_a_crash_gets_the_others(crash: Town) -> None:
    for km in (1, 2):
        await bls(crash, km)
    heavy = await truck(crash, 3)
    patient = {"patient_id": new_id()}
    call_id = await crash.call(patients=[patient], criteria_group=6)
    assert len(await crash.asked(call_id)) == 1
    assert (await crash.trip(call_id))["units"] is None
    await crash.say(call_id, call_event(intake.CallUpdated, patients=[patient], criteria_group=CRASH, at=now_utc()))
    assert len(await crash.asked(call_id)) == 3
    assert str(heavy.id) in await going(crash, call_id)


async def test_of_several_patients_each_gets_a_unit_before_any_gets_a_second(crash: Town) -> None:
    units = [await bls(crash, km) for km in (1, 2, 3)]
    call_id = await crash.call(criteria_group=CRASH, patients=[{"patient_id": new_id()} for _ in range(3)])
    assert set(await going(crash, call_id, "primary")) == ids(*units)
    assert await going(crash, call_id) == {}


async def test_a_dispatcher_who_confirms_the_first_confirms_the_others(town: Town) -> None:
    cards(card(TWO_BLS), mode="confirm")
    first, second = await bls(town, 1), await bls(town, 2)
    call_id = await town.call(criteria_group=CRASH)
    [proposed] = await town.asked(call_id)
    assert proposed["status"] == "proposed"
    await town.post(f"/v1/trips/{proposed['trip_id']}/assign", {"unit_id": str(first.id)}, status=201)
    assert set(await going(town, call_id)) == ids(second)


async def test_a_unit_in_support_that_does_not_set_out_is_said_and_the_next_alerted_beside_it(town: Town) -> None:
    cards(card(BLS, BLS))
    first, late, other = await bls(town, 1), await bls(town, 2), await bls(town, 3)
    call_id = await town.call(criteria_group=CRASH)
    await town.drive((await going(town, call_id, "primary"))[str(first.id)]["id"], first, until="en_route")
    accepted = (await going(town, call_id))[str(late.id)]
    await town.step(accepted["id"], "accept", late)
    await overdue(town)
    [said] = await town.running.said("dispatch.assignment.delayed")
    assert said["data"]["unit_id"] == late.id or said["data"]["unit_id"] == str(late.id)
    assert set(await going(town, call_id)) == ids(late, other)
    # It sets out after all: who was alerted beside it may stay.
    await town.step(accepted["id"], "en_route", late)
    assert set(await going(town, call_id)) == ids(late)


async def test_the_one_alerted_beside_it_takes_over_from_a_unit_that_never_sets_out(town: Town) -> None:
    cards(card(BLS, BLS))
    first, late, other = await bls(town, 1), await bls(town, 2), await bls(town, 3)
    call_id = await town.call(criteria_group=CRASH)
    await town.drive((await going(town, call_id, "primary"))[str(first.id)]["id"], first, until="en_route")
    accepted = (await going(town, call_id))[str(late.id)]
    await town.step(accepted["id"], "accept", late)
    await overdue(town)
    await town.step((await going(town, call_id))[str(other.id)]["id"], "accept", other)
    assert set(await going(town, call_id)) == ids(other)
    assert (await town.step(accepted["id"], "en_route", late, status=409))["code"] == "taken"


async def test_standing_down_tells_the_crews_and_nobody_else_is_looked_for(crash: Town) -> None:
    first, second = await bls(crash, 1), await bls(crash, 2)
    call_id = await crash.call(criteria_group=CRASH)
    trip = await crash.trip(call_id)
    path = f"/v1/trips/{trip['id']}/stand-down"
    await crash.post(path, {}, status=403, headers=bearer("call_taker"))
    await crash.post(path, {}, status=404, headers=bearer("dispatcher", areas=["elsewhere"]))
    await crash.post(path, {"assignment_ids": [str(new_id())]}, status=404)
    done = await crash.post(path)
    assert done["units"]["missing"] == 0
    assert set(await going(crash, call_id)) == set()
    [released] = await crash.running.said("dispatch.assignment.released")
    assert released["data"]["private"]["reason"] == "not_needed"
    assert released["data"]["crew_ids"] == [str(member) for member in second.crew]
    await truck(crash, 3)
    await crash.running.do_due("serve_queue")
    assert set(await going(crash, call_id)) == set()
    assert set(await going(crash, call_id, "primary")) == ids(first)
    again = await crash.call(criteria_group=6)
    assert str(second.id) in await going(crash, again, "primary"), "it is free again"


async def test_one_may_be_stood_down_while_others_go_on_coming(crash: Town) -> None:
    _, second, heavy = await bls(crash, 1), await bls(crash, 2), await truck(crash, 3)
    call_id = await crash.call(criteria_group=CRASH)
    trip, support = await crash.trip(call_id), await going(crash, call_id)
    body = {"assignment_ids": [support[str(heavy.id)]["id"]]}
    await crash.post(f"/v1/trips/{trip['id']}/stand-down", body)
    await crash.running.do_due("serve_queue")
    assert set(await going(crash, call_id)) == ids(second)
    assert (await crash.trip(call_id))["units"]["missing"] == 0


async def test_who_has_not_arrived_when_the_patient_is_delivered_turns_round(crash: Town) -> None:
    first, second, heavy = await bls(crash, 1), await bls(crash, 2), await truck(crash, 3)
    call_id = await crash.call(criteria_group=CRASH)
    support = await going(crash, call_id)
    await crash.drive(support[str(second.id)]["id"], second, until="en_route")
    await crash.drive(support[str(heavy.id)]["id"], heavy, until="at_scene")
    own = (await going(crash, call_id, "primary"))[str(first.id)]
    await crash.drive(own["id"], first, until="clear")
    assert (await crash.trip(call_id))["status"] == "completed"
    assert set(await going(crash, call_id)) == ids(heavy), "who is there finishes what it does"
    await crash.step(support[str(heavy.id)]["id"], "clear", heavy)
    assert await crash.running.sql("select from run where status = 'open'") == []


async def test_a_crew_calls_a_higher_level_which_takes_the_patient_over_half_way(town: Town) -> None:
    lower, other, higher = await bls(town, 1), await bls(town, 2), await town.unit(5)
    call_id = await town.call(severity="yellow")
    own = (await going(town, call_id, "primary"))[str(lower.id)]
    await town.drive(own["id"], lower, until="en_route")
    await town.step(own["id"], "at_scene", lower, outcome="treated_on_scene")  # said too early: it handed up in the end
    await town.post(f"/v1/assignments/{own['id']}/backup", {"level": "als"}, headers=lower.headers)
    comes = (await going(town, call_id))[str(higher.id)]
    await town.step(own["id"], "left_scene", lower)
    refused = await town.step(own["id"], "clear", lower, status=422)
    assert refused["code"] == "patient_on_board"
    await town.drive(comes["id"], higher, until="at_scene")
    body = {"receiver": "higher_unit", "at": now_utc().isoformat()}
    await town.post(f"/v1/assignments/{own['id']}/handover", body, headers=lower.headers, status=201)
    [said] = await town.running.said("dispatch.patient")
    assert said["data"]["to_unit_id"] == str(higher.id)
    assert set(await going(town, call_id, "primary")) == ids(higher)
    cleared = await town.step(own["id"], "clear", lower)
    assert cleared["outcome"] == "handed_up"
    trip = await town.trip(call_id)
    assert trip["status"] == "under_way"
    assert {a["unit_id"]: a["outcome"] for a in trip["assignments"]}[str(lower.id)] == "handed_up"
    for step in ("left_scene", "at_destination", "clear"):
        await town.step(comes["id"], step, higher)
    assert (await town.trip(call_id))["status"] == "completed"
    assert str(other.id) not in {a["unit_id"] for a in (await town.trip(call_id))["assignments"]}


async def test_a_unit_sent_by_hand_fills_what_is_missing(crash: Town) -> None:
    await bls(crash, 1)
    call_id = await crash.call(criteria_group=CRASH)
    trip = await crash.trip(call_id)
    assert trip["units"]["missing"] == 2
    by_hand = await crash.unit(3, level="bls", skills=("emt_b", "driving"), on=False)
    await crash.duty(by_hand)
    await crash.post(f"/v1/trips/{trip['id']}/assign", {"unit_id": str(by_hand.id), "role": "support"}, status=201)
    assert (await crash.trip(call_id))["units"]["missing"] == 1


async def test_two_who_wait_are_served_together_when_several_units_become_free(town: Town) -> None:
    """The nearest unit for the first is the only near one for the second: both are reached soon."""
    where = [{"lon": HERE[0], "lat": HERE[1] + km * NORTH, "address": "บ้านทดสอบ"} for km in (5, 0)]
    first, second = [await town.call(location=place) for place in where]
    near, far = await town.unit(4, on=False), await town.unit(11, on=False)
    for unit in (near, far):
        await town.duty(unit)
    await town.running.do_due("serve_queue")
    assert set(await going(town, first, "primary")) == ids(far)
    assert set(await going(town, second, "primary")) == ids(near)
