"""What a crew is warned of with its order: the zones of the risk maps in which its trip begins or ends."""

from __future__ import annotations

from services.dispatch.rules.risks import LEVELS
from services.dispatch.store import layers
from services.dispatch.store.trips import Trip
from shared.events.dispatch import RiskAhead
from shared.geo import Point
from shared.thai.dates import local_day
from shared.work import Work

MOST = 3


async def ahead(work: Work, trip: Trip) -> tuple[RiskAhead, ...] | None:
    """By maps that are valid on the day of the trip; each kind once, the gravest first; None: there is nothing."""
    ends = [Point(*end) for end in (trip.pickup, trip.drop) if end is not None]
    on = local_day(trip.pickup_at or trip.pickup_latest_at or work.now)
    asked = [(trip.area, point.lon, point.lat) for point in ends]
    found = [(zone.level, row["kind"]) for number, row, zone in await layers.at(work.db, asked, on)
             if zone.holds(ends[number])]  # fmt: skip
    gravest: dict[str, str] = {}
    for level, kind in sorted(found, key=lambda each: (LEVELS.index(each[0]), each[1])):
        gravest.setdefault(kind, level)
    return tuple(RiskAhead(kind=kind, level=level) for kind, level in list(gravest.items())[:MOST]) or None
