"""Every list of people's matters is narrowed to who lives in a tambon, a village or a community; rights stay as they are."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from shared.thai.dates import local_day
from shared.work import now_utc
from tests.harness import Running, bearer, problem_of
from tests.registry.conftest import OFFICER, Call, add, person_of, read
from tests.registry.test_visits_and_needs import answers_with, visit

CARE = "case_manager"
TREE = [
    {"code": "kalasin", "kind": "municipality", "th": "เทศบาลเมืองกาฬสินธุ์", "en": "Kalasin Town", "parents": ["4601"]},
    {"code": "kalasin:rimpao", "kind": "community", "th": "ชุมชนริมน้ำปาว", "en": "Rim Nam Pao", "parents": ["kalasin"]},
    {"code": "46010103", "kind": "village", "th": "บ้านหนองบัว", "parents": ["kalasin"]},
]
HERE, THERE = "46010103", "kalasin:rimpao"
NAMES = {HERE: "นางสมศรี ใจดี", THERE: "นายปิติ ชูใจ"}


async def send(registry: Running, method: str, path: str, role: str = CARE, **body: Any) -> Any:
    claims = body.pop("claims", {})
    answer = await registry.client.request(method, path, json=body, headers=bearer(role, **claims))
    assert answer.status_code < 300, answer.text
    return answer.json() if answer.content else None


async def lived(registry: Running, code: str) -> dict[str, str]:
    """Somebody who lives there, and all that waits on the lists for them: list → the id by which it is known."""
    name = NAMES[code]
    patient = {"name": name, "age": 76, "sex": "female"}
    call = await Call(registry, patients=[patient]).received()
    person_id = await person_of(registry, call)
    lives = {"addresses": {"current": {"area_code": code}}}
    await send(registry, "PATCH", f"/v1/persons/{person_id}", OFFICER, **lives)
    at = f"/v1/persons/{person_id}"
    case_id = (await read(registry, at))["open_case_ids"][0]
    due = (local_day(now_utc()) + timedelta(days=2)).isoformat()
    task = await send(
        registry, "POST", f"/v1/cases/{case_id}/tasks", kind="visit", due_on=due, assignee_id=str(uuid4())
    )
    visited = uuid4()
    for who in ("v1", "v2"):
        await visit(registry, visited, person_id, who, CARE, fields={"note": (who, 0)})
    sheet = {"instrument": "barthel_adl", "answers": answers_with(3)}
    await send(registry, "POST", f"{at}/assessments", **sheet)
    await Call(registry, area="trat", patients=[patient], caller=call.caller).received()
    correction = await send(
        registry, "POST", f"{at}/corrections", change={"mobility": "stretcher"}, claims={"areas": ["trat"]}
    )
    review = await send(registry, "POST", "/v1/reviews", case_id=case_id, title="ถึงช้า")
    of_call = await send(registry, "POST", "/v1/reviews", call_id=str(call.id), title="ทั้งการแจ้ง")
    group = uuid4()
    await send(registry, "PUT", f"/v1/care-groups/{group}", name="กลุ่ม", person_ids=[str(person_id)])
    return {
        "person": str(person_id), "task": task["id"], "visit": str(visited), "correction": correction["id"],
        "review": review["id"], "of_call": of_call["id"], "group": str(group), "case": case_id,
    }  # fmt: skip


Ids = Callable[[dict[str, Any]], set[str]]


def ids(body: dict[str, Any]) -> set[str]:
    return {one["id"] for one in body["items"]}


def people(body: dict[str, Any]) -> set[str]:
    return {one["person_id"] for one in body["items"]}


LISTS: list[tuple[str, Ids, tuple[str, ...]]] = [
    ("/v1/cases?", ids, ("case",)),
    ("/v1/tasks?", ids, ("task",)),
    ("/v1/visits?", ids, ("visit",)),
    ("/v1/corrections?", ids, ("correction",)),
    ("/v1/group-proposals?", people, ("person",)),
    ("/v1/reviews?", ids, ("review", "of_call")),
    ("/v1/care-groups?", ids, ("group",)),
]


async def test_every_list_knows_who_lives_in_a_place(registry: Running) -> None:
    await send(registry, "POST", "/v1/areas/import", OFFICER, rows=TREE)
    here, there = await lived(registry, HERE), await lived(registry, THERE)
    for path, of, kinds in LISTS:
        theirs, others = {here[kind] for kind in kinds}, {there[kind] for kind in kinds}
        for code, wanted in ((HERE, theirs), (THERE, others), ("kalasin", theirs | others), ("4601", theirs | others),
                             ("460101", theirs), ("90", set[str]())):  # fmt: skip
            assert of(await read(registry, f"{path}area_code={code}", CARE)) == wanted, (path, code)
        unknown = await registry.client.get(f"{path}area_code=kalasin:none", headers=bearer(CARE))
        assert (unknown.status_code, problem_of(unknown)["code"]) == (422, "area_unknown"), path
        assert of(await read(registry, f"{path}area_code={HERE}", CARE, areas=["songkhla"])) == set(), (
            "it opens nothing"
        )
    asked = await registry.sql(
        "select act from audit where detail->>'area_code' = $1 and role = $2", THERE, CARE
    )  # fmt: skip
    assert {row["act"] for row in asked} == {
        "list_cases_of_area", "find_tasks", "list_disputed", "read_corrections", "list_proposals", "list", "read_groups",
    }  # fmt: skip


async def test_pairs_and_links_are_narrowed_by_where_either_record_says_they_live(registry: Running) -> None:
    await send(registry, "POST", "/v1/areas/import", OFFICER, rows=TREE)
    one = await add(registry, name=NAMES[HERE], phone="0812345678", birth_year=1950,
                    addresses={"current": {"area_code": HERE}})  # fmt: skip
    other = await add(registry, name="นางสมสี ใจดี", phone="0812345678", birth_year=1950)
    [pair] = (await read(registry, "/v1/duplicates"))["items"]
    for code, wanted in ((HERE, {pair["id"]}), ("4601", {pair["id"]}), (THERE, set())):
        assert ids(await read(registry, f"/v1/duplicates?area_code={code}")) == wanted, code
    await send(registry, "POST", f"/v1/persons/{other}/link", OFFICER, survivor_id=str(one))
    [link] = (await read(registry, "/v1/links"))["items"]
    for code, wanted in ((HERE, {link["id"]}), (THERE, set())):
        assert ids(await read(registry, f"/v1/links?area_code={code}")) == wanted, code


async def test_a_pair_is_narrowed_by_what_any_record_of_the_person_says_of_where_they_live(registry: Running) -> None:
    await send(registry, "POST", "/v1/areas/import", OFFICER, rows=TREE)
    home = await add(registry, name="ยายแก้ว", birth_year=1931, addresses={"current": {"area_code": HERE}})
    one = await add(registry, name=NAMES[HERE], phone="0812345678", birth_year=1950)
    await add(registry, name="นางสมสี ใจดี", phone="0812345678", birth_year=1950)
    [pair] = (await read(registry, "/v1/duplicates"))["items"]
    assert ids(await read(registry, f"/v1/duplicates?area_code={HERE}")) == set()
    for linked, survivor in ((one, home), (home, one)):
        await send(registry, "POST", f"/v1/persons/{linked}/link", OFFICER, survivor_id=str(survivor))
        assert ids(await read(registry, f"/v1/duplicates?area_code={HERE}")) == {pair["id"]}
        await send(registry, "POST", f"/v1/persons/{linked}/unlink", OFFICER)


async def test_a_group_is_not_found_by_where_a_secret_person_lives(registry: Running) -> None:
    await send(registry, "POST", "/v1/areas/import", OFFICER, rows=TREE)
    here = await lived(registry, HERE)
    await registry.sql("update person set disclosure = 'secret' where id = $1", UUID(here["person"]))
    for path, of, _ in LISTS:
        assert of(await read(registry, f"{path}area_code={HERE}", CARE)) == set(), path


@pytest.mark.parametrize("role", ["volunteer", "crew"])
async def test_whoever_is_sent_cannot_ask_place_after_place_where_somebody_lives(registry: Running, role: str) -> None:
    await send(registry, "POST", "/v1/areas/import", OFFICER, rows=TREE)
    here = await lived(registry, HERE)
    mine = uuid4()
    await registry.sql("update task set assignee_id = $1 where id = $2", mine, UUID(here["task"]))
    own = await read(registry, "/v1/tasks", role, crew_id=str(mine))
    assert ids(own) == {here["task"]}
    asked = await registry.client.get(f"/v1/tasks?area_code={HERE}", headers=bearer(role, crew_id=str(mine)))
    assert (asked.status_code, problem_of(asked)["code"]) == (403, "not_by_place")


@pytest.mark.parametrize("role", ["volunteer", "crew"])
async def test_whoever_is_sent_sees_and_writes_in_their_own_area_alone(registry: Running, role: str) -> None:
    """To whom they are sent, in their municipalities; of everybody else nothing, and no list of people at all."""
    person_id = await add(registry, name=NAMES[THERE])
    mine, elsewhere = str(uuid4()), ["trat"]
    due = local_day(now_utc()).isoformat()
    at = f"/v1/persons/{person_id}"
    await send(registry, "POST", f"{at}/planned-visits", crew_ids=[mine], due_on=due)
    seen = await read(registry, "/v1/planned-visits/mine", role, crew_id=mine)
    assert [one["person"]["id"] for one in seen["items"]] == [str(person_id)]
    for claims in ({"crew_id": mine, "areas": elsewhere}, {"crew_id": str(uuid4())}):
        for path in ("/v1/planned-visits/mine", "/v1/tasks", "/v1/team/mine"):
            assert (await read(registry, path, role, **claims))["items"] == [], (path, claims)
    writes: list[tuple[str, str, dict[str, Any]]] = [
        ("PUT", f"/v1/visits/{uuid4()}", {"person_id": str(person_id), "fields": {}}),
        ("POST", f"{at}/needs", {"need": "carer"}),
        ("POST", f"{at}/assessments", {"instrument": "barthel_adl", "answers": answers_with(3)}),
        ("POST", f"{at}/locations", {"lon": 103.5, "lat": 16.4}),
    ]
    near, nobody = bearer(role, crew_id=mine), bearer(role, crew_id=str(uuid4()))
    for method, path, body in writes:
        for stranger in (bearer(role, crew_id=mine, areas=elsewhere), nobody, bearer(role)):
            answer = await registry.client.request(method, path, json=body, headers=stranger)
            assert answer.status_code == 404, (path, answer.text)
        answer = await registry.client.request(method, path, json=body, headers=near)
        assert answer.status_code in {200, 201}, (path, answer.text)
    for path in (at, f"{at}/visits", f"{at}/history", "/v1/cases?area=kalasin", "/v1/planned-visits", "/v1/visits",
                 "/v1/care-groups", "/v1/gaps/people?group=bedridden&gap=no_phone", "/v1/community"):  # fmt: skip
        assert (await registry.client.get(path, headers=near)).status_code == 403, path
    searched = await registry.client.post("/v1/persons/search", json={"name": "ปิติ"}, headers=near)
    assert searched.status_code == 403
