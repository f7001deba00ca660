"""Infectious waste and cleaning: which units wait to be cleaned, what was packed, and its chain of custody."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from services.console.backend import BackendRefused
from services.console.labels import labeller, options
from services.console.navigation import KEEPERS
from services.console.pages.admin_fleet import in_order
from services.console.pages.board import every
from services.console.pages.fleet import PURPOSE, Keeps, Sees, Short, of_areas, trips_of_today
from services.console.people import Person
from services.console.web import backend, go, page

router = APIRouter(prefix="/fleet/waste", include_in_schema=False)

Bags = Annotated[int, Form(ge=1, le=1000)]
Kilos = Annotated[str, Form(max_length=12)]
GRAMS = 1000


@router.get("")
async def waste(request: Request, person: Sees) -> Response:
    return await _waste(request, person)


async def _waste(request: Request, person: Person, problem: str = "") -> Response:
    units = await every(request, person, "/v1/units")
    signs = {each["id"]: each["call_sign"] for each in units}
    logs = await of_areas(request, person, "/v1/waste")
    trips = await trips_of_today(request, person)
    packed = [(f"{trip_id}:{unit_id}", f"{signs.get(unit_id, '–')} {clock}") for trip_id, unit_id, clock in trips]
    packed += sorted(((f":{unit_id}", sign) for unit_id, sign in signs.items()), key=lambda each: in_order(each[1]))
    return page(
        request, "fleet/waste.html", status=409 if problem else 200, problem=problem, signs=signs, packed=packed,
        dirty=[each for each in units if each["cleanliness"] == "contaminated"], keeps=person.role in KEEPERS,
        logs=[each for area in logs for each in area["items"]], code=labeller(person.lang),
        receivers=options("waste_receiver", person.lang),
    )  # fmt: skip


def _grams(kilos: str) -> int | None:
    """``1.2`` or ``1,2`` kilograms in grams; None where nothing, or no weight, was typed."""
    try:
        return round(float(kilos.replace(",", ".")) * GRAMS) if kilos.strip() else None
    except (ValueError, OverflowError):
        return None


@router.post("")
async def pack(
    request: Request, person: Keeps, of: Short, bags: Bags, kilos: Kilos = "", sealed: Short = "",
    key: Annotated[str, Form(max_length=64)] = "",
) -> Response:  # fmt: skip
    """Write down what a unit packed; ``of``: ``<trip>:<unit>``, the trip may be missing."""
    trip_id, _, unit_id = of.partition(":")
    body: dict[str, Any] = {"unit_id": unit_id, "bags": bags, "weight_g": _grams(kilos), "sealed": bool(sealed)}
    return await _do(request, person, "/v1/waste", body | ({"trip_id": trip_id} if trip_id else {}), key)


@router.post("/units/{unit_id}/clean")
async def clean(request: Request, person: Keeps, unit_id: UUID) -> Response:
    """The unit was cleaned: it may be ordered again."""
    return await _do(request, person, f"/v1/units/{unit_id}/disinfected", {})


@router.post("/{waste_id}/sealed")
async def seal(request: Request, person: Keeps, waste_id: UUID) -> Response:
    return await _do(request, person, f"/v1/waste/{waste_id}/sealed", {})


@router.post("/{waste_id}/hand-over")
async def hand_over(
    request: Request, person: Keeps, waste_id: UUID, receiver: Short, bags: Bags, kilos: Kilos = "",
    key: Annotated[str, Form(max_length=64)] = "",
) -> Response:  # fmt: skip
    """Somebody else has it now."""
    body = {"receiver": receiver, "bags": bags, "weight_g": _grams(kilos)}
    return await _do(request, person, f"/v1/waste/{waste_id}/hand-overs", body, key)


async def _do(request: Request, person: Person, path: str, body: Any, key: str = "") -> Response:
    try:
        await backend(request).post(person, "dispatch", path, body, key=key or None, purpose=PURPOSE)
    except BackendRefused as refused:
        return await _waste(request, person, refused.sentence(person.lang))
    return go("/fleet/waste")
