"""Scaling places of elsewhere into a municipality, so that every one of them lies inside its boundary."""

from __future__ import annotations

from karuna.simulate.mapping import Box
from shared.geo import Point, distance_to_edge_m, inside
from shared.pack_parts import Pack

NEARER = 0.92
"""A point outside the boundary is drawn to the centre by this factor until it lies inside."""
MARGIN_M = 120.0
"""Nearer to the edge nobody could say whose it is."""


class Moved:
    """``source``: the box the points come from; those outside it are put on its edge."""

    def __init__(self, pack: Pack, source: Box | None) -> None:
        points = [point for polygon in pack.boundary for point in polygon[0]]
        self._lon = (min(p.lon for p in points), max(p.lon for p in points))
        self._lat = (min(p.lat for p in points), max(p.lat for p in points))
        self._boundary, self._centre, self._source = pack.boundary, pack.area.centre.point, source

    def point(self, place: Point) -> Point:
        """Where ``place`` lies in the municipality."""
        if self._source is None:
            return self._centre
        lon = _scaled(place.lon, self._source.lon, self._lon)
        lat = _scaled(place.lat, self._source.lat, self._lat)
        while not self._well_inside(Point(lon, lat)):
            lon = self._centre.lon + (lon - self._centre.lon) * NEARER
            lat = self._centre.lat + (lat - self._centre.lat) * NEARER
        return Point(round(lon, 6), round(lat, 6))

    def _well_inside(self, point: Point) -> bool:
        near = abs(point.lon - self._centre.lon) + abs(point.lat - self._centre.lat) < 1e-5
        return near or (inside(point, self._boundary) and distance_to_edge_m(point, self._boundary) > MARGIN_M)


def _scaled(value: float, source: tuple[float, float], target: tuple[float, float]) -> float:
    share = (min(max(value, source[0]), source[1]) - source[0]) / (source[1] - source[0])
    return target[0] + share * (target[1] - target[0])
