"""The board: calls × units, live; the strip that never scrolls away; what only some may see; orders from it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from services.console.backend import BackendAway, BackendRefused
from services.console.live import hub_of
from services.console.navigation import DESK, roles_of
from services.console.painting import call_html, rows_of, unit_html, unit_rows
from services.console.people import Person
from services.console.rules.board import HORIZON, CallRow, UnitRow, revealed
from services.console.store import board as store
from services.console.store import facts
from services.console.strip import PURPOSE, strips_of
from services.console.towns import community_names
from services.console.web import backend, page, render, runtime, signed_in
from shared.auth import Role
from shared.work import now_utc

router = APIRouter(include_in_schema=False)

Viewer = Annotated[Person, Depends(signed_in(*roles_of("board")))]
AtDesk = Annotated[Person, Depends(signed_in(*DESK))]
Decider = Annotated[Person, Depends(signed_in(Role.DISPATCHER, Role.SUPERVISOR, Role.CALL_TAKER))]
DECIDES = frozenset({Role.DISPATCHER, Role.SUPERVISOR})
"""Who orders, and enters what was driven."""
AT_ONCE = 200
WALL_ALARMS = "board/wall_alarms.html"
NUMBER = re.compile(r"\d+")
"""K2 stands before K10."""


class Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Ids(Asked):
    ids: Annotated[list[UUID], Field(min_length=1, max_length=AT_ONCE)]


class Confirmed(Asked):
    trip_id: UUID
    unit_id: UUID


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit on the board: what dispatch says of it, and how it stands."""

    row: UnitRow
    facts: Mapping[str, Any]

    @property
    def order(self) -> str:
        return self.row.order + NUMBER.sub(lambda found: found[0].zfill(6), self.facts["call_sign"])


# --- reading -------------------------------------------------------------------


async def calls_of(request: Request, person: Person, now: datetime) -> list[CallRow]:
    """The rows of the person's areas, in order."""
    things = await store.open_calls(runtime(request).pool, person.areas, now + HORIZON)
    return sorted((row for row, _ in rows_of(things)), key=lambda row: row.order)


async def units_of(request: Request, person: Person) -> list[Unit] | None:
    """Every unit of the person's areas; None while dispatch does not answer, or where the role may not know."""
    try:
        items = await every(request, person, "/v1/units")
    except (BackendAway, BackendRefused):
        return None
    pool = runtime(request).pool
    known = {each.id: each for each in await store.units(pool, person.areas)}
    work = await store.work(pool, person.areas)
    by_id = {UUID(item["id"]): item for item in items}
    rows = unit_rows(by_id, known, work, await store.last_ends(pool, list(by_id)))
    return sorted((Unit(_as_told(row, by_id[row.id]), by_id[row.id]) for row in rows), key=lambda unit: unit.order)


async def every(request: Request, person: Person, path: str, **params: str) -> list[dict[str, Any]]:
    """All pages of a list of dispatch."""
    items: list[dict[str, Any]] = []
    after: dict[str, str] = {}
    while True:
        answer = await backend(request).get(person, "dispatch", path, params={"limit": 500, **params, **after})
        items += answer["items"]
        if not answer["next"]:
            return items
        after = {"after": answer["next"]}


def _as_told(row: UnitRow, item: Mapping[str, Any]) -> UnitRow:
    """Of a run that says nothing openly only dispatch knows; a unit that was never on duty has said nothing yet."""
    told = replace(row, duty=item["duty"], contaminated=item["cleanliness"] == "contaminated")
    if row.work is None and item["work_status"]:
        return replace(told, work=item["work_status"], since=_instant(item["run_opened_at"]))
    ended_at = _instant(item["last_closed_at"])
    if row.work is None and row.since and ended_at and told.duty == "on_duty":
        return replace(told, since=max(row.since, ended_at))
    return told


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


# --- screens -------------------------------------------------------------------


@router.get("/board")
async def board(request: Request, person: Viewer) -> Response:
    """Calls, units, the chosen call, the map."""
    now = now_utc()
    _, position = await facts.span(runtime(request).pool)  # first: what is read is at least as new
    rows, units, strip = await asyncio.gather(
        calls_of(request, person, now), units_of(request, person), strips_of(runtime(request)).of(person)
    )
    drawn = [call_html(row, person.lang) for row in rows]
    return page(
        request, "board/board.html", position=position, rows=drawn, units=units, units_html=_drawn(units, person.lang),
        may_see=person.role in DESK, may_decide=person.role in DECIDES, now=now.isoformat(),
        strip=strip.html(person.lang),
    )  # fmt: skip


@router.get("/board/wall")
async def wall(request: Request, person: Viewer) -> Response:
    """The big screen: no names, nothing to press."""
    now = now_utc()
    _, position = await facts.span(runtime(request).pool)
    rows, units, strip = await asyncio.gather(
        calls_of(request, person, now), units_of(request, person), strips_of(runtime(request)).of(person)
    )
    drawn = [call_html(row, person.lang) for row in rows]
    return page(
        request, "board/wall.html", position=position, rows=drawn, units=units,
        units_html=_drawn(units, person.lang), now=now.isoformat(), alarms=strip.html(person.lang, WALL_ALARMS),
    )  # fmt: skip


def _drawn(units: Sequence[Unit] | None, lang: str) -> list[str]:
    def drawn(unit: Unit) -> str:
        state = unit_html(unit.row, lang)
        return render("board/unit.html", lang, unit=unit.row, facts=unit.facts, order=unit.order, state=state)

    return [drawn(unit) for unit in units or ()]


