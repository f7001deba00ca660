"""The promise: at once, where one more trip fits into a plan as it stands, and when. Plain Python, exact.

One insertion is not worth an engine: what is cheap is tried first, and few candidates come to the exact check.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from services.dispatch.planning.checker import TOLERANCE, Driven, times_of
from services.dispatch.planning.problem import Plan, Problem, Route, Vehicle, Visit

MOST = 3


@dataclass(frozen=True, slots=True)
class Offer:
    """Vehicle number, its new route and schedule, when the pickup begins, and what it costs more."""

    vehicle: int
    route: Route
    driven: Driven
    pickup_s: float
    extra: float


def offers(problem: Problem, plan: Plan, number: int) -> list[Offer]:
    """Up to three vehicles that could take trip ``number`` beside what they have promised, the cheapest first.

    ``plan`` is feasible and without the trip. What is promised stays: no window is moved, and nobody is moved to
    another vehicle.
    """
    found = [
        offer
        for v, vehicle in enumerate(problem.vehicles)
        if (offer := _best(problem, vehicle, v, plan[v], number)) is not None
    ]
    return sorted(found, key=lambda offer: (offer.extra, offer.vehicle))[:MOST]


def _best(problem: Problem, vehicle: Vehicle, v: int, route: Route, number: int) -> Offer | None:
    trip = problem.trips[number]
    if not trip.skills <= vehicle.skills:
        return None
    now = times_of(problem, vehicle, route) if route else None
    if route and now is None:
        return None
    for extra, p, q in sorted(_places(problem, vehicle, route, now, number)):
        made: list[Visit] = [*route[:p], (number, True), *route[p:q], (number, False), *route[q:]]
        driven = times_of(problem, vehicle, made)
        if driven is not None:
            begin = next(stop.begin_s for stop in driven.stops if stop.trip == number and stop.pickup)
            return Offer(v, made, driven, begin, extra)
    return None


def _places(
    problem: Problem, vehicle: Vehicle, route: Route, now: Driven | None, number: int
) -> Iterator[tuple[float, int, int]]:
    """Extra way, and before which stops pickup and drop-off could come; least times and room already looked at."""
    trip, way = problem.trips[number], problem.distance_m
    a, b = trip.pickup.place, trip.dropoff.place
    places = [vehicle.start, *(_place(problem, visit) for visit in route), vehicle.end]
    free = [vehicle.shift[0], *(stop.depart_s for stop in now.stops)] if now else [vehicle.shift[0]]
    room = _room(problem, vehicle, route, number)
    last = len(route)
    for p in range(last + 1):
        before, after = places[p], places[p + 1]
        if not room[p] or free[p] > trip.pickup.window[1] + TOLERANCE:
            continue
        begin = max(free[p] + problem.duration_s[before, a], trip.pickup.window[0])
        if begin > trip.pickup.window[1] + TOLERANCE:
            continue
        gone = begin + trip.pickup.service_s
        base = 0.0 if not route else float(way[before, after])
        if gone + problem.duration_s[a, b] <= trip.dropoff.window[1] + TOLERANCE:
            yield float(way[before, a] + way[a, b] + way[b, after]) - base, p, p
        first = float(way[before, a] + way[a, after]) - base
        for q in range(p + 1, last + 1):
            if not room[q] or free[q] > trip.dropoff.window[1] + TOLERANCE:
                break
            here, onward = places[q], places[q + 1]
            yield first + float(way[here, b] + way[b, onward] - way[here, onward]), p, q


def _place(problem: Problem, visit: Visit) -> int:
    trip = problem.trips[visit[0]]
    return trip.pickup.place if visit[1] else trip.dropoff.place


def _room(problem: Problem, vehicle: Vehicle, route: Sequence[Visit], number: int) -> list[bool]:
    """After leaving home and after each stop: whether the trip's places are still free."""
    asked = problem.trips[number].load
    load = dict.fromkeys(asked, 0.0)
    rooms = []
    for visit in [None, *route]:
        if visit is not None:
            sign = 1.0 if visit[1] else -1.0
            for kind in load:
                load[kind] += sign * problem.trips[visit[0]].load.get(kind, 0.0)
        rooms.append(all(load[kind] + asked[kind] <= vehicle.capacity.get(kind, 0.0) + TOLERANCE for kind in asked))
    return rooms
