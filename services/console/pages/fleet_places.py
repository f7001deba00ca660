"""The places of the fleet: waiting beds, and facilities that are told who comes."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response

from services.console.backend import BackendRefused
from services.console.labels import facility_options, labeller, options
from services.console.navigation import DESK, KEEPERS
from services.console.pages.board import every
from services.console.pages.fleet import PURPOSE, Keeps, Sees, Short
from services.console.people import Person
from services.console.towns import area_options
from services.console.web import backend, go, page, signed_in
from shared.work import new_id, now_utc

router = APIRouter(prefix="/fleet/places", include_in_schema=False)

AtDesk = Annotated[Person, Depends(signed_in(*DESK))]
WORKING = frozenset({"accepted", "en_route", "at_scene", "left_scene", "at_destination"})
HELD_MINUTES = (30, 60, 120, 240)


@router.get("")
async def places(request: Request, person: Sees) -> Response:
    return await _places(request, person)


async def _places(request: Request, person: Person, problem: str = "") -> Response:
    facilities = await every(request, person, "/v1/facilities")
    serves = person.role in DESK
    units = await every(request, person, "/v1/units")
    alerts = (await backend(request).get(person, "dispatch", "/v1/alerts", purpose=PURPOSE))["items"] if serves else []
    trips = await every(request, person, "/v1/trips", status="under_way") if serves else []
    return page(
        request, "fleet/places.html", status=409 if problem else 200, problem=problem, serves=serves,
        keeps=person.role in KEEPERS, beds=await every(request, person, "/v1/beds"), alerts=alerts,
        journeys=_journeys(trips), names={each["id"]: each["name"] for each in facilities},
        signs={each["id"]: each["call_sign"] for each in units}, code=labeller(person.lang), minutes=HELD_MINUTES,
        facilities=sorted(facility_options(facilities, person.lang), key=lambda each: each[1]),
        kinds=options("bed_kind", person.lang), refusals=options("reason_facility_refusal", person.lang),
        frees=options("reason_bed_release", person.lang, ("not_needed", "moved_on", "went_home")),
        areas=area_options(request, person),
        trips=[(trip["id"], each["unit_id"]) for trip, each in _journeys(trips)],
    )  # fmt: skip


def _journeys(trips: list[dict[str, Any]]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Trips with somebody on the way, each with the assignment that brings them."""
    return [
        (trip, each) for trip in trips if trip["patient_id"] is not None for each in trip["assignments"]
        if each["role"] == "primary" and each["status"] in WORKING
    ]  # fmt: skip


@router.post("/beds")
async def bed(
    request: Request, person: Keeps, facility_id: Annotated[UUID, Form()], name: Short, kind: Short, area: Short
) -> Response:
    """One more bed."""
    body = {"facility_id": str(facility_id), "name": name, "kind": kind, "area": area}
    return await _do(request, person, "PUT", f"/v1/beds/{new_id()}", body)


@router.post("/beds/{bed_id}/hold")
async def hold(
    request: Request, person: AtDesk, bed_id: UUID, minutes: Annotated[int, Form(ge=1, le=720)], trip_id: Short = ""
) -> Response:
    """Keep the bed for a while."""
    until = now_utc() + timedelta(minutes=minutes)
    body = {"until_at": until.isoformat()} | ({"trip_id": trip_id} if trip_id else {})
    return await _do(request, person, "POST", f"/v1/beds/{bed_id}/hold", body)


@router.post("/holds/{hold_id}/use")
async def use(request: Request, person: AtDesk, hold_id: UUID) -> Response:
    return await _do(request, person, "POST", f"/v1/bed-holds/{hold_id}/use")


@router.post("/holds/{hold_id}/free")
async def free(request: Request, person: AtDesk, hold_id: UUID, reason: Short) -> Response:
    return await _do(request, person, "POST", f"/v1/bed-holds/{hold_id}/release", {"reason": reason})


@router.post("/tell/{assignment_id}")
async def tell(
    request: Request, person: AtDesk, assignment_id: UUID, facility_id: Annotated[UUID, Form()],
    minutes: Annotated[int, Form(ge=0, le=720)] = 0,
) -> Response:  # fmt: skip
    """Tell a facility who comes; ``minutes`` until they are there (0: not known)."""
    body: dict[str, Any] = {"facility_id": str(facility_id)}
    if minutes:
        body["expected_at"] = (now_utc() + timedelta(minutes=minutes)).isoformat()
    return await _do(request, person, "POST", f"/v1/assignments/{assignment_id}/alert", body)


@router.post("/alerts/{alert_id}/answer")
async def answer(
    request: Request, person: AtDesk, alert_id: UUID, accepts: Short, reason: Short = "", other: Short = ""
) -> Response:
    """What the facility said on the telephone."""
    body: dict[str, Any] = {"accepts": accepts == "yes"}
    if not body["accepts"]:
        body |= {name: value for name, value in (("reason", reason), ("other_facility_id", other)) if value}
    return await _do(request, person, "POST", f"/v1/alerts/{alert_id}/answer", body)


async def _do(request: Request, person: Person, method: str, path: str, body: Any = None) -> Response:
    """Ask dispatch, then back to the board; a refusal stands above it."""
    send = backend(request).put if method == "PUT" else backend(request).post
    try:
        await send(person, "dispatch", path, body or {}, purpose=PURPOSE)
    except BackendRefused as refused:
        return await _places(request, person, refused.sentence(person.lang))
    return go("/fleet/places")
