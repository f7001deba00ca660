"""Who looked at whom, and why: every read leaves a row, and they who care for somebody see it."""

from __future__ import annotations

from services.registry.rules.access import ROUTES
from shared.auth import Role
from shared.work import new_id
from tests.harness import AREA, Running, bearer
from tests.registry.conftest import Call, add, person_of, read, search, somsri
from tests.registry.test_access import OTHERWISE, ask


async def test_who_cares_for_somebody_sees_who_looked_in_lists_and_records_and_of_which_agency(
    registry: Running,
) -> None:
    person_id, other = await add(registry, name="ยายมา ใจดี"), await add(registry, name="ตาสี ใจดี")
    await read(registry, f"/v1/persons/{person_id}", "dispatcher", purpose="emergency")
    await search(registry, "call_taker", ids=[str(person_id)])
    agency = new_id()
    await registry.sql(
        "insert into agency (id, kind, name_th, areas, from_on, changed_at) values ($1, 'hospital', 'รพ. ตัวอย่าง', $2, '2020-01-01', now())",
        agency, [AREA],
    )  # fmt: skip
    await registry.sql(
        "insert into audit (at, caller, role, act, noun, subject_id, detail, areas)"
        " values (now(), 'person:agent', 'case_manager', 'read', 'person', $1, jsonb_build_object('agency_id', $2::text), $3)",
        person_id, str(agency), [AREA],
    )  # fmt: skip
    looks = (await read(registry, f"/v1/persons/{person_id}/looks", "case_manager"))["items"]
    told = [(each["caller"], each["role"], each["act"], each["agency"] and each["agency"]["name_th"]) for each in looks]
    assert told[:3] == [
        ("person:agent", "case_manager", "read", "รพ. ตัวอย่าง"),
        ("person:test-call_taker", "call_taker", "search", None),
        ("person:test-dispatcher", "dispatcher", "read", None),
    ]
    assert looks[2]["purpose"] == "emergency"
    assert "read" not in {each["act"] for each in (await read(registry, f"/v1/persons/{other}/looks"))["items"]}
    again = (await read(registry, f"/v1/persons/{person_id}/looks", "case_manager"))["items"]
    assert again[0]["act"] == "read_looks", "who asks who looked has looked"


async def test_every_read_leaves_a_row_with_who_and_why(registry: Running) -> None:
    call = await Call(registry, patients=[somsri()]).received()
    person_id = await person_of(registry, call)
    case_id = (await read(registry, f"/v1/persons/{person_id}"))["open_case_ids"][0]
    before = (await registry.sql("select coalesce(max(id), 0) as id from audit"))[0]["id"]
    for route, rule in ROUTES.items():
        if rule.reads and Role.DISPATCHER in rule.roles and route not in OTHERWISE:
            answer = await ask(registry, route, bearer("dispatcher", purpose="emergency"), person_id, case_id)
            assert answer.status_code == 200, route
    rows = await registry.sql("select * from audit where id > $1 order by id", before)
    assert [(row["act"], row["noun"]) for row in rows] == [
        ("search", "person"), ("read", "person"), ("read_history", "person"),
        ("read_matches", "person"), ("list_cases", "person"),
        ("read", "case"), ("ask_why", "person"), ("read_locations", "person"), ("near", "person"),
        ("read_community", "community"), ("search_community", "community"),
    ]  # fmt: skip
    assert {(row["caller"], row["role"], row["purpose"]) for row in rows} == {
        ("person:test-dispatcher", "dispatcher", "emergency")
    }
    assert rows[0]["subject_id"] == person_id
    assert "812345678" not in str([dict(row) for row in rows])


async def test_a_search_that_finds_nobody_is_written_down_too(registry: Running) -> None:
    await search(registry, name="ไม่มีใคร")
    (row,) = await registry.sql("select subject_id, detail from audit")
    assert row["subject_id"] is None
    assert row["detail"] == {"by": "name", "found": 0, "basis": "s24_4,s26_5a", "way": "own"}


async def test_auditors_read_who_looked_at_what(registry: Running) -> None:
    person_id = await add(registry, name="มานี")
    await read(registry, f"/v1/persons/{person_id}")
    page = await read(registry, f"/v1/audit?subject_id={person_id}", "auditor", purpose="audit")
    assert [row["act"] for row in page["items"]] == ["register", "read"]
