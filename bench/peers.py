"""Other people's solvers on the same cases: OR-Tools everywhere, VROOM and PyVRP where nobody's ride has a limit.

VROOM and PyVRP know no limit on how long somebody sits in a vehicle (docs/decisions/0011-planning-engine.md): what
they would call a plan of a dial-a-ride case is none. All reckon in whole thousandths, rounded so that what they call
possible is possible; the exact checker that judges our plans judges theirs.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import numpy as np

from karuna.second_opinion import down, second_opinion, up
from services.dispatch.planning.problem import Objective, Plan, Problem, Stop, Visit

A_VEHICLE = 10**8
"""More than any plan of the bench is long, in thousandths; VROOM's costs are of 32 bits."""
ALL_IN = 5
"""VROOM's greatest effort; it stops by itself when it has tried what it knows."""
SEED = 1

Peer = Callable[[Problem, float], Plan | None]
"""A plan found within so many seconds, for a problem that it ``answers``; None where it found none at all."""


def answers(problem: Problem) -> bool:
    """Whether solvers without ride limits can be asked, as simply as here: goods between places, vehicles all alike."""
    no_limit = all(math.isinf(trip.max_ride_s) for trip in problem.trips)
    plain = not any(trip.skills or trip.priority or trip.rest for trip in problem.trips)
    free = all(math.isinf(v.max_ride_s) and math.isinf(v.max_duration_s) and not v.rests for v in problem.vehicles)
    kinds = {kind for trip in problem.trips for kind in trip.load}
    alike = len({(v.start, v.end, v.shift, tuple(v.capacity.items())) for v in problem.vehicles}) == 1
    return no_limit and plain and free and alike and len(kinds) == 1 and problem.distance_m is problem.duration_s


def _window(stop: Stop) -> tuple[int, int]:
    return up(stop.window[0]), down(stop.window[1])


def _fixed(problem: Problem) -> int:
    return A_VEHICLE if problem.objective is Objective.VEHICLES_THEN_DISTANCE else 0


def _ways(problem: Problem) -> Any:
    """Whole drives between all places, [from, to]."""
    return np.array([[up(float(way)) for way in row] for row in problem.duration_s])


def by_vroom(problem: Problem, within_s: float) -> Plan | None:
    """On all cores."""
    import vroom

    asked = vroom.Input()
    asked.set_durations_matrix("car", _ways(problem))
    costs = vroom.VehicleCosts(fixed=_fixed(problem))
    for number, vehicle in enumerate(problem.vehicles):
        shift = (up(vehicle.shift[0]), down(vehicle.shift[1]))
        capacity = [int(each) for each in vehicle.capacity.values()]
        asked.add_vehicle(
            vroom.Vehicle(
                number, vehicle.start, vehicle.end, capacity=capacity, time_window=vroom.TimeWindow(*shift), costs=costs
            )
        )
    for number, trip in enumerate(problem.trips):
        steps = [
            vroom.ShipmentStep(
                number, stop.place, default_service=up(stop.service_s), time_windows=[vroom.TimeWindow(*_window(stop))]
            )
            for stop in (trip.pickup, trip.dropoff)
        ]
        asked.add_job(vroom.Shipment(*steps, amount=vroom.Amount([int(each) for each in trip.load.values()])))
    found = asked.solve(ALL_IN, nb_threads=len(os.sched_getaffinity(0)), timeout=timedelta(seconds=within_s)).routes
    plan: list[list[Visit]] = [[] for _ in problem.vehicles]
    for vehicle, kind, trip_ in zip(found["vehicle_id"], found["type"], found["id"], strict=True):
        if kind in {"pickup", "delivery"}:
            plan[int(vehicle)].append((int(trip_), kind == "pickup"))
    return plan


def by_pyvrp(problem: Problem, within_s: float) -> Plan | None:
    """On one core."""
    import pyvrp
    from pyvrp.stop import MaxRuntime

    first = problem.vehicles[0]
    depot = pyvrp.Depot(first.start)
    ways = _ways(problem)
    shipments = []
    for trip in problem.trips:
        pickup, dropoff = _window(trip.pickup), _window(trip.dropoff)
        shipments.append(
            pyvrp.Shipment(
                trip.pickup.place, trip.dropoff.place, *pickup, up(trip.pickup.service_s), *dropoff,
                up(trip.dropoff.service_s), [int(each) for each in trip.load.values()],
            )
        )  # fmt: skip
    fleet = pyvrp.VehicleType(
        num_available=len(problem.vehicles), capacity=[int(each) for each in first.capacity.values()],
        fixed_cost=_fixed(problem), tw_early=up(first.shift[0]), tw_late=down(first.shift[1]),
    )  # fmt: skip
    data = pyvrp.ProblemData(
        locations=[pyvrp.Location(0, 0) for _ in ways], clients=[], depots=[depot], vehicle_types=[fleet],
        distance_matrices=[ways], duration_matrices=[ways], shipments=shipments,
    )  # fmt: skip
    best = pyvrp.solve(data, MaxRuntime(within_s), seed=SEED, collect_stats=False, display=False).best
    if not best.is_feasible():
        return None
    plan = [[(each.idx, each.is_pickup()) for each in route if each.is_shipment()] for route in best.routes()]
    return plan + [[] for _ in range(len(problem.vehicles) - len(plan))]


PEERS: Mapping[str, Peer] = {"OR-Tools": second_opinion, "VROOM": by_vroom, "PyVRP": by_pyvrp}


def asked_of(name: str, problem: Problem) -> bool:
    """Whether this one is asked at all: OR-Tools has ride limits, the others have none."""
    return name == "OR-Tools" or answers(problem)
