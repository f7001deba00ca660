"""What the map is drawn from: stations, facilities, and the municipality's own base map where there is one."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import FileResponse, JSONResponse, Response

from services.console import maps
from services.console.navigation import DESK
from services.console.pages.board import every
from services.console.people import Person
from services.console.towns import area_options, town_of
from services.console.web import settings, signed_in
from shared.geo import positions_of

router = APIRouter(prefix="/map", include_in_schema=False)

AtDesk = Annotated[Person, Depends(signed_in(*DESK))]
SignedIn = Annotated[Person, Depends(signed_in())]


@router.get("/places.json")
async def places(request: Request, person: AtDesk) -> Response:
    """``{stations, facilities: [{id, name, lat, lon}], maps: [{url, kind, attribution}]}`` of the person's areas."""
    stations, facilities = await asyncio.gather(
        every(request, person, "/v1/stations"), every(request, person, "/v1/facilities")
    )
    found = {"stations": _named(stations, person.lang), "facilities": _named(facilities, person.lang)}
    return JSONResponse({**found, "maps": await maps_of(request, person)}, headers={"cache-control": "no-store"})


def _named(items: list[dict[str, Any]], lang: str) -> list[dict[str, Any]]:
    return [
        {
            "id": item["id"], "lat": item["lat"], "lon": item["lon"],
            "name": (item["name_en"] if lang == "en" else None) or item["name"],
        }
        for item in items if item["active"]
    ]  # fmt: skip


async def maps_of(request: Request, person: Person) -> list[dict[str, str]]:
    """``{url, kind, attribution}`` of the maps of the person's areas, and of what lies in them (``areas``)."""
    known = await asyncio.to_thread(maps.known, settings(request).map_dir)
    own = [
        {"url": f"/map/{each['area']}.{each['kind']}", "kind": each["kind"], "attribution": each["attribution"]}
        for each in known if person.sees(each["area"])
    ]  # fmt: skip
    towns = [slug for slug, _ in area_options(request, person) if (town := town_of(request, slug)) and town.bounded]
    return own + [{"url": f"/map/{slug}/areas.json", "kind": "areas", "attribution": ""} for slug in towns]


@router.get("/{area}/areas.json")
async def boundaries(request: Request, person: SignedIn, area: str) -> Response:
    """The communities, villages and quarters of a municipality as GeoJSON, with their names in both languages."""
    town = town_of(request, area) if person.sees(area) else None
    if town is None:
        return Response(status_code=404)
    features = [
        {
            "type": "Feature",
            "properties": {"kind": each.shape.kind, "name_th": each.name.th, "name_en": each.name.en},
            "geometry": {"type": "MultiPolygon", "coordinates": positions_of(each.shape.polygons)},
        }
        for each in town.bounded
    ]
    content = {"type": "FeatureCollection", "features": features}
    return JSONResponse(content, media_type=maps.MEDIA["geojson"], headers={"cache-control": "private, max-age=600"})


@router.get("/{area}.{kind}")
async def own_map(request: Request, person: SignedIn, area: str, kind: str) -> Response:
    """The map of an area; of PMTiles the browser asks for the parts it needs (range requests)."""
    file = settings(request).map_dir / f"{area}.{kind}"
    known = maps.AREA.fullmatch(area) and kind in maps.MEDIA
    if not known or not person.sees(area) or not await asyncio.to_thread(file.is_file):
        return Response(status_code=404)
    return FileResponse(file, media_type=maps.MEDIA[kind], headers={"cache-control": "private, no-cache"})
