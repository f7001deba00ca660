"""Stations, facilities, vehicles, crews and units: listed, and put by forms that one table describes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from starlette.datastructures import FormData

from services.console.backend import BackendRefused
from services.console.labels import options, said
from services.console.pages.admin_accounts import not_found
from services.console.people import Person
from services.console.towns import area_options
from services.console.web import backend, go, page, signed_in
from shared.auth import Role
from shared.work import new_id

router = APIRouter(prefix="/admin/fleet", include_in_schema=False)

Keeper = Annotated[Person, Depends(signed_in(Role.ADMIN, Role.SUPERVISOR))]
Kind = Literal["text", "number", "whole", "yes", "code", "codes", "one", "many", "skills"]
UNPROCESSABLE = 422


@dataclass(frozen=True, slots=True)
class Field:
    """``of``: the code list, or the noun whose entries are chosen from; ``shown``: what the list calls it."""

    name: str
    kind: Kind = "text"
    of: str = ""
    required: bool = False
    shown: str = ""


PLACE = (Field("name", required=True), Field("name_en"), Field("lat", "number", required=True),
         Field("lon", "number", required=True), Field("phone"))  # fmt: skip
LAST = (Field("active", "yes"),)
NOUNS: dict[str, tuple[str, tuple[Field, ...]]] = {
    "unit": ("units", (
        Field("call_sign", required=True), Field("level", "code", "unit_level", required=True),
        Field("station_id", "one", "station"), Field("vehicle_id", "one", "vehicle", shown="usual_vehicle_id"),
        Field("crew_ids", "many", "crew", shown="usual_crew_ids"), Field("volunteer", "yes"), Field("exercise", "yes"),
        *LAST,
    )),
    "vehicle": ("vehicles", (
        Field("name", required=True), Field("kind", "code", "vehicle_kind", required=True), Field("plate"),
        Field("station_id", "one", "station"), Field("seats", "whole"), Field("wheelchairs", "whole"),
        Field("stretchers", "whole"), Field("equipment", "codes", "equipment"), Field("exercise", "yes"), *LAST,
    )),
    "crew": ("crew", (
        Field("name", required=True), Field("kind", "code", "crew_kind", required=True), Field("phone"),
        Field("organisation"), Field("station_id", "one", "station"), Field("skills", "skills", "skill"),
        Field("exercise", "yes"), *LAST,
    )),
    "station": ("stations", (*PLACE, *LAST)),
    "facility": ("facilities", (Field("kind", "code", "facility_kind", required=True), *PLACE, *LAST)),
}  # fmt: skip
"""Noun → dispatch's path and the fields of its form."""
KEPT = {"crew": ("line_user_id", "language", "quiet_from", "quiet_until")}
"""What a form does not show and must not lose: a put replaces everything."""


async def every(request: Request, person: Person, noun: str) -> list[dict[str, Any]]:
    """Every entry of a noun in the person's areas."""
    found: list[dict[str, Any]] = []
    params: dict[str, str | int] = {"limit": 500}
    while True:
        answer = await backend(request).get(person, "dispatch", f"/v1/{NOUNS[noun][0]}", params=params, purpose="care")
        found += answer["items"]
        if answer["next"] is None:
            return sorted(found, key=lambda each: in_order(_name_of(each)))
        params["after"] = answer["next"]


def _name_of(entry: dict[str, Any]) -> str:
    return str(entry.get("call_sign") or entry.get("name"))


