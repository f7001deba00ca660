"""Every route of the console × every role: exactly those it is for; nobody else, and nothing unsafe without its token."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute

from services.console.app import SERVICE
from services.console.navigation import DESK, KEEPERS, PLACES, SECTIONS, Place
from services.console.web import SAFE
from shared.auth import Role
from tests.console.faces import Faces

ADMIN, SUPERVISOR, AUDITOR = Role.ADMIN, Role.SUPERVISOR, Role.AUDITOR
CARERS = frozenset({SUPERVISOR, Role.CASE_MANAGER, Role.REGISTRY_OFFICER})
MINE = ("/people", "/visits", "/messages", "/reports", "/admin", "/fleet", "/cases", "/sharing")
"""The screens held against the menu here; each is a place of it."""
NARROWER = {
    "POST /people/{person_id}/cases": CARERS,
    "POST /people/{person_id}/cases/{case_id}/close": CARERS,
    **{f"{method} /sharing{rest}": frozenset({SUPERVISOR, ADMIN})
       for method, rest in (("GET", "/agreements/new"), ("POST", "/agreements"), ("GET", "/agencies/new"),
                            ("GET", "/agencies/{agency_id}"), ("POST", "/agencies/{agency_id}"),
                            ("POST", "/agencies/{agency_id}/coordinators"),
                            ("POST", "/agencies/{agency_id}/coordinators/{coordinator_id}/left"))},
    "POST /sharing/agreements/{agreement_id}/sign": frozenset({SUPERVISOR}),
    "POST /sharing/agreements/{agreement_id}/end": frozenset({SUPERVISOR}),
    "POST /cases/reviews/{review_id}/approve": frozenset({SUPERVISOR}),
    "GET /cases/lessons": frozenset(Role) - {Role.PARTNER},
    "POST /cases/lessons": frozenset(Role) - {Role.PARTNER},
    **{f"{method} /people/duplicates{rest}": frozenset({SUPERVISOR, Role.REGISTRY_OFFICER})
       for method, rest in (("GET", ""), ("GET", "/linked"), ("POST", "/{pair_id}/review"),
                            ("POST", "/linked/{person_id}/unlink"), ("GET", "/matches"),
                            ("POST", "/matches/{match_id}/confirm"), ("POST", "/matches/{match_id}/link"))},
    **{f"POST /people/{{person_id}}/matches/{{match_id}}/{act}": frozenset({SUPERVISOR, Role.REGISTRY_OFFICER})
       for act in ("confirm", "find", "unmatch")},
    **{f"{method} /people/{{person_id}}{rest}": CARERS
       for method, rest in (("POST", "/home/find"), ("POST", "/home/together"), ("POST", "/home/found"),
                            ("POST", "/home/leave"), ("POST", "/home/group"), ("POST", "/home/ungroup"),
                            ("POST", "/home/observe"), ("POST", "/picture"), ("GET", "/care"), ("POST", "/care/need"), ("POST", "/care/need/edit"), ("POST", "/care/visit"),
                            ("POST", "/care/met"), ("GET", "/change"), ("POST", "/change/fields"),
                            ("POST", "/change/contact"), ("POST", "/change/contact/{contact_id}/end"),
                            ("POST", "/change/contact/{contact_id}/correct"), ("POST", "/change/identifier"),
                            ("POST", "/change/identifier/{identifier_id}/end"),
                            ("POST", "/change/identifier/{identifier_id}/correct"), ("POST", "/change/group"), ("POST", "/change/ungroup"),
                            ("GET", "/then"), ("GET", "/consent"), ("POST", "/consent/give"), ("POST", "/consent/withdraw"))},
    **{f"{method} /people/new{rest}": CARERS | {Role.CALL_TAKER}
       for method, rest in (("GET", ""), ("POST", ""), ("POST", "/begin"))},
    "POST /people/pictures/{picture_id}/drop": CARERS,
    "GET /people/glass": frozenset({SUPERVISOR}),
    "GET /people/withdrawals": CARERS,
    "POST /people/withdrawals": CARERS,
    "POST /people/glass/{glass_id}": frozenset({SUPERVISOR}),
    "POST /people/{person_id}/erase": frozenset({Role.REGISTRY_OFFICER, SUPERVISOR}),
    "POST /people/{person_id}/change/disclosure": frozenset({Role.REGISTRY_OFFICER}),
    **{f"{method} /people{rest}": frozenset({SUPERVISOR, Role.REGISTRY_OFFICER})
       for method, rest in (("GET", "/imports"), ("POST", "/imports"), ("GET", "/imports/{run_id}"), ("POST", "/imports/{run_id}/undo"),
                            ("GET", "/imports/{run_id}/verdicts.csv"), ("POST", "/imports/export"),
                            ("POST", "/{person_id}/copy"))},
    **{f"{method} /people/proposals{rest}": CARERS
       for method, rest in (("GET", ""), ("POST", "/corrections/{correction_id}"), ("POST", "/groups/{proposal_id}"))},
    "POST /people/proposals/disclosures/{request_id}": frozenset({SUPERVISOR}),
    "GET /people/near": CARERS | {Role.DISPATCHER},
    "POST /people/near": CARERS | {Role.DISPATCHER},
    "GET /people/gaps": CARERS | {AUDITOR, ADMIN},
    **{f"POST /people/community/card{rest}": CARERS for rest in ("", "/{entry_id}/end")},
    **{f"{method} /people/visits{rest}": CARERS
       for method, rest in (("GET", ""), ("GET", "/new"), ("POST", "/new"), ("POST", "/{visit_id}/cancel"), ("GET", "/disputed"),
                            ("POST", "/{visit_id}/decide"), ("GET", "/forms"))},
    "POST /messages/{message_id}/resend": DESK,
    "POST /messages/{message_id}/heard": DESK,
    "GET /messages/simulated": DESK,
    "POST /messages/simulated/press": DESK,
    "GET /reports/missions.csv": frozenset({SUPERVISOR, AUDITOR}),
    "GET /admin/map": frozenset({ADMIN}),
    "POST /admin/map": frozenset({ADMIN}),
    "GET /admin/letters/{service}/{letter_id}": frozenset({ADMIN}),
    "POST /admin/letters/{service}/{letter_id}/requeue": frozenset({ADMIN}),
    "POST /admin/letters/{service}/{letter_id}/close": frozenset({ADMIN}),
    "POST /admin/letters/{service}/requeue": frozenset({ADMIN}),
    "GET /admin/exercise": frozenset({SUPERVISOR}),
    "POST /admin/exercise": frozenset({SUPERVISOR}), "POST /admin/exercise/end": frozenset({SUPERVISOR}),
    "GET /admin/audit": frozenset({AUDITOR}),
    "POST /admin/audit": frozenset({AUDITOR}), "POST /admin/audit/verify": frozenset({AUDITOR}),
    **{f"{method} /fleet{rest}": KEEPERS
       for method, rest in (("GET", "/shifts/{shift_id}"), ("POST", "/shifts/{shift_id}"),
                            ("POST", "/shifts/{shift_id}/drop"), ("POST", "/shifts/{shift_id}/swap"),
                            ("POST", "/swaps/{swap_id}/{act}"), ("POST", "/people/stations/{station_id}/code"), ("POST", "/places/beds"),
                            ("POST", "/waste"), ("POST", "/waste/units/{unit_id}/clean"),
                            ("POST", "/waste/{waste_id}/sealed"), ("POST", "/waste/{waste_id}/hand-over"),
                            ("POST", "/stock/equipment"), ("POST", "/stock/equipment/{account_id}/keep"),
                            ("POST", "/stock/hydrants"), ("POST", "/stock/hydrants/{hydrant_id}/check"))},
    "POST /fleet/stock/equipment/{account_id}/lend": DESK,
    "GET /fleet/cover": DESK,
    "POST /fleet/cover/lend": frozenset({Role.DISPATCHER, SUPERVISOR}),
    "POST /fleet/cover/return": frozenset({Role.DISPATCHER, SUPERVISOR}),
    "POST /fleet/stock/loans/{loan_id}/return": DESK,
    **{f"POST /fleet/places/{rest}": DESK
       for rest in ("beds/{bed_id}/hold", "holds/{hold_id}/use", "holds/{hold_id}/free", "tell/{assignment_id}",
                    "alerts/{alert_id}/answer")},
    **{f"{method} /admin/fleet/{rest}": frozenset({ADMIN, SUPERVISOR})
       for method, rest in (("GET", "{noun}"), ("GET", "{noun}/{entry_id}"), ("POST", "{noun}/{entry_id}"))},
    **{f"{method} /admin/accounts{rest}": frozenset({ADMIN})
       for method, rest in (("GET", "/new"), ("POST", ""), ("GET", "/{account_id}/change"),
                            ("POST", "/{account_id}/change"), ("POST", "/{account_id}/close"),
                            ("POST", "/{account_id}/open"), ("POST", "/{account_id}/reset-password"),
                            ("POST", "/{account_id}/second-factor-off"),
                            ("POST", "/{account_id}/devices/{session_id}/revoke"))},
}  # fmt: skip
"""Routes for others than their place of the menu."""
OPEN = ("/public", "/sign-in", "/demo-sign-in", "/language", "/static")
"""For everybody, or for whoever is not signed in yet."""


def routes() -> Iterator[tuple[str, str]]:
    """Method and path of every route the console declares itself."""
    for router in SERVICE.routers:
        yield from _of(router)


def _of(router: APIRouter) -> Iterator[tuple[str, str]]:
    for route in router.routes:
        if isinstance(route, APIRoute):
            for method in sorted((route.methods or set()) - {"HEAD"}):
                yield method, route.path
        else:  # a router of several, which carry their whole paths themselves
            yield from _of(route.original_router)  # type: ignore[attr-defined]


def address(path: str) -> str:
    made = path
    for name in (
        "person_id",
        "pair_id",
        "task_id",
        "member_id",
        "group_id",
        "review_id",
        "agreement_id",
        "agency_id",
        "coordinator_id",
        "action_id",
        "case_id",
        "message_id",
        "call_id",
        "account_id",
        "session_id",
        "entry_id",
        "letter_id",
        "shift_id",
        "swap_id",
        "station_id",
        "served_id",
        "visit_id",
        "correction_id",
        "proposal_id",
        "request_id",
        "glass_id",
    ):
        made = made.replace(f"{{{name}}}", str(UUID(int=7)))
    return (
        made.replace("{noun}", "unit")
        .replace("{key}", "calls")
        .replace("{service}", "intake")
        .replace("{form}", "csv")
        .replace("{act}", "agree")
    )


OURS = [(method, path) for method, path in routes() if path.startswith(MINE)]


async def test_each_role_gets_its_routes_and_no_other(faces: Faces) -> None:
    places = {place.path: place.roles for tabs in SECTIONS.values() for place in tabs}
    places |= {place.path: place.roles for place in PLACES}
    wrong = []
    for role in Role:
        person = await faces.sign_in(role)
        for method, path in OURS:
            place = next(each for each in MINE if path.startswith(each))
            allowed = NARROWER.get(f"{method} {path}", places[place])
            send = person.get if method == "GET" else person.post
            answer = await send(address(path))
            # What a route that lets somebody in says of an empty form or of services that know nothing is its own affair.
            refused = answer.status_code == 403
            if refused == (role in allowed) or answer.status_code == 500:
                wrong.append(f"{role} {method} {path}: {answer.status_code}")
    assert wrong == []
    assert set(NARROWER) <= {f"{method} {path}" for method, path in OURS}, "no line without a route"


async def test_nobody_gets_in_without_signing_in(faces: Faces) -> None:
    browser = faces.browser()
    wrong = []
    for method, path in OURS:
        answer = await browser.request(method, address(path))
        # A form that is not whole may be told so before anybody is asked who they are; nothing of it is done.
        told = answer.headers.get("location", "").startswith("/sign-in")
        if not told and answer.status_code != 422:
            wrong.append(f"{method} {path}: {answer.status_code}")
    assert wrong == []
    assert faces.services.asked == []


async def test_nothing_unsafe_is_done_without_the_sessions_own_token(faces: Faces) -> None:
    unsafe = [(method, path) for method, path in routes() if method not in SAFE and not path.startswith(OPEN)]
    assert len(unsafe) > 20
    wrong = []
    for role in (ADMIN, SUPERVISOR, AUDITOR, Role.DISPATCHER, Role.CREW):
        person = await faces.sign_in(role)
        for method, path in unsafe:
            for headers in ({}, {"x-csrf-token": person.csrf, "origin": "https://evil.example"}):
                answer = await person.client.request(method, address(path), headers=headers)
                if answer.status_code not in {403, 422, 404}:
                    wrong.append(f"{role} {method} {path}: {answer.status_code}")
    assert wrong == []
    assert faces.services.asked == []


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.key)
def test_a_place_of_the_menu_is_a_screen(place: Place) -> None:
    assert place.path in {path for _, path in routes()}
