"""The planner: the day's tours on lines of time and on the map, moves tried before anybody is told, drivers' sheets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import Response

from services.console.backend import BackendAway, BackendRefused
from services.console.labels import labeller
from services.console.pages.board import DECIDES, NUMBER, every, units_of
from services.console.pages.rides import choices, day_named, told_by_intake
from services.console.people import Person
from services.console.rules import planner as rules
from services.console.rules.paper import read_clock
from services.console.web import as_json, backend, go, page, signed_in
from shared.thai.dates import BANGKOK
from shared.work import now_utc

router = APIRouter(prefix="/rides/planner", include_in_schema=False)

Decides = Annotated[Person, Depends(signed_in(*DECIDES))]
Short = Annotated[str, Form(max_length=40)]
Area = Annotated[str, Form(max_length=32)]
PURPOSE = "care"
SEARCHES = ("2", "10", "60")
"""Seconds that a dispatcher may let the planner search."""
RUNG = 5
"""Of how many units off duty the numbers are shown: whoever reads on is shown their call signs."""
BESIDE_S = 20.0
"""For all that is not searching: reading a great day, travel times, the first plan, the proof."""


@dataclass(frozen=True, slots=True)
class Said:
    """What came of the last act: ``published`` rides, ``changed`` ones that were not, or why it was refused."""

    published: int | None = None
    changed: int = 0
    refused: str = ""


@router.get("")
async def show(
    request: Request, person: Decides, on: Annotated[str | None, Query(max_length=20)] = None,
    area: Annotated[str, Query(max_length=32)] = "", plan: UUID | None = None,
) -> Response:  # fmt: skip
    """The day as it stands, or (``plan``) as a proposal would have it."""
    return await _day(request, person, day_named(on), _own(person, area), plan)


@router.post("/plan")
async def make(request: Request, person: Decides, on: Short, area: Area = "", search: Short = "2") -> Response:
    """Propose a plan for everybody who waits."""
    when, own = day_named(on), _own(person, area)
    search_s = float(search) if search in SEARCHES else 2.0
    asked = {"on": when.isoformat(), "area": own, "search_s": search_s}
    ask = backend(request).post
    made = await ask(person, "dispatch", "/v1/plans/day", asked, purpose=PURPOSE, within_s=search_s + BESIDE_S)
    return go(_address(when, own, made["id"]))


@router.post("/try")
async def attempt(
    request: Request, person: Decides, on: Short, trip_id: Annotated[UUID, Form()], unit_id: Annotated[UUID, Form()],
    area: Area = "", plan: Annotated[UUID | None, Form()] = None, at: Short = "",
) -> Response:  # fmt: skip
    """One ride with another unit, or at another time: a new proposal, which nobody is told of."""
    when, own, ask = day_named(on), _own(person, area), backend(request).post
    try:
        if plan is None:
            first = {"on": when.isoformat(), "area": own, "search_s": 0}
            plan = UUID((await ask(person, "dispatch", "/v1/plans/day", first, purpose=PURPOSE))["id"])
        move: dict[str, Any] = {"trip_id": str(trip_id), "unit_id": str(unit_id)}
        if clock := read_clock(at) if at else None:
            move["pickup_at"] = datetime.combine(when, clock, BANGKOK).isoformat()
        made = await ask(person, "dispatch", f"/v1/plans/{plan}/try", move, purpose=PURPOSE)
    except BackendRefused as refused:
        return await _day(request, person, when, own, None, Said(refused=refused.sentence(person.lang)))
    return go(_address(when, own, made["id"]))


@router.post("/publish")
async def publish(
    request: Request, person: Decides, on: Short, plan: Annotated[UUID, Form()], area: Area = ""
) -> Response:
    """Book what the proposal shows; the crews are asked and the riders told."""
    when, own = day_named(on), _own(person, area)
    try:
        done = await backend(request).post(person, "dispatch", f"/v1/plans/{plan}/publish", {}, purpose=PURPOSE)
    except BackendRefused as refused:
        return await _day(request, person, when, own, None, Said(refused=refused.sentence(person.lang)))
    changed = sum(1 for each in done["unserved"] if each["code"] == "changed")
    return await _day(request, person, when, own, None, Said(done["published"], changed))


@router.get("/print")
async def sheets(
    request: Request, person: Decides, on: Annotated[str | None, Query(max_length=20)] = None,
    area: Annotated[str, Query(max_length=32)] = "", unit: UUID | None = None,
) -> Response:  # fmt: skip
    """A sheet for each driver: the stops in their order, whom, where, and room to write the times."""
    when, own = day_named(on), _own(person, area)
    asked = {"on": when.isoformat(), "area": own}
    day = await backend(request).get(person, "dispatch", "/v1/plans/day", params=asked, purpose=PURPOSE)
    trips, told = await _trips(request, person, when)
    tours = [
        each
        for each in day["tours"]
        if each["stands"] != "expected" and str(unit or each["unit_id"]) == each["unit_id"]
    ]
    by_unit: dict[str, list[Mapping[str, Any]]] = {}
    for tour in tours:
        by_unit.setdefault(tour["call_sign"], []).append(tour)
    return page(
        request, "rides/sheets.html", on=when, area=own, by_unit=by_unit, trips=trips, told=told or {},
        now=now_utc().isoformat(), back=_address(when, own), code=labeller(person.lang),
    )  # fmt: skip


def _own(person: Person, area: str) -> str:
    return area if area in person.areas else person.areas[0]


def _address(on: date, area: str, plan: str | None = None) -> str:
    return f"/rides/planner?on={on.isoformat()}&area={area}" + (f"&plan={plan}" if plan else "")


async def _trips(
    request: Request, person: Person, on: date
) -> tuple[dict[str, Mapping[str, Any]], dict[str, dict[str, Any]] | None]:
    """The day's booked trips by their id, and what intake tells of their calls."""
    found = await every(request, person, "/v1/trips", on=on.isoformat())
    booked: dict[str, Mapping[str, Any]] = {trip["id"]: trip for trip in found if trip["lane"] == "booked"}
    return booked, await told_by_intake(request, person, list(booked.values()))


