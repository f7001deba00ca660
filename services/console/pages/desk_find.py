"""Finding who calls: by number, name, identity number or case number, while somebody types."""

from __future__ import annotations

import asyncio
import re
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import Field

from services.console import desk
from services.console.backend import BackendAway, BackendRefused
from services.console.labels import phone_shown
from services.console.pages.desk import AtDesk, Body
from services.console.people import Person
from services.console.rules.seeking import rings, sought
from services.console.towns import community_names
from services.console.web import backend, render
from shared.geo import Point, distance_m
from shared.refusal import Refusal
from shared.thai.phones import read_phone
from shared.thai.text import arabic_digits

router = APIRouter(prefix="/desk", include_in_schema=False)
Doc = dict[str, Any]
CASE_NUMBER = re.compile(r"[A-Z]{2,5}-\d{4}-\d{4,}")
NAME_LETTERS = 2
FEW = 8
SAME_PLACE_M = 300
"""So near each other two points are the same home."""


class FindBody(Body):
    text: Annotated[str, Field(max_length=200)]


class PersonBody(Body):
    """Whom to bring onto the sheet. ``phone``: the number that is calling."""

    person_id: UUID
    phone: Annotated[str, Field(max_length=60)] = ""


class CallBody(Body):
    call_id: UUID


def asked_of(text: str) -> tuple[Doc | None, Doc | None]:
    """What to ask registry and intake for this text; None where there is nothing to ask them yet."""
    typed = " ".join(arabic_digits(text).split())
    if CASE_NUMBER.fullmatch(typed.upper()):
        return None, {"number": typed.upper()}
    wanted = sought(text)
    if ("phone" in wanted and not rings(typed)) or len(typed) < NAME_LETTERS:
        return None, None
    return wanted, wanted


@router.post("/find")
async def find(request: Request, person: AtDesk, body: FindBody) -> JSONResponse:
    """People and earlier calls that fit, as options to choose from."""
    return JSONResponse({"html": await options(request, person, body.text)})


async def options(request: Request, person: Person, text: str) -> str:
    """What was found, as HTML."""
    of_registry, of_intake = asked_of(text)
    people, calls = await asyncio.gather(
        _search(request, person, "registry", "/v1/persons/search", of_registry),
        _search(request, person, "intake", "/v1/calls/search", of_intake),
    )
    away = [name for name, found in (("registry", people), ("intake", calls)) if found is None]
    items = (people or {}).get("items", [])
    return render(
        "desk/found.html", person.lang, people=items, calls=(calls or {}).get("items", []), away=away,
        more=(people or {}).get("more", False), asked=bool(of_registry or of_intake),
        community_name=community_names(request, person.lang),
    )  # fmt: skip


async def _search(request: Request, person: Person, service: str, path: str, wanted: Doc | None) -> Doc | None:
    if wanted is None:
        return {}
    try:
        found: Doc = await backend(request).post(person, service, path, {**wanted, "limit": FEW}, purpose="emergency")
    except BackendRefused:
        return {}
    except BackendAway:
        return None
    return found


@router.post("/person")
async def choose_person(request: Request, person: AtDesk, body: PersonBody) -> JSONResponse:
    """A person of the registry: what goes onto the sheet, and a card with the home and the last calls."""
    path = f"/v1/persons/{body.person_id}"
    known, earlier, home = await asyncio.gather(
        backend(request).get(person, "registry", path, purpose="emergency"),
        _search(request, person, "intake", "/v1/calls/search", {"person_id": str(body.person_id)}),
        _home(request, person, f"{path}/locations"),
    )
    calls = (earlier or {}).get("items", [])
    last = desk.named_community(request, person.lang, fill_of_place(calls[0])) if calls else {}
    fill = {**fill_of_person(known, body.phone), **fill_of_home(known, home, last, person.lang)}
    return JSONResponse({"html": _card(request, person, known, calls, home), "fill": fill})


async def _home(request: Request, person: Person, path: str) -> Doc | None:
    """Where the register holds this person to live; None where it does not know, or does not tell."""
    try:
        seen = await backend(request).get(person, "registry", path, purpose="emergency")
    except (BackendRefused, BackendAway):
        return None
    return next((each for each in seen["items"] if each["stands"]), None)


