"""A crew member's own duty on the phone: my shifts, who asks to swap, whom I could ask, my certificates."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response

from services.console.backend import BackendRefused
from services.console.labels import labeller
from services.console.navigation import roles_of
from services.console.people import Person
from services.console.rules.roster import ACTS_OF_GIVER, ACTS_OF_TAKER
from services.console.web import backend, go, page, signed_in

router = APIRouter(prefix="/crew/duty", include_in_schema=False)

Crew = Annotated[Person, Depends(signed_in(*roles_of("crew")))]
PURPOSE = "care"


@router.get("")
async def duty(request: Request, person: Crew) -> Response:
    """Shifts of the next four weeks, and what waits for an answer."""
    return await _shown(request, person)


async def _shown(request: Request, person: Person, problem: str = "") -> Response:
    found = await backend(request).get(person, "dispatch", "/v1/own/duty", purpose=PURPOSE)
    asked = {swap["shift_id"] for swap in found["swaps"] if swap["gives"]}
    return page(
        request, "crew/duty.html", status=409 if problem else 200, problem=problem, asked=asked,
        shifts=found["shifts"], swaps=found["swaps"], certificates=found["certificates"],
        crew_id=found.get("crew_id"), leaves_after_min=found.get("leaves_after_min", 0),
        colleagues=[(each["id"], each["name"]) for each in found["colleagues"]],
        acts={True: ACTS_OF_GIVER, False: ACTS_OF_TAKER}, code=labeller(person.lang),
    )  # fmt: skip


@router.post("/leaving")
async def leaving(request: Request, person: Crew, minutes: Annotated[int, Form(ge=0, le=120)]) -> Response:
    """How many minutes after being asked I am on the road."""
    own = await backend(request).get(person, "dispatch", "/v1/own/duty", purpose=PURPOSE)
    path = f"/v1/crew/{own['crew_id']}/leaving"
    try:
        await backend(request).put(person, "dispatch", path, {"leaves_after_min": minutes}, purpose=PURPOSE)
    except BackendRefused as refused:
        return await _shown(request, person, refused.sentence(person.lang))
    return go("/crew/duty")


@router.post("/shifts/{shift_id}/swap")
async def ask(request: Request, person: Crew, shift_id: UUID, to_crew_id: Annotated[UUID, Form()]) -> Response:
    """Ask a colleague to take one of my shifts."""
    return await _do(request, person, f"/v1/shifts/{shift_id}/swaps", {"to_crew_id": str(to_crew_id)})


@router.post("/swaps/{swap_id}/{act}")
async def answer(request: Request, person: Crew, swap_id: UUID, act: str) -> Response:
    """Agree or decline what I am asked; withdraw what I asked for."""
    return await _do(request, person, f"/v1/swaps/{swap_id}/answer", {"act": act})


async def _do(request: Request, person: Person, path: str, body: dict[str, Any]) -> Response:
    """Ask dispatch, then back to the page; a refusal stands above it."""
    try:
        await backend(request).post(person, "dispatch", path, body, purpose=PURPOSE)
    except BackendRefused as refused:
        return await _shown(request, person, refused.sentence(person.lang))
    return go("/crew/duty")
