"""The public risk map: what the municipality lets everybody see, drawn and in words, without any script."""

from __future__ import annotations

import time
from datetime import date
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.console.backend import BackendAway, BackendRefused
from services.console.labels import labeller
from services.console.public_forms import as_public
from services.console.rules.risk_map import drawn
from services.console.towns import town_of
from services.console.web import backend, lang_of, page, settings
from shared.auth import Role
from shared.geo import Point
from shared.thai.dates import local_day
from shared.work import now_utc

router = APIRouter(prefix="/public", include_in_schema=False)

KEPT_S = 60.0
MOST_LAYERS = 20
GRAVEST_FIRST = ("high", "medium", "low")
Layers = list[dict[str, Any]]
_kept: dict[str, tuple[float, Layers]] = {}


@router.get("/risks")
@router.get("/{area}/risks")
async def risks(request: Request, area: str | None = None) -> Response:
    home = settings(request).home_area
    town = town_of(request, area or home)
    if town is None:
        return page(request, "public/nowhere.html", status=404, town=None, base="/public")
    slug, lang = town.area.slug, lang_of(request)
    layers = await _layers(request, slug)
    names = [(Point(each.lon, each.lat), each.name.say("en" if lang == "en" else "th")) for each in town.area.community]
    parts = [each.shape for each in town.bounded]
    picture = drawn(town.boundary, names, [each["geojson"] for each in layers], parts=parts) if layers else None
    return page(
        request, "public/risks.html", town=town, base="/public" if slug == home else f"/public/{slug}",
        code=labeller(lang), layers=layers, picture=picture,
    )  # fmt: skip


async def _layers(request: Request, area: str) -> Layers | None:
    """Those that hold today, at most a minute old; None: dispatch does not answer and nothing is known."""
    made_at, known = _kept.get(area, (-KEPT_S, None))
    if known is not None and time.monotonic() - made_at < KEPT_S:
        return known
    person, today = as_public(request, area, Role.PARTNER), local_day(now_utc()).isoformat()
    try:
        listed = await backend(request).get(
            person, "dispatch", "/v1/layers", params={"area": area, "limit": str(MOST_LAYERS)}
        )
        valid = [
            each for each in listed["items"]
            if (each["valid_from_on"] or today) <= today <= (each["valid_until_on"] or today)
        ]  # fmt: skip
        found = [await backend(request).get(person, "dispatch", f"/v1/layers/{each['id']}") for each in valid]
    except (BackendAway, BackendRefused):
        return known
    for layer in found:
        layer["until"] = date.fromisoformat(layer["valid_until_on"]) if layer["valid_until_on"] else None
        layer["geojson"]["features"].sort(key=lambda each: GRAVEST_FIRST.index(each["properties"]["level"]))
    _kept[area] = (time.monotonic(), found)
    return found
