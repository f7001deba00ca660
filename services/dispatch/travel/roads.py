"""Travel times on the municipality's own roads: shortest paths to one destination, from everywhere at once.

The graph comes from the settings pack (``roads.geojson`` or ``roads.csv``). One search from the destination backwards
gives every unit's time; what was searched for last is kept, since hospitals, stations and communities come again and
again. Where no road is near, or none leads there, the great circle × factor answers, and every answer says which of the
two spoke.
"""

from __future__ import annotations

import csv
import itertools
import json
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from services.dispatch.rules.ranking import GreatCircle, Travel
from shared.geo import METRES_PER_DEGREE, Point, distance_m
from shared.packs import PackError

FILES = ("roads.geojson", "roads.csv")
CLASS_KM_H: Mapping[str, float] = {
    "motorway": 90, "trunk": 80, "primary": 65, "secondary": 55, "tertiary": 45, "unclassified": 35, "residential": 25,
    "living_street": 15, "service": 15, "track": 15,
}  # fmt: skip
"""Speeds as everybody drives, by the road classes of OpenStreetMap; our own estimate for Thai towns."""
OTHER_KM_H = 30.0
SPEEDS_KM_H = (3.0, 150.0)
NEAR_ROAD_M = 500.0
"""Further from any road than this, the straight line is the better guess."""
KEPT = 64
"""Destinations whose search is kept."""
MOST_SEGMENTS = 500_000
SAME_PLACE = 6
"""Decimals of a degree up to which two ends are one crossing: a tenth of a metre."""


class Segment(NamedTuple):
    """One piece of road between two points. ``oneway``: only from ``start`` to ``end``."""

    start: Point
    end: Point
    km_h: float
    urgent_km_h: float
    oneway: bool


class Search(NamedTuple):
    """``time_s`` from every crossing to the destination; ``toward``: the next crossing on the way (-9999: none)."""

    time_s: NDArray[np.float64]
    toward: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Roads:
    """The graph, turned around: an edge leads from a crossing to those from which it is reached."""

    tree: cKDTree
    places: Sequence[Point]
    ordinary: csr_matrix
    urgent: csr_matrix
    beyond: GreatCircle
    middle: Point
    _kept: OrderedDict[tuple[int, bool], Search] = field(default_factory=OrderedDict)

    def to(self, origins: Sequence[Point], destination: Point, *, urgent: bool) -> Sequence[Travel]:
        """A :class:`services.dispatch.rules.ranking.TravelTimes`."""
        straight = self.beyond.to(origins, destination, urgent=urgent)
        last, end = self._nearest([destination])[0]
        if end is None or not origins:
            return straight
        found = self._search(end, urgent=urgent)
        speed = self.beyond.urgent_m_s if urgent else self.beyond.ordinary_m_s
        answers = []
        for (first, start), guess in zip(self._nearest(origins), straight, strict=True):
            if start is None or not np.isfinite(found.time_s[start]):
                answers.append(guess)
                continue
            off_road_m = (first + last) * self.beyond.factor
            time_s = float(found.time_s[start]) + off_road_m / speed
            answers.append(Travel(time_s, self._length_m(found, start) + off_road_m, "roads"))
        return answers

    def _nearest(self, points: Sequence[Point]) -> list[tuple[float, int | None]]:
        """How far the nearest crossing is, in metres, and which it is; None where no road is near."""
        if not points:
            return []
        _, found = self.tree.query([_flat(point, self.middle) for point in points])
        away = [distance_m(point, self.places[int(node)]) for point, node in zip(points, found, strict=True)]
        return [(far, int(node) if far <= NEAR_ROAD_M else None) for far, node in zip(away, found, strict=True)]

    def _search(self, end: int, *, urgent: bool) -> Search:
        key = (end, urgent)
        if key not in self._kept:
            graph = self.urgent if urgent else self.ordinary
            time_s, toward = dijkstra(graph, indices=end, return_predecessors=True)
            self._kept[key] = Search(time_s, toward)
        self._kept.move_to_end(key)
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return self._kept[key]

    def _length_m(self, found: Search, start: int) -> float:
        """Along the way that the search found."""
        length, at = 0.0, start
        while (following := int(found.toward[at])) >= 0:
            length += distance_m(self.places[at], self.places[following])
            at = following
        return length


