"""The call desk: one sheet, what it finds out while somebody types, and the taking of the call."""

from __future__ import annotations

import asyncio
from importlib import resources
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from services.console import desk
from services.console.backend import BackendRefused
from services.console.labels import facility_options
from services.console.navigation import DESK
from services.console.pages.map import maps_of
from services.console.people import Person
from services.console.rules import places
from services.console.rules.sheet import asks_of, call_of, problems_of, sheet_of_form
from services.console.texts import teller
from services.console.web import backend, go, page, render, signed_in
from shared.geo import Point
from shared.refusal import Refusal
from shared.thai.dates import local_day
from shared.thai.phones import read_phone
from shared.work import new_id, now_utc

router = APIRouter(prefix="/desk", include_in_schema=False)
AtDesk = Annotated[Person, Depends(signed_in(*DESK))]
Doc = dict[str, Any]
Key = Annotated[str, Header(alias="Idempotency-Key", pattern=r"^[\x21-\x7e]{8,128}$")]
KINDS_WITHOUT_GROUP = ("medical", "hazard")
GROUPS = 25


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SheetBody(Body):
    """The sheet as typed, and when the call was taken if it waited on the desk's computer.

    ``asked``: what a ride lacks was asked for already, or the caller is gone.
    """

    sheet: Annotated[Doc, Field(max_length=400)]
    received_at: Annotated[str | None, Field(max_length=40)] = None
    asked: bool = False


class TextBody(Body):
    text: Annotated[str, Field(max_length=places.LONGEST)]


class TriageBody(Body):
    kind: Annotated[str | None, Field(max_length=20)] = None
    lane: Annotated[str | None, Field(max_length=20)] = None
    group: Annotated[int | None, Field(ge=1, le=GROUPS)] = None
    answers: dict[str, str] = {}
    age: Annotated[int | None, Field(ge=0, le=130)] = None
    complaint: Annotated[str | None, Field(max_length=4000)] = None


@router.get("")
async def sheet(request: Request, person: AtDesk) -> Response:
    """The empty sheet. It opens without any service; what they know comes later."""
    return await _sheet(request, person)


async def _sheet(
    request: Request, person: Person, values: Doc | None = None, wrong: list[Doc] | None = None, status: int = 200,
    *, asked: bool = False,
) -> Response:  # fmt: skip
    facilities = await desk.all_of(request, person, "/v1/facilities")
    return page(
        request, "desk/take.html", status=status, now=now_utc(), values=values or {}, key=new_id().hex, asked=asked,
        lists=desk.lists(request, person), wrong=[("", each[person.lang]) for each in wrong or ()],
        facilities=facility_options(facilities, person.lang),
    )  # fmt: skip


@router.get("/worker.js")
async def worker() -> Response:
    """What keeps the empty sheet in the browser, for a reload while the console cannot be reached."""
    script = (resources.files("services.console") / "static" / "desk-worker.js").read_bytes()
    headers = {"cache-control": "no-cache", "service-worker-allowed": "/desk"}
    return Response(script, media_type="text/javascript", headers=headers)


@router.get("/marks")
async def marks(request: Request, person: AtDesk) -> JSONResponse:
    """For the map: bases, facilities, communities, and where to begin."""
    stations, facilities = await asyncio.gather(
        desk.all_of(request, person, "/v1/stations"), desk.all_of(request, person, "/v1/facilities")
    )
    centre = desk.centre_of(request, person)
    items = desk.marks(stations or [], facilities or [], desk.packs_of(request, person), person.lang)
    own = await maps_of(request, person)
    return JSONResponse({"centre": {"lat": centre.lat, "lon": centre.lon}, "items": items, "maps": own})


@router.post("/place")
async def place(request: Request, person: AtDesk, body: TextBody) -> JSONResponse:
    """The point in what was pasted: ``{lat, lon, source}``; ``source`` None where there is none."""
    found = places.read_place(body.text, desk.centre_of(request, person))
    if found is None and (known := await _known_place(request, person, body.text)):
        name, at = known
        return JSONResponse({"lat": at.lat, "lon": at.lon, "source": "name", "name": name})
    if found is None:
        return JSONResponse({"source": "short_link" if places.is_short_link(body.text) else None})
    return JSONResponse({"lat": found.point.lat, "lon": found.point.lon, "source": found.source})


