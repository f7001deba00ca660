"""The invented municipality is called for in the proportions of the published figures, and by people who forget."""

from __future__ import annotations

import random
from collections import Counter
from datetime import datetime, timedelta

import pytest

from karuna.simulate.mix import HOURS, SEVERITIES, Body, Town, dated, moments
from services.intake.bodies import CallBody
from services.intake.rules.triage import triage
from shared.geo import Point, inside
from shared.packs import load
from shared.thai.dates import BANGKOK
from tests.harness import ROOT

PACK = load(ROOT / "deploy" / "areas" / "kalasin")
FACILITIES = ["01890000-0000-7000-8000-000000000001"]


def calls(count: int, seed: int = 1) -> list[Body]:
    town = Town(PACK, FACILITIES, random.Random(seed))
    return [make() for _ in range(count) for make in town.matter()]


def test_every_invented_call_is_a_call_of_the_contract_inside_the_municipality() -> None:
    for body in calls(150):
        CallBody.model_validate(body)
        if "lat" in body["location"]:
            assert inside(Point(body["location"]["lon"], body["location"]["lat"]), PACK.boundary)


def test_emergencies_come_in_the_published_proportions() -> None:
    town = Town(PACK, FACILITIES, random.Random(3))
    emergencies = [town.emergency() for _ in range(1500)]
    groups = Counter(body["triage"]["criteria_group"] for body in emergencies)
    assert groups[25] / 1500 == pytest.approx(0.256, abs=0.04)  # traffic
    assert groups[1] / 1500 == pytest.approx(0.106, abs=0.03)  # abdominal pain
    assert groups[5] / 1500 == pytest.approx(0.078, abs=0.03)  # difficulty breathing

    asked = [body["triage"] for body in emergencies if body["triage"]["answers"]]
    urgent = [triage(each["criteria_group"], each["answers"]).severity in {"red", "yellow"} for each in asked]
    assert sum(urgent) / len(urgent) == pytest.approx(0.87, abs=0.05)
    assert SEVERITIES["red"] + SEVERITIES["yellow"] == 87


def test_afternoons_are_busy_and_the_rate_is_the_one_asked_for() -> None:
    start = datetime(2026, 1, 5, tzinfo=BANGKOK)
    times = moments(700, 5.3, start, random.Random(2))
    assert len(times) == pytest.approx(700 * 5.3, rel=0.06)
    assert sum(12 <= at.hour < 18 for at in times) / len(times) == pytest.approx(0.365, abs=0.03)
    assert sum(HOURS[12:18]) / sum(HOURS) == pytest.approx(0.365, abs=0.002)
    assert times == sorted(times)
    assert start <= times[0] < times[-1] < start + timedelta(days=700)


def test_callers_leave_things_out_and_some_matters_are_called_twice() -> None:
    town = Town(PACK, FACILITIES, random.Random(5))
    matters = [town.matter() for _ in range(300)]
    bodies = [make() for matter in matters for make in matter]
    emergencies = [body for body in bodies if body["kind"] == "medical"]
    assert any(len(matter) == 2 for matter in matters)
    assert any("patient" not in body for body in emergencies)
    assert any("lat" not in body["location"] for body in emergencies)
    assert any(not body["triage"]["answers"] for body in emergencies if "triage" in body)


def test_a_ride_is_dated_when_it_is_sent() -> None:
    ride = Town(PACK, FACILITIES, random.Random(1)).ride()
    at = datetime.fromisoformat(dated(ride)["appointment"]["at"])
    assert timedelta(minutes=80) < at - datetime.now(BANGKOK) < timedelta(minutes=120)
    assert "at" not in ride["appointment"]


def test_the_same_seed_gives_the_same_calls() -> None:
    def timeless(bodies: list[Body]) -> list[Body]:
        return [{name: value for name, value in body.items() if name != "appointment"} for body in bodies]

    assert timeless(calls(50, seed=9)) == timeless(calls(50, seed=9))
    assert timeless(calls(50, seed=9)) != timeless(calls(50, seed=8))