def _card(request: Request, person: Person, known: Doc | None, calls: list[Doc], home: Doc | None = None) -> str:
    names = community_names(request, person.lang)
    return render("desk/person.html", person.lang, known=known, calls=calls, home=home, community_name=names)


@router.post("/earlier")
async def choose_call(request: Request, person: AtDesk, body: CallBody) -> JSONResponse:
    """An earlier call: its caller, patient and place onto the sheet of a new one."""
    found = await backend(request).post(
        person, "intake", "/v1/calls/search", {"ids": [str(body.call_id)]}, purpose="emergency"
    )
    if not found["items"]:
        return JSONResponse({"html": "", "fill": {}})
    call = found["items"][0]
    caller = {f"caller.{name}": call["caller"][name] for name in ("name", "phone", "relation")}
    caller["caller.phone"] = phone_shown(caller["caller.phone"] or "")
    patient = call["patients"][0] if call["patients"] else {}
    place = desk.named_community(request, person.lang, fill_of_place(call))
    fill = {**caller, **fill_of_patient(patient), **place}
    html = _card(request, person, None, [call])
    return JSONResponse({"html": html, "fill": {name: said for name, said in fill.items() if said}})


def fill_of_patient(patient: Doc) -> Doc:
    born = patient.get("birth_on") or patient.get("birth_year")
    age = patient.get("age")
    told = {name: patient.get(name) for name in ("name", "sex", "mobility", "needs", "groups", "national_id")}
    told["born"] = str(born or ("" if age is None else age))
    return {f"patients.0.{name}": said for name, said in told.items()}


def fill_of_person(known: Doc, phone: str) -> Doc:
    """Who they are; the caller is whose number it is."""
    groups = [each["group"]["code"] for each in known["groups"] if each["until_on"] is None]
    age = known["age"]["years"] if known["age"] else None
    fill = fill_of_patient({**known, "groups": groups, "national_id": None, "age": age})
    contact = contact_of(known["contacts"], phone)
    if contact:
        own = contact["relation"] == "self"
        fill |= {
            "caller.phone": phone or phone_shown(contact["phone"]),
            "caller.name": known["name"] if own else contact["name"],
            "caller.relation": contact["relation"],
        }
    return {name: said for name, said in fill.items() if said}


def contact_of(contacts: list[Doc], phone: str) -> Doc | None:
    """The contact with that number, else the first."""
    try:
        wanted = read_phone(phone, "phone").e164 if phone else None
    except Refusal:
        wanted = None
    return next((each for each in contacts if each["phone"] == wanted), contacts[0] if contacts and not phone else None)


def fill_of_home(known: Doc, home: Doc | None, last: Doc, lang: str) -> Doc:
    """Where to go: the home that the register holds to be right, else where they were fetched last.

    What was said of the last place (landmark, community) is kept where it is the same place.
    """
    now = next((each for each in known["addresses"] if each["kind"] == "current"), None)
    words = " · ".join(said for said in (now["detail"], now[f"area_{lang}"]) if said) if now else ""
    if home is None:
        return last or ({"location.address": words} if words else {})
    told = {"location.point": f"{home['lat']}, {home['lon']}"} | ({"location.address": words} if words else {})
    at = pair_of(last.get("location.point", ""))
    same = at is not None and distance_m(at, Point(home["lon"], home["lat"])) <= SAME_PLACE_M
    return {**(last if same else {}), **told}


def pair_of(text: str) -> Point | None:
    """A point as the sheet holds it."""
    lat, comma, lon = text.partition(", ")
    return Point(float(lon), float(lat)) if comma else None


def fill_of_place(call: Doc) -> Doc:
    """Where they were fetched last: most likely their home."""
    place = call["location"]
    told = {f"location.{name}": place[name] for name in ("landmark", "community", "tambon_code", "address")}
    if place["lat"] is not None:
        told["location.point"] = f"{place['lat']}, {place['lon']}"
    return {name: said for name, said in told.items() if said}
