"""What is done to a call: corrected, withdrawn, handed over, closed, linked; its barriers settled.

A refusal is shown at the form it belongs to; nothing that was typed there is lost.
"""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Request
from fastapi.responses import JSONResponse, Response

from services.console import desk
from services.console.backend import BackendAway, BackendRefused
from services.console.labels import facility_options
from services.console.pages.desk import AtDesk, SheetBody
from services.console.pages.desk_call import shown
from services.console.people import Person
from services.console.rules.call_sheet import patch_of, sheet_of
from services.console.rules.recurrence import in_words
from services.console.rules.sheet import call_of, problems_of
from services.console.texts import service_away
from services.console.web import backend, lang_of, page, trouble
from shared.thai.dates import local_day
from shared.work import now_utc

router = APIRouter(prefix="/desk/calls/{call_id}", include_in_schema=False)
Doc = dict[str, Any]
Text = Annotated[str, Form(max_length=500)]
Id = Annotated[UUID, Form()]
YES = "yes"


async def _act(request: Request, person: Person, call_id: UUID, act: str, path: str, body: Doc) -> Response:
    """Do it and show the call anew; a refusal goes to the place beside the form that asked."""
    try:
        await backend(request).post(person, "intake", path, body, purpose="emergency")
    except (BackendRefused, BackendAway) as problem:
        return _said_no(request, problem, act)
    return await shown(request, person, call_id, told=act)


def _said_no(request: Request, problem: BackendRefused | BackendAway, act: str) -> Response:
    lang = lang_of(request)
    if isinstance(problem, BackendAway):
        status, sentence = 503, service_away(problem.service, lang)
    else:
        status, sentence = problem.status, problem.sentence(lang)
    place = {"HX-Retarget": f"#{act}-refused", "HX-Reswap": "innerHTML"}
    return trouble(request, status, sentence, act, place)


@router.post("/withdraw")
async def withdraw(
    request: Request, person: AtDesk, call_id: UUID, reason: Text = "", text: Text = "", whole_series: Text = ""
) -> Response:
    """Help is not wanted any more."""
    body = {"reason": reason or None, "text": text or None, "whole_series": whole_series == YES}
    return await _act(request, person, call_id, "withdraw", f"/v1/calls/{call_id}/withdraw", body)


@router.post("/hand-over")
async def hand_over(
    request: Request, person: AtDesk, call_id: UUID, receiver: Text, reason: Text, text: Text = "",
    receiver_name: Text = "", ends_call: Text = "",
) -> Response:  # fmt: skip
    """Somebody else was told; unless it ends the call, our own unit goes on."""
    body = {
        "receiver": receiver, "reason": reason, "text": text or None, "receiver_name": receiver_name or None,
        "ends_call": ends_call == YES,
    }  # fmt: skip
    return await _act(request, person, call_id, "hand-over", f"/v1/calls/{call_id}/hand-over", body)


@router.post("/close")
async def close(
    request: Request, person: AtDesk, call_id: UUID, outcome: Text, reason: Text = "", text: Text = ""
) -> Response:
    """Nothing more is to be done."""
    body = {"outcome": outcome, "reason": reason or None, "text": text or None}
    return await _act(request, person, call_id, "close", f"/v1/calls/{call_id}/close", body)


@router.post("/link")
async def link(
    request: Request, person: AtDesk, call_id: UUID, other_call_id: Id, link: Text = "duplicate"
) -> Response:
    """Two calls belong together; of duplicates the other one leads."""
    body = {"other_call_id": str(other_call_id), "link": link}
    return await _act(request, person, call_id, "link", f"/v1/calls/{call_id}/link", body)


@router.post("/unlink")
async def unlink(
    request: Request, person: AtDesk, call_id: UUID, other_call_id: Id, link: Text = "duplicate"
) -> Response:
    """They do not belong together after all."""
    body = {"other_call_id": str(other_call_id), "link": link}
    return await _act(request, person, call_id, "link", f"/v1/calls/{call_id}/unlink", body)


@router.post("/barrier")
async def barrier(request: Request, person: AtDesk, call_id: UUID, barrier_id: Id, settled: Text) -> Response:
    """``settled``: ``met:<outcome>`` or ``unmet:<reason>``."""
    state, _, code = settled.partition(":")
    body = {"outcome": code} if state == "met" else {"reason": code}
    path = f"/v1/barriers/{barrier_id}/{'met' if state == 'met' else 'unmet'}"
    return await _act(request, person, call_id, "barrier", path, body)


@router.post("/place")
async def use_place(
    request: Request, person: AtDesk, call_id: UUID, lat: Annotated[float, Form()], lon: Annotated[float, Form()],
) -> Response:  # fmt: skip
    """The place that the caller showed on their telephone becomes the call's; what was said of it stays."""
    ask = backend(request)
    call = await ask.get(person, "intake", f"/v1/calls/{call_id}", purpose="emergency")
    told = {name: call["location"][name] for name in ("address", "landmark", "tambon_code", "community")}
    body = {"version": call["version"], "location": {**told, "lat": lat, "lon": lon}}
    try:
        await ask.patch(person, "intake", f"/v1/calls/{call_id}", body, purpose="emergency")
    except (BackendRefused, BackendAway) as problem:
        return _said_no(request, problem, "place")
    return await shown(request, person, call_id, told="place")


# --- correcting ------------------------------------------------------------------


@router.get("/edit")
async def edit(request: Request, person: AtDesk, call_id: UUID) -> Response:
    """The sheet with what is known, to be corrected."""
    call = await backend(request).get(person, "intake", f"/v1/calls/{call_id}", purpose="emergency")
    facilities = await desk.all_of(request, person, "/v1/facilities")
    return page(
        request, "desk/edit.html", call=call, lists=desk.lists(request, person),
        values=desk.named_community(request, person.lang, sheet_of(call, person.lang)),
        facilities=facility_options(facilities, person.lang),
        patients=max(1, len(call["patients"])), repeats=lambda rule: in_words(rule, person.lang),
    )  # fmt: skip


@router.post("/edit")
async def correct(request: Request, person: AtDesk, call_id: UUID, body: SheetBody) -> JSONResponse:
    """Change what differs from the version that was read; a field that is wrong is named."""
    sheet = desk.coded(request, person, body.sheet)
    told, refusals = call_of(sheet, desk.centre_of(request, person), local_day(now_utc()))
    if refusals:
        return JSONResponse({"code": "invalid", "errors": problems_of({}, refusals)}, 422)
    ask, path = backend(request), f"/v1/calls/{call_id}"
    try:
        call = await ask.get(person, "intake", path, purpose="emergency")
        if community := call["location"]["community"]:
            call["location"]["community"] = desk.community_code(request, person, community)
        patch = patch_of(call, sheet, told, person.lang)
        stand = await ask.patch(person, "intake", path, patch, purpose="emergency")
    except BackendRefused as problem:
        return JSONResponse({"code": problem.code, "errors": problems_of(problem.problem)}, problem.status)
    return JSONResponse({"version": stand["version"], "warnings": stand["warnings"]})
