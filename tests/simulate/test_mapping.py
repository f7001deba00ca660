"""Whoever brings a CSV of calls is told what is wrong with it, in Thai and English, with file and line."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from karuna.simulate.calls_file import box_of, read_calls
from karuna.simulate.mapping import read_mapping
from karuna.simulate.moving import Moved
from karuna.simulate.replay import body_of
from karuna.simulate.wrong import FileProblem
from shared.geo import Point, inside
from shared.packs import load
from tests.harness import ROOT

EXAMPLE = ROOT / "examples" / "sf-fire-calls.toml"
CALLS = ROOT / "examples" / "sf-fire-calls.csv"
SMALL = """
name = "town"
[columns]
call = "no"
time = "when"
kind = "type"
location = "place"
unit = "car"
unit_type = "sort"
[time]
format = "%Y-%m-%d %H:%M"
zone = "Europe/Berlin"
[kinds.FIRE]
kind = "hazard"
complaint = "ไฟไหม้"
[move_to]
area = "kalasin"
"""
HEAD = "no,when,type,place,car,sort\n"


@pytest.fixture
def mapping_file(tmp_path: Path) -> Path:
    path = tmp_path / "map.toml"
    path.write_text(SMALL, "utf-8")
    return path


def problem_with(mapping: Path, calls: Path | None = None) -> FileProblem:
    def read() -> None:
        found = read_mapping(mapping)
        if calls is not None:
            read_calls(calls, found)

    with pytest.raises(FileProblem) as caught:
        read()
    problem = caught.value
    assert any("\u0e00" <= sign <= "\u0e7f" for sign in problem.th)
    assert any(sign.isascii() and sign.isalpha() for sign in problem.en)
    assert problem.th in str(problem)
    assert problem.en in str(problem)
    return problem


def test_the_example_reads_whole() -> None:
    mapping = read_mapping(EXAMPLE)
    calls = read_calls(CALLS, mapping)

    assert len(calls) == 961  # 1,000 rows
    assert sum(len(call.units) for call in calls) == 1000
    assert all(call.severity in {"red", "yellow", "green"} for call in calls)
    assert all(later.at >= earlier.at for earlier, later in pairwise(calls))
    assert max(call.after_s for call in calls) == timedelta(minutes=120).total_seconds()
    assert {call.kind.kind.value for call in calls} == {"medical", "hazard"}


def test_every_place_of_the_example_comes_to_lie_inside_the_municipality() -> None:
    mapping, pack = read_mapping(EXAMPLE), load(ROOT / "deploy" / "areas" / "kalasin")
    moved = Moved(pack, mapping.move_to.source)
    places = [moved.point(call.place) for call in read_calls(CALLS, mapping) if call.place is not None]

    assert len(places) > 900
    assert all(inside(place, pack.boundary) for place in places)
    assert len({(place.lon, place.lat) for place in places}) > 800  # they are not heaped up


def test_rows_with_one_number_are_one_call_at_its_first_time(mapping_file: Path, tmp_path: Path) -> None:
    calls = tmp_path / "calls.csv"
    calls.write_text(
        HEAD + "7,2024-01-01 10:30,FIRE,,E1,engine\n7,2024-01-01 10:20,FIRE,,T1,truck\n6,2024-01-01 10:00,OTHER,,,\n",
        "utf-8",
    )
    first, second = read_calls(calls, read_mapping(mapping_file))

    assert (first.number, second.number) == ("6", "7")
    assert second.units == [("E1", "engine"), ("T1", "truck")]
    assert second.after_s == 20 * 60
    assert second.at.utcoffset() == timedelta(hours=1)


def test_a_call_is_invented_people_and_the_files_facts(mapping_file: Path, tmp_path: Path) -> None:
    calls = tmp_path / "calls.csv"
    calls.write_text(HEAD + "7,2024-01-01 10:30,FIRE,(52.5; 13.4),,\n8,2024-01-01 10:31,?,(52.6; 13.5),,\n", "utf-8")
    mapping = read_mapping(mapping_file)
    fire, other = read_calls(calls, mapping)
    moved = Moved(load(ROOT / "deploy" / "areas" / "kalasin"), box_of([fire, other]))

    body = body_of(fire, mapping, moved)
    assert body["external_refs"] == [{"system": "town", "number": "7"}]
    assert (body["kind"], body["complaint"], body["channel"]) == ("hazard", "ไฟไหม้", "file")
    assert "patient" not in body
    assert body["caller"]["phone"].startswith("090200")
    assert body_of(other, mapping, moved)["patient"]["name"] == "ผู้ป่วยสมมติ 8"


@pytest.mark.parametrize(
    ("change", "line", "said"),
    [
        (('call = "no"\n', ""), 3, "columns.call"),
        (('kind = "type"\n', 'knd = "type"\n'), 6, "columns.knd"),
        (('zone = "Europe/Berlin"', 'zone = "Europe/Berin"'), 12, "Europe/Berin"),
        (('kind = "hazard"', 'kind = "fire"'), 14, "kinds.FIRE.kind"),
        (('complaint = "ไฟไหม้"', 'complaint = "ไฟไหม้"\ncriteria_group = 11'), 16, "11"),
        (('area = "kalasin"', 'area = "kalasin"\nsource = { lon = [2, 1], lat = [3, 4] }'), 18, "move_to.source"),
        (('name = "town"', "name = town"), 2, "TOML"),
        (("[kinds.FIRE]", '[units.types.engine]\nvehicle = "fire_engin"\n[kinds.FIRE]'), 13, "fire_engin"),
        (('location = "place"', 'lat = "place"'), 3, "lat"),
    ],
)
def test_what_is_wrong_with_a_mapping_is_said_with_its_line(
    mapping_file: Path, change: tuple[str, str], line: int, said: str
) -> None:
    mapping_file.write_text(SMALL.replace(*change), "utf-8")
    problem = problem_with(mapping_file)

    assert said in problem.en
    assert problem.line == line
    assert str(problem).startswith(f"{mapping_file}:{line}: ")


@pytest.mark.parametrize(
    ("rows", "line", "said"),
    [
        ("nr,when,type,place,car,sort\n", 1, "no column no (call); there are: nr, when"),
        (HEAD + "7,2024-01-01 10:30,FIRE,,,\n8,01/02/2024,FIRE,,,\n", 3, "when: '01/02/2024' is no time of format"),
        (HEAD + "7,2024-01-01 10:30,FIRE,somewhere,,\n", 2, "no coordinates"),
        (HEAD + '7,2024-01-01 10:30,FIRE,"99.5, 13.4",,\n', 2, "no such place: 99.5"),
        (HEAD + "7,2024-01-01 10:30,FIRE\n", 2, "more or fewer fields"),
        (HEAD + ",2024-01-01 10:30,FIRE,,,\n", 2, "no: no call number"),
        (HEAD, 0, "no call in the file"),
    ],
)
def test_what_is_wrong_with_a_file_of_calls_is_said_with_its_line(
    mapping_file: Path, tmp_path: Path, rows: str, line: int, said: str
) -> None:
    calls = tmp_path / "calls.csv"
    calls.write_text(rows, "utf-8")
    problem = problem_with(mapping_file, calls)

    assert said in problem.en
    assert problem.line == line


def test_a_file_that_is_not_there_or_of_another_encoding_is_named(mapping_file: Path, tmp_path: Path) -> None:
    assert "cannot be opened" in problem_with(tmp_path / "none.toml").en
    assert "cannot be opened" in problem_with(mapping_file, tmp_path / "none.csv").en
    thai = tmp_path / "thai.csv"
    thai.write_bytes(HEAD.encode() + "7,2024-01-01 10:30,ไฟไหม้,,,\n".encode("tis-620"))
    assert "not readable as utf-8" in problem_with(mapping_file, thai).en


def test_places_are_moved_inside_wherever_they_come_from() -> None:
    pack = load(ROOT / "deploy" / "areas" / "kalasin")
    mapping = read_mapping(EXAMPLE)
    moved = Moved(pack, mapping.move_to.source)
    for lon in (-180, -122.6, -122.44, 0, 180):
        for lat in (-90, 37.75, 90):
            assert inside(moved.point(Point(lon, lat)), pack.boundary)
