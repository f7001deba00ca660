"""What the map is drawn from: stations, facilities, and the municipality's own base map where there is one."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import FileResponse, JSONResponse, Response

from services.console import maps
from services.console.navigation import DESK
from services.console.pages.board import every
from services.console.people import Person
from services.console.web import settings, signed_in

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
    own = await asyncio.to_thread(maps_of, settings(request).map_dir, person)
    return JSONResponse({**found, "maps": own}, headers={"cache-control": "no-store"})


def _named(items: list[dict[str, Any]], lang: str) -> list[dict[str, Any]]:
    return [
        {
            "id": item["id"], "lat": item["lat"], "lon": item["lon"],
            "name": (item["name_en"] if lang == "en" else None) or item["name"],
        }
        for item in items if item["active"]
    ]  # fmt: skip


def maps_of(folder: Path, person: Person) -> list[dict[str, str]]:
    """``{url, kind, attribution}`` of the maps of the person's areas."""
    return [
        {"url": f"/map/{each['area']}.{each['kind']}", "kind": each["kind"], "attribution": each["attribution"]}
        for each in maps.known(folder) if person.sees(each["area"])
    ]  # fmt: skip


@router.get("/{area}.{kind}")
async def own_map(request: Request, person: SignedIn, area: str, kind: str) -> Response:
    """The map of an area; of PMTiles the browser asks for the parts it needs (range requests)."""
    file = settings(request).map_dir / f"{area}.{kind}"
    known = maps.AREA.fullmatch(area) and kind in maps.MEDIA
    if not known or not person.sees(area) or not await asyncio.to_thread(file.is_file):
        return Response(status_code=404)
    return FileResponse(file, media_type=maps.MEDIA[kind], headers={"cache-control": "private, no-cache"})
