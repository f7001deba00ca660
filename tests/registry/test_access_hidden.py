"""Whom nobody sees: another municipality's people, protected matters, the secret."""

from __future__ import annotations

from uuid import UUID

from services.registry.rules.access import CARE, DESK, ROUTES
from tests.harness import AREA, Running, bearer, problem_of
from tests.registry.conftest import Call, add, cid, history, person_of, read, search, somsri
from tests.registry.test_access import ask


async def test_another_municipalitys_people_do_not_exist(registry: Running) -> None:
    call = await Call(registry, patients=[somsri()]).received()
    person_id = await person_of(registry, call)
    case_id = (await read(registry, f"/v1/persons/{person_id}"))["open_case_ids"][0]
    foreign = bearer("registry_officer", areas=["songkhla"])
    for route in (r for r in ROUTES if "{person_id}" in r or "case" in r):
        answer = await ask(registry, route, foreign, person_id, case_id)
        assert answer.status_code == 404, (route, answer.text)
    found = await registry.client.post("/v1/persons/search", json={"phone": "0812345678"}, headers=foreign)
    assert found.json()["items"] == []


async def test_a_person_called_for_in_two_municipalities_is_known_in_both_each_with_its_own_lines(
    registry: Running,
) -> None:
    home = await Call(registry, patients=[somsri()]).received()
    away = await Call(registry, patients=[somsri()], area="songkhla").received()
    person_id = await person_of(registry, home)
    assert await person_of(registry, away) == person_id
    lines = await history(registry, person_id, areas=["songkhla"])
    assert {line["call_id"] for line in lines} == {str(away.id)}
    assert len(await history(registry, person_id, areas=["*"])) == len(lines) + len(await history(registry, person_id))


async def test_protected_matters_are_shown_to_the_three_roles_alone(registry: Running) -> None:
    plain = await Call(registry, patients=[somsri()]).received()
    hidden = await Call(registry, patients=[somsri(groups=["psychiatric"])], protected=True).received()
    barrier = await hidden.barrier("people")
    await hidden.stamps(await hidden.trip())
    person_id = await person_of(registry, plain)
    assert await person_of(registry, hidden) == person_id
    for role in DESK:
        lines = await history(registry, person_id, role)
        person = await read(registry, f"/v1/persons/{person_id}", role)
        cases = (await read(registry, f"/v1/cases?person_id={person_id}", role))["items"]
        seen = (str(hidden.id) in str(lines), len(person["groups"]), len(person["barriers"]), len(cases))
        assert seen == ((True, 1, 1, 2) if role in CARE else (False, 0, 0, 1)), role
        case = next(case for case in cases if case["protected"]) if role in CARE else None
        if case is None:
            rows = await registry.sql("select id from case_file where protected")
            answer = await registry.client.get(f"/v1/cases/{rows[0]['id']}", headers=bearer(role))
            assert answer.status_code == 404
    opened = [row["open_data"] for row in await registry.said() if row["correlation_id"] == hidden.id]
    assert opened
    assert all(data == {} for data in opened), "only id and time of what grows from a protected call"
    assert barrier


async def test_what_becomes_protected_is_hidden_from_its_first_line(registry: Running) -> None:
    call = await Call(registry, patients=[somsri()]).received()
    person_id = await person_of(registry, call)
    await call.trip()
    call.protected = True
    await call.updated()
    assert str(call.id) not in str(await history(registry, person_id, "dispatcher"))
    case = (await read(registry, f"/v1/cases?person_id={person_id}", "dispatcher"))["items"][0]
    assert (case["call_ids"], case["opened_call_id"]) == ([], None)
    assert len(await history(registry, person_id, "case_manager")) > 4


async def test_a_protected_line_is_hidden_before_its_call_is_known_to_be(registry: Running) -> None:
    call = await Call(registry, patients=[somsri()]).received()
    person_id = await person_of(registry, call)
    call.protected = True
    await call.trip()
    for role, count in (("dispatcher", 0), ("supervisor", 1)):
        lines = [line["type"] for line in await history(registry, person_id, role)]
        assert lines.count("dispatch.trip.requested.v1") == count


async def test_a_secret_person_is_found_by_nobody_and_read_by_the_three_roles(registry: Running) -> None:
    call = await Call(registry, patients=[somsri(groups=["violence"])], caller={"phone": "+66812345678"}).received()
    person_id = await person_of(registry, call)
    for role in DESK:
        for sought in ({"phone": "0812345678"}, {"national_id": cid(1)}, {"name": "สมศรี"}, {"ids": [str(person_id)]}):
            assert await search(registry, role, **sought) == []
        answer = await registry.client.get(f"/v1/persons/{person_id}", headers=bearer(role))
        assert answer.status_code == (200 if role in CARE else 404)
    assert all(row["open_data"] == {} for row in await registry.said() if row["type"].startswith("registry.person"))
    again = await registry.client.post("/v1/persons", json={"national_id": cid(1)}, headers=bearer("call_taker"))
    assert problem_of(again)["code"] == "person_exists"
    assert "person_id" not in again.json()


async def test_a_refused_registration_does_not_tell_the_secret_from_another_municipality_s(registry: Running) -> None:
    """Whose number it is stands in the audit, for both municipalities, and in no answer."""
    secret = await person_of(registry, await Call(registry, patients=[somsri(groups=["violence"])]).received())
    elsewhere = await registry.client.post(
        "/v1/persons", json={"national_id": cid(2)}, headers=bearer("registry_officer", areas=["trat"])
    )
    answers = []
    for number in (cid(1), cid(2)):
        answer = await registry.client.post(
            "/v1/persons", json={"national_id": number}, headers=bearer("call_taker", purpose="emergency")
        )
        answers.append({name: value for name, value in problem_of(answer).items() if name != "trace_id"})
    assert answers[0] == answers[1]
    assert "person_id" not in answers[0]
    rows = await registry.sql("select * from audit where act = 'register_refused' order by id")
    assert [row["subject_id"] for row in rows] == [secret, UUID(elsewhere.json()["id"])]
    assert {(row["caller"], row["purpose"]) for row in rows} == {("person:test-call_taker", "emergency")}
    assert set(rows[1]["areas"]) == {AREA, "trat"}


async def test_a_person_becomes_secret_with_the_group_that_is(registry: Running) -> None:
    plain = await Call(registry, patients=[somsri()]).received()
    person_id = await person_of(registry, plain)
    assert await search(registry, national_id=cid(1))
    hidden = await Call(registry, patients=[somsri(groups=["violence"])]).received()
    assert await person_of(registry, hidden) == person_id
    assert await search(registry, national_id=cid(1)) == []
    opened = [row["open_data"] for row in await registry.said() if row["correlation_id"] == hidden.id]
    assert len(opened) == 4, "joined, changed, matched, and a case of its own"
    assert all(data == {} for data in opened)


async def test_a_number_is_shown_in_full_to_registry_officers_alone(registry: Running) -> None:
    person_id = await add(registry, name="มานี", national_id=cid(5), identifiers=[
        {"kind": "passport", "value": "AB1234567", "issuer": "MM", "verified": True}])  # fmt: skip
    whole = await read(registry, f"/v1/persons/{person_id}")
    masked = await read(registry, f"/v1/persons/{person_id}", "call_taker")
    assert {one["value"] for one in whole["identifiers"]} == {cid(5), "AB1234567"}
    assert {one["value"] for one in masked["identifiers"]} == {f"x-xxxx-xxxxx-{cid(5)[10:12]}-{cid(5)[12]}", "…567"}