@router.get("/board/units")
async def units_again(request: Request, person: Viewer) -> Response:
    """The units' rows anew: one that the page does not know yet, or dispatch is back."""
    units = await units_of(request, person)
    return HTMLResponse("".join(_drawn(units, person.lang)), 503 if units is None else 200)


# --- the strip -----------------------------------------------------------------


async def _strip(request: Request, person: Person, template: str = "board/strip.html") -> Response:
    strip = await strips_of(runtime(request)).of(person)
    return HTMLResponse(strip.html(person.lang, template), headers={"cache-control": "no-store"})


@router.get("/board/strip")
async def strip(request: Request, person: Viewer, wall: bool = False) -> Response:
    """What waits for a hand; ``wall``: as the big screen shows it, without places and telephones."""
    return await _strip(request, person, WALL_ALARMS) if wall else await _strip(request, person)


@router.post("/board/alarms/{alarm_id}/acknowledge")
async def acknowledge(request: Request, person: AtDesk, alarm_id: UUID) -> Response:
    """Somebody sees to it: the sound ends on every screen."""
    key = request.headers.get("idempotency-key")
    await backend(request).post(person, "intake", f"/v1/alarms/{alarm_id}/acknowledge", key=key, purpose=PURPOSE)
    hub_of(runtime(request)).nudge()
    return await _strip(request, person)


@router.post("/board/confirm")
async def confirm(request: Request, person: Decider, body: Confirmed) -> Response:
    """A proposal becomes the order."""
    key = request.headers.get("idempotency-key")
    path = f"/v1/trips/{body.trip_id}/assign"
    order = {"unit_id": str(body.unit_id)}
    return JSONResponse(await backend(request).post(person, "dispatch", path, order, key=key, purpose=PURPOSE))


# --- what only some may see ------------------------------------------------------


@router.post("/board/private")
async def private(request: Request, person: AtDesk, body: Ids) -> Response:
    """Names and places of calls, and the whole row of those that are protected; one batched read per service.

    ``{calls: {id: {place, complaint, people, caller, phone, lat, lon, html?}},
    units: [{id, call, state, order, html}]}``; ``units``: who is on the protected ones.
    """
    found = await _found(request, person, [str(each) for each in body.ids])
    things = await store.of_calls(runtime(request).pool, body.ids)
    rows = {str(row.id): row for row, _ in rows_of(things)}
    guarded = [row for row in rows.values() if row.protected]
    trips = await _trips_of(request, person, guarded)
    answer: dict[str, Any] = {}
    community = community_names(request, person.lang)
    units: list[UnitRow] = []
    for call in found:
        answer[call["id"]] = told = _told(call, person.lang, community)
        row = rows.get(call["id"])
        if row is not None and row.protected and not row.over:
            shown = revealed(row, call, [trip for trip in trips if trip["call_id"] == call["id"]])
            told["html"] = call_html(shown, person.lang)
            units += [
                UnitRow(chip.unit_id, "on_duty", work=chip.status, call_id=row.id, since=chip.since)
                for chip in shown.chips if chip.unit_id
            ]  # fmt: skip
    drawn = [
        {
            "id": str(each.id),
            "call": str(each.call_id),
            "state": each.availability,
            "order": each.order,
            "html": unit_html(each, person.lang),
        }
        for each in units
    ]
    return JSONResponse({"calls": answer, "units": drawn}, headers={"cache-control": "no-store"})


async def _found(request: Request, person: Person, ids: Sequence[str]) -> list[dict[str, Any]]:
    asked = {"ids": list(ids), "limit": AT_ONCE}
    answer = await backend(request).post(person, "intake", "/v1/calls/search", asked, purpose=PURPOSE)
    items: list[dict[str, Any]] = answer["items"]
    return items


async def told_of(request: Request, person: Person, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Call → its names and places, in the person's language."""
    community = community_names(request, person.lang)
    return {call["id"]: _told(call, person.lang, community) for call in await _found(request, person, ids)}


async def _trips_of(request: Request, person: Person, rows: Sequence[CallRow]) -> list[dict[str, Any]]:
    ids = [str(trip_id) for row in rows for trip_id in row.trip_ids][:AT_ONCE]
    if not ids:
        return []
    try:
        answer = await backend(request).post(person, "dispatch", "/v1/trips/search", {"ids": ids}, purpose=PURPOSE)
    except BackendAway:
        return []
    items: list[dict[str, Any]] = answer["items"]
    return items


def _told(call: Mapping[str, Any], lang: str, community: Callable[[str | None], str]) -> dict[str, Any]:
    place, to = call["location"], call.get("destination") or {}
    names = [place["landmark"], community(place["community"]), place["address"], place["point_as_typed"]]
    return {
        "place": " · ".join(dict.fromkeys(name for name in names if name)),
        "destination": to.get("address") or "",
        "facility_id": to.get("facility_id"),
        "complaint": call["complaint"] or "",
        "people": ", ".join(_person(each, lang) for each in call["patients"] if each["name"] or each["age"]),
        "caller": call["caller"]["name"] or "",
        "phone": call["caller"]["phone"] or call["caller"]["phone_as_typed"] or "",
        "lat": place["lat"],
        "lon": place["lon"],
        "severity": call["severity"],
        "number": call["number"],
    }


def _person(patient: Mapping[str, Any], lang: str) -> str:
    age = f"{patient['age']} {'ปี' if lang == 'th' else 'y'}" if patient["age"] is not None else ""
    return " ".join(part for part in (patient["name"], age) if part)
