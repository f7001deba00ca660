"""What a crew member or volunteer was given to do, and the teams they are asked into, on the phone."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response

from services.console.backend import BackendRefused
from services.console.labels import options
from services.console.navigation import GOERS
from services.console.pages.cases import OUTCOMES
from services.console.pages.visits import PURPOSE, whom_shown
from services.console.people import Person
from services.console.web import backend, go, page, signed_in

router = APIRouter(prefix="/crew/tasks", include_in_schema=False)

Goer = Annotated[Person, Depends(signed_in(*GOERS))]
Short = Annotated[str, Form(max_length=40)]


@router.get("")
async def own(request: Request, person: Goer) -> Response:
    """Invitations that wait for an answer first, then what is to be done, the nearest day first."""
    return await _shown(request, person)


async def _shown(request: Request, person: Person, problem: str = "") -> Response:
    ask = backend(request).get
    teams = (await ask(person, "registry", "/v1/team/mine"))["items"]
    tasks = (await ask(person, "registry", "/v1/tasks/mine", purpose=PURPOSE))["items"]
    return page(
        request, "crew/tasks.html", status=409 if problem else 200, problem=problem, teams=teams,
        tasks=[(each, each["whom"] and whom_shown(each["whom"], person.lang)) for each in tasks],
        outcomes=options("task_outcome", person.lang, OUTCOMES),
    )  # fmt: skip


@router.post("/{task_id}/done")
async def done(request: Request, person: Goer, task_id: UUID, outcome: Short = "done") -> Response:
    """Done, could not be done, or no longer needed."""
    return await _do(request, person, f"/v1/tasks/{task_id}/done", {"outcome": outcome})


@router.post("/team/{member_id}")
async def answer(request: Request, person: Goer, member_id: UUID, said: Short = "declined") -> Response:
    """Yes or no to a team."""
    return await _do(request, person, f"/v1/team/{member_id}/answer", {"answer": said})


async def _do(request: Request, person: Person, path: str, body: Any) -> Response:
    try:
        await backend(request).post(person, "registry", path, body)
    except BackendRefused as refused:
        return await _shown(request, person, refused.sentence(person.lang))
    return go("/crew/tasks")
