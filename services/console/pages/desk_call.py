"""One call: everything of it, its trips and who could go, and what can be done with it.

The same address is a page by itself and, asked by htmx, a part of another page (the board's detail).
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from services.console import desk
from services.console.backend import BackendAway, BackendRefused
from services.console.pages.desk import AtDesk
from services.console.pages.desk_command import refusal_text
from services.console.pages.people_community import card_address
from services.console.people import Person
from services.console.rules.advice import said_once, with_answers
from services.console.rules.call_sheet import met_choices, unmet_choices
from services.console.towns import town_of
from services.console.web import backend, page
from shared.auth import Role
from shared.work import now_utc

router = APIRouter(prefix="/desk", include_in_schema=False)
Doc = dict[str, Any]
Text = Annotated[str, Form(max_length=500)]
DECIDES = frozenset({Role.DISPATCHER, Role.SUPERVISOR})
ENDED = frozenset({"completed", "cancelled"})
WORKING = frozenset({"accepted", "en_route", "at_scene", "left_scene", "at_destination"})
ASKED = frozenset({"proposed", "ordered", "offered"})
SHOWN_UNITS = 6


async def _if_there(asked: Any) -> Any:
    """An answer, or None where the service is away: the rest of the call is shown without it."""
    try:
        return await asked
    except BackendAway:
        return None


@router.get("/calls/{call_id}")
async def show(request: Request, person: AtDesk, call_id: UUID) -> Response:
    """The call as it stands now."""
    return await shown(request, person, call_id)


async def shown(request: Request, person: Person, call_id: UUID, *, told: str = "", status: int = 200) -> Response:
    """The whole call; ``told``: what was just done."""
    ask, wanted = backend(request), {"call_id": str(call_id)}
    call = await ask.get(person, "intake", f"/v1/calls/{call_id}", purpose="emergency")
    messages, replies, board = await asyncio.gather(
        _if_there(ask.get(person, "notify", "/v1/messages", params=wanted, purpose="emergency")),
        _if_there(ask.get(person, "notify", "/v1/replies", params=wanted, purpose="emergency")),
        trips_of(request, person, call_id),
    )
    template = "desk/call_part.html" if request.headers.get("hx-request") else "desk/call.html"
    return page(
        request, template, status=status, call=call, messages=messages["items"] if messages else None,
        replies=replies["items"] if replies else [], trips=board, told=told, partners=desk.partners(request, person),
        met_choices=met_choices, unmet_choices=unmet_choices, problem=None,
        **desk.sayer(person.lang),
        decides=person.role in DECIDES, card=card_of(request, call),
    )  # fmt: skip


def card_of(request: Request, call: Doc) -> str:
    """Where the card of the community is that was said or found by the point; empty where it is in no list."""
    town, place = town_of(request, call["area"]), call["location"]
    told = (place["community"], *(place.get("area_codes") or ()))
    known = town and next((each for each in told if each and town.community(each)), None)
    return card_address(town.area.slug, town.community_code(known)) if town and known else ""


async def trips_of(request: Request, person: Person, call_id: UUID) -> list[Doc] | None:
    """The call's trips with call signs, and for those that want a unit who could go; None where dispatch is away."""
    ask = backend(request)
    try:
        found, units = await asyncio.gather(
            ask.get(person, "dispatch", "/v1/trips", params={"call_id": str(call_id)}),
            ask.get(person, "dispatch", "/v1/units", params={"limit": 500}),
        )
        signs = {unit["id"]: unit["call_sign"] for unit in units["items"]}
        return list(await asyncio.gather(*(_with_advice(request, person, trip, signs) for trip in found["items"])))
    except BackendAway:
        return None


async def _with_advice(request: Request, person: Person, trip: Doc, signs: dict[str, str]) -> Doc:
    for assignment in trip["assignments"]:
        assignment["call_sign"] = signs.get(assignment["unit_id"], "?")
    asked = {each["unit_id"] for each in trip["assignments"] if each["status"] in ASKED}
    taken = any(each["status"] in WORKING and each["role"] == "primary" for each in trip["assignments"])
    wants = trip["status"] not in ENDED and trip["status"] != "awaiting_ready" and not taken
    shown_units: list[Doc] = []
    if wants:
        answer = await backend(request).get(
            person, "dispatch", f"/v1/trips/{trip['id']}/recommendations", params={"limit": SHOWN_UNITS + len(asked)}
        )
        shown_units = [each for each in answer["items"] if each["unit_id"] not in asked][:SHOWN_UNITS]
    beside = [each for each in trip["assignments"] if each["role"] == "support" and not each["ended_at"]]
    still_asked = trip["status"] not in ENDED and bool((trip.get("units") or {}).get("missing"))
    units, of_all = said_once(with_answers(shown_units, trip["assignments"]))
    return {
        **trip, "wants_unit": wants, "recommended": units, "of_all": of_all, "beside": bool(beside) or still_asked
    }  # fmt: skip


