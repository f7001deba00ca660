"""Which points lie in, or within some metres of, what was drawn. Shapely is loaded when somebody asks, not before.

Everything is laid on a plane at the middle of the drawing (equirectangular): exact to a metre within some tens of
kilometres, and a drawing larger than that is refused.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.registry.rules.locations import CELL_DEGREES
from shared.geo import METRES_PER_DEGREE, THAILAND_LAT, THAILAND_LON, Point
from shared.refusal import Refusal

MOST_POSITIONS = 100_000
MOST_CELLS = 4_000
"""About 1,100 square kilometres: a province's capital district."""

TOO_LARGE = Refusal(
    "too_large_area", "geojson", "พื้นที่ใหญ่เกินไป ให้แบ่งถามทีละส่วน", "the area is too large: ask for one part at a time"
)
NO_SHAPE = Refusal(
    "not_a_shape",
    "geojson",
    "ต้องเป็นรูปใน GeoJSON ที่มีพิกัดในประเทศไทย",
    "a GeoJSON geometry with positions in Thailand is wanted",
)


@dataclass(frozen=True, slots=True)
class Drawn:
    """What was drawn, on its plane, and the cells in which somebody near it may live."""

    shape: Any
    around: Any
    middle: Point
    within_m: float
    cells: list[str]

    def distances_m(self, lons: Sequence[float], lats: Sequence[float]) -> list[float | None]:
        """How far each point is, 0 inside; None for what lies further than asked."""
        import shapely  # noqa: PLC0415 see above

        wide, high = _scales(self.middle)
        xs = [(lon - self.middle.lon) * wide for lon in lons]
        ys = [(lat - self.middle.lat) * high for lat in lats]
        near = shapely.intersects_xy(self.around, xs, ys)
        found: list[float | None] = [None] * len(lons)
        places = [number for number, is_near in enumerate(near) if is_near]
        if places:
            dots = shapely.points([xs[n] for n in places], [ys[n] for n in places])
            for number, metres in zip(places, shapely.distance(self.shape, dots), strict=True):
                found[number] = float(metres) if metres <= self.within_m else None
        return found


def drawn(document: Mapping[str, Any], within_m: float) -> Drawn:
    """What to look near to, from GeoJSON (a geometry, a Feature or a FeatureCollection).

    Raises:
        Refusal: it cannot be read, lies elsewhere, or is too large.

    """
    import shapely  # noqa: PLC0415 see above
    from shapely.geometry import shape  # noqa: PLC0415

    try:
        shapes = [shape(geometry) for geometry in _geometries(document)]
        if not shapes or any(one.is_empty for one in shapes):
            raise NO_SHAPE
        if sum(shapely.get_num_coordinates(one) for one in shapes) > MOST_POSITIONS:
            raise TOO_LARGE
        whole = shapely.union_all([shapely.make_valid(one) for one in shapes])
        west, south, east, north = whole.bounds
    except (shapely.errors.ShapelyError, ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError):
        raise NO_SHAPE from None
    inside_lon = THAILAND_LON[0] <= west <= east <= THAILAND_LON[1]
    if not (inside_lon and THAILAND_LAT[0] <= south <= north <= THAILAND_LAT[1]):
        raise NO_SHAPE
    middle = Point((west + east) / 2, (south + north) / 2)
    wide, high = _scales(middle)
    factors = [wide, high]
    flat = shapely.transform(whole, lambda at: (at - [middle.lon, middle.lat]) * factors)
    around = flat.buffer(within_m, quad_segs=4) if within_m else flat
    # A circle of straight pieces lies inside the true one: a little more is taken, the distance then decides.
    around = around.buffer(within_m * 0.03 + 0.01)
    shapely.prepare(around)
    return Drawn(flat, around, middle, within_m, _cells(around, middle))


def _geometries(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    kind = document.get("type")
    if kind == "FeatureCollection":
        for feature in document["features"]:
            yield feature["geometry"]
    elif kind == "Feature":
        yield document["geometry"]
    else:
        yield document


def _cells(around: Any, middle: Point) -> list[str]:
    import shapely  # noqa: PLC0415 see above

    wide, high = _scales(middle)
    west, south, east, north = around.bounds
    columns = _span(west / wide + middle.lon, east / wide + middle.lon)
    rows = _span(south / high + middle.lat, north / high + middle.lat)
    if len(columns) * len(rows) > 4 * MOST_CELLS:
        raise TOO_LARGE
    places = [(column, row) for column in columns for row in rows]
    x = [(column * CELL_DEGREES - middle.lon) * wide for column, _ in places]
    y = [(row * CELL_DEGREES - middle.lat) * high for _, row in places]
    side_x, side_y = CELL_DEGREES * wide, CELL_DEGREES * high
    boxes = shapely.box(x, y, [one + side_x for one in x], [one + side_y for one in y])
    touched = [
        f"{column},{row}" for (column, row), hit in zip(places, shapely.intersects(around, boxes), strict=True) if hit
    ]
    if len(touched) > MOST_CELLS:
        raise TOO_LARGE
    return touched


def _span(low: float, high: float) -> range:
    return range(math.floor(low / CELL_DEGREES), math.floor(high / CELL_DEGREES) + 1)


def _scales(middle: Point) -> tuple[float, float]:
    """Metres of a degree of longitude and of latitude there."""
    return METRES_PER_DEGREE * math.cos(math.radians(middle.lat)), METRES_PER_DEGREE
