"""The fleet's roster: a week of shifts, who is missing now, swaps that wait."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import Response

from services.console.backend import BackendRefused
from services.console.labels import labeller, options
from services.console.navigation import DESK, KEEPERS, roles_of
from services.console.pages.admin_fleet import in_order
from services.console.pages.board import every
from services.console.people import Person
from services.console.rules import roster
from services.console.rules.paper import read_clock
from services.console.texts import texts
from services.console.towns import area_options
from services.console.web import backend, go, page, signed_in
from shared.refusal import Refusal
from shared.thai.dates import WEEKDAYS_EN, WEEKDAYS_TH, Years, local, local_day, read_day
from shared.work import new_id, now_utc

router = APIRouter(prefix="/fleet", include_in_schema=False)

Sees = Annotated[Person, Depends(signed_in(*roles_of("fleet")))]
Keeps = Annotated[Person, Depends(signed_in(*KEEPERS))]
Short = Annotated[str, Form(max_length=200)]
PURPOSE = "care"


@dataclass(frozen=True, slots=True)
class Names:
    """What ids are called: units, crew members, stations, facilities."""

    units: Mapping[str, str]
    crew: Mapping[str, str]


async def names_of(request: Request, person: Person) -> Names:
    """Every unit's call sign and every member's name in the person's areas."""
    units = await every(request, person, "/v1/units")
    crew = await every(request, person, "/v1/crew")
    return Names({each["id"]: each["call_sign"] for each in units}, {each["id"]: each["name"] for each in crew})


async def of_areas(request: Request, person: Person, path: str, **params: str | int) -> list[dict[str, Any]]:
    """The answers of a route that is asked for each municipality of the person."""
    ask = backend(request).get
    return [
        await ask(person, "dispatch", path, params={"area": area, **params}, purpose=PURPOSE)
        for area, _ in area_options(request, person)
    ]


async def trips_of_today(request: Request, person: Person) -> list[tuple[str, str, str]]:
    """``(trip, unit, time of the call)`` of every trip of the day that a unit went for; none for who may not know."""
    if person.role not in DESK:
        return []
    trips = await every(request, person, "/v1/trips", on=local_day(now_utc()).isoformat())
    return [
        (trip["id"], each["unit_id"], f"{local(roster.instant(trip['received_at'])):%H:%M}") for trip in trips
        for each in trip["assignments"] if each["stamps"].get("en_route")
    ]  # fmt: skip


def day_of(typed: str | None, today: date) -> date:
    """A day as people write it, in either era; today where it is none."""
    try:
        return read_day(typed, Years.of_appointment(today), "on") if typed else today
    except Refusal:
        return today


@router.get("")
async def week(request: Request, person: Sees, on: Annotated[str | None, Query(max_length=20)] = None) -> Response:
    """The week in which ``on`` lies (left out: this one)."""
    return await _week(request, person, day_of(on, local_day(now_utc())))


async def _week(request: Request, person: Person, on: date, problem: str = "") -> Response:
    first = roster.monday(on)
    last = first + timedelta(days=roster.WEEK - 1)
    names = await names_of(request, person)
    found = await of_areas(request, person, "/v1/shifts", **{"from": first.isoformat(), "to": last.isoformat()})
    shifts = [shift for each in found for shift in each["items"]]
    now = await of_areas(request, person, "/v1/roster/now")
    swaps = await every(request, person, "/v1/swaps")
    unplanned = [names.units.get(unit, "–") for area in now for unit in area["unplanned"]]
    weekdays = WEEKDAYS_TH if person.lang == "th" else WEEKDAYS_EN
    return page(
        request, "fleet/week.html", status=409 if problem else 200, problem=problem, names=names, first=first,
        last=last, week=roster.week(first, shifts, names.units, names.crew, in_order), today=local_day(now_utc()),
        on=on.isoformat(), before=(first - timedelta(days=7)).isoformat(),
        after=(first + timedelta(days=7)).isoformat(), standing=[each for area in now for each in area["items"]],
        unplanned=sorted(unplanned, key=in_order), swaps=swaps,
        known={shift["id"]: shift for shift in shifts}, acts=roster.ACTS, keeps=person.role in KEEPERS,
        code=labeller(person.lang), weekday=lambda day: weekdays[day.weekday()],
    )  # fmt: skip


# --- one shift ---------------------------------------------------------------------------------------------------