def _flat(point: Point, middle: Point) -> tuple[float, float]:
    """On a plane laid at the middle of the map: good for "which is nearest" within a province."""
    wide = METRES_PER_DEGREE * float(np.cos(np.radians(middle.lat)))
    return (point.lon - middle.lon) * wide, (point.lat - middle.lat) * METRES_PER_DEGREE


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
    tree = cKDTree([_flat(point, middle) for point in places])
    graphs = [_graph(rows, columns, seconds, len(places)) for seconds in (ordinary, urgent)]
    return Roads(tree, places, graphs[0], graphs[1], beyond, middle)


def _graph(rows: list[int], columns: list[int], seconds: list[float], size: int) -> csr_matrix:
    """Of two roads between the same crossings the quicker one (a plain matrix would add them up)."""
    order = np.argsort(seconds)[::-1]
    quickest = {(rows[i], columns[i]): seconds[i] for i in order}
    pairs = np.array(list(quickest), dtype=np.int32).reshape(-1, 2)
    return csr_matrix((list(quickest.values()), (pairs[:, 0], pairs[:, 1])), shape=(size, size))


def load(folder: Path, beyond: GreatCircle) -> Roads | None:
    """The roads of a settings pack; None where it has none.

    Raises:
        PackError: names the file and the feature or line that cannot be read.

    """
    for name in FILES:
        path = folder / name
        if path.exists():
            read = _of_geojson if path.suffix == ".geojson" else _of_csv
            try:
                return build(read(path, beyond.urgent_m_s / beyond.ordinary_m_s), beyond)
            except (ValueError, UnicodeDecodeError, OSError) as problem:
                if isinstance(problem, PackError):
                    raise
                raise PackError(name, "", f"อ่านไฟล์ถนนไม่ได้: {problem}", f"cannot be read: {problem}") from None
    return None


def _of_geojson(path: Path, haste: float) -> Iterator[Segment]:
    """LineString and MultiLineString features; ``speed_km_h``, ``urgent_km_h``, ``highway``, ``oneway`` as properties.

    Other geometries (signals, crossings) are passed over.
    """
    document = json.loads(path.read_text(encoding="utf-8"))
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list):
        raise ValueError("a FeatureCollection is wanted")  # noqa: TRY004 what a file says
    for number, feature in enumerate(features):
        try:
            geometry, said = feature["geometry"], feature.get("properties") or {}
            lines = {"LineString": [geometry["coordinates"]], "MultiLineString": geometry["coordinates"]}
            for line in lines.get(geometry["type"], []):
                points = [_point(*position[:2]) for position in line]
                yield from _segments(points, said, haste)
        except (KeyError, TypeError, ValueError) as problem:
            raise _wrong(path.name, f"features.{number}", problem) from None


def _of_csv(path: Path, haste: float) -> Iterator[Segment]:
    """Columns ``from_lon, from_lat, to_lon, to_lat`` and, as wanted, ``speed_km_h, urgent_km_h, highway, oneway``."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), start=2):
            try:
                ends = [_point(row["from_lon"], row["from_lat"]), _point(row["to_lon"], row["to_lat"])]
                yield from _segments(ends, row, haste)
            except (KeyError, TypeError, ValueError) as problem:
                raise _wrong(path.name, f"line {number}", problem) from None


def _wrong(file: str, where: str, problem: Exception) -> PackError:
    why = f"{type(problem).__name__}: {problem}"
    return PackError(file, where, f"ใช้ไม่ได้ ({why})", f"cannot be used ({why})")


def _point(lon: Any, lat: Any) -> Point:
    point = Point(float(lon), float(lat))
    if not (-180 <= point.lon <= 180 and -90 <= point.lat <= 90):  # noqa: PLR2004 degrees
        raise ValueError("not a position on the earth")
    return point


def _segments(points: Sequence[Point], said: Mapping[str, Any], haste: float) -> Iterator[Segment]:
    km_h = _speed(said.get("speed_km_h") or CLASS_KM_H.get(str(said.get("highway")), OTHER_KM_H))
    urgent = _speed(said.get("urgent_km_h") or min(SPEEDS_KM_H[1], km_h * haste))
    way = str(said.get("oneway") or "no").lower()
    if way == "-1":
        points = points[::-1]
    for start, end in itertools.pairwise(points):
        if start != end:
            yield Segment(start, end, km_h, urgent, way in {"yes", "true", "1", "-1"})


def _speed(value: Any) -> float:
    km_h = float(value)
    if not SPEEDS_KM_H[0] <= km_h <= SPEEDS_KM_H[1]:
        raise ValueError(f"a speed between {SPEEDS_KM_H[0]:g} and {SPEEDS_KM_H[1]:g} km/h is wanted")
    return km_h
