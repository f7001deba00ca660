"""The municipality's own map: a GeoJSON or PMTiles file it has the right to show, and who made it.

Under ``map_dir``: ``<area>.geojson`` and ``<area>.pmtiles``, each with what was told of it beside: ``<file>.json`` with
``{"attribution", "imported_at"}`` (``<area>.json`` where an older version wrote it).
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from services.console import tiles
from shared.refusal import Refusal

Kind = Literal["geojson", "pmtiles"]
MEDIA: dict[str, str] = {"geojson": "application/geo+json", "pmtiles": "application/octet-stream"}
AREA = re.compile(r"[a-z][a-z0-9-]{1,30}")
MOST_BYTES: dict[Kind, int] = {"geojson": 5_000_000, "pmtiles": 300_000_000}
MOST_POSITIONS = 200_000
DEEPEST = 4
FURTHEST_LON, FURTHEST_LAT = 180, 90
SHORTEST_ATTRIBUTION, LONGEST_ATTRIBUTION = 3, 300
SHAPES = frozenset({"Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon"})


def kind_of(content: bytes) -> Kind:
    """What a file is, by what is in it and never by its name."""
    return "pmtiles" if content.startswith(tiles.MAGIC) else "geojson"


def check(content: bytes, attribution: str) -> Kind:
    """The kind of a file that may be shown.

    Raises:
        Refusal: it is too large, broken, no map at all, or nobody says whose it is.

    """
    if not SHORTEST_ATTRIBUTION <= len(attribution.strip()) <= LONGEST_ATTRIBUTION:
        raise Refusal("no_attribution", "attribution", "ต้องระบุที่มาและผู้ถือสิทธิ์ของแผนที่", "say whose map this is")
    kind = kind_of(content)
    if len(content) > MOST_BYTES[kind]:
        most = MOST_BYTES[kind] // 1_000_000
        raise Refusal("too_large", "file", f"ไฟล์ใหญ่เกิน {most} MB", f"the file is larger than {most} MB")
    if kind == "pmtiles":
        _check_pmtiles(content)
    else:
        _check_geojson(content)
    return kind


def _check_pmtiles(content: bytes) -> None:
    """It can be drawn: nobody sees a broken one before it is everybody's map."""
    try:
        tiles.check(content)
    except ValueError:
        raise Refusal(
            "not_pmtiles", "file", "ไฟล์ PMTiles ไม่สมบูรณ์ หรือไม่ใช่แผนที่เวกเตอร์รุ่น 3",
            "no whole PMTiles file of version 3 with vector tiles",
        ) from None  # fmt: skip


def _check_geojson(content: bytes) -> None:
    try:
        document = json.loads(content)
        positions = sum(_positions(geometry) for geometry in _geometries(document))
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError):
        raise _no_geojson() from None
    if positions == 0 or positions > MOST_POSITIONS:
        raise Refusal(
            "too_many_points", "file", f"ต้องมีจุด 1 ถึง {MOST_POSITIONS:,} จุด", f"needs 1 to {MOST_POSITIONS:,} positions"
        )


def _no_geojson() -> Refusal:
    return Refusal("not_geojson", "file", "ไม่ใช่ GeoJSON หรือ PMTiles ที่ใช้ได้", "neither GeoJSON nor PMTiles")


def _geometries(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if document["type"] == "FeatureCollection":
        for feature in document["features"]:
            yield from _geometries(feature)
    elif document["type"] == "Feature":
        if document["geometry"] is not None:
            yield from _geometries(document["geometry"])
    elif document["type"] == "GeometryCollection":
        for geometry in document["geometries"]:
            yield from _geometries(geometry)
    elif document["type"] in SHAPES:
        yield document
    else:
        raise _no_geojson()


def _positions(geometry: dict[str, Any]) -> int:
    """How many positions a geometry has; each must be longitude and latitude in degrees."""
    waiting: list[tuple[Any, int]] = [(geometry["coordinates"], 0)]
    found = 0
    while waiting:
        value, depth = waiting.pop()
        if depth > DEEPEST or not isinstance(value, list) or not value:
            raise ValueError("no coordinates")
        if isinstance(value[0], list):
            waiting += [(each, depth + 1) for each in value]
            continue
        lon, lat, *_ = value
        if abs(float(lon)) > FURTHEST_LON or abs(float(lat)) > FURTHEST_LAT:
            raise ValueError("outside the earth")
        found += 1
        if found > MOST_POSITIONS:
            break
    return found


def put(folder: Path, area: str, content: bytes, attribution: str, at: datetime) -> Kind:
    """Check and keep a map: whole or not at all. Another map of the area of the same kind is replaced.

    Raises:
        Refusal: it may not be shown, or the area is no slug.

    """
    if not AREA.fullmatch(area):
        raise Refusal("no_such_area", "area", "ไม่มีพื้นที่นี้", "there is no such municipality")
    kind = check(content, attribution)
    folder.mkdir(parents=True, exist_ok=True)
    told = {"attribution": attribution.strip(), "imported_at": at.isoformat()}
    _write(folder / f"{area}.{kind}.json", json.dumps(told, ensure_ascii=False).encode())
    _write(folder / f"{area}.{kind}", content)
    return kind


def _write(path: Path, content: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".map-", delete=False) as out:
        out.write(content)
    made = Path(out.name)
    made.chmod(0o644)
    made.replace(path)


def known(folder: Path) -> list[dict[str, Any]]:
    """``{area, kind, attribution, imported_at, bytes}`` of every map; ``imported_at`` None where nobody said."""
    files = [file for kind in MEDIA for file in sorted(folder.glob(f"*.{kind}"))] if folder.is_dir() else []
    return [
        {"area": file.stem, "kind": file.suffix[1:], "bytes": file.stat().st_size, **_told(file)}
        for file in files if AREA.fullmatch(file.stem)
    ]  # fmt: skip


def _told(file: Path) -> dict[str, Any]:
    for beside in (file.with_name(f"{file.name}.json"), file.with_suffix(".json")):
        try:
            facts = json.loads(beside.read_text("utf-8"))
            return {"attribution": str(facts["attribution"]), "imported_at": facts.get("imported_at")}
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return {"attribution": "", "imported_at": None}