@router.post("/phone")
async def phone(person: AtDesk, body: TextBody) -> JSONResponse:
    """What is doubtful about the caller's number: ``{said}``, empty where somebody can be rung there."""
    try:
        read_phone(body.text)
    except Refusal as doubt:
        why = doubt.en if person.lang == "en" else doubt.th
        return JSONResponse({"said": teller(person.lang)("desk.phone_doubt", why=why)})
    return JSONResponse({"said": ""})


async def _known_place(request: Request, person: Person, text: str) -> tuple[str, Point] | None:
    """A community, base or hospital of that name."""
    stations, facilities = await asyncio.gather(
        desk.all_of(request, person, "/v1/stations"), desk.all_of(request, person, "/v1/facilities")
    )
    known = desk.marks(stations or [], facilities or [], desk.packs_of(request, person), person.lang)
    return places.named_place(text, {each["name"]: Point(each["lon"], each["lat"]) for each in known})


# --- triage --------------------------------------------------------------------


@router.get("/trees")
async def trees(request: Request, person: AtDesk) -> JSONResponse:
    """Every question tree, so that a page that has them can go on asking while intake is away."""
    asked = [(kind, "none") for kind in KINDS_WITHOUT_GROUP]
    asked += [("medical", str(group)) for group in range(1, GROUPS + 1)]

    async def one(kind: str, group: str) -> tuple[str, Doc] | None:
        try:
            tree = await backend(request).get(person, "intake", f"/v1/triage/{group}", params={"kind": kind})
        except BackendRefused:
            return None  # group 11 is blank
        return (f"{kind}:none" if group == "none" else group), tree

    found = await asyncio.gather(*(one(*each) for each in asked))
    return JSONResponse(dict(each for each in found if each), headers={"cache-control": "private, max-age=600"})


@router.post("/triage")
async def triage(request: Request, person: AtDesk, body: TriageBody) -> JSONResponse:
    """How urgent the answers so far make it: intake's judgement, and the card that shows it."""
    asked = {"criteria_group": body.group, "answers": body.answers}
    told: Doc = {"triage": asked, **body.model_dump(include={"kind", "lane", "age", "complaint"}, exclude_none=True)}
    judged = await backend(request).post(person, "intake", "/v1/triage", told, purpose="emergency")
    html = render("desk/judged.html", person.lang, judged=judged)
    return JSONResponse({"html": html, "severity": judged["severity"], "suggested_group": judged["suggested_group"]})


# --- taking --------------------------------------------------------------------


@router.post("/calls")
async def take(request: Request, person: AtDesk, body: SheetBody, key: Key) -> JSONResponse:
    """Take the call. The same key again is the same call; what is wrong is told field by field."""
    now = now_utc()
    typed = desk.coded(request, person, body.sheet)
    told, refusals = call_of(typed, desk.centre_of(request, person), local_day(now))
    if refusals:
        return JSONResponse({"code": "invalid", "errors": problems_of({}, refusals)}, 422)
    if not body.asked and (asks := asks_of(typed)):
        return JSONResponse({"code": "asks", "errors": problems_of({}, asks)}, 422)
    if body.received_at:
        told["received_at"] = body.received_at
    try:
        taken = await backend(request).post(person, "intake", "/v1/calls", told, key=key, purpose="emergency")
    except BackendRefused as problem:
        errors = problems_of(problem.problem)
        return JSONResponse({"code": problem.code, "errors": errors}, problem.status)
    await desk.sheet_ended(request, key)
    html = render("desk/taken.html", person.lang, taken=taken)
    shown = {name: taken[name] for name in ("id", "number", "severity", "lane", "received_at")}
    return JSONResponse({**shown, "html": html}, 201)


@router.post("/plain")
async def take_plain(request: Request, person: AtDesk) -> Response:
    """The same sheet as a plain form, where the browser runs no script: nothing of it ever stands in an address."""
    form = await request.form()
    typed = sheet_of_form([(name, value) for name, value in form.multi_items() if isinstance(value, str)])
    coded = desk.coded(request, person, typed)
    told, refusals = call_of(coded, desk.centre_of(request, person), local_day(now_utc()))
    key = str(typed.get("key") or "")
    if refusals:
        return await _sheet(request, person, typed, problems_of({}, refusals), 422)
    if not typed.get("asked") and (asks := asks_of(coded)):
        return await _sheet(request, person, typed, problems_of({}, asks), 422, asked=True)
    try:
        taken = await backend(request).post(
            person, "intake", "/v1/calls", told, key=f"desk-{key}" if key else None, purpose="emergency"
        )
    except BackendRefused as problem:
        return await _sheet(request, person, typed, problems_of(problem.problem), problem.status)
    return go(f"/desk/calls/{taken['id']}")
