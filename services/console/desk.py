"""What the desk's screens choose from: the municipality's communities and tambons, code lists, marks of its map."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from fastapi import Request

from services.console.backend import BackendAway, BackendRefused
from services.console.labels import answer_label
from services.console.live import hub_of
from services.console.people import Person
from services.console.rules.recurrence import in_words
from services.console.store import desks
from services.console.texts import texts
from services.console.towns import community_names
from services.console.web import backend, runtime, settings
from shared.codes.codes import code_list
from shared.database import AWAY
from shared.geo import Point
from shared.pack_parts import Pack
from shared.packs import load_all
from shared.thai import areas
from shared.work import now_utc

Choice = tuple[str, str]
Doc = dict[str, Any]
LISTS = ("kind", "relation", "sex", "mobility", "need", "group", "barrier")
COMMUNITY = "location.community"
WAITS_S = 3.0
"""How long a page waits for what only helps to choose."""


@cache
def packs(folder: Path) -> dict[str, Pack]:
    return load_all(folder)


def packs_of(request: Request, person: Person) -> list[Pack]:
    """The municipalities somebody takes calls for."""
    return [pack for slug, pack in packs(settings(request).areas_dir).items() if person.sees(slug)]


def centre_of(request: Request, person: Person) -> Point:
    """Where an unfinished plus code or an empty map is near."""
    own = packs_of(request, person) or list(packs(settings(request).areas_dir).values())
    return own[0].area.centre.point


def choices(list_id: str, lang: str) -> list[Choice]:
    """A code list to choose from."""
    known = code_list(list_id)
    return [(code, known.label(code, lang)) for code in known.codes]  # type: ignore[arg-type]


def sayer(lang: str) -> Doc:
    """For templates: labels of codes that came from a service; one that is not known here is shown as it is."""
    all_texts = texts()

    def said(key: str, code: str) -> str:
        known = all_texts.get(key)
        return known.of(lang) if known else code

    return {
        "label": lambda list_id, code: code_list(list_id).label(code, lang),  # type: ignore[arg-type]
        "outcome": lambda code: said(f"desk.outcome_{code}", code),
        "role": lambda code: said(f"base.role_{code}", code),
        "choices": choices,
        "answer_label": lambda answer: answer_label(answer, lang),
        "repeats": lambda rule: in_words(rule, lang),
    }


def lists(request: Request, person: Person) -> Doc:
    """Everything the sheet offers, in the person's language."""
    lang, own = person.lang, packs_of(request, person)
    tambons = {code for pack in own for code in (*pack.area.whole_tambons, *pack.area.partial_tambons)}
    found: Doc = {name: choices(name, lang) for name in LISTS}
    found["criteria_group"] = choices("criteria_group", lang)
    found["community"] = [
        each.name.th if lang == "th" else each.name.en for pack in own for each in pack.area.community
    ]
    found["tambon"] = sorted((code, areas.full_name(code, lang)) for code in tambons)  # type: ignore[arg-type]
    return found


def community_code(request: Request, person: Person, told: str) -> str:
    """The code of a community of the list, whichever of its names was told; what is in no list as it was."""
    known = (pack for pack in packs_of(request, person) if pack.community(told.strip()))
    return next((pack.community_code(told.strip()) for pack in known), told)


def coded(request: Request, person: Person, sheet: Doc) -> Doc:
    """The sheet with its community by the code: its name is for people, and each language has its own."""
    told = sheet.get(COMMUNITY)
    return {**sheet, COMMUNITY: community_code(request, person, told)} if isinstance(told, str) else sheet


def named_community(request: Request, lang: str, fields: Doc) -> Doc:
    """The sheet's fields with their community by the name that this person reads."""
    told = fields.get(COMMUNITY)
    return {**fields, COMMUNITY: community_names(request, lang)(told)} if told else fields


def partners(request: Request, person: Person) -> list[Choice]:
    """Who may take a call over."""
    return [
        (partner.code, f"{partner.name.th if person.lang == 'th' else partner.name.en} · {partner.phone}")
        for pack in packs_of(request, person)
        for partner in pack.partner
    ]


async def all_of(request: Request, person: Person, path: str, service: str = "dispatch") -> list[Doc] | None:
    """A whole short list of a service; None where it is away."""
    try:
        async with asyncio.timeout(WAITS_S):
            answer = await backend(request).get(person, service, path, params={"limit": 200})
    except (BackendAway, BackendRefused, TimeoutError):
        return None
    items: list[Doc] = answer["items"]
    return items


def named(item: Doc, lang: str) -> str:
    return str(item["name"] if lang == "th" else item.get("name_en") or item["name"])


def marks(stations: Iterable[Doc], facilities: Iterable[Doc], own: Iterable[Pack], lang: str) -> list[Doc]:
    """What a map without a base map shows to find one's way: bases, hospitals, communities."""
    places = [("station", stations), ("facility", facilities)]
    shown = [
        {"kind": kind, "name": named(each, lang), "lat": each["lat"], "lon": each["lon"]}
        for kind, items in places
        for each in items
    ]
    return shown + [
        {"kind": "community", "name": each.name.th if lang == "th" else each.name.en, "lat": each.lat, "lon": each.lon}
        for pack in own
        for each in pack.area.community
    ]


async def sheet_ended(request: Request, key: str) -> None:
    """A sheet is over, cleared or taken: the other desks need not wait for its call."""
    try:
        ended = await desks.end(runtime(request).pool, UUID(key), now_utc())
    except (ValueError, *AWAY):
        return  # another program's key; or they see that the page says no more of it
    if ended:
        hub_of(runtime(request)).nudge_desks()
