"""An account that is held to places of the area tree: who lives there, whom it was given, and nobody else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from shared.thai.dates import local_day
from shared.work import now_utc
from tests.harness import AREA, Running, bearer, problem_of
from tests.registry.conftest import OFFICER, add, cid
from tests.registry.test_lists_by_area import TREE

HERE, THERE = "kalasin:rimpao", "46010103"
HOSPITAL = UUID(int=0xA1)
HELD: dict[str, Any] = {"places": [HERE], "subject": "outreach"}
LIVES = {code: {"addresses": {"current": {"area_code": code}}} for code in (HERE, THERE)}


@pytest.fixture
async def town(registry: Running) -> Running:
    answer = await registry.client.post("/v1/areas/import", json={"rows": TREE}, headers=bearer(OFFICER))
    assert {one["verdict"] for one in answer.json()["items"]} == {"written"}
    return registry


async def ask(running: Running, method: str, path: str, body: Any = None, role: str = OFFICER, **claims: Any) -> Any:
    """The answer's status and document, for an account that is held to the community by the river."""
    answer = await running.client.request(method, path, json=body, headers=bearer(role, **{**HELD, **claims}))
    return answer.status_code, answer.json() if answer.content else None


async def found(running: Running, role: str = OFFICER, **body: Any) -> set[UUID]:
    claims = body.pop("claims", {})
    status, said = await ask(running, "POST", "/v1/persons/search", body, role, **claims)
    assert status == 200, said
    return {UUID(one["id"]) for one in said["items"]}


async def status_of(running: Running, person_id: UUID, **claims: Any) -> int:
    status, _ = await ask(running, "GET", f"/v1/persons/{person_id}", **claims)
    return int(status)


async def test_a_search_finds_nothing_outside_by_whatever_is_looked_for(town: Running) -> None:
    one = await add(town, name="สมศรี ใจดี", national_id=cid(1), phone="0811111111", **LIVES[HERE])
    other = await add(town, name="สมศรี ใจดี", national_id=cid(2), phone="0822222222", **LIVES[THERE])
    nowhere = await add(town, name="สมศรี ใจดี", phone="0833333333")
    assert await found(town, name="สมศรี") == {one}
    assert await found(town, name="สมสรี") == {one}, "a name that is nearly this"
    for sought in ({"national_id": cid(2)}, {"phone": "0822222222"}, {"ids": [str(other), str(nowhere)]}):
        assert await found(town, **sought) == set()
    assert [await status_of(town, each) for each in (one, other, nowhere)] == [200, 404, 404]
    assert [await status_of(town, each, places=["46010103", HERE]) for each in (one, other)] == [200, 200]
    assert await status_of(town, other, places=["4601"]) == 200, "with all that lies in it"
    assert await found(town, name="สมศรี", area_code=THERE) == set()
    assert await found(town, name="สมศรี", area_code=AREA) == {one}


async def test_whom_somebody_registers_they_go_on_seeing_and_nobody_else_of_their_place_does(town: Running) -> None:
    status, made = await ask(town, "POST", "/v1/persons", {"name": "มานะ ไร้บ้าน", "usual_place": "ใต้สะพาน"})
    assert status == 201
    person_id = UUID(made["id"])
    assert await status_of(town, person_id) == 200
    assert await found(town, name="มานะ") == {person_id}
    assert await status_of(town, person_id, subject="another") == 404
    status, _ = await ask(town, "PATCH", f"/v1/persons/{person_id}", LIVES[HERE])
    assert status == 200
    assert await status_of(town, person_id, subject="another") == 200, "now it is known where they live"
    assert (await ask(town, "POST", f"/v1/persons/{person_id}/erase", {}))[0] == 200
    assert await town.sql("select id from person where registered_by is not null") == [], "it goes with them"
    assert [await status_of(town, person_id, subject=each) for each in ("outreach", "another")] == [404, 404]


async def test_a_number_of_somebody_elsewhere_tells_no_more_than_that_it_is_taken(town: Running) -> None:
    await add(town, national_id=cid(1), **LIVES[HERE])
    await add(town, national_id=cid(2), **LIVES[THERE])
    answers = [await ask(town, "POST", "/v1/persons", {"national_id": cid(n)}) for n in (1, 2)]
    assert [status for status, _ in answers] == [409, 409]
    assert ["person_id" in said for _, said in answers] == [True, False]


