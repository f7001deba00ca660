"""Files of roads of a settings pack (``roads.geojson``, ``roads.csv``), read into segments."""

from __future__ import annotations

import csv
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from shared.geo import Point
from shared.packs import PackError

FILES = ("roads.geojson", "roads.csv")
"""What a settings pack may call them; the first that is there is read."""
CLASS_KM_H: Mapping[str, float] = {
    "motorway": 90, "trunk": 80, "primary": 65, "secondary": 55, "tertiary": 45, "unclassified": 35, "residential": 25,
    "living_street": 15, "service": 15, "track": 15,
}  # fmt: skip
"""Speeds as everybody drives, by the road classes of OpenStreetMap; our own estimate for Thai towns."""
OTHER_KM_H = 30.0
SPEEDS_KM_H = (3.0, 150.0)


class Segment(NamedTuple):
    """One piece of road between two points. ``oneway``: only from ``start`` to ``end``."""

    start: Point
    end: Point
    km_h: float
    urgent_km_h: float
    oneway: bool


def read(path: Path, haste: float) -> Iterator[Segment]:
    """The segments of a file. ``haste``: how much faster than everybody one drives with lights, where it says nothing.

    Raises:
        PackError: names the feature or line that cannot be used.
        ValueError, OSError: it is no such file.

    """
    return _of_geojson(path, haste) if path.suffix == ".geojson" else _of_csv(path, haste)


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
