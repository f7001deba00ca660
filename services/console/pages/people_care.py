"""How somebody fares: needs by urgency, assessments before and after, the last visits."""

from __future__ import annotations

from itertools import groupby
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from services.console.colleagues import owners
from services.console.labels import label, options
from services.console.pages.people_tabs import (
    AskingCarer,
    Doc,
    Purpose,
    Short,
    ask_purpose,
    asked_for,
    back,
    filled,
    if_seen,
    known_person,
    purpose_sent,
    tab_page,
    tried,
)
from services.console.people import Person
from services.console.rules import days
from services.console.texts import texts
from services.console.web import backend
from shared.codes.codes import code_list
from shared.thai.dates import Years, local_day
from shared.work import now_utc

router = APIRouter(prefix="/people", include_in_schema=False)

Note = Annotated[str, Form(max_length=200)]
Notes = Annotated[str, Form(max_length=8000)]
"""What several people may have noted; a browser sends each end of a line as two characters."""
URGENCIES = ("9", "5", "1")
MET_AS = ("given", "by_others", "no_longer", "opened_in_error", "not_accepted")
LAST_VISITS = 10
LISTS = ("needs", "assessments", "visits")
ANSWERS = ("yes", "no", "unknown")
"""To a point of a visit's checklist."""


@router.get("/{person_id}/care")
async def show(request: Request, person: AskingCarer, person_id: UUID, purpose: Purpose = "") -> Response:
    why = asked_for(person, purpose)
    return await _care(request, person, person_id, why) if why else ask_purpose(request, person)


async def _care(
    request: Request, person: Person, person_id: UUID, why: str, *, problem: str = "", status: int = 200
) -> Response:
    known = await known_person(request, person, person_id, why)
    base = f"/v1/persons/{person_id}"
    lists = {noun: await if_seen(request, person, f"{base}/{noun}", why) for noun in LISTS}
    needs, assessments, visits = [(each or {"items": []})["items"] for each in lists.values()]
    return tab_page(
        request, person, "care", known, why, problem=problem, status=status,
        unseen=[noun for noun in LISTS if lists[noun] is None],
        unmet=[each for each in needs if each["met_at"] is None],
        met=[each for each in needs if each["met_at"] is not None],
        instruments=by_instrument(assessments), visits=visits[:LAST_VISITS], older_visits=len(visits) > LAST_VISITS,
        owners=await owners(request, person, [*needs, *visits]), field_of=standing, visiting=_visit_form(person.lang),
        wanted=options("life_need", person.lang),
        urgencies=options("need_urgency", person.lang, URGENCIES), met_as=options("need_outcome", person.lang, MET_AS),
        result=lambda code: label("visit_result", code, person.lang),
    )  # fmt: skip


def _visit_form(lang: str) -> Doc:
    """What may be written of a visit."""
    return {
        "kinds": options("visit_kind", lang), "results": options("visit_result", lang),
        "checks": options("visit_check", lang),
        "answers": [(each, texts()[f"visits.{each}"].of(lang)) for each in ANSWERS],
    }  # fmt: skip


def by_instrument(assessments: list[Doc]) -> list[list[Doc]]:
    """The assessments of each form together, the newest first; the form last used stands first."""
    order = list(dict.fromkeys(each["instrument"]["code"] for each in assessments))
    ordered = sorted(assessments, key=lambda each: order.index(each["instrument"]["code"]))
    return [list(group) for _, group in groupby(ordered, key=lambda each: each["instrument"]["code"])]


def standing(visit: Doc, field: str) -> Any:
    """What stands in a field of a visit; None where nothing does, or where two say otherwise."""
    found = next((each for each in visit["fields"] if each["field"] == field), None)
    return found["stands"]["value"] if found and found["stands"] and not found["others"] else None


@router.post("/{person_id}/care/need")
async def open_need(
    request: Request, person: AskingCarer, person_id: UUID, need: Short, urgency: Annotated[int, Form()] = 5,
    note: Note = "", purpose: Short = "",
) -> Response:  # fmt: skip
    """Something is missing; it stays open until it is met."""
    why = purpose_sent(person, purpose)
    body = {"need": need, "urgency": urgency, **filled(note=note)}
    asked = backend(request).post(person, "registry", f"/v1/persons/{person_id}/needs", body, purpose=why)
    return await _done(request, person, person_id, why, *await tried(person, asked))


@router.post("/{person_id}/care/need/edit")
async def edit_need(
    request: Request, person: AskingCarer, person_id: UUID, need_id: Annotated[UUID, Form()], need: Short,
    urgency: Annotated[int, Form()], note: Notes = "", purpose: Short = "",
) -> Response:  # fmt: skip
    """How urgent an open need is, and its note, whole: one that was emptied is taken out."""
    why = purpose_sent(person, purpose)
    body = {"id": str(need_id), "need": need, "urgency": urgency, "note": "\n".join(note.split("\r\n")).strip() or None}
    asked = backend(request).post(person, "registry", f"/v1/persons/{person_id}/needs", body, purpose=why)
    return await _done(request, person, person_id, why, *await tried(person, asked))


@router.post("/{person_id}/care/met")
async def meet_need(
    request: Request, person: AskingCarer, person_id: UUID, need_id: Annotated[UUID, Form()], outcome: Short = "given",
    purpose: Short = "",
) -> Response:  # fmt: skip
    why = purpose_sent(person, purpose)
    asked = backend(request).post(person, "registry", f"/v1/needs/{need_id}/met", {"outcome": outcome}, purpose=why)
    return await _done(request, person, person_id, why, *await tried(person, asked))


@router.post("/{person_id}/care/visit")
async def write_visit(
    request: Request, person: AskingCarer, person_id: UUID, key: Annotated[UUID, Form()], visited_on: Short = "",
    kind: Short = "home_visit", result: Short = "", note: Notes = "", purpose: Short = "",
) -> Response:  # fmt: skip
    """Somebody was there. By the form's key it is kept once; an agency's is its own."""
    why = purpose_sent(person, purpose)
    today = local_day(now_utc())
    day, problem = days.read(visited_on, "visited_on", person.lang, Years(today.year - 1, today.year))
    typed = await request.form()
    checks = {f"check.{code}": str(typed.get(f"check.{code}", "")) for code in code_list("visit_check").codes}
    told = filled(result=result, note=note.replace("\r\n", "\n"), **checks)
    fields = {name: {"value": value} for name, value in told.items()}
    if problem or not fields:
        problem = problem or texts()["person.visit_empty"].of(person.lang)
        return await _care(request, person, person_id, why, problem=problem, status=422)
    body: Doc = {"person_id": str(person_id), "kind": kind, "fields": fields}
    if day and day != str(today):
        body["visited_at"] = f"{day}T12:00:00+07:00"
    asked = backend(request).put(person, "registry", f"/v1/visits/{key}", body, purpose=why)
    return await _done(request, person, person_id, why, *await tried(person, asked))


async def _done(request: Request, person: Person, person_id: UUID, why: str, problem: str, status: int) -> Response:
    if problem:
        return await _care(request, person, person_id, why, problem=problem, status=status)
    return back(person_id, "/care", why)