def in_order(name: str) -> list[tuple[int, str]]:
    """K2 stands before K10."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in re.split(r"(\d+)", name)]


def _known(noun: str) -> str:
    if noun not in NOUNS:
        raise not_found()
    return noun


@router.get("/{noun}")
async def listed(request: Request, person: Keeper, noun: str) -> Response:
    found = await every(request, person, _known(noun))
    return page(request, "admin/fleet.html", noun=noun, nouns=list(NOUNS), entries=found, name_of=_name_of)


@router.get("/{noun}/{entry_id}")
async def form(request: Request, person: Keeper, noun: str, entry_id: str) -> Response:
    """The form of one entry; ``new`` is an empty one under an id of its own, so that sending twice makes one."""
    _known(noun)
    if entry_id == "new":
        return await _form(request, person, noun, str(new_id()), {"active": True, "area": person.area}, new=True)
    entry = await _entry(request, person, noun, entry_id)
    return await _form(request, person, noun, entry_id, entry)


async def _entry(request: Request, person: Person, noun: str, entry_id: str) -> dict[str, Any]:
    """One entry, under the names its form has.

    Raises:
        BackendRefused: 404.

    """
    found = next((each for each in await every(request, person, noun) if each["id"] == entry_id), None)
    if found is None:
        raise not_found()
    renamed = {field.name: found[field.shown] for field in NOUNS[noun][1] if field.shown}
    # A unit does not say whether it is still kept: it is listed, so it is.
    return {"active": True, **found, **renamed}


async def _form(
    request: Request, person: Person, noun: str, entry_id: str, entry: dict[str, Any], *, new: bool = False,
    problem: BackendRefused | None = None,
) -> Response:  # fmt: skip
    choices: dict[str, list[tuple[str, str]]] = {}
    for field in NOUNS[noun][1]:
        if field.kind in {"code", "codes", "skills"}:
            choices[field.name] = options(field.of, person.lang)
        elif field.kind in {"one", "many"}:
            choices[field.name] = [(each["id"], _name_of(each)) for each in await every(request, person, field.of)]
    errors = {each["field"].split(".")[-1]: each.get(person.lang) or each.get("th")
              for each in (problem.problem.get("errors") or [] if problem else [])}  # fmt: skip
    return page(
        request, "admin/fleet_form.html", status=problem.status if problem else 200, noun=noun, entry_id=entry_id,
        entry=entry, new=new, fields=NOUNS[noun][1], choices=choices, errors=errors,
        sentence=problem.sentence(person.lang) if problem else "",
        label_of=lambda name: said("admin", "field", name, person.lang),
        areas=area_options(request, person) or [("", "")],
    )  # fmt: skip


@router.post("/{noun}/{entry_id}")
async def put(request: Request, person: Keeper, noun: str, entry_id: UUID) -> Response:
    """Put it whole; dispatch checks every field, and says nothing where nothing changed."""
    typed = await request.form()
    body = _body(_known(noun), typed)
    if noun in KEPT and not typed.get("new"):
        entry = await _entry(request, person, noun, str(entry_id))
        body |= {name: entry[name] for name in KEPT[noun]}
        body["skills"] = {skill: entry["skills"].get(skill) for skill in body["skills"]}
    try:
        await backend(request).put(person, "dispatch", f"/v1/{NOUNS[noun][0]}/{entry_id}", body, purpose="care")
    except BackendRefused as refused:
        if refused.status != UNPROCESSABLE:
            raise
        return await _form(request, person, noun, str(entry_id), body, new=bool(typed.get("new")), problem=refused)
    return go(f"/admin/fleet/{noun}")


def _body(noun: str, typed: FormData) -> dict[str, Any]:
    """What was typed as dispatch takes it; a figure that cannot be read goes as it is, and is refused there."""
    body: dict[str, Any] = {"area": str(typed.get("area", ""))}
    for field in NOUNS[noun][1]:
        text = str(typed.get(field.name, "")).strip()
        if field.kind == "yes":
            body[field.name] = bool(text)
        elif field.kind in {"codes", "many"}:
            body[field.name] = [str(each) for each in typed.getlist(field.name)]
        elif field.kind == "skills":
            body[field.name] = {str(each): None for each in typed.getlist(field.name)}
        elif field.kind in {"number", "whole"}:
            body[field.name] = _figure(text) if text else (0 if field.kind == "whole" else None)
        else:
            body[field.name] = text or None
    return body


def _figure(text: str) -> float | int | str:
    try:
        return int(text) if text.isdecimal() else float(text)
    except ValueError:
        return text