async def test_whoever_is_sent_somewhere_sees_whom_they_are_sent_to(town: Running) -> None:
    person_id, crew = await add(town, name="ปิติ ชูใจ", **LIVES[THERE]), uuid4()
    at, sent = f"/v1/persons/{person_id}", {"crew_id": str(crew), "subject": "volunteer1"}
    assert (await ask(town, "POST", f"{at}/needs", {"need": "food"}, "volunteer", **sent))[0] == 404
    given = {"crew_ids": [str(crew)], "due_on": str(local_day(now_utc()) + timedelta(days=1))}
    made = await town.client.post(f"{at}/planned-visits", json=given, headers=bearer("supervisor"))
    status, mine = await ask(town, "GET", "/v1/planned-visits/mine", role="volunteer", **sent)
    assert [one["person"]["id"] for one in mine["items"]] == [str(person_id)]
    assert (await ask(town, "POST", f"{at}/needs", {"need": "food"}, "volunteer", **sent))[0] == 201
    assert await status_of(town, person_id, crew_id=str(crew)) == 200
    told = {"person_id": str(person_id), "fields": {"result": {"value": "as_told"}}}
    for _ in range(2):  # what a phone sends again after the visit was made
        status, _ = await ask(town, "PUT", f"/v1/visits/{made.json()['id']}", told, "volunteer", **sent)
        assert status == 200
    await town.sql("update planned_visit set done_at = done_at - interval '2 days'")
    assert await status_of(town, person_id, crew_id=str(crew)) == 404, "it was given, and is over"


async def test_a_task_opens_the_person_until_it_is_done(town: Running) -> None:
    person_id, crew = await add(town, name="ปิติ ชูใจ", **LIVES[THERE]), uuid4()
    desk = bearer("supervisor")
    case = (await town.client.post("/v1/cases", json={"person_id": str(person_id)}, headers=desk)).json()["id"]
    task = {"kind": "visit", "assignee_id": str(crew), "due_on": str(local_day(now_utc()))}
    made = (await town.client.post(f"/v1/cases/{case}/tasks", json=task, headers=desk)).json()["id"]
    assert await status_of(town, person_id, crew_id=str(crew)) == 200
    assert await found(town, name="ปิติ", claims={"crew_id": str(crew)}) == {person_id}
    assert (await ask(town, "POST", f"/v1/tasks/{made}/done", {}))[0] == 404, (
        "another desk of their place does not end it"
    )
    assert (await ask(town, "POST", f"/v1/tasks/{made}/done", {}, "volunteer", crew_id=str(crew)))[0] == 204
    assert await status_of(town, person_id, crew_id=str(crew)) == 404


async def test_counts_are_those_of_their_places(town: Running) -> None:
    for code in (HERE, THERE):
        person_id = await add(town, name="ผู้ป่วย", **LIVES[code])
        await town.client.post(f"/v1/persons/{person_id}/groups", json={"group": "bedridden"}, headers=bearer(OFFICER))
    _, gaps = await ask(town, "GET", f"/v1/gaps?group=bedridden&area={AREA}")
    assert (gaps["total"]["people"], {one["code"] for one in gaps["places"]}) == (1, {HERE})
    _, people = await ask(town, "GET", f"/v1/gaps/people?group=bedridden&gap=no_phone&area={AREA}")
    assert [one["place"] for one in people["items"]] == [HERE]
    answer = await town.client.get(f"/v1/exports/persons?area={AREA}", headers=bearer(OFFICER, **HELD))
    assert (answer.text.count("ผู้ป่วย"), THERE in answer.text) == (1, False)


async def test_people_near_something_are_those_of_their_places(town: Running) -> None:
    point = {"lon": 103.5, "lat": 16.4}
    ids = {}
    for code in (HERE, THERE):
        ids[code] = await add(town, name="ริมน้ำ", **LIVES[code])
        at = f"/v1/persons/{ids[code]}/locations"
        assert (await town.client.post(at, json=point, headers=bearer(OFFICER))).status_code == 201
    status, near = await ask(town, "POST", "/v1/persons/near", {"point": point})
    assert (status, near["total"], [one["id"] for one in near["items"]]) == (200, 1, [str(ids[HERE])])


