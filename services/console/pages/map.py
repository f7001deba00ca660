"""What the map is drawn from: stations, facilities, and the municipality's own base map where there is one."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import FileResponse, JSONResponse, Response

from services.console.navigation import DESK
from services.console.pages.board import every
from services.console.people import Person
from services.console.web import settings, signed_in

router = APIRouter(prefix="/map", include_in_schema=False)

AtDesk = Annotated[Person, Depends(signed_in(*DESK))]
SignedIn = Annotated[Person, Depends(signed_in())]
SLUG = re.compile(r"[a-z][a-z0-9-]{1,30}")


@router.get("/places.json")
async def places(request: Request, person: AtDesk) -> Response:
    """``{stations, facilities: [{id, name, lat, lon}], maps: [{url, attribution}]}`` of the person's areas."""
    stations, facilities = await asyncio.gather(
        every(request, person, "/v1/stations"), every(request, person, "/v1/facilities")
    )
    found = {"stations": _named(stations, person.lang), "facilities": _named(facilities, person.lang)}
    maps = maps_of(settings(request).map_dir, person)
    return JSONResponse({**found, "maps": maps}, headers={"cache-control": "no-store"})


def _named(items: list[dict[str, Any]], lang: str) -> list[dict[str, Any]]:
    return [
        {
            "id": item["id"], "lat": item["lat"], "lon": item["lon"],
            "name": (item["name_en"] if lang == "en" else None) or item["name"],
        }
        for item in items if item["active"]
    ]  # fmt: skip


def maps_of(folder: Path, person: Person) -> list[dict[str, str]]:
    """The base maps of the person's areas; who made them stands in ``<area>.json`` beside the file."""
    found = sorted(folder.glob("*.pmtiles")) if folder.is_dir() else []
    return [
        {"url": f"/map/{file.name}", "attribution": _attribution(file.with_suffix(".json"))}
        for file in found if SLUG.fullmatch(file.stem) and person.sees(file.stem)
    ]  # fmt: skip


def _attribution(file: Path) -> str:
    try:
        return str(json.loads(file.read_text("utf-8"))["attribution"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


@router.get("/{area}.pmtiles")
async def tiles(request: Request, person: SignedIn, area: str) -> Response:
    """The base map of an area; the browser asks for the parts it needs (range requests)."""
    file = settings(request).map_dir / f"{area}.pmtiles"
    if not SLUG.fullmatch(area) or not person.sees(area) or not file.is_file():
        return Response(status_code=404)
    return FileResponse(file, media_type="application/octet-stream")
