"""Who may do what: every route by every role, with a purpose, in one's own area, and never what is protected."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.registry.app import SERVICE
from services.registry.rules.access import CARE, DESK, ROUTES
from shared.auth import Role
from shared.thai.dates import local_day
from shared.work import new_id, now_utc
from tests.harness import AREA, Running, bearer, problem_of
from tests.registry.conftest import Call, add, cid, goes_to, history, person_of, read, search, somsri

BODIES: dict[str, dict[str, Any]] = {
    "POST /v1/persons": {"name": "ใหม่"},
    "POST /v1/persons/alike": {"name": "ใหม่ มาก"},
    "POST /v1/persons/search": {"phone": "081 234 5678"},
    "POST /v1/cases": {"person_id": str(UUID(int=7))},
    "POST /v1/cases/{case_id}/close": {"outcome": "normal"},
    "POST /v1/duplicates/{pair_id}/review": {"decision": "distinct"},
    "PATCH /v1/persons/{person_id}": {"alias": "แดง"},
    "POST /v1/persons/{person_id}/contacts": {"phone": "0811111111"},
    "POST /v1/persons/{person_id}/contacts/{contact_id}/end": {"reason": "other"},
    "POST /v1/persons/{person_id}/contacts/{contact_id}/correct": {},
    "POST /v1/persons/{person_id}/identifiers": {"kind": "none"},
    "POST /v1/persons/{person_id}/identifiers/{identifier_id}/end": {"reason": "other"},
    "POST /v1/persons/{person_id}/identifiers/{identifier_id}/correct": {},
    "POST /v1/persons/{person_id}/groups": {"group": "elderly"},
    "POST /v1/persons/{person_id}/disclosure": {"wanted": "secret", "reason": "threat"},
    "POST /v1/disclosures/{request_id}/decide": {"approve": True},
    "POST /v1/areas/import": {"rows": [{"code": "46010101", "kind": "village", "th": "บ้านทดลอง"}]},
    "POST /v1/households": {},
    "POST /v1/households/{household_id}/groups": {"group": "poor_family"},
    "POST /v1/persons/{person_id}/locations": {"lon": 103.5, "lat": 16.4},
    "POST /v1/persons/near": {"point": {"lon": 103.5, "lat": 16.4}},
    "POST /v1/cases/{case_id}/tasks": {"kind": "visit", "assignee_id": str(new_id()), "due_on": ""},
    "POST /v1/tasks/{task_id}/done": {},
    "POST /v1/cases/{case_id}/team": {"crew_id": str(new_id())},
    "POST /v1/team/{member_id}/answer": {"answer": "accepted"},
    "POST /v1/care-groups/{group_id}/people": {"person_id": str(new_id())},
    "PUT /v1/care-groups/{group_id}": {"area": AREA, "name": "ดอนกลาง"},
    "POST /v1/persons/{person_id}/corrections": {"change": {"name": "x"}},
    "POST /v1/corrections/{correction_id}/decide": {"decision": "accepted"},
    "PUT /v1/reviews/{review_id}": {"version": 1, "whys": []},
    "POST /v1/reviews/{review_id}/approve": {"lesson": "x"},
    "POST /v1/reviews/{review_id}/actions": {"what": "x", "owner": "y", "due_on": ""},
    "POST /v1/review-actions/{action_id}/done": {"evidence": "x"},
    "POST /v1/persons/{person_id}/planned-visits": {"crew_ids": [str(new_id())], "due_on": ""},
    "POST /v1/visits/{visit_id}/decide": {"field": "note", "value_id": str(new_id())},
    "POST /v1/persons/{person_id}/assessments": {"instrument": "depression_2q", "answers": {"low": 0, "joyless": 1}},
    "POST /v1/group-proposals/{proposal_id}/decide": {"decision": "accepted"},
    "POST /v1/persons/{person_id}/needs": {"need": "carer", "urgency": 9},
    "POST /v1/needs/{need_id}/met": {"outcome": "given"},
    "PUT /v1/community/{entry_id}": {"area": AREA, "community": "ดอนกลาง", "kind": "boat"},
    "POST /v1/community/search": {"kind": "boat"},
    "POST /v1/imports": {
        "format": "karuna", "file": "0" * 64, "file_rows": 1, "first_row": 2, "columns": ["name"], "rows": [["x"]],
    },
    "POST /v1/imports/{run_id}/undo": {"reason": "wrong_file"},
    "POST /v1/locations/import": {"rows": [{"row": 1, "lon": 103.5, "lat": 16.4}]},
    "PUT /v1/agencies/{agency_id}": {"kind": "fund", "name_th": "x", "areas": [AREA], "from_on": "2026-01-01"},
    "PUT /v1/agencies/{agency_id}/coordinators/{coordinator_id}": {
        "name": "x", "phone": "0819990001", "from_on": "2026-01-01"},
    "POST /v1/agreements": {
        "area": AREA, "title_th": "x", "agency_ids": [str(UUID(int=7))], "areas": [AREA], "purposes": ["care"],
        "field_class": "shared", "bases": ["s24_4"], "from_on": "2026-01-01"},
    "POST /v1/agreements/{agreement_id}/end": {"reason": "over"},
    "POST /v1/persons/{person_id}/consents": {"purpose": "care"},
    "POST /v1/withdrawals/acknowledge": {"consent_ids": [str(UUID(int=7))]},
    "POST /v1/break-glass": {"person_id": "", "reason": "unconscious"},
    "POST /v1/break-glass/{glass_id}/review": {"finding": "justified"},
    "POST /v1/access/why": {"person_id": ""},
}  # fmt: skip
QUERIES = {
    "GET /v1/lessons/causes": f"?from=2026-01-01&to=2026-12-31&area={AREA}",
    "GET /v1/areas": "?name=กาฬสินธุ์",
    "GET /v1/cases": "?person_id={person_id}",
    "GET /v1/gaps": "?group=bedridden",
    "GET /v1/gaps/people": "?group=bedridden&gap=no_phone",
    "GET /v1/persons/{person_id}/as-known": "?at=2020-01-01T00:00:00Z",
    "GET /v1/reports/{kpi}": "?from=2026-01-01&to=2026-01-31",
}

# Written out a second time on purpose: changing the table alone must turn this red.
MAY = {
    "POST /v1/persons": "call_taker case_manager registry_officer supervisor",
    "POST /v1/persons/alike": "call_taker case_manager registry_officer supervisor",
    "POST /v1/persons/search": "call_taker dispatcher case_manager registry_officer supervisor",
    "GET /v1/persons/{person_id}": "call_taker dispatcher case_manager registry_officer supervisor",
    "GET /v1/persons/{person_id}/history": "call_taker dispatcher case_manager registry_officer supervisor",
    "GET /v1/persons/{person_id}/as-known": "case_manager registry_officer supervisor",
    "GET /v1/persons/{person_id}/looks": "case_manager registry_officer supervisor",
    "POST /v1/persons/{person_id}/erase": "registry_officer supervisor admin",
    "GET /v1/duplicates": "registry_officer supervisor",
    "GET /v1/links": "registry_officer supervisor",
    "POST /v1/duplicates/{pair_id}/review": "registry_officer supervisor",
    "POST /v1/persons/{person_id}/link": "registry_officer supervisor",
    "POST /v1/persons/{person_id}/unlink": "registry_officer supervisor",
    "GET /v1/matches": "registry_officer supervisor",
    "GET /v1/persons/{person_id}/matches": "call_taker dispatcher case_manager registry_officer supervisor",
    "GET /v1/matches/{match_id}": "registry_officer supervisor",
    "POST /v1/matches/{match_id}/confirm": "registry_officer supervisor",
    "POST /v1/matches/{match_id}/unmatch": "registry_officer supervisor",
    "PATCH /v1/persons/{person_id}": "case_manager registry_officer supervisor",
    "POST /v1/persons/{person_id}/contacts": "case_manager registry_officer supervisor",
    "POST /v1/persons/{person_id}/contacts/{contact_id}/end": "case_manager registry_officer supervisor",
    "POST /v1/persons/{person_id}/contacts/{contact_id}/correct": "case_manager registry_officer supervisor",
    "POST /v1/persons/{person_id}/identifiers": "case_manager registry_officer supervisor",
    "POST /v1/persons/{person_id}/identifiers/{identifier_id}/end": "case_manager registry_officer supervisor",
    "POST /v1/persons/{person_id}/identifiers/{identifier_id}/correct": "case_manager registry_officer supervisor",
    "POST /v1/persons/{person_id}/groups": "case_manager registry_officer supervisor",
    "POST /v1/persons/{person_id}/groups/{membership_id}/leave": "case_manager registry_officer supervisor",
    "POST /v1/persons/{person_id}/disclosure": "registry_officer",
    "GET /v1/disclosures": "registry_officer supervisor",
    "POST /v1/disclosures/{request_id}/decide": "supervisor",
    "POST /v1/households": "case_manager registry_officer supervisor",
    "GET /v1/households/{household_id}": "call_taker dispatcher case_manager registry_officer supervisor",
    "POST /v1/households/{household_id}/members": "case_manager registry_officer supervisor",
    "POST /v1/households/{household_id}/members/{person_id}/leave": "case_manager registry_officer supervisor",
    "POST /v1/households/{household_id}/groups": "case_manager registry_officer supervisor",
    "POST /v1/households/{household_id}/groups/{group_id}/leave": "case_manager registry_officer supervisor",
    "GET /v1/areas": " ".join(role for role in Role if role is not Role.PARTNER),
    "GET /v1/areas/{code}": " ".join(role for role in Role if role is not Role.PARTNER),
    "POST /v1/areas/import": "registry_officer supervisor admin",
    "GET /v1/cases": "call_taker dispatcher case_manager registry_officer supervisor",
    "GET /v1/cases/{case_id}": "call_taker dispatcher case_manager registry_officer supervisor",
    "POST /v1/cases": "case_manager registry_officer supervisor",
    "POST /v1/cases/{case_id}/close": "case_manager registry_officer supervisor",
    "PUT /v1/agencies/{agency_id}": "supervisor admin",
    "GET /v1/agencies": "call_taker dispatcher case_manager registry_officer supervisor admin",
    "PUT /v1/agencies/{agency_id}/coordinators/{coordinator_id}": "supervisor admin",
    "POST /v1/agreements": "supervisor admin",
    "GET /v1/agreements": "case_manager registry_officer supervisor auditor admin",
    "GET /v1/agreements/{agreement_id}": "case_manager registry_officer supervisor auditor admin",
    "GET /v1/agreements/{agreement_id}/effect": "case_manager registry_officer supervisor auditor admin",
    "POST /v1/agreements/{agreement_id}/sign": "supervisor",
    "POST /v1/agreements/{agreement_id}/end": "supervisor",
    "POST /v1/access/why": "call_taker dispatcher case_manager registry_officer supervisor",
    "POST /v1/persons/{person_id}/consents": "case_manager registry_officer supervisor",
    "GET /v1/persons/{person_id}/consents": "case_manager registry_officer supervisor",
    "POST /v1/consents/{consent_id}/withdraw": "case_manager registry_officer supervisor",
    "GET /v1/withdrawals": "case_manager registry_officer supervisor",
    "POST /v1/withdrawals/acknowledge": "case_manager registry_officer supervisor",
    "POST /v1/break-glass": "call_taker dispatcher case_manager registry_officer supervisor",
    "GET /v1/break-glass": "supervisor",
    "POST /v1/break-glass/{glass_id}/review": "supervisor",
    "POST /v1/persons/{person_id}/locations": "case_manager registry_officer supervisor volunteer crew",
    "GET /v1/persons/{person_id}/locations": "call_taker dispatcher case_manager registry_officer supervisor",
    "POST /v1/persons/near": "dispatcher case_manager registry_officer supervisor",
    "GET /v1/persons/{person_id}/copy": "registry_officer supervisor",
    "GET /v1/exports/persons": "registry_officer supervisor",
    "POST /v1/imports": "registry_officer supervisor",
    "GET /v1/imports": "registry_officer supervisor",
    "GET /v1/imports/{run_id}": "registry_officer supervisor",
    "POST /v1/imports/{run_id}/undo": "registry_officer supervisor",
    "POST /v1/locations/import": "registry_officer supervisor",
    "POST /v1/reviews": "supervisor case_manager registry_officer",
    "GET /v1/reviews": "supervisor case_manager registry_officer",
    "GET /v1/reviews/{review_id}": "supervisor case_manager registry_officer",
    "PUT /v1/reviews/{review_id}": "supervisor case_manager registry_officer",
    "POST /v1/reviews/{review_id}/approve": "supervisor",
    "POST /v1/reviews/{review_id}/close": "supervisor case_manager registry_officer",
    "POST /v1/reviews/{review_id}/actions": "supervisor case_manager registry_officer",
    "POST /v1/review-actions/{action_id}/done": "supervisor case_manager registry_officer",
    "GET /v1/lessons": "call_taker dispatcher crew supervisor case_manager registry_officer volunteer auditor admin",
    "GET /v1/lessons/causes": "supervisor case_manager registry_officer auditor admin",
    "POST /v1/cases/{case_id}/tasks": "supervisor case_manager registry_officer",
    "GET /v1/cases/{case_id}/tasks": "supervisor case_manager registry_officer",
    "GET /v1/tasks": "supervisor case_manager registry_officer volunteer crew",
    "GET /v1/tasks/mine": "volunteer crew",
    "POST /v1/tasks/{task_id}/done": "supervisor case_manager registry_officer volunteer crew",
    "POST /v1/cases/{case_id}/team": "supervisor case_manager registry_officer",
    "GET /v1/cases/{case_id}/team": "supervisor case_manager registry_officer",
    "GET /v1/team/mine": "volunteer crew",
    "POST /v1/team/{member_id}/answer": "supervisor case_manager registry_officer volunteer crew",
    "PUT /v1/care-groups/{group_id}": "supervisor case_manager registry_officer",
    "POST /v1/care-groups/{group_id}/people": "supervisor case_manager registry_officer",
    "GET /v1/care-groups": "supervisor case_manager registry_officer",
    "POST /v1/persons/{person_id}/corrections": "supervisor case_manager registry_officer",
    "GET /v1/corrections": "supervisor case_manager registry_officer",
    "POST /v1/corrections/{correction_id}/decide": "supervisor case_manager registry_officer",
    "POST /v1/persons/{person_id}/planned-visits": "case_manager registry_officer supervisor",
    "GET /v1/planned-visits": "case_manager registry_officer supervisor",
    "GET /v1/planned-visits/mine": "volunteer crew",
    "POST /v1/planned-visits/{plan_id}/cancel": "case_manager registry_officer supervisor",
    "PUT /v1/visits/{visit_id}": "case_manager registry_officer supervisor volunteer crew",
    "GET /v1/visits/{visit_id}": "case_manager registry_officer supervisor",
    "GET /v1/visits": "case_manager registry_officer supervisor",
    "GET /v1/persons/{person_id}/visits": "case_manager registry_officer supervisor",
    "POST /v1/visits/{visit_id}/decide": "case_manager registry_officer supervisor",
    "PUT /v1/pictures/{picture_id}": "case_manager registry_officer supervisor volunteer crew",
    "GET /v1/pictures/{picture_id}": "call_taker dispatcher case_manager registry_officer supervisor",
    "DELETE /v1/pictures/{picture_id}": "case_manager registry_officer supervisor",
    "GET /v1/questionnaires": " ".join(Role),
    "POST /v1/persons/{person_id}/assessments": "case_manager registry_officer supervisor volunteer crew",
    "GET /v1/persons/{person_id}/assessments": "case_manager registry_officer supervisor",
    "GET /v1/group-proposals": "case_manager registry_officer supervisor",
    "POST /v1/group-proposals/{proposal_id}/decide": "case_manager registry_officer supervisor",
    "POST /v1/persons/{person_id}/needs": "case_manager registry_officer supervisor volunteer crew",
    "GET /v1/persons/{person_id}/needs": "case_manager registry_officer supervisor",
    "POST /v1/needs/{need_id}/met": "case_manager registry_officer supervisor",
    "GET /v1/gaps": "case_manager registry_officer supervisor auditor admin",
    "GET /v1/gaps/people": "case_manager registry_officer supervisor",
    "GET /v1/community/cards": "call_taker dispatcher case_manager registry_officer supervisor",
    "GET /v1/community": "call_taker dispatcher case_manager registry_officer supervisor",
    "POST /v1/community/search": "call_taker dispatcher case_manager registry_officer supervisor",
    "PUT /v1/community/{entry_id}": "case_manager registry_officer supervisor",
    "DELETE /v1/community/{entry_id}": "case_manager registry_officer supervisor",
    "GET /v1/codes": " ".join(Role),
    "GET /v1/reports/{kpi}": "case_manager registry_officer supervisor auditor admin",
}


def served() -> Iterator[str]:
    for router in SERVICE.routers:
        for route in router.routes:
            for method in sorted(getattr(route, "methods", ())):
                yield f"{method} {route.path}"  # type: ignore[attr-defined]


def test_every_route_that_is_served_stands_in_the_table_and_no_other() -> None:
    assert set(served()) == set(ROUTES) == set(MAY)


OTHERWISE = {
    "GET /v1/persons/{person_id}/as-known": 404,
    "POST /v1/cases": 404,
    "POST /v1/duplicates/{pair_id}/review": 404,
    "GET /v1/matches/{match_id}": 404,
    "POST /v1/matches/{match_id}/confirm": 404,
    "POST /v1/matches/{match_id}/unmatch": 404,
    "POST /v1/persons/{person_id}/link": 409,
    "POST /v1/persons/{person_id}/unlink": 409,
    "POST /v1/tasks/{task_id}/done": 404,
    "POST /v1/care-groups/{group_id}/people": 404,
    "POST /v1/team/{member_id}/answer": 404,
    "POST /v1/persons/{person_id}/corrections": 409,
    "POST /v1/corrections/{correction_id}/decide": 404,
    "GET /v1/reviews/{review_id}": 404,
    "PUT /v1/reviews/{review_id}": 404,
    "POST /v1/reviews/{review_id}/approve": 404,
    "POST /v1/reviews/{review_id}/close": 404,
    "POST /v1/reviews/{review_id}/actions": 404,
    "POST /v1/review-actions/{action_id}/done": 404,
    "GET /v1/areas/{code}": 422,
    "GET /v1/imports/{run_id}": 404,
    "POST /v1/imports/{run_id}/undo": 404,
    "POST /v1/planned-visits/{plan_id}/cancel": 404,
    "GET /v1/visits/{visit_id}": 404,
    "POST /v1/visits/{visit_id}/decide": 404,
    "PUT /v1/pictures/{picture_id}": 422,
    "GET /v1/pictures/{picture_id}": 404,
    "DELETE /v1/pictures/{picture_id}": 404,
    "POST /v1/group-proposals/{proposal_id}/decide": 404,
    "POST /v1/needs/{need_id}/met": 404,
    "DELETE /v1/community/{entry_id}": 404,
    "POST /v1/persons/{person_id}/contacts/{contact_id}/end": 404,
    "POST /v1/persons/{person_id}/contacts/{contact_id}/correct": 404,
    "POST /v1/persons/{person_id}/identifiers/{identifier_id}/end": 404,
    "POST /v1/persons/{person_id}/identifiers/{identifier_id}/correct": 404,
    "POST /v1/persons/{person_id}/groups/{membership_id}/leave": 404,
    "POST /v1/disclosures/{request_id}/decide": 404,
    "GET /v1/households/{household_id}": 404,
    "POST /v1/households/{household_id}/members": 404,
    "POST /v1/households/{household_id}/members/{person_id}/leave": 404,
    "POST /v1/households/{household_id}/groups": 404,
    "POST /v1/households/{household_id}/groups/{group_id}/leave": 404,
    "PUT /v1/agencies/{agency_id}": 204,
    "PUT /v1/agencies/{agency_id}/coordinators/{coordinator_id}": 404,
    "POST /v1/agreements": 422,
    "GET /v1/agreements/{agreement_id}": 404,
    "GET /v1/agreements/{agreement_id}/effect": 404,
    "POST /v1/agreements/{agreement_id}/sign": 404,
    "POST /v1/agreements/{agreement_id}/end": 404,
    "POST /v1/consents/{consent_id}/withdraw": 404,
    "POST /v1/break-glass": 409,
    "POST /v1/break-glass/{glass_id}/review": 404,
}
"""What is answered where the role may, and there is no such pair: these have tests of their own."""


async def ask(registry: Running, route: str, headers: dict[str, str], person_id: UUID, case_id: str) -> Any:
    method, _, path = route.partition(" ")
    ids = dict.fromkeys(re.findall(r"{(\w+)}", path), case_id) | {"person_id": person_id, "kpi": "served"}
    path = (path + QUERIES.get(route, "")).format_map(ids)
    body = BODIES.get(route)
    for end, field in (("/link", "survivor_id"), ("/members", "person_id")):
        if route.endswith(end):
            body = {field: str(person_id)}
    if route == "POST /v1/reviews":
        body = {"case_id": case_id}
    if body is not None and body.get("due_on") == "":  # nothing is planned for a day that is past
        body = {**body, "due_on": str(local_day(now_utc()) + timedelta(days=1))}
    if route.startswith("PUT /v1/visits/"):
        body, path = {"person_id": str(person_id)}, f"/v1/visits/{new_id()}"
    if route.startswith("PUT /v1/community/"):  # an id of something else is no entry's
        path = f"/v1/community/{new_id()}"
    if body is not None and "person_id" in body:
        body = {**body, "person_id": str(person_id)}
    return await registry.client.request(method, path, json=body, headers=headers)


async def test_each_role_may_do_what_the_table_says_and_nothing_else(registry: Running) -> None:
    for route, allowed in MAY.items():
        for role in Role:
            call = await Call(registry, patients=[somsri(national_id=None, name=None)]).received()
            person_id = await person_of(registry, call)
            case_id = (await read(registry, f"/v1/persons/{person_id}"))["open_case_ids"][0]
            claims = await goes_to(registry, person_id) if role in {Role.VOLUNTEER, Role.CREW} else {}
            answer = await ask(registry, route, bearer(role, **claims), person_id, case_id)
            if role in allowed.split():
                assert answer.status_code in (200, 201, 204, OTHERWISE.get(route)), (route, role, answer.text)
            else:
                assert answer.status_code == 403, (route, role, answer.text)
                assert problem_of(answer)["code"] == "forbidden"


async def test_nobody_comes_in_without_a_token(registry: Running) -> None:
    for route in ROUTES:
        answer = await ask(registry, route, {}, new_id(), str(new_id()))
        assert answer.status_code == 401, route


@pytest.mark.parametrize(
    ("purpose", "code"), [("", "purpose_missing"), ("curiosity", "purpose_unknown"), ("audit", "purpose_not_yours")]
)
async def test_a_reader_without_a_good_purpose_is_refused_by_the_headers_name(
    registry: Running, purpose: str, code: str
) -> None:
    person_id = await add(registry, name="มานี")
    for route, rule in ROUTES.items():
        if rule.reads and rule.roles != {Role.SUPERVISOR}:  # who may have every purpose
            role = next(one for one in (Role.CALL_TAKER, Role.REGISTRY_OFFICER, Role.VOLUNTEER) if one in rule.roles)
            headers = bearer(role, purpose=purpose)
            answer = await ask(registry, route, headers, person_id, str(new_id()))
            assert answer.status_code == 403, route
            problem = problem_of(answer)
            assert (problem["code"], problem["errors"][0]["field"]) == (code, "Karuna-Purpose")


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
