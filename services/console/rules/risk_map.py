"""A risk map as a drawing of its own: boundary, zones by level, names, dots. Pure; it needs no script and prints."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from shared.area_shapes import Shape
from shared.geo import METRES_PER_DEGREE, Point, Polygon, positions_of

WIDTH = 1000.0
"""Of the drawing, in its own units; its height follows from what is drawn."""
ROOM = 0.04
"""Around everything, as a part of the width."""
LEVELS = ("low", "medium", "high")
"""The gravest is drawn last, over the others."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """SVG paths: ``boundary``, ``parts`` (kind, path) and ``zones`` (level, path).

    ``names``: x, y and what stands there; ``dots``: x, y; ``metre``: how long a metre is.
    """

    height: float
    boundary: str
    parts: Sequence[tuple[str, str]]
    zones: Sequence[tuple[str, str]]
    names: Sequence[tuple[float, float, str]]
    dots: Sequence[tuple[float, float]]
    metre: float


def drawn(
    boundary: Sequence[Polygon], names: Iterable[tuple[Point, str]], collections: Iterable[dict[str, Any]],
    dots: Sequence[Point] = (), around: Sequence[Point] = (), parts: Iterable[Shape] = (),
) -> Drawn:  # fmt: skip
    """The municipality with the zones of these layers, or the part of it in which the points ``around`` lie; what lies

    beyond is cut off. ``parts``: its communities, villages and quarters.
    """
    corners = around or [point for polygon in boundary for point in polygon[0]]
    west, east = min(point.lon for point in corners), max(point.lon for point in corners)
    south, north = min(point.lat for point in corners), max(point.lat for point in corners)
    narrow = math.cos(math.radians((south + north) / 2))
    scale = WIDTH * (1 - 2 * ROOM) / max((east - west) * narrow, 1e-6)

    def at(lon: float, lat: float) -> tuple[float, float]:
        return round(WIDTH * ROOM + (lon - west) * narrow * scale, 1), round(WIDTH * ROOM + (north - lat) * scale, 1)

    def path(polygons: Iterable[Iterable[Iterable[Sequence[float]]]]) -> str:
        rings = ([at(lon, lat) for lon, lat in ring] for rings in polygons for ring in rings)
        return " ".join("M" + " L".join(f"{x:g},{y:g}" for x, y in ring) + " Z" for ring in rings)

    zones = [
        (feature["properties"]["level"], path(feature["geometry"]["coordinates"]))
        for collection in collections
        for feature in collection["features"]
    ]
    outline = path(positions_of(boundary))
    inner = [(one.kind, path(positions_of(one.polygons))) for one in parts]
    labels = [(*at(point.lon, point.lat), name) for point, name in names]
    height = round((north - south) * scale + 2 * ROOM * WIDTH, 1)
    ordered = sorted(zones, key=lambda zone: LEVELS.index(zone[0]))
    return Drawn(
        height, outline, inner, ordered, labels, [at(dot.lon, dot.lat) for dot in dots], scale / METRES_PER_DEGREE
    )
