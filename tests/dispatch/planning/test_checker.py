"""The checker is exact: it agrees with a linear program, and with what a person would find on the map."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from services.dispatch.planning.checker import check, times_of
from services.dispatch.planning.problem import Problem, Rest, Route, Stop, Trip, Vehicle
from tests.dispatch.planning.cases import problems

QUIET = settings(max_examples=120, deadline=None, derandomize=True, database=None)


def by_linear_program(problem: Problem, vehicle: Vehicle, route: Route) -> np.ndarray | None:
    """Least times of leaving, each stop, and coming home, written down from the contract's words alone."""
    stops = [problem.trips[t].pickup if pickup else problem.trips[t].dropoff for t, pickup in route]
    places = [vehicle.start, *(stop.place for stop in stops), vehicle.end]
    rows, limits = [], []

    def at_most(later: int, earlier: int, gap: float) -> None:
        """x[later] - x[earlier] ≤ gap."""
        if np.isfinite(gap):
            row = np.zeros(len(places))
            row[later], row[earlier] = 1, -1
            rows.append(row)
            limits.append(gap)

    for at in range(len(places) - 1):
        service = stops[at - 1].service_s if at else 0
        at_most(at, at + 1, -(service + problem.duration_s[places[at], places[at + 1]]))
    for at, (trip, pickup) in enumerate(route, 1):
        if not pickup:
            begun = 1 + route.index((trip, True))
            asked = problem.trips[trip]
            at_most(at, begun, asked.pickup.service_s + min(asked.max_ride_s, vehicle.max_ride_s))
    at_most(len(places) - 1, 0, vehicle.max_duration_s)
    bounds = [vehicle.shift, *(stop.window for stop in stops), vehicle.shift]
    solved = linprog(np.ones(len(places)), A_ub=np.array(rows), b_ub=np.array(limits), bounds=bounds)
    return solved.x if solved.status == 0 else None


@given(problem=problems(most_trips=4, most_vehicles=1), data=st.data())
@QUIET
def test_times_are_those_of_a_linear_program_or_there_are_none(problem: Problem, data: st.DataObject) -> None:
    order = data.draw(st.permutations([(t, p) for t in range(len(problem.trips)) for p in (True, False)]))
    route = sorted(order, key=lambda visit: (order.index((visit[0], True)), not visit[1]) if not visit[1] else (
        order.index(visit), False))  # fmt: skip
    if data.draw(st.booleans()):
        route = [v for v in order if v[1]] + [v for v in order if not v[1]]
    driven = times_of(problem, problem.vehicles[0], route)
    expected = by_linear_program(problem, problem.vehicles[0], route)
    assert (driven is None) == (expected is None)
    if driven is not None and expected is not None:
        assert [stop.begin_s for stop in driven.stops] == pytest.approx(list(expected[1:-1]))
        assert driven.home_s == pytest.approx(expected[-1])
        assert driven.home_s - driven.leave_s <= problem.vehicles[0].max_duration_s + 1e-6
        assert driven.stops[0].arrive_s == pytest.approx(driven.stops[0].begin_s)


WAY = np.array([[0.0, 10.0, 20.0], [10.0, 0.0, 10.0], [20.0, 10.0, 0.0]])


def one(**changes: Any) -> Problem:
    """One seat from place 1 to place 2, home at 0."""
    trip = {"load": {"seat": 1.0}, "max_ride_s": 15.0, "skills": frozenset()} | changes.pop("trip", {})
    vehicle = {"capacity": {"seat": 1.0}, "shift": (0.0, 100.0)} | changes.pop("vehicle", {})
    windows = {"pickup": (0.0, 100.0), "dropoff": (0.0, 100.0)} | changes
    made = Trip("t", Stop(1, windows["pickup"], 2.0), Stop(2, windows["dropoff"], 2.0), **trip)
    return Problem([Vehicle("v", 0, 0, **vehicle)], [made], WAY, WAY)


WHOLE = [(0, True), (0, False)]


def test_a_plan_that_holds_has_its_cost_and_schedule() -> None:
    verdict = check(one(dropoff=(50.0, 60.0)), [WHOLE])
    assert verdict.feasible
    assert (verdict.cost, verdict.vehicles_used, list(verdict.unserved)) == (40.0, 1, [])
    [driven] = [route for route in verdict.routes if route]
    # The pickup waits, so that the ride is 15 s at most: 33 + 2 + 15 = 50.
    assert [(s.arrive_s, s.begin_s, s.depart_s) for s in driven.stops] == [(33.0, 33.0, 35.0), (45.0, 50.0, 52.0)]
    assert (driven.leave_s, driven.home_s) == (23.0, 72.0)


