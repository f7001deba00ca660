"""Who lives near: of a group, within some metres of a risk map's layer or of a point; on a map and as a list."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response

from services.console.backend import BackendAway, BackendRefused
from services.console.labels import label, labeller, options
from services.console.navigation import RESCUERS
from services.console.pages.people_tabs import asked_for, purposes_of
from services.console.people import Person
from services.console.rules.places import read_place
from services.console.rules.risk_map import Drawn, drawn
from services.console.texts import texts
from services.console.towns import area_options, town_of
from services.console.web import backend, page, signed_in
from shared.geo import METRES_PER_DEGREE, Point
from shared.pack_parts import Pack
from shared.thai.dates import local_day
from shared.work import now_utc

router = APIRouter(prefix="/people/near", include_in_schema=False)

Rescuer = Annotated[Person, Depends(signed_in(*RESCUERS))]
Short = Annotated[str, Form(max_length=200)]
Doc = dict[str, Any]
SPANS_M = (100, 300, 500, 1000, 2000)
DEFAULT_M = 300
MOST = 200
WRONG = 422


@dataclass(frozen=True, slots=True)
class Sought:
    """As it was asked: ``layer`` an id, ``point`` as it was typed."""

    group: str = "bedridden"
    layer: str = ""
    point: str = ""
    within_m: int = DEFAULT_M
    purpose: str = ""


@router.get("")
async def show(request: Request, person: Rescuer) -> Response:
    """Nobody is looked for before the asker has said what for."""
    return await _page(request, person, Sought())


async def _page(
    request: Request, person: Person, sought: Sought, *, problem: str = "", found: Doc | None = None,
    picture: Drawn | None = None, near: Doc | None = None,
) -> Response:  # fmt: skip
    layers = await _layers(request, person)
    return page(
        request, "people/near.html", status=WRONG if problem else 200, sought=sought, problem=problem, found=found,
        picture=picture, near=near, layers=layers and [(each["id"], _layer_name(each, person.lang)) for each in layers],
        away=layers is None, groups=options("group", person.lang), spans=SPANS_M, purposes=purposes_of(person),
        code=labeller(person.lang),
    )  # fmt: skip


def _layer_name(layer: Doc, lang: str) -> str:
    name = (layer["name_en"] if lang == "en" else None) or layer["name"]
    return f"{label('risk_kind', layer['kind'], lang)}: {name}"


async def _layers(request: Request, person: Person) -> list[Doc] | None:
    """Layers that hold today or will; None: dispatch does not answer."""
    today = local_day(now_utc()).isoformat()
    try:
        listed = await backend(request).get(person, "dispatch", "/v1/layers", params={"limit": 100})
    except BackendAway:
        return None
    return [each for each in listed["items"] if today <= (each["valid_until_on"] or today)]


@router.post("")
async def ask(
    request: Request, person: Rescuer, group: Short = "", layer: Short = "", point: Short = "",
    within_m: Annotated[int, Form(ge=0, le=5000)] = DEFAULT_M, purpose: Short = "",
) -> Response:  # fmt: skip
    """By POST: a point may be somebody's home."""
    sought = Sought(group, layer, point.strip(), within_m, asked_for(person, purpose))
    say = texts()
    if not sought.purpose:
        return await _page(request, person, sought, problem=say["near.problem_purpose"].of(person.lang))
    if bool(sought.layer) == bool(sought.point):
        return await _page(request, person, sought, problem=say["near.problem_one"].of(person.lang))
    town = town_of(request, next((slug for slug, _ in area_options(request, person)), None))
    body: Doc = {"within_m": within_m, "limit": MOST, **({"groups": [group]} if group else {})}
    near: Doc | None = None
    try:
        if sought.layer:
            near = await backend(request).get(person, "dispatch", f"/v1/layers/{UUID(sought.layer)}")
            body |= {"geojson": near["geojson"], "area": near["area"]}
            town = town_of(request, near["area"])
        else:
            at = read_place(sought.point, _centre(town))
            if at is None:
                return await _page(request, person, sought, problem=say["near.problem_point"].of(person.lang))
            body["point"] = {"lat": at.point.lat, "lon": at.point.lon}
        found = await backend(request).post(person, "registry", "/v1/persons/near", body, purpose=sought.purpose)
    except ValueError:
        return await _page(request, person, sought, problem=say["near.problem_one"].of(person.lang))
    except BackendRefused as refused:
        return await _page(request, person, sought, problem=refused.sentence(person.lang))
    found["items"].sort(key=lambda each: each["distance_m"])
    picture = _picture(town, near, body.get("point"), found["items"], within_m, person.lang) if town else None
    return await _page(request, person, sought, found=found, picture=picture, near=near)


def _centre(town: Pack | None) -> Point:
    return Point(town.area.centre.lon, town.area.centre.lat) if town else Point(100.5, 13.75)


def _picture(
    town: Pack, layer: Doc | None, point: Doc | None, people: Sequence[Doc], within_m: int, lang: str
) -> Drawn:
    """What was asked about with everybody who was found, and as much around it as was asked for.

    The first dot is the point, where one was asked about.
    """
    homes = [Point(each["lon"], each["lat"]) for each in people]
    collections = [layer["geojson"]] if layer else []
    corners = [
        Point(lon, lat)
        for collection in collections for feature in collection["features"]
        for polygon in feature["geometry"]["coordinates"] for ring in polygon for lon, lat in ring
    ]  # fmt: skip
    here = [Point(point["lon"], point["lat"])] if point else []
    around = _widened([*corners, *here, *homes], max(within_m, 200))
    (west, south), (east, north) = ((at.lon, at.lat) for at in around)
    names = [
        (Point(each.lon, each.lat), each.name.say("en" if lang == "en" else "th"))
        for each in town.area.community if west < each.lon < east and south < each.lat < north
    ]  # fmt: skip
    return drawn(town.boundary, names, collections, [*here, *homes], around, [each.shape for each in town.bounded])


def _widened(points: Sequence[Point], metres: float) -> list[Point]:
    """The corners of the box around these points and ``metres`` more."""
    south, north = min(point.lat for point in points), max(point.lat for point in points)
    high = metres / METRES_PER_DEGREE
    wide = high / math.cos(math.radians((south + north) / 2))
    west, east = min(point.lon for point in points) - wide, max(point.lon for point in points) + wide
    return [Point(west, south - high), Point(east, north + high)]
