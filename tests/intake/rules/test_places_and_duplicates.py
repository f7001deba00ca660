"""Is the place ours, and may the call be the same as an earlier one?"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.rules.duplicates import CallFacts, candidates, score
from services.intake.rules.service_area import check, lies_in
from shared.geo import Point
from shared.packs import load

KALASIN = load(Path(__file__).parents[3] / "deploy" / "areas" / "kalasin")
CENTRE, FAR = Point(103.506, 16.434), Point(103.7, 16.434)
ON_EDGE = KALASIN.boundary[0][0][3]


@pytest.mark.parametrize(
    ("where", "status", "by"),
    [
        ({"point": CENTRE}, "inside", "point"),
        ({"point": FAR}, "outside", "point"),
        ({"point": ON_EDGE}, "undecided", "point"),
        ({"point": FAR, "community": "donkaruna", "tambon_code": "460101"}, "outside", "point"),
        ({"community": "donkaruna"}, "inside", "community"),
        ({"community": "ชุมชนหลุบสามัคคี", "tambon_code": "460103"}, "inside", "community"),
        ({"community": "ที่อื่น", "tambon_code": "460103"}, "undecided", "tambon"),
        ({"tambon_code": "460101"}, "inside", "tambon"),
        ({"tambon_code": "460102"}, "undecided", "tambon"),
        ({"tambon_code": "460301"}, "outside", "tambon"),
        ({}, "undecided", "nothing"),
    ],
)
def test_the_best_evidence_decides(where, status, by):
    found = check(KALASIN, **where)
    assert (found.status, found.by) == (status, by)
    assert found.served == (status != "outside")
    assert bool(found.ask) == (status == "undecided")
    assert bool(found.partners) == (status == "outside")


NUAMAI = {"lon": 103.4996, "lat": 16.4486}  # in the village 46010205, too


@pytest.mark.parametrize(
    ("told", "codes"),
    [
        (NUAMAI, ["46010205", "kalasin:nuamai"]),
        ({**NUAMAI, "community": "kalasin:donkaruna"}, ["46010205", "kalasin:donkaruna"]),
        ({**NUAMAI, "community": "ที่ไหนสักแห่ง"}, ["46010205"]),
        ({**NUAMAI, "tambon_code": "460102"}, ["46010205", "kalasin:nuamai"]),
        ({**NUAMAI, "tambon_code": "460101"}, ["kalasin:nuamai"]),
        ({**NUAMAI, "tambon_code": "460102", "address": "๑๒ หมู่ที่ ๗"}, ["46010207", "kalasin:nuamai"]),
        ({"tambon_code": "460102", "address": "99/1 ม.7 ถ.ริมคลอง"}, ["46010207"]),
        ({"address": "99/1 ม.7"}, []),
        ({"tambon_code": "460102", "address": "99 ม.120"}, []),
        ({"community": "kalasin:donkaruna"}, ["kalasin:donkaruna"]),
        ({"lon": FAR.lon, "lat": FAR.lat}, []),
        ({}, []),
    ],
)
def test_what_was_said_of_a_place_stands_and_boundaries_say_the_rest(told, codes):
    nothing = dict.fromkeys(("lat", "lon", "tambon_code", "community", "address"))
    assert lies_in(KALASIN, {**nothing, **told}) == codes


def test_a_tambon_partly_inside_asks_for_the_community_or_a_point():
    assert check(KALASIN, tambon_code="460102").ask == ("community", "point")


def test_outside_the_neighbour_comes_before_1669():
    assert [each.code for each in check(KALASIN, point=FAR, tambon_code="460105").partners] == [
        "lamphan_sample",
        "centre_1669",
    ]


NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
NEW = CallFacts("new", NOW, CENTRE, phone="+66812345678", kind="medical", group=24)


def old(**more):
    return replace(NEW, **{"id": "old", "received_at": NOW - timedelta(minutes=5), **more})


def metres_east(metres):
    return Point(CENTRE.lon + metres / 106_700, CENTRE.lat)


@pytest.mark.parametrize(
    ("earlier", "strength"),
    [
        (old(), "strong"),
        (old(point=FAR), "strong"),
        (old(received_at=NOW - timedelta(minutes=29), point=None, kind="hazard", group=None), "strong"),
        (old(phone="+66899999999"), "strong"),
        (old(phone=None, group=None, point=metres_east(50)), "possible"),
        (old(phone=None, point=None, community="x"), None),
        (old(phone=None, point=metres_east(400)), None),
        (old(received_at=NOW - timedelta(minutes=31)), None),
        (old(exercise=True), None),
        (old(id="new"), None),
    ],
)
def test_how_likely_two_calls_are_one(earlier, strength):
    found = score(NEW, earlier)
    assert (found.strength if found else None) == strength
    if found:
        assert all(reason.th and reason.en for reason in found.reasons)


def test_the_likeliest_come_first_and_are_few():
    many = [old(id=f"old-{n}", phone=None, point=metres_east(n * 10)) for n in range(10)]
    found = candidates(NEW, many)
    assert [each.call_id for each in found] == [f"old-{n}" for n in range(5)]


@given(st.floats(0, 300), st.floats(0, 300), st.integers(0, 30), st.integers(0, 30))
def test_nearer_in_place_and_time_is_never_less_likely(metres_1, metres_2, minutes_1, minutes_2):
    def points(metres, minutes):
        found = score(NEW, old(phone=None, point=metres_east(metres), received_at=NOW - timedelta(minutes=minutes)))
        return found.points if found else 0

    near = points(min(metres_1, metres_2), min(minutes_1, minutes_2))
    assert near >= points(max(metres_1, metres_2), max(minutes_1, minutes_2))
