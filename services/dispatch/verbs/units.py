"""Units as they are put."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from services.dispatch.store import units
from services.dispatch.verbs.crews import unknown
from services.dispatch.verbs.lives import missing
from shared.work import Work


async def put(work: Work, unit_id: UUID, values: Mapping[str, Any]) -> bool | None:
    """Put a unit: True made, False changed, None the same as before. Duty is an act of its own.

    Raises:
        Refused: 404 the id is another municipality's; 422 an unknown station, vehicle or crew member.

    """
    area, db = values["area"], work.db
    if values["station_id"] is not None and not await units.station_is_known(db, values["station_id"], area):
        raise unknown("station_id")
    if values["vehicle_id"] is not None and not await units.vehicle_is_known(db, values["vehicle_id"], area):
        raise unknown("vehicle_id")
    crew = values["crew_ids"]
    if crew and await units.known_crew(db, crew, area) != set(crew):
        raise unknown("crew_ids")
    made = await units.put(db, (unit_id, *values.values(), work.now))
    if made is None:
        before = await units.read(db, unit_id)
        if before is None or before["area"] != area:
            raise missing("unit")
    else:
        await units.refresh_facts(db, unit_id)
    return made
