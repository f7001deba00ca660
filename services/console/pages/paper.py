"""When everything is away: the sheet that was printed before, and the cards that are entered afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import uuid4

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from services.console.backend import BackendAway, BackendRefused
from services.console.labels import labeller, options
from services.console.navigation import DESK, roles_of
from services.console.pages.board import calls_of, every, units_of
from services.console.pages.crew import facilities_of
from services.console.pages.rides import told_by_intake
from services.console.people import Person
from services.console.rules import days
from services.console.rules.board import HORIZON
from services.console.rules.paper import STAMPS, STEPS, Wrong, read_card
from services.console.rules.rides import Ride, rides, to_drive
from services.console.strip import PURPOSE
from services.console.web import backend, page, signed_in
from shared.auth import Role
from shared.thai.dates import local_day
from shared.work import now_utc

router = APIRouter(prefix="/board", include_in_schema=False)

Viewer = Annotated[Person, Depends(signed_in(*roles_of("board")))]
Decider = Annotated[Person, Depends(signed_in(Role.DISPATCHER, Role.SUPERVISOR))]
KINDS = ("medical", "transfer", "welfare", "hazard", "other")
GROWS_WITHIN_S = 10
BLANK_CARDS = 6
STILL_OUT = timedelta(hours=4)
"""So long after midnight what was booked for the day before may still be on the road."""


# --- the sheet -------------------------------------------------------------------


@router.get("/print")
async def sheet(request: Request, person: Viewer) -> Response:
    """What a desk needs on paper: open calls with places and numbers, rides to drive, units with crews, empty cards."""
    now = now_utc()
    rows = [row for row in await calls_of(request, person, now) if not row.back_entry]
    booked, units, crew = await asyncio.gather(
        _booked(request, person, now), units_of(request, person), _crew_of(request, person)
    )
    driving = to_drive(booked or (), now + HORIZON)
    told: dict[str, dict[str, Any]] | None = {}
    if person.role in DESK:
        ids = {str(row.id) for row in rows} | {ride.trip["call_id"] for ride in driving}
        told = await told_by_intake(request, person, [{"call_id": each} for each in sorted(ids)])
    driven = {ride.trip["call_id"] for ride in driving}
    names = {str(unit.row.id): unit.facts["call_sign"] for unit in units or ()}
    facilities = await facilities_of(request, person) if driving else {}
    return page(
        request, "board/print.html", rows=[row for row in rows if str(row.id) not in driven], rides=driving,
        rides_known=booked is not None, facilities={key: each["name"] for key, each in facilities.items()},
        told=told or {}, known=told is not None, units=units, names=names, crew=crew, code=labeller(person.lang),
        now=now.isoformat(), blanks=BLANK_CARDS,
    )  # fmt: skip


async def _booked(request: Request, person: Person, now: datetime) -> list[Ride] | None:
    """The booked rides of the night's both days, as dispatch has them; None where it does not answer."""
    if person.role not in DESK:
        return []
    try:
        trips = [
            trip
            for day in sorted({local_day(now - STILL_OUT), local_day(now + HORIZON)})
            for trip in await every(request, person, "/v1/trips", on=day.isoformat())
        ]
    except (BackendAway, BackendRefused):
        return None
    return rides([trip for trip in trips if trip["lane"] == "booked" and not trip["back_entry"]], {}, now)


async def _crew_of(request: Request, person: Person) -> dict[str, dict[str, Any]]:
    try:
        return {each["id"]: each for each in await every(request, person, "/v1/crew")}
    except (BackendAway, BackendRefused):
        return {}


# --- cards -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Card:
    """What was typed from a card, and how far it has been entered."""

    typed: Mapping[str, str]
    key: str
    call_id: str = ""

    def get(self, name: str) -> str:
        return self.typed.get(name, "")


@router.get("/paper")
async def empty(request: Request, person: Decider) -> Response:
    return await _form(
        request, person, Card({"day": days.written(local_day(now_utc()), person.lang), "kind": "medical"}, uuid4().hex)
    )


