"""From the body of ``POST /v1/plans/preview`` to a problem; nothing is looked up on the way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.dispatch.api.plans_models import PlanBody, StopIn
from services.dispatch.planning.problem import INFINITE, Objective, Problem, Stop, Trip, Vehicle
from services.dispatch.rules.ranking import GreatCircle
from services.dispatch.travel.matrix import Matrix, Numbers
from services.dispatch.travel.places import Metric, Place, durations


def problem_of(body: PlanBody, matrix: Matrix | None, known: GreatCircle) -> Problem:
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
            each.id, home(each.start), home(each.end), each.capacity, each.shift, _limit(each.max_duration_s),
            _limit(each.max_ride_s), frozenset(each.skills),
        )
        for each in body.vehicles
    ]  # fmt: skip
    count = len(body.trips)
    trips = [
        Trip(
            each.id, _stop(each.pickup, number), _stop(each.dropoff, count + number), each.load,
            _limit(each.max_ride_s), frozenset(each.skills), each.priority,
        )
        for number, each in enumerate(body.trips)
    ]  # fmt: skip
    duration_s, distance_m = _travel(listed, body.metric, matrix, known)
    return Problem(vehicles, trips, duration_s, distance_m, Objective(body.objective))


def _limit(seconds: float | None) -> float:
    return INFINITE if seconds is None else seconds


def _stop(stop: StopIn, number: int) -> Stop:
    return Stop(number if stop.index is None else stop.index, stop.window, stop.service_s)


def _travel(
    places: Sequence[Place], metric: Metric, matrix: Matrix | None, known: GreatCircle
) -> tuple[Numbers, Numbers]:
    """The one place where travel times come from: a road graph goes in here."""
    if matrix is not None:
        return matrix.duration_s, matrix.duration_s if matrix.distance_m is None else matrix.distance_m
    duration_s, _ = durations(places, places, metric, None, known.factor, known.ordinary_m_s)
    return duration_s, duration_s if metric == "euclidean" else duration_s * known.ordinary_m_s
