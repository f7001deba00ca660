"""Where idle units would better stand: proposed to the dispatcher, and nobody is ordered by it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import asyncpg
import numpy as np
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel

from services.dispatch import fleet
from services.dispatch.api.common import AREA_PATTERN, NIL, Decides, runtime_of
from services.dispatch.emergencies.coverage import Numbers
from services.dispatch.emergencies.relocation import Move, busy_share, proposals
from services.dispatch.fleet import Member
from services.dispatch.policy import Policy, policy_of
from services.dispatch.store import resources
from services.dispatch.verbs.decide import BOOKED_SOON
from shared.geo import Point
from shared.openapi import problems
from shared.work import now_utc

router = APIRouter(tags=["relocation"])
MOST_STATIONS = 200
FEW = 2
"""With fewer idle units or places than this there is nothing to spread."""


class Relocation(BaseModel):
    """One unit and the station where the town would gain ``gain_percent`` of its coverage, ``drive_s`` away."""

    unit_id: UUID
    call_sign: str
    station_id: UUID
    station: str
    gain_percent: float
    drive_s: float
    th: str
    en: str


class Relocations(BaseModel):
    """``proposes``: whether the municipality wants proposals at all."""

    at: datetime
    proposes: bool
    items: list[Relocation]


@router.get("/v1/relocations", response_model=Relocations, responses=problems(401, 403))
async def relocations(
    request: Request, caller: Decides, area: Annotated[str, Query(pattern=AREA_PATTERN)]
) -> Relocations:
    """ข้อเสนอย้ายจุดจอด | Where idle units would better stand, the most useful move first."""
    now, policy = now_utc(), policy_of(area)
    proposes = caller.may_see(area) and policy.pack.relocation == "propose"
    if not proposes or len(policy.demand) < FEW:
        return Relocations(at=now, proposes=proposes, items=[])
    async with runtime_of(request).pool.acquire() as db:
        free = await fleet.free(db, area, exercise=False, now=now, soon=now + BOOKED_SOON)
        everyone = await fleet.everyone(db, area, exercise=False, now=now)
    rows = await resources.page(runtime_of(request).pool, "station", [area], NIL, MOST_STATIONS)
    stations = [row for row in rows if row["active"]]
    # Volunteers wait at home, and who has a ride soon stays for it.
    idle = [member for member, booked_soon in free if not booked_soon and not member.volunteer and _at(member)]
    if len(idle) < FEW or not stations:
        return Relocations(at=now, proposes=True, items=[])
    on_duty = sum(member.facts.duty == "on_duty" for member in everyone)
    places = [Point(row["lon"], row["lat"]) for row in stations]
    stand = [at for member in idle if (at := _at(member))]
    found = proposals(
        _drives(stand, policy), _drives(places, policy), _moves(stand, places, policy), np.ones(len(policy.demand)),
        busy_share(len(free), on_duty),
    )  # fmt: skip
    return Relocations(
        at=now, proposes=True, items=[_shown(move, idle[move.unit], stations[move.station]) for move in found]
    )


def _at(member: Member) -> Point | None:
    return member.facts.position or member.facts.station


def _drives(origins: list[Point], policy: Policy) -> Numbers:
    """Origins × communities, with lights."""
    times = policy.travel_times
    return np.array([[t.duration_s for t in times.to(origins, place, urgent=True)] for place in policy.demand]).T


def _moves(origins: list[Point], stations: list[Point], policy: Policy) -> Numbers:
    """Origins × stations, as everybody drives."""
    times = policy.travel_times
    return np.array([[t.duration_s for t in times.to(origins, place, urgent=False)] for place in stations]).T


def _shown(move: Move, member: Member, station: asyncpg.Record) -> Relocation:
    percent, minutes, sign, name = 100 * move.gain, move.drive_s / 60, member.call_sign, station["name"]
    return Relocation(
        unit_id=member.id, call_sign=sign, station_id=station["id"], station=name, gain_percent=round(percent, 1),
        drive_s=round(move.drive_s, 1),
        th=f"{sign} ไปรอที่{name}: คุ้มครองเพิ่มร้อยละ {percent:.1f} ขับ {minutes:.0f} นาที",
        en=f"{sign} to {station['name_en'] or name}: {percent:.1f} % more of the town covered, {minutes:.0f} min away",
    )  # fmt: skip
