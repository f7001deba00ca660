"""Points, distances and polygons."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
