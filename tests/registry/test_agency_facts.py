"""What an agency writes is its own: needs beside the municipality's, corrections that the owner of the facts decides."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx
import pytest

from services.registry.rules.access import CARE, DESK
from services.registry.rules.decide import PROPOSES_FOR, Decision, lacks_to_propose
from shared.thai.dates import local_day
from shared.work import new_id, now_utc
from tests.harness import Running, problem_of
from tests.registry.agencies import Agency, ours
from tests.registry.conftest import Call, goes_to, history, person_of, read, somsri

MANAGER = "case_manager"
CHANGE = {"change": {"mobility": "stretcher"}, "reason": "ไปเยี่ยมเมื่อวาน"}
NEED = {"need": "carer", "urgency": 9, "note": "อยู่คนเดียว"}
POINT = {"lon": 103.5, "lat": 16.43, "accuracy_m": 10}
WRITTEN = {"corrections": CHANGE, "needs": NEED, "locations": POINT}
ENTRUSTED = {"writes": ["visit", "location"]}


async def somebody(registry: Running, **changes: Any) -> str:
    return str(await person_of(registry, await Call(registry, patients=[somsri(**changes)]).received()))


def lacking(answer: Any) -> list[str]:
    problem = problem_of(answer)
    assert (problem["status"], problem["code"]) == (403, "no_ground"), answer.text
    return [one["code"] for one in problem["missing"]]


def test_what_an_agreement_opens_may_be_proposed_for_a_purpose_of_writing_and_glass_is_for_looking() -> None:
    agreed = Decision(allowed=True, way="agreement")
    glass, shut = Decision(allowed=True, way="break_glass"), Decision(allowed=False, missing=("field_class",))
    for purpose in ("care", "case_work", "registration", "emergency", "audit", "erasure", ""):
        lacks = lacks_to_propose(purpose, [agreed])
        assert (lacks is None) == (purpose in PROPOSES_FOR), purpose
        assert lacks is None or lacks.missing == ("purpose",)
        assert lacks_to_propose(purpose, [agreed, shut]) == shut
        assert lacks_to_propose(purpose, [glass, agreed]) == Decision(allowed=False, missing=("no_agreement",))


@pytest.mark.parametrize("what", WRITTEN)
async def test_an_agency_proposes_where_an_agreement_opens_the_field_for_the_purpose(
    registry: Running, what: str
) -> None:
    """Role × agreement × purpose, closed by default."""
    hospital = await Agency(registry).known()
    person = await somebody(registry)
    at, body, terms = f"/v1/persons/{person}/{what}", WRITTEN[what], ENTRUSTED if what == "locations" else {}
    assert problem_of(await hospital.post(at, body, purpose=""))["code"] == "purpose_missing"
    assert lacking(await hospital.post(at, body)) == ["no_agreement"]
    await hospital.agreement(field_class="shared", **terms)
    assert lacking(await hospital.post(at, body)) == ["field_class"], "all are about health, or where somebody lives"
    agreement = await hospital.agreement(**terms)
    for role in DESK | {"crew", "volunteer", "auditor", "admin"}:
        answer = await hospital.post(at, body, role, crew_id=str(new_id()))
        assert (answer.status_code == 201) == (role in CARE), (role, answer.text)
    assert lacking(await hospital.post(at, body, purpose="case_work")) == ["purpose"]
    glass = {"person_id": person, "reason": "หมดสติ ไม่มีญาติ"}
    assert (await hospital.post("/v1/break-glass", glass, purpose="emergency")).status_code in {201, 409}
    assert (await hospital.post(at, body, purpose="emergency")).status_code == 403
    away = await hospital.post(at, body, areas=["trat"])
    assert away.status_code in {403, 404}
    held = await hospital.post(at, body, places=["kalasin:rimpao"])
    assert held.status_code == 404, "held to where the person does not live"
    await registry.sql("update person set disclosure = 'secret'")
    assert (await hospital.post(at, body)).status_code == 404
    await registry.sql("update person set disclosure = 'shared'")
    ended = await ours(registry, "POST", f"/v1/agreements/{agreement}/end", {"reason": "over"})
    assert ended.status_code == 200
    assert (await hospital.post(at, body)).status_code == 403


async def test_a_correction_of_an_agency_waits_for_the_municipality_and_overwrites_nothing(registry: Running) -> None:
    hospital, other = await Agency(registry).known(), await Agency(registry).known()
    for agency in (hospital, other):
        await agency.agreement()
    person = await somebody(registry)
    at = f"/v1/persons/{person}/corrections"
    made = [
        (await hospital.post(at, {"change": change, "reason": "ไปเยี่ยมมา"})).json()["id"]
        for change in ({"mobility": "stretcher"}, {"name": "สมศรี ใจงาม"})
    ]
    assert lacking(await hospital.post(at, {"change": {"quiet_from": "22:00"}})) == ["field_class"], "no class opens it"
    assert (await read(registry, f"/v1/persons/{person}", "supervisor"))["mobility"] != "stretcher"
    waiting = (await read(registry, "/v1/corrections", MANAGER))["items"]
    assert [(one["id"], one["agency_id"], one["proposed_in"], one["change"]) for one in waiting] == [
        (made[0], str(hospital.id), [], {"mobility": "stretcher"}),
        (made[1], str(hospital.id), [], {"name": "สมศรี ใจงาม"})]  # fmt: skip
    assert [one["id"] for one in (await hospital.get("/v1/corrections")).json()["items"]] == made
    assert (await other.get("/v1/corrections")).json()["items"] == [], "others' proposals are not an agency's"
    decided = await hospital.post(f"/v1/corrections/{made[0]}/decide", {"decision": "accepted"}, "supervisor")
    assert problem_of(decided)["code"] == "not_for_agencies"
    for one, decision in zip(made, ("accepted", "refused"), strict=True):
        answer = await ours(registry, "POST", f"/v1/corrections/{one}/decide", {"decision": decision})
        assert answer.status_code == 204
    stands = await read(registry, f"/v1/persons/{person}", "supervisor")
    assert (stands["mobility"], stands["name"]) == ("stretcher", "นางสมศรี ใจดี")
    told = (await hospital.get("/v1/corrections?waiting=false")).json()["items"]
    assert [one["decision"]["code"] for one in told] == ["accepted", "refused"]
    rows = await registry.sql("select detail from audit where act = 'propose'")
    assert {row["detail"]["agency_id"] for row in rows} == {str(hospital.id)}


async def test_a_need_is_whose_who_found_it_and_stands_beside_the_others(registry: Running) -> None:
    hospital, other = await Agency(registry).known(), await Agency(registry).known()
    for agency in (hospital, other):
        await agency.agreement()
    person = await somebody(registry)
    at = f"/v1/persons/{person}/needs"
    own = (await ours(registry, "POST", at, {"need": "carer", "urgency": 5, "note": "ของเรา"})).json()["id"]
    theirs = (await hospital.post(at, NEED)).json()["id"]
    assert (await hospital.post(at, {**NEED, "urgency": 1})).json()["id"] == theirs, "told again it is the same need"
    assert (await ours(registry, "POST", at, {"need": "carer", "urgency": 5})).json()["id"] == own

    async def shown() -> dict[str, tuple[Any, ...]]:
        items = (await read(registry, at, "supervisor"))["items"]
        return {one["id"]: (one["agency_id"], one["urgency"]["code"], one["note"]) for one in items}

    assert await shown() == {own: (None, "5", "ของเรา"), theirs: (str(hospital.id), "1", "อยู่คนเดียว")}
    assert len((await other.get(at)).json()["items"]) == 2
    for agency, need in ((other, theirs), (hospital, own)):
        ended = await agency.post(f"/v1/needs/{need}/met", {"outcome": "given"})
        assert ended.status_code == 404, "an agency ends its own alone"
    refused = await ours(registry, "POST", f"/v1/needs/{theirs}/met", {"outcome": "not_accepted"})
    assert refused.json()["outcome"]["code"] == "not_accepted"
    again = (await hospital.post(at, NEED)).json()["id"]
    assert (await hospital.post(f"/v1/needs/{again}/met", {"outcome": "given"})).status_code == 200
    [row] = await registry.sql("select * from life_need where met_at is null")
    assert (str(row["id"]), row["agency_id"]) == (own, None)
    said = [line for line in await registry.said("registry.need.opened") if str(line["aggregate_id"]) == theirs]
    assert "อยู่คนเดียว" not in str(said[0]["data"])


async def test_a_protected_case_is_not_there_for_an_agencys_need(registry: Running) -> None:
    hospital = await Agency(registry).known()
    await hospital.agreement()
    person = await somebody(registry)
    [case] = await registry.sql("select id from case_file")
    named = {**NEED, "case_id": str(case["id"])}
    assert (await hospital.post(f"/v1/persons/{person}/needs", named)).status_code == 201
    await registry.sql("update case_file set protected = true")
    other = {**named, "need": "food"}
    hidden = await hospital.post(f"/v1/persons/{person}/needs", other)
    nowhere = await hospital.post(f"/v1/persons/{person}/needs", {**other, "case_id": str(UUID(int=5))})
    assert (hidden.status_code, problem_of(hidden)["code"]) == (nowhere.status_code, problem_of(nowhere)["code"])


async def visited(
    agency: Agency, visit_id: UUID, person: str, note: str = "", base: int = 0, **body: Any
) -> httpx.Response:
    fields = {"result": {"value": "as_told"}, "note": {"value": note, "base": base}}
    told = {"person_id": person, "fields": fields, **body}
    return await agency.registry.client.put(f"/v1/visits/{visit_id}", json=told, headers=agency.headers())


async def test_an_agency_writes_visits_where_an_agreement_entrusts_it_with_them(registry: Running) -> None:
    hospital = await Agency(registry).known()
    person, one = await somebody(registry), new_id()
    assert lacking(await visited(hospital, one, person)) == ["no_agreement"]
    await hospital.agreement()
    assert lacking(await visited(hospital, one, person)) == ["writes"], "to look is not to write"
    await hospital.agreement(writes=["location"])
    assert lacking(await visited(hospital, one, person)) == ["writes"]
    await hospital.agreement(field_class="shared", writes=["visit"])
    assert lacking(await visited(hospital, one, person)) == ["writes"], "the nearest: the other opens no health"
    agreement = await hospital.agreement(writes=["visit"])
    kept = await visited(hospital, one, person, "แผลดีขึ้น")
    assert (kept.status_code, kept.json()["agency_id"]) == (200, str(hospital.id)), kept.text
    nurse = hospital.headers("volunteer", crew_id=str(new_id()))
    sent = await registry.client.put(f"/v1/visits/{new_id()}", json={"person_id": person}, headers=nurse)
    assert problem_of(sent)["code"] == "not_for_agencies", "who cares for people there writes, nobody who is sent"

    [row] = await registry.sql("select caller, detail from audit where act = 'visit'")
    assert (row["detail"]["agency_id"], row["detail"]["agreement_id"]) == (str(hospital.id), agreement)
    [line] = [each for each in await history(registry, UUID(person)) if each["type"] == "registry.visit.recorded.v1"]
    assert line["agency_id"] == str(hospital.id)
    [seen] = (await read(registry, f"/v1/persons/{person}/visits", MANAGER))["items"]
    assert (seen["agency_id"], seen["visitor"]) == (str(hospital.id), row["caller"])
    said = await registry.said("registry.visit.recorded")
    assert "แผล" not in str([dict(each) for each in said])
    assert (await ours(registry, "POST", f"/v1/agreements/{agreement}/end", {"reason": "over"})).status_code == 200
    assert lacking(await visited(hospital, one, person, "อีกครั้ง", 1)) == ["writes"]


async def test_nobody_writes_in_the_visit_of_another_owner(registry: Running) -> None:
    hospital, other = await Agency(registry).known(), await Agency(registry).known()
    for agency in (hospital, other):
        await agency.agreement(**ENTRUSTED)
    person, theirs, own, crew = await somebody(registry), new_id(), new_id(), new_id()
    assert (await visited(hospital, theirs, person, "ของโรงพยาบาล")).status_code == 200
    told = {"person_id": person, "fields": {"note": {"value": "ของเทศบาล"}}}
    assert (await ours(registry, "PUT", f"/v1/visits/{own}", told)).status_code == 200
    plan = {"crew_ids": [str(crew)], "due_on": str(local_day(now_utc()))}
    planned = (await ours(registry, "POST", f"/v1/persons/{person}/planned-visits", plan)).json()["id"]
    wrong = [
        await visited(other, theirs, person, "ของอีกหน่วยงาน", 1),
        await ours(registry, "PUT", f"/v1/visits/{theirs}", told),
        await visited(hospital, own, person, "ของโรงพยาบาล", 1),
        await visited(hospital, UUID(planned), person),
    ]
    assert [(each.status_code, problem_of(each)["code"]) for each in wrong] == [(409, "other_visit")] * 4
    more = await visited(hospital, theirs, person, "เพิ่มเติม", 1)
    notes = {
        each["id"]: field_of(each, "note")
        for each in (await hospital.get(f"/v1/persons/{person}/visits")).json()["items"]
    }
    assert (more.status_code, notes) == (200, {str(theirs): "เพิ่มเติม", str(own): "ของเทศบาล"})
    [case] = await registry.sql("update case_file set protected = true returning id")
    hidden, nowhere = [
        await visited(hospital, new_id(), person, case_id=case_id) for case_id in (str(case["id"]), str(UUID(int=5)))
    ]
    assert (hidden.status_code, problem_of(hidden)["code"]) == (nowhere.status_code, problem_of(nowhere)["code"])


def field_of(visit: dict[str, Any], name: str) -> str:
    return str(next(each["stands"]["value"] for each in visit["fields"] if each["field"] == name))


async def test_an_agencys_point_is_one_source_and_displaces_nothing_alone(registry: Running) -> None:
    hospital = await Agency(registry).known()
    await hospital.agreement(**ENTRUSTED)
    person = await somebody(registry)
    at = f"/v1/persons/{person}/locations"
    for said in ({"method": "visit"}, {"source": "officer"}, {"source": "health_volunteer"}):
        refused = await hospital.post(at, {**POINT, **said})
        assert (refused.status_code, problem_of(refused)["code"]) == (403, "not_yours"), said
    claimed = await ours(registry, "POST", at, {**POINT, "source": "agency"})
    assert claimed.status_code == 422, "nobody says it of themselves"
    seen = [
        (await ours(registry, "POST", at, {**POINT, "method": "map"}, MANAGER)).json(),
        (await hospital.post(at, {**POINT, "lat": 16.44})).json(),
        (await hospital.post(at, {**POINT, "lat": 16.44, "lon": 103.50001}, "supervisor")).json(),
    ]
    assert [each["verdict"]["code"] for each in seen] == ["kept"] * 3, "two of one hospital do not verify"
    items = {each["id"]: each for each in (await read(registry, at, "supervisor"))["items"]}
    assert [items[each["id"]]["stands"] for each in seen] == [True, False, False]
    assert [items[each["id"]]["agency_id"] for each in seen] == [None, str(hospital.id), str(hospital.id)]
    assert items[seen[1]["id"]]["source"]["code"] == "agency"
    again = {**POINT, "lat": 16.44, "source": "health_volunteer"}
    volunteer = await ours(registry, "POST", at, again, "volunteer", **await goes_to(registry, person))
    assert volunteer.json()["verdict"]["code"] == "verified", "with somebody else it does"
