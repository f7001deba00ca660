"""Files in the published formats are read as what they ask; drawn cases, written in them, stand for the published."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench import engine_cases
from bench.published import Best, best_of, case_of, summary
from services.dispatch.planning.checker import Verdict

Row = tuple[float, ...]


def _text(rows: list[Row]) -> str:
    return "\n".join(" ".join(f"{number:g}" for number in row) for row in rows) + "\n"


def _as_cordeau(case: dict[str, Any], *, depot_twice: bool) -> str:
    fleet, trips = case["vehicles"], case["trips"]
    first = fleet[0]
    head = (len(fleet), len(trips), first["max_duration_s"], first["capacity"]["seat"], trips[0]["max_ride_s"])
    depot = (0, first["start"]["x"], first["start"]["y"], 0, 0, *first["shift"])
    rows: list[Row] = [head, depot]
    for end, sign in (("pickup", 1), ("dropoff", -1)):
        for trip in trips:
            stop = trip[end]
            load = sign * trip["load"]["seat"]
            rows.append((len(rows) - 1, stop["x"], stop["y"], stop["service_s"], load, *stop["window"]))
    return _text([*rows, depot] if depot_twice else rows)


def _as_li_lim(case: dict[str, Any]) -> str:
    fleet, trips = case["vehicles"], case["trips"]
    first = fleet[0]
    rows: list[Row] = [(len(fleet), first["capacity"]["seat"], 1)]
    rows.append((0, first["start"]["x"], first["start"]["y"], 0, *first["shift"], 0, 0, 0))
    for number, trip in enumerate(trips):
        pickup, dropoff, load = trip["pickup"], trip["dropoff"], trip["load"]["seat"]
        at, to = 2 * number + 1, 2 * number + 2
        rows.append((to, dropoff["x"], dropoff["y"], -load, *dropoff["window"], dropoff["service_s"], at, 0))
        rows.append((at, pickup["x"], pickup["y"], load, *pickup["window"], pickup["service_s"], 0, to))
    return _text(rows)


def _rounded(case: dict[str, Any]) -> dict[str, Any]:
    """As six digits in a file leave it, without names."""

    def number(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: number(each) for key, each in value.items() if key != "id"}
        if isinstance(value, list):
            return [number(each) for each in value]
        return float(f"{value:g}") if isinstance(value, int | float) else value

    made = number(case)
    assert isinstance(made, dict)
    return made


@pytest.mark.parametrize("depot_twice", [False, True])
@pytest.mark.parametrize("wheelchairs", [False, True])
def test_a_dial_a_ride_case_is_read_as_it_was_written(*, wheelchairs: bool, depot_twice: bool) -> None:
    case = engine_cases.dial_a_ride(1, 24, 3, wheelchairs=wheelchairs)
    assert _rounded(case_of(_as_cordeau(case, depot_twice=depot_twice))) == _rounded(case)


@pytest.mark.parametrize("clustered", [False, True])
def test_a_case_of_goods_is_read_as_it_was_written(*, clustered: bool) -> None:
    case = engine_cases.pickup_and_delivery(1, 52, clustered=clustered)
    assert _rounded(case_of(_as_li_lim(case))) == _rounded(case)


def test_a_file_of_neither_format_says_so() -> None:
    with pytest.raises(ValueError, match="4 numbers"):
        case_of("1 2 3 4\n0 0 0 0 0 0 10\n")


def test_the_best_that_is_known_stands_beside_the_cases(tmp_path: Path) -> None:
    (tmp_path / "best.csv").write_text("name,vehicles,cost\none,,100\ntwo,3,200\n")
    assert best_of(tmp_path) == {"one": Best(None, 100.0), "two": Best(3, 200.0)}


def test_a_plan_with_more_vehicles_or_somebody_left_is_not_counted_as_near() -> None:
    def verdict(cost: float, vehicles: int, unserved: tuple[int, ...] = ()) -> Verdict:
        return Verdict([], [], unserved, cost, vehicles)

    best = Best(3, 100.0)
    found = [(best, verdict(101.0, 3)), (best, verdict(90.0, 4)), (best, verdict(80.0, 3, (7,)))]
    assert summary(found) == "mean 1.00 %, worst 1.00 %; 1 of 3 served all with the fewest vehicles known"
    assert [best.words(each) for _, each in found] == ["1.00 %", "-10.00 % +1 veh.", "1 left"]