@router.get("/shifts/{shift_id}")
async def shift(
    request: Request, person: Keeps, shift_id: str, on: Annotated[str | None, Query(max_length=20)] = None
) -> Response:
    """The form of a shift; ``new`` is an empty one under an id of its own, so that sending twice makes one."""
    day = day_of(on, local_day(now_utc()))
    if shift_id == "new":
        empty = {"unit_id": "", "kind": "emergency", "begins": "08:00", "ends": "16:00", "crew_ids": [], "note": ""}
        return await _form(request, person, str(new_id()), day, empty, new=True)
    found = await of_areas(request, person, "/v1/shifts", **{"from": day.isoformat(), "to": day.isoformat()})
    known = next((each for area in found for each in area["items"] if each["id"] == shift_id), None)
    if known is None:
        return go(f"/fleet?on={day.isoformat()}")
    begins, ends = (f"{local(roster.instant(known[name])):%H:%M}" for name in ("from_at", "until_at"))
    day = local_day(roster.instant(known["from_at"]))
    return await _form(request, person, shift_id, day, {**known, "begins": begins, "ends": ends})


async def _form(
    request: Request, person: Person, shift_id: str, on: date, typed: Mapping[str, Any], *, new: bool = False,
    problem: str = "",
) -> Response:  # fmt: skip
    names = await names_of(request, person)
    by_name = sorted(((code, name) for code, name in names.crew.items()), key=lambda each: each[1])
    return page(
        request, "fleet/shift.html", status=422 if problem else 200, shift_id=shift_id, on=on.isoformat(),
        day=on, typed=typed, new=new, problem=problem, names=names, crew=by_name,
        units=sorted(names.units.items(), key=lambda each: in_order(each[1])), kinds=options("duty_kind", person.lang),
    )  # fmt: skip


@router.post("/shifts/{shift_id}")
async def put(
    request: Request, person: Keeps, shift_id: UUID, unit_id: Annotated[UUID, Form()], kind: Short, on: Short,
    begins: Short, ends: Short, crew_ids: Annotated[list[UUID] | None, Form()] = None, note: Short = "",
    new: Short = "",
) -> Response:  # fmt: skip
    """Put the shift whole; what dispatch refuses stands above the form as it was typed."""
    day = day_of(on, local_day(now_utc()))
    crew = [str(member) for member in crew_ids or ()]
    typed = {"unit_id": str(unit_id), "kind": kind, "begins": begins, "ends": ends, "crew_ids": crew, "note": note}
    first, last = read_clock(begins), read_clock(ends)
    if first is None or last is None:
        problem = texts()["fleet.clock_wrong"].of(person.lang)
        return await _form(request, person, str(shift_id), day, typed, new=bool(new), problem=problem)
    from_at, until_at = roster.span(day, first, last)
    body = {
        "unit_id": str(unit_id), "kind": kind, "from_at": from_at.isoformat(), "until_at": until_at.isoformat(),
        "crew_ids": crew, "note": note.strip() or None,
    }  # fmt: skip
    try:
        await backend(request).put(person, "dispatch", f"/v1/shifts/{shift_id}", body, purpose=PURPOSE)
    except BackendRefused as refused:
        problem = refused.sentence(person.lang)
        return await _form(request, person, str(shift_id), day, typed, new=bool(new), problem=problem)
    return go(f"/fleet?on={day.isoformat()}")


@router.post("/shifts/{shift_id}/drop")
async def drop(request: Request, person: Keeps, shift_id: UUID, on: Short) -> Response:
    """Take a shift out of the roster."""
    return await _do(request, person, on, "DELETE", f"/v1/shifts/{shift_id}")


@router.post("/shifts/{shift_id}/swap")
async def swap(
    request: Request, person: Keeps, shift_id: UUID, from_crew_id: Annotated[UUID, Form()],
    to_crew_id: Annotated[UUID, Form()], on: Short,
) -> Response:  # fmt: skip
    """Write down that one member gives the shift to another."""
    body = {"from_crew_id": str(from_crew_id), "to_crew_id": str(to_crew_id)}
    return await _do(request, person, on, "POST", f"/v1/shifts/{shift_id}/swaps", body)


@router.post("/swaps/{swap_id}/{act}")
async def answer(request: Request, person: Keeps, swap_id: UUID, act: str, on: Short) -> Response:
    """What the members said, and what a supervisor decides."""
    return await _do(request, person, on, "POST", f"/v1/swaps/{swap_id}/answer", {"act": act})


async def _do(request: Request, person: Person, on: str, method: str, path: str, body: Any = None) -> Response:
    """Ask dispatch, then back to the week; a refusal stands above it."""
    day = day_of(on, local_day(now_utc()))
    ask = backend(request)
    try:
        if method == "DELETE":
            await ask.delete(person, "dispatch", path, purpose=PURPOSE)
        else:
            await ask.post(person, "dispatch", path, body, purpose=PURPOSE)
    except BackendRefused as refused:
        return await _week(request, person, day, refused.sentence(person.lang))
    return go(f"/fleet?on={day.isoformat()}")
