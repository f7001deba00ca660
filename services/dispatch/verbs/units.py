"""Units as they are put."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import asyncpg

from services.dispatch.store import runs, shares, units
from services.dispatch.verbs.crews import unknown
from services.dispatch.verbs.lives import at_once, missing
from services.dispatch.verbs.shares import areas_of
from shared.errors import Refused
from shared.events.base import Origin
from shared.work import Work

REFUSALS = {
    "on_duty": (409, "หน่วยอยู่ในเวรหรือมีงานค้าง ให้ออกเวรก่อนเลิกใช้",
                "the unit is on duty or on a run: take it off duty first", "active"),
    "lent": (409, "หน่วยนี้ให้พื้นที่อื่นยืมอยู่ ให้เรียกคืนก่อนเลิกใช้",
             "the unit is lent to another municipality: end the loan first", "active"),
}  # fmt: skip


async def put(work: Work, unit_id: UUID, values: Mapping[str, Any]) -> bool | None:
    """Put a unit: True made, False changed, None the same as before. Duty is an act of its own.

    Raises:
        Refused: 404 the id is another municipality's; 409 taken out of use while it serves; 422 an unknown station,
            vehicle or crew member.

    """
    area, db = values["area"], work.db
    before = await units.read(db, unit_id)
    leaves = None if values["active"] else await _leaves(work, before, area)
    if values["station_id"] is not None and not await units.station_is_known(db, values["station_id"], area):
        raise unknown("station_id")
    vehicle_id, crew = values["vehicle_id"], values["crew_ids"]
    # What left use before it may stand with a unit that leaves, too.
    if leaves is None or (vehicle_id, crew) != (leaves["usual_vehicle_id"], leaves["usual_crew_ids"]):
        if vehicle_id is not None and not await units.vehicle_is_known(db, vehicle_id, area):
            raise unknown("vehicle_id")
        if crew and await units.known_crew(db, crew, area) != set(crew):
            raise unknown("crew_ids")
    made = await units.put(db, (unit_id, *values.values(), work.now))
    if made is None:
        if before is None or before["area"] != area:
            raise missing("unit")
    else:
        await units.refresh_facts(db, unit_id)
        if leaves is not None:  # whom it has promised a ride goes with others, or is seen by everybody
            await at_once(work, "unit_left", unit_id, Origin(area, unit_id, exercise=leaves["exercise"]))
    return made


async def _leaves(work: Work, before: asyncpg.Record | None, area: str) -> asyncpg.Record | None:
    """The unit, where it is in use until now and may be taken out of use; nobody is sent meanwhile.

    Raises:
        Refused: 409, it serves: on duty, on a run, or with another municipality.

    """
    if before is None or before["area"] != area or not before["active"]:
        return None
    unit_id: UUID = before["id"]
    for each in await areas_of(work, unit_id, area):
        await runs.serialise(work.db, each)
    unit = await units.lock(work.db, unit_id)
    if unit is None or unit["duty"] == "on_duty" or await runs.open_of_unit(work.db, unit_id) is not None:
        raise _refuse("on_duty")
    if await shares.of_unit(work.db, unit_id) is not None:
        raise _refuse("lent")
    return unit


def _refuse(code: str) -> Refused:
    status, th, en, field = REFUSALS[code]
    return Refused(status, code, th, en, field=field)
