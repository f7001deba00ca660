"""Whom to send: by time, by what the town keeps, and from whom a unit may be taken."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from services.dispatch.emergencies.choice import Demand, Policy, Tuning, Unit, choose
from services.dispatch.emergencies.coverage import Reach, losses

POLICIES: tuple[Policy, ...] = ("closest", "dmexclp", "reassign", "full")
REACH = Reach(240, 480)


def expected_coverage(drive_s: np.ndarray, weight: np.ndarray, busy: float) -> float:
    """The definition, place by place: the k-th nearest unit counts with (1 - q) q^(k-1)."""
    near = -np.sort(-REACH.nearness(drive_s), axis=0)
    return sum(
        float(weight[place] * (1 - busy) * busy**k * near[k, place])
        for place in range(near.shape[1])
        for k in range(near.shape[0])
    )


@given(
    drive_s=arrays.arrays(np.float64, st.tuples(st.integers(1, 6), st.integers(1, 5)), elements=st.floats(0, 700)),
    busy=st.floats(0.0, 0.9),
    seed=st.integers(0, 9),
)
def test_a_units_loss_is_the_coverage_with_it_less_the_coverage_without(
    drive_s: np.ndarray, busy: float, seed: int
) -> None:
    weight = np.random.default_rng(seed).uniform(0.1, 3.0, drive_s.shape[1])
    whole = expected_coverage(drive_s, weight, busy)
    by_definition = [
        (whole - expected_coverage(np.delete(drive_s, unit, axis=0), weight, busy)) / weight.sum()
        for unit in range(drive_s.shape[0])
    ]
    assert losses(drive_s, weight, busy, REACH) == pytest.approx(by_definition, abs=1e-9)


def idle(name: str, eta_s: float, level: str = "bls") -> Unit:
    return Unit(name, level, "idle", eta_s)


def driving(name: str, eta_s: float, severity: str = "green", bumps: int = 0) -> Unit:
    return Unit(name, "bls", "driving", eta_s, severity, f"call-{name}", bumps=bumps)


def names(units: list[Unit], severity: str, policy: Policy, level: str | None = None) -> list[str]:
    return [choice.unit.id for choice in choose(units, severity, level, policy)]


def test_a_busy_unit_and_one_without_a_way_are_never_chosen() -> None:
    units = [Unit("busy", "als", "busy", 1.0, free_at_s=5.0), idle("far", float("inf")), idle("a", 500.0)]
    for policy in POLICIES:
        assert names(units, "red", policy) == ["a"]


def test_a_unit_is_taken_from_a_less_urgent_call_where_that_saves_a_minute() -> None:
    assert names([idle("a", 300.0), driving("b", 230.0)], "red", "reassign")[0] == "b"
    assert names([idle("a", 300.0), driving("b", 250.0)], "red", "reassign")[0] == "a"
    assert names([idle("a", 300.0), driving("b", 10.0)], "red", "closest") == ["a"]
    [first, *_] = choose([idle("a", 300.0), driving("b", 10.0)], "red", None, "full")
    assert first.reassigned_from == "call-b"


@pytest.mark.parametrize("severity", ["red", "yellow"])
def test_no_unit_is_taken_from_a_call_as_urgent_nor_twice_from_one_call(severity: str) -> None:
    assert names([idle("a", 900.0), driving("b", 1.0, severity)], severity, "full") == ["a"]
    assert names([idle("a", 900.0), driving("b", 1.0, "green", bumps=1)], severity, "full") == ["a"]


def test_a_unit_on_its_way_home_is_idle() -> None:
    [first, _] = choose([Unit("home", "bls", "driving", 100.0), idle("a", 200.0)], "red", None, "closest")
    assert (first.unit.id, first.reassigned_from) == ("home", None)


def test_those_below_the_level_come_last_and_are_still_sent_where_there_is_nobody_else() -> None:
    units = [idle("fr", 10.0, "fr"), idle("als", 700.0, "als"), idle("bls", 20.0, "bls")]
    assert names(units, "red", "full", "als") == ["als", "bls", "fr"]
    assert names([idle("fr", 10.0, "fr")], "red", "full", "als") == ["fr"]


def test_a_less_urgent_call_spares_the_only_unit_of_a_quarter() -> None:
    """Two units stand in the west, one in the east; the call is nearer to the one in the east."""
    drive_s = np.array([[60.0, 900.0], [60.0, 900.0], [900.0, 60.0]])
    demand = Demand(drive_s, np.array([1.0, 1.0]))
    units = [idle("west-1", 260.0), idle("west-2", 270.0), idle("east", 200.0)]
    assert choose(units, "green", None, "full", demand)[0].unit.id == "west-1"
    assert choose(units, "red", None, "full", demand)[0].unit.id == "east", (
        "an urgent call is not kept waiting a minute"
    )
    assert choose(units, "green", None, "reassign", demand)[0].unit.id == "east"
    late = [idle("west-1", 200.0 + Tuning().patient.detour_s + 1), idle("west-2", 800.0), idle("east", 200.0)]
    assert choose(late, "green", None, "full", demand)[0].unit.id == "east", "nobody waits for ever to spare a unit"


@given(
    etas=st.lists(st.floats(0, 2000), min_size=1, max_size=12),
    kinds=st.lists(st.sampled_from(["idle", "home", "green", "red", "busy"]), min_size=12, max_size=12),
    severity=st.sampled_from(["red", "yellow", "green"]),
    policy=st.sampled_from(POLICIES),
)
def test_every_choice_is_lawful_and_each_unit_stands_there_once(
    etas: list[float], kinds: list[str], severity: str, policy: Policy
) -> None:
    units = []
    for number, eta_s in enumerate(etas):
        kind = kinds[number]
        status = {"idle": "idle", "busy": "busy"}.get(kind, "driving")
        call = f"c{number}" if kind in {"green", "red"} else None
        units.append(Unit(f"u{number}", "bls", status, eta_s, kind if call else None, call))  # type: ignore[arg-type]
    found = choose(units, severity, None, policy)
    assert len({choice.unit.id for choice in found}) == len(found)
    assert [choice.score_s for choice in found] == sorted(choice.score_s for choice in found)
    assert {choice.unit.id for choice in found} >= {unit.id for unit in units if unit.idle}
    for choice in found:
        assert choice.unit.status != "busy"
        if choice.reassigned_from is not None:
            assert policy in {"reassign", "full"}
            assert (choice.unit.severity, severity) in {("green", "red"), ("green", "yellow")}
