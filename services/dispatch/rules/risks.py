"""Risk maps: zones drawn as GeoJSON, and who comes near them. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.geo import Point, Polygon, inside
from shared.refusal import UNSTORABLE, Refusal

MOST_ZONES = 2_000
MOST_POSITIONS = 100_000
LEVELS = ("high", "medium", "low")
"""The gravest first (list ``risk_level``)."""
SAYS: Mapping[str, int] = {"name": 200, "advice": 500, "advice_en": 500}
"""Properties of a feature that are kept, and how long they may be."""
RING_LEAST = 4


@dataclass(frozen=True, slots=True)
class Zone:
    """``polygons``: outer rings with their holes. ``advice``: what somebody who goes there should know."""

    level: str
    polygons: tuple[Polygon, ...]
    name: str | None = None
    advice: str | None = None
    advice_en: str | None = None

    @property
    def box(self) -> tuple[float, float, float, float]:
        """West, south, east, north."""
        outer = [point for polygon in self.polygons for point in polygon[0]]
        lons, lats = [point.lon for point in outer], [point.lat for point in outer]
        return min(lons), min(lats), max(lons), max(lats)

    def holds(self, point: Point) -> bool:
        return inside(point, self.polygons)


def zones_of(document: Mapping[str, Any]) -> list[Zone]:
    """Polygons of a FeatureCollection, with ``level`` (list ``risk_level``) and what :data:`SAYS` names.

    Raises:
        Refusal: names the feature that cannot be used, or says that there is none, or too many.

    """
    features = document.get("features")
    if document.get("type") != "FeatureCollection" or not isinstance(features, list) or not features:
        raise Refusal(
            "no_zones", "geojson", "ต้องเป็น FeatureCollection ที่มีพื้นที่", "a FeatureCollection with zones is wanted"
        )
    if len(features) > MOST_ZONES:
        raise Refusal(
            "too_many_zones", "geojson.features", f"ไม่เกิน {MOST_ZONES:,} พื้นที่", f"at most {MOST_ZONES:,} zones"
        )
    zones = [_zone(feature, f"geojson.features.{number}") for number, feature in enumerate(features)]
    if sum(len(ring) for zone in zones for polygon in zone.polygons for ring in polygon) > MOST_POSITIONS:
        th, en = f"ไม่เกิน {MOST_POSITIONS:,} จุด", f"at most {MOST_POSITIONS:,} positions"
        raise Refusal("too_many_points", "geojson.features", th, en)
    return zones


def _zone(feature: Any, field: str) -> Zone:
    if not isinstance(feature, Mapping) or not isinstance(feature.get("geometry"), Mapping):
        raise Refusal("not_a_zone", field, "ต้องมี geometry", "a geometry is wanted")
    said = feature.get("properties") or {}
    if not isinstance(said, Mapping) or said.get("level", LEVELS[1]) not in LEVELS:
        th, en = f"level เป็น {', '.join(LEVELS)}", f"level is one of {', '.join(LEVELS)}"
        raise Refusal("unknown_code", f"{field}.properties.level", th, en)
    for name, most in SAYS.items():
        value = said.get(name)
        if value is not None and not (
            isinstance(value, str) and 0 < len(value) <= most and not UNSTORABLE.search(value)
        ):
            th, en = f"ต้องเป็นข้อความไม่เกิน {most} ตัวอักษร", f"this is text of at most {most} letters"
            raise Refusal("text", f"{field}.properties.{name}", th, en)
    try:
        polygons = tuple(_polygons(feature["geometry"]))
    except (KeyError, TypeError, ValueError, IndexError, OverflowError):
        polygons = ()
    if not polygons:
        th = "ต้องเป็น Polygon หรือ MultiPolygon ที่วงปิดและพิกัดอยู่บนโลก"
        raise Refusal("not_a_zone", f"{field}.geometry", th, "a Polygon or MultiPolygon of closed rings on the earth")
    return Zone(said.get("level", LEVELS[1]), polygons, *(said.get(name) for name in SAYS))


def _polygons(geometry: Mapping[str, Any]) -> Iterator[Polygon]:
    several = {"Polygon": [geometry["coordinates"]], "MultiPolygon": geometry["coordinates"]}[geometry["type"]]
    for rings in several:
        if not rings:
            raise ValueError("an outer ring is wanted")
        yield tuple(_ring(ring) for ring in rings)


def _ring(positions: Sequence[Any]) -> tuple[Point, ...]:
    ring = tuple(Point(float(position[0]), float(position[1])) for position in positions)
    if len(ring) < RING_LEAST or ring[0] != ring[-1]:
        raise ValueError("a ring is closed")
    if not all(math.isfinite(p.lon) and abs(p.lon) <= 180 and abs(p.lat) <= 90 for p in ring):  # noqa: PLR2004 degrees
        raise ValueError("not on the earth")
    return ring


def geojson(zones: Sequence[Zone]) -> dict[str, Any]:
    """The zones as they can be drawn."""
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {name: getattr(zone, name) for name in ("level", *SAYS)},
                "geometry": {"type": "MultiPolygon", "coordinates": rings_of(zone)},
            }
            for zone in zones
        ],
    }


def rings_of(zone: Zone) -> list[list[list[tuple[float, float]]]]:
    return [[[(point.lon, point.lat) for point in ring] for ring in polygon] for polygon in zone.polygons]


def polygons_of(rings: Sequence[Any]) -> tuple[Polygon, ...]:
    """Back from :func:`rings_of`."""
    return tuple(tuple(tuple(Point(*position) for position in ring) for ring in polygon) for polygon in rings)
