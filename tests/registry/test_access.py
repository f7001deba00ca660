"""Who may do what: every route by every role, with a purpose, in one's own area, and never what is protected."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.registry.app import SERVICE
from services.registry.rules.access import ROUTES
from shared.auth import Role
from shared.thai.dates import local_day
from shared.work import new_id, now_utc
from tests.harness import AREA, Running, bearer, problem_of
from tests.registry.conftest import Call, add, goes_to, person_of, read, somsri

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
