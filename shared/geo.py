"""Points, distances and polygons, as far as a municipality needs them: WGS 84, degrees, ``lon, lat`` order.

Why not shapely: one question is asked (is this point inside the boundary, and how near is the edge?), and shapely
brings numpy, together some 40 MB resident in every process. Ray casting is twenty lines and is tested with
properties; whoever needs overlays of layers should take shapely there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.refusal import Refusal

EARTH_RADIUS_M = 6_371_008.8
"""Mean radius (IUGG)."""
METRES_PER_DEGREE = math.pi * EARTH_RADIUS_M / 180


@dataclass(frozen=True, slots=True)
class Point:
    lon: float
    lat: float


Ring = tuple[Point, ...]
Polygon = tuple[Ring, ...]
"""The outer ring, then holes."""

# The country's extent with some room, and two stretches of open sea inside that extent. Coarse, our own, and
# drawn well away from shores and islands: they catch a pin dropped in the water, they are no coastline.
THAILAND_LON = (97.2, 105.8)
THAILAND_LAT = (5.5, 20.6)


def _ring(*pairs: tuple[float, float]) -> Ring:
    return tuple(Point(lon, lat) for lon, lat in pairs)


OPEN_SEA: tuple[Polygon, ...] = (
    (
        _ring(
            (100.3, 12.4), (100.7, 12.3), (101.9, 12.0), (102.1, 11.3), (102.0, 9.0), (101.7, 7.5),
            (101.2, 7.6), (100.8, 8.6), (100.5, 9.3), (100.4, 10.2), (100.1, 11.3),
        ),
    ),
    (_ring((97.3, 5.6), (98.8, 5.6), (98.7, 6.9), (98.1, 7.3), (97.5, 8.2), (97.3, 8.2)),),
)  # fmt: skip


def distance_m(one: Point, other: Point) -> float:
    """Great-circle distance (haversine)."""
    lat_1, lat_2 = math.radians(one.lat), math.radians(other.lat)
    half_lat, half_lon = (lat_2 - lat_1) / 2, math.radians(other.lon - one.lon) / 2
    chord = math.sin(half_lat) ** 2 + math.cos(lat_1) * math.cos(lat_2) * math.sin(half_lon) ** 2
    return 2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(chord)))


def box_around(point: Point, radius_m: float) -> tuple[float, float, float, float]:
    """South, north, west and east of a box that holds every point within ``radius_m``, for a first look-up."""
    high = radius_m / METRES_PER_DEGREE
    wide = high / max(0.01, math.cos(math.radians(min(90.0, abs(point.lat) + high))))
    return point.lat - high, point.lat + high, point.lon - wide, point.lon + wide


def distances_m(origins: Sequence[Point], destination: Point) -> list[float]:
    """:func:`distance_m` from many points to one, for hundreds of units in a decision."""
    lat_2, lon_2 = math.radians(destination.lat), math.radians(destination.lon)
    cos_2, radians, sin = math.cos(lat_2), math.radians, math.sin
    found = []
    for origin in origins:
        lat_1 = radians(origin.lat)
        half_lat, half_lon = sin((lat_2 - lat_1) / 2), sin((lon_2 - radians(origin.lon)) / 2)
        chord = half_lat * half_lat + math.cos(lat_1) * cos_2 * half_lon * half_lon
        found.append(2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(chord))))
    return found


def inside(point: Point, polygons: Sequence[Polygon]) -> bool:
    """Whether the point lies in one of the polygons and in none of its holes (ray casting, even-odd rule)."""
    return any(_in_ring(point, rings[0]) and not any(_in_ring(point, hole) for hole in rings[1:]) for rings in polygons)


def distance_to_edge_m(point: Point, polygons: Sequence[Polygon]) -> float:
    """How far the nearest edge is, on a plane laid at the point: exact to a metre within some tens of kilometres."""
    return min(_to_edge_m(point, start, end) for rings in polygons for ring in rings for start, end in _edges(ring))


def read_point(lon: float, lat: float, field: str = "location") -> Point:
    """A point in Thailand or near its borders.

    Raises:
        Refusal: not a number, latitude and longitude exchanged, outside the country, or in the open sea.

    """
    if not (math.isfinite(lon) and math.isfinite(lat)):
        raise Refusal("not_a_point", field, "พิกัดต้องเป็นตัวเลข", "coordinates must be numbers")
    point = Point(lon, lat)
    if not _in_extent(point):
        if _in_extent(Point(lat, lon)):
            raise Refusal("point_swapped", field, "ละติจูดกับลองจิจูดสลับกัน", "latitude and longitude are exchanged")
        raise Refusal("point_abroad", field, "พิกัดอยู่นอกประเทศไทย", "the point lies outside Thailand")
    if inside(point, OPEN_SEA):
        raise Refusal("point_in_sea", field, "พิกัดอยู่กลางทะเล", "the point lies in the open sea")
    return point


SMALLEST_RING = 4
"""Positions; the last is the first again."""


def polygons_of(geometry: Mapping[str, Any], field: str = "boundary") -> tuple[Polygon, ...]:
    """A GeoJSON Polygon or MultiPolygon.

    Raises:
        ValueError: it is none, a ring is not closed, or (:class:`Refusal`) a position cannot be.

    """
    try:
        many = {"Polygon": [geometry["coordinates"]], "MultiPolygon": geometry["coordinates"]}[geometry["type"]]
        return tuple(_rings(polygon, field) for polygon in many)
    except (KeyError, TypeError, IndexError, AttributeError, OverflowError) as problem:
        raise ValueError(f"neither Polygon nor MultiPolygon ({type(problem).__name__})") from None


def _rings(polygon: Sequence[Any], field: str) -> Polygon:
    if any(len(ring) < SMALLEST_RING or ring[0] != ring[-1] for ring in polygon):
        raise ValueError("a ring must be closed and have at least 4 positions")
    rings = tuple(tuple(read_point(lon, lat, field) for lon, lat, *_ in ring[:-1]) for ring in polygon)
    if not rings:
        raise ValueError("a polygon has a ring")
    return rings


def positions_of(polygons: Sequence[Polygon]) -> list[list[list[tuple[float, float]]]]:
    """The coordinates of a GeoJSON MultiPolygon; every ring is closed again."""
    return [[[(point.lon, point.lat) for point in (*ring, ring[0])] for ring in rings] for rings in polygons]


def _in_extent(point: Point) -> bool:
    lon_ok = THAILAND_LON[0] <= point.lon <= THAILAND_LON[1]
    return lon_ok and THAILAND_LAT[0] <= point.lat <= THAILAND_LAT[1]


def _edges(ring: Ring) -> Iterator[tuple[Point, Point]]:
    return zip(ring, ring[1:] + ring[:1], strict=True)


def _in_ring(point: Point, ring: Ring) -> bool:
    within = False
    for start, end in _edges(ring):
        if (start.lat > point.lat) != (end.lat > point.lat):
            # From the lower end always, so that rounding is the same whichever way the ring runs.
            low, high = (start, end) if start.lat < end.lat else (end, start)
            share = (point.lat - low.lat) / (high.lat - low.lat)
            if point.lon < low.lon + share * (high.lon - low.lon):
                within = not within
    return within


def _to_edge_m(point: Point, start: Point, end: Point) -> float:
    wide = METRES_PER_DEGREE * math.cos(math.radians(point.lat))
    x1, y1 = (start.lon - point.lon) * wide, (start.lat - point.lat) * METRES_PER_DEGREE
    x2, y2 = (end.lon - point.lon) * wide, (end.lat - point.lat) * METRES_PER_DEGREE
    dx, dy = x2 - x1, y2 - y1
    length = dx * dx + dy * dy
    share = 0.0 if length == 0 else max(0.0, min(1.0, -(x1 * dx + y1 * dy) / length))
    return math.hypot(x1 + share * dx, y1 + share * dy)
