"""Who was taken for whom: what waits to be confirmed, and on a person's page what came in as theirs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import Response

from services.console.area_tree import Place, chooser, listed, there
from services.console.backend import BackendRefused
from services.console.labels import label, options, phone_shown
from services.console.navigation import DESK, REGISTER
from services.console.pages.people_tabs import (
    Doc,
    Purpose,
    Reader,
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
from services.console.rules.seeking import sought
from services.console.texts import texts
from services.console.web import backend, page, saved, signed_in

queue = APIRouter(prefix="/people/duplicates/matches", include_in_schema=False)
router = APIRouter(prefix="/people", include_in_schema=False)

Keeper = Annotated[Person, Depends(signed_in(*REGISTER))]
PURPOSE = "registration"
"""What the queue is read for, always."""
HERE = "/people/duplicates/matches"


@queue.get("")
async def show_queue(
    request: Request, person: Keeper, place: Place = "", cursor: Annotated[UUID | None, Query()] = None
) -> Response:
    """What was taken for somebody and nobody has said so, the newest first."""
    return await _queue(request, person, place, cursor)


async def _queue(
    request: Request, person: Person, place: str, cursor: UUID | None = None, problem: str = ""
) -> Response:
    params: dict[str, str | int] = {"limit": 20, **({"cursor": str(cursor)} if cursor else {})}
    found, unknown = await listed(request, person, "/v1/matches", params, place, PURPOSE)
    return page(
        request, "people/matches_queue.html", status=409 if problem else 200, found=found, older=cursor is not None,
        problem=problem or unknown, purpose=PURPOSE, purpose_label=label("purpose", PURPOSE, person.lang),
        phone=phone_shown, calls_open=person.role in DESK, **await chooser(request, person, place),
    )  # fmt: skip


@queue.post("/{match_id}/confirm")
async def confirm_queued(
    request: Request, person: Keeper, match_id: UUID, document_seen: Short = "", place: Place = ""
) -> Response:
    """They are this person; with the card, their number settles it from now on."""
    body = {"document_seen": bool(document_seen)}
    return await _acted(request, person, place, f"/v1/matches/{match_id}/confirm", body)


@queue.post("/{match_id}/link")
async def link_queued(
    request: Request, person: Keeper, match_id: UUID, person_id: Annotated[UUID, Form()],
    survivor_id: Annotated[UUID, Form()], place: Place = "",
) -> Response:  # fmt: skip
    """The new record is the person's whose number was told after all."""
    path, body = f"/v1/persons/{person_id}/link", {"survivor_id": str(survivor_id)}
    try:
        await backend(request).post(person, "registry", path, body, purpose=PURPOSE)
    except BackendRefused as refused:
        return await _queue(request, person, place, problem=refused.sentence(person.lang))
    return await _acted(request, person, place, f"/v1/matches/{match_id}/confirm", {})


async def _acted(request: Request, person: Person, place: str, path: str, body: Doc) -> Response:
    try:
        await backend(request).post(person, "registry", path, body, purpose=PURPOSE)
    except BackendRefused as refused:
        return await _queue(request, person, place, problem=refused.sentence(person.lang))
    return saved(there(HERE, place))


# --- on the person's page -------------------------------------------------------------------------------------------


@router.get("/{person_id}/matches")
async def show(
    request: Request,
    person: Reader,
    person_id: UUID,
    purpose: Purpose = "",
    look: Annotated[UUID | None, Query()] = None,
) -> Response:
    """What came in as this person's, by which rule, and what was taken out again. ``look``: at what would go along."""
    why = asked_for(person, purpose)
    return await _matches(request, person, person_id, why, looked=look) if why else ask_purpose(request, person)


async def _matches(
    request: Request, person: Person, person_id: UUID, why: str, *, problem: str = "", status: int = 200,
    found: Doc | None = None, looked: UUID | None = None, also: Sequence[str] = (),
) -> Response:  # fmt: skip
    """``found``: who was looked for, to have what was noted as ``looked`` instead, and ``also``, chosen to go along."""
    known = await known_person(request, person, person_id, why)
    seen = await backend(request).get(person, "registry", f"/v1/persons/{person_id}/matches", purpose=why)
    goes: Doc = {}
    keeps = person.role in REGISTER and person.agency_id is None
    if keeps and any(each["id"] == str(looked) and each["decision"] != "unmatched" for each in seen["items"]):
        goes = await backend(request).get(person, "registry", f"/v1/matches/{looked}", purpose=why)
    return tab_page(
        request, person, "matches", known, why, problem=problem, status=status, matches=seen["items"],
        files=seen.get("files", []),
        keeps=keeps, found=found, looked=str(looked or ""), goes=goes.get("items", []), also=frozenset(also),
        reasons=options("distinct_reason", person.lang), calls_open=person.role in DESK,
    )  # fmt: skip


@router.post("/{person_id}/matches/{match_id}/confirm")
async def confirm(
    request: Request, person: Keeper, person_id: UUID, match_id: UUID, document_seen: Short = "", purpose: Short = ""
) -> Response:
    why = purpose_sent(person, purpose)
    body = {"document_seen": bool(document_seen)}
    asked = backend(request).post(person, "registry", f"/v1/matches/{match_id}/confirm", body, purpose=why)
    problem, status = await tried(person, asked)
    if problem:
        return await _matches(request, person, person_id, why, problem=problem, status=status)
    return back(person_id, "/matches", why)


@router.post("/{person_id}/matches/{match_id}/find")
async def find(
    request: Request, person: Keeper, person_id: UUID, match_id: UUID, text: Short = "", purpose: Short = ""
) -> Response:
    """Of whom it was told: looked for like anybody, by POST."""
    why = purpose_sent(person, purpose)
    if not text.strip():
        problem = texts()["people.problem_empty"].of(person.lang)
        return await _matches(request, person, person_id, why, problem=problem, status=422, looked=match_id)
    try:
        found = await backend(request).post(person, "registry", "/v1/persons/search", sought(text), purpose=why)
    except BackendRefused as refused:
        return await _matches(
            request, person, person_id, why, problem=refused.sentence(person.lang), status=refused.status,
            looked=match_id,
        )  # fmt: skip
    found["items"] = [each for each in found["items"] if each["id"] != str(person_id)]
    return await _matches(request, person, person_id, why, found=found, looked=match_id)


@router.post("/{person_id}/matches/{match_id}/unmatch")
async def unmatch(
    request: Request, person: Keeper, person_id: UUID, match_id: UUID, reason: Short = "", other_id: Short = "",
    purpose: Short = "", also: Annotated[list[UUID] | None, Form(max_length=200)] = None,
) -> Response:  # fmt: skip
    """It was told of somebody else: of who was found, or of somebody who gets a record of their own."""
    why = purpose_sent(person, purpose)
    if not reason:
        problem = texts()["links.reason_needed"].of(person.lang)
        return await _matches(
            request,
            person,
            person_id,
            why,
            problem=problem,
            status=409,
            looked=match_id,
            also=[str(one) for one in also or ()],
        )
    path, body = f"/v1/matches/{match_id}/unmatch", filled(reason=reason, person_id=other_id)
    body |= {"also": [str(one) for one in also]} if also else {}
    try:
        went = await backend(request).post(person, "registry", path, body, purpose=why)
    except BackendRefused as refused:
        problem = refused.sentence(person.lang)
        return await _matches(request, person, person_id, why, problem=problem, status=refused.status, looked=match_id)
    return back(UUID(went["person_id"]), "/matches", why)