@pytest.mark.parametrize(
    ("problem", "route", "code"),
    [
        (one(), [(0, True)], "pairing"),
        (one(), [(0, False), (0, True)], "order"),
        (one(), [*WHOLE, *WHOLE], "twice"),
        (one(trip={"skills": frozenset({"lift"})}), WHOLE, "skills"),
        (one(trip={"load": {"seat": 2.0}}), WHOLE, "capacity"),
        (one(trip={"load": {"wheelchair": 1.0}}), WHOLE, "capacity"),
        (one(trip={"max_ride_s": 9.0}), WHOLE, "times"),
        (one(vehicle={"max_ride_s": 9.0}), WHOLE, "times"),
        (one(pickup=(0.0, 9.0)), WHOLE, "times"),
        (one(dropoff=(0.0, 21.0)), WHOLE, "times"),
        (one(vehicle={"shift": (0.0, 43.0)}), WHOLE, "times"),
        (one(vehicle={"shift": (0.0, 100.0), "max_duration_s": 43.0}), WHOLE, "times"),
    ],
)
def test_each_rule_is_held(problem: Problem, route: Route, code: str) -> None:
    assert code in {fault.code for fault in check(problem, [route]).faults}


LUNCH = Rest((10.0, 60.0), 30.0)
STAY = Trip("rest", Stop(0, (10.0, 60.0), 30.0), Stop(0, (0.0, 1000.0)), {"seat": 1.0}, rest=True)


@pytest.mark.parametrize(
    ("stay", "route", "codes"),
    [
        (STAY, [(1, True), (1, False), *WHOLE], []),
        (STAY, WHOLE, ["rest"]),
        (STAY, [], []),
        (STAY, [(1, True), (1, False)], []),
        (replace(STAY, rest=False), [(1, True), (1, False), *WHOLE], ["rest"]),  # a rider is no rest
        (replace(STAY, load={}), [(1, True), *WHOLE, (1, False)], ["rest"]),  # somebody is fetched meanwhile
        (replace(STAY, load={}), [(0, True), (1, True), (1, False), (0, False)], ["rest"]),  # somebody is on board
        (replace(STAY, pickup=Stop(0, (10.0, 60.0), 29.0)), [(1, True), (1, False), *WHOLE], ["rest"]),
        (replace(STAY, pickup=Stop(0, (10.0, 61.0), 30.0)), [(1, True), (1, False), *WHOLE], ["rest"]),
        (replace(STAY, pickup=Stop(0, (9.0, 60.0), 30.0)), [(1, True), (1, False), *WHOLE], ["rest"]),
        (replace(STAY, pickup=Stop(0, (10.0, 20.0), 70.0)), [(1, True), (1, False), *WHOLE], ["times"]),
    ],
)
def test_a_crew_that_drives_has_its_rest(stay: Trip, route: Route, codes: list[str]) -> None:
    problem = one(vehicle={"rests": (LUNCH,)})
    with_stay = Problem(problem.vehicles, [*problem.trips, stay], WAY, WAY)
    assert [fault.code for fault in check(with_stay, [route]).faults] == codes
    twice = replace(with_stay, vehicles=[replace(problem.vehicles[0], rests=(LUNCH, LUNCH))])
    if (0, True) in route:
        assert check(twice, [route]).faults, "one stay is one rest"


def test_nobody_rides_in_two_vehicles() -> None:
    problem = one()
    two = Problem([*problem.vehicles, *problem.vehicles], problem.trips, WAY, WAY)
    assert {fault.code for fault in check(two, [WHOLE, WHOLE]).faults} == {"twice"}
    assert check(two, [WHOLE, []]).feasible


def test_every_order_of_two_trips_is_judged_as_the_linear_program_does() -> None:
    stops = [Stop(1, (0.0, 40.0), 1.0), Stop(2, (20.0, 60.0), 1.0)]
    trips = [Trip("a", *stops, {"seat": 1.0}, 25.0), Trip("b", *reversed(stops), {"seat": 1.0}, 25.0)]
    problem = Problem([Vehicle("v", 0, 0, {"seat": 2.0}, (0.0, 100.0), 80.0)], trips, WAY, WAY)
    visits = [(0, True), (0, False), (1, True), (1, False)]
    for order in permutations(visits):
        if order.index((0, True)) < order.index((0, False)) and order.index((1, True)) < order.index((1, False)):
            found = times_of(problem, problem.vehicles[0], list(order))
            assert (found is None) == (by_linear_program(problem, problem.vehicles[0], list(order)) is None), order
