"""Travel times on the municipality's own roads: shortest paths to one destination, from everywhere at once.

The graph comes from the settings pack (``roads.geojson`` or ``roads.csv``). One search from the destination backwards
gives every unit's time; what was searched for last is kept, since hospitals, stations and communities come again and
again. Where no road is near, or none leads there, the great circle × factor answers, and every answer says which of the
two spoke.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.dispatch import compiled
from services.dispatch.rules.ranking import GreatCircle, Source, Table, Travel
from services.dispatch.travel.road_files import FILES, Segment, read
from shared.geo import EARTH_RADIUS_M, METRES_PER_DEGREE, Point, distance_m
from shared.packs import PackError

Matrix = Any
"""``scipy.sparse.csr_matrix``."""
NEAR_ROAD_M = 500.0
"""Further from any road than this, the straight line is the better guess."""
MOST_MET = 5_000
"""Points of which is kept where they meet the roads."""
KEPT = 64
"""Destinations whose search is kept."""
MOST_SEGMENTS = 500_000
SAME_PLACE = 6
"""Decimals of a degree up to which two ends are one crossing: a tenth of a metre."""


@dataclass(slots=True)
class Search:
    """From every crossing to one, or (``onward``) from one to every other, by the quickest way; infinite seconds where

    none leads there.
    """

    time_s: NDArray[np.float64]
    toward: NDArray[np.int32]
    length_m: NDArray[np.float64] | None = None
    """Along the same ways; worked out when somebody asks."""


class Reached(NamedTuple):
    """The crossing nearest to each of some points, -1 where no road is near, and how far off the road they lie."""

    nodes: NDArray[np.intp]
    off_m: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Roads:
    """The graph, turned around: an edge leads from a crossing to those from which it is reached."""

    tree: Any
    places: Sequence[Point]
    radians: NDArray[np.float64]
    ordinary: Matrix
    urgent: Matrix
    beyond: GreatCircle
    middle: Point
    _kept: OrderedDict[tuple[int, bool, bool], Search] = field(default_factory=OrderedDict)
    _onward: dict[bool, Matrix] = field(default_factory=dict)
    _met: dict[Point, tuple[int, float]] = field(default_factory=dict)

    def to(self, origins: Sequence[Point], destination: Point, *, urgent: bool) -> Sequence[Travel]:
        """A :class:`services.dispatch.rules.ranking.TravelTimes`."""
        straight = self.beyond.to(origins, destination, urgent=urgent)
        to = self._reached([destination])
        end = int(to.nodes[0])
        if end < 0 or not origins:
            return straight
        found = self._search(end, urgent=urgent)
        speed = self.beyond.urgent_m_s if urgent else self.beyond.ordinary_m_s
        reached = self._reached(origins)
        off_m = reached.off_m + to.off_m[0]
        time_s, length_m = found.time_s[reached.nodes] + off_m / speed, self._length(found)[reached.nodes] + off_m
        by_road = (reached.nodes >= 0) & np.isfinite(time_s)
        return [
            Travel(seconds, metres, "roads") if known else guess
            for seconds, metres, known, guess in zip(
                time_s.tolist(), length_m.tolist(), by_road.tolist(), straight, strict=True
            )
        ]

    def table(
        self, points: Sequence[Point], to: Sequence[Point] | None = None, *, urgent: bool, lengths: bool = True
    ) -> Table:
        """One search for each crossing that is nearest to some point, on the side where there are fewer of them."""
        one = self._reached(points)
        other = one if to is None else self._reached(to)
        speed = self.beyond.urgent_m_s if urgent else self.beyond.ordinary_m_s
        time_s, length_m = np.zeros((2, len(one.nodes), len(other.nodes)))
        by_road = np.zeros(time_s.shape, dtype=np.bool_)
        onward = len(one.nodes) < len(other.nodes)
        few, many = (one, other) if onward else (other, one)
        tables = (time_s, length_m, by_road)
        found_s, found_m, found = (table.T for table in tables) if onward else tables  # of many, to or from few
        for node in np.unique(few.nodes[few.nodes >= 0]):
            search = self._search(int(node), urgent=urgent, onward=onward)
            here = np.flatnonzero(few.nodes == node)
            known = np.flatnonzero((many.nodes >= 0) & np.isfinite(search.time_s[many.nodes]))
            cells, off = np.ix_(known, here), many.off_m[known][:, None] + few.off_m[here][None, :]
            found_s[cells] = search.time_s[many.nodes[known]][:, None] + off / speed
            if lengths:
                found_m[cells] = self._length(search)[many.nodes[known]][:, None] + off
            found[cells] = True
        if not by_road.all():
            straight = self.beyond.table(points, to, urgent=urgent)
            time_s[~by_road], length_m[~by_road] = straight.duration_s[~by_road], straight.distance_m[~by_road]
        if to is None:
            np.fill_diagonal(time_s, 0.0)
            np.fill_diagonal(length_m, 0.0)
        sources: set[Source] = {"roads"} if by_road.any() else set()
        return Table(
            time_s, length_m, frozenset(sources if by_road.all() and by_road.size else {*sources, "great_circle"})
        )

    def _reached(self, points: Sequence[Point]) -> Reached:
        """Where each of these points meets the roads."""
        met = [self._met.get(point) for point in points]
        new = [at for at, found in enumerate(met) if found is None]
        if new:
            degrees = _degrees([points[at] for at in new])
            _, nodes = self.tree.query(_flat(degrees, self.middle))
            away_m = _away(np.radians(degrees), self.radians[nodes])
            nodes, off_m = np.where(away_m <= NEAR_ROAD_M, nodes, -1), away_m * self.beyond.factor
            if len(self._met) + len(new) > MOST_MET:
                self._met.clear()
            for at, node, off in zip(new, nodes.tolist(), off_m.tolist(), strict=True):
                met[at] = self._met[points[at]] = (node, off)
        sides = np.array(met, dtype=np.float64).reshape(-1, 2)
        return Reached(sides[:, 0].astype(np.intp), sides[:, 1])

    def _search(self, node: int, *, urgent: bool, onward: bool = False) -> Search:
        key = (node, urgent, onward)
        # Taken out and put in again, the newest last: each step holds whoever else searches meanwhile.
        found = self._kept.pop(key, None)
        if found is None:
            time_s, toward = compiled.csgraph().dijkstra(
                self._graph(urgent, onward), indices=node, return_predecessors=True
            )
            found = Search(time_s, toward)
        self._kept[key] = found
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return found

    def _graph(self, urgent: bool, onward: bool) -> Matrix:
        graph = self.urgent if urgent else self.ordinary
        if not onward:
            return graph
        if urgent not in self._onward:
            self._onward[urgent] = graph.T.tocsr()
        return self._onward[urgent]

    def _length(self, found: Search) -> NDArray[np.float64]:
        if found.length_m is None:
            found.length_m = self._lengths(found.toward)
        return found.length_m

    def _lengths(self, toward: NDArray[np.int32]) -> NDArray[np.float64]:
        """Along the ways found. All at once: each crossing looks one step ahead, then two, four, eight…"""
        here = np.arange(len(toward))
        ahead = np.where(toward >= 0, toward, here)
        length = _away(self.radians, self.radians[ahead])
        while not np.array_equal(further := ahead[ahead], ahead):
            length, ahead = length + length[ahead], further
        return length


def _away(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Great-circle distance in metres, pair by pair; rows of (lon, lat) in radians."""
    lon, lat = (one - other).T
    chord = np.sin(lat / 2) ** 2 + np.cos(one[:, 1]) * np.cos(other[:, 1]) * np.sin(lon / 2) ** 2
    return np.asarray(2 * EARTH_RADIUS_M * np.arcsin(np.minimum(1.0, np.sqrt(chord))))