@router.post("/paper")
async def enter(request: Request, person: Decider) -> Response:
    """Record a card with its own times: nobody is ordered, nobody is told. What is entered already is not again."""
    form = {name: str(value)[:500] for name, value in (await request.form()).items()}
    card = Card(form, form.get("key", "")[:64] or uuid4().hex, form.get("call_id", ""))
    stamps, wrong = read_card(card.get("day"), card.typed, now_utc())
    if not (card.get("place") or card.get("phone")):
        wrong.append(Wrong("place", "place"))
    if any(name in stamps for name in STEPS) and not card.get("unit_id"):
        wrong.append(Wrong("unit_id", "unit"))
    if wrong:
        return await _form(request, person, card, wrong=wrong, status=422)
    try:
        number, call_id = await _call(request, person, card, stamps)
    except BackendRefused as refused:
        return await _form(request, person, card, refused=refused.sentence(person.lang), status=refused.status)
    try:
        await _drive(request, person, card, call_id, stamps)
    except (BackendRefused, BackendAway, TimeoutError) as problem:
        said = problem.sentence(person.lang) if isinstance(problem, BackendRefused) else None
        again = Card(card.typed, card.key, call_id)
        return await _form(request, person, again, number=number, refused=said, half=True, status=409)
    return await _form(request, person, Card({"day": card.get("day"), "kind": "medical"}, uuid4().hex), number=number)


async def _call(request: Request, person: Person, card: Card, stamps: Mapping[str, datetime]) -> tuple[str, str]:
    if card.call_id:
        call = await backend(request).get(person, "intake", f"/v1/calls/{card.call_id}", purpose=PURPOSE)
        return call["number"], call["id"]
    taken = await backend(request).post(
        person, "intake", "/v1/calls", _body(card, stamps), key=f"paper-{card.key}", purpose=PURPOSE
    )
    return taken["number"], taken["id"]


def _body(card: Card, stamps: Mapping[str, datetime]) -> dict[str, Any]:
    kind = card.get("kind") if card.get("kind") in KINDS else "medical"
    body: dict[str, Any] = {
        "back_entry": True,
        "lane": "emergency",
        "kind": kind,
        "received_at": stamps["received"].isoformat(),
        "caller": {"name": card.get("caller") or None, "phone": card.get("phone") or None},
        "location": {"landmark": card.get("place") or None},
        "complaint": card.get("complaint") or None,
        "notes": card.get("notes") or None,
    }
    if kind != "hazard":
        age = card.get("age")
        body["patient"] = {"name": card.get("patient") or None, "age": int(age) if age.isdecimal() else None}
    return body


async def _drive(request: Request, person: Person, card: Card, call_id: str, stamps: Mapping[str, datetime]) -> None:
    """The unit and its steps, each with the time on the card; what dispatch has already is left as it is.

    Raises:
        TimeoutError: the call's trip did not appear.

    """
    if not card.get("unit_id"):
        return
    dispatch = backend(request)
    trip = await _trip(request, person, call_id)
    assignment = next((each for each in trip["assignments"] if each["unit_id"] == card.get("unit_id")), None)
    if assignment is None:
        order = {"unit_id": card.get("unit_id"), "start_at": stamps["ordered"].isoformat()}
        path = f"/v1/trips/{trip['id']}/assign"
        assignment = await dispatch.post(person, "dispatch", path, order, key=f"paper-{card.key}", purpose=PURPOSE)
    for step in STEPS:
        if (
            step not in stamps
            or step in assignment["stamps"]
            or (step == "accept" and "accepted" in assignment["stamps"])
        ):
            continue
        report: dict[str, Any] = {"step": step, "at": stamps[step].isoformat()}
        if step == "clear" and card.get("outcome"):
            report["outcome"] = card.get("outcome")
        path = f"/v1/assignments/{assignment['id']}/steps"
        await dispatch.post(person, "dispatch", path, report, key=f"paper-{card.key}-{step}", purpose=PURPOSE)


async def _trip(request: Request, person: Person, call_id: str) -> dict[str, Any]:
    """The call's first trip, as soon as dispatch has heard of the call."""
    async with asyncio.timeout(GROWS_WITHIN_S):
        while True:
            trips = await backend(request).get(
                person, "dispatch", "/v1/trips", params={"call_id": call_id}, purpose=PURPOSE
            )
            if trips["items"]:
                found: dict[str, Any] = trips["items"][0]
                return found
            await asyncio.sleep(0.2)


async def _form(request: Request, person: Person, card: Card, **more: Any) -> Response:
    units = await units_of(request, person)
    given = {"wrong": [], "number": None, "refused": None, "half": False, "status": 200, **more}
    return page(
        request, "board/paper.html", card=card, stamps=STAMPS, kinds=options("kind", person.lang, KINDS),
        outcomes=options("mission_outcome", person.lang),
        units=sorted(((str(unit.row.id), unit.facts["call_sign"]) for unit in units or ()), key=lambda each: each[1]),
        **given,
    )  # fmt: skip
