"""Visits at the desk: who goes to whom and when, what two phones wrote otherwise, and the questionnaires."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import Response

from services.console.area_tree import Place, area_choices, chooser, listed, there
from services.console.backend import BackendRefused
from services.console.colleagues import owners
from services.console.labels import label, options
from services.console.navigation import CARERS, GOERS
from services.console.people import Person
from services.console.rules import days
from services.console.store import accounts
from services.console.texts import texts
from services.console.web import FormKey, backend, page, runtime, saved, signed_in
from shared.thai.dates import Years, local_day
from shared.work import now_utc

router = APIRouter(prefix="/people/visits", include_in_schema=False)

Carer = Annotated[Person, Depends(signed_in(*CARERS))]
Code = Annotated[str, Query(max_length=60)]
Short = Annotated[str, Form(max_length=200)]
Cursor = Annotated[UUID | None, Query()]
PURPOSE = "case_work"
"""What these lists are read for, always."""
PAGE = 20
STATES = ("planned", "done", "disputed", "cancelled")
BACK, AHEAD = timedelta(days=7), timedelta(days=30)
NOT_FOUND, WRONG = 404, 422


@dataclass(frozen=True, slots=True)
class Sought:
    """How the list is narrowed: codes and days, nothing personal."""

    area: str
    state: str
    crew: str
    from_on: str
    until_on: str

    def params(self) -> dict[str, str | int]:
        told = {
            "area_code": self.area,
            "state": self.state,
            "crew_id": self.crew,
            "from": self.from_on,
            "to": self.until_on,
        }
        return {name: value for name, value in told.items() if value}


@router.get("")
async def show(
    request: Request, person: Carer, area: Code = "", state: Code = "", crew: Code = "",
    from_on: Annotated[str, Query(alias="from", max_length=20)] = "",
    until_on: Annotated[str, Query(alias="to", max_length=20)] = "", cursor: Cursor = None,
) -> Response:  # fmt: skip
    """By area, day, visitor and state; a week back and a month ahead where no days are chosen."""
    today = local_day(now_utc())
    first, wrong = days.read(from_on or str(today - BACK), "from", person.lang)
    last, also = days.read(until_on or str(today + AHEAD), "to", person.lang)
    problem = wrong or also
    sought = Sought(area, state if state in STATES else "", crew, first or from_on, last or until_on)
    visitors = await visitors_of(request, person)
    found: dict[str, Any] = {"items": [], "next": None}
    params = {**sought.params(), "limit": PAGE, **({"cursor": str(cursor)} if cursor else {})}
    try:
        if not problem:
            found = await backend(request).get(person, "registry", "/v1/planned-visits", params=params, purpose=PURPOSE)
    except BackendRefused as refused:
        if refused.status not in {NOT_FOUND, WRONG}:
            raise
        problem = refused.sentence(person.lang)
    return page(
        request, "people/visits.html", status=WRONG if problem else 200, found=found, problem=problem, sought=sought,
        asked=asdict(sought), names=await names_of(request, person, [each["person_id"] for each in found["items"]]),
        visitors=visitors, visitor=dict(visitors), areas=await area_choices(request, person), states=STATES,
        older=cursor is not None, state_of=state_of, today=today.isoformat(), purpose=PURPOSE, form_name=_form_names(
            await _forms(request, person), person.lang),
    )  # fmt: skip


def state_of(visit: dict[str, Any]) -> str:
    """What stands in the list: that two disagree before that somebody has been there."""
    if visit["disputed"]:
        return "disputed"
    return "cancelled" if visit["cancelled_at"] else "done" if visit["done_at"] else "planned"


async def visitors_of(request: Request, person: Person) -> list[tuple[str, str]]:
    """``(crew_id, name)`` of whoever may open the page on a phone in one of this person's municipalities: their own

    people alone, for that page is shut to other agencies.
    """
    known = await accounts.everybody(runtime(request).pool)
    ours = [each for each in known if each.active and each.agency_id is None]
    here = [each for each in ours if any(person.sees(area) for area in each.areas)]
    goers = [(str(each.crew_id), each.name) for each in here if each.crew_id and GOERS & set(each.roles)]
    return sorted(goers, key=lambda pair: pair[1])


async def names_of(request: Request, person: Person, ids: Iterable[str], purpose: str = PURPOSE) -> dict[str, str]:
    """Id → name of these people, where this person may see them: secret people are in none."""
    wanted = list(dict.fromkeys(ids))
    found: dict[str, str] = {}
    for start in range(0, len(wanted), PAGE):
        body = {"ids": wanted[start : start + PAGE]}
        try:
            hits = await backend(request).post(person, "registry", "/v1/persons/search", body, purpose=purpose)
        except BackendRefused:
            return found
        found |= {each["id"]: each["name"] for each in hits["items"] if each["name"]}
    return found


# --- giving a visit ------------------------------------------------------------------


@router.get("/new")
async def new(request: Request, person: Carer, whom: Annotated[UUID, Query(alias="person")]) -> Response:
    return await _new(request, person, whom)


async def _new(
    request: Request, person: Person, whom: UUID, *, told: dict[str, Any] | None = None, problem: str = ""
) -> Response:
    known = await backend(request).get(person, "registry", f"/v1/persons/{whom}", purpose=PURPOSE)
    forms = await _forms(request, person)
    return page(
        request, "people/visit_new.html", status=WRONG if problem else 200, known=known, problem=problem,
        visitors=await visitors_of(request, person), kinds=options("visit_kind", person.lang),
        forms=[(each["id"], each[person.lang]) for each in forms], told=told or {},
        soon=(local_day(now_utc()) + timedelta(days=7)).isoformat(), purpose=PURPOSE,
    )  # fmt: skip


@router.post("/new")
async def give(
    request: Request, person: Carer, person_id: Annotated[UUID, Form()], due_on: Short = "", kind: Short = "home_visit",
    what: Short = "", crew_ids: Annotated[list[str] | None, Form()] = None,
    forms: Annotated[list[str] | None, Form()] = None, key: FormKey = "",
) -> Response:  # fmt: skip
    """Somebody is to go there until a day; they see it on their phone from now on."""
    told = {"crew_ids": crew_ids or [], "due_on": due_on, "kind": kind, "forms": forms or [], "what": what.strip()}
    day, wrong = days.read(due_on, "due_on", person.lang, Years.of_appointment(local_day(now_utc())))
    problem = wrong or ("" if crew_ids else texts()["planned.nobody"].of(person.lang))
    if problem:
        return await _new(request, person, person_id, told=told, problem=problem)
    body = {**told, "due_on": day, "what": told["what"] or None}
    path = f"/v1/persons/{person_id}/planned-visits"
    try:
        await backend(request).post(person, "registry", path, body, key=key or None, purpose=PURPOSE)
    except BackendRefused as refused:
        return await _new(request, person, person_id, told=told, problem=refused.sentence(person.lang))
    return saved("/people/visits")


@router.post("/{visit_id}/cancel")
async def cancel(request: Request, person: Carer, visit_id: UUID) -> Response:
    await backend(request).post(person, "registry", f"/v1/planned-visits/{visit_id}/cancel", purpose=PURPOSE)
    return saved("/people/visits")


# --- what two phones wrote otherwise ---------------------------------------------------


@router.get("/disputed")
async def disputed(request: Request, person: Carer, place: Place = "", cursor: Cursor = None) -> Response:
    """The same field, written twice: both, with who and when. An officer chooses."""
    return await _disputed(request, person, place, cursor)


async def _disputed(
    request: Request, person: Person, place: str, cursor: UUID | None = None, problem: str = ""
) -> Response:
    params: dict[str, str | int] = {"limit": PAGE, **({"cursor": str(cursor)} if cursor else {})}
    found, unknown = await listed(request, person, "/v1/visits", params, place, PURPOSE)
    return page(
        request, "people/visits_disputed.html", status=409 if problem else 200, found=found, problem=problem or unknown,
        names=await names_of(request, person, [each["person_id"] for each in found["items"]]), purpose=PURPOSE,
        owners=await owners(request, person, found["items"]), older=cursor is not None,
        field_name=lambda field: field_name(field, person.lang),
        said=lambda field, value: value_said(field, value, person.lang), **await chooser(request, person, place),
    )  # fmt: skip


def field_name(field: str, lang: str) -> str:
    """What a field of a visit is called."""
    kind, _, code = field.partition(".")
    return label("visit_check", code, lang) if kind == "check" else texts()[f"planned.field_{kind}"].of(lang)


def value_said(field: str, value: str, lang: str) -> str:
    """A value of a field in words: codes by their labels, what was typed as it is."""
    if not value:
        return texts()["planned.emptied"].of(lang)
    if field == "result":
        return label("visit_result", value, lang)
    return texts()[f"visits.{value}"].of(lang) if field.startswith("check.") else value


@router.post("/{visit_id}/decide")
async def decide(
    request: Request, person: Carer, visit_id: UUID, field: Short, value_id: Annotated[UUID | None, Form()] = None,
    place: Place = "",
) -> Response:  # fmt: skip
    """One of the values stands from now on; the others stay as history."""
    if value_id is None:
        return await _disputed(request, person, place, problem=texts()["planned.choose_one"].of(person.lang))
    body = {"field": field, "value_id": str(value_id)}
    try:
        await backend(request).post(person, "registry", f"/v1/visits/{visit_id}/decide", body, purpose=PURPOSE)
    except BackendRefused as refused:
        return await _disputed(request, person, place, problem=refused.sentence(person.lang))
    return saved(there("/people/visits/disputed", place))


# --- questionnaires ----------------------------------------------------------------------


@router.get("/forms")
async def forms(request: Request, person: Carer) -> Response:
    """Every questionnaire: version, source, questions with their points, bands, and whether it was approved."""
    return page(request, "people/visit_forms.html", forms=await _forms(request, person), group=lambda code: label(
        "group", code, person.lang))  # fmt: skip


async def _forms(request: Request, person: Person) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await backend(request).get(person, "registry", "/v1/questionnaires"))["items"]
    return found


def _form_names(forms: list[dict[str, Any]], lang: str) -> dict[str, str]:
    return {each["id"]: each[lang] for each in forms}
