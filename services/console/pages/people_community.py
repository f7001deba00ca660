"""Community cards: which community has what, one card to read and keep, and who has something near a place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import Response

from services.console.area_tree import area_choices
from services.console.backend import BackendRefused
from services.console.desk import centre_of
from services.console.labels import options, phone_shown
from services.console.navigation import CARERS, READERS
from services.console.pages.people_tabs import purpose_sent
from services.console.pages.people_visits import names_of
from services.console.people import Person
from services.console.rules.places import read_place
from services.console.texts import texts
from services.console.towns import area_options, town_of
from services.console.web import backend, page, saved, signed_in
from shared.codes.codes import code_list
from shared.geo import Point, distance_m
from shared.work import now_utc

router = APIRouter(prefix="/people/community", include_in_schema=False)

Reader = Annotated[Person, Depends(signed_in(*READERS))]
Carer = Annotated[Person, Depends(signed_in(*CARERS))]
Short = Annotated[str, Form(max_length=200)]
Asked = Annotated[str, Query(max_length=60)]
Doc = dict[str, Any]
SPANS_M = (500, 1000, 2000, 5000)
MOST, WRONG = 100, 422
TAMBON = 6
"""Digits of a tambon's code: a card is of something smaller."""
OLD_DAYS = 365
"""After so long an entry is to be asked about again."""


# --- which communities there are ---------------------------------------------------------


async def communities(request: Request, person: Person, town: str) -> dict[str, str]:
    """Code → name of what a card may be of: parts of the area tree, and communities of the settings pack."""
    pack = town_of(request, town)
    within = (f"{town}:", *((*pack.area.whole_tambons, *pack.area.partial_tambons) if pack else ()))
    tree = {code: name for code, name in await area_choices(request, person) if code.startswith(within)}
    own = pack.area.community if pack else ()
    named = {f"{town}:{each.code}": each.name.say("en" if person.lang == "en" else "th") for each in own}
    return {**named, **{code: name for code, name in tree.items() if not (code.isdigit() and len(code) == TAMBON)}}


def middles(request: Request, town: str) -> dict[str, Point]:
    """Where each community of the settings pack lies, by its code."""
    pack = town_of(request, town)
    return {f"{town}:{each.code}": Point(each.lon, each.lat) for each in pack.area.community} if pack else {}


def _town(request: Request, person: Person, asked: str) -> tuple[str, list[tuple[str, str]]]:
    towns = area_options(request, person)
    return (asked if asked in dict(towns) else towns[0][0] if towns else ""), towns


def card_address(town: str, name: str) -> str:
    """A card by its municipality and community: neither is anybody's secret."""
    return "/people/community/card?" + urlencode({"town": town, "name": name})


# --- every card, and who has what near a place -------------------------------------------


@dataclass(frozen=True, slots=True)
class Sought:
    """As it was asked: ``near`` a community's code, ``point`` as it was typed."""

    kind: str = ""
    words: str = ""
    near: str = ""
    point: str = ""
    within_m: int = 0


@router.get("")
async def overview(
    request: Request, person: Reader, town: Asked = "", whom: Annotated[UUID | None, Query(alias="person")] = None
) -> Response:
    """``person``: of the register, to be written on the card that is chosen."""
    return await _overview(request, person, town, Sought(), whom=str(whom or ""))


async def _overview(
    request: Request, person: Person, town: str, sought: Sought, *, found: Doc | None = None, problem: str = "",
    whom: str = "",
) -> Response:  # fmt: skip
    here, towns = _town(request, person, town)
    params = {"area": here} if here else {}
    listed = await backend(request).get(person, "registry", "/v1/community/cards", params=params)
    known = await communities(request, person, here)
    names = {**{each["community"]: each["community"] for each in listed["items"]}, **known}
    people = [each["person_id"] for each in found["items"] if each["person_id"]] if found else []
    people += [whom] if whom else []
    why = purpose_sent(person, "")
    return page(
        request, "people/community.html", status=WRONG if problem else 200, problem=problem, sought=sought, found=found,
        town=here, towns=towns, cards=sorted(listed["items"], key=lambda each: names[each["community"]]), names=names,
        choices=sorted(names.items(), key=lambda each: each[1]), kinds=options("community_kind", person.lang),
        spans=SPANS_M, address=card_address, phone=phone_shown, is_old=is_old, whom=whom,
        people=await names_of(request, person, people, why), why=why,
    )  # fmt: skip


@router.post("/find")
async def find(
    request: Request, person: Reader, town: Short = "", kind: Short = "", words: Short = "", near: Short = "",
    point: Short = "", within_m: Annotated[int, Form(ge=0, le=100_000)] = 0,
) -> Response:  # fmt: skip
    """Who has it, the nearest first. By POST: a point may be somebody's home."""
    here, _ = _town(request, person, town)
    sought = Sought(kind, words.strip(), near, point.strip(), within_m)
    known, say = middles(request, here), texts()
    at = known.get(near)
    if sought.point:
        read = read_place(sought.point, centre_of(request, person))
        if read is None:
            return await _overview(request, person, here, sought, problem=say["near.problem_point"].of(person.lang))
        at = read.point
    if not (kind or sought.words or at):
        return await _overview(request, person, here, sought, problem=say["community.ask_something"].of(person.lang))
    body: Doc = {"area": here, "kind": kind or None, "words": sought.words or None, "limit": MOST}
    if at is not None:
        body |= {"point": {"lon": at.lon, "lat": at.lat}, "within_m": within_m or None}
    why = purpose_sent(person, "")
    try:
        found = await backend(request).post(person, "registry", "/v1/community/search", body, purpose=why)
    except BackendRefused as refused:
        return await _overview(request, person, here, sought, problem=refused.sentence(person.lang))
    found["items"] = measured(found["items"], at, known, within_m)
    return await _overview(request, person, here, sought, found=found)


