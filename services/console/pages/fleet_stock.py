"""Equipment of the neighbourhoods, lent and given back; hydrants, their checks, and where there is none near."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response

from services.console.backend import BackendRefused
from services.console.labels import labeller, options
from services.console.navigation import DESK, KEEPERS
from services.console.pages.board import every
from services.console.pages.fleet import PURPOSE, Keeps, Sees, Short, day_of, of_areas, trips_of_today
from services.console.people import Person
from services.console.towns import area_options, town_of
from services.console.web import backend, go, page, signed_in
from shared.thai.dates import local_day
from shared.work import new_id, now_utc

router = APIRouter(prefix="/fleet/stock", include_in_schema=False)

AtDesk = Annotated[Person, Depends(signed_in(*DESK))]
Count = Annotated[int, Form(ge=0, le=1000)]
Degrees = Annotated[float, Form(ge=-180, le=180)]


@router.get("")
async def stock(request: Request, person: Sees) -> Response:
    return await _stock(request, person)


async def _stock(request: Request, person: Person, problem: str = "") -> Response:
    units = await every(request, person, "/v1/units")
    signs = {each["id"]: each["call_sign"] for each in units}
    areas = area_options(request, person)
    found = await of_areas(request, person, "/v1/hydrant-gaps")
    loans = await backend(request).get(person, "dispatch", "/v1/equipment-loans", purpose=PURPOSE)
    trips = [(trip, f"{signs.get(unit, '–')} {clock}") for trip, unit, clock in await trips_of_today(request, person)]
    gaps = [(each, _name(request, area, each, person.lang))
            for (area, _), answer in zip(areas, found, strict=True) for each in answer["items"]]  # fmt: skip
    return page(
        request, "fleet/stock.html", status=409 if problem else 200, problem=problem, trips=trips, gaps=gaps,
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
    request: Request, person: Keeps, kind: Short, community: Short, count: Count, area: Short,
    condition: Short = "good", keeper: Short = "", due: Short = "",
) -> Response:  # fmt: skip
    """One more account."""
    body = {
        "area": area, "kind": kind, "community": community, "count": count, "condition": condition,
        "keeper": keeper.strip() or None, "maintenance_due_on": _day(due),
    }  # fmt: skip
    return await _do(request, person, "PUT", f"/v1/equipment/{new_id()}", body)


@router.post("/equipment/{account_id}/keep")
async def keep(
    request: Request, person: Keeps, account_id: UUID, count: Count, condition: Short, due: Short = ""
) -> Response:
    """Counted, looked after, and due again."""
    accounts = await every(request, person, "/v1/equipment")
    known = next((each for each in accounts if each["id"] == str(account_id)), None)
    if known is None:
        return go("/fleet/stock")
    same = {name: known[name] for name in ("area", "kind", "community", "keeper")}
    body = {**same, "count": count, "condition": condition, "maintenance_due_on": _day(due)}
    return await _do(request, person, "PUT", f"/v1/equipment/{account_id}", body)


def _day(typed: str) -> str | None:
    return day_of(typed, local_day(now_utc())).isoformat() if typed.strip() else None


@router.post("/equipment/{account_id}/lend")
async def lend(
    request: Request, person: AtDesk, account_id: UUID, trip_id: Annotated[UUID, Form()], count: Count = 1,
    key: Annotated[str, Form(max_length=64)] = "",
) -> Response:  # fmt: skip
    body = {"trip_id": str(trip_id), "count": count}
    return await _do(request, person, "POST", f"/v1/equipment/{account_id}/loans", body, key)


@router.post("/loans/{loan_id}/return")
async def give_back(request: Request, person: AtDesk, loan_id: UUID, condition: Short = "good") -> Response:
    return await _do(request, person, "POST", f"/v1/equipment-loans/{loan_id}/return", {"condition": condition})


@router.post("/hydrants")
async def hydrant(request: Request, person: Keeps, name: Short, lat: Degrees, lon: Degrees, area: Short) -> Response:
    body = {"area": area, "name": name, "lat": lat, "lon": lon}
    return await _do(request, person, "PUT", f"/v1/hydrants/{new_id()}", body)


@router.post("/hydrants/{hydrant_id}/check")
async def check(request: Request, person: Keeps, hydrant_id: UUID, status: Short, note: Short = "") -> Response:
    body = {"status": status, "note": note.strip() or None}
    return await _do(request, person, "POST", f"/v1/hydrants/{hydrant_id}/checks", body)


async def _do(request: Request, person: Person, method: str, path: str, body: Any, key: str = "") -> Response:
    ask = backend(request)
    try:
        if method == "PUT":
            await ask.put(person, "dispatch", path, body, purpose=PURPOSE)
        else:
            await ask.post(person, "dispatch", path, body, key=key or None, purpose=PURPOSE)
    except BackendRefused as refused:
        return await _stock(request, person, refused.sentence(person.lang))
    return go("/fleet/stock")
