"""From the body of ``POST /v1/plans/preview`` to a problem; nothing is looked up on the way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from services.dispatch.api.plans_models import PlanBody, StopIn
from services.dispatch.planning.problem import INFINITE, Drives, Objective, Problem, Stop, Trip, Vehicle, narrow
from services.dispatch.rules.ranking import TravelTimes
from services.dispatch.travel.matrix import Matrix
from services.dispatch.travel.places import Metric, Place, Said
from shared.geo import Point

Ways = tuple[Drives, Drives, Said]


def problem_of(body: PlanBody, matrix: Matrix | None, known: TravelTimes) -> tuple[Problem, Said]:
    """Rows of the travel matrices: those of the caller's matrix, else pickups, drop-offs, then each home once."""
    homes: dict[tuple[Any, ...], int] = {}
    listed: list[Place] = [*(trip.pickup for trip in body.trips), *(trip.dropoff for trip in body.trips)]

    def home(place: Place) -> int:
        if place.index is not None:
            return place.index
        key = (place.x, place.y, place.lon, place.lat)
        if key not in homes:
            homes[key] = len(listed)
            listed.append(place)
        return homes[key]

    vehicles = [
        Vehicle(
            f"{each.id}", home(each.start), home(each.end), each.capacity, each.shift, _limit(each.max_duration_s),
            _limit(each.max_ride_s), frozenset(each.skills),
        )
        for each in body.vehicles
    ]  # fmt: skip
    count = len(body.trips)
    trips = [
        Trip(
            f"{each.id}", _stop(each.pickup, number), _stop(each.dropoff, count + number), each.load,
            _limit(each.max_ride_s), frozenset(each.skills), each.priority,
        )
        for number, each in enumerate(body.trips)
    ]  # fmt: skip
    duration_s, distance_m, source = _travel(listed, body.metric, matrix, known)
    objective, shortest = Objective(body.objective), body.metric != "matrix"
    return Problem(vehicles, trips, duration_s, distance_m, objective, shortest), source


def _limit(seconds: float | None) -> float:
    return INFINITE if seconds is None else seconds


def _stop(stop: StopIn, number: int) -> Stop:
    return Stop(number if stop.index is None else stop.index, stop.window, stop.service_s)


def _travel(places: Sequence[Place], metric: Metric, matrix: Matrix | None, known: TravelTimes) -> Ways:
    """Between all places, and who says so."""
    if matrix is not None:
        way = narrow(matrix.duration_s)
        return way, way if matrix.distance_m is None else narrow(matrix.distance_m), "matrix"
    if metric == "euclidean":
        at = np.array([(place.x, place.y) for place in places], dtype=np.float64).reshape(-1, 2)
        way = np.hypot(*(at[:, None, axis] - at[None, :, axis] for axis in (0, 1)))
        return way, way, "plane"
    table = known.table([Point(place.lon or 0.0, place.lat or 0.0) for place in places], urgent=False)
    # Where even one drive is a straight line, the answer says so.
    source = "great_circle" if "great_circle" in table.sources else next(iter(table.sources))
    return table.duration_s, table.distance_m, source
