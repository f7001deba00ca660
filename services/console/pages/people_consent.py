"""What somebody has agreed to, for what and to whom; withdrawn as easily, and who has heard of that."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from services.console.backend import BackendRefused
from services.console.colleagues import every_agency
from services.console.labels import options
from services.console.pages.people_tabs import (
    Carer,
    Purpose,
    Short,
    ask_purpose,
    asked_for,
    back,
    filled,
    known_person,
    purpose_sent,
    tab_page,
    tried,
)
from services.console.people import Person
from services.console.rules import days
from services.console.texts import texts
from services.console.web import FormKey, backend

router = APIRouter(prefix="/people", include_in_schema=False)

FOR = ("care", "case_work", "registration")
"""What a consent may be given for."""
GIVERS = ("self", "guardian", "carer")


async def agencies_of(request: Request, person: Person, why: str) -> list[tuple[str, str]]:
    """``(id, name)`` of the agencies of the person's municipalities."""
    items = await every_agency(request, person, why)
    return [(each["id"], (each["name_en"] if person.lang == "en" else None) or each["name_th"]) for each in items]


async def agreement_titles(request: Request, person: Person, ids: Iterable[str | None]) -> dict[str, str]:
    """Id → title, for those who may read them."""
    found: dict[str, str] = {}
    for agreement_id in sorted({each for each in ids if each}):
        try:
            told = await backend(request).get(person, "registry", f"/v1/agreements/{agreement_id}")
        except BackendRefused:
            continue
        found[agreement_id] = (told["title_en"] if person.lang == "en" else None) or told["title_th"]
    return found


@router.get("/{person_id}/consent")
async def show(request: Request, person: Carer, person_id: UUID, purpose: Purpose = "") -> Response:
    why = asked_for(person, purpose)
    return await _consents(request, person, person_id, why) if why else ask_purpose(request, person)


async def _consents(
    request: Request, person: Person, person_id: UUID, why: str, *, problem: str = "", status: int = 200
) -> Response:
    known = await known_person(request, person, person_id, why)
    path = f"/v1/persons/{person_id}/consents"
    given = (await backend(request).get(person, "registry", path, purpose=why))["items"]
    agencies = await agencies_of(request, person, why)
    still = (one["agreement_id"] for each in given for one in each["still"])
    return tab_page(
        request, person, "consent", known, why, problem=problem, status=status, agencies=agencies,
        named=dict(agencies), titles=await agreement_titles(request, person, still),
        stand=[each for each in given if each["status"] == "given"],
        over=[each for each in given if each["status"] != "given"], aims=options("purpose", person.lang, FOR),
        givers=[(code, texts()[f"person.given_{code}"].of(person.lang)) for code in GIVERS],
    )  # fmt: skip


@router.post("/{person_id}/consent/give")
async def give(
    request: Request, person: Carer, person_id: UUID, aim: Short, agency_id: Short = "", given_by: Short = "self",
    paper: Short = "", until_on: Short = "", purpose: Short = "", key: FormKey = "",
) -> Response:  # fmt: skip
    """What was agreed to, on which paper, until when. No agency named: to all whom the purpose concerns."""
    why = purpose_sent(person, purpose)
    last, wrong = days.read(until_on, "until_on", person.lang)
    if wrong:
        return await _consents(request, person, person_id, why, problem=wrong, status=422)
    body = {"purpose": aim, "given_by": given_by, **filled(agency_id=agency_id, paper=paper, until_on=last)}
    path = f"/v1/persons/{person_id}/consents"
    asked = backend(request).post(person, "registry", path, body, key=key or None, purpose=why)
    return await _done(request, person, person_id, why, *await tried(person, asked))


@router.post("/{person_id}/consent/withdraw")
async def withdraw(
    request: Request, person: Carer, person_id: UUID, consent_id: Annotated[UUID, Form()], by: Short = "self",
    paper: Short = "", purpose: Short = "",
) -> Response:  # fmt: skip
    """As easily as it was given (PDPA s. 19); every agency that stood on it must say that it has stopped."""
    why = purpose_sent(person, purpose)
    body = {"by": by, **filled(paper=paper)}
    asked = backend(request).post(person, "registry", f"/v1/consents/{consent_id}/withdraw", body, purpose=why)
    return await _done(request, person, person_id, why, *await tried(person, asked))


async def _done(request: Request, person: Person, person_id: UUID, why: str, problem: str, status: int) -> Response:
    if problem:
        return await _consents(request, person, person_id, why, problem=problem, status=status)
    return back(person_id, "/consent", why)
