"""What an agency is given: its people see that and end it, its coordinators are named to who tells them, and no more."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from services.registry.rules.access import CARE, DESK
from shared.thai.dates import local_day
from shared.work import new_id, now_utc
from tests.harness import AREA, Running, bearer, problem_of
from tests.registry.agencies import Agency, ours
from tests.registry.conftest import Call, person_of, read, somsri

MANAGER = "case_manager"


async def a_case(registry: Running, **patient: Any) -> tuple[UUID, str]:
    person_id = await person_of(registry, await Call(registry, patients=[somsri(**patient)]).received())
    return person_id, (await read(registry, f"/v1/persons/{person_id}", "supervisor"))["open_case_ids"][0]


async def given(registry: Running, case_id: str, days: int = 3, **changes: Any) -> str:
    body = {"kind": "home_repair", "what": "ทางลาดหน้าบ้าน", "due_on": str(local_day(now_utc()) + timedelta(days=days))}
    made = await ours(registry, "POST", f"/v1/cases/{case_id}/tasks", {**body, **changes})
    assert made.status_code == 201, made.text
    task_id: str = made.json()["id"]
    return task_id


async def listed(agency: Agency, role: str = MANAGER, query: str = "", **claims: Any) -> list[dict[str, Any]]:
    answer = await agency.get(f"/v1/tasks{query}", role, **claims)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_an_agency_sees_the_tasks_it_was_given_and_of_whom_as_far_as_it_was_agreed(registry: Running) -> None:
    fund, other = await Agency(registry, kind="fund").known(), await Agency(registry).known()
    person_id, case_id = await a_case(registry)
    task = await given(registry, case_id, agency_id=str(fund.id))
    late = await given(registry, case_id, days=-1, agency_id=str(fund.id))
    theirs = await given(registry, case_id, agency_id=str(other.id))
    await given(registry, case_id, assignee_id=str(uuid4()))
    for role in CARE:
        items = await listed(fund, role)
        assert [(one["id"], one["what"], one["case_id"]) for one in items] == [
            (task, "ทางลาดหน้าบ้าน", case_id), (late, "ทางลาดหน้าบ้าน", case_id)], role  # fmt: skip
        assert [one["person_id"] for one in items] == [None, None], "nothing is agreed upon"
        assert [one["id"] for one in await listed(fund, role, "?overdue=true")] == [late]
        assert [one["id"] for one in await listed(fund, role, "?mine=true")] == [task, late]
        assert [one["id"] for one in await listed(other, role)] == [theirs]
        assert await listed(fund, role, areas=["trat"]) == []
        assert await listed(fund, role, places=[f"{AREA}:rimpao"]) == [], "held to where the person does not live"
    assert problem_of(await fund.get("/v1/tasks", "dispatcher"))["code"] == "forbidden"
    assert await listed(fund, "crew", crew_id=str(uuid4())) == [], "an agency's crew has its own alone"
    narrowed = await fund.get(f"/v1/tasks?area_code={AREA}", MANAGER)
    assert problem_of(narrowed)["code"] == "not_by_place", "asking place by place would tell where they live"
    await fund.agreement()
    assert [one["person_id"] for one in await listed(fund)] == [str(person_id)] * 2
    assert [one["person_id"] for one in await listed(fund, purpose="case_work")] == [None] * 2, "not agreed upon"
    assert [one["person_id"] for one in (await read(registry, "/v1/tasks", MANAGER))["items"]] == [None] * 4
    await registry.sql("update case_file set protected = true")
    assert [one["person_id"] for one in await listed(fund)] == [None] * 2, "of what is protected the task alone"
    await registry.sql("update person set disclosure = 'secret'")
    assert await listed(fund) == []


async def test_an_agency_ends_its_own_tasks_and_the_municipality_sees_how(registry: Running) -> None:
    fund, other = await Agency(registry, kind="fund").known(), await Agency(registry).known()
    _, case_id = await a_case(registry)
    task = await given(registry, case_id, agency_id=str(fund.id))
    plain = await given(registry, case_id, assignee_id=str(uuid4()))
    body = {"outcome": "declined", "note": "งบปีนี้หมดแล้ว"}
    for role in CARE:
        for agency, of in ((other, task), (fund, plain), (other, plain)):
            answer = await agency.post(f"/v1/tasks/{of}/done", body, role)
            assert answer.status_code == 404, (role, "what it was not given is not there for it")
        away = await fund.post(f"/v1/tasks/{task}/done", body, role, areas=["trat"])
        assert away.status_code == 404, role
    for role in DESK - CARE:
        assert problem_of(await fund.post(f"/v1/tasks/{task}/done", body, role))["code"] == "forbidden"
    assert (await fund.post(f"/v1/tasks/{task}/done", body)).status_code == 204
    assert problem_of(await fund.post(f"/v1/tasks/{task}/done", body))["code"] == "task_done"
    [done] = [one for one in (await read(registry, f"/v1/cases/{case_id}/tasks", MANAGER))["items"] if one["done_at"]]
    assert (done["outcome"]["code"], done["note"], done["done_by"]) == (
        "declined", "งบปีนี้หมดแล้ว", "person:hospital-case_manager")  # fmt: skip
    [row] = await registry.sql("select detail from audit where act = 'end' and subject_id = $1", UUID(task))
    assert row["detail"]["agency_id"] == str(fund.id)
    assert await listed(fund) == []
    hidden = await given(registry, case_id, agency_id=str(fund.id))
    await registry.sql("update person set disclosure = 'secret'")
    assert (await fund.post(f"/v1/tasks/{hidden}/done", body)).status_code == 404, "who is secret is like nobody"


async def test_a_cases_tasks_and_team_are_an_agencys_where_an_agreement_opens_the_case(registry: Running) -> None:
    hospital = await Agency(registry).known()
    _, case_id = await a_case(registry)
    await given(registry, case_id, agency_id=str(hospital.id))
    await given(registry, case_id, assignee_id=str(uuid4()))
    at = f"/v1/cases/{case_id}"
    nurse = str(uuid4())
    asked = {"crew_id": nurse, "agency_id": str(hospital.id)}
    member = (await ours(registry, "POST", f"{at}/team", asked)).json()["id"]
    own = (await ours(registry, "POST", f"{at}/team", {"crew_id": str(uuid4())})).json()["id"]
    for what in ("tasks", "team"):
        assert problem_of(await hospital.get(f"{at}/{what}"))["code"] == "no_ground"
    await hospital.agreement(field_class="shared")
    assert problem_of(await hospital.get(f"{at}/tasks"))["code"] == "no_ground", "what a case holds is about health"
    await hospital.agreement()
    for what in ("tasks", "team"):
        assert len((await hospital.get(f"{at}/{what}")).json()["items"]) == 2, "who works together sees who does what"
        assert problem_of(await hospital.get(f"{at}/{what}", purpose=""))["code"] == "purpose_missing"
    foreign = await hospital.post(f"/v1/team/{own}/answer", {"answer": "accepted"})
    assert foreign.status_code == 404, "for others it does not answer"
    assert (await hospital.post(f"/v1/team/{member}/answer", {"answer": "accepted"})).status_code == 204
    await registry.sql("update case_file set protected = true")
    for what in ("tasks", "team"):
        assert (await hospital.get(f"{at}/{what}")).status_code == 404
    await hospital.agreement(field_class="secret")
    assert (await hospital.get(f"{at}/tasks")).status_code == 200
    assert problem_of(await hospital.post(f"{at}/tasks", {}))["code"] == "not_for_agencies"


async def test_whom_an_agency_has_named_is_told_of_what_it_is_given(registry: Running) -> None:
    fund = await Agency(registry, kind="fund").known()
    _, case_id = await a_case(registry)
    at, today = f"/v1/agencies/{fund.id}/coordinators", local_day(now_utc())
    here, left, later, officer, gone, crew = (new_id() for _ in range(6))
    whom = {"name": "ประยูร ทองคำ", "phone": "081 999 0001", "from_on": "2026-01-01"}
    for one, changes in (
        (here, {}), (left, {"until_on": str(today - timedelta(days=1))}), (later, {"from_on": str(today + timedelta(days=1))}),
        (officer, {"duty": "privacy_officer"}), (gone, {}), (gone, {"until_on": str(today - timedelta(days=1))}),
        (new_id(), {"crew_id": str(crew)}),
    ):  # fmt: skip
        answer = await registry.client.put(f"{at}/{one}", json={**whom, **changes}, headers=bearer("supervisor"))
        assert answer.status_code == 204, answer.text
    await given(registry, case_id, days=-1, agency_id=str(fund.id))
    await ours(registry, "POST", f"/v1/cases/{case_id}/team", {"crew_id": str(uuid4()), "agency_id": str(fund.id)})
    await given(registry, case_id, assignee_id=str(uuid4()))
    assert await registry.runtime.due.do_one()
    told = [str(here), str(crew)]
    said = {noun: await registry.said(f"registry.{noun}") for noun in ("task.assigned", "task.overdue", "team.invited")}
    named = {noun: [sorted(row["data"]["private"]["coordinator_ids"]) for row in rows] for noun, rows in said.items()}
    assert named == {
        "task.assigned": [sorted(told), []], "task.overdue": [sorted(told)], "team.invited": [sorted(told)]}  # fmt: skip
    contacts = await registry.said("registry.coordinator")
    numbers = [
        (row["aggregate_id"], row["data"].get("private")) for row in contacts if row["type"].endswith("changed.v1")
    ]
    phone = {"phone": "+66819990001"}
    assert numbers == [(here, phone), (later, phone), (gone, None)], (
        "who has left is forgotten, and what was said of them"
    )
    assert [row["aggregate_id"] for row in contacts if row["type"].endswith("erased.v1")] == [gone]
    assert "+66819990001" not in str([row["open_data"] for row in contacts])


async def test_one_act_gives_one_task_to_several_with_one_last_day(registry: Running) -> None:
    agencies = [await Agency(registry, kind=kind).known() for kind in ("fund", "welfare", "hospital")]
    _, case_id = await a_case(registry)
    at, volunteer = f"/v1/cases/{case_id}/tasks", str(uuid4())
    to = [{"agency_id": str(one.id)} for one in (*agencies, agencies[0])] + [{"assignee_id": volunteer}]
    body = {"kind": "coordinate", "what": "จัดเตียงและรถเข็น", "due_on": str(local_day(now_utc())), "to": to}
    key = {**bearer("supervisor"), "idempotency-key": uuid4().hex}
    made, again = [(await registry.client.post(at, json=body, headers=key)).json() for _ in range(2)]
    assert (made, made["id"], len(made["ids"])) == (again, made["ids"][0], 4), (
        "named twice it is one task, pressed twice too"
    )
    alone = await given(registry, case_id, agency_id=str(agencies[0].id))
    shown = (await read(registry, at, MANAGER))["items"]
    together = {one["id"]: one["together_id"] for one in shown}
    assert together.pop(alone) is None
    assert set(together) == set(made["ids"])
    assert len(set(together.values())) == 1
    assert {(one["due_on"], one["what"]) for one in shown if one["id"] != alone} == {(body["due_on"], "จัดเตียงและรถเข็น")}
    assert [one["id"] for one in await listed(agencies[1])] == [made["ids"][1]]
    assert (await agencies[1].post(f"/v1/tasks/{made['ids'][1]}/done", {})).status_code == 204
    ended = {one["id"] for one in (await read(registry, at, MANAGER))["items"] if one["done_at"]}
    assert ended == {made["ids"][1]}, "each ends their own"
    assert len(await registry.said("registry.task.assigned")) == 5
    for wrong in ({"to": []}, {"to": [{}]}, {"agency_id": str(new_id())}, {"to": [{"agency_id": str(new_id())}] * 21}):
        answer = await ours(registry, "POST", at, {**body, **wrong})
        assert answer.status_code == 422, wrong


async def test_a_department_is_in_the_directory_and_its_tasks_carry_its_name(registry: Running) -> None:
    """Its people are the municipality's own: they share the one register, and find what their department was given."""
    social = await Agency(registry, kind="department").known(name_th="กองสวัสดิการสังคม")
    body = {"kind": "department", "name_th": "x", "areas": [AREA, "trat"], "from_on": "2026-01-01"}
    two = await registry.client.put(
        f"/v1/agencies/{new_id()}", json=body, headers=bearer("supervisor", areas=[AREA, "trat"])
    )
    assert problem_of(two)["errors"][0]["code"] == "department", two.text
    _, case_id = await a_case(registry)
    task = await given(registry, case_id, agency_id=str(social.id))
    await given(registry, case_id, assignee_id=str(uuid4()))
    found = (await read(registry, f"/v1/tasks?agency_id={social.id}", MANAGER))["items"]
    assert [one["id"] for one in found] == [task]
    assert (await read(registry, f"/v1/tasks?agency_id={new_id()}", MANAGER))["items"] == []
    for kind in ("local_government", "health_office", "agriculture"):
        await Agency(registry, kind=kind).known()
