"""OR-Tools on the same day of booked rides: a second opinion beside our own planner.

It takes every rule of ours, the ride-time limit among them, and shares no line with our search. It reckons in whole
thousandths, rounded so that what it calls possible is possible; what its plan costs is said by the same exact checker
that judges ours.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ortools.constraint_solver import pywrapcp, routing_enums_pb2

from services.dispatch.planning.problem import Objective, Plan, Problem, Stop, Trip, Visit

GRAIN = 1000
"""Parts of a second (or of a unit of the plane)."""
A_VEHICLE = 10_000_000 * GRAIN
"""More than any distance: where vehicles count, they count first."""
LEFT_OUT = 100 * A_VEHICLE
"""Per trip, and so much more per step of priority: leaving somebody is dearer than any vehicle."""
NEVER = 2**40


@dataclass(frozen=True, slots=True)
class _Nodes:
    """Pickup of trip i is node ``i``, its drop-off ``n + i``; then each vehicle's start, then each vehicle's end."""

    problem: Problem

    def places(self) -> list[int]:
        trips, vehicles = self.problem.trips, self.problem.vehicles
        stops = [trip.pickup for trip in trips] + [trip.dropoff for trip in trips]
        return [stop.place for stop in stops] + [v.start for v in vehicles] + [v.end for v in vehicles]

    def service(self) -> list[float]:
        trips = self.problem.trips
        stops = [trip.pickup for trip in trips] + [trip.dropoff for trip in trips]
        return [stop.service_s for stop in stops] + [0.0] * (2 * len(self.problem.vehicles))


def second_opinion(problem: Problem, within_s: float) -> Plan | None:
    """The best plan that OR-Tools finds in ``within_s`` seconds on one core; None where it finds none at all."""
    trips, vehicles = problem.trips, problem.vehicles
    if not trips or not vehicles:
        return [[] for _ in vehicles]
    n, m = len(trips), len(vehicles)
    starts, ends = list(range(2 * n, 2 * n + m)), list(range(2 * n + m, 2 * n + 2 * m))
    manager = pywrapcp.RoutingIndexManager(2 * n + 2 * m, m, starts, ends)
    routing = pywrapcp.RoutingModel(manager)
    _cost(problem, manager, routing)
    _loads(problem, manager, routing)
    time = _times(problem, manager, routing)
    for number, trip in enumerate(trips):
        _pair(problem, manager, routing, time, number, trip)
    said = pywrapcp.DefaultRoutingSearchParameters()
    said.first_solution_strategy = routing_enums_pb2.FirstSolutionStrategy.PARALLEL_CHEAPEST_INSERTION
    said.local_search_metaheuristic = routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
    said.time_limit.FromMilliseconds(max(int(within_s * 1000), 1))
    solution = routing.SolveWithParameters(said)
    return None if solution is None else [_route(solution, manager, routing, v, n) for v in range(m)]


def _arcs(
    manager: Any, places: Sequence[int], value: Callable[[int, int], float], extra: Sequence[float] | None = None
) -> Callable[[int, int], int]:
    """Whole numbers between nodes, never below the real ones; worked out once, for they are asked for very often."""
    table = [[up(value(a, b) + (extra[i] if extra else 0.0)) for b in places] for i, a in enumerate(places)]

    def asked(one: int, other: int) -> int:
        return table[int(manager.IndexToNode(one))][int(manager.IndexToNode(other))]

    return asked


def up(seconds: float) -> int:
    """In whole parts, never less: what is possible so is possible."""
    return NEVER if math.isinf(seconds) else math.ceil(round(seconds * GRAIN, 3))


def down(seconds: float) -> int:
    """In whole parts, never more."""
    return NEVER if math.isinf(seconds) else math.floor(round(seconds * GRAIN, 3))


def _cost(problem: Problem, manager: Any, routing: Any) -> None:
    by_time = problem.objective is Objective.SERVICE
    table = problem.duration_s if by_time else problem.distance_m
    asked = _arcs(manager, _Nodes(problem).places(), lambda a, b: float(table[a, b]))
    routing.SetArcCostEvaluatorOfAllVehicles(routing.RegisterTransitCallback(asked))
    if problem.objective is Objective.VEHICLES_THEN_DISTANCE:
        routing.SetFixedCostOfAllVehicles(A_VEHICLE)


def _loads(problem: Problem, manager: Any, routing: Any) -> None:
    for kind in sorted({kind for trip in problem.trips for kind in trip.load}):
        carried = [up(trip.load.get(kind, 0.0)) for trip in problem.trips]
        change = [*carried, *(-each for each in carried)] + [0] * (2 * len(problem.vehicles))

        def asked(index: int, change: Sequence[int] = change) -> int:
            return change[int(manager.IndexToNode(index))]

        places = [down(vehicle.capacity.get(kind, 0.0)) for vehicle in problem.vehicles]
        routing.AddDimensionWithVehicleCapacity(
            routing.RegisterUnaryTransitCallback(asked), 0, places, True, f"places-{kind}"
        )


def _times(problem: Problem, manager: Any, routing: Any) -> Any:
    """The dimension of time: where service begins. Waiting is free; windows, shifts and durations bound it."""
    nodes = _Nodes(problem)
    asked = _arcs(manager, nodes.places(), lambda a, b: float(problem.duration_s[a, b]), nodes.service())
    horizon = max(down(vehicle.shift[1]) for vehicle in problem.vehicles)
    routing.AddDimension(routing.RegisterTransitCallback(asked), horizon, horizon, False, "time")
    time = routing.GetDimensionOrDie("time")
    for v, vehicle in enumerate(problem.vehicles):
        time.CumulVar(routing.Start(v)).SetMin(up(vehicle.shift[0]))
        time.CumulVar(routing.End(v)).SetMax(down(vehicle.shift[1]))
        if not math.isinf(vehicle.max_duration_s):
            time.SetSpanUpperBoundForVehicle(down(vehicle.max_duration_s), v)
    return time


def _pair(problem: Problem, manager: Any, routing: Any, time: Any, number: int, trip: Trip) -> None:
    n = len(problem.trips)
    pickup, dropoff = manager.NodeToIndex(number), manager.NodeToIndex(n + number)
    routing.AddPickupAndDelivery(pickup, dropoff)
    solver = routing.solver()
    solver.Add(routing.VehicleVar(pickup) == routing.VehicleVar(dropoff))
    solver.Add(time.CumulVar(pickup) <= time.CumulVar(dropoff))
    for index, stop in ((pickup, trip.pickup), (dropoff, trip.dropoff)):
        _window(time, index, stop, problem)
        routing.AddDisjunction([index], LEFT_OUT * 4**trip.priority)
    limit = min([trip.max_ride_s, *(vehicle.max_ride_s for vehicle in problem.vehicles)])
    fit = [v for v, vehicle in enumerate(problem.vehicles) if trip.skills <= vehicle.skills]
    if not math.isinf(limit):
        # Between two beginnings: the ride itself, and the time that boarding takes.
        solver.Add(time.CumulVar(dropoff) - time.CumulVar(pickup) <= down(limit + trip.pickup.service_s))
    if len(fit) < len(problem.vehicles):
        for index in (pickup, dropoff):
            routing.VehicleVar(index).SetValues([-1, *fit])


def _window(time: Any, index: int, stop: Stop, problem: Problem) -> None:
    latest = max(vehicle.shift[1] for vehicle in problem.vehicles)
    opens, closes = up(max(stop.window[0], 0.0)), down(min(stop.window[1], latest))
    time.CumulVar(index).SetRange(opens, max(opens, closes))


def _route(solution: Any, manager: Any, routing: Any, vehicle: int, n: int) -> list[Visit]:
    visits: list[Visit] = []
    index = solution.Value(routing.NextVar(routing.Start(vehicle)))
    while not routing.IsEnd(index):
        node = manager.IndexToNode(index)
        visits.append((node % n, node < n))
        index = solution.Value(routing.NextVar(index))
    return visits
