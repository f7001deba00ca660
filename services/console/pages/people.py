"""People: searched for first, then read for a purpose; what happened around them, their case, who looked and why."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from services.console.backend import BackendAway, BackendRefused
from services.console.colleagues import names_of_agencies, owners
from services.console.labels import options, said
from services.console.navigation import CARERS, DESK, REGISTRARS, roles_of
from services.console.pages.people_emergency import ask_to_break
from services.console.pages.people_tabs import (
    Asker,
    Carer,
    Purpose,
    Short,
    ask_purpose,
    asked_for,
    back,
    fields_said,
    if_seen,
    known_person,
    no_ground,
    purpose_sent,
    purposes_of,
    tab_page,
)
from services.console.people import Person
from services.console.rules.seeking import sought
from services.console.texts import texts
from services.console.web import backend, go, page
from shared.codes.codes import code_list

router = APIRouter(prefix="/people", include_in_schema=False)

CLOSED_AS = tuple(code for code in code_list("case_outcome").codes if code != "erased")
ICONS = {
    "call": "call", "trip": "car", "assignment": "ambulance", "run": "ambulance", "barrier": "hand",
    "message": "envelope", "reply": "chat", "rating": "star", "person": "user", "group": "people", "case": "archive",
    "patient": "hospital", "unit": "tower", "location": "pin", "need": "hand", "assessment": "checks", "visit": "walk",
    "consent": "check", "task": "list", "team": "people",
}  # fmt: skip
SILENT = frozenset({"attempt", "final", "severity_scheme", "number", "unit_id"})
"""Codes of a history that mean nothing to those who read it, or stand beside the line in words."""
OF_THE_UNIT = ("dispatch.assignment.cleared.", "dispatch.assignment.at_base.", "dispatch.assignment.crew_changed.")
"""What a crew does when the patient is no longer with it: told on the call, not of the patient."""
WORDS = {"template": ("messages", "rule"), "outcome": ("desk", "outcome"), "owner": ("base", "role")}
"""Field → where its codes have words that the registry has not."""
WORDLESS = frozenset({"template", "action"})
"""Of these what has no words is left out: the barrier names its action, the event its message."""


@dataclass(frozen=True, slots=True)
class Looking:
    """A search as it was typed."""

    text: str = ""
    purpose: str = ""


@router.get("")
async def look(request: Request, person: Asker) -> Response:
    """An empty search: there is no list of people."""
    return _search_page(request, person, Looking())


def _search_page(
    request: Request, person: Person, looking: Looking, *, found: dict[str, Any] | None = None, problem: str = "",
    status: int = 200,
) -> Response:  # fmt: skip
    return page(
        request, "people/search.html", status=status, looking=looking, found=found, problem=problem,
        purposes=purposes_of(person), registers=person.role in REGISTRARS and person.agency_id is None,
    )  # fmt: skip


@router.post("")
async def search(request: Request, person: Asker, text: Short = "", purpose: Short = "") -> Response:
    """Find somebody by whatever was typed. By POST: it never stands in an address."""
    looking = Looking(text.strip(), asked_for(person, purpose))
    if not looking.text or not looking.purpose:
        return _search_page(request, person, looking, problem="empty" if not looking.text else "purpose", status=422)
    try:
        found = await backend(request).post(
            person, "registry", "/v1/persons/search", sought(looking.text), purpose=looking.purpose
        )
    except BackendRefused as refused:
        if no_ground(refused):
            return ask_to_break(request, person, status=403, missing=refused.problem.get("missing", []))
        if refused.status != 422:  # noqa: PLR2004 what was typed cannot be a number of that kind
            raise
        return _search_page(request, person, looking, problem=refused.sentence(person.lang), status=422)
    return _search_page(request, person, looking, found=found)


@router.get("/{person_id}")
async def show(
    request: Request, person: Asker, person_id: UUID, purpose: Purpose = "",
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:  # fmt: skip
    """Who this is, and what happened around them."""
    why = asked_for(person, purpose)
    if not why:
        return ask_purpose(request, person)
    try:
        known = await known_person(request, person, person_id, why)
    except BackendRefused as refused:
        if not no_ground(refused):
            raise
        missing = refused.problem.get("missing", [])
        return ask_to_break(request, person, status=403, missing=missing, person_id=str(person_id))
    params: dict[str, str | int] = {"limit": 50, **({"cursor": cursor} if cursor else {})}
    history = await if_seen(request, person, f"/v1/persons/{person_id}/history", why, params)
    looks = await _looks(request, person, person_id, why)
    signs = await _call_signs(request, person, history["items"] if history else [])
    cases = await if_seen(request, person, "/v1/cases", why, {"person_id": str(person_id)})
    return tab_page(
        request, person, "who", known, why, history=history, folded=folded(history["items"] if history else []),
        cases=cases and cases["items"],
        owners=await owners(request, person, history["items"] if history else []),
        older=cursor is not None, closed_options=options("case_outcome", person.lang, CLOSED_AS),
        told_who_looked=_is_told_who_looked(person), looks=looks,
        lookers=names_of_agencies((each["agency"] for each in looks or () if each["agency"]), person.lang),
        told=lambda line: [*which(line, signs), *told(line, person.lang)],
        happened=lambda line: happened(line, person.lang),
        act=lambda act: said("people", "act", act, person.lang), icon_of=lambda noun: ICONS.get(noun, "dots"),
        fields_said=lambda names: fields_said([f"person.{name}" for name in names], person.lang),
        may_messages=person.role in roles_of("messages") and person.agency_id is None,
    )  # fmt: skip


def _is_told_who_looked(person: Person) -> bool:
    return person.role in CARERS and person.agency_id is None


def folded(lines: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """The lines of a history that are about the person; those about messages and answers of one call that follow each

    other are one: many.
    """
    theirs = [line for line in lines if not str(line["type"]).startswith(OF_THE_UNIT)]
    return [
        list(group) for _, group in groupby(
            theirs, key=lambda each: each["call_id"] if each["noun"] in {"message", "reply"} else each["event_id"]
        )
    ]  # fmt: skip


def happened(line: dict[str, Any], lang: str) -> str:
    """What a line tells, in few words, of a booked ride in its own; where we have none, the registry's own sentence."""
    told_as = "people.event_" + "_".join(str(line["type"]).split(".")[:3])
    lane = next((one["code"] for one in line["codes"] if one["field"] == "lane"), "")
    words = texts().get(f"{told_as}_{lane}") or texts().get(told_as)
    return words.of(lang) if words else str(line[lang])


