"""A call or a file's row that was taken for somebody goes to whom it was told of, with what it wrote."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from services.registry.projection import forget
from shared.work import Cause, new_id
from tests.harness import Running, bearer
from tests.registry.conftest import OFFICER, Call, add, cid, history, person_of, read, search, seen
from tests.registry.test_history import picture, shuffled

BEFORE = {"name": "นางสมศรี ใจดี", "phone": "0812345678", "mobility": "walking"}
TOLD = {"name": "สมศรี ใจดี", "groups": ["bedridden"], "needs": ["oxygen"], "mobility": "stretcher", "sex": "female"}


async def noted(registry: Running, person_id: UUID, **claims: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await read(registry, f"/v1/persons/{person_id}/matches", **claims))["items"]
    return found


async def act(registry: Running, path: str, status: int = 200, role: str = OFFICER, **body: Any) -> dict[str, Any]:
    answer = await registry.client.post(path, json=body, headers=bearer(role))
    assert answer.status_code == status, answer.text
    said: dict[str, Any] = answer.json()
    return said


async def unmatch(registry: Running, match: dict[str, Any], **body: Any) -> UUID:
    return UUID((await act(registry, f"/v1/matches/{match['id']}/unmatch", reason="papers", **body))["person_id"])


async def presumed(registry: Running, **changes: Any) -> tuple[UUID, Call, dict[str, Any]]:
    """Somebody in the register, a call that is presumed to be for them, and what was noted of it."""
    known = await add(registry, **BEFORE)
    call = await Call(registry, patients=[{**TOLD, **changes}]).received()
    assert await person_of(registry, call) == known
    [match] = await noted(registry, known)
    return known, call, match


def told_of(person: dict[str, Any]) -> tuple[Any, ...]:
    groups = sorted(one["group"]["code"] for one in person["groups"] if not one["until_on"])
    return (person["mobility"], person["needs"], groups, person["sex"])


async def test_who_is_presumed_to_be_somebody_is_shown_with_what_was_told_and_by_which_rule(registry: Running) -> None:
    known, call, match = await presumed(registry)
    assert (match["method"]["code"], match["to_check"], match["decision"]) == ("name_phone", True, None)
    assert (match["call_id"], match["told"]["name"]) == (str(call.id), "สมศรี ใจดี")
    [queued] = (await read(registry, "/v1/matches"))["items"]
    assert queued["person"]["id"] == str(known)
    [said] = await registry.said("registry.person.matched")
    assert said["data"]["private"] == {"method": "name_phone", "presumed": True}
    assert told_of(await read(registry, f"/v1/persons/{known}")) == (
        "stretcher",
        ["oxygen"],
        ["bedridden"],
        "female",
    ), "the dispatcher has at once what is known"


async def test_a_call_that_was_somebody_elses_goes_to_a_record_of_its_own_with_all_that_it_wrote(
    registry: Running,
) -> None:
    known, call, match = await presumed(registry, national_id=cid(3))
    trip = await call.trip()
    other = await unmatch(registry, match)
    back, gone = await read(registry, f"/v1/persons/{known}"), await read(registry, f"/v1/persons/{other}")
    assert told_of(back) == ("walking", [], [], None)
    assert told_of(gone) == ("stretcher", ["oxygen"], ["bedridden"], "female")
    assert (gone["name"], [one["value"] for one in gone["identifiers"]]) == ("สมศรี ใจดี", [cid(3)])
    assert (back["identifiers"], len(back["contacts"])) == ([], 1), "what she had told herself is hers"
    await call.trip_completed(trip)
    theirs = [line["type"] for line in await history(registry, other)]
    assert {"intake.call.received.v1", "dispatch.trip.completed.v1", "registry.case.opened.v1"} <= set(theirs)
    hers = {line["type"] for line in await history(registry, known)}
    assert "registry.person.unmatched.v1" in hers
    assert not hers & {"intake.call.received.v1", "dispatch.trip.requested.v1", "registry.case.opened.v1"}
    assert (back["open_case_ids"], len(gone["open_case_ids"])) == ([], 1), "the case goes along"
    [left] = await registry.said("registry.person.unmatched")
    found = (await registry.said("registry.person.matched"))[-1]
    assert (left["aggregate_id"], found["aggregate_id"]) == (known, other)
    assert left["data"]["turn"] == found["data"]["turn"] == 1
    groups = [row for row in await registry.said("registry.group") if row["type"] != "registry.group.joined.v1"]
    assert [row["data"]["person_id"] for row in groups] == [str(known)]
    assert not (await read(registry, "/v1/matches"))["items"]
    assert not (await read(registry, "/v1/duplicates"))["items"], "that they are two was said"
    assert (await noted(registry, known))[0]["instead_id"] == str(other)


async def test_no_later_message_of_the_call_brings_it_back(registry: Running) -> None:
    known = await add(registry, **BEFORE, identifiers=[seen(1)])
    call = await Call(registry, patients=[dict(TOLD)]).received()
    [match] = await noted(registry, known)
    other = await unmatch(registry, match)
    call.patients[0] |= {"national_id": cid(1), "person_id": known, "groups": ["disabled"]}
    await call.updated()
    assert await person_of(registry, call) == other
    assert told_of(await read(registry, f"/v1/persons/{known}"))[2] == []
    assert told_of(await read(registry, f"/v1/persons/{other}"))[2] == ["bedridden", "disabled"]


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_replay_in_another_order_brings_nothing_back(registry: Running, seed: int) -> None:
    known, call, match = await presumed(registry)
    trip = await call.trip()
    await call.barrier("money")
    other = await unmatch(registry, match)
    await call.trip_completed(trip)
    call.patients[0]["national_id"] = cid(3)
    await call.updated()
    before = [await history(registry, one) for one in (known, other)], await picture(registry)
    async with registry.runtime.work(Cause("system:test")) as work:
        await forget(work)
    for raw in shuffled(call.raws, seed):
        await registry.runtime.inbox.take([raw])
    assert ([await history(registry, one) for one in (known, other)], await picture(registry)) == before


async def test_it_goes_to_somebody_who_is_there_and_back_again(registry: Running) -> None:
    known, call, match = await presumed(registry)
    sister = await add(registry, name="นางสมศรี ใจงาม", mobility="walking")
    before = await Call(registry, patients=[{"person_id": sister}]).received()
    assert await unmatch(registry, match, person_id=str(sister)) == sister
    cases = (await read(registry, f"/v1/persons/{sister}"))["open_case_ids"]
    assert set((await read(registry, f"/v1/cases/{cases[0]}"))["call_ids"]) == {str(call.id), str(before.id)}
    assert (await read(registry, f"/v1/persons/{known}"))["open_case_ids"] == [], "nothing was left in it"
    assert told_of(await read(registry, f"/v1/persons/{sister}")) == ("stretcher", ["oxygen"], ["bedridden"], "female")
    [fresh] = [one for one in await noted(registry, sister) if one["call_id"] == str(call.id)]
    assert await unmatch(registry, fresh, person_id=str(known)) == known
    assert told_of(await read(registry, f"/v1/persons/{known}")) == ("stretcher", ["oxygen"], ["bedridden"], "female")
    assert told_of(await read(registry, f"/v1/persons/{sister}"))[:3] == ("walking", [], [])
    turns = [row["data"]["turn"] for row in await registry.said("registry.person.matched")]
    assert turns == [0, 0, 1, 2]


async def test_what_somebody_wrote_since_stays(registry: Running) -> None:
    known, _, match = await presumed(registry)
    answer = await registry.client.patch(
        f"/v1/persons/{known}", json={"mobility": "wheelchair"}, headers=bearer(OFFICER)
    )
    assert answer.status_code == 200
    await unmatch(registry, match)
    assert told_of(await read(registry, f"/v1/persons/{known}"))[:2] == ("wheelchair", [])


async def test_whoever_confirms_with_the_card_settles_the_number_for_good(registry: Running) -> None:
    known = await add(registry, name="นางสมศรี ใจดี", national_id=cid(1))
    for _ in range(2):
        await Call(registry, patients=[{"name": "สมศรี ใจดี", "national_id": cid(1)}], caller={}).received()
    for match in await noted(registry, known):
        await act(registry, f"/v1/matches/{match['id']}/confirm", document_seen=True)
    await Call(registry, patients=[{"name": "มานี ใจดี", "national_id": cid(1)}], caller={}).received()
    await Call(registry, patients=[{"name": "สมศรี ใจดี", "national_id": cid(1)}], caller={}).received()
    checks = [(one["decision"], one["to_check"]) for one in await noted(registry, known)]
    assert checks == [(None, False), (None, True), ("confirmed", True), ("confirmed", True)], (
        "but another name is asked"
    )
    assert (await read(registry, f"/v1/persons/{known}"))["identifiers"][0]["verified"]
    said = [row["data"]["private"]["presumed"] for row in await registry.said("registry.person.matched")]
    assert said == [True, True, False, False, False, False], "the others hear that it is presumed no longer"


async def test_a_number_against_which_the_name_speaks_joins_nobody_and_is_shown_with_whose_it_is(
    registry: Running,
) -> None:
    known = await add(registry, name="นางสมศรี ใจดี", national_id=cid(1))
    call = await Call(registry, patients=[{"name": "นายสมาน มั่นคง", "national_id": cid(1)}], caller={}).received()
    other = await person_of(registry, call)
    assert other != known
    [match] = (await read(registry, "/v1/matches"))["items"]
    assert (match["person"]["id"], match["owner"]["id"], match["method"]["code"]) == (str(other), str(known), "new")
    assert (await act(registry, f"/v1/matches/{match['id']}/unmatch", 409))["code"] == "new_already"
    await act(registry, f"/v1/matches/{match['id']}/confirm")
    assert not (await read(registry, "/v1/matches"))["items"]


async def test_what_cannot_go_is_refused_in_both_languages(registry: Running) -> None:
    known, _, match = await presumed(registry)
    played = await add(registry, name="ผู้ฝึก ซ้อม", exercise=True)
    path = f"/v1/matches/{match['id']}/unmatch"
    assert (await act(registry, path, 409, person_id=str(known)))["code"] == "one_already"
    assert (await act(registry, path, 409, person_id=str(played)))["code"] == "other_kind"
    await unmatch(registry, match)
    assert (await act(registry, path, 409))["code"] == "unmatched_already"
    assert (await act(registry, f"/v1/matches/{match['id']}/confirm", 409))["code"] == "unmatched_already"
    assert (await act(registry, f"/v1/matches/{known}/unmatch", 404))["code"] == "not_found"


async def test_the_secret_are_in_no_list_and_what_goes_from_them_stays_secret(registry: Running) -> None:
    known, call, match = await presumed(registry, groups=["violence"])
    assert not (await read(registry, "/v1/matches"))["items"]
    assert await noted(registry, known), "who sees such matters reads them by the person"
    headers = bearer("call_taker")
    assert (await registry.client.get(f"/v1/persons/{known}/matches", headers=headers)).status_code == 404
    other = await unmatch(registry, match)
    assert not await search(registry, name="สมศรี ใจดี")
    rows = await registry.sql("select disclosure from person where id = any($1)", [known, other])
    assert [row["disclosure"] for row in rows] == ["secret", "secret"], "it takes two to show somebody again"
    assert await person_of(registry, call) == other


async def test_whoever_is_erased_takes_no_call_along_that_was_not_theirs(registry: Running) -> None:
    known, call, match = await presumed(registry)
    other = await unmatch(registry, match)
    await act(registry, f"/v1/persons/{known}/erase")
    assert await person_of(registry, call) == other
    assert told_of(await read(registry, f"/v1/persons/{other}"))[2] == ["bedridden"]
    [fresh] = await noted(registry, other)
    assert fresh["told"]["name"] == "สมศรี ใจดี"
    await call.erased()
    assert not await registry.sql("select from person_match union all select from told")
    assert [row["erased_at"] is None for row in await registry.sql("select erased_at from person")] == [False, False]


async def test_a_row_of_a_file_goes_with_what_it_filled_in(registry: Running) -> None:
    known = await add(registry, name="นางสมศรี ใจดี", phone="0812345678")
    row = ["สมศรี ใจดี", "0812345678", "bedridden", "460101", "oxygen", "female"]
    body = {
        "format": "karuna", "file": "ab" * 32, "file_rows": 1, "first_row": 2, "rows": [row],
        "columns": ["name", "phone", "groups", "current_area", "needs", "sex"],
    }  # fmt: skip
    [took] = (await act(registry, "/v1/imports", **body))["items"]
    assert (took["verdict"], took["person_id"]) == ("matched", str(known))
    [match] = (await read(registry, "/v1/matches"))["items"]
    assert (match["row"], match["method"]["code"], match["told"]["name"]) == (2, "name_phone", "สมศรี ใจดี")
    other = await unmatch(registry, match)
    back, gone = await read(registry, f"/v1/persons/{known}"), await read(registry, f"/v1/persons/{other}")
    assert (told_of(back), back["addresses"]) == ((None, [], [], None), [])
    assert told_of(gone) == (None, ["oxygen"], ["bedridden"], "female")
    assert (gone["name"], gone["addresses"][0]["area_code"], len(gone["contacts"])) == ("สมศรี ใจดี", "460101", 1)
    assert not await registry.sql("select from told"), "of a file nothing is kept that nobody has to check"
    [again] = (await act(registry, "/v1/imports", **body))["items"]
    assert again["person_id"] == str(other), "the same file knows whose row it is"
    assert (await act(registry, "/v1/imports", **body | {"file": "cd" * 32}))["items"][0]["verdict"] != "matched"


async def test_a_number_that_was_entered_in_error_is_in_nothing_that_was_told(registry: Running) -> None:
    known, _, match = await presumed(registry, national_id=cid(3))
    assert match["told"]["number"]
    person = await read(registry, f"/v1/persons/{known}")
    for path in (f"identifiers/{person['identifiers'][0]['id']}", f"contacts/{person['contacts'][0]['id']}"):
        await act(registry, f"/v1/persons/{known}/{path}/correct")
    [match] = await noted(registry, known)
    assert (match["told"]["number"], match["told"]["phones"]) == (False, [])


def at(lon: float) -> dict[str, Any]:
    return {"use": "home", "lon": lon, "lat": 16.43, "accuracy_m": 5, "method": "gps", "source": "other"}


async def visited(registry: Running, person_id: UUID, case_id: Any = None, note: str = "บ้านหลังสีฟ้า") -> UUID:
    """A visit with a picture, written at a desk."""
    visit_id = new_id()
    body = {"person_id": str(person_id), "kind": "home_visit", "fields": {"note": {"value": note, "base": 0}},
            **({"case_id": str(case_id)} if case_id else {})}  # fmt: skip
    answer = await registry.client.put(f"/v1/visits/{visit_id}", json=body, headers=bearer("case_manager"))
    assert answer.status_code == 200, answer.text
    return visit_id


async def effect(registry: Running, match: dict[str, Any]) -> dict[str, tuple[str, str]]:
    items = (await read(registry, f"/v1/matches/{match['id']}"))["items"]
    return {one["id"]: (one["fate"]["code"], one["why"]["code"]) for one in items}


async def test_what_stands_in_the_calls_case_goes_along_with_its_texts_and_is_said_before(registry: Running) -> None:
    known, _, match = await presumed(registry)
    [case_id] = (await read(registry, f"/v1/persons/{known}"))["open_case_ids"]
    visit = await visited(registry, known, case_id)
    need = await act(
        registry, f"/v1/persons/{known}/needs", 201, need="food", urgency=9, case_id=case_id, note="ขาดข้าวสาร"
    )
    point = await act(registry, f"/v1/persons/{known}/locations", 201, "case_manager", **at(103.51))
    assert await effect(registry, match) == {
        str(visit): ("goes", "in_case"), need["id"]: ("goes", "in_case"), point["id"]: ("goes", "by_visit"),
    }  # fmt: skip
    other = await unmatch(registry, match)
    for path in ("visits", "needs", "locations"):
        assert not (await read(registry, f"/v1/persons/{known}/{path}"))["items"], path
    [went] = (await read(registry, f"/v1/persons/{other}/visits"))["items"]
    assert (went["id"], went["case_id"], went["fields"][0]["stands"]["value"]) == (str(visit), case_id, "บ้านหลังสีฟ้า")
    assert (await read(registry, f"/v1/persons/{other}/needs"))["items"][0]["note"] == "ขาดข้าวสาร"
    assert (await read(registry, f"/v1/persons/{other}/locations"))["items"][0]["stands"]
    assert {row["person_id"] for row in await registry.sql("select distinct person_id from told")} == {other}
    [line] = [one for one in await history(registry, known) if one["type"] == "registry.person.unmatched.v1"]
    said = [code["en"] for code in line["codes"] if code["field"] == "went"]
    assert said == ["went along: point of the home, with its pictures", "went along: need",
                    "went along: visit, with its pictures"]  # fmt: skip
    await act(registry, f"/v1/persons/{known}/erase")
    assert (await read(registry, f"/v1/persons/{other}/needs"))["items"][0]["note"] == "ขาดข้าวสาร"


async def test_what_was_written_since_goes_where_it_is_chosen_and_the_standing_point_is_found_anew(
    registry: Running,
) -> None:
    known = await add(registry, **BEFORE)
    before = await act(registry, f"/v1/persons/{known}/locations", 201, **at(103.50))
    await Call(registry, patients=[dict(TOLD)]).received()
    [match] = await noted(registry, known)
    visit, since = await visited(registry, known), await visited(registry, known)
    point = await act(registry, f"/v1/persons/{known}/locations", 201, **at(103.52))
    headers = bearer("case_manager")
    group = await registry.client.post(f"/v1/persons/{known}/groups", json={"group": "disabled"}, headers=headers)
    assert group.status_code == 201, group.text
    fates = await effect(registry, match)
    assert fates[str(visit)] == ("choose", "since")
    [joined] = await registry.sql("select id from membership where person_id = $1 and group_code = 'disabled'", known)
    assert fates[str(joined["id"])] == ("choose", "since")
    path = f"/v1/matches/{match['id']}/unmatch"
    assert (await act(registry, path, 422, also=[str(new_id())]))["code"] == "not_among"
    other = await unmatch(registry, match, also=[str(visit), point["id"], str(joined["id"])])
    assert told_of(await read(registry, f"/v1/persons/{known}"))[2] == []
    assert told_of(await read(registry, f"/v1/persons/{other}"))[2] == ["bedridden", "disabled"]
    [kept] = (await read(registry, f"/v1/persons/{known}/visits"))["items"]
    [home] = (await read(registry, f"/v1/persons/{known}/locations"))["items"]
    assert (kept["id"], home["id"], home["stands"]) == (str(since), before["id"], True)
    assert [one["id"] for one in (await read(registry, f"/v1/persons/{other}/visits"))["items"]] == [str(visit)]
    [line] = [one for one in await history(registry, known) if one["type"] == "registry.person.unmatched.v1"]
    assert ("stayed", "visit") in {(code["field"], code["code"]) for code in line["codes"]}
    [fresh] = await noted(registry, other)
    assert (await effect(registry, fresh))[str(visit)] == ("goes", "named"), "taken out once more it goes again"


async def test_what_somebody_elses_open_case_takes_in_is_all_that_stood_in_the_calls_own(registry: Running) -> None:
    known, _, match = await presumed(registry)
    sister = await add(registry, name="นางสมศรี ใจงาม", mobility="walking")
    await Call(registry, patients=[{"person_id": sister}]).received()
    [case_id] = (await read(registry, f"/v1/persons/{known}"))["open_case_ids"]
    [into] = (await read(registry, f"/v1/persons/{sister}"))["open_case_ids"]
    visit = await visited(registry, known, case_id)
    wanted = {"need": "food", "note": "ขาดข้าวสาร"}
    await act(registry, f"/v1/persons/{known}/needs", 201, **wanted, urgency=9, case_id=case_id)
    await act(registry, f"/v1/persons/{sister}/needs", 201, need="food", urgency=1)
    await unmatch(registry, match, person_id=str(sister))
    assert (await read(registry, f"/v1/persons/{known}"))["open_case_ids"] == []
    assert (await read(registry, f"/v1/cases/{case_id}"))["outcome"]["code"] == "opened_in_error"
    [went] = (await read(registry, f"/v1/persons/{sister}/visits"))["items"]
    assert (went["id"], went["case_id"]) == (str(visit), into)
    needs = (await read(registry, f"/v1/persons/{sister}/needs"))["items"]
    told = [(one["urgency"]["code"], one["note"], (one["outcome"] or {}).get("code")) for one in needs]
    assert told == [("9", "ขาดข้าวสาร", None), ("9", "ขาดข้าวสาร", "same_open")]
    late = await visited(registry, known, case_id, "เขียนโดยไม่มีสัญญาณ")
    rows = await registry.sql("select person_id from visit where id = $1", late)
    assert [row["person_id"] for row in rows] == [known], "the case that is left is of the one it was opened for"


async def test_a_visit_that_comes_late_of_a_case_that_has_gone_is_of_whom_it_has_gone_to(registry: Running) -> None:
    known, _, match = await presumed(registry)
    [case_id] = (await read(registry, f"/v1/persons/{known}"))["open_case_ids"]
    other = await unmatch(registry, match)
    late = await visited(registry, known, case_id)
    rows = await registry.sql("select person_id from visit where id = $1", late)
    assert [row["person_id"] for row in rows] == [other]


async def test_what_comes_late_of_a_visit_that_has_gone_is_of_whom_it_has_gone_to(registry: Running) -> None:
    known, _, match = await presumed(registry)
    [case_id] = (await read(registry, f"/v1/persons/{known}"))["open_case_ids"]
    visit = str(await visited(registry, known, case_id))
    other = await unmatch(registry, match)
    seen_at = {"lon": 103.5, "lat": 16.43, "visit_id": visit}
    await act(registry, f"/v1/persons/{known}/locations", 201, **seen_at)
    await act(registry, f"/v1/persons/{known}/needs", 201, need="food", visit_id=visit)
    for what in ("locations", "needs"):
        assert (await read(registry, f"/v1/persons/{known}/{what}"))["items"] == []
        assert len((await read(registry, f"/v1/persons/{other}/{what}"))["items"]) == 1
    await act(registry, f"/v1/persons/{known}/locations", 201, lon=103.52, lat=16.43)
    assert len((await read(registry, f"/v1/persons/{known}/locations"))["items"]) == 1, "what names no visit stays"
