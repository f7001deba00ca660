"""Who goes into a zone of a risk map is told so, with every trip."""

from __future__ import annotations

from collections.abc import Sequence

from services.dispatch.api.answers import RiskOut, TripOut
from services.dispatch.rules.risks import LEVELS
from services.dispatch.store import layers
from shared.database import Pool
from shared.geo import Point
from shared.thai.dates import local_day
from shared.work import now_utc


async def warn(pool: Pool, items: Sequence[TripOut]) -> None:
    """Write into each trip the zones that its ends lie in today, the gravest first."""
    ends = [
        (item, end, Point(lon, lat))
        for item in items if item.ended_at is None
        for end, lon, lat in (("pickup", item.pickup_lon, item.pickup_lat), ("drop", item.drop_lon, item.drop_lat))
        if lon is not None and lat is not None
    ]  # fmt: skip
    asked = [(item.area, point.lon, point.lat) for item, _, point in ends]
    for number, row, zone in await layers.at(pool, asked, local_day(now_utc())):
        item, end, point = ends[number]
        if zone.holds(point):
            item.risks.append(
                RiskOut(end="pickup" if end == "pickup" else "drop", kind=row["kind"], level=zone.level,
                        layer=row["layer"], layer_en=row["layer_en"], zone=zone.name, advice=zone.advice,
                        advice_en=zone.advice_en)
            )  # fmt: skip
    for item in items:
        item.risks.sort(key=lambda risk: LEVELS.index(risk.level))
