"""People as they are: called otherwise, born about then, of two addresses or none, living with others; and secret."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from tests.harness import AREA, Running, bearer, problem_of
from tests.registry.conftest import OFFICER, Call, add, history, person_of, read, search


async def act(registry: Running, path: str, body: Any = None, role: str = OFFICER, **claims: Any) -> Any:
    method = "PATCH" if path.count("/") == 3 and "/persons/" in path else "POST"
    return await registry.client.request(method, path, json=body or {}, headers=bearer(role, **claims))


async def done(registry: Running, path: str, body: Any = None, role: str = OFFICER) -> dict[str, Any]:
    answer = await act(registry, path, body, role)
    assert answer.status_code in (200, 201), answer.text
    told: dict[str, Any] = answer.json()
    return told


ADDRESSES = {"registered": {"area_code": "๔๖๐๑๐๑", "detail": "12 หมู่ 3"}, "current": {"detail": "หลังตลาดเก่า"}}


async def test_a_person_without_number_day_of_birth_or_home_is_known_all_the_same(registry: Running) -> None:
    person_id = await add(
        registry, alias="ลุงแดง", birth_year=2495, birth_estimated=True, usual_place="ศาลาหน้าวัดกลาง", groups=["homeless"]
    )
    person = await read(registry, f"/v1/persons/{person_id}")
    assert (person["name"], person["alias"], person["usual_place"]) == (None, "ลุงแดง", "ศาลาหน้าวัดกลาง")
    assert (person["birth_year"], person["birth_on"], person["birth_estimated"]) == (1952, None, True)
    assert [item["id"] for item in await search(registry, name="แดง")] == [str(person_id)]
    for body, field in (({"birth_year": 1407}, "birth_year"), ({"birth_date": "2030-02-30"}, "birth_date"),
                        ({"addresses": {"current": {"area_code": "999999"}}}, "addresses.current.area_code"),
                        ({"addresses": {"current": {}}}, "addresses.current")):  # fmt: skip
        for path in ("/v1/persons", f"/v1/persons/{person_id}"):
            answer = await act(registry, path, body)
            problem = problem_of(answer)
            assert (answer.status_code, problem["errors"][0]["field"]) == (422, field), (path, answer.text)
            assert problem["errors"][0]["th"] != problem["errors"][0]["en"]


async def test_what_is_corrected_is_found_and_told_and_what_stood_before_keeps_its_days(registry: Running) -> None:
    person_id = await add(registry, name="มานี มีนา", birth_year=2500, phone="0812345678", addresses=ADDRESSES)
    person = await read(registry, f"/v1/persons/{person_id}")
    at = {one["kind"]: one for one in person["addresses"]}
    assert at["registered"]["area_code"] == "460101"
    assert "กาฬสินธุ์" in at["registered"]["area_th"]
    assert (at["current"]["area_code"], at["current"]["detail"]) == (None, "หลังตลาดเก่า")

    change = {"name": "มานี ชูใจ", "alias": "ป้าแก้ว", "birth_date": "3/2/2500", "may_be_texted": False, "sex": "female",
              "addresses": {"current": {"area_code": "460102", "detail": "9"}}}  # fmt: skip
    told = await done(registry, f"/v1/persons/{person_id}", change)
    assert told["fields"] == sorted(change)
    person = await read(registry, f"/v1/persons/{person_id}")
    assert (person["name"], person["birth_on"], person["sex"]) == ("มานี ชูใจ", "1957-02-03", "female")
    assert {one["kind"]: one["detail"] for one in person["addresses"]} == {"registered": "12 หมู่ 3", "current": "9"}
    assert len(await registry.sql("select from address")) == 3
    for name, found in (("มานี มีนา", []), ("มานี ชูใจ", [str(person_id)]), ("แก้ว", [str(person_id)])):
        assert [item["id"] for item in await search(registry, name=name)] == found, name
    said = (await registry.said("registry.person.changed"))[-1]["data"]
    assert said["private"]["may_be_texted"] is False
    assert "ชูใจ" not in str(said)
    # What is null is not known any more; what is not named stays.
    await done(registry, f"/v1/persons/{person_id}", {"alias": None, "addresses": {"current": None}})
    person = await read(registry, f"/v1/persons/{person_id}")
    assert (person["alias"], person["name"]) == (None, "มานี ชูใจ")
    assert [one["kind"] for one in person["addresses"]] == ["registered"]
    assert await search(registry, name="แก้ว") == []
    # The history names the fields that were written, and nothing of what stands in them.
    assert await written(registry, person_id) == [
        {"ชื่อเรียก", "ที่อยู่"},
        {"ชื่อ", "ชื่อเรียก", "วันเกิด", "เพศ", "ที่อยู่", "การรับข้อความ"},
    ]
    await done(registry, f"/v1/persons/{person_id}", {"addresses": {"current": {"detail": "10"}}})
    await done(registry, f"/v1/persons/{person_id}", {"quiet_from": "22:00", "quiet_until": "06:00"})
    assert (await written(registry, person_id))[:2] == [{"เวลาที่ไม่ให้รบกวน"}, {"ที่อยู่"}]


async def written(registry: Running, person_id: UUID) -> list[set[str]]:
    """What the history says of every change of the person, the newest first."""
    lines = [line for line in await history(registry, person_id) if line["type"] == "registry.person.changed.v1"]
    return [{code["th"] for code in line["codes"] if code["field"] == "written"} for line in lines]


async def test_a_telephone_of_two_people_is_marked_shared(registry: Running) -> None:
    one, two = await add(registry, name="มานี มีนา", phone="0812345678"), await add(registry, name="ปิติ ชูใจ")
    assert not (await read(registry, f"/v1/persons/{one}"))["contacts"][0]["shared"]
    await done(registry, f"/v1/persons/{two}/contacts", {"phone": "081-234-5678", "relation": "spouse", "name": "มานี"})
    for who in (one, two):
        [contact] = (await read(registry, f"/v1/persons/{who}"))["contacts"]
        assert contact["shared"], who
    hidden = await add(registry, name="ลับ", phone="0899999999", disclosure="secret")
    third = await add(registry, name="วีระ", phone="0899999999")
    shared = {}
    for role in (OFFICER, "call_taker"):
        [contact] = (await read(registry, f"/v1/persons/{third}", role))["contacts"]
        shared[role] = contact["shared"]
    assert shared == {OFFICER: True, "call_taker": False}, f"{hidden} leaves no trace"


async def test_groups_come_and_go_with_source_and_dates(registry: Running) -> None:
    person_id = await add(registry, name="มานี")
    at = f"/v1/persons/{person_id}/groups"
    joined = await done(registry, at, {"group": "bedridden", "from_on": "2026-01-05", "evidence": "barthel"})
    assert problem_of(await act(registry, at, {"group": "bedridden"}))["code"] == "in_group_already"
    for evidence in ("นางมาลี ใจดี", "เพราะลูกชายทำร้าย"):
        named = await act(registry, at, {"group": "elderly", "evidence": evidence})
        assert problem_of(named)["errors"][0]["field"] == "evidence", "a name is no number of a paper"
    early = await act(registry, f"{at}/{joined['id']}/leave", {"until_on": "2026-01-01"})
    assert problem_of(early)["errors"][0]["field"] == "until_on"
    await done(registry, f"{at}/{joined['id']}/leave", {"until_on": "2026-03-01"})
    assert problem_of(await act(registry, f"{at}/{joined['id']}/leave"))["code"] == "left_already"
    [group] = (await read(registry, f"/v1/persons/{person_id}"))["groups"]
    assert (group["from_on"], group["until_on"], group["evidence"]) == ("2026-01-05", "2026-03-01", "barthel")
    [said] = await registry.said("registry.group.left")
    assert said["data"]["private"] == {"group": "bedridden", "until_on": "2026-03-01"}
    other = await add(registry, name="ปิติ")
    assert (await act(registry, f"/v1/persons/{other}/groups/{joined['id']}/leave")).status_code == 404


async def test_a_household_knows_who_lives_there_and_who_did(registry: Running) -> None:
    head, wife, child = [await add(registry, name=name) for name in ("สมชาย ใจดี", "สมศรี ใจดี", "มานี ใจดี")]
    members = [{"person_id": str(head), "role": "head", "head": True}, {"person_id": str(wife), "role": "spouse"}]
    address = {"area_code": "460101", "detail": "12 หมู่ 3"}
    house = (await done(registry, "/v1/households", {"members": members, "address": address}))["id"]
    at = f"/v1/households/{house}"
    await done(registry, f"{at}/members", {"person_id": str(child), "role": "child", "from_on": "2026-01-01"})
    group = await done(registry, f"{at}/groups", {"group": "poor_family", "evidence": "visit"})
    shown = await read(registry, at)
    assert [(one["name"], one["role"]["code"], one["head"]) for one in shown["members"]] == [
        ("สมชาย ใจดี", "head", True), ("มานี ใจดี", "child", False), ("สมศรี ใจดี", "spouse", False),
    ] or {one["role"]["code"] for one in shown["members"]} == {"head", "child", "spouse"}  # fmt: skip
    assert (shown["detail"], shown["groups"][0]["group"]["code"]) == ("12 หมู่ 3", "poor_family")
    assert (await read(registry, f"/v1/persons/{child}"))["household"]["id"] == house
    again = await act(registry, f"{at}/members", {"person_id": str(child)})
    assert problem_of(again)["code"] == "lives_here"
    other = (await done(registry, "/v1/households"))["id"]
    elsewhere = await act(registry, f"/v1/households/{other}/members", {"person_id": str(child)})
    assert problem_of(elsewhere)["code"] == "lives_elsewhere"
    fourth = await add(registry, name="ปิติ")
    two_heads = await act(registry, f"{at}/members", {"person_id": str(fourth), "head": True})
    assert problem_of(two_heads)["code"] == "has_head"
    await done(registry, f"{at}/members/{child}/leave", {"until_on": "2026-06-30"})
    gone = [one for one in (await read(registry, at))["members"] if one["until_on"]]
    assert [one["person_id"] for one in gone] == [str(child)]
    assert (await read(registry, f"/v1/persons/{child}"))["household"] is None
    await done(registry, f"{at}/groups/{group['id']}/leave")
    assert (await read(registry, at))["groups"][0]["until_on"]
    foreign = await registry.client.get(at, headers=bearer(OFFICER, areas=["songkhla"]))
    assert foreign.status_code == 404
    # Whoever is erased is in no household; where nobody else lived, nothing of it is left.
    for who in (head, wife, child):
        assert (await act(registry, f"/v1/persons/{who}/erase")).status_code == 200
    assert (await registry.client.get(at, headers=bearer(OFFICER))).status_code == 404
    assert not await registry.sql("select from household_group")


async def test_two_people_make_somebody_secret_and_no_trace_is_left(registry: Running) -> None:
    call = await Call(registry, patients=[{"name": "สมศรี ใจดี", "age": 40}]).received()
    person_id = await person_of(registry, call)
    mother = await add(registry, name="มาลี ใจดี", phone="0812345678")
    house = (
        await done(registry, "/v1/households", {"members": [{"person_id": str(who)} for who in (person_id, mother)]})
    )["id"]
    asked = await done(registry, f"/v1/persons/{person_id}/disclosure", {"wanted": "secret", "reason": "violence"})
    assert await search(registry, name="สมศรี ใจดี"), "nothing changes before another person agrees"
    own = await act(registry, f"/v1/disclosures/{asked['id']}/decide", {"approve": True}, "supervisor",
                    subject=f"test-{OFFICER}")  # fmt: skip
    assert problem_of(own)["code"] == "own_request"
    [waiting] = (await read(registry, "/v1/disclosures", "supervisor"))["items"]
    assert (waiting["person_id"], waiting["wanted"]["code"]) == (str(person_id), "secret")
    await done(registry, f"/v1/disclosures/{asked['id']}/decide", {"approve": True}, "supervisor")

    for role in ("call_taker", OFFICER, "supervisor"):
        for ways in ({"name": "สมศรี ใจดี"}, {"name": "สมศี"}, {"phone": "0812345678"}, {"ids": [str(person_id)]}):
            answer = await registry.client.post("/v1/persons/search", json=ways, headers=bearer(role))
            assert str(person_id) not in answer.text, (role, ways)
    for path in (f"/v1/persons/{person_id}", f"/v1/persons/{person_id}/history", f"/v1/cases?person_id={person_id}"):
        assert (await registry.client.get(path, headers=bearer("call_taker"))).status_code == 404, path
    assert str(person_id) not in str(await read(registry, f"/v1/households/{house}", "call_taker"))
    assert str(person_id) in str(await read(registry, f"/v1/households/{house}", OFFICER))
    # The others are told to send nothing; of that, id and time alone are open.
    said = (await registry.said("registry.person.changed"))[-1]
    assert said["data"]["private"]["disclosure"] == "secret"
    rows = await registry.sql(
        "select protected from event_log where aggregate_id = $1 order by position desc limit 1", person_id
    )
    assert rows[0]["protected"]
    trip = await call.trip()
    await call.trip_completed(trip)
    figures = await read(registry, f"/v1/reports/served?area={AREA}&from=2020-01-01&to=2190-01-01", "supervisor")
    assert (figures["total"]["persons"], figures["total"]["trips"]) == (0, 0)

    back = await done(
        registry, f"/v1/persons/{person_id}/disclosure", {"wanted": "restricted", "reason": "danger_over"}
    )
    await done(registry, f"/v1/disclosures/{back['id']}/decide", {"approve": True}, "supervisor")
    assert [item["id"] for item in await search(registry, name="สมศรี ใจดี")] == [str(person_id)]
    again = await act(registry, f"/v1/disclosures/{back['id']}/decide", {"approve": True}, "supervisor")
    assert problem_of(again)["code"] == "decided_already"
    assert await history(registry, person_id)


async def test_a_secret_group_is_secret_at_once_and_holds_until_it_is_left(registry: Running) -> None:
    person_id: UUID = await add(registry, name="สมศรี ใจดี")
    group = await done(registry, f"/v1/persons/{person_id}/groups", {"group": "violence"})
    assert await search(registry, name="สมศรี ใจดี") == []
    ask = {"wanted": "restricted", "reason": "danger_over"}
    held = await act(registry, f"/v1/persons/{person_id}/disclosure", ask)
    assert problem_of(held)["code"] == "in_secret_group"
    await done(registry, f"/v1/persons/{person_id}/groups/{group['id']}/leave")
    asked = await done(registry, f"/v1/persons/{person_id}/disclosure", ask)
    await done(registry, f"/v1/disclosures/{asked['id']}/decide", {"approve": False}, "supervisor")
    assert await search(registry, name="สมศรี ใจดี") == [], "refused, it stays as it was"
