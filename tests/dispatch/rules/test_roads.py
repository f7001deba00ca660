"""Travel times on roads: an invented grid whose answers can be worked out by hand, and files that cannot be used."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from services.dispatch.rules.ranking import GreatCircle
from services.dispatch.travel.road_files import Segment
from services.dispatch.travel.roads import Roads, build, load
from shared.geo import Point, distance_m
from shared.packs import PackError

HERE = Point(103.5, 16.4)
STEP = 0.005
"""Degrees between crossings: some 550 metres."""
BEYOND = GreatCircle(1.4, 50 / 3.6, 35 / 3.6)


def at(column: int, row: int) -> Point:
    return Point(HERE.lon + column * STEP, HERE.lat + row * STEP)


def town(size: int = 5, **oneway: bool) -> Roads:
    """A grid of streets at 36 km/h (72 with lights), ``size`` × ``size`` crossings."""
    segments = []
    for column in range(size):
        for row in range(size):
            if column + 1 < size:
                segments.append(Segment(at(column, row), at(column + 1, row), 36, 72, oneway.get("east", False)))
            if row + 1 < size:
                segments.append(Segment(at(column, row), at(column, row + 1), 36, 72, False))
    return build(segments, BEYOND)


def test_a_way_around_the_block_is_as_long_as_its_streets() -> None:
    roads = town()
    [travel] = roads.to([at(0, 0)], at(3, 2), urgent=False)
    metres = distance_m(at(0, 0), at(3, 0)) + distance_m(at(3, 0), at(3, 2))
    assert travel.source == "roads"
    assert travel.distance_m == pytest.approx(metres, rel=1e-3)
    assert travel.duration_s == pytest.approx(metres / 10, rel=1e-3)
    [lights] = roads.to([at(0, 0)], at(3, 2), urgent=True)
    assert lights.duration_s == pytest.approx(travel.duration_s / 2, rel=1e-3)


def test_a_table_says_what_each_question_would() -> None:
    roads = town()
    points = [at(0, 0), at(3, 2), Point(at(2, 0).lon, at(2, 0).lat + 0.001), at(3, 2), Point(HERE.lon, HERE.lat + 0.1)]
    for urgent in (False, True):
        table = roads.table(points, urgent=urgent)
        for column, end in enumerate(points):
            asked = roads.to(points, end, urgent=urgent)
            away = [row for row, start in enumerate(points) if start != end]
            assert table.duration_s[away, column] == pytest.approx([asked[row].duration_s for row in away])
            assert table.distance_m[away, column] == pytest.approx([asked[row].distance_m for row in away])
        assert table.sources == {"roads", "great_circle"}
        assert roads.table(points[:4], urgent=urgent).sources == {"roads"}
    straight = BEYOND.table(points, urgent=True)
    asked = BEYOND.to(points, points[0], urgent=True)
    assert straight.duration_s[:, 0] == pytest.approx([each.duration_s for each in asked])


def test_one_way_streets_are_longer_one_way() -> None:
    segments = [
        Segment(at(0, 0), at(1, 0), 36, 72, True),
        Segment(at(1, 0), at(1, 1), 36, 72, False),
        Segment(at(1, 1), at(0, 1), 36, 72, False),
        Segment(at(0, 1), at(0, 0), 36, 72, False),
    ]
    roads = build(segments, BEYOND)
    [there] = roads.to([at(0, 0)], at(1, 0), urgent=False)
    [back] = roads.to([at(1, 0)], at(0, 0), urgent=False)
    assert back.distance_m == pytest.approx(3 * there.distance_m, rel=0.05)


def test_where_no_road_is_near_or_none_leads_there_the_straight_line_says_so() -> None:
    island = [Segment(at(0, 0), at(1, 0), 36, 72, False), Segment(at(20, 0), at(21, 0), 36, 72, False)]
    roads = build(island, BEYOND)
    far = Point(HERE.lon, HERE.lat + 0.1)
    assert [travel.source for travel in roads.to([at(0, 0), far], at(1, 0), urgent=False)] == ["roads", "great_circle"]
    assert roads.to([at(0, 0)], at(21, 0), urgent=False) == BEYOND.to([at(0, 0)], at(21, 0), urgent=False)
    assert roads.to([at(0, 0)], far, urgent=True)[0].source == "great_circle"
    assert list(roads.to([], at(1, 0), urgent=True)) == []


def test_the_last_metres_to_the_door_are_counted() -> None:
    door = Point(at(2, 0).lon, at(2, 0).lat + 0.001)
    [travel] = town().to([at(0, 0)], door, urgent=False)
    [street] = town().to([at(0, 0)], at(2, 0), urgent=False)
    walk = distance_m(at(2, 0), door) * BEYOND.factor
    assert travel.distance_m == pytest.approx(street.distance_m + walk)
    assert travel.duration_s == pytest.approx(street.duration_s + walk / BEYOND.ordinary_m_s)


def test_of_two_roads_between_the_same_crossings_the_quicker_counts() -> None:
    two = [Segment(at(0, 0), at(1, 0), 20, 40, False), Segment(at(0, 0), at(1, 0), 60, 60, False)]
    for order in (two, two[::-1]):
        [travel] = build(order, BEYOND).to([at(0, 0)], at(1, 0), urgent=False)
        assert travel.duration_s == pytest.approx(travel.distance_m / (60 / 3.6), rel=1e-6)


def written(folder: Path, features: list[Any]) -> Path:
    (folder / "roads.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return folder


def line(points: list[Any], **said: Any) -> dict[str, Any]:
    return {"type": "Feature", "geometry": {"type": "LineString", "coordinates": points}, "properties": said}


def test_roads_come_from_geojson_and_csv_of_the_pack(tmp_path: Path) -> None:
    assert load(tmp_path, BEYOND) is None
    points = [[at(0, 0).lon, at(0, 0).lat, 12.5], [at(1, 0).lon, at(1, 0).lat], [at(2, 0).lon, at(2, 0).lat]]
    signal = {"type": "Feature", "geometry": {"type": "Point", "coordinates": points[0]}, "properties": {}}
    roads = load(written(tmp_path, [signal, line(points, highway="residential")]), BEYOND)
    assert roads is not None
    [travel] = roads.to([at(0, 0)], at(2, 0), urgent=False)
    assert travel.duration_s == pytest.approx(travel.distance_m / (25 / 3.6), rel=1e-6)
    [urgent] = roads.to([at(0, 0)], at(2, 0), urgent=True)
    assert urgent.duration_s == pytest.approx(travel.duration_s * 35 / 50, rel=1e-6)

    (tmp_path / "roads.geojson").unlink()
    start, end = at(0, 0), at(1, 0)
    table = f"from_lon,from_lat,to_lon,to_lat,speed_km_h,oneway\n{end.lon},{end.lat},{start.lon},{start.lat},72,-1\n"
    (tmp_path / "roads.csv").write_text(table, encoding="utf-8-sig")
    roads = load(tmp_path, BEYOND)
    assert roads is not None
    assert roads.to([start], end, urgent=False)[0].duration_s == pytest.approx(distance_m(start, end) / 20, rel=1e-6)
    assert roads.to([end], start, urgent=False)[0].source == "great_circle", "it leads there only"


@pytest.mark.parametrize(
    ("feature", "where"),
    [
        (line([[103.5, 16.4], [103.6, 96.4]]), "features.0"),
        (line([[103.5, "north"], [103.6, 16.4]]), "features.0"),
        (line([[103.5, 16.4], [103.6, 16.4]], speed_km_h=900), "features.0"),
        (line([[103.5], [103.6]]), "features.0"),
        ({"type": "Feature", "properties": {}}, "features.0"),
        (line([[103.5, 16.4]]), ""),
    ],
)
def test_a_road_that_cannot_be_used_is_named(tmp_path: Path, feature: dict[str, Any], where: str) -> None:
    with pytest.raises(PackError) as refused:
        load(written(tmp_path, [feature]), BEYOND)
    assert (refused.value.file, refused.value.field) == ("roads.geojson", where)
    assert refused.value.th


@pytest.mark.parametrize("text", ["{", "[]", '{"features": 3}'])
def test_a_file_that_is_no_map_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "roads.geojson").write_text(text)
    with pytest.raises(PackError, match=r"roads\.geojson"):
        load(tmp_path, BEYOND)
