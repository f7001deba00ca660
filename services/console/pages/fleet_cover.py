"""Cover: where idle units would better stand, and units lent to a neighbour or borrowed from one."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response

from services.console.backend import BackendRefused
from services.console.navigation import DESK
from services.console.pages.admin_fleet import in_order
from services.console.pages.board import DECIDES, every
from services.console.pages.fleet import of_areas
from services.console.people import Person
from services.console.towns import area_names, area_options, known_areas
from services.console.web import backend, go, page, signed_in
from shared.work import now_utc

router = APIRouter(prefix="/fleet/cover", include_in_schema=False)

AtDesk = Annotated[Person, Depends(signed_in(*DESK))]
Decider = Annotated[Person, Depends(signed_in(*DECIDES))]
PURPOSE = "emergency"
Hours = Annotated[float, Form(gt=0, le=744)]


@router.get("")
async def cover(request: Request, person: AtDesk) -> Response:
    return await _cover(request, person)


async def _cover(request: Request, person: Person, problem: str = "") -> Response:
    """A call taker sees who serves where; proposals and lending are for those who dispatch."""
    decides = person.role in DECIDES
    shares = (await backend(request).get(person, "dispatch", "/v1/shares", purpose=PURPOSE))["items"]
    answers = await of_areas(request, person, "/v1/relocations") if decides else []
    units = await every(request, person, "/v1/units") if decides else []
    lent = {each["unit_id"] for each in shares}
    own = {area for area, _ in area_options(request, person)}
    here = [each for each in units if each["area"] in own and each["id"] not in lent and not each["exercise"]]
    here.sort(key=lambda each: in_order(each["call_sign"]))
    names = area_names(request, person.lang)
    return page(
        request, "fleet/cover.html", status=409 if problem else 200, problem=problem, shares=shares, decides=decides,
        proposes=any(each["proposes"] for each in answers), moves=[move for each in answers for move in each["items"]],
        units=[(each["id"], each["call_sign"]) for each in here],
        neighbours=[(area, names(area)) for area in known_areas(request) if own != {area}],
    )  # fmt: skip


@router.post("/lend")
async def lend(
    request: Request, person: Decider, unit_id: Annotated[UUID, Form()],
    with_area: Annotated[str, Form(max_length=40)], hours: Hours = 4,
) -> Response:  # fmt: skip
    """The neighbour orders it from now on, and it comes home by itself."""
    body = {"with_area": with_area, "until_at": (now_utc() + timedelta(hours=hours)).isoformat()}
    return await _do(request, person, f"/v1/units/{unit_id}/share", body)


@router.post("/return")
async def give_back(request: Request, person: Decider, unit_id: Annotated[UUID, Form()]) -> Response:
    return await _do(request, person, f"/v1/units/{unit_id}/return", {})


async def _do(request: Request, person: Person, path: str, body: Any) -> Response:
    try:
        await backend(request).post(person, "dispatch", path, body, purpose=PURPOSE)
    except BackendRefused as refused:
        return await _cover(request, person, refused.sentence(person.lang))
    return go("/fleet/cover")
