"""Infectious waste: packed, sealed, handed from one to the next until it is disposed of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from services.dispatch.rules.life import CLOCK_SKEW
from services.dispatch.store import assignments, units, waste
from services.dispatch.verbs.lives import missing
from shared.codes.codes import code_list
from shared.errors import Refused
from shared.events.base import Origin
from shared.events.dispatch import WasteHandedOver
from shared.work import Work, new_id

DISPOSES = 2
"""Rank of the receivers that end the chain (list ``waste_receiver``)."""
REFUSALS = {
    "in_the_future": (422, "เวลานี้ยังมาไม่ถึง", "this time lies in the future", "at"),
    "before_last": (422, "เวลานี้อยู่ก่อนการส่งมอบครั้งก่อนหรือก่อนบรรจุ", "this time lies before the packing or the last hand",
                    "at"),
    "not_this_unit": (422, "หน่วยนี้ไม่ได้ไปกับเที่ยวนี้", "this unit was not on this trip", "trip_id"),
    "not_sealed": (409, "ถุงยังไม่ปิดผนึก ส่งมอบไม่ได้", "the bags are not sealed: nobody may take them", "sealed"),
    "packed_already": (409, "บันทึกถุงชุดนี้ไว้แล้ว", "this packing was written down already", "id"),
    "disposed": (409, "กำจัดแล้ว ห่วงโซ่จบแล้ว", "it was disposed of: the chain has ended", "status"),
    "more_than_before": (422, "จำนวนถุงมากกว่าที่รับมา", "more bags than were taken over", "bags"),
}  # fmt: skip


def _refuse(code: str) -> Refused:
    status, th, en, field = REFUSALS[code]
    return Refused(status, code, th, en, field=field)


@dataclass(frozen=True, slots=True)
class Packed:
    unit_id: UUID
    bags: int
    weight_g: int | None
    sealed: bool
    at: datetime
    trip_id: UUID | None = None
    id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Handed:
    receiver: str
    at: datetime
    bags: int | None = None
    weight_g: int | None = None


def _check_own(unit: asyncpg.Record | None, crew_id: UUID | None) -> asyncpg.Record:
    """A crew keeps the log of its own unit.

    Raises:
        Refused: 404.

    """
    if unit is None or (crew_id is not None and crew_id not in {*unit["crew_ids"], *unit["usual_crew_ids"]}):
        raise missing("unit")
    return unit


async def pack(work: Work, crew_id: UUID | None, given: Packed) -> UUID:
    """Write down what a unit packed.

    Raises:
        Refused: 404 no such unit, or not this crew's; 409 there is one of this id; 422 a time to come, or a trip
            that was not this unit's.

    """
    unit = _check_own(await units.read(work.db, given.unit_id), crew_id)
    if given.at > work.now + CLOCK_SKEW:
        raise _refuse("in_the_future")
    if given.trip_id is not None:
        went = {each.unit_id for each in await assignments.of_trips(work.db, [given.trip_id])}
        if given.unit_id not in went:
            raise _refuse("not_this_unit")
    waste_id = given.id or new_id()
    made = await waste.insert(work.db, (
        waste_id, unit["area"], given.unit_id, given.trip_id, given.bags, given.weight_g, given.sealed,
        min(given.at, work.now), work.now, work.cause.actor, crew_id, unit["exercise"],
    ))  # fmt: skip
    if not made:
        raise _refuse("packed_already")
    return waste_id


async def seal(work: Work, waste_id: UUID, crew_id: UUID | None) -> None:
    """The bags are closed for good; said again nothing changes.

    Raises:
        Refused: 404.

    """
    await _own(work, waste_id, crew_id)
    await waste.seal(work.db, waste_id)


async def _own(work: Work, waste_id: UUID, crew_id: UUID | None) -> asyncpg.Record:
    row = await waste.lock(work.db, waste_id)
    if row is None:
        raise missing("waste")
    _check_own(await units.read(work.db, row["unit_id"]), crew_id)
    return row


async def hand_over(work: Work, waste_id: UUID, crew_id: UUID | None, given: Handed) -> UUID:
    """Somebody else has it now. ``bags`` and ``weight_g`` left out: as they were taken over.

    Raises:
        Refused: 404; 409 not sealed, or disposed of; 422 an impossible time, or more bags than before.

    """
    row = await _own(work, waste_id, crew_id)
    if row["disposed_at"] is not None:
        raise _refuse("disposed")
    if not row["sealed"]:
        raise _refuse("not_sealed")
    chain = (await waste.chains(work.db, [waste_id])).get(waste_id, [])
    last = chain[-1] if chain else row
    if given.at > work.now + CLOCK_SKEW:
        raise _refuse("in_the_future")
    if given.at < (last["at"] if chain else row["packed_at"]) - CLOCK_SKEW:
        raise _refuse("before_last")
    bags = given.bags or last["bags"]
    if bags > last["bags"]:
        raise _refuse("more_than_before")
    weight_g = given.weight_g if given.weight_g is not None else last["weight_g"]
    handed_id, at = new_id(), min(given.at, work.now)
    await waste.hand_over(work.db, (
        handed_id, waste_id, len(chain) + 1, given.receiver, bags, weight_g, at, work.now, work.cause.actor, crew_id,
    ))  # fmt: skip
    if code_list("waste_receiver").rank(given.receiver) == DISPOSES:
        await waste.dispose(work.db, waste_id, at)
    private = {
        "trip_id": row["trip_id"],
        "bags": bags,
        "weight_g": weight_g,
        "sealed": True,
        "receiver": given.receiver,
    }
    # Of the unit, not of the call: nobody outside may learn which call carried an infection.
    origin = Origin(row["area"], row["unit_id"], exercise=row["exercise"])
    work.say(handed_id, WasteHandedOver(unit_id=row["unit_id"], at=at, private=private), origin)
    return handed_id