async def test_a_household_shows_whom_they_may_know_of(town: Running) -> None:
    inside, outside = await add(town, name="ก", **LIVES[HERE]), await add(town, name="ข", **LIVES[THERE])
    members = [{"person_id": str(one)} for one in (inside, outside)]
    desk = bearer("supervisor")
    both = (await town.client.post("/v1/households", json={"members": members}, headers=desk)).json()["id"]
    _, shown = await ask(town, "GET", f"/v1/households/{both}")
    assert [one["person_id"] for one in shown["members"]] == [str(inside)]
    at = f"/v1/persons/{outside}"
    await town.client.post(f"/v1/households/{both}/members/{outside}/leave", json={}, headers=desk)
    alone = (await town.client.post("/v1/households", json={"members": members[1:]}, headers=desk)).json()["id"]
    assert (await ask(town, "GET", at))[0] == 404
    assert (await ask(town, "GET", f"/v1/households/{alone}"))[0] == 404


async def test_two_records_are_reviewed_by_whoever_may_know_of_both(town: Running) -> None:
    told = {"name": "ซ้ำซ้อน ทดสอบ", "birth_year": 2500}
    for code in (HERE, THERE):
        await add(town, **told, **LIVES[code])
    whole = (await town.client.get("/v1/duplicates", headers=bearer(OFFICER))).json()["items"]
    assert len(whole) == 1
    assert (await ask(town, "GET", "/v1/duplicates"))[1]["items"] == []
    decided = {"decision": "distinct"}
    assert (await ask(town, "POST", f"/v1/duplicates/{whole[0]['id']}/review", decided))[0] == 404
    assert len((await ask(town, "GET", "/v1/duplicates", places=[HERE, THERE]))[1]["items"]) == 1


async def test_glass_opens_beside_an_agencys_own_places_and_nothing_else_does(town: Running) -> None:
    person_id = await add(town, name="หมดสติ", **LIVES[THERE])
    of_agency = {"agency_id": HOSPITAL, "purpose": "emergency"}
    at = f"/v1/persons/{person_id}"
    kept = {"kind": "hospital", "name_th": "รพ.", "areas": [AREA], "from_on": "2026-01-01"}
    await town.client.put(f"/v1/agencies/{HOSPITAL}", json=kept, headers=bearer("supervisor"))
    assert (await ask(town, "GET", at, role="case_manager", **of_agency))[0] in {403, 404}
    breaking = {"person_id": str(person_id), "reason": "unconscious"}
    assert (await ask(town, "POST", "/v1/break-glass", breaking, "case_manager", **of_agency))[0] == 201
    status, shown = await ask(town, "GET", at, role="case_manager", **of_agency)
    assert (status, shown["name"]) == (200, "หมดสติ")
    own = await ask(town, "POST", "/v1/break-glass", breaking, "case_manager", purpose="emergency")
    assert own[0] == 404, "the municipality's own are not told that there is somebody"


async def test_a_community_card_is_kept_by_whoever_is_held_to_its_community(town: Running) -> None:
    boat = {"area": AREA, "kind": "boat"}
    for code, status in ((HERE, 200), (THERE, 404), ("เขียนเอง", 404)):
        answer = await ask(town, "PUT", f"/v1/community/{uuid4()}", {**boat, "community": code}, "case_manager")
        assert answer[0] == status, code
        await town.client.put(
            f"/v1/community/{uuid4()}", json={**boat, "community": code}, headers=bearer("case_manager")
        )
    for path in ("/v1/community", f"/v1/community?name={HERE}", "/v1/community/cards"):
        items = (await ask(town, "GET", path, role="case_manager"))[1]["items"]
        assert {one["community"] for one in items} == {HERE}, path
    assert (await ask(town, "GET", f"/v1/community?name={THERE}", role="case_manager"))[1]["items"] == []


async def test_the_work_of_the_whole_municipality_is_not_theirs(town: Running) -> None:
    status, said = await ask(town, "GET", "/v1/imports")
    assert (status, said["code"]) == (403, "not_for_held")
    feed = await town.client.get("/v1/events", headers=bearer(OFFICER, **HELD))
    assert problem_of(feed)["code"] == "not_for_held"
