"""A call's patients are found again or written down, whatever is known of them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from shared.work import new_id
from tests.harness import Running
from tests.registry.conftest import Call, add, cid, history, person_of, read, search, seen, somsri


async def test_a_new_patient_becomes_a_person_with_a_case(registry: Running) -> None:
    call = await Call(registry, patients=[somsri(groups=["bedridden"], mobility="stretcher")]).received()
    person_id = await person_of(registry, call)
    person = await read(registry, f"/v1/persons/{person_id}")
    assert (person["name"], person["age"], person["mobility"]) == (
        "นางสมศรี ใจดี", {"years": 76, "estimated": True}, "stretcher")  # fmt: skip
    assert [group["group"]["code"] for group in person["groups"]] == ["bedridden"]
    assert [one["value"] for one in person["identifiers"]] == [cid(1)]
    said = [(row["type"], row["correlation_id"]) for row in await registry.said()]
    names = ["person.registered", "group.joined", "person.matched", "case.opened"]
    assert said == [(f"registry.{name}.v1", call.id) for name in names]


async def test_nothing_that_identifies_leaves_the_registry_or_lies_readable_in_it(registry: Running) -> None:
    call = await Call(registry, patients=[somsri()], caller={"phone": "+66812345678", "name": "มานี มีนา"}).received()
    secrets = ["สมศรี", "ใจดี", cid(1), "812345678", "มานี"]
    for table in ("person", "person_key", "identifier", "contact", "membership", "call", "call_person", "case_file",
                  "history", "event_log"):  # fmt: skip
        for row in await registry.sql(f"select row_to_json(t)::text as body from {table} t"):
            found = [secret for secret in secrets if secret in row["body"]]
            assert not found, (table, found)
    assert all("private" not in row["open_data"] for row in await registry.said())
    assert await person_of(registry, call)


NOBODY_IS_REFUSED: dict[str, dict[str, Any]] = {
    "no number": {"name": "นายไม่มี บัตร"},
    "a number that is none": {"name": "นายไม่มี บัตร", "national_id": "ไม่มี"},
    "a mistyped number": {"name": "นายไม่มี บัตร", "national_id": "1234567890123"},
    "a number that begins with 0": {"name": "น้อง ไร้สัญชาติ", "national_id": "0101100000014"},
    "only an age": {"age": 80},
    "only how they lie": {"mobility": "stretcher"},
    "only that they are poor": {"groups": ["destitute"]},
    "only one name": {"name": "ยายมา"},
    "an impossible birth": {"name": "ตา แก่", "birth_year": 2200},
}


@pytest.mark.parametrize("patient", NOBODY_IS_REFUSED.values(), ids=NOBODY_IS_REFUSED)
async def test_nobody_is_refused_for_what_they_lack(registry: Running, patient: dict[str, Any]) -> None:
    call = await Call(registry, patients=[dict(patient)]).received()
    person_id = await person_of(registry, call)
    assert (await read(registry, f"/v1/persons/{person_id}"))["open_case_ids"]
    assert [line["type"] for line in await history(registry, person_id)][-1] == "intake.call.received.v1"
    assert not await registry.dead_letters()


async def test_a_caller_without_a_patient_makes_no_person(registry: Running) -> None:
    await Call(registry, patients=[{}], caller={"name": "มานี มีนา", "phone": "+66812345678"}).received()
    await Call(registry, patients=[], caller={"name": "มานี มีนา", "phone": "+66812345678"}).received()
    assert not await registry.sql("select from person")


async def test_a_caller_who_calls_for_themselves_is_a_person(registry: Running) -> None:
    caller = {"name": "มานี มีนา", "phone": "+66812345678", "relation": "self", "line_user_id": "U1"}
    call = await Call(registry, patients=[{}], caller=caller).received()
    person = await read(registry, f"/v1/persons/{await person_of(registry, call)}")
    assert (person["name"], person["contacts"][0]["relation"]) == ("มานี มีนา", "self")
    private = (await registry.said("registry.person.registered"))[0]["data"]["private"]
    assert (private["phone"], private["line_user_id"]) == ("+66812345678", "U1")


AGAIN: dict[str, dict[str, Any]] = {
    "identifier": {"name": "น.ส.สมศรี เปลี่ยนสกุล", "national_id": cid(1)},
    "name_phone": {"name": "สมศรี  ใจดี"},
    "name_birth_phone": {"name": "คุณสมศรี ใจดี", "age": 75},
}


@pytest.mark.parametrize(("method", "patient"), AGAIN.items())
async def test_who_calls_again_is_found_again(registry: Running, method: str, patient: dict[str, Any]) -> None:
    first = await Call(registry, patients=[somsri()]).received()
    second = await Call(registry, patients=[dict(patient)]).received()
    person_id = await person_of(registry, first)
    assert await person_of(registry, second) == person_id
    assert len(await registry.said("registry.person.registered")) == 1
    matched = (await registry.said("registry.person.matched"))[-1]
    assert (matched["data"]["private"]["method"], matched["correlation_id"]) == (method, second.id)
    assert len(await registry.said("registry.case.opened")) == 1, "the open case goes on"
    case_id = (await read(registry, f"/v1/persons/{person_id}"))["open_case_ids"][0]
    assert set((await read(registry, f"/v1/cases/{case_id}"))["call_ids"]) == {str(first.id), str(second.id)}


async def test_what_the_desk_chose_is_the_person(registry: Running) -> None:
    known = await add(registry, name="ยายมา")
    call = await Call(registry, patients=[{"name": "มา", "person_id": known}]).received()
    assert await person_of(registry, call) == known


async def test_whom_the_desk_chose_keeps_their_own_number_and_gets_nobody_elses(registry: Running) -> None:
    known, other = await add(registry, name="ยายมา", national_id=cid(1)), await add(registry, national_id=cid(2))
    for number in (1, 2):
        call = await Call(registry, patients=[{"national_id": cid(number), "person_id": known}]).received()
        assert await person_of(registry, call) == known
    assert [one["value"] for one in (await read(registry, f"/v1/persons/{known}"))["identifiers"]] == [cid(1)]
    assert [one["value"] for one in (await read(registry, f"/v1/persons/{other}"))["identifiers"]] == [cid(2)]
    assert not await registry.dead_letters()


async def test_two_people_of_one_name_stay_two(registry: Running) -> None:
    one = await Call(registry, patients=[{"name": "สมชาย ใจดี", "age": 40}], caller={"phone": "+66811111111"}).received()
    two = await Call(registry, patients=[{"name": "สมชาย ใจดี", "age": 40}], caller={"phone": "+66822222222"}).received()
    assert await person_of(registry, one) != await person_of(registry, two)


async def test_two_calls_at_once_about_one_new_person_make_one(registry: Running) -> None:
    calls = [Call(registry, patients=[somsri()], caller={}) for _ in range(6)]
    await asyncio.gather(*(call.received() for call in calls))
    people = {await person_of(registry, call) for call in calls}
    assert len(people) == 1
    assert len(await registry.said("registry.person.registered")) == 1
    assert len(await registry.said("registry.case.opened")) == 1
    assert not await registry.dead_letters()


async def test_two_at_once_of_equal_name_and_phone_make_one(registry: Running) -> None:
    calls = [Call(registry, patients=[{"name": "สมศรี ใจดี"}]) for _ in range(4)]
    await asyncio.gather(*(call.received() for call in calls))
    assert len({await person_of(registry, call) for call in calls}) == 1
    rows = await registry.sql("select method, to_check from person_match")
    assert [tuple(row) for row in rows] == [("name_phone", True)] * 3, "whoever is presumed to be her is to be checked"


async def test_the_database_itself_keeps_a_number_with_one_person(registry: Running) -> None:
    await add(registry, name="หนึ่ง", national_id=cid(7))
    row = (await registry.sql("select blind, key_id, person_id from identifier"))[0]
    insert = """insert into identifier (id, person_id, kind, value, blind, key_id, source, since_on)
                values ($1, $2, 'cid', '\\x00', $3, 1, 'desk', current_date)"""
    with pytest.raises(Exception, match="identifier_one_owner"):
        await registry.sql(insert, new_id(), row["person_id"], row["blind"])


async def test_an_update_adds_and_never_takes_away(registry: Running) -> None:
    call = await Call(registry, patients=[{"name": "ยายมา", "age": 80}]).received()
    person_id = await person_of(registry, call)
    call.patients[0].update(name="ยายมา ใจดี", national_id=cid(2), groups=["bedridden"], sex="female")
    await call.updated()
    person = await read(registry, f"/v1/persons/{person_id}")
    assert (person["name"], person["sex"]) == ("ยายมา ใจดี", "female")
    assert [one["value"] for one in person["identifiers"]] == [cid(2)]
    call.patients[0].update(name="ยายอื่น", national_id=None, groups=[], sex="male", age=20)
    await call.updated()
    assert await read(registry, f"/v1/persons/{person_id}") == person
    assert await person_of(registry, call) == person_id
    assert [row["type"] for row in await registry.said("registry.person.c")] == ["registry.person.changed.v1"]


async def test_a_patient_named_later_has_the_whole_story(registry: Running) -> None:
    call = await Call(registry, patients=[{}]).received()
    await call.trip()
    call.patients[0]["name"] = "ยายมา ใจดี"
    await call.updated()
    lines = [line["type"] for line in await history(registry, await person_of(registry, call))]
    assert {"intake.call.received.v1", "dispatch.trip.requested.v1", "intake.call.updated.v1"} <= set(lines)


async def test_a_number_told_later_that_is_anothers_adds_a_match(registry: Running) -> None:
    known = await add(registry, name="นางสมศรี ใจดี", identifiers=[seen(1)])
    call = await Call(registry, patients=[{"name": "ยายศรี"}], caller={}).received()
    first = await person_of(registry, call)
    call.patients[0]["national_id"] = cid(1)
    await call.updated()
    rows = await registry.sql("select person_id from call_person where call_id = $1", call.id)
    assert {row["person_id"] for row in rows} == {first, known}, "who they were taken for stays on record"


async def test_somebody_elses_number_does_not_open_their_record(registry: Running) -> None:
    wife = await add(registry, name="นางสมศรี ใจดี", national_id=cid(1), sex="female", birth_year=1950)
    call = await Call(registry, patients=[somsri(name="นายสมาน ใจดี", sex="male", age=40)], caller={}).received()
    husband = await person_of(registry, call)
    assert husband != wife
    rows = await registry.sql("select doubt from call_person")
    assert [row["doubt"] for row in rows] == [True]
    assert (await read(registry, f"/v1/persons/{husband}"))["identifiers"] == []


async def test_an_exercise_meets_nobody_real(registry: Running) -> None:
    real = await add(registry, name="นางสมศรี ใจดี", national_id=cid(1))
    call = await Call(registry, patients=[somsri()], exercise=True).received()
    played = await person_of(registry, call)
    assert played != real
    assert all(row["exercise"] for row in await registry.said() if row["correlation_id"] == call.id)
    assert [item["id"] for item in await search(registry, national_id=cid(1))] == [str(real)]
    assert [item["id"] for item in await search(registry, national_id=cid(1), exercise=True)] == [str(played)]


async def test_infection_is_of_the_journey_not_of_the_person(registry: Running) -> None:
    call = await Call(registry, patients=[somsri(needs=["oxygen", "infection_precaution"])]).received()
    assert (await read(registry, f"/v1/persons/{await person_of(registry, call)}"))["needs"] == ["oxygen"]
