"""Registering somebody: after a search, compared with everybody first, and with nothing that must be known of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response

from services.console.backend import BackendRefused
from services.console.labels import options
from services.console.navigation import REGISTRARS
from services.console.pages.people_change import choices_of, named_areas
from services.console.pages.people_tabs import Doc, Short, asked_for, filled, purposes_of, refusing
from services.console.people import Person
from services.console.rules import particulars
from services.console.rules.particulars import WHICH_AREA
from services.console.rules.seeking import sought
from services.console.towns import area_options
from services.console.web import backend, page, saved, signed_in
from shared.refusal import Refusal
from shared.thai.dates import local_day
from shared.work import now_utc

router = APIRouter(prefix="/people/new", include_in_schema=False)

Registrar = Annotated[Person, Depends(signed_in(*REGISTRARS))]
NUMBERS = ("national_id", "phone", "area")
LIKE_SOMEBODY = 409


@router.get("")
async def blank(request: Request, person: Registrar) -> Response:
    return await _form(request, person, _empty(person))


@router.post("/begin")
async def begin(request: Request, person: Registrar, text: Short = "", purpose: Short = "") -> Response:
    """From a search that did not find them: what was typed is not typed twice. By POST, for it is in no address."""
    started = {name: text.strip() for name in sought(text)}
    return await _form(request, person, {**_empty(person), **started}, purpose=purpose, searched=True)


def _empty(person: Person) -> Doc:
    return {**particulars.nobody(), "national_id": "", "phone": "", "groups": [], "area": person.area or ""}


async def _form(
    request: Request, person: Person, typed: Doc, *, purpose: str = "", problem: str = "", status: int = 200,
    alike: Sequence[Doc] = (), seen: Sequence[str] = (), areas: Doc | None = None, holder: str = "",
    searched: bool = False,
) -> Response:  # fmt: skip
    """``alike``: who they may be; ``seen``: of whom it was said that they are not; ``holder``: whose the number is."""
    towns = area_options(request, person)
    return page(
        request, "people/new.html", status=status, v=typed, stands={"name": ""}, purpose=asked_for(person, purpose),
        purposes=purposes_of(person), problem=problem, alike=alike, seen=seen, holder=holder, searched=searched,
        towns=towns if len(towns) > 1 else [], groups=options("group", person.lang),
        **choices_of(request, person, [], areas), **refusing(request, bool(problem)),
    )  # fmt: skip


@router.post("")
async def register(
    request: Request, person: Registrar, purpose: Short = "", key: Short = "",
    seen: Annotated[list[str] | None, Form()] = None,
) -> Response:  # fmt: skip
    """Compared with everybody before anything is written; whoever is like them is shown, and people decide."""
    form = await request.form()
    typed = {
        **particulars.typed(form, [str(each) for each in form.getlist("needs")]),
        **{name: str(form.get(name, "")).strip() for name in NUMBERS},
        "groups": [str(each) for each in form.getlist("groups")],
    }
    why, seen = asked_for(person, purpose), seen or []
    kept: dict[str, Any] = {"purpose": why, "seen": seen}
    try:
        areas = named_areas(typed, form, person.lang)
        body = _body(typed)
    except Refusal as refusal:
        sentence = refusal.en if person.lang == "en" else refusal.th
        return await _form(request, person, typed, problem=sentence, status=422, **kept)
    if areas:
        sentence = WHICH_AREA[2 if person.lang == "en" else 1]
        return await _form(request, person, typed, problem=sentence, status=422, areas=areas, **kept)
    try:
        alike = await _alike(request, person, body, why)
        if {each["id"] for each in alike} - set(seen):
            kept["seen"] = [each["id"] for each in alike]
            return await _form(request, person, typed, status=LIKE_SOMEBODY, alike=alike, **kept)
        made = await backend(request).post(person, "registry", "/v1/persons", body, key=key or None, purpose=why)
    except BackendRefused as refused:
        if refused.status not in (403, 409, 422):
            raise
        holder = str(refused.problem.get("person_id") or "")
        sentence = refused.sentence(person.lang)
        return await _form(request, person, typed, problem=sentence, status=refused.status, holder=holder, **kept)
    return saved(f"/people/{UUID(made['id'])}?{urlencode({'purpose': why})}")


def _body(typed: Doc) -> Doc:
    """What differs from nothing known; nothing is required."""
    body = particulars.change(particulars.nobody(), typed, local_day(now_utc()))
    groups = {"groups": typed["groups"]} if typed["groups"] else {}
    return body | groups | filled(**{name: typed[name] for name in NUMBERS})


async def _alike(request: Request, person: Person, body: Doc, why: str) -> list[Doc]:
    """Who of the register may be this person."""
    found = await backend(request).post(person, "registry", "/v1/persons/alike", body, purpose=why)
    return list(found["items"])
