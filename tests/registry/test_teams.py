"""Cases that stay open until back to normal: tasks with deadlines, teams, care groups, and who owns the facts."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from shared.thai.dates import local_day
from shared.work import now_utc
from tests.harness import AREA, Running, bearer, problem_of
from tests.registry.conftest import Call, add, cid, history, person_of, read, somsri

CARE = "case_manager"


async def send(registry: Running, method: str, path: str, as_role: str = CARE, **body: Any) -> Any:
    claims = body.pop("claims", {})
    return await registry.client.request(method, path, json=body, headers=bearer(as_role, **claims))


async def a_case(registry: Running) -> tuple[UUID, str]:
    call = await Call(registry, patients=[somsri()]).received()
    person_id = await person_of(registry, call)
    return person_id, (await read(registry, f"/v1/persons/{person_id}"))["open_case_ids"][0]


async def test_a_case_is_not_back_to_normal_while_a_task_is_open_and_a_late_one_is_told_once(registry: Running) -> None:
    person_id, case_id = await a_case(registry)
    volunteer, today = uuid4(), local_day(now_utc())
    at = f"/v1/cases/{case_id}/tasks"
    late = {
        "kind": "visit",
        "what": "ดูแผลกดทับ",
        "assignee_id": str(volunteer),
        "due_on": str(today - timedelta(days=1)),
    }
    key = {**bearer(CARE), "idempotency-key": uuid4().hex}
    twice = [(await registry.client.post(at, json=late, headers=key)).json()["id"] for _ in range(2)]
    assert len(await registry.said("registry.task.assigned")) == 1, "pressed twice it is one task"
    late_id = twice[1]
    other = {"kind": "home_repair", "agency_id": str(uuid4()), "due_on": str(today + timedelta(days=9))}
    other_id = (await send(registry, "POST", at, **other)).json()["id"]
    assert (await send(registry, "POST", at, kind="visit", due_on=str(today))).status_code == 422
    closing = await send(registry, "POST", f"/v1/cases/{case_id}/close", outcome="normal")
    assert problem_of(closing)["code"] == "tasks_open"
    due = await registry.sql("select subject_id, due_at from due where kind = 'task_overdue' order by due_at")
    assert [row["subject_id"] for row in due] == [UUID(late_id), UUID(other_id)]
    assert due[0]["due_at"] <= now_utc() < due[1]["due_at"]
    assert await registry.runtime.due.do_one()
    assert not await registry.runtime.due.do_one()
    [overdue] = await registry.said("registry.task.overdue")
    assert overdue["data"]["assignee_id"] == str(volunteer)
    own = {"claims": {"crew_id": str(volunteer)}}
    for role, claims, ids in ((CARE, {}, [late_id]), ("volunteer", own["claims"], [late_id]), ("volunteer", {}, [])):
        items = (await read(registry, "/v1/tasks?overdue=true", role, **claims))["items"]
        assert [one["id"] for one in items] == ids, role
    assert (items := (await read(registry, at, CARE))["items"])[0]["what"] == "ดูแผลกดทับ"
    assert [one["overdue"] for one in items] == [True, False]
    listed = "/v1/cases?area=kalasin&overdue="
    [case] = (await read(registry, f"{listed}true", CARE))["items"]
    assert (case["id"], case["who"]["id"]) == (case_id, str(person_id))
    assert case["tasks"] == {"open": 2, "overdue": 1, "next_due_on": str(today - timedelta(days=1))}
    assert (await read(registry, f"{listed}false", CARE))["items"] == []
    mine = (await read(registry, "/v1/tasks?mine=true", CARE))["items"]
    assert {one["id"] for one in mine} == {late_id, other_id}, "those that one gave"
    assert (await read(registry, "/v1/tasks?mine=true", "supervisor"))["items"] == []
    assert len((await read(registry, "/v1/tasks?mine=true", "supervisor", **own["claims"]))["items"]) == 1
    foreign = await send(registry, "POST", f"/v1/tasks/{late_id}/done", "volunteer", claims={"crew_id": str(uuid4())})
    assert foreign.status_code == 404
    assert (await send(registry, "POST", f"/v1/tasks/{late_id}/done", "volunteer", **own)).status_code == 204
    again = await send(registry, "POST", f"/v1/tasks/{late_id}/done", "volunteer", **own)
    assert problem_of(again)["code"] == "task_done"
    moved = await send(registry, "POST", f"/v1/cases/{case_id}/close", outcome="moved_away")
    assert moved.status_code == 200
    ended = {row["id"]: row["outcome"] for row in await registry.sql("select id, outcome from task")}
    assert ended == {UUID(late_id): "done", UUID(other_id): "case_closed"}
    assert await registry.sql("select 1 from due where kind = 'task_overdue'") == []
    assert problem_of(await send(registry, "POST", at, **late))["code"] == "case_closed"
    types = [line["type"] for line in await history(registry, person_id, CARE)]
    assert {"registry.task.assigned.v1", "registry.task.overdue.v1", "registry.task.done.v1"} <= set(types)
    assert "แผลกดทับ" not in str([dict(row) for row in await registry.said("registry.task")])


async def test_what_grows_from_the_case_of_somebody_who_became_secret_is_open_with_id_and_time_alone(
    registry: Running,
) -> None:
    person_id, case_id = await a_case(registry)
    crew, on = str(uuid4()), str(local_day(now_utc()) - timedelta(days=1))
    before = await send(registry, "POST", f"/v1/cases/{case_id}/tasks", kind="visit", assignee_id=crew, due_on=on)
    assert before.status_code == 201
    await registry.sql("update person set disclosure = 'secret' where id = $1", person_id)
    assert await registry.runtime.due.do_one()
    after = await send(registry, "POST", f"/v1/cases/{case_id}/tasks", kind="visit", assignee_id=crew, due_on=on)
    await send(registry, "POST", f"/v1/cases/{case_id}/team", crew_id=crew, role="nurse")
    await send(registry, "POST", f"/v1/tasks/{before.json()['id']}/done")
    assert (await send(registry, "POST", f"/v1/cases/{case_id}/close", outcome="moved_away")).status_code == 200
    said = {row["type"].split(".v")[0]: row["open_data"] for row in await registry.said("registry.task.overdue")}
    for noun in ("registry.task", "registry.team", "registry.case.closed"):
        for row in await registry.said(noun):
            if str(row["aggregate_id"]) != before.json()["id"] or "assigned" not in row["type"]:
                said[f"{row['type']} {row['aggregate_id']}"] = row["open_data"]
    assert after.status_code == 201
    assert len(said) >= 5
    assert {key: data for key, data in said.items() if data} == {}


async def test_a_team_is_invited_answers_and_a_care_group_knows_its_patients(registry: Running) -> None:
    person_id, case_id = await a_case(registry)
    nurse = uuid4()
    at = f"/v1/cases/{case_id}/team"
    member = (await send(registry, "POST", at, crew_id=str(nurse), role="lead")).json()["id"]
    [invited] = await registry.said("registry.team.invited")
    assert (invited["data"]["assignee_id"], invited["data"]["private"]) == (
        str(nurse), {"role": "lead", "coordinator_ids": []})  # fmt: skip
    other = await send(
        registry, "POST", f"/v1/team/{member}/answer", "crew", answer="accepted", claims={"crew_id": str(uuid4())}
    )
    assert other.status_code == 404
    own = {"claims": {"crew_id": str(nurse)}}
    [mine] = (await read(registry, "/v1/team/mine", "volunteer", **own["claims"]))["items"]
    assert (mine["id"], mine["answer"]["code"], "person_id" in mine) == (member, "invited", False)
    theirs = await read(registry, "/v1/team/mine", "crew", agency_id=str(uuid4()), **own["claims"])
    assert [one["id"] for one in theirs["items"]] == [member], "an agency's crew is asked as well"
    nobody = str(UUID(int=0))
    await send(registry, "POST", at, crew_id=nobody)
    await send(registry, "POST", f"/v1/cases/{case_id}/tasks", kind="visit", assignee_id=nobody, due_on="2027-01-01")
    for path in ("/v1/team/mine", "/v1/tasks"):
        assert (await read(registry, path, "crew"))["items"] == [], "who is no crew has none"
    await registry.sql("delete from team_member where crew_id = $1", UUID(nobody))
    assert (await read(registry, "/v1/team/mine", "crew", crew_id=str(uuid4())))["items"] == []
    assert (await read(registry, "/v1/team/mine", "crew", areas=["trat"], **own["claims"]))["items"] == []
    await registry.sql("update person set disclosure = 'secret' where id = $1", person_id)
    assert (await read(registry, "/v1/team/mine", "crew", **own["claims"]))["items"] == []
    await registry.sql("update person set disclosure = 'shared' where id = $1", person_id)
    assert (
        await send(registry, "POST", f"/v1/team/{member}/answer", "crew", answer="accepted", **own)
    ).status_code == 204
    twice = await send(registry, "POST", f"/v1/team/{member}/answer", "crew", answer="declined", **own)
    assert problem_of(twice)["code"] == "answered"
    assert (await send(registry, "POST", at, crew_id=str(nurse))).json()["id"] == member
    assert len(await registry.said("registry.team.invited")) == 2, "who is in the team is not asked again"
    [shown] = (await read(registry, at, CARE))["items"]
    assert (shown["answer"]["code"], shown["role"]["code"]) == ("accepted", "member")
    group = uuid4()
    body = {
        "name": "กลุ่มดูแลดอนกลาง",
        "members": [{"crew_id": str(nurse), "role": "carer"}],
        "person_ids": [str(person_id)],
    }
    assert (await send(registry, "PUT", f"/v1/care-groups/{group}", **body)).status_code == 204
    elsewhere = await send(registry, "PUT", f"/v1/care-groups/{group}", name="x", claims={"areas": ["trat"]})
    assert elsewhere.status_code == 404
    [found] = (await read(registry, f"/v1/care-groups?person_id={person_id}", CARE))["items"]
    assert (found["person_ids"], found["members"][0]["role"]["code"]) == ([str(person_id)], "carer")
    assert [one["id"] for one in found["people"]] == [str(person_id)]
    two = [await add(registry, name=f"คนที่ {n}") for n in range(2)]
    at = f"/v1/care-groups/{group}/people"
    joined = await asyncio.gather(*(send(registry, "POST", at, person_id=str(one)) for one in (*two, two[0])))
    assert {one.status_code for one in joined} == {204}
    [found] = (await read(registry, f"/v1/care-groups?person_id={person_id}", CARE))["items"]
    assert set(found["person_ids"]) == {str(person_id), *map(str, two)}, "two add at once and nobody is lost"
    far = await send(registry, "POST", at, person_id=str(person_id), claims={"areas": ["trat"]})
    unknown = await send(registry, "POST", f"/v1/care-groups/{uuid4()}/people", person_id=str(person_id))
    assert (far.status_code, unknown.status_code) == (404, 404)
    many = """with p as (
        insert into person (id, area, source, registered_at, changed_at)
        select gen_random_uuid(), 'kalasin', 'desk', now(), now() from generate_series(1, 97) returning id)
        insert into care_group_patient (group_id, person_id) select $1, id from p"""
    await registry.sql(many, UUID(str(group)))
    full = await send(registry, "POST", at, person_id=str(await add(registry, name="คนที่ร้อยเอ็ด")))
    assert problem_of(full)["code"] == "group_full", "a hundred are as many as the group's form takes"
    hidden = await add(registry, name="ลับ")
    named = {"name": "x", "person_ids": [str(person_id), str(hidden)]}
    await send(registry, "PUT", f"/v1/care-groups/{group}", **named)
    await registry.sql("update person set disclosure = 'secret' where id = $1", hidden)
    await send(registry, "PUT", f"/v1/care-groups/{group}", name="x", members=[], person_ids=[])
    left = await registry.sql("select person_id from care_group_patient where group_id = $1", UUID(str(group)))
    assert [row["person_id"] for row in left] == [hidden], "who was hidden from the writer stays in the group"
    assert (await read(registry, f"/v1/care-groups?person_id={person_id}", CARE))["items"] == []


async def test_what_another_municipality_wrote_is_proposed_to_be_otherwise_never_overwritten(registry: Running) -> None:
    person_id = await add(registry, name="นางสมศรี ใจดี", national_id=cid(1))
    there = {"claims": {"areas": ["trat"]}}
    assert (await send(registry, "PATCH", f"/v1/persons/{person_id}", mobility="stretcher", **there)).status_code == 404
    seen = await Call(registry, area="trat", patients=[somsri()]).received()
    assert await person_of(registry, seen) == person_id
    refused = await send(registry, "PATCH", f"/v1/persons/{person_id}", mobility="stretcher", **there)
    assert problem_of(refused)["code"] == "others_facts"
    at = f"/v1/persons/{person_id}/corrections"
    ids = []
    for change in ({"mobility": "stretcher"}, {"name": "นางสมศรี ใจงาม"}):
        made = await send(registry, "POST", at, change=change, reason="ไปเยี่ยมมา", **there)
        assert made.status_code == 201, made.text
        ids.append(made.json()["id"])
    assert problem_of(await send(registry, "POST", at, change={"mobility": "walking"}))["code"] == "own_facts"
    assert await registry.audited("propose") == [person_id, person_id]
    waiting = (await read(registry, "/v1/corrections", CARE))["items"]
    assert (waiting[0]["change"], waiting[0]["reason"]) == ({"mobility": "stretcher"}, "ไปเยี่ยมมา")
    assert "ใจงาม" not in str([dict(row) for row in await registry.sql("select * from told")])
    own = await send(registry, "POST", f"/v1/corrections/{ids[0]}/decide", decision="accepted", **there)
    assert own.status_code == 404, "who proposes does not decide"
    for correction, decision in zip(ids, ("accepted", "refused"), strict=True):
        path = f"/v1/corrections/{correction}/decide"
        assert (await send(registry, "POST", path, decision=decision)).status_code == 204
        assert problem_of(await send(registry, "POST", path, decision="refused"))["code"] == "decided"
    person = await read(registry, f"/v1/persons/{person_id}")
    assert (person["mobility"], person["name"]) == ("stretcher", "นางสมศรี ใจดี")
    back = (await read(registry, "/v1/corrections?waiting=false", CARE, areas=["trat"]))["items"]
    assert [one["decision"]["code"] for one in back] == ["accepted", "refused"]
    assert (await send(registry, "POST", f"/v1/persons/{person_id}/erase", "supervisor")).status_code == 200
    assert await registry.sql("select 1 from correction") == []
    assert {one["area"] for one in back} == {AREA}


async def test_who_has_a_task_is_told_for_whom_and_where_as_far_as_they_may_know_and_ends_it_once(
    registry: Running,
) -> None:
    person_id, case_id = await a_case(registry)
    address = {"addresses": {"current": {"area_code": "460101", "detail": "9 หมู่ 3"}}}
    await send(registry, "PATCH", f"/v1/persons/{person_id}", **address)
    crew, today = str(uuid4()), local_day(now_utc())
    own = {"crew_id": crew}
    soon, far = str(today + timedelta(days=14)), str(today + timedelta(days=15))
    task, later = [
        (await send(registry, "POST", f"/v1/cases/{case_id}/tasks", kind="visit", assignee_id=crew, due_on=on)).json()[
            "id"
        ]
        for on in (soon, far)
    ]
    for role in ("volunteer", "crew"):
        items = (await read(registry, "/v1/tasks/mine", role, **own))["items"]
        assert [(one["id"], one["whom"] is None) for one in items] == [(task, False), (later, True)]
        whom = items[0]["whom"]
        assert (whom["id"], whom["addresses"][0]["detail"]) == (str(person_id), "9 หมู่ 3")
        assert "groups" not in whom
        assert "identifiers" not in whom
        nobody = (await read(registry, "/v1/tasks/mine", role, agency_id=str(uuid4()), **own))["items"]
        assert [one["whom"] for one in nobody] == [None, None], "of agencies none may see, by role alone"
        for other in ({"crew_id": str(uuid4())}, {}, {"areas": ["trat"], **own}):
            assert (await read(registry, "/v1/tasks/mine", role, **other))["items"] == []
    rows = await registry.sql(
        "select subject_id, detail from audit where act = 'read_own_tasks' and subject_id is not null"
    )
    assert {row["subject_id"] for row in rows} == {person_id}
    await registry.sql("update case_file set protected = true")
    assert (await read(registry, "/v1/tasks/mine", "volunteer", **own))["items"][0]["whom"] is None
    await registry.sql("update case_file set protected = false")

    key = {**bearer("volunteer", **own), "idempotency-key": str(uuid4())}
    body = {"outcome": "could_not", "note": "ไม่มีใครอยู่บ้าน"}
    path = f"/v1/tasks/{task}/done"
    twice = [await registry.client.post(path, json=body, headers=key) for _ in range(2)]
    assert [(one.status_code, one.content) for one in twice] == [(204, b"")] * 2, "sent again by a phone it is once"
    assert len(await registry.said("registry.task.done")) == 1
    other = await send(registry, "POST", path, "volunteer", claims=own)
    assert problem_of(other)["code"] == "task_done"
    ended = next(
        one for one in (await read(registry, f"/v1/cases/{case_id}/tasks", CARE))["items"] if one["id"] == task
    )
    assert (ended["outcome"]["code"], ended["note"]) == ("could_not", "ไม่มีใครอยู่บ้าน")
    assert "ไม่มีใคร" not in str([dict(row) for row in await registry.said("registry.task")])
    await registry.client.post(f"/v1/persons/{person_id}/erase", headers=bearer("registry_officer"))
    assert not await registry.sql("select from told where owner_id = $1", UUID(task))
    await registry.sql("update case_file set closed_at = null, outcome = null")
    assert (await read(registry, "/v1/tasks/mine", "volunteer", **own))["items"] == []
