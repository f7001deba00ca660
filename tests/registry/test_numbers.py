"""Identifiers and telephones of who is there: added, ended, corrected; what went finds nobody and is written to no more."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.registry import keys
from services.registry.rotation import seal_again
from shared.crypto import Keyring
from shared.thai.dates import local_day
from shared.work import new_id, now_utc
from tests.harness import Running, bearer, problem_of
from tests.registry.conftest import OFFICER, Call, add, cid, history, person_of, read, search, somsri

OLD = "a2FydW5hLXRlc3Qta2V5LTMyLWJ5dGVzLWxvbmchISE="
NEW = base64.b64encode(bytes(range(32))).decode()


@pytest.fixture(autouse=True)
def _the_old_key_afterwards() -> Iterator[None]:
    yield
    keys.use(Keyring.of(OLD))


def day(days: int = 0) -> str:
    """Of today, or so many days from it, as people here count them."""
    return (local_day(now_utc()) + timedelta(days=days)).isoformat()


async def post(registry: Running, path: str, body: Any = None, role: str = OFFICER, **claims: Any) -> Any:
    return await registry.client.post(path, json=body or {}, headers=bearer(role, **claims))


async def done(registry: Running, path: str, body: Any = None, role: str = OFFICER) -> dict[str, Any]:
    answer = await post(registry, path, body, role)
    assert answer.status_code in (200, 201), answer.text
    told: dict[str, Any] = answer.json()
    return told


async def code_of(registry: Running, path: str, body: Any = None, role: str = OFFICER, **claims: Any) -> str:
    """Why it is refused."""
    answer = await post(registry, path, body, role, **claims)
    assert answer.status_code in (404, 409, 422), answer.text
    code: str = problem_of(answer)["code"]
    return code


async def numbers(registry: Running, person_id: UUID) -> list[tuple[str, str, bool, bool]]:
    """Kind, value, whether it stands, whether it was withdrawn."""
    shown = (await read(registry, f"/v1/persons/{person_id}"))["identifiers"]
    return sorted((x["kind"], x["value"] or "", x["until_on"] is None, x["withdrawn_at"] is not None) for x in shown)


async def phones(registry: Running, person_id: UUID) -> list[str]:
    return [one["phone"] for one in (await read(registry, f"/v1/persons/{person_id}"))["contacts"]]


async def found_by(registry: Running, **body: Any) -> list[str]:
    return [one["id"] for one in await search(registry, **body)]


async def acts(registry: Running, person_id: UUID) -> list[str]:
    rows = await registry.sql("select act from audit where subject_id = $1 and act <> 'read' order by id", person_id)
    return [row["act"] for row in rows if row["act"] not in ("search", "read_history")]


async def written(registry: Running, person_id: UUID) -> list[set[str]]:
    lines = [line for line in await history(registry, person_id) if line["type"] == "registry.person.changed.v1"]
    return [{code["code"] for code in line["codes"] if code["field"] == "written"} for line in lines]


async def test_a_number_is_added_ended_and_stays_to_be_seen(registry: Running) -> None:
    person_id = await add(registry, name="มะลิ ใจงาม")
    at = f"/v1/persons/{person_id}/identifiers"
    made = await done(registry, at, {"kind": "cid", "value": cid(1), "verified": True, "since_on": day(-400)})
    passport = await done(registry, at, {"kind": "passport", "value": "AB123456", "issuer": "tha"})
    assert await found_by(registry, national_id=cid(1)) == [str(person_id)]
    assert await code_of(registry, at, {"kind": "cid", "value": cid(1)}) == "has_it_already"
    assert await code_of(registry, at, {"kind": "cid", "value": cid(2)}) == "has_another"
    assert await code_of(registry, at, {"kind": "passport", "value": "CD123456", "since_on": day(1)}) == "not_yet"
    assert (await post(registry, at, {"kind": "cid", "value": "1234567890123"})).status_code == 422

    end = f"{at}/{passport['id']}/end"
    assert await code_of(registry, end, {"reason": "lost", "until_on": day(1)}) == "not_yet"
    assert await code_of(registry, end, {"reason": "lost", "until_on": day(-9)}) == "before_the_first_day"
    assert (await post(registry, end, {"reason": "because"})).status_code == 422
    await done(registry, end, {"reason": "lost"})
    assert await code_of(registry, end, {"reason": "lost"}) == "ended_already"
    by_passport = {"identifier": {"kind": "passport", "value": "AB123456", "issuer": "THA"}}
    assert await found_by(registry, **by_passport) == []
    [gone] = [x for x in (await read(registry, f"/v1/persons/{person_id}"))["identifiers"] if x["until_on"]]
    assert (gone["value"], gone["end_reason"], gone["until_on"], gone["issuer"]) == ("AB123456", "lost", day(), "THA")
    # It is free for whoever holds it now.
    other = await add(registry, name="คนอื่น", identifiers=[{"kind": "passport", "value": "AB123456", "issuer": "THA"}])
    assert await found_by(registry, **by_passport) == [str(other)]
    assert (await acts(registry, person_id))[1:] == ["add_identifier"] * 2 + ["end_identifier"]
    assert await written(registry, person_id) == [{"identifiers_ended"}, {"identifiers"}, {"identifiers"}]
    said = json.dumps([one["data"] for one in await registry.said("registry.person.changed")])
    assert cid(1) not in said, "no number travels"
    assert made["id"] in {x["id"] for x in (await read(registry, f"/v1/persons/{person_id}"))["identifiers"]}


async def test_a_number_entered_in_error_is_nowhere_any_more_and_that_it_was_stays(registry: Running) -> None:
    person_id = await add(registry, name="มะลิ ใจงาม", national_id=cid(1))
    at = f"/v1/persons/{person_id}"
    [shown] = (await read(registry, at))["identifiers"]
    when: Any = await registry.runtime.pool.fetchval("select clock_timestamp()")
    correct = f"{at}/identifiers/{shown['id']}/correct"
    await done(registry, correct, {"instead": {"kind": "cid", "value": cid(2), "verified": True}})
    assert await code_of(registry, correct) == "withdrawn_already"
    assert await code_of(registry, f"{at}/identifiers/{shown['id']}/end", {"reason": "lost"}) == "withdrawn_already"
    assert await numbers(registry, person_id) == [("cid", "", False, True), ("cid", cid(2), True, False)]
    assert await found_by(registry, national_id=cid(1)) == []
    assert await found_by(registry, national_id=cid(2)) == [str(person_id)]
    row = await registry.sql("select value, blind, key_id from identifier where withdrawn_at is not null")
    assert [tuple(one) for one in row] == [(None, None, None)]
    # What was known then says that there was a number, and not which: it may be somebody else's.
    held = await registry.sql("select doc ->> 'value' as value from known where kind = 'identifier' and row_id = $1",
                              UUID(shown["id"]))  # fmt: skip
    assert [one["value"] for one in held] == [None, None]
    then = await read(registry, f"{at}/as-known?at={when.isoformat().replace('+00:00', 'Z')}")
    assert [(one["id"], one["value"]) for one in then["identifiers"]] == [(shown["id"], None)]
    copy = await registry.client.get(f"{at}/copy", headers=bearer(OFFICER, purpose="registration"))
    assert (cid(1) in copy.text, cid(2) in copy.text) == (False, True)
    assert await written(registry, person_id) == [{"identifiers_withdrawn", "identifiers"}]
    owner = await add(registry, name="เจ้าของเลข", national_id=cid(1))
    assert await found_by(registry, national_id=cid(1)) == [str(owner)]
    # With nothing in its place it only goes; and the next person is nobody's business.
    [mine] = (await read(registry, f"/v1/persons/{owner}"))["identifiers"]
    assert await code_of(registry, f"{at}/identifiers/{mine['id']}/correct") == "not_found"
    await done(registry, f"/v1/persons/{owner}/identifiers/{mine['id']}/correct")
    assert await numbers(registry, owner) == [("cid", "", False, True)]


async def test_a_number_of_somebody_else_is_refused_as_at_registering_and_secret_people_are_not_told(
    registry: Running,
) -> None:
    person_id = await add(registry, name="มะลิ ใจงาม", national_id=cid(9))
    owner = await add(registry, name="เจ้าของเลข", national_id=cid(1))
    hidden = await add(registry, name="ลับ", national_id=cid(2), disclosure="secret")
    at = f"/v1/persons/{person_id}/identifiers"
    [mine] = (await read(registry, f"/v1/persons/{person_id}"))["identifiers"]
    answers = {}
    for number, who in ((1, owner), (2, None)):
        body = {"kind": "cid", "value": cid(number)}
        answer = await post(registry, f"{at}/{mine['id']}/correct", {"instead": body})
        refused = await post(registry, "/v1/persons", {"national_id": cid(number)})
        mute = ("instance", "trace_id", "request_id")
        told = [{k: v for k, v in problem_of(each).items() if k not in mute} for each in (answer, refused)]
        assert (answer.status_code, told[0]) == (409, told[1])
        assert told[0]["code"] == "person_exists"
        assert told[0].get("person_id") == (str(who) if who else None)
        answers[number] = await registry.sql(
            "select subject_id from audit where act = 'add_identifier_refused' and subject_id = $1", who or hidden
        )
    assert [len(one) for one in answers.values()] == [1, 1], "that it was met is written down"
    assert await numbers(registry, person_id) == [("cid", cid(9), True, False)], "nothing of it was written"
    held = await post(registry, at, {"kind": "passport", "value": "AB123456"}, "supervisor", purpose="")
    assert problem_of(held)["code"] == "purpose_missing"


async def test_two_who_give_one_number_at_the_same_moment_give_it_to_one(registry: Running) -> None:
    people = [await add(registry, name=name) for name in ("หนึ่ง", "สอง")]
    body = {"kind": "passport", "value": "AB123456", "issuer": "THA"}
    answers = await asyncio.gather(
        *(post(registry, f"/v1/persons/{one}/identifiers", body) for one in people),
        post(registry, "/v1/persons", {"identifiers": [body]}),
    )
    assert sorted(each.status_code for each in answers) == [201, 409, 409]
    assert len(await registry.sql("select from identifier where until_on is null")) == 1


async def test_an_ended_telephone_finds_nobody_is_shown_apart_and_is_written_to_no_more(registry: Running) -> None:
    person_id = await add(registry, name="มานี มีนา", birth_year=2500, phone="0812345678")
    other = await add(registry, name="ปิติ ชูใจ", phone="0812345678")
    at = f"/v1/persons/{person_id}"
    [contact] = (await read(registry, at))["contacts"]
    assert contact["shared"]
    end = f"{at}/contacts/{contact['id']}/end"
    assert await code_of(registry, end, {"reason": "replaced", "until_on": day(1)}) == "not_yet"
    assert await code_of(registry, end, {"reason": "replaced", "until_on": day(-1)}) == "before_the_first_day"
    await done(registry, end, {"reason": "replaced"}, "case_manager")
    assert await code_of(registry, end, {"reason": "replaced"}) == "ended_already"
    shown = await read(registry, at)
    assert shown["contacts"] == []
    [gone] = shown["ended_contacts"]
    assert (gone["phone"], gone["until_on"], gone["end_reason"]) == ("+66812345678", day(), "replaced")
    assert await found_by(registry, phone="0812345678") == [str(other)]
    assert not (await read(registry, f"/v1/persons/{other}"))["contacts"][0]["shared"]
    said = (await registry.said("registry.person.changed"))[-1]["data"]["private"]
    assert (said["phone"], said["written"]) == (None, ["contacts_ended"])
    # A call or a file does not bring it back; a call by that telephone is nobody's sign.
    call = await Call(registry, patients=[{"name": "มานี มีนา", "birth_year": 1957}],
                      caller={"phone": "+66812345678", "relation": "self"}).received()  # fmt: skip
    assert await person_of(registry, call) != person_id
    assert await phones(registry, person_id) == []
    # An officer may say that it is theirs again: the days of before stay.
    await done(registry, f"{at}/contacts", {"phone": "081-234-5678"})
    assert await phones(registry, person_id) == ["+66812345678"]
    assert len((await read(registry, at))["ended_contacts"]) == 1
    assert str(person_id) in await found_by(registry, phone="0812345678")
    assert (await registry.said("registry.person.changed"))[-1]["data"]["private"]["phone"] == "+66812345678"


async def test_what_an_officer_ended_comes_back_by_no_call(registry: Running) -> None:
    call = await Call(registry, patients=[somsri()], caller={"phone": "+66812345678", "relation": "self"}).received()
    person_id = await person_of(registry, call)
    shown = await read(registry, f"/v1/persons/{person_id}")
    at = f"/v1/persons/{person_id}"
    passport = {"kind": "g-code", "value": "G123456789012"}
    made = await done(registry, f"{at}/identifiers", passport)
    await done(registry, f"{at}/contacts/{shown['contacts'][0]['id']}/end", {"reason": "others_now"})
    await done(registry, f"{at}/identifiers/{made['id']}/end", {"reason": "replaced"})
    again = await Call(registry, patients=[somsri(person_id=person_id, national_id=passport["value"])],
                       caller={"phone": "+66812345678", "relation": "self"}).received()  # fmt: skip
    assert await person_of(registry, again) == person_id
    assert await phones(registry, person_id) == []
    assert await found_by(registry, national_id=passport["value"]) == []
    await done(registry, f"{at}/identifiers", passport)
    assert await found_by(registry, national_id=passport["value"]) == [str(person_id)]


async def test_a_telephone_entered_in_error_gives_way_to_the_right_one(registry: Running) -> None:
    person_id = await add(registry, name="มานี มีนา", phone="0812345678")
    at = f"/v1/persons/{person_id}"
    [contact] = (await read(registry, at))["contacts"]
    when: Any = await registry.runtime.pool.fetchval("select clock_timestamp()")
    body = {"instead": {"phone": "0812345679", "relation": "spouse", "name": "ปิติ"}}
    await done(registry, f"{at}/contacts/{contact['id']}/correct", body)
    shown = await read(registry, at)
    assert [(one["phone"], one["relation"]) for one in shown["contacts"]] == [("+66812345679", "spouse")]
    assert [(one["phone"], one["withdrawn_at"] is None) for one in shown["ended_contacts"]] == [(None, False)]
    assert await found_by(registry, phone="0812345678") == []
    assert (await registry.said("registry.person.changed"))[-1]["data"]["private"]["phone"] is None, (
        "it is the spouse's"
    )
    then = await read(registry, f"{at}/as-known?at={when.isoformat().replace('+00:00', 'Z')}")
    assert [one["phone"] for one in then["contacts"]] == [""]
    # The same number of somebody else, wrongly written as their own.
    [again] = shown["contacts"]
    await done(registry, f"{at}/contacts/{again['id']}/correct", {"instead": {"phone": "0812345679"}})
    assert [(one["phone"], one["relation"]) for one in (await read(registry, at))["contacts"]] == [
        ("+66812345679", "self")
    ]
    assert (await registry.said("registry.person.changed"))[-1]["data"]["private"]["phone"] == "+66812345679"
    assert {"contacts_withdrawn"} <= (await written(registry, person_id))[0]


async def test_pairs_that_stood_on_a_number_or_telephone_go_with_it(registry: Running) -> None:
    one = await add(registry, name="มานี มีนา", birth_year=2500, phone="0812345678")
    two = await add(registry, name="มานี มีนะ", birth_year=2500, phone="0812345678")
    before = [dict(row) for row in await registry.sql("select reasons from duplicate")]
    assert len(before) == 1
    assert any("phone" in reason for reason in before[0]["reasons"])
    [contact] = (await read(registry, f"/v1/persons/{two}"))["contacts"]
    await done(registry, f"/v1/persons/{two}/contacts/{contact['id']}/end", {"reason": "other"})
    after = [row["reasons"] for row in await registry.sql("select reasons from duplicate")]
    assert not any("phone" in reason for reasons in after for reason in reasons), f"{one} and {two}"


async def test_of_linked_records_the_telephone_ends_in_all(registry: Running) -> None:
    one, two = [await add(registry, name="มานี มีนา", phone="0812345678") for _ in range(2)]
    await done(registry, f"/v1/persons/{two}/link", {"survivor_id": str(one)})
    shown = (await read(registry, f"/v1/persons/{two}"))["contacts"]
    assert len(shown) == 2
    await done(registry, f"/v1/persons/{two}/contacts/{shown[0]['id']}/end", {"reason": "not_wanted"})
    assert await phones(registry, one) == []
    states = [each["data"]["private"]["phone"] for each in await registry.said("registry.person.changed")]
    assert states[-2:] == [None, None], "every record's copy elsewhere follows"


async def test_others_facts_places_and_strangers_rows_are_refused_as_beside(registry: Running) -> None:
    call = await Call(registry, patients=[somsri()], area="trat").received()
    person_id = await person_of(registry, call)
    await Call(registry, patients=[somsri()]).received()
    at = f"/v1/persons/{person_id}"
    [number] = (await read(registry, at, areas=["trat"]))["identifiers"]
    [contact] = (await read(registry, at, areas=["trat"]))["contacts"]
    paths = {
        f"{at}/identifiers": {"kind": "passport", "value": "AB123456"},
        f"{at}/identifiers/{number['id']}/end": {"reason": "lost"},
        f"{at}/identifiers/{number['id']}/correct": None,
        f"{at}/contacts/{contact['id']}/end": {"reason": "lost"},
        f"{at}/contacts/{contact['id']}/correct": None,
    }
    for path, body in paths.items():
        assert await code_of(registry, path, body) == "others_facts", path
        assert await code_of(registry, path, body, areas=["trat"], places=["460102"]) == "not_found", path
        strange = path.replace(str(person_id), str(new_id()))
        assert await code_of(registry, strange, body) == "not_found", path
    stranger = await add(registry, name="คนอื่น")
    for path, body in list(paths.items())[1:]:
        assert await code_of(registry, path.replace(str(person_id), str(stranger)), body) == "not_found", path


async def test_what_ended_is_walked_by_a_change_of_keys_and_goes_with_an_erasure(registry: Running) -> None:
    person_id = await add(registry, name="มานี มีนา", national_id=cid(1), phone="0812345678")
    at = f"/v1/persons/{person_id}"
    shown = await read(registry, at)
    passport = await done(registry, f"{at}/identifiers", {"kind": "passport", "value": "AB123456"})
    await done(registry, f"{at}/identifiers/{passport['id']}/end", {"reason": "expired"})
    await done(registry, f"{at}/identifiers/{shown['identifiers'][0]['id']}/correct")
    await done(registry, f"{at}/contacts/{shown['contacts'][0]['id']}/end", {"reason": "lost"})
    await done(registry, f"{at}/contacts", {"phone": "0812345678"})  # the ended row has no mark any more
    [again] = (await read(registry, at))["contacts"]
    await done(registry, f"{at}/contacts/{again['id']}/correct", {"instead": {"phone": "0899999999"}})
    before = await read(registry, at)
    both = Keyring.of(f"2:{NEW},1:{OLD}")
    keys.use(both)
    assert await seal_again(registry.runtime.pool, both, pause_s=0) > 0
    assert await seal_again(registry.runtime.pool, both, pause_s=0) == 0
    keys.use(Keyring.of(f"2:{NEW}"))
    assert await read(registry, at) == before
    assert await found_by(registry, phone="0812345678") == []
    assert await found_by(registry, phone="0899999999") == [str(person_id)]
    await done(registry, f"{at}/erase")
    for table in ("identifier", "contact", "known"):
        assert await registry.sql(f"select from {table} where person_id = $1", person_id) == [], table


async def test_a_day_is_told_of_which_the_number_held(registry: Running) -> None:
    person_id = await add(registry, name="มานี มีนา")
    at = f"/v1/persons/{person_id}"
    body = {"kind": "passport", "value": "AB123456", "since_on": day(-30), "until_on": day(-10)}
    await done(registry, f"{at}/identifiers", body)
    assert await found_by(registry, identifier={"kind": "passport", "value": "AB123456"}) == []
    now = (now_utc() + timedelta(seconds=1)).isoformat().replace("+00:00", "Z")
    for days, held in ((-20, 1), (-5, 0)):
        then = await read(registry, f"{at}/as-known?at={now}&about={day(days)}")
        assert len(then["identifiers"]) == held, date.fromisoformat(day(days))


async def test_what_was_entered_in_error_comes_back_by_no_file_and_no_call(registry: Running) -> None:
    """The file still has the mistake: it is recognised as this person's row, and what was withdrawn stays away."""
    line = [cid(1), "นางบัวผัน ศรีสุข", "12/05/2497", "0812345678"]
    columns = ["national_id", "name", "birth_date", "phone"]
    file = {"format": "karuna", "file_rows": 1, "first_row": 2, "columns": columns, "rows": [line]}

    async def sent(number: int) -> dict[str, Any]:
        body = {**file, "file": f"{number:064x}"}
        answer = await registry.client.post("/v1/imports", json=body, headers=bearer(OFFICER, purpose="registration"))
        assert answer.status_code == 200, answer.text
        [item] = answer.json()["items"]
        return {name: item[name] for name in ("verdict", "code", "field")}

    assert (await sent(1))["verdict"] == "created"
    [one] = await registry.sql("select id from person")
    person_id, at = one["id"], f"/v1/persons/{one['id']}"
    shown = await read(registry, at)
    correct, phone = f"{at}/identifiers/{shown['identifiers'][0]['id']}/correct", shown["contacts"][0]["id"]
    await done(registry, correct, {"instead": {"kind": "cid", "value": cid(2)}})
    again = {"verdict": "unchanged", "code": "entered_in_error", "field": "national_id"}
    assert await sent(2) == again, "the wrong number does not make somebody else of her"
    await done(registry, f"{at}/contacts/{phone}/correct")
    for number, telephone in ((3, "0812345678"), (4, "081-234-5678")):
        line[3] = telephone
        assert await sent(number) == again
    line[0] = ""
    assert await sent(5) == {**again, "field": "phone"}
    patient = {"name": line[1], "national_id": cid(1), "birth_on": "1954-05-12"}
    call = await Call(registry, patients=[patient], caller={"phone": "+66812345678", "relation": "self"}).received()
    assert await person_of(registry, call) == person_id
    assert await phones(registry, person_id) == []
    assert await numbers(registry, person_id) == [("cid", "", False, True), ("cid", cid(2), True, False)]
    assert await registry.sql("select count(*) as n from person") == [(1,)]

    # Nothing that is kept says which number it was, or finds whose it truly is.
    owner = await add(registry, name="เจ้าของเลข", national_id=cid(1), phone="0812345678")
    assert await found_by(registry, national_id=cid(1)) == [str(owner)]
    marks = {row["mark"] for row in await registry.sql("select mark from entered_in_error")}
    blind = {row["blind"] for row in await registry.sql("select blind from identifier union select blind from contact")}
    assert (len(marks), marks & blind) == (2, set())
    # An officer may say that it is theirs after all.
    await done(registry, f"{at}/contacts", {"phone": "0812345678"})
    assert await phones(registry, person_id) == ["+66812345678"]
    assert len(await registry.sql("select from entered_in_error")) == 1
    await done(registry, f"{at}/erase")
    assert await registry.sql("select from entered_in_error") == []
