"""Two records of one person: found on every way in, reviewed once, linked, and taken apart again with nothing lost."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from services.registry.records import NO_NAME
from services.registry.rules.duplicates import POINTS, Known, compare, could_be_one
from services.registry.rules.identity import Birth
from shared.codes.codes import code_list
from shared.thai.names import name_key
from tests.harness import AREA, Running, bearer, problem_of
from tests.registry.conftest import OFFICER, Call, add, cid, history, person_of, read, search

SOMSRI = {"name": "นางสมศรี ใจดี", "birth_date": "3/2/2493", "sex": "female", "phone": "0812345678"}
MISSPELT = {"name": "สมศี ใจดี", "birth_year": 2493, "sex": "female", "phone": "0812345678"}


def known(name: str, birth: str | None = None, **more: Any) -> Known:
    return Known(name_key(name), Birth.unpacked(birth) if birth else None, **more)


# What both records tell, and whether an officer is to see the pair.
CASES: list[tuple[str, Known, Known, bool]] = [
    ("the same", known("สมศรี ใจดี", "1950-02-03"), known("นางสมศรี ใจดี", "1950-02-03"), True),
    ("a letter that sounds the same", known("ณัฐพล ใจดี", "1990"), known("นัฐพล ใจดี", "1990"), True),
    ("a silent mark left out", known("ศักดิ์ ใจดี", "~1990"), known("ศักดิ ใจดี", "~1991"), True),
    ("called granny", known("ยายมาลี ใจดี", "~1950"), known("มาลี ใจดี", "1951"), True),
    ("day and month changed places", known("มานี มีนา", "1950-02-03"), known("มานี มีนา", "1950-03-02"), True),
    ("93 read as 1993", known("มานี มีนา", "1950-02-03"), known("มานี มีนา", "1993-02-03"), True),
    ("given and family name changed places", known("มานี มีนา", "1950"), known("มีนา มานี", "1950"), True),
    ("a new family name, the same birth", known("มานี มีนา", "1950-02-03"), known("มานี ชูใจ", "1950-02-03"), True),
    ("twins", known("วีระ ใจดี", "2010-02-03", sex="male"), known("สมชาย ใจดี", "2010-02-03", sex="male"), False),
    ("twins called alike: people decide", known("คมสัน ใจดี", "2010-02-03"), known("คมธันวา ใจดี", "2010-02-03"), True),
    ("of one house", known("สมชาย ใจดี", phones=(("1", False),)), known("มานี ใจดี", phones=(("1", True),)), False),
    ("a common given name", known("สมชาย ใจดี", "1950"), known("สมชาย มีนา", "1950"), False),
    ("two numbers", known("สมชาย ใจดี", "1950", numbers=(("cid", "1"),)),
     known("สมชาย ใจดี", "1950", numbers=(("cid", "2"),)), False),
    ("father and son", known("สมชาย ใจดี", "1950-02-03"), known("สมชาย ใจดี", "1980-05-06"), False),
    ("a given name alone", known("สมชาย"), known("สมชาย"), False),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other", "shown"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_what_is_put_before_an_officer(one: Known, other: Known, *, shown: bool) -> None:
    assert compare(one, other).may_be_one is shown, compare(one, other)
    assert compare(one, other).score == compare(other, one).score
    assert could_be_one(replace(one, name=NO_NAME), replace(other, name=NO_NAME)) or not shown, (
        "before names are opened"
    )


def test_names_are_opened_of_those_alone_whom_they_could_make_one() -> None:
    father, son = (known("สมชาย ใจดี", birth) for birth in ("1950-02-03", "1980-05-06"))
    assert not could_be_one(father, son)
    assert could_be_one(replace(father, phones=(("1", True),)), replace(son, phones=(("1", True),)))


def test_every_reason_has_its_words() -> None:
    assert set(POINTS) == set(code_list("duplicate_reason").codes)


async def queue(registry: Running, role: str = OFFICER, **claims: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await read(registry, "/v1/duplicates", role, **claims))["items"]
    return found


async def act(registry: Running, path: str, body: dict[str, Any] | None = None, role: str = OFFICER) -> Any:
    return await registry.client.post(path, json=body or {}, headers=bearer(role))


async def linked(registry: Running, one: UUID, survivor: UUID) -> None:
    answer = await act(registry, f"/v1/persons/{one}/link", {"survivor_id": str(survivor)})
    assert answer.status_code == 200, answer.text


async def test_whoever_is_written_down_again_is_put_before_an_officer_on_every_way_in(registry: Running) -> None:
    desk = await add(registry, **SOMSRI)
    again = await add(registry, **MISSPELT)
    [pair] = await queue(registry)
    assert {pair["one"]["id"], pair["other"]["id"]} == {str(desk), str(again)}
    assert {"family_equal", "phone_equal", "year_equal"} <= {reason["code"] for reason in pair["reasons"]}
    assert all(reason["th"] != reason["en"] for reason in pair["reasons"])
    patient = {"name": "ยายสมศรี ใจดี", "age": 76, "sex": "female"}
    call = await Call(registry, patients=[patient], caller={"phone": "+66899999999", "relation": "child"}).received()
    heard = await person_of(registry, call)
    assert heard not in {desk, again}
    pairs = {frozenset((pair["one"]["id"], pair["other"]["id"])) for pair in await queue(registry)}
    assert {frozenset((str(heard), str(other))) for other in (desk, again)} < pairs
    # Nobody is linked by the system; what the officer may not see is not there; the reading is written down.
    assert not await registry.sql("select from person_link")
    assert await queue(registry, areas=["songkhla"]) == []
    assert (await registry.client.get("/v1/duplicates", headers=bearer("call_taker"))).status_code == 403
    looked = await registry.sql("select subject_id from audit where act = 'review_list'")
    assert {desk, again, heard} <= {row["subject_id"] for row in looked}


async def test_a_reviewed_pair_does_not_come_back(registry: Running) -> None:
    desk = await add(registry, **SOMSRI)
    await add(registry, **MISSPELT)
    [pair] = await queue(registry)
    told = {"decision": "distinct", "reason": "asked"}
    answer = await act(registry, f"/v1/duplicates/{pair['id']}/review", told)
    assert [row["detail"] for row in await registry.sql("select detail from audit where act = 'review'")] == [
        told,
        told,
    ]
    assert answer.json() == {"id": pair["id"], "decision": "distinct", "survivor_id": None}
    assert await queue(registry) == []
    # The same person is told of once more, and compared once more.
    patient = {"name": "นางสมศรี ใจดี", "birth_on": "1950-02-03", "person_id": desk}
    await Call(registry, patients=[patient], caller={"phone": "+66811111111", "relation": "self"}).received()
    assert await queue(registry) == []
    again = await act(registry, f"/v1/duplicates/{pair['id']}/review", {"decision": "link"})
    assert problem_of(again)["code"] == "reviewed_already"
    elsewhere = await registry.client.post(
        f"/v1/duplicates/{pair['id']}/review", json={"decision": "link"}, headers=bearer(OFFICER, areas=["songkhla"])
    )
    assert elsewhere.status_code == 404


async def test_linked_records_are_one_person_and_unlinked_ones_two_with_nothing_lost(registry: Running) -> None:
    one = await add(registry, **SOMSRI, national_id=cid(1), groups=["elderly"], needs=["oxygen"])
    two = await add(registry, **MISSPELT, groups=["bedridden"], may_be_texted=False, mobility="stretcher")
    call = await Call(registry, patients=[{"name": "x", "person_id": two}]).received()
    before = {who: await read(registry, f"/v1/persons/{who}") for who in (one, two)}
    lines = {who: {line["event_id"] for line in await history(registry, who)} for who in (one, two)}
    [pair] = await queue(registry)
    answer = await act(registry, f"/v1/duplicates/{pair['id']}/review", {"decision": "link"})
    assert answer.json()["survivor_id"] == str(one), "the one with a number stands for both"

    [link] = (await read(registry, "/v1/links", OFFICER))["items"]
    assert (link["one"]["id"], link["survivor"]["id"], link["one"]["name"]) == (str(two), str(one), "สมศี ใจดี")
    assert (await read(registry, "/v1/links", OFFICER, areas=["songkhla"]))["items"] == []
    await registry.sql("update person set disclosure = 'secret' where id = $1", two)
    assert (await read(registry, "/v1/links", OFFICER))["items"] == [], "a secret person is in no list"
    await registry.sql("update person set disclosure = 'restricted' where id = $1", two)
    looked = await registry.sql("select subject_id from audit where act = 'list_links'")
    assert {one, two} <= {row["subject_id"] for row in looked}

    person = await read(registry, f"/v1/persons/{two}")
    assert (person["id"], person["records"], person["name"]) == (str(one), [str(one), str(two)], "นางสมศรี ใจดี")
    assert {group["group"]["code"] for group in person["groups"]} == {"elderly", "bedridden"}
    assert (person["mobility"], person["needs"], person["may_be_texted"]) == ("stretcher", ["oxygen"], False)
    assert person["open_case_ids"] == before[two]["open_case_ids"] != []
    both = {line["event_id"] for line in await history(registry, two)}
    assert lines[one] | lines[two] < both
    for ways in ({"name": "สมศี ใจดี"}, {"phone": "0812345678"}, {"ids": [str(two)]}):
        assert [item["id"] for item in await search(registry, **ways)] == [str(one)], ways
    # A later call finds one person where it would have found two alike, and goes on with their case.
    later = await Call(registry, patients=[{"name": "สมศรี ใจดี", "age": 76}]).received()
    found = await person_of(registry, later)
    assert found in {one, two}
    assert len((await read(registry, f"/v1/cases?person_id={one}"))["items"]) == 1
    # The others hear of both records what is true of the person.
    told = {row["aggregate_id"]: row["data"]["private"] for row in await registry.said("registry.person.changed")}
    assert all(told[who]["may_be_texted"] is False and told[who]["mobility"] == "stretcher" for who in (one, two))
    [said] = await registry.said("registry.person.linked")
    assert (said["aggregate_id"], said["data"]["survivor_id"]) == (two, str(one))

    answer = await act(registry, f"/v1/persons/{two}/unlink")
    assert answer.json() == {"id": str(two), "other_id": str(one)}
    assert (await read(registry, "/v1/links", OFFICER))["items"] == []
    after = {who: await read(registry, f"/v1/persons/{who}") for who in (one, two)}
    changing = {"open_case_ids", "needs", "contacts", "to_check"}
    for who in (one, two):
        assert {k: v for k, v in after[who].items() if k not in changing} == {
            k: v for k, v in before[who].items() if k not in changing
        }
        assert lines[who] < {line["event_id"] for line in await history(registry, who)}
    assert after[two]["open_case_ids"] == before[two]["open_case_ids"]
    assert await queue(registry) == [], "who was taken apart is not put together again"
    told = {row["aggregate_id"]: row["data"]["private"] for row in await registry.said("registry.person.changed")}
    assert told[one]["may_be_texted"] is True
    assert call.patient_id  # the call stays whose it was
    assert await person_of(registry, call) == two


async def test_chains_of_links_and_what_is_refused(registry: Running) -> None:
    one, two, three, four = [await add(registry, name=f"มานี มีนา{n}", birth_year=2500 + 9 * n) for n in range(4)]
    await linked(registry, two, one)
    await linked(registry, four, three)
    await linked(registry, four, two)  # two people of two records each become one
    person = await read(registry, f"/v1/persons/{four}")
    assert (person["id"], set(person["records"])) == (str(one), {str(who) for who in (one, two, three, four)})
    again = await act(registry, f"/v1/persons/{three}/link", {"survivor_id": str(two)})
    assert problem_of(again)["code"] == "one_already"
    unclear = problem_of(await act(registry, f"/v1/persons/{one}/unlink"))
    assert (unclear["code"], set(unclear["records"])) == ("others_linked", {str(two), str(three)})
    assert (await act(registry, f"/v1/persons/{three}/unlink")).status_code == 200
    retried = problem_of(await act(registry, f"/v1/persons/{three}/unlink"))
    assert (retried["code"], retried["records"]) == ("others_linked", [str(four)]), (
        "sent again, it takes nobody else out"
    )
    assert (await read(registry, f"/v1/persons/{four}"))["records"] == [str(three), str(four)]
    alone = await add(registry, name="ชูใจ")
    assert problem_of(await act(registry, f"/v1/persons/{alone}/unlink"))["code"] == "not_linked"
    foreign = await registry.client.post(
        "/v1/persons", json={"area": "songkhla"}, headers=bearer(OFFICER, areas=[AREA, "songkhla"])
    )
    body = {"survivor_id": foreign.json()["id"]}
    elsewhere = await registry.client.post(
        f"/v1/persons/{alone}/link", json=body, headers=bearer(OFFICER, areas=[AREA, "songkhla"])
    )
    assert problem_of(elsewhere)["code"] == "other_area"
    assert (await act(registry, f"/v1/persons/{alone}/link", body)).status_code == 404
    secret = await add(registry, name="ลับ", disclosure="secret")
    answer = await act(registry, f"/v1/persons/{alone}/link", {"survivor_id": str(secret)})
    assert answer.status_code == 404


async def test_secret_people_are_in_no_pair(registry: Running) -> None:
    one = await add(registry, **SOMSRI)
    two = await add(registry, **MISSPELT)
    assert len(await queue(registry)) == 1
    await add(registry, **{**SOMSRI, "name": "สมศรี ใจดี", "birth_date": "3/2/2493"}, disclosure="secret")
    assert len(await queue(registry)) == 1
    await linked(registry, two, one)
    call = Call(registry, patients=[{"name": "x", "person_id": two, "groups": ("violence",)}], protected=True)
    await call.received()
    rows = await registry.sql("select disclosure from person where id = any($1::uuid[])", [one, two])
    assert [row["disclosure"] for row in rows] == ["secret", "secret"], "one person, one secret"
    assert await search(registry, name="สมศรี ใจดี") == []


async def test_erasing_a_person_erases_every_record_of_theirs(registry: Running) -> None:
    one, two, other = await add(registry, **SOMSRI), await add(registry, **MISSPELT), await add(registry, name="ปิติ")
    await linked(registry, two, one)
    assert (await act(registry, f"/v1/persons/{two}/erase")).status_code == 200
    assert {row["aggregate_id"] for row in await registry.said("registry.person.erased")} == {one, two}
    for who in (one, two):
        answer = await registry.client.get(f"/v1/persons/{who}", headers=bearer(OFFICER))
        assert answer.status_code == 404
    assert await read(registry, f"/v1/persons/{other}")
    for table in ("person_link", "duplicate"):
        assert not await registry.sql(f"select from {table}"), table
    assert not await registry.sql("select from person_mark where person_id = any($1::uuid[])", [one, two])


async def test_one_record_erased_with_its_call_leaves_the_others_one_person(registry: Running) -> None:
    call = await Call(registry, patients=[{"name": "มานี มีนา", "age": 70}]).received()
    heard = await person_of(registry, call)
    two, three = await add(registry, name="มานี มีนา", birth_year=2400 + 99), await add(registry, name="มาณี มีนา")
    await linked(registry, two, heard)
    await linked(registry, three, heard)
    await call.erased()
    assert {row["aggregate_id"] for row in await registry.said("registry.person.erased")} == {heard}
    person = await read(registry, f"/v1/persons/{three}")
    assert (person["id"], person["records"]) == (str(two), [str(two), str(three)])
    assert not await registry.sql("select from person_link where survivor_id = $1", heard)
    # The ledger of erasures names records: applied again after a restore it takes nobody along.
    answer = await act(registry, f"/v1/persons/{two}/erase", {"record_only": True}, role="admin")
    assert answer.status_code == 200
    assert (await read(registry, f"/v1/persons/{three}"))["records"] == [str(three)]


async def test_who_may_be_there_already_is_told_before_anything_is_written(registry: Running) -> None:
    there = await add(registry, **SOMSRI)
    record = await add(registry, **{**SOMSRI, "phone": "0899999999"})
    await add(registry, **SOMSRI, disclosure="secret")
    headers = bearer(OFFICER)
    link = {"survivor_id": str(there)}
    assert (await registry.client.post(f"/v1/persons/{record}/link", json=link, headers=headers)).status_code == 200
    counted = "select (select count(*) from person) as people, (select count(*) from duplicate) as pairs"
    before = await registry.sql(counted)
    found = {}
    for name, body, claims in (
        ("misspelt", MISSPELT, {}),
        ("somebody else", {"name": "วีระ อื่นไกล", "birth_year": 2530}, {}),
        ("nothing", {}, {}),
        ("another municipality", MISSPELT, {"areas": ["trat"]}),
        ("an exercise", {**MISSPELT, "exercise": True}, {}),
        ("another place", MISSPELT, {"places": ["460102"]}),
    ):
        answer = await registry.client.post("/v1/persons/alike", json=body, headers=bearer("call_taker", **claims))
        assert answer.status_code == 200, answer.text
        found[name] = [one["id"] for one in answer.json()["items"]]
    assert found.pop("misspelt") == [str(there)], "one person once, secret people never"
    assert not any(found.values()), found
    assert await registry.sql(counted) == before, "nothing was written"
    looks = await registry.sql("select count(*) as n from audit where act = 'search' and subject_id = $1", there)
    assert looks[0]["n"] == 1
