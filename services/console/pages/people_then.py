"""What was known of somebody on one day about another: for whoever must say later why something was done."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from services.console.backend import BackendRefused
from services.console.pages.people_tabs import Carer, Doc, Purpose, ask_purpose, asked_for, known_person, tab_page
from services.console.people import Person
from services.console.rules import days
from services.console.texts import texts
from services.console.web import backend
from shared.thai.dates import day_bounds, local_day
from shared.work import now_utc

router = APIRouter(prefix="/people", include_in_schema=False)

Typed = Annotated[str, Query(max_length=20)]


@router.get("/{person_id}/then")
async def show(
    request: Request, person: Carer, person_id: UUID, purpose: Purpose = "", at: Typed = "", about: Typed = ""
) -> Response:
    """``at``: the day up to whose end it was known; ``about``: the day it is about, the same where left out."""
    why = asked_for(person, purpose)
    if not why:
        return ask_purpose(request, person)
    known = await known_person(request, person, person_id, why)
    asked, errors = _read(person, at, about)
    then: Doc | None = None
    problem, status = "", 422 if any(errors.values()) else 200
    if asked:
        try:
            then = await backend(request).get(
                person, "registry", f"/v1/persons/{person_id}/as-known", params=asked, purpose=why
            )
        except BackendRefused as refused:
            problem, status = refused.sentence(person.lang), refused.status
    return tab_page(
        request, person, "then", known, why, status=status, problem=problem, then=then, errors=errors,
        typed={"at": at, "about": about},
    )  # fmt: skip


def _read(person: Person, at: str, about: str) -> tuple[dict[str, str | int], dict[str, str]]:
    """What to ask the registry, and what is wrong by field. Nothing typed is nothing asked: every answer is audited."""
    first, wrong = days.read(at, "at", person.lang)
    second, also = days.read(about, "about", person.lang)
    if about.strip() and not at.strip():
        wrong = texts()["person.then_at_missing"].of(person.lang)
    errors = {"at": wrong, "about": also}
    if not first or any(errors.values()):
        return {}, errors
    on = date.fromisoformat(first)
    moment = now_utc() if on == local_day(now_utc()) else day_bounds(on)[1] - timedelta(microseconds=1)
    return {"at": moment.isoformat(), "about": second or first}, errors