def measured(items: Sequence[Doc], at: Point | None, known: dict[str, Point], within_m: int) -> list[Doc]:
    """The nearest first; whose own place is not known is measured from the middle of the community (``about``)."""
    shown = []
    for each in items:
        middle = known.get(each["community"]) if at is not None and each["distance_m"] is None else None
        metres = each["distance_m"] if middle is None or at is None else round(distance_m(at, middle))
        if metres is None or not within_m or metres <= within_m:
            shown.append({**each, "distance_m": metres, "about": middle is not None})
    return sorted(shown, key=lambda each: (each["distance_m"] is None, each["distance_m"] or 0))


def is_old(checked_at: str) -> bool:
    """Whether nobody has asked for a year whether it is still so."""
    return (now_utc() - datetime.fromisoformat(checked_at)).days > OLD_DAYS


# --- one card ----------------------------------------------------------------------------


@router.get("/card")
async def card(
    request: Request, person: Reader, name: Annotated[str, Query(min_length=1, max_length=60)], town: Asked = "",
    whom: Annotated[UUID | None, Query(alias="person")] = None,
) -> Response:  # fmt: skip
    """What one community can rely on; ``person``: of the register, to be written on it."""
    return await _card(request, person, town, name, whom=str(whom or ""))


async def _card(
    request: Request, person: Person, town: str, name: str, *, problem: str = "", typed: Doc | None = None,
    whom: str = "",
) -> Response:  # fmt: skip
    """``typed``: what was refused just now, with the ``id`` of its entry."""
    here, _ = _town(request, person, town)
    why = purpose_sent(person, "")
    params: dict[str, str | int] = {"area": here, "name": name, "limit": MOST}
    found = await backend(request).get(person, "registry", "/v1/community", params=params, purpose=why)
    kinds = options("community_kind", person.lang)
    order = code_list("community_kind").codes
    items = sorted(found["items"], key=lambda each: order.index(each["kind"]["code"]))
    known = await communities(request, person, here)
    people = [each["person_id"] for each in items if each["person_id"]] + ([whom] if whom else [])
    return page(
        request, "people/community_card.html", status=WRONG if problem else 200, problem=problem, town=here, name=name,
        title=known.get(name, name), entries=items, more=found["next"] is not None, kinds=kinds, phone=phone_shown,
        people=await names_of(request, person, people, why), cares=person.role in CARERS, is_old=is_old,
        typed=typed or {}, whom=whom, why=why, at=card_address(here, name),
    )  # fmt: skip


@router.post("/card")
async def keep(
    request: Request, person: Carer, town: Short, name: Annotated[str, Form(min_length=1, max_length=60)],
    entry_id: Annotated[UUID, Form()], kind: Short = "person", what: Short = "", count: Short = "1", who: Short = "",
    phone: Short = "", point: Short = "", person_id: Short = "",
) -> Response:  # fmt: skip
    """One entry, new or as it stands now: whoever saves it has checked it. Its id came with the form."""
    typed: Doc = {"id": str(entry_id), "kind": kind, "what": what, "count": count, "name": who, "phone": phone,
                  "point": point, "person_id": person_id}  # fmt: skip
    say = texts()
    read = read_place(point, centre_of(request, person)) if point.strip() else None
    problem = "near.problem_point" if point.strip() and read is None else ""
    if not count.strip().isdecimal():
        problem = "community.count_wrong"
    if problem:
        return await _card(request, person, town, name, problem=say[problem].of(person.lang), typed=typed)
    body = {
        "area": town, "community": name, "kind": kind, "what": what.strip() or None, "count": int(count),
        "name": who.strip() or None, "phone": phone.strip() or None, "person_id": person_id or None,
        "point": {"lon": read.point.lon, "lat": read.point.lat} if read else None,
    }  # fmt: skip
    try:
        await backend(request).put(
            person, "registry", f"/v1/community/{entry_id}", body, purpose=purpose_sent(person, "")
        )
    except BackendRefused as refused:
        return await _card(request, person, town, name, problem=refused.sentence(person.lang), typed=typed)
    return saved(card_address(town, name))


@router.post("/card/{entry_id}/end")
async def end(
    request: Request, person: Carer, entry_id: UUID, town: Short, name: Annotated[str, Form(max_length=60)]
) -> Response:
    """It is not there any more; who had it is forgotten."""
    await backend(request).delete(person, "registry", f"/v1/community/{entry_id}", purpose=purpose_sent(person, ""))
    return saved(card_address(town, name))