@router.get("/calls/{call_id}/trips")
async def trips(request: Request, person: AtDesk, call_id: UUID) -> Response:
    """The part about trips alone, read again every few seconds."""
    return await _trips(request, person, call_id)


async def _trips(
    request: Request, person: Person, call_id: UUID, problem: Doc | None = None, *, status: int = 200
) -> Response:
    trips = await trips_of(request, person, call_id)
    if problem:  # said beside the button that was pressed, where that still stands
        offered = {unit["unit_id"] for trip in trips or () for unit in trip.get("recommended", ())}
        problem["shown_at"] = problem["asked"] if problem["asked"] in offered else ""
    return page(
        request, "desk/trips.html", status=status, trips=trips, call_id=call_id, problem=problem,
        decides=person.role in DECIDES, **desk.sayer(person.lang),
    )  # fmt: skip


@router.post("/calls/{call_id}/order")
async def order(
    request: Request, person: AtDesk, call_id: UUID, trip_id: Annotated[UUID, Form()],
    unit_id: Annotated[UUID, Form()], override_reason: Text = "", start: Text = "",
) -> Response:  # fmt: skip
    """Order, offer or book a unit; a proposal for it becomes the order. What is missing is shown beside it."""
    wanted: Doc = {"unit_id": str(unit_id)}
    if override_reason:
        wanted["override_reason"] = override_reason
    if start:
        wanted["start_at"] = start
    return await _do(request, person, call_id, f"/v1/trips/{trip_id}/assign", wanted, unit_id)


@router.post("/calls/{call_id}/release")
async def release(
    request: Request, person: AtDesk, call_id: UUID, assignment_id: Annotated[UUID, Form()], reason: Text
) -> Response:
    """Take a unit off the trip."""
    return await _do(request, person, call_id, f"/v1/assignments/{assignment_id}/release", {"reason": reason})


@router.post("/calls/{call_id}/step")
async def step(
    request: Request, person: AtDesk, call_id: UUID, assignment_id: Annotated[UUID, Form()],
    step: Annotated[Literal["at_destination", "clear"], Form()], outcome: Text = "",
) -> Response:  # fmt: skip
    """The end of a way with a patient on board, said for a crew that cannot say it; it happens now."""
    said = {"step": step, "at": now_utc().isoformat()} | ({"outcome": outcome} if outcome else {})
    return await _do(request, person, call_id, f"/v1/assignments/{assignment_id}/steps", said)


@router.post("/calls/{call_id}/stand-down")
async def stand_down(request: Request, person: AtDesk, call_id: UUID, trip_id: Annotated[UUID, Form()]) -> Response:
    """Units in support may go home, and nobody else is looked for."""
    return await _do(request, person, call_id, f"/v1/trips/{trip_id}/stand-down", {})


@router.post("/calls/{call_id}/ready")
async def ready(
    request: Request, person: AtDesk, call_id: UUID, trip_id: Annotated[UUID, Form()],
    override: Annotated[str, Form(max_length=40)] = "",
) -> Response:  # fmt: skip
    """The person may be fetched from the clinic."""
    return await _do(request, person, call_id, f"/v1/trips/{trip_id}/ready", {"override": override} if override else {})


@router.post("/calls/{call_id}/cancel-trip")
async def cancel_trip(
    request: Request, person: AtDesk, call_id: UUID, trip_id: Annotated[UUID, Form()], reason: Text
) -> Response:
    """One trip will not take place; the call stays."""
    return await _do(request, person, call_id, f"/v1/trips/{trip_id}/cancel", {"reason": reason})


async def _do(
    request: Request, person: Person, call_id: UUID, path: str, body: Doc, unit_id: UUID | None = None
) -> Response:
    problem, status = None, 200
    try:
        await backend(request).post(person, "dispatch", path, body)
    except BackendRefused as refused:
        overridable = unit_id if refused.problem.get("overridable") else None
        problem = {
            "text": refusal_text(refused, person.lang), "unit_id": str(overridable or ""), "asked": str(unit_id or ""),
        }  # fmt: skip
        status = refused.status
    return await _trips(request, person, call_id, problem, status=status)