def _degrees(points: Sequence[Point]) -> NDArray[np.float64]:
    return np.array([(point.lon, point.lat) for point in points], dtype=np.float64)


def _flat(degrees: NDArray[np.float64], middle: Point) -> NDArray[np.float64]:
    """On a plane laid at the middle of the map: good for "which is nearest" within a province. Rows of (lon, lat)."""
    wide = METRES_PER_DEGREE * float(np.cos(np.radians(middle.lat)))
    return np.asarray((degrees - _degrees([middle])) * np.array((wide, METRES_PER_DEGREE)))


def build(segments: Iterable[Segment], beyond: GreatCircle) -> Roads:
    """The graph of these segments. ``beyond`` answers where no road does.

    Raises:
        ValueError: there is no segment, or there are too many.

    """
    numbers: dict[tuple[float, float], int] = {}
    places: list[Point] = []
    rows: list[int] = []
    columns: list[int] = []
    ordinary: list[float] = []
    urgent: list[float] = []

    def number(point: Point) -> int:
        key = (round(point.lon, SAME_PLACE), round(point.lat, SAME_PLACE))
        if key not in numbers:
            numbers[key] = len(places)
            places.append(point)
        return numbers[key]

    for count, segment in enumerate(segments):
        if count >= MOST_SEGMENTS:
            raise ValueError(f"more than {MOST_SEGMENTS} segments")
        one, other = number(segment.start), number(segment.end)
        metres = distance_m(segment.start, segment.end)
        for start, end in ((one, other),) if segment.oneway else ((one, other), (other, one)):
            rows.append(end)  # turned around
            columns.append(start)
            ordinary.append(max(1e-3, metres / (segment.km_h / 3.6)))
            urgent.append(max(1e-3, metres / (segment.urgent_km_h / 3.6)))
    if not places:
        raise ValueError("no segment")
    middle = Point(sum(p.lon for p in places) / len(places), sum(p.lat for p in places) / len(places))
    tree = compiled.cKDTree()(_flat(_degrees(places), middle))
    graphs = [_graph(rows, columns, seconds, len(places)) for seconds in (ordinary, urgent)]
    radians = np.radians([(place.lon, place.lat) for place in places])
    return Roads(tree, places, radians, graphs[0], graphs[1], beyond, middle)


def _graph(rows: list[int], columns: list[int], seconds: list[float], size: int) -> Matrix:
    """Of two roads between the same crossings the quicker one (a plain matrix would add them up)."""
    order = np.argsort(seconds)[::-1]
    quickest = {(rows[i], columns[i]): seconds[i] for i in order}
    pairs = np.array(list(quickest), dtype=np.int32).reshape(-1, 2)
    return compiled.csr_matrix()((list(quickest.values()), (pairs[:, 0], pairs[:, 1])), shape=(size, size))


def load(folder: Path, beyond: GreatCircle) -> Roads | None:
    """The roads of a settings pack; None where it has none.

    Raises:
        PackError: names the file and the feature or line that cannot be read.

    """
    for name in FILES:
        path = folder / name
        if path.exists():
            try:
                return build(read(path, beyond.urgent_m_s / beyond.ordinary_m_s), beyond)
            except (ValueError, UnicodeDecodeError, OSError) as problem:
                if isinstance(problem, PackError):
                    raise
                raise PackError(name, "", f"อ่านไฟล์ถนนไม่ได้: {problem}", f"cannot be read: {problem}") from None
    return None
