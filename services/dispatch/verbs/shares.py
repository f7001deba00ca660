"""Lending a unit to another municipality, and its way home: by hand, or by itself when the time is over.

Both areas decide nothing meanwhile; what the unit has begun there it finishes first.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from services.dispatch.policy import policies
from services.dispatch.store import runs, shares, units
from services.dispatch.store.shares import Share
from services.dispatch.verbs.lives import at_once, missing
from shared.errors import Refused
from shared.events.base import Origin
from shared.events.dispatch import UnitShared
from shared.work import Work, is_unique, new_id

LONGEST = timedelta(days=31)
AGAIN = timedelta(seconds=30)
REFUSALS = {
    "unknown_area": (422, "ไม่รู้จักเทศบาลนี้", "no such municipality here", "with_area"),
    "same_area": (422, "หน่วยอยู่ในพื้นที่นี้อยู่แล้ว", "the unit is at home there", "with_area"),
    "until_past": (422, "เวลาคืนผ่านไปแล้ว", "the end of the loan has passed", "until_at"),
    "too_long": (422, "ให้ยืมได้ไม่เกิน 31 วัน", "a loan lasts 31 days at most", "until_at"),
    "on_a_run": (409, "หน่วยมีงานค้างอยู่", "the unit is on a run, or is being asked", "unit_id"),
    "booked": (409, "ในช่วงนี้หน่วยมีงานจองอยู่", "the unit has booked rides in that time", "until_at"),
    "already_shared": (409, "หน่วยนี้ให้ยืมอยู่แล้ว", "the unit is lent already", "unit_id"),
    "not_shared": (409, "หน่วยนี้ไม่ได้ให้ยืม", "the unit is not lent", "unit_id"),
    "not_in_use": (409, "หน่วยนี้เลิกใช้แล้ว", "the unit is not in use any more", "unit_id"),
}  # fmt: skip


def _refuse(code: str) -> Refused:
    status, th, en, field = REFUSALS[code]
    return Refused(status, code, th, en, field=field)


async def lend(work: Work, unit_id: UUID, with_area: str, until_at: datetime) -> Share:
    """From now until then the unit serves there, and nobody at home orders it.

    Raises:
        Refused: 404; 409 it is bound, booked or lent; 422 an unknown area or an impossible time.

    """
    found = await units.read(work.db, unit_id)
    if found is None:
        raise missing("unit")
    _possible(work, found["area"], with_area, until_at)
    for area in sorted({found["area"], with_area}):
        await runs.serialise(work.db, area)
    unit = await units.lock(work.db, unit_id)
    if unit is None or not unit["active"]:
        raise _refuse("not_in_use")
    if await shares.bound_there(work.db, unit_id):
        raise _refuse("on_a_run")
    if await shares.booked_within(work.db, unit_id, (work.now, until_at)):
        raise _refuse("booked")
    made = Share(new_id(), unit_id, unit["area"], with_area, work.now, until_at, None, work.cause.actor)
    try:
        async with work.db.transaction():
            await shares.insert(work.db, made)
    except asyncpg.UniqueViolationError as problem:
        if is_unique(problem, "unit_share_one_borrower"):
            raise _refuse("already_shared") from problem
        raise
    origin = Origin(unit["area"], unit_id, exercise=unit["exercise"])
    work.say(unit_id, UnitShared(with_areas=(with_area,), at=work.now, until_at=until_at), origin)
    await work.later("share_ends", unit_id, until_at, origin)
    await at_once(work, "serve_queue", unit_id, Origin(with_area, unit_id, exercise=unit["exercise"]))
    return made


def _possible(work: Work, home: str, with_area: str, until_at: datetime) -> None:
    if with_area == home:
        raise _refuse("same_area")
    if with_area not in policies():
        raise _refuse("unknown_area")
    if until_at <= work.now:
        raise _refuse("until_past")
    if until_at > work.now + LONGEST:
        raise _refuse("too_long")


async def give_back(work: Work, unit_id: UUID) -> Share:
    """The unit goes home: at once, or when what it does there is done; nothing new is given to it.

    Raises:
        Refused: 404; 409 it is not lent.

    """
    share = await shares.of_unit(work.db, unit_id)
    if share is None:
        raise _refuse("not_shared")
    for area in sorted({share.home_area, share.with_area}):
        await runs.serialise(work.db, area)
    await shares.shorten(work.db, share.id, work.now)
    await work.cancel("share_ends", unit_id)
    if not await end_if_free(work, unit_id):
        unit = await units.read(work.db, unit_id)
        origin = Origin(share.home_area, unit_id, exercise=bool(unit and unit["exercise"]))
        await work.later("share_ends", unit_id, work.now + AGAIN, origin)
    return share


async def end_if_free(work: Work, unit_id: UUID) -> bool:
    """Its time is over: home, unless something is still to be finished. The caller holds both areas."""
    unit, share = await units.lock(work.db, unit_id), await shares.of_unit(work.db, unit_id)
    if unit is None or share is None:
        return True
    if await shares.bound_there(work.db, unit_id):
        return False
    await shares.end(work.db, share.id, work.now)
    origin = Origin(share.home_area, unit_id, exercise=unit["exercise"])
    work.say(unit_id, UnitShared(with_areas=(), at=work.now), origin)
    await at_once(work, "serve_queue", unit_id, origin)
    await at_once(work, "spare_riders", unit_id, origin)  # called home early: whom it promised a ride there
    return True


async def areas_of(work: Work, unit_id: UUID, home: str) -> list[str]:
    """Home, and where the unit serves: whoever changes what it may do takes both, in this order."""
    share = await shares.of_unit(work.db, unit_id)
    return sorted({home, share.with_area} if share else {home})
