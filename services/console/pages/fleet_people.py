"""The people of the fleet: certificates that end, who is at the stations, hours, the code on a station's wall."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated
from uuid import UUID

import segno
from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import Response

from services.console.backend import BackendRefused
from services.console.labels import labeller
from services.console.navigation import KEEPERS
from services.console.pages.board import every
from services.console.pages.fleet import PURPOSE, Keeps, Sees, Short, of_areas
from services.console.people import Person
from services.console.rules.paper import read_clock
from services.console.rules.roster import hours
from services.console.web import backend, go, page
from shared.auth import Role
from shared.thai.dates import BANGKOK, MONTHS_EN, MONTHS_TH, be_year, local_day
from shared.work import now_utc

router = APIRouter(prefix="/fleet/people", include_in_schema=False)

ENDS_ATTENDANCE = frozenset({Role.DISPATCHER, Role.SUPERVISOR})


@router.get("")
async def people(
    request: Request, person: Sees, month: Annotated[str | None, Query(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")] = None
) -> Response:
    """Certificates, who is here, and the hours of a month (``2026-11``; left out: this one)."""
    today = local_day(now_utc())
    return await _people(request, person, date.fromisoformat(f"{month}-01") if month else today.replace(day=1))


async def _people(request: Request, person: Person, month: date, problem: str = "") -> Response:
    ask = backend(request).get
    served = await of_areas(request, person, "/v1/hours", month=month.isoformat())
    before = (month - timedelta(days=1)).replace(day=1)
    stations = await every(request, person, "/v1/stations")
    return page(
        request, "fleet/people.html", status=422 if problem else 200, problem=problem, month=month, before=before,
        certificates=(await ask(person, "dispatch", "/v1/certificates", purpose=PURPOSE))["items"],
        here=(await ask(person, "dispatch", "/v1/attendance", purpose=PURPOSE))["items"],
        served=[each for area in served for each in area["items"]], hours=hours,
        stations={each["id"]: each["name"] for each in stations}, code=labeller(person.lang),
        month_name=_month(month, person.lang), local_date=lambda at: local_day(datetime.fromisoformat(at)).isoformat(),
        ends=person.role in ENDS_ATTENDANCE, keeps=person.role in KEEPERS,
    )  # fmt: skip


def _month(month: date, lang: str) -> str:
    name = (MONTHS_TH if lang == "th" else MONTHS_EN)[month.month - 1]
    return f"{name} {be_year(month) if lang == 'th' else month.year}"


@router.post("/attendance/{served_id}/end")
async def end(request: Request, person: Sees, served_id: UUID, on: Short, left: Short = "") -> Response:
    """When somebody left who did not check out; ``left`` empty: they were never there."""
    clock = read_clock(left) if left else None
    at = datetime.combine(date.fromisoformat(on), clock, BANGKOK).astimezone(UTC) if clock else None
    body = {"at": at.isoformat()} if at else {}
    try:
        await backend(request).post(person, "dispatch", f"/v1/attendance/{served_id}/end", body, purpose=PURPOSE)
    except BackendRefused as refused:
        return await _people(request, person, local_day(now_utc()).replace(day=1), refused.sentence(person.lang))
    return go("/fleet/people")


@router.post("/stations/{station_id}/code")
async def code(
    request: Request, person: Keeps, station_id: UUID, name: Annotated[str, Form(max_length=200)]
) -> Response:
    """A fresh code for the wall, to print: the one before is useless from now on."""
    made = await backend(request).post(person, "dispatch", f"/v1/stations/{station_id}/code", purpose=PURPOSE)
    address = f"{request.base_url}public/here?code={made['code']}"
    picture = segno.make(address).svg_data_uri(scale=8)
    return page(request, "fleet/wall.html", picture=picture, address=address, name=name)
