"""Every list of people's matters is narrowed by one chooser, and stays so from page to page and after each act."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest

from shared.auth import Role
from shared.codes.codes import code_list
from shared.work import new_id
from tests.console.faces import Asked, Faces, words_of
from tests.console.test_people_links import hit, reason
from tests.console.test_people_matches import MATCH, noted

TASK, CASE, PERSON, OTHER, PAIR, VISIT, PROPOSAL = (str(new_id()) for _ in range(7))
AT = "2026-11-22T03:00:00Z"
PLACE = "kalasin:donkaruna"
IN_ADDRESS = "place=kalasin%3Adonkaruna"


def label(list_id: str, code: str) -> dict[str, str]:
    codes = code_list(list_id)
    return {"code": code, "th": codes.label(code), "en": codes.label(code, "en")}


MATTERS: dict[str, dict[str, Any]] = {
    "/v1/tasks": {
        "id": TASK, "case_id": CASE, "kind": label("task_kind", "visit"), "what": None, "assignee_id": None,
        "agency_id": OTHER, "due_on": "2026-11-20", "overdue": True, "assigned_at": AT, "assigned_by": "person:orathai",
        "done_at": None, "done_by": None, "outcome": None,
    },
    "/v1/visits": {
        "id": VISIT, "person_id": PERSON, "kind": label("visit_kind", "home_visit"), "visited_at": AT, "fields": [{
            "field": "note", "version": 1, "stands": {"id": PAIR, "value": "ก", "said_by": "person:a", "said_at": AT},
            "others": [{"id": OTHER, "value": "ข", "said_by": "person:b", "said_at": AT}]}],
    },
    "/v1/duplicates": {
        "id": PAIR, "area": "kalasin", "score": 9.5, "found_at": AT, "reasons": [reason("phone_equal")],
        "one": hit(PERSON, "สมศรี ใจดี"), "other": hit(OTHER, "สมสี ใจดี"),
    },
    "/v1/links": {
        "id": PAIR, "area": "kalasin", "linked_at": AT, "one": hit(OTHER, "สมสี ใจดี"),
        "survivor": hit(PERSON, "สมศรี ใจดี"),
    },
    "/v1/matches": noted(),
    "/v1/corrections": {
        "id": PROPOSAL, "person_id": PERSON, "area": "kalasin", "change": {"mobility": "stretcher"}, "reason": None,
        "agency_id": None, "proposed_by": "person:b", "proposed_in": ["trat"], "proposed_at": AT, "decision": None, "decided_at": None,
    },
    "/v1/group-proposals": {
        "id": PROPOSAL, "person_id": PERSON, "area": "kalasin", "joins": True, "assessment_id": OTHER,
        "proposed_at": AT, "group": label("group", "bedridden"), "decision": None,
    },
    "/v1/reviews": {
        "id": PROPOSAL, "area": "kalasin", "status": label("review_status", "open"),
        "reason": label("review_reason", "case"), "case_id": CASE, "call_id": None, "title": "ถึงช้า",
        "root_cause": None, "opened_at": AT, "open_actions": 0, "overdue_actions": 0,
    },
    "/v1/care-groups": {
        "id": OTHER, "area": "kalasin", "name": "กลุ่มดอนกลาง", "person_ids": [], "people": [], "changed_at": AT,
        "members": [],
    },
}  # fmt: skip
SCREENS = {
    "/cases/tasks?which=all": ("/v1/tasks", f"/cases/tasks/{TASK}/done", {"which": "all"}),
    "/people/visits/disputed": ("/v1/visits", f"/people/visits/{VISIT}/decide", {"field": "note", "value_id": OTHER}),
    "/people/duplicates": (
        "/v1/duplicates", f"/people/duplicates/{PAIR}/review", {"decision": "distinct", "reason": "asked"}),
    "/people/duplicates/linked": ("/v1/links", f"/people/duplicates/linked/{OTHER}/unlink", {"reason": "asked"}),
    "/people/duplicates/matches": ("/v1/matches", f"/people/duplicates/matches/{MATCH}/confirm", {}),
    "/people/proposals": (
        "/v1/corrections", f"/people/proposals/corrections/{PROPOSAL}", {"decision": "accepted"}),
    "/people/proposals?": (
        "/v1/group-proposals", f"/people/proposals/groups/{PROPOSAL}", {"decision": "accepted"}),
    "/cases/reviews?status=open": ("/v1/reviews", None, {}),
    "/cases/groups": ("/v1/care-groups", None, {}),
}  # fmt: skip
"""Screen → the registry's list behind it, and an act on it: the form's address and what is typed there."""


def known(faces: Faces) -> None:
    def page(item: dict[str, Any]) -> Any:
        return lambda asked: {"items": [item], "next": None if asked.path == "/v1/care-groups" else str(new_id())}

    faces.services.answers |= {f"GET registry {path}": page(item) for path, item in MATTERS.items()}
    faces.services.answers |= {
        "GET registry /v1/areas/kalasin": {"children": [
            {"code": PLACE, "th": "ชุมชนดอนกรุณา", "en": "Don Karuna"}]},
        "GET registry /v1/agencies": {"items": [], "next": None},
        "GET registry /v1/disclosures": {"items": []},
        "POST registry /v1/persons/search": {"items": []},
        f"POST registry /v1/tasks/{TASK}/done": (204, ""),
        f"POST registry /v1/visits/{VISIT}/decide": (204, ""),
        f"POST registry /v1/duplicates/{PAIR}/review": (204, ""),
        f"POST registry /v1/persons/{OTHER}/unlink": (204, ""),
        f"POST registry /v1/matches/{MATCH}/confirm": (204, ""),
        f"POST registry /v1/corrections/{PROPOSAL}/decide": (204, ""),
        f"POST registry /v1/group-proposals/{PROPOSAL}/decide": (204, ""),
    }  # fmt: skip


@pytest.mark.parametrize("screen", SCREENS)
async def test_a_list_is_narrowed_and_stays_so(faces: Faces, screen: str) -> None:
    known(faces)
    path, act, typed = SCREENS[screen]
    officer = await faces.sign_in(Role.REGISTRY_OFFICER)
    whole = await officer.get(screen)
    assert "ชุมชนดอนกรุณา" in words_of(whole)
    assert all("area_code" not in each.query for each in faces.services.of(f"GET registry {path}"))
    at = f"{screen}{'&' if '?' in screen else '?'}place={PLACE}"
    shown = await officer.get(at)
    assert faces.services.of(f"GET registry {path}")[-1].query["area_code"] == PLACE
    assert f'<option value="{PLACE}" selected>' in shown.text
    kept = [(name, value) for name, value in (one.split("=") for one in screen.partition("?")[2].split("&") if one)]
    assert all(f'name="{name}" value="{value}"' in shown.text for name, value in kept), "what else narrows it stays"
    further = [unescape(one) for one in re.findall(r'href="([^"]+(?:cursor|corrections|groups)=[^"]+)"', shown.text)]
    assert further or path == "/v1/care-groups"
    for address in further:
        await officer.get(address)
        assert faces.services.of(f"GET registry {path}")[-1].query["area_code"] == PLACE, address
    if act:
        [form] = {unescape(one) for one in re.findall(rf'action="({re.escape(act)}[^"]*)"', shown.text)}
        done = await officer.post(form, typed)
        assert (done.status_code, IN_ADDRESS in done.headers["location"]) == (303, True), done.text


@pytest.mark.parametrize("screen", SCREENS)
async def test_a_place_that_the_registry_does_not_know_is_said_so(faces: Faces, screen: str) -> None:
    def unknown(asked: Asked) -> Any:
        return (
            (422, {"th": "ไม่มีรหัสพื้นที่นี้", "en": "no such area"})
            if "area_code" in asked.query
            else {"items": [], "next": None}
        )

    known(faces)
    path, _, _ = SCREENS[screen]
    faces.services.answers[f"GET registry {path}"] = unknown
    if path == "/v1/group-proposals":
        faces.services.answers["GET registry /v1/corrections"] = unknown
    officer = await faces.sign_in(Role.REGISTRY_OFFICER)
    shown = await officer.get(f"{screen}{'&' if '?' in screen else '?'}place={PLACE}")
    assert (shown.status_code, "ไม่มีรหัสพื้นที่นี้" in words_of(shown)) == (200, True)