async def _whom_to_ring(request: Request, person: Person, day: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Members of units off duty that a conflict names, by unit; dispatch writes down who was shown their numbers."""
    units = dict.fromkeys(each["unit_id"] for said in day["conflicts"] for each in said.get("ring", ()))
    found: dict[str, list[dict[str, Any]]] = {}
    for unit_id in [*units][:RUNG]:
        try:
            asked = {"unit_id": unit_id}
            members = await backend(request).get(person, "dispatch", "/v1/crew", params=asked, purpose=PURPOSE)
        except (BackendAway, BackendRefused):
            continue  # the call signs still stand there
        found[unit_id] = [member for member in members["items"] if member["phone"]]
    return found


async def _day(
    request: Request, person: Person, on: date, area: str, plan: UUID | None, said: Said = Said()
) -> Response:
    ask = backend(request).get
    if plan is not None:
        day = await ask(person, "dispatch", f"/v1/plans/{plan}", purpose=PURPOSE)
    else:
        asked = {"on": on.isoformat(), "area": area}
        day = await ask(person, "dispatch", "/v1/plans/day", params=asked, purpose=PURPOSE)
    trips, told = await _trips(request, person, on)
    own = [unit for unit in await units_of(request, person) or () if unit.facts.get("area", area) == area]
    units = sorted(choices(own), key=lambda unit: NUMBER.sub(lambda found: found[0].zfill(6), unit[1]))
    midnight = rules.midnight_of(on)
    span = rules.span_of(day["tours"], midnight)
    lines = rules.lines_of(day["tours"], units, span, midnight, day["by_hand"], day.get("rests", ()))
    return page(
        request, "rides/planner.html", status=409 if said.refused else 200, on=on, area=area, areas=person.areas,
        day=day, said=said, trips=trips, told=told, units=units, span=span, signs=dict(units), searches=SEARCHES,
        lines=lines, address=_address, to_ring=await _whom_to_ring(request, person, day),
        before=_address(on - timedelta(days=1), area), after=_address(on + timedelta(days=1), area),
        ways=as_json(rules.ways_of(day["tours"], trips)), code=labeller(person.lang),
    )  # fmt: skip
