"""In which area of the tree a point lies, by the boundaries that were imported; again when they change."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import structlog

from services.registry import store
from services.registry.keys import ring
from services.registry.records import opened_value
from services.registry.rules.locations import spread_m, unpacked
from services.registry.store.people import Row
from shared.area_shapes import Shape, lying_in, shape_of, smallest
from shared.database import Connection
from shared.due import Due
from shared.events.base import Origin
from shared.geo import Point
from shared.work import Work

log = structlog.get_logger()

PLACE_POINTS = "place_points"
SETTLED = timedelta(seconds=10)
"""After new boundaries: by then whoever had begun to write a point by the old ones is done."""
BATCH = 500
FIRST = (UUID(int=0), "")

_known: dict[str, tuple[tuple[int, datetime | None], tuple[Shape, ...]]] = {}
"""Per municipality, as they stood; read again when one was written."""


async def area_of(db: Connection, area: str, point: Point, within_m: float) -> str | None:
    """The smallest area of the municipality in which the point plainly lies; ``within_m``: how far off it may be."""
    return smallest(lying_in(point, await _shapes(db, area), within_m))


async def _shapes(db: Connection, area: str) -> Sequence[Shape]:
    stand = await store.areas.boundaries_stand(db, area)
    if stand[0] == 0:
        return ()
    kept = _known.get(area)
    if kept is None or kept[0] != stand:
        rows = await store.areas.boundaries(db, area)
        kept = _known[area] = stand, await asyncio.to_thread(_read, rows)
    return kept[1]


def _read(rows: Sequence[Row]) -> tuple[Shape, ...]:
    """What was taken over before rings were looked at may be no polygon: it holds no point."""
    found = []
    for row in rows:
        try:
            found.append(shape_of(row["code"], row["kind"], row["boundary"]))
        except ValueError:
            log.warning("areas.no_boundary", code=row["code"])
    return tuple(found)


async def boundaries_changed(work: Work, area: str) -> None:
    """Everybody's point is looked up again soon."""
    whose = uuid5(NAMESPACE_URL, area)
    await work.later(PLACE_POINTS, whose, work.now + SETTLED, Origin(area, whose))


async def place_points(work: Work, due: Due) -> None:
    """The next few points of the municipality in its boundaries of today, and so on to the last."""
    after = (UUID(due.data["person_id"]), str(due.data["use"])) if due.data else FIRST
    rows = await store.locations.to_place(work.db, after, BATCH)
    shapes = await _shapes(work.db, due.origin.area)
    ours = [row for row in rows if row["area"] == due.origin.area]
    await store.locations.place(work.db, await asyncio.to_thread(_placed, ours, shapes))
    if len(rows) == BATCH:
        last: dict[str, Any] = {"person_id": str(rows[-1]["person_id"]), "use": rows[-1]["use"]}
        await work.later(PLACE_POINTS, due.subject_id, work.now, due.origin, fence=due.fence + 1, data=last)


def _placed(rows: Sequence[Row], shapes: Sequence[Shape]) -> list[tuple[UUID, str, UUID, str | None]]:
    keys = ring()
    found = []
    for row in rows:
        point = unpacked(opened_value(row, keys, "location", "point") or "")
        code = smallest(lying_in(point, shapes, spread_m(row["accuracy_m"], row["method"])))
        found.append((row["person_id"], row["use"], row["id"], code))
    return found
