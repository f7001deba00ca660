"""Who is at a station: people without an account check in and out by the code on its wall; their time counts."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from services.dispatch.rules.roster import LONGEST_CHECK_IN
from services.dispatch.store import served, units
from services.dispatch.verbs import crews
from services.dispatch.verbs.lives import missing
from shared.due import Due
from shared.errors import Refused
from shared.events.base import Origin
from shared.thai.text import tidy
from shared.work import Work, new_id

REFUSALS = {
    "unknown_code": (404, "รหัสนี้ใช้ไม่ได้แล้ว ถามเจ้าหน้าที่ประจำฐาน", "this code is not in use: ask at the station", "code"),
    "not_here": (409, "เบอร์นี้ยังไม่ได้ลงชื่อเข้า", "nobody with this number is checked in", "phone"),
    "over": (409, "รายการนี้จบแล้ว", "this has ended already", "id"),
    "ends_wrong": (422, "เวลาออกต้องอยู่หลังเวลาเข้าและไม่อยู่ในอนาคต", "the end lies after the beginning, not in the future",
                   "at"),
}  # fmt: skip


def _refuse(code: str) -> Refused:
    status, th, en, field = REFUSALS[code]
    return Refused(status, code, th, en, field=field)


@dataclass(frozen=True, slots=True)
class Checked:
    """What the person is told: where, and since or from when until when."""

    area: str
    station: str
    station_en: str | None
    began_at: datetime
    ended_at: datetime | None = None


async def new_code(work: Work, station_id: UUID, area: str) -> str:
    """A fresh code for a station's wall; the one before is useless from now on.

    Raises:
        Refused: 404.

    """
    if not await units.station_is_known(work.db, station_id, area):
        raise missing("station")
    code = secrets.token_urlsafe(12)
    await served.put_code(work.db, station_id, code, work.now)
    return code


async def check_in(work: Work, code: str, name: str, phone: str) -> Checked:
    """Somebody comes to a station. Who is not known yet becomes a volunteer without skills, called by nobody.

    Checking in again while here changes nothing.

    Raises:
        Refused: 404 no such code.

    """
    station = await served.station_of_code(work.db, code)
    if station is None:
        raise _refuse("unknown_code")
    member = await _member(work, station["area"], phone, name) or await _register(work, station, name, phone)
    here = await served.here(work.db, member)
    if here is None:
        served_id = new_id()
        await served.check_in(work.db, served_id, station["area"], member, station["id"], work.now)
        origin = Origin(station["area"], served_id)
        await work.later("check_in_ends", served_id, work.now + LONGEST_CHECK_IN, origin)
    began_at = here["began_at"] if here else work.now
    return Checked(station["area"], station["name"], station["name_en"], began_at)


async def check_out(work: Work, code: str, phone: str) -> Checked:
    """Somebody leaves.

    Raises:
        Refused: 404 no such code; 409 nobody with this number is here.

    """
    station = await served.station_of_code(work.db, code)
    if station is None:
        raise _refuse("unknown_code")
    for member in await served.members_by_phone(work.db, station["area"], phone):
        here = await served.here(work.db, member["id"])
        if here is not None:
            await served.end(work.db, here["id"], work.now)
            await work.cancel("check_in_ends", here["id"])
            return Checked(station["area"], station["name"], station["name_en"], here["began_at"], work.now)
    raise _refuse("not_here")


async def _member(work: Work, area: str, phone: str, name: str) -> UUID | None:
    """Who has that number; of several who share it the one with that name."""
    known = await served.members_by_phone(work.db, area, phone)
    if len(known) > 1:
        known = [each for each in known if tidy(each["name"]) == tidy(name)]
    return known[0]["id"] if known else None


async def _register(work: Work, station: asyncpg.Record, name: str, phone: str) -> UUID:
    crew_id = new_id()
    values = {
        "area": station["area"], "kind": "volunteer", "name": name, "phone": phone, "line_user_id": None,
        "language": "th", "quiet_from": None, "quiet_until": None, "organisation": None, "skills": {},
        "station_id": station["id"], "active": True, "exercise": False,
    }  # fmt: skip
    await crews.put(work, "crew", crew_id, values)
    return crew_id


async def end(work: Work, served_id: UUID, at: datetime | None) -> None:
    """Somebody at the desk says when a person left; None: they were never there, and nothing counts.

    Raises:
        Refused: 404; 409 it has ended, and was not forgotten; 422 an impossible time.

    """
    row = await served.read(work.db, served_id)
    if row is None or row["station_id"] is None:
        raise missing("attendance")
    if row["ended_at"] is not None and not row["forgotten"]:
        raise _refuse("over")
    await work.cancel("check_in_ends", served_id)
    if at is None:
        await served.drop(work.db, served_id)
    elif not row["began_at"] <= at <= work.now:
        raise _refuse("ends_wrong")
    else:
        await served.end(work.db, served_id, at)


async def forgot(work: Work, due: Due) -> None:
    """Nobody checked out: no time counts until somebody says when it ended."""
    row = await served.read(work.db, due.subject_id)
    if row is not None and row["ended_at"] is None:
        await served.end(work.db, row["id"], row["began_at"], forgotten=True)
