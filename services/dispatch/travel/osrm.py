"""Travel times of an OSRM server, where the operator names one.

Whoever decides holds the area's lock, and nobody may wait for another machine then. So the server is asked beforehand:
for the ways between the municipality's zones (communities, stations, facilities), in blocks that every OSRM takes. A
drive from door to door is the drive between the two nearest zones, longer or shorter as the straight line is. Where
that says little (within one zone, or far from any), what else is known of roads answers, or the straight line, loudly.

https://project-osrm.org/docs/v5.24.0/api/#table-service
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from services.dispatch.rules.ranking import GreatCircle, Source, Table, Travel, TravelTimes, straight_m
from shared.geo import Point

if TYPE_CHECKING:
    import aiohttp  # a service that asks nobody does not load it

BLOCK = 50
"""Places on either side of one question: with both sides no more than the 100 that a server takes by default."""
MOST_ZONES = 400
LIKE = (0.5, 2.0)
"""Between these parts of the zones' own distance a drive is like the zones' drive."""
NAMES = ("durations", "distances")


_Drives = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]
"""Seconds, metres, and where the zones speak at all; from each origin to each destination."""


class Unusable(Exception):
    """The server answered, but not with a table."""


@dataclass(frozen=True, slots=True)
class Zones:
    """What the server said: ``duration_s[a, b]``, ``distance_m[a, b]``; NaN where it knows no way."""

    points: Sequence[Point]
    duration_s: NDArray[np.float64]
    distance_m: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ByZones:
    """A :class:`services.dispatch.rules.ranking.TravelTimes`. ``beyond`` answers where zones say little.

    OSRM knows how everybody drives; with lights and siren it is as much quicker as ``straight`` says.
    """

    zones: Zones
    beyond: TravelTimes
    straight: GreatCircle

    def to(self, origins: Sequence[Point], destination: Point, *, urgent: bool) -> Sequence[Travel]:
        others = self.beyond.to(origins, destination, urgent=urgent)
        columns = (column[:, 0].tolist() for column in self._drives(origins, [destination], urgent=urgent))
        return [
            Travel(duration_s, distance_m, "osrm") if known else other
            for duration_s, distance_m, known, other in zip(*columns, others, strict=True)
        ]

    def table(
        self, points: Sequence[Point], to: Sequence[Point] | None = None, *, urgent: bool, lengths: bool = True
    ) -> Table:
        other = self.beyond.table(points, to, urgent=urgent, lengths=lengths)
        duration_s, distance_m, known = self._drives(points, points if to is None else to, urgent=urgent)
        apart = ~np.eye(len(points), dtype=bool) if to is None else np.ones_like(known)
        sources: set[Source] = {"osrm"} if (known & apart).any() else set()
        if not sources or (~known & apart).any():
            sources |= other.sources
        return Table(
            np.where(known, duration_s, other.duration_s), np.where(known, distance_m, other.distance_m),
            frozenset(sources),
        )  # fmt: skip

    def _drives(self, origins: Sequence[Point], destinations: Sequence[Point], *, urgent: bool) -> _Drives:
        start, end = self._nearest(origins), self._nearest(destinations)
        between = np.ix_(start, end)
        own, zones = straight_m(origins, destinations), straight_m(self.zones.points, self.zones.points)[between]
        scale = np.divide(own, zones, out=np.zeros_like(own), where=zones > 0)
        known = np.isfinite(self.zones.duration_s[between]) & (scale >= LIKE[0]) & (scale <= LIKE[1])
        haste = self.straight.ordinary_m_s / self.straight.urgent_m_s if urgent else 1.0
        return self.zones.duration_s[between] * scale * haste, self.zones.distance_m[between] * scale, known

    def _nearest(self, points: Sequence[Point]) -> NDArray[np.intp]:
        return np.asarray(np.argmin(straight_m(points, self.zones.points), axis=1))


async def ask(client: aiohttp.ClientSession, url: str, points: Sequence[Point]) -> Zones:
    """The drives between ``points``, of the server at ``url``.

    Raises:
        Unusable: it refused, or gave no table.
        aiohttp.ClientError, TimeoutError: it cannot be reached.

    """
    points = points[:MOST_ZONES]
    duration_s = np.full((len(points), len(points)), np.nan)
    distance_m = duration_s.copy()
    for rows in _blocks(len(points)):
        for columns in _blocks(len(points)):
            said = await _block(client, url, [points[at] for at in rows], [points[at] for at in columns])
            where = np.ix_(list(rows), list(columns))
            duration_s[where], distance_m[where] = (_numbers(said, name, rows, columns) for name in NAMES)
    return Zones(points, duration_s, distance_m)


def _blocks(count: int) -> list[range]:
    edges = [*range(0, count, BLOCK), count]
    return [range(start, end) for start, end in pairwise(edges)]


async def _block(client: aiohttp.ClientSession, url: str, rows: list[Point], columns: list[Point]) -> Any:
    places = ";".join(f"{point.lon:.6f},{point.lat:.6f}" for point in (*rows, *columns))
    asked = {
        "sources": ";".join(str(at) for at in range(len(rows))),
        "destinations": ";".join(str(len(rows) + at) for at in range(len(columns))),
        "annotations": "duration,distance",
    }
    async with client.get(f"{url.rstrip('/')}/table/v1/driving/{places}", params=asked) as answer:
        said = await answer.json(content_type=None)
    if not isinstance(said, dict) or said.get("code") != "Ok":
        raise Unusable(str(said.get("code") if isinstance(said, dict) else type(said).__name__)[:100])
    return said


def _numbers(said: Any, name: str, rows: range, columns: range) -> NDArray[np.float64]:
    """``null`` is no way."""
    try:
        found = np.array(said[name], dtype=np.float64)
    except (KeyError, TypeError, ValueError):
        raise Unusable(name) from None
    if found.shape != (len(rows), len(columns)) or (found < 0).any() or np.isinf(found).any():
        raise Unusable(name)
    return found
