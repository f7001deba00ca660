"""Where and with whom somebody lives: addresses, household and members, and every observed point on a small map."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, File, Form, Request, UploadFile
from fastapi.responses import Response

from services.console.backend import BackendRefused
from services.console.colleagues import owners
from services.console.desk import centre_of
from services.console.labels import options
from services.console.pages.map import maps_of
from services.console.pages.people_tabs import (
    Asker,
    AskingCarer,
    Carer,
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
from services.console.rules.places import read_place
from services.console.rules.seeking import sought
from services.console.texts import texts
from services.console.web import as_json, backend
from shared.codes.codes import code_list

router = APIRouter(prefix="/people", include_in_schema=False)

METHODS = ("visit", "gps", "map", "address")
SOURCES = tuple(code for code in code_list("observer_kind").codes if code != "agency")
"""Who may have seen a point; that an agency did is known by the account."""
PICTURE_S = 60.0
MOST_SHOWN = 12
"""How many observations are listed; the registry keeps the last 200."""


@router.get("/{person_id}/home")
async def show(request: Request, person: Asker, person_id: UUID, purpose: Purpose = "") -> Response:
    why = asked_for(person, purpose)
    return await _home(request, person, person_id, why) if why else ask_purpose(request, person)


async def _home(
    request: Request, person: Person, person_id: UUID, why: str, *, problem: str = "", status: int = 200,
    found: Doc | None = None,
) -> Response:  # fmt: skip
    """``found``: who was looked for, to live together with this person."""
    known = await known_person(request, person, person_id, why)
    household = None
    if known["household"] and person.agency_id is None:  # households are the municipality's own
        path = f"/v1/households/{known['household']['id']}"
        household = await backend(request).get(person, "registry", path, purpose=why)
    seen = await if_seen(request, person, f"/v1/persons/{person_id}/locations", why)
    places = (seen or {"items": []})["items"]
    own = person.agency_id is None
    methods = [method for method in METHODS if own or method != "visit"]
    maps = await maps_of(request, person) if own else []
    return tab_page(
        request, person, "home", known, why, problem=problem, status=status, household=household, places=places,
        unseen=seen is None, owners=await owners(request, person, places),
        shown=places[:MOST_SHOWN], drawn=as_json({"maps": maps, "points": [_drawn(each, person) for each in places]}),
        found=found, roles=options("household_role", person.lang),
        methods=options("location_method", person.lang, methods),
        sources=options("observer_kind", person.lang, SOURCES),
        uses=options("location_use", person.lang), groups=options("group", person.lang),
    )  # fmt: skip


def _drawn(place: Doc, person: Person) -> Doc:
    """A point as the map draws it."""
    return {
        "lat": place["lat"], "lon": place["lon"], "metres": place["accuracy_m"] or 0, "stands": place["stands"],
        "verified": place["verified"] is not None, "name": place["source"]["en" if person.lang == "en" else "th"],
    }  # fmt: skip


@router.post("/{person_id}/home/find")
async def find(request: Request, person: Carer, person_id: UUID, text: Short = "", purpose: Short = "") -> Response:
    """Whom this person lives with: looked for like anybody, by POST."""
    why = purpose_sent(person, purpose)
    if not text.strip():
        problem = texts()["people.problem_empty"].of(person.lang)
        return await _home(request, person, person_id, why, problem=problem, status=422)
    try:
        found = await backend(request).post(person, "registry", "/v1/persons/search", sought(text), purpose=why)
    except BackendRefused as refused:
        return await _home(
            request, person, person_id, why, problem=refused.sentence(person.lang), status=refused.status
        )
    found["items"] = [each for each in found["items"] if each["id"] != str(person_id)]
    return await _home(request, person, person_id, why, found=found)


@router.post("/{person_id}/home/together")
async def together(
    request: Request, person: Carer, person_id: UUID, other_id: Annotated[UUID, Form()], role: Short = "member",
    purpose: Short = "",
) -> Response:  # fmt: skip
    """The other moves in here; where this person has no household, they move in with the other, ``role`` being of

    whoever moves. Where neither has one, it is founded with the other as its head.
    """
    why = purpose_sent(person, purpose)
    here = (await known_person(request, person, person_id, why))["household"]
    other = await known_person(request, person, other_id, why)
    theirs = other["household"]
    moves = other_id if here else person_id
    mover = {"person_id": str(moves), "role": role, "head": role == "head"}
    asking = backend(request)
    if here or theirs:
        path = f"/v1/households/{(here or theirs)['id']}/members"
        asked = asking.post(person, "registry", path, mover, purpose=why)
    else:
        members = [{"person_id": str(other_id), "role": "head", "head": True}, mover]
        asked = asking.post(
            person, "registry", "/v1/households", {"area": other["area"], "members": members}, purpose=why
        )
    return await _done(request, person, person_id, why, *await tried(person, asked), anchor="#household")


@router.post("/{person_id}/home/found")
async def found_alone(request: Request, person: Carer, person_id: UUID, purpose: Short = "") -> Response:
    """A household of one, at the current address: others can move in."""
    why = purpose_sent(person, purpose)
    known = await known_person(request, person, person_id, why)
    here = next((each for each in known["addresses"] if each["kind"] == "current"), None)
    address = {name: here[name] for name in ("area_code", "detail") if here[name]} if here else None
    members = [{"person_id": str(person_id), "role": "head", "head": True}]
    body = {"area": known["area"], "members": members, "exercise": known["exercise"]}
    if address:
        body["address"] = address
    asked = backend(request).post(person, "registry", "/v1/households", body, purpose=why)
    return await _done(request, person, person_id, why, *await tried(person, asked), anchor="#household")


@router.post("/{person_id}/home/leave")
async def leave(
    request: Request, person: Carer, person_id: UUID, household_id: Annotated[UUID, Form()],
    member_id: Annotated[UUID, Form()], until_on: Short = "", purpose: Short = "",
) -> Response:  # fmt: skip
    """Somebody moves out, today or on the day that was said."""
    why = purpose_sent(person, purpose)
    path = f"/v1/households/{household_id}/members/{member_id}/leave"
    last, wrong = days.read(until_on, "until_on", person.lang)
    if wrong:
        return await _home(request, person, person_id, why, problem=wrong, status=422)
    asked = backend(request).post(person, "registry", path, filled(until_on=last), purpose=why)
    return await _done(request, person, person_id, why, *await tried(person, asked), anchor="#household")


@router.post("/{person_id}/home/group")
async def join_group(
    request: Request, person: Carer, person_id: UUID, household_id: Annotated[UUID, Form()], group: Short,
    from_on: Short = "", purpose: Short = "",
) -> Response:  # fmt: skip
    """Why the whole household is looked after."""
    why = purpose_sent(person, purpose)
    first, wrong = days.read(from_on, "from_on", person.lang)
    if wrong:
        return await _home(request, person, person_id, why, problem=wrong, status=422)
    body = {"group": group, **filled(from_on=first)}
    asked = backend(request).post(person, "registry", f"/v1/households/{household_id}/groups", body, purpose=why)
    return await _done(request, person, person_id, why, *await tried(person, asked), anchor="#household")


@router.post("/{person_id}/home/ungroup")
async def leave_group(
    request: Request, person: Carer, person_id: UUID, household_id: Annotated[UUID, Form()],
    group_id: Annotated[UUID, Form()], purpose: Short = "",
) -> Response:  # fmt: skip
    why = purpose_sent(person, purpose)
    path = f"/v1/households/{household_id}/groups/{group_id}/leave"
    asked = backend(request).post(person, "registry", path, purpose=why)
    return await _done(request, person, person_id, why, *await tried(person, asked), anchor="#household")


@router.post("/{person_id}/home/observe")
async def observe(
    request: Request, person: AskingCarer, person_id: UUID, point: Short, method: Short = "map", use: Short = "home",
    source: Short = "", accuracy_m: Short = "", purpose: Short = "",
) -> Response:  # fmt: skip
    """One more observation of where this person lives; none is ever overwritten."""
    why = purpose_sent(person, purpose)
    read = read_place(point, centre_of(request, person))
    if read is None:
        problem = texts()["person.point_unread"].of(person.lang)
        return await _home(request, person, person_id, why, problem=problem, status=422)
    body = {
        "lat": read.point.lat, "lon": read.point.lon, "method": method, "use": use,
        **filled(source=source, accuracy_m=accuracy_m),
    }  # fmt: skip
    asked = backend(request).post(person, "registry", f"/v1/persons/{person_id}/locations", body, purpose=why)
    return await _done(request, person, person_id, why, *await tried(person, asked), anchor="#places")


@router.post("/{person_id}/picture")
async def picture(
    request: Request, person: Carer, person_id: UUID, location_id: Annotated[UUID, Form()],
    key: Annotated[UUID, Form()], picture: Annotated[UploadFile, File()], purpose: Short = "",
) -> Response:  # fmt: skip
    """A picture of where this person was seen to live; by the form's key it is kept once."""
    why = purpose_sent(person, purpose)
    path, params = f"/v1/pictures/{key}", {"location_id": str(location_id)}
    asked = backend(request).send(
        person, "registry", path, await picture.read(), params=params, purpose=why, within_s=PICTURE_S
    )
    return await _done(request, person, person_id, why, *await tried(person, asked), anchor="#places")


async def _done(
    request: Request, person: Person, person_id: UUID, why: str, problem: str, status: int, *, anchor: str
) -> Response:
    """Back to the tab, or the tab with the registry's sentence above it."""
    if problem:
        return await _home(request, person, person_id, why, problem=problem, status=status)
    return back(person_id, "/home", why, anchor)
