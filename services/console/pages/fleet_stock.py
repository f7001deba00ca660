"""Equipment of the neighbourhoods, lent and given back; hydrants, their checks, and where there is none near."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response

from services.console.backend import BackendRefused
from services.console.labels import labeller, options
from services.console.navigation import DESK, KEEPERS
from services.console.pages.board import every
from services.console.pages.fleet import PURPOSE, Keeps, Sees, Short, of_areas, trips_of_today
from services.console.people import Person
from services.console.rules import days
from services.console.texts import teller
from services.console.towns import area_options, town_of
from services.console.web import backend, go, page, signed_in
from shared.thai.dates import local_day
from shared.work import new_id, now_utc

router = APIRouter(prefix="/fleet/stock", include_in_schema=False)

AtDesk = Annotated[Person, Depends(signed_in(*DESK))]
MOST = 1000
"""Of one thing in one account."""


@dataclass(frozen=True, slots=True)
class Refusing:
    """What was typed into which form (``equipment``, ``hydrants`` or an account's id), and why it was not taken."""

    form: str
    problem: str
    typed: Mapping[str, str]
    status: int = 422


@router.get("")
async def stock(request: Request, person: Sees) -> Response:
    return await _stock(request, person)


async def _stock(request: Request, person: Person, refusing: Refusing | None = None) -> Response:
    units = await every(request, person, "/v1/units")
    signs = {each["id"]: each["call_sign"] for each in units}
    areas = area_options(request, person)
    found = await of_areas(request, person, "/v1/hydrant-gaps")
    loans = await backend(request).get(person, "dispatch", "/v1/equipment-loans", purpose=PURPOSE)
    trips = [(trip, f"{signs.get(unit, '–')} {clock}") for trip, unit, clock in await trips_of_today(request, person)]
    gaps = [(each, _name(request, area, each, person.lang))
            for (area, _), answer in zip(areas, found, strict=True) for each in answer["items"]]  # fmt: skip
    return page(
        request, "fleet/stock.html", status=refusing.status if refusing else 200,
        problem=refusing.problem if refusing else "", trips=trips, gaps=gaps,
        refusing=refusing, fresh=(new_id(), new_id()),
        accounts=await every(request, person, "/v1/equipment"), loans=loans["items"], today=local_day(now_utc()),
        hydrants=await every(request, person, "/v1/hydrants"), kinds=options("equipment", person.lang),
        conditions=options("equipment_condition", person.lang), statuses=options("hydrant_status", person.lang),
        day=date.fromisoformat, areas=areas,
        keeps=person.role in KEEPERS, serves=person.role in DESK, code=labeller(person.lang),
    )  # fmt: skip


def _name(request: Request, area: str, gap: Mapping[str, Any], lang: str) -> str:
    """The community whose middle it is."""
    town = town_of(request, area)
    same = (each for each in (town.area.community if town else ()) if (each.lon, each.lat) == (gap["lon"], gap["lat"]))
    community = next(same, None)
    return community.name.say("en" if lang == "en" else "th") if community else f"{gap['lat']:.4f}, {gap['lon']:.4f}"


@router.post("/equipment")
async def put(
    request: Request, person: Keeps, kind: Short, community: Short, count: Short, area: Short,
    account_id: Annotated[UUID, Form()], condition: Short = "good", keeper: Short = "", due: Short = "",
) -> Response:  # fmt: skip
    """One more account, under the id of its form, so that sending twice makes one."""
    typed = {"area": area, "kind": kind, "community": community, "count": count, "condition": condition,
             "keeper": keeper, "due": due}  # fmt: skip
    there, day, problem = _read(person, count, due)
    if problem:
        return await _stock(request, person, Refusing("equipment", problem, typed))
    body = {
        "area": area, "kind": kind, "community": community, "count": there, "condition": condition,
        "keeper": keeper.strip() or None, "maintenance_due_on": day,
    }  # fmt: skip
    return await _do(request, person, "PUT", f"/v1/equipment/{account_id}", body, form="equipment", typed=typed)


@router.post("/equipment/{account_id}/keep")
async def keep(
    request: Request, person: Keeps, account_id: UUID, count: Short, condition: Short, due: Short = ""
) -> Response:
    """Counted, looked after, and due again; a field that was emptied is not due any more."""
    typed, form = {"count": count, "condition": condition, "due": due}, str(account_id)
    there, day, problem = _read(person, count, due)
    if problem:
        return await _stock(request, person, Refusing(form, problem, typed))
    accounts = await every(request, person, "/v1/equipment")
    known = next((each for each in accounts if each["id"] == str(account_id)), None)
    if known is None:
        return go("/fleet/stock")
    same = {name: known[name] for name in ("area", "kind", "community", "keeper")}
    body = {**same, "count": there, "condition": condition, "maintenance_due_on": day}
    return await _do(request, person, "PUT", f"/v1/equipment/{account_id}", body, form=form, typed=typed)


def _read(person: Person, count: str, due: str) -> tuple[int, str | None, str]:
    """``(how many, next maintenance, "")``, or what is wrong with one of them, with the name of its field."""
    say = teller(person.lang)
    on, wrong = days.read(due, "due", person.lang)
    if wrong:
        return 0, None, f"{say('fleet.next_maintenance')}: {wrong}"
    try:
        there = int(count)  # also in Thai digits
    except ValueError:
        there = -1
    if not 0 <= there <= MOST:
        return 0, None, say("fleet.no_count", most=MOST)
    return there, on or None, ""


@router.post("/equipment/{account_id}/lend")
async def lend(
    request: Request, person: AtDesk, account_id: UUID, trip_id: Annotated[UUID, Form()],
    count: Annotated[int, Form(ge=0, le=MOST)] = 1,
    key: Annotated[str, Form(max_length=64)] = "",
) -> Response:  # fmt: skip
    body = {"trip_id": str(trip_id), "count": count}
    return await _do(request, person, "POST", f"/v1/equipment/{account_id}/loans", body, key)


@router.post("/loans/{loan_id}/return")
async def give_back(request: Request, person: AtDesk, loan_id: UUID, condition: Short = "good") -> Response:
    return await _do(request, person, "POST", f"/v1/equipment-loans/{loan_id}/return", {"condition": condition})


@router.post("/hydrants")
async def hydrant(
    request: Request, person: Keeps, name: Short, lat: Short, lon: Short, area: Short,
    hydrant_id: Annotated[UUID, Form()],
) -> Response:  # fmt: skip
    typed = {"area": area, "name": name, "lat": lat, "lon": lon}
    try:
        place = {"lat": float(lat.replace(",", ".")), "lon": float(lon.replace(",", "."))}
    except ValueError:
        return await _stock(request, person, Refusing("hydrants", teller(person.lang)("fleet.no_degrees"), typed))
    body = {"area": area, "name": name, **place}
    return await _do(request, person, "PUT", f"/v1/hydrants/{hydrant_id}", body, form="hydrants", typed=typed)


@router.post("/hydrants/{hydrant_id}/check")
async def check(request: Request, person: Keeps, hydrant_id: UUID, status: Short, note: Short = "") -> Response:
    body = {"status": status, "note": note.strip() or None}
    return await _do(request, person, "POST", f"/v1/hydrants/{hydrant_id}/checks", body)


async def _do(
    request: Request, person: Person, method: str, path: str, body: Any, key: str = "", *, form: str = "",
    typed: Mapping[str, str] | None = None,
) -> Response:  # fmt: skip
    ask = backend(request)
    try:
        if method == "PUT":
            await ask.put(person, "dispatch", path, body, purpose=PURPOSE)
        else:
            await ask.post(person, "dispatch", path, body, key=key or None, purpose=PURPOSE)
    except BackendRefused as refused:
        return await _stock(request, person, Refusing(form, refused.sentence(person.lang), typed or {}, 409))
    return go("/fleet/stock")
