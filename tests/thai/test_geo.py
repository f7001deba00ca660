"""Points, distances and polygons."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.area_shapes import Shape, lying_in, shape_of, smallest
from shared.geo import METRES_PER_DEGREE, Point, distance_m, distance_to_edge_m, inside, read_point
from shared.refusal import Refusal

SQUARE = ((Point(103.0, 16.0), Point(104.0, 16.0), Point(104.0, 17.0), Point(103.0, 17.0)),)
WITH_HOLE = (*SQUARE, (Point(103.4, 16.4), Point(103.6, 16.4), Point(103.6, 16.6), Point(103.4, 16.6)))
LONS, LATS = st.floats(102.5, 104.5), st.floats(15.5, 17.5)


@given(LONS, LATS)
def test_a_square_holds_what_lies_between_its_sides(lon, lat):
    assert inside(Point(lon, lat), [SQUARE]) == (103.0 <= lon < 104.0 and 16.0 <= lat < 17.0)


@given(
    st.lists(st.floats(0, 2 * math.pi, exclude_max=True), min_size=3, max_size=9, unique=True),
    LONS,
    LATS,
    st.integers(0, 8),
)
def test_where_a_ring_begins_and_which_way_it_runs_does_not_matter(angles, lon, lat, shift):
    ring = tuple(Point(103.5 + 0.4 * math.cos(a), 16.5 + 0.4 * math.sin(a)) for a in sorted(angles))
    shift %= len(ring)
    point = Point(lon, lat)
    assert inside(point, [(ring,)]) == inside(point, [(ring[shift:] + ring[:shift],)]) == inside(point, [(ring[::-1],)])


def test_a_hole_is_outside():
    assert not inside(Point(103.5, 16.5), [WITH_HOLE])
    assert inside(Point(103.2, 16.5), [WITH_HOLE])


def test_distances():
    bangkok, kalasin = Point(100.5018, 13.7563), Point(103.5060, 16.4340)
    assert distance_m(bangkok, kalasin) == pytest.approx(438_000, rel=0.01)
    assert distance_m(kalasin, kalasin) == 0
    assert distance_to_edge_m(Point(103.5, 16.1), [SQUARE]) == pytest.approx(0.1 * METRES_PER_DEGREE, rel=0.001)
    assert distance_to_edge_m(Point(103.5, 16.45), [WITH_HOLE]) == pytest.approx(0.05 * METRES_PER_DEGREE, rel=0.001)


@pytest.mark.parametrize(
    ("lon", "lat", "code"),
    [
        (16.434, 103.506, "point_swapped"),
        (0.0, 0.0, "point_abroad"),
        (-103.5, 16.4, "point_abroad"),
        (101.0, 10.5, "point_in_sea"),
        (97.8, 6.5, "point_in_sea"),
        (math.nan, 16.0, "not_a_point"),
        (103.5, math.inf, "not_a_point"),
    ],
)
def test_a_point_that_cannot_be_is_refused_by_name(lon, lat, code):
    with pytest.raises(Refusal) as refused:
        read_point(lon, lat, "location.lat")
    assert (refused.value.code, refused.value.field) == (code, "location.lat")


ISLANDS_AND_COASTS = {
    "Kalasin": (103.506, 16.434), "Ko Samui": (100.01, 9.51), "Ko Tao": (99.84, 10.09), "Ko Chang": (102.31, 12.05),
    "Ko Kut": (102.56, 11.66), "Ko Samet": (101.45, 12.57), "Ko Lan": (100.78, 12.92), "Sattahip": (100.9, 12.6),
    "Hua Hin": (99.96, 12.57), "Songkhla": (100.6, 7.2), "Narathiwat": (101.82, 6.43), "Pattani": (101.25, 6.9),
    "Laem Talumphuk": (100.26, 8.5), "Phuket": (98.39, 7.88), "Ko Similan": (97.64, 8.65), "Ko Surin": (97.87, 9.42),
    "Ko Lipe": (99.3, 6.49), "Ko Phi Phi": (98.77, 7.74), "Ko Racha": (98.37, 7.6), "Ko Rok": (99.07, 7.21),
    "Betong": (101.07, 5.77), "Mae Sai": (99.88, 20.43), "Khong Chiam": (105.5, 15.32), "Chumphon": (99.25, 10.5),
}  # fmt: skip


@pytest.mark.parametrize("place", ISLANDS_AND_COASTS)
def test_no_island_and_no_coast_is_taken_for_the_sea(place):
    assert read_point(*ISLANDS_AND_COASTS[place])


def square(code: str, kind: str, west: float, south: float, side: float = 0.01) -> Shape:
    east, north = west + side, south + side
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return shape_of(code, kind, {"type": "Polygon", "coordinates": [ring]})


RIVER, HILL = square("kalasin:river", "community", 103.50, 16.40), square("kalasin:hill", "community", 103.51, 16.40)
VILLAGE = square("46010103", "village", 103.49, 16.39, 0.05)


def test_a_point_lies_in_one_area_of_each_kind() -> None:
    shapes = (RIVER, HILL, VILLAGE)
    assert lying_in(Point(103.505, 16.405), shapes) == {"community": "kalasin:river", "village": "46010103"}
    assert lying_in(Point(103.495, 16.395), shapes) == {"village": "46010103"}
    assert lying_in(Point(103.6, 16.405), shapes) == {}
    assert smallest(lying_in(Point(103.505, 16.405), shapes)) == "kalasin:river"
    assert smallest(lying_in(Point(103.495, 16.395), shapes)) == "46010103"
    assert smallest({}) is None


def test_what_may_lie_across_an_edge_lies_nowhere() -> None:
    near_the_hill = Point(103.5099, 16.405)  # some 11 m from where the next community begins
    assert lying_in(near_the_hill, (RIVER, HILL))["community"] == "kalasin:river"
    assert lying_in(near_the_hill, (RIVER, HILL), within_m=5)["community"] == "kalasin:river"
    assert lying_in(near_the_hill, (RIVER, HILL, VILLAGE), within_m=15) == {"village": "46010103"}
    outside = Point(103.4999, 16.405)
    assert lying_in(outside, (RIVER,), within_m=15) == {}


def test_two_of_a_kind_that_overlap_say_nothing() -> None:
    other = square("kalasin:other", "community", 103.504, 16.404)
    assert lying_in(Point(103.505, 16.405), (RIVER, other, VILLAGE)) == {"village": "46010103"}


def test_a_hole_is_not_inside() -> None:
    ring = [[103.5, 16.4], [103.6, 16.4], [103.6, 16.5], [103.5, 16.4]]
    hole = [[103.55, 16.42], [103.56, 16.42], [103.56, 16.43], [103.55, 16.42]]
    shape = shape_of("kalasin:a", "community", {"type": "MultiPolygon", "coordinates": [[ring, hole]]})
    assert lying_in(Point(103.558, 16.425), (shape,)) == {}
    assert lying_in(Point(103.58, 16.44), (shape,)) == {"community": "kalasin:a"}


@pytest.mark.parametrize(
    "geometry",
    [
        {}, {"type": "Point", "coordinates": [103.5, 16.4]}, {"type": "Polygon"}, {"type": "Polygon", "coordinates": []},
        {"type": "Polygon", "coordinates": [[[103.5, 16.4], [103.6, 16.4], [103.6, 16.5], [103.5, 16.5]]]},
        {"type": "Polygon", "coordinates": [[[103.5, 16.4], [103.6, 16.4], [103.5, 16.4]]]},
        {"type": "Polygon", "coordinates": [[[16.4, 103.5], [16.4, 103.6], [16.5, 103.6], [16.4, 103.5]]]},
        {"type": "Polygon", "coordinates": [["north", "east", "south", "north"]]},
        {"type": "Polygon", "coordinates": [[[None, 1], [2, 3], [3, 4], [None, 1]]]},
        {"type": ["Polygon"], "coordinates": []}, {"type": "MultiPolygon", "coordinates": [[]]},
    ],
)  # fmt: skip
def test_what_is_no_closed_polygon_in_the_country_is_refused(geometry: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        shape_of("kalasin:a", "community", geometry)
