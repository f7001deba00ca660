"""The parts of a municipality by which lists are filtered: its tambons, and what lies in them and in itself."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Query, Request

from services.console.backend import BackendAway, BackendRefused
from services.console.people import Person
from services.console.towns import area_options, town_of
from services.console.web import backend, runtime
from shared.thai.areas import area

KEPT_S = 300.0
Choices = list[tuple[str, str]]
Kept = dict[tuple[str, str], tuple[float, Choices]]
"""By municipality and language; names of places are nobody's secret."""
Place = Annotated[str, Query(max_length=80)]
"""The tambon, village or community by which somebody has narrowed a list, in the address of the page."""
UNKNOWN = 422


async def area_choices(request: Request, person: Person) -> Choices:
    """``(code, name)`` of the tambons, communities and villages of the person's municipalities, tambons first."""
    kept: Kept = runtime(request).parts.setdefault("area_choices", {})
    found: Choices = []
    for slug, _ in area_options(request, person):
        made_at, known = kept.get((slug, person.lang), (-KEPT_S, []))
        if time.monotonic() - made_at > KEPT_S:
            known, whole = await _of_one(request, person, slug)
            if whole:
                kept[slug, person.lang] = time.monotonic(), known
        found += known
    return list(dict(found).items())


async def chooser(request: Request, person: Person, place: str) -> dict[str, Any]:
    """What ``ui.narrow()`` draws: every place to choose from, and the one that was chosen."""
    return {"places": await area_choices(request, person), "narrowed": place}


def there(address: str, place: str, **more: str) -> str:
    """The address of a list, narrowed as it was: after an act one goes on in the same place."""
    asked = {**more, **({"place": place} if place else {})}
    return f"{address}?{urlencode(asked)}" if asked else address


async def listed(
    request: Request, person: Person, path: str, params: dict[str, str | int], place: str, purpose: str
) -> tuple[dict[str, Any], str]:
    """A page of one of the registry's lists, of who lives in ``place`` alone where one is chosen.

    Of a place that the registry does not know (a community nobody has taken over yet): nothing, and its sentence.
    """
    asked = {**params, "area_code": place} if place else params
    try:
        return await backend(request).get(person, "registry", path, params=asked, purpose=purpose), ""
    except BackendRefused as refused:
        if not place or refused.status != UNKNOWN:
            raise
        return {"items": [], "next": None}, refused.sentence(person.lang)


async def _of_one(request: Request, person: Person, slug: str) -> tuple[Choices, bool]:
    """The choices, and whether everything that was asked for was answered: a gap is not kept."""
    town, lang = town_of(request, slug), "en" if person.lang == "en" else "th"
    tambons = [*town.area.whole_tambons, *town.area.partial_tambons] if town else []
    named = [(code, tambon_name(code, lang)) for code in tambons]
    nodes = await asyncio.gather(*(_read(request, person, code) for code in (slug, *tambons)))
    inner = [(each["code"], each[lang]) for node in nodes for each in node or () if each["code"] not in tambons]
    return named + inner, None not in nodes


def tambon_name(code: str, lang: str) -> str:
    known = area(code)
    return f"ต.{known.th}" if lang == "th" else known.en


async def _read(request: Request, person: Person, code: str) -> list[dict[str, Any]] | None:
    """What lies right in it; nothing where it is not in the tree; None where the registry is away."""
    try:
        node: dict[str, Any] = await backend(request).get(person, "registry", f"/v1/areas/{code}")
    except BackendRefused:
        return []
    except BackendAway:
        return None
    children: list[dict[str, Any]] = node["children"]
    return children
