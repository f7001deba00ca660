"""A municipality's roads into its settings pack: from GeoJSON, CSV, or an extract of OpenStreetMap (``.osm.pbf``).

What dispatch reads is one file, ``roads.csv``: segments between points with the speed that everybody drives. Only what
lies around the municipality is kept, since every drive is looked for on all of it.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from services.dispatch.rules.ranking import GreatCircle
from services.dispatch.travel import road_files
from services.dispatch.travel.road_files import CLASS_KM_H, FILES, SPEEDS_KM_H, Segment
from services.dispatch.travel.roads import build
from shared.geo import METRES_PER_DEGREE, Point
from shared.packs import load

COLUMNS = ("from_lon", "from_lat", "to_lon", "to_lat", "speed_km_h", "urgent_km_h", "oneway")
DRIVEN = frozenset(CLASS_KM_H) | {f"{each}_link" for each in ("motorway", "trunk", "primary", "secondary", "tertiary")}
CLOSED = frozenset({"no", "private"})
ROUND = frozenset({"roundabout", "circular"})
MPH_KM_H = 1.609344


@dataclass(frozen=True, slots=True)
class Imported:
    file: Path
    segments: int
    crossings: int


def import_roads(file: Path, pack_folder: Path, around_km: float, *, replace: bool) -> Imported:
    """Write ``roads.csv`` of the pack, if dispatch can drive on it.

    Raises:
        FileExistsError: the pack has roads and ``replace`` does not say that they may go.
        PackError: the pack, or a line of the file, cannot be used.
        ValueError, OSError: it is no file of roads, or none of them lies near.

    """
    there = [pack_folder / name for name in FILES if (pack_folder / name).exists()]
    if there and not replace:
        raise FileExistsError(17, "", str(there[0]))
    pack = load(pack_folder)
    policy = pack.policies.dispatch
    haste = policy.urgent_km_h / policy.ordinary_km_h
    near = _box([point for polygon in pack.boundary for ring in polygon for point in ring], around_km)
    segments = [each for each in _read(file, haste) if near(each.start) or near(each.end)]
    roads = build(segments, GreatCircle(policy.factor, policy.urgent_km_h / 3.6, policy.ordinary_km_h / 3.6))
    made = pack_folder / "roads.csv"
    fresh = made.with_suffix(".csv.new")
    _write(fresh, segments)
    for old in there:
        old.unlink()
    fresh.rename(made)
    return Imported(made, len(segments), len(roads.places))


def _read(file: Path, haste: float) -> Iterator[Segment]:
    if file.name.endswith((".pbf", ".osm", ".osm.bz2", ".osm.gz")):
        return _of_openstreetmap(file, haste)
    return road_files.read(file, haste)


def _of_openstreetmap(file: Path, haste: float) -> Iterator[Segment]:
    """Ways that a car may drive, with the speed of their class, or their limit where that is lower."""
    import osmium

    try:
        roads = osmium.FileProcessor(str(file)).with_locations().with_filter(osmium.filter.KeyFilter("highway"))
        for way in roads:
            if isinstance(way, osmium.osm.Way) and _driven(way.tags):
                yield from _of_way(way, haste)
    except RuntimeError as problem:  # what the reader says of a file that is none
        raise ValueError(str(problem)) from None


def _driven(tags: Any) -> bool:
    return tags["highway"] in DRIVEN and not any(tags.get(name) in CLOSED for name in ("access", "motor_vehicle"))


def _of_way(way: Any, haste: float) -> Iterator[Segment]:
    km_h = min(CLASS_KM_H[way.tags["highway"].removesuffix("_link")], _limit_km_h(way.tags.get("maxspeed")))
    urgent = min(SPEEDS_KM_H[1], km_h * haste)
    said = way.tags.get("oneway") or ("yes" if way.tags.get("junction") in ROUND else "no")
    points = [Point(node.lon, node.lat) for node in way.nodes if node.location.valid()]
    for start, end in pairwise(points[::-1] if said == "-1" else points):
        if start != end:
            yield Segment(start, end, km_h, urgent, said in {"yes", "true", "1", "-1"})


def _limit_km_h(said: str | None) -> float:
    """``80``, ``50 mph``; whatever else stands there (``TH:urban``, ``none``) is no limit to go by."""
    number, _, unit = (said or "").partition(" ")
    if not number.isdigit():
        return SPEEDS_KM_H[1]
    km_h = float(number) * (MPH_KM_H if unit == "mph" else 1.0)
    return min(max(km_h, SPEEDS_KM_H[0]), SPEEDS_KM_H[1])


def _box(points: list[Point], around_km: float) -> Callable[[Point], bool]:
    """Whether a point lies in the box around the boundary, ``around_km`` wider on each side."""
    lons, lats = [point.lon for point in points], [point.lat for point in points]
    more = around_km * 1000 / METRES_PER_DEGREE  # of longitude a little less: Thailand lies near the equator

    def near(point: Point) -> bool:
        return min(lons) - more <= point.lon <= max(lons) + more and min(lats) - more <= point.lat <= max(lats) + more

    return near


def _write(file: Path, segments: list[Segment]) -> None:
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(COLUMNS)
        for each in segments:
            ends = (f"{value:.6f}" for point in (each.start, each.end) for value in (point.lon, point.lat))
            writer.writerow([*ends, f"{each.km_h:g}", f"{each.urgent_km_h:g}", "yes" if each.oneway else "no"])
