"""The booked rides of a day: who drives whom and when, what stands against it, and who waits to be fetched home."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import Response

from services.console.backend import BackendAway, BackendRefused
from services.console.labels import labeller, options
from services.console.navigation import roles_of
from services.console.pages.board import AT_ONCE, DECIDES, Unit, every, told_of, units_of
from services.console.pages.crew import facilities_of
from services.console.people import Person
from services.console.rules.paper import read_clock
from services.console.rules.rides import rides, unit_of
from services.console.store import facts
from services.console.texts import teller
from services.console.web import backend, go, page, runtime, signed_in
from shared.errors import Refused
from shared.refusal import Refusal
from shared.thai.dates import BANGKOK, Years, local_day, read_day
from shared.work import now_utc

router = APIRouter(prefix="/rides", include_in_schema=False)

Decides = Annotated[Person, Depends(signed_in(*DECIDES))]
AtDesk = Annotated[Person, Depends(signed_in(*roles_of("rides")))]
Short = Annotated[str, Form(max_length=40)]
PURPOSE = "care"


@dataclass(frozen=True, slots=True)
class Refusing:
    """An order that was refused: for which ride, why, and whether a coded reason overrides it."""

    trip_id: str
    sentence: str
    unit_id: str = ""
    start: str = ""
    overridable: bool = False
    against: Sequence[str] = ()


@router.get("")
async def day(
    request: Request, person: AtDesk, on: Annotated[str | None, Query(max_length=20)] = None,
    offers: UUID | None = None,
) -> Response:  # fmt: skip
    """The rides of a day (``on``: any way of writing a day, in either era; left out: on to today's own address).

    ``offers``: the ride for which units and times are wanted. A day that cannot be read is refused at its field.
    """
    if not on and offers is None:  # a list that is left open over midnight asks again for the day in its address
        return go(f"/rides?on={local_day(now_utc()).isoformat()}")
    try:
        when = day_named(on)
    except Refused as refused:
        sentence = refused.th if person.lang == "th" else refused.en
        return await _day(request, person, local_day(now_utc()), unread=(on or "", sentence))
    if offers is None:
        return await _day(request, person, when)
    try:
        found = await backend(request).get(person, "dispatch", f"/v1/trips/{offers}/offers", purpose=PURPOSE)
    except BackendRefused as refused:
        return await _day(request, person, when, Refusing(str(offers), refused.sentence(person.lang)))
    return await _day(request, person, when, offered=(str(offers), found))


@router.post("/plan")
async def plan(
    request: Request, person: Decides, on: Short, publish: Annotated[list[UUID] | None, Form()] = None
) -> Response:
    """A plan for every ride that has no unit, shown; or (``publish``: plans that were shown) booked as it was shown."""
    when, ask = day_named(on), backend(request).post
    if publish:
        plans = [await ask(person, "dispatch", f"/v1/plans/{each}/publish", {}, purpose=PURPOSE) for each in publish]
    else:
        asked = {"on": when.isoformat()}
        plans = [await ask(person, "dispatch", "/v1/plans/day", {**asked, "area": area}) for area in person.areas]
    return await _day(request, person, when, plans=plans)


def day_named(on: str | None) -> date:
    """The day that was typed; nothing typed: today.

    Raises:
        Refused: it is no day. Another day shown in its place would be taken for the one that was asked for.

    """
    today = local_day(now_utc())
    try:
        return read_day(on, Years.of_appointment(today), "on") if on else today
    except Refusal as wrong:
        raise Refused(422, wrong.code, wrong.th, wrong.en, field=wrong.field) from None


async def _day(
    request: Request, person: Person, on: date, refusing: Refusing | None = None,
    offered: tuple[str, Mapping[str, Any]] | None = None, plans: Sequence[Mapping[str, Any]] = (),
    unread: tuple[str, str] | None = None,
) -> Response:  # fmt: skip
    _, position = await facts.span(runtime(request).pool)
    try:
        trips = await every(request, person, "/v1/trips", on=on.isoformat())
    except BackendAway:
        trips = None
    units = await units_of(request, person)
    booked = [trip for trip in trips or () if trip["lane"] == "booked"]
    told = await told_by_intake(request, person, booked)
    facilities = await facilities_of(request, person) if booked else {}
    numbers = {call_id: call["number"] for call_id, call in (told or {}).items()}
    now = now_utc()
    return page(
        request, "rides/day.html", status=422 if unread else 409 if refusing else 200, on=on, known=trips is not None,
        day_text=unread[0] if unread else on, unread=unread[1] if unread else None,
        before=(on - timedelta(days=1)).isoformat(), after=(on + timedelta(days=1)).isoformat(),
        rides=rides(booked, numbers, now), told=told, units=choices(units),
        signs={str(unit.row.id): unit.facts["call_sign"] for unit in units or ()}, refusing=refusing,
        reasons=options("reason_override", person.lang), code=labeller(person.lang), position=position,
        now=now.isoformat(), offered=offered, decides=person.role in DECIDES,
        facilities={key: each["name"] for key, each in facilities.items()},
        plan=[each for plan in plans for each in plan["planned"]] if plans else None,
        unserved=[each for plan in plans for each in plan["unserved"]],
        published=sum(plan["published"] for plan in plans), plan_ids=[plan["id"] for plan in plans],
    )  # fmt: skip


def choices(units: Sequence[Unit] | None) -> list[tuple[str, str]]:
    able = [unit for unit in units or () if unit.row.duty != "out_of_service"]
    return sorted(((str(unit.row.id), unit.facts["call_sign"]) for unit in able), key=lambda each: each[1])


async def told_by_intake(
    request: Request, person: Person, trips: Sequence[Mapping[str, Any]]
) -> dict[str, dict[str, Any]] | None:
    """Names and places of the rides' calls; None where intake does not answer."""
    ids = sorted({trip["call_id"] for trip in trips})
    told: dict[str, dict[str, Any]] = {}
    try:
        for start in range(0, len(ids), AT_ONCE):
            told |= await told_of(request, person, ids[start : start + AT_ONCE])
    except BackendAway:
        return None
    return told


@router.post("/{trip_id}/assign")
async def assign(
    request: Request, person: AtDesk, trip_id: UUID, unit_id: Annotated[UUID, Form()], on: Short, start: Short = "",
    pickup_at: Short = "", override_reason: Short = "", key: Annotated[str, Form(max_length=64)] = "",
    held: Annotated[str | None, Form(max_length=40)] = None,
) -> Response:  # fmt: skip
    """Book a unit for a ride; ``start``: when it sets out (left out: in time), or ``pickup_at``, as it was offered.

    ``held``: the unit that the page showed for it, empty where there was none; another one since is not taken away.
    """
    when = day_named(on)
    if held is not None and await _unit_of(request, person, trip_id) != (held or None):
        said = teller(person.lang)("rides.changed_meanwhile")
        return await _day(request, person, when, Refusing(str(trip_id), said, str(unit_id), start))
    order: dict[str, Any] = {"unit_id": str(unit_id)}
    clock = read_clock(start) if start else None
    if clock is not None:
        order["start_at"] = datetime.combine(when, clock, BANGKOK).isoformat()
    elif pickup_at:
        order["pickup_at"] = pickup_at
    if override_reason:
        order["override_reason"] = override_reason
    path = f"/v1/trips/{trip_id}/assign"
    try:
        await backend(request).post(person, "dispatch", path, order, key=key or None, purpose=PURPOSE)
    except BackendRefused as refused:
        against = _against(refused.problem, person.lang)
        sentence = refused.sentence(person.lang)
        overridable = bool(refused.problem.get("overridable"))
        refusing = Refusing(str(trip_id), sentence, str(unit_id), start, overridable, against)
        return await _day(request, person, when, refusing)
    return go(f"/rides?on={when.isoformat()}")


async def _unit_of(request: Request, person: Person, trip_id: UUID) -> str | None:
    return unit_of(await backend(request).get(person, "dispatch", f"/v1/trips/{trip_id}", purpose=PURPOSE))


def _against(problem: Mapping[str, Any], lang: str) -> list[str]:
    short = [str(each.get(lang) or each.get("code")) for each in problem.get("shortfalls") or ()]
    return short + [_conflict(each, lang) for each in problem.get("conflicts") or ()]


def _conflict(conflict: Mapping[str, Any], lang: str) -> str:
    begins = conflict.get("starts_at")
    clock = f" {datetime.fromisoformat(begins).astimezone(BANGKOK):%H:%M}" if begins else ""
    late = f" {conflict['late_s'] // 60}" if "late_s" in conflict else ""
    name = CONFLICTS.get(str(conflict["code"]), {}).get(lang, str(conflict["code"]))
    return name + clock + late


CONFLICTS = {
    "booked": {"th": "หน่วยมีนัดอื่น", "en": "the unit is booked"},
    "on_a_run": {"th": "หน่วยกำลังปฏิบัติงาน", "en": "the unit is on a run"},
    "late": {"th": "ไปรับช้ากว่านัด (นาที)", "en": "late for the pickup (minutes)"},
}


@router.post("/{trip_id}/ready")
async def ready(request: Request, person: AtDesk, trip_id: UUID, on: Short, override: Short = "") -> Response:
    """The person may be fetched: a unit is looked for at once."""
    try:
        body = {"override": override} if override else {}
        await backend(request).post(person, "dispatch", f"/v1/trips/{trip_id}/ready", body, purpose=PURPOSE)
    except BackendRefused as refused:
        return await _day(request, person, day_named(on), Refusing(str(trip_id), refused.sentence(person.lang)))
    return go(f"/rides?on={day_named(on).isoformat()}")
