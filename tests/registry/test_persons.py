"""Registering and looking for people at the desk."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from services.registry.store.people import SEARCH
from shared.codes.codes import code_list
from tests.harness import Running, bearer, problem_of
from tests.registry.conftest import Call, add, cid, person_of, read, search, somsri


async def test_nothing_is_required_of_a_person(registry: Running) -> None:
    person_id = await add(registry)
    person = await read(registry, f"/v1/persons/{person_id}")
    assert (person["name"], person["identifiers"], person["open_case_ids"]) == (None, [], [])


async def test_what_is_asked_holds_nothing_about_wealth(registry: Running) -> None:
    fields = (await read(registry, "/openapi.json"))["components"]["schemas"]["PersonBody"]
    assert "required" not in fields
    assert not {name for name in fields["properties"] if any(w in name for w in ("income", "wealth", "pay", "salary"))}


async def test_a_person_comes_back_as_registered(registry: Running) -> None:
    person_id = await add(
        registry, name="นางสมศรี ใจดี", birth_date="3/2/2493", sex="female", phone="๐๘๑-๒๓๔ ๕๖๗๘", mobility="wheelchair",
        needs=["oxygen"], groups=["elderly", "bedridden"], language="th", disclosure="shared", may_be_texted=False,
        identifiers=[{"kind": "none"}, {"kind": "hospital-no", "value": "HN 12/34", "issuer": "10709"}],
    )  # fmt: skip
    person = await read(registry, f"/v1/persons/{person_id}")
    assert (person["birth_on"], person["birth_year"]) == ("1950-02-03", 1950)
    assert person["contacts"][0]["phone"] == "+66812345678"
    assert {one["kind"]: one["value"] for one in person["identifiers"]} == {"none": None, "hospital-no": "10709:12/34"}
    assert {group["group"]["code"] for group in person["groups"]} == {"elderly", "bedridden"}
    said = (await registry.said("registry.person.registered"))[0]
    assert said["correlation_id"] == person_id
    assert said["data"]["private"]["may_be_texted"] is False
    assert len(await registry.said("registry.group.joined")) == 2


async def test_the_same_key_registers_once(registry: Running) -> None:
    headers = {**bearer("registry_officer"), "Idempotency-Key": "k1"}
    ask = [registry.client.post("/v1/persons", json={"name": "มานี"}, headers=headers) for _ in range(3)]
    answers = await asyncio.gather(*ask)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    other = await registry.client.post("/v1/persons", json={"name": "ปิติ"}, headers=headers)
    assert problem_of(other)["code"] == "key_reused"


async def test_a_number_belongs_to_one_person(registry: Running) -> None:
    first = await add(registry, national_id=cid(1))
    ask = [registry.client.post("/v1/persons", json=body, headers=bearer("call_taker")) for body in (
        {"national_id": cid(1)}, {"identifiers": [{"kind": "cid", "value": cid(1)}]})]  # fmt: skip
    for answer in await asyncio.gather(*ask):
        problem = problem_of(answer)
        assert (problem["status"], problem["code"], problem["person_id"]) == (409, "person_exists", str(first))
    assert len(await registry.sql("select from person")) == 1


async def test_many_at_once_with_one_number_make_one_person(registry: Running) -> None:
    ask = [registry.client.post("/v1/persons", json={"national_id": cid(1)}, headers=bearer("call_taker"))
           for _ in range(8)]  # fmt: skip
    codes = sorted(answer.status_code for answer in await asyncio.gather(*ask))
    assert codes == [201] + [409] * 7


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "a wrong check digit": ({"national_id": "1234567890123"}, "national_id"),
    "too few digits": ({"national_id": "12345"}, "national_id"),
    "a short code as phone": ({"phone": "1669"}, "phone"),
    "no phone": ({"phone": "สวัสดี"}, "phone"),
    "born in the future": ({"birth_date": "2599-01-01"}, "birth_date"),
    "born the day after tomorrow, in words": ({"birth_date": "เมื่อวาน"}, "birth_date"),
    "a year of no era": ({"birth_year": 1500}, "birth_year"),
    "an impossible age": ({"age": 131}, "age"),
    "an unknown group": ({"groups": ["rich"]}, "groups.0"),
    "an unknown kind": ({"identifiers": [{"kind": "tattoo", "value": "1"}]}, "identifiers.0.kind"),
    "another kind's number": ({"identifiers": [{"kind": "cid-0", "value": cid(1)}]}, "identifiers.0"),
    "days reversed": ({"identifiers": [{"kind": "cid", "value": cid(1), "since_on": "2026-02-01",
                                        "until_on": "2026-01-01"}]}, "identifiers.0"),
    "an unknown field": ({"income": 1}, "income"),
    "a wrong type": ({"name": 5}, "name"),
    "NUL": ({"name": "มา\x00นี"}, "name"),
    "too long": ({"name": "ก" * 201}, "name"),
    "an area that is none": ({"area": "Kalasin!"}, "area"),
}  # fmt: skip


async def test_bad_input_gets_one_answer_that_names_the_field(registry: Running) -> None:
    for case, (body, field) in BAD.items():
        answer = await registry.client.post("/v1/persons", json=body, headers=bearer("registry_officer"))
        assert answer.status_code == 422, (case, answer.text)
        errors = problem_of(answer)["errors"]
        assert field in [error["field"] for error in errors], case
        assert all(error["th"] != error["en"] for error in errors), case
    assert not await registry.sql("select from person")


@pytest.mark.parametrize("sex", code_list("sex").codes)
async def test_every_code_of_the_list_of_sexes_may_be_told(registry: Running, sex: str) -> None:
    person_id = await add(registry, name="มานี", sex=sex)
    assert (await read(registry, f"/v1/persons/{person_id}"))["sex"] == (None if sex == "unknown" else sex)


async def test_the_area_is_the_callers_unless_there_are_several(registry: Running) -> None:
    several = bearer("registry_officer", areas=["kalasin", "songkhla"])
    without = await registry.client.post("/v1/persons", json={}, headers=several)
    assert problem_of(without)["errors"][0]["field"] == "area"
    assert (await registry.client.post("/v1/persons", json={"area": "songkhla"}, headers=several)).status_code == 201
    foreign = await registry.client.post("/v1/persons", json={"area": "trat"}, headers=several)
    assert problem_of(foreign)["code"] == "not_found"


# --- search -------------------------------------------------------------------------------------------------------


async def test_a_ringing_phone_finds_who_is_reached_by_it(registry: Running) -> None:
    own = await add(registry, name="มานี มีนา", phone="0812345678")
    call = await Call(registry, patients=[somsri()], caller={"phone": "+66812345678", "relation": "child"}).received()
    found = await search(registry, "call_taker", phone="081-234-5678")
    assert {item["id"] for item in found} == {str(own), str(await person_of(registry, call))}
    assert all("phone" not in item for item in found)
    assert next(item for item in found if item["id"] != str(own))["open_case_id"]


WRITINGS = ("นางสมศรี ใจดี", "น.ส.สมศรี ใจดี", "สมศรี", "ใจดี", "ใจดี สมศรี", " สมศรี\u200b  ใจดี")
PIECES = ("สม", "ศรี", "สมศรี ดีใจ", "นาง", "-")


async def test_a_name_is_found_by_its_words_and_never_by_a_piece(registry: Running) -> None:
    person_id = await add(registry, name="นางสมศรี ใจดี")
    await add(registry, name="สมชาย ดีใจ")
    for name in WRITINGS:
        assert [item["id"] for item in await search(registry, name=name)] == [str(person_id)], name
    for name in PIECES:
        assert await search(registry, name=name) == [], name


async def test_a_name_is_narrowed_by_the_year_of_birth(registry: Running) -> None:
    right = await add(registry, name="สมชาย ใจดี", birth_year=2500)
    maybe = await add(registry, name="สมชาย ใจดี")
    await add(registry, name="สมชาย ใจดี", birth_year=1990)
    found = await search(registry, name="สมชาย ใจดี", birth_year=1957)
    assert {item["id"] for item in found} == {str(right), str(maybe)}


async def test_the_number_of_a_document_finds_its_holder_while_it_is_theirs(registry: Running) -> None:
    passport = {"kind": "passport", "value": "AB1234567", "issuer": "MM"}
    person_id = await add(registry, identifiers=[passport, {"kind": "cid", "value": cid(3), "until_on": "2026-01-01",
                                                            "since_on": "2020-01-01"}])  # fmt: skip
    assert [item["id"] for item in await search(registry, identifier=passport)] == [str(person_id)]
    assert await search(registry, identifier={**passport, "issuer": "LA"}) == []
    assert await search(registry, national_id=cid(3)) == []


async def test_nobody_browses(registry: Running) -> None:
    for body in ({}, {"name": None}, {"name": "ก", "phone": "0812345678"}, {"limit": 10}):
        answer = await registry.client.post("/v1/persons/search", json=body, headers=bearer("call_taker"))
        assert answer.status_code == 422
        assert problem_of(answer)["errors"][0]["code"] == "one_thing"
    assert (await registry.client.get("/v1/persons", headers=bearer("call_taker"))).status_code == 405


async def test_a_common_name_is_answered_in_part(registry: Running) -> None:
    await asyncio.gather(*(add(registry, name="สมชาย ใจดี") for _ in range(5)))
    answer = await registry.client.post(
        "/v1/persons/search", json={"name": "สมชาย", "limit": 3}, headers=bearer("call_taker")
    )
    assert (len(answer.json()["items"]), answer.json()["more"]) == (3, True)


async def test_a_search_uses_its_indexes(registry: Running) -> None:
    await registry.sql("""
        insert into person (id, area, source, registered_at, changed_at)
        select gen_random_uuid(), 'kalasin', 'desk', now(), now() from generate_series(1, 20000)""")
    await registry.sql("""
        insert into contact (id, person_id, relation, value, blind, key_id, since_at)
        select gen_random_uuid(), id, 'self', '\\x00', sha256(id::text::bytea), 1, now() from person""")
    await registry.sql("""
        insert into person_key (person_id, kind, blind, key_id) select id, 'word', sha256(id::text::bytea), 1 from person
    """)
    async with registry.runtime.pool.acquire() as db:
        await db.execute("analyze person, contact, person_key")
        phone = await db.fetchval("select blind from contact limit 1")
        plan = await db.fetch("explain (analyze) " + SEARCH, [], [phone], [], [], 0, ["kalasin"], 21, None, [])
    text = "\n".join(row[0] for row in plan)
    assert "contact_blind" in text
    assert "Seq Scan on person" not in text, text
