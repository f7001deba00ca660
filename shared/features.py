"""GeoJSON (RFC 7946) of people or points as the table it would be: a property is a column, a feature a row. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any

import orjson

from shared.refusal import Refusal

LON, LAT = "lon", "lat"
SEVERAL = ";"
"""Between the words of one cell."""
WORLD = ("CRS84", "EPSG::4326", "EPSG:4326")
"""Names of WGS 84 in the old member ``crs``; RFC 7946 knows no other."""

NO_FEATURES = (
    "geojson_features", "file", "ไฟล์นี้ไม่ใช่ GeoJSON แบบ FeatureCollection", "this file is no GeoJSON FeatureCollection",
)  # fmt: skip
OTHER_CRS = ("geojson_crs", "file", "พิกัดต้องเป็น WGS 84 (EPSG:4326)", "positions have to be in WGS 84 (EPSG:4326)")


def is_geojson(text: str) -> bool:
    """Whether this is an object of JSON; no head of a table begins so."""
    return text.lstrip().startswith("{")


def table_of(text: str) -> list[list[str]]:
    """The head and a row for each feature: its properties, then ``lon`` and ``lat`` of its point (empty without one).

    Raises:
        Refusal: no collection of features, positions in another system, or a feature of another shape than a point;
            names its row as the table has it (the first feature is row 2).

    """
    try:
        told = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise Refusal(*NO_FEATURES) from None
    features = told.get("features") if isinstance(told, dict) else None
    if not isinstance(features, list):
        raise Refusal(*NO_FEATURES)
    if not _of_the_world(told.get("crs")):
        raise Refusal(*OTHER_CRS)
    rows = [_row(number, one) for number, one in enumerate(features, 2)]
    columns = dict.fromkeys(name for row in rows for name in row)
    return [[*columns], *([row.get(name, "") for name in columns] for row in rows)]


def csv_of(rows: Iterable[Iterable[str]]) -> str:
    """The table as text, with commas."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _of_the_world(crs: Any) -> bool:
    match crs:
        case None:
            return True
        case {"properties": {"name": str() as name}}:
            return name.endswith(WORLD)
    return False


def _row(number: int, feature: Any) -> dict[str, str]:
    if not isinstance(feature, dict):
        raise _no_point(number)
    properties = feature.get("properties") or {}
    if not isinstance(properties, dict):
        raise _no_point(number)
    told = {name: _cell(value) for name, value in properties.items() if name not in (LON, LAT)}
    return told | _place(number, feature.get("geometry"))


def _place(number: int, geometry: Any) -> dict[str, str]:
    if geometry is None:
        return {LON: "", LAT: ""}
    if not isinstance(geometry, dict) or geometry.get("type") != "Point":
        raise _no_point(number)
    match geometry.get("coordinates"):
        case [int() | float() as lon, int() | float() as lat, *_]:
            return {LON: str(lon), LAT: str(lat)}
    raise _no_point(number)


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return SEVERAL.join(_cell(one) for one in value)
    return "" if value is None else str(value)


def _no_point(number: int) -> Refusal:
    return Refusal(
        "geojson_point",
        "file",
        f"แถว {number}: ต้องเป็นจุด (Point) หรือไม่มีพิกัด",
        f"row {number}: a Point is wanted, or no geometry",
    )
