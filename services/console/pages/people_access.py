"""Who may see what of somebody, on which ground, and what is missing where they may not; and who broke the glass."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from services.console.backend import BackendRefused
from services.console.labels import options
from services.console.navigation import READERS
from services.console.pages.people_consent import agencies_of, agreement_titles
from services.console.pages.people_tabs import (
    PURPOSES,
    Doc,
    Purpose,
    Reader,
    Short,
    ask_purpose,
    asked_for,
    fields_said,
    filled,
    known_person,
    purpose_sent,
    tab_page,
    tried,
)
from services.console.people import Person
from services.console.texts import texts
from services.console.web import backend, go, instant, page, signed_in
from shared.auth import Role
from shared.work import now_utc

router = APIRouter(prefix="/people", include_in_schema=False)

Supervisor = Annotated[Person, Depends(signed_in(Role.SUPERVISOR))]
"""Who looks at every glass that was broken."""
REVIEW_FOR = "audit"
FINDINGS = ("justified", "unjustified")
AT_ONCE = 50


@router.get("/{person_id}/access")
async def show(request: Request, person: Reader, person_id: UUID, purpose: Purpose = "") -> Response:
    why = asked_for(person, purpose)
    return await _access(request, person, person_id, why) if why else ask_purpose(request, person)


async def _access(request: Request, person: Person, person_id: UUID, why: str, *, asked: Doc | None = None) -> Response:
    """``asked``: of which agency, role and purpose; the answer stands below the question."""
    known = await known_person(request, person, person_id, why)
    agencies = await agencies_of(request, person, why)
    verdicts: list[Doc] = []
    problem, status = "", 200
    if asked is not None:
        body = {"person_id": str(person_id), **asked}
        try:
            answer = await backend(request).post(person, "registry", "/v1/access/why", body, purpose=why)
            verdicts = answer["verdicts"]
        except BackendRefused as refused:
            problem, status = refused.sentence(person.lang), refused.status
    glass: list[Doc] = []
    if person.role is Role.SUPERVISOR:
        params = {"person_id": str(person_id), "reviewed": "true"}
        glass = (await backend(request).get(person, "registry", "/v1/break-glass", params=params, purpose=why))["items"]
    return tab_page(
        request, person, "access", known, why, problem=problem, status=status, agencies=agencies,
        named=dict(agencies), about=asked or {}, verdicts=verdicts, glass=glass, state_of=state_of,
        agreements=await agreement_titles(request, person, (each["agreement_id"] for each in verdicts)),
        roles=[(each.value, texts()[f"base.role_{each.value}"].of(person.lang)) for each in Role if each in READERS],
        aims=options("purpose", person.lang, list(PURPOSES)), reviews=person.role is Role.SUPERVISOR,
        fields_said=lambda names: fields_said(names, person.lang),
    )  # fmt: skip


@router.post("/{person_id}/access")
async def ask(
    request: Request, person: Reader, person_id: UUID, agency_id: Short = "", role: Short = "", aim: Short = "",
    purpose: Short = "",
) -> Response:  # fmt: skip
    """Would they see it, and if not, which rule is missing? Nothing of the person's is opened by asking."""
    why = purpose_sent(person, purpose)
    return await _access(request, person, person_id, why, asked=filled(agency_id=agency_id, role=role, purpose=aim))


# --- broken glass: what waits for a review -----------------------------------------------------------------------

glass = APIRouter(prefix="/people/glass", include_in_schema=False)


def state_of(broken: Doc) -> str:
    """``open`` until it closes by itself, then ``closed``; ``reviewed`` once somebody has looked at it."""
    if broken["reviewed_at"]:
        return "reviewed"
    return "open" if instant(broken["until_at"]) > now_utc() else "closed"


@glass.get("")
async def broken(
    request: Request, person: Supervisor, *, reviewed: bool = False, cursor: Annotated[UUID | None, Query()] = None
) -> Response:
    """Whose record was opened in an emergency, by whom and why; shown until somebody has looked at it."""
    return await _glass(request, person, reviewed=reviewed, cursor=cursor)


async def _glass(
    request: Request, person: Person, *, problem: str = "", status: int = 200, reviewed: bool = False,
    cursor: UUID | None = None,
) -> Response:  # fmt: skip
    params: dict[str, str | int] = {"limit": AT_ONCE, "reviewed": str(reviewed).lower()}
    if cursor:
        params["cursor"] = str(cursor)
    found = await backend(request).get(person, "registry", "/v1/break-glass", params=params, purpose=REVIEW_FOR)
    return page(
        request, "people/glass.html", status=status, problem=problem, found=found, reviewed=reviewed, state_of=state_of,
        named=dict(await agencies_of(request, person, REVIEW_FOR)),
        findings=[(code, texts()[f"person.finding_{code}"].of(person.lang)) for code in FINDINGS],
    )  # fmt: skip


@glass.post("/{glass_id}")
async def review(
    request: Request, person: Supervisor, glass_id: UUID, finding: Short = "", note: Short = ""
) -> Response:
    """Was it right? By a supervisor, never by who opened it."""
    body = {"finding": finding, **filled(note=note)}
    sent = backend(request).post(person, "registry", f"/v1/break-glass/{glass_id}/review", body, purpose=REVIEW_FOR)
    problem, status = await tried(person, sent)
    return await _glass(request, person, problem=problem, status=status) if problem else go("/people/glass")
