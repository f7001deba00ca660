"""Policies compared on invented days: same calls, lawful days, and a table and plot that people can keep."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from karuna.simulate.policies import City, Day, calls_of, city_of, compare
from karuna.simulate.policies_report import HEADS, show, write
from shared.pack_parts import Targets
from shared.packs import load

PACK = load(Path(__file__).parents[2] / "deploy" / "areas" / "kalasin")


@pytest.fixture(scope="module")
def city() -> City:
    return city_of(PACK)


@pytest.fixture(scope="module")
def days(city: City) -> list[Day]:
    return compare(city, calls_of(city, 4, 220, 7), ["closest", "reassign", "full"], 8)


def test_every_call_is_reached_once_and_none_before_it_could_be(city: City, days: list[Day]) -> None:
    for day in days:
        assert len(day.response_s) == len(day.calls) > 700
        assert not [response for response in day.response_s if math.isnan(response) or response < 90]
    again = compare(city, calls_of(city, 4, 220, 7), ["full"], 8)
    assert again[0].response_s == days[2].response_s, "the same seed is the same days"


def test_taking_units_from_less_urgent_calls_brings_help_sooner_to_red_ones(days: list[Day]) -> None:
    closest, reassign, full = days
    assert (closest.taken, reassign.taken > 20, full.taken > 20) == (0, True, True)
    mean = {day.policy: sum(day.of(("red",))) / len(day.of(("red",))) for day in days}
    assert mean["reassign"] < mean["closest"]
    assert mean["full"] < mean["closest"]


def test_units_that_stand_elsewhere_after_a_call_reach_every_call_too(city: City) -> None:
    calls = calls_of(city, 4, 220, 7)
    [full, relocate] = compare(city, calls, ["full", "relocate"], 8)
    assert not [response for response in relocate.response_s if math.isnan(response)]
    assert relocate.response_s != full.response_s


def test_the_table_and_the_plot_can_be_kept(days: list[Day], tmp_path: Path) -> None:
    targets, about = Targets(), "เมือง <ทดสอบ> & town"
    table, plot = write(days, targets, about, tmp_path / "made" / "here")
    with table.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["policy"] for row in rows] == ["closest", "reassign", "full"]
    assert all(row[name] != "" for row in rows for name in HEADS)
    root = ET.fromstring(plot.read_text(encoding="utf-8"))  # noqa: S314 our own file
    assert len(root.findall("{http://www.w3.org/2000/svg}polyline")) == 3
    out = Console(record=True, width=100)
    show(days, targets, "x", out)
    assert "แดง ช้า" in out.export_text()