def told(line: dict[str, Any], lang: str) -> list[str]:
    """The codes of a line that tell people something, in their words."""
    shown = [one for one in line["codes"] if one["field"] not in SILENT]
    words = [_word(one, lang) for one in shown]
    return [word for word, one in zip(words, shown, strict=True) if one["field"] not in WORDLESS or word != one["code"]]


def which(line: dict[str, Any], signs: dict[str, str]) -> list[str]:
    """Of which call it was, and which unit."""
    unit = next((signs.get(one["code"]) for one in line["codes"] if one["field"] == "unit_id"), None)
    return [each for each in (line.get("number"), unit) if each]


async def _call_signs(request: Request, person: Person, lines: list[dict[str, Any]]) -> dict[str, str]:
    """Unit → call sign, of those in the history; empty for whom dispatch names no units, or while it is away."""
    units = sorted({one["code"] for line in lines for one in line["codes"] if one["field"] == "unit_id"})
    if not units or person.role not in DESK | CARERS or person.agency_id is not None:
        return {}
    try:
        found = await backend(request).get(person, "dispatch", "/v1/units/names", params={"unit_id": units})
    except (BackendAway, BackendRefused):
        return {}
    return {each["id"]: each["call_sign"] for each in found["items"]}


def _word(one: dict[str, Any], lang: str) -> str:
    ours = WORDS.get(one["field"]) if one[lang] == one["code"] else None
    return said(*ours, one["code"], lang) if ours else str(one[lang])


async def _looks(request: Request, person: Person, person_id: UUID, why: str) -> list[dict[str, Any]] | None:
    """Who looked at this person and why, newest first, for those who care for them; None: not known now."""
    if not _is_told_who_looked(person):
        return []
    try:
        found = await backend(request).get(person, "registry", f"/v1/persons/{person_id}/looks", purpose=why)
    except (BackendAway, BackendRefused):
        return None
    items: list[dict[str, Any]] = found["items"]
    return [{**each, "detail": {"agency_id": each["agency"] and each["agency"]["id"]}} for each in items]


@router.post("/{person_id}/cases")
async def open_case(
    request: Request, person: Carer, person_id: UUID, protected: Short = "", purpose: Short = ""
) -> Response:
    """Somebody is to be looked after though nobody has called; ``protected``: shown to few from its first event on."""
    why = purpose_sent(person, purpose)
    body = {"person_id": str(person_id), "protected": protected == "yes"}
    made = await backend(request).post(person, "registry", "/v1/cases", body, purpose=why)
    return go(f"/cases/{made['id']}")


@router.post("/{person_id}/cases/{case_id}/close")
async def close(
    request: Request, person: Carer, person_id: UUID, case_id: UUID, outcome: Short, purpose: Short = ""
) -> Response:
    """Back to normal, or another end that has a code."""
    why = purpose_sent(person, purpose)
    await backend(request).post(person, "registry", f"/v1/cases/{case_id}/close", {"outcome": outcome}, purpose=why)
    return back(person_id, "", why)
