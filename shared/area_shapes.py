"""Which areas of the tree a point lies in: villages, communities and quarters that have a boundary. Pure.

Nobody asked whoever lives there, so it is said only where the boundaries say it plainly: not where a point may as well
lie on the other side of an edge, and not where two of one kind overlap.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from shared.geo import Point, Polygon, box_around, distance_to_edge_m, inside, polygons_of

SMALLEST_FIRST: Final = ("community", "village", "quarter", "municipality")
"""A community is what the municipality itself works by; villages are often only numbers in a town."""


@dataclass(frozen=True, slots=True)
class Shape:
    """An area with its boundary. ``box``: south, north, west and east of it, so that most are passed by quickly."""

    code: str
    kind: str
    polygons: Sequence[Polygon]
    box: tuple[float, float, float, float]


def shape_of(code: str, kind: str, geometry: Mapping[str, Any]) -> Shape:
    """The shape of a GeoJSON geometry.

    Raises:
        ValueError: it is no Polygon or MultiPolygon, or not in Thailand.

    """
    polygons = polygons_of(geometry)
    corners = [corner for rings in polygons for corner in rings[0]]
    lons, lats = [each.lon for each in corners], [each.lat for each in corners]
    return Shape(code, kind, polygons, (min(lats), max(lats), min(lons), max(lons)))


def lying_in(point: Point, shapes: Iterable[Shape], within_m: float = 0) -> dict[str, str]:
    """Kind → code of the one area of each kind in which the point lies.

    ``within_m``: how far off the point may be. An area whose edge is nearer than that says nothing of its kind, nor do
    two that both hold the point.
    """
    south, north, west, east = box_around(point, within_m)
    found: dict[str, list[str | None]] = {}
    for one in shapes:
        low, high, left, right = one.box
        if north < low or south > high or east < left or west > right:
            continue
        if within_m and distance_to_edge_m(point, one.polygons) < within_m:
            found.setdefault(one.kind, []).append(None)
        elif inside(point, one.polygons):
            found.setdefault(one.kind, []).append(one.code)
    return {kind: codes[0] for kind, codes in found.items() if len(codes) == 1 and codes[0] is not None}


def smallest(found: Mapping[str, str]) -> str | None:
    """Of what :func:`lying_in` found the one code by which lists and rights go."""
    return next((found[kind] for kind in SMALLEST_FIRST if kind in found), None)
