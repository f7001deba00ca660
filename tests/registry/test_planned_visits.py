"""Visits that are given to somebody: planned, read at the door, written by several phones, cancelled."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from shared.thai.dates import local_day
from shared.work import new_id, now_utc
from tests.harness import Running, bearer, problem_of
from tests.registry.conftest import GOES, Call, add, goes_to, history, person_of, read

CARE = "case_manager"
FIRST, SECOND, STRANGER = new_id(), new_id(), new_id()


async def give(registry: Running, person_id: UUID, **body: Any) -> Any:
    wanted = {"crew_ids": [str(FIRST), str(SECOND)], "due_on": str(local_day(now_utc())), **body}
    return await registry.client.post(f"/v1/persons/{person_id}/planned-visits", json=wanted, headers=bearer(CARE))


async def mine(registry: Running, crew_id: UUID, **claims: Any) -> list[dict[str, Any]]:
    body = await read(registry, "/v1/planned-visits/mine", "volunteer", crew_id=str(crew_id), **claims)
    items: list[dict[str, Any]] = body["items"]
    return items


async def write(
    registry: Running, visit_id: str, person_id: UUID, who: str, crew_id: UUID = FIRST, **fields: tuple[str, int]
) -> Any:
    told = {name: {"value": value, "base": base} for name, (value, base) in fields.items()}
    body = {"person_id": str(person_id), "fields": told}
    return await registry.client.put(
        f"/v1/visits/{visit_id}", json=body, headers=bearer("volunteer", subject=who, crew_id=str(crew_id))
    )


async def planned(registry: Running, query: str = "") -> list[str]:
    return [item["id"] for item in (await read(registry, f"/v1/planned-visits{query}", CARE))["items"]]


async def test_a_visit_is_given_read_at_the_door_and_written_by_two(registry: Running) -> None:
    person_id = await add(
        registry, name="บุญมี นาดี", phone="0812345699", mobility="stretcher",
        addresses={"current": {"area_code": "460101", "detail": "9 หมู่ 2"}},
    )  # fmt: skip
    home = {"lon": 103.5, "lat": 16.43, "method": "visit"}
    await registry.client.post(f"/v1/persons/{person_id}/locations", json=home, headers=bearer("registry_officer"))
    visit_id = str(new_id())
    for _ in range(2):  # sent twice it is one
        made = await give(registry, person_id, id=visit_id, forms=["barthel_adl"], what="ดูแผลกดทับ")
        assert made.status_code == 201, made.text
    [said] = await registry.said("registry.visit.planned")
    assert "ดูแผลกดทับ" not in str(dict(said))
    assert await mine(registry, STRANGER) == []
    assert await mine(registry, FIRST, areas=["trat"]) == [], "own area alone"
    [given] = await mine(registry, FIRST)
    assert (given["id"], given["what"], given["forms"]) == (visit_id, "ดูแผลกดทับ", ["barthel_adl"])
    person = given["person"]
    assert (person["name"], person["mobility"], person["contacts"][0]["phone"]) == (
        "บุญมี นาดี",
        "stretcher",
        "+66812345699",
    )
    assert (person["addresses"][0]["detail"], person["home"]["verified"]) == ("9 หมู่ 2", True)
    assert "groups" not in person
    rows = await registry.sql("select purpose, caller from audit where act = 'read_own_visits'")
    assert {row["purpose"] for row in rows} == {"care"}

    late = await give(registry, person_id, due_on=str(local_day(now_utc()) - timedelta(days=1)))
    assert (late.status_code, problem_of(late)["code"]) == (422, "past"), (
        "nobody is told to go until a day that is over"
    )
    nobody = str(UUID(int=0))
    assert (await give(registry, person_id, id=str(new_id()), crew_ids=[nobody])).status_code == 201
    assert (await read(registry, "/v1/planned-visits/mine", "volunteer"))["items"] == [], "who is no crew has none"
    await registry.sql("delete from planned_visit where crew_ids = array[$1::uuid]", UUID(nobody))
    key = {**bearer(CARE), "idempotency-key": "pressed-twice"}
    body = {"crew_ids": [str(STRANGER)], "due_on": str(local_day(now_utc()))}
    at = f"/v1/persons/{person_id}/planned-visits"
    twice = [await registry.client.post(at, json=body, headers=key) for _ in range(2)]
    assert twice[0].json() == twice[1].json()
    [once] = await mine(registry, STRANGER)
    await registry.client.post(f"/v1/planned-visits/{once['id']}/cancel", headers=bearer(CARE))

    other = await add(registry, name="คนอื่น")
    await goes_to(registry, other)
    assert problem_of(await write(registry, visit_id, other, "v1", UUID(GOES), note=("x", 0)))["code"] == "other_visit"
    stranger = await write(registry, visit_id, person_id, "v3", new_id(), result=("as_told", 0))
    assert stranger.status_code == 404, "nobody ends a visit to whom it was not given"
    await goes_to(registry, person_id)
    carer = await write(registry, visit_id, person_id, "v3", UUID(GOES), result=("as_told", 0))
    assert problem_of(carer)["code"] == "other_visit", "nor who goes there for something else"
    assert (await write(registry, visit_id, person_id, "v1", note=("แผลดีขึ้น", 0))).status_code == 200
    assert await planned(registry, "?state=planned") == [visit_id], "a visit without a result is not done yet"
    said = await write(registry, visit_id, person_id, "v2", note=("แผลแย่ลง", 0), result=("as_told", 0))
    assert said.json()["disputed"]
    assert await planned(registry, "?state=done") == await planned(registry, "?state=disputed") == [visit_id]
    body = await read(registry, "/v1/planned-visits/mine", "volunteer", crew_id=str(SECOND), subject="v2")
    [own] = body["items"]
    assert (own["own"], own["disputed"]) == ({"result": {"version": 1, "value": "as_told"}}, ["note"])
    assert "แผลดีขึ้น" not in str(body), "what the other wrote stays with the officer"
    assert problem_of(await cancel(registry, visit_id))["code"] == "visited"


async def cancel(registry: Running, plan_id: str) -> Any:
    return await registry.client.post(f"/v1/planned-visits/{plan_id}/cancel", json={}, headers=bearer(CARE))


async def test_lists_by_day_area_person_and_visitor_and_nobody_secret(registry: Running) -> None:
    here = await add(registry, addresses={"current": {"area_code": "460101"}})
    there = await add(registry, addresses={"current": {"area_code": "460201"}})
    today = local_day(now_utc())
    one = (await give(registry, here, crew_ids=[str(FIRST)])).json()["id"]
    two = (await give(registry, there, crew_ids=[str(SECOND)], due_on=str(today + timedelta(days=20)))).json()["id"]
    cases = {
        "": [one, two], f"?to={today}": [one], "?area_code=4602": [two], f"?crew_id={SECOND}": [two],
        f"?person_id={here}": [one], "?limit=1": [one], f"?cursor={one}": [two], "?state=cancelled": [],
    }  # fmt: skip
    for query, expected in cases.items():
        assert await planned(registry, query) == expected, query
    assert await mine(registry, SECOND) == [], "no more of anybody than is needed soon"
    assert (await cancel(registry, two)).status_code == (await cancel(registry, two)).status_code == 204
    assert await planned(registry, "?state=cancelled") == [two]
    wrong = await give(registry, here, forms=["nothing"])
    assert problem_of(wrong)["errors"][0]["field"] == "forms.0"
    assert problem_of(await give(registry, there, id=one))["code"] == "other_visit"
    assert problem_of(await give(registry, here, id=str(here)))["code"] == "other_visit", "an id of something else"
    await registry.sql("update person set disclosure = 'secret' where id = $1", here)
    assert (await mine(registry, FIRST), await planned(registry, "?state=planned")) == ([], [])
    assert problem_of(await give(registry, here))["code"] == "secret"
    await registry.client.post(f"/v1/persons/{there}/erase", json={}, headers=bearer("supervisor"))
    assert await registry.sql("select 1 from planned_visit where person_id = $1", there) == []


async def test_who_was_to_go_is_told_once_that_a_visit_is_cancelled_and_who_cancelled_it_is_named(
    registry: Running,
) -> None:
    person_id = await add(registry)
    for who, named in ((SECOND, SECOND), (STRANGER, None)):
        visit_id = (await give(registry, person_id)).json()["id"]
        for _ in range(2):
            at = f"/v1/planned-visits/{visit_id}/cancel"
            await registry.client.post(at, json={}, headers=bearer(CARE, crew_id=str(who)))
        [said] = [
            row for row in await registry.said("registry.visit.cancelled") if row["aggregate_id"] == UUID(visit_id)
        ]
        data = said["data"]
        assert data["crew_ids"] == [str(FIRST), str(SECOND)]
        assert (data["by_crew_id"], data["due_on"]) == (named and str(named), str(local_day(now_utc())))
    lines = [line["type"] for line in await history(registry, person_id)]
    assert lines.count("registry.visit.cancelled.v1") == 2


async def test_who_has_died_is_visited_no_more_and_whoever_was_to_go_hears_it(registry: Running) -> None:
    person_id = await add(registry)
    for outcome, left in (("normal", 1), ("died", 0)):
        visit_id = (await give(registry, person_id)).json()["id"]
        opened = await registry.client.post("/v1/cases", json={"person_id": str(person_id)}, headers=bearer(CARE))
        close = f"/v1/cases/{opened.json()['id']}/close"
        closed = await registry.client.post(close, json={"outcome": outcome}, headers=bearer(CARE))
        assert closed.status_code == 200
        assert len(await planned(registry, "?state=planned")) == left, outcome
        assert (visit_id in await planned(registry, "?state=cancelled")) is (left == 0)
    said = await registry.said("registry.visit.cancelled")
    assert [row["data"]["crew_ids"] for row in said] == [[str(FIRST), str(SECOND)]] * 2


async def test_a_visit_that_is_to_be_made_stands_in_the_history_and_outlives_the_call(registry: Running) -> None:
    call = await Call(registry, patients=[{"name": "มะลิ"}]).received()
    person_id = await person_of(registry, call)
    await give(registry, person_id)
    lines = [line["type"] for line in await history(registry, person_id)]
    assert lines.count("registry.visit.planned.v1") == 1
    await call.erased()
    assert await registry.sql("select 1 from person where id = $1 and erased_at is null", person_id)
    assert len(await mine(registry, FIRST)) == 1


async def test_a_phone_is_answered_with_as_many_statements_for_many_visits_as_for_one(
    registry: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    for name in ("fetch", "fetchrow", "fetchval"):
        true = getattr(asyncpg.Pool, name)

        def counted(pool: Any, text: str, *values: Any, true: Any = true, **more: Any) -> Any:
            asked.append(text)
            return true(pool, text, *values, **more)

        monkeypatch.setattr(asyncpg.Pool, name, counted)
    goes, people = new_id(), [await add(registry, name=f"ผู้รับการเยี่ยม {n}", phone=f"081234570{n}") for n in range(4)]
    link = {"survivor_id": str(people[0])}
    await registry.client.post(f"/v1/persons/{people[3]}/link", json=link, headers=bearer("registry_officer"))
    counts = []
    for person_id in people[:3]:
        home = {"lon": 103.5, "lat": 16.43}
        await registry.client.post(f"/v1/persons/{person_id}/locations", json=home, headers=bearer("registry_officer"))
        assert (await give(registry, person_id, crew_ids=[str(goes)])).status_code == 201
        asked.clear()
        shown = await mine(registry, goes)
        counts.append(len(asked))
    assert counts == [counts[0]] * 3
    assert counts[0] >= 4, "they are counted"
    told = {one["person"]["id"]: one["person"] for one in shown}
    assert [told[str(one)]["name"] for one in people[:3]] == [f"ผู้รับการเยี่ยม {n}" for n in range(3)]
    phones = [{each["phone"] for each in told[str(one)]["contacts"]} for one in people[:3]]
    assert phones == [{"+66812345700", "+66812345703"}, {"+66812345701"}, {"+66812345702"}], "of linked records as well"
    assert all(told[str(one)]["home"] == {"lon": 103.5, "lat": 16.43, "verified": False} for one in people[:3])
