"""The promise: at once, where one more trip fits into a plan as it stands, and when. Without a compiler, and exact.

Rows of numbers rule out, over all places in all routes, what cannot be; the cheapest of what remains go one by one to
the exact schedule, until three vehicles are found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.dispatch.planning.checker import TOLERANCE, Driven, times_of
from services.dispatch.planning.problem import Floats, Plan, Problem, Route, Vehicle, Visit

MOST = 3
Numbers = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Offer:
    """Vehicle number, its new route and schedule, when the pickup begins, and what it costs more."""

    vehicle: int
    route: Route
    driven: Driven
    pickup_s: float
    extra: float


@dataclass(frozen=True, slots=True)
class Known:
    """A route as it stands: ``places`` with both depots; when it is ``free`` after each but the last, at the earliest;

    how late it may begin at each but the first (``latest``); ``onboard`` by kind after each but the last.
    """

    places: Numbers
    free: Floats
    latest: Floats
    onboard: Mapping[str, Floats]


def known_of(problem: Problem, plan: Plan) -> list[Known | None]:
    """What offers need to know of each route; worth keeping as long as the plan stands. None: it is not feasible."""
    return [_known(problem, vehicle, route) for vehicle, route in zip(problem.vehicles, plan, strict=True)]


def offers(problem: Problem, plan: Plan, number: int, known: Sequence[Known | None] | None = None) -> list[Offer]:
    """Up to three vehicles that could take trip ``number`` beside what they have promised, the cheapest first.

    ``plan`` is feasible and without the trip. What is promised stays: no window is moved, and nobody is moved to
    another vehicle.
    """
    trip = problem.trips[number]
    found: list[tuple[Numbers, ...]] = []
    for v, each in enumerate(known or known_of(problem, plan)):
        if each is not None and trip.skills <= problem.vehicles[v].skills:
            costs, *ends = _places(problem, problem.vehicles[v], each, number)
            found.append((costs, np.full(len(costs), v), *ends))
    if not found:
        return []
    extra, vehicles, first, second = (np.concatenate(column) for column in zip(*found, strict=True))
    made: dict[int, Offer] = {}
    for at in np.argsort(extra, kind="stable"):
        v, p, q = int(vehicles[at]), int(first[at]), int(second[at])
        if v in made:
            continue
        route = plan[v]
        longer: list[Visit] = [*route[:p], (number, True), *route[p:q], (number, False), *route[q:]]
        driven = times_of(problem, problem.vehicles[v], longer)
        if driven is not None:
            begin = next(stop.begin_s for stop in driven.stops if stop.trip == number and stop.pickup)
            made[v] = Offer(v, longer, driven, begin, float(extra[at]))
            if len(made) == MOST:
                break
    return list(made.values())


def _known(problem: Problem, vehicle: Vehicle, route: Route) -> Known | None:
    stops = [problem.trips[trip].pickup if pickup else problem.trips[trip].dropoff for trip, pickup in route]
    driven = times_of(problem, vehicle, route) if route else None
    if route and driven is None:
        return None
    places = np.array([vehicle.start, *(stop.place for stop in stops), vehicle.end], dtype=np.intp)
    latest = [vehicle.shift[1]]
    for stop, onward in zip(reversed(stops), reversed(places[1:].tolist()), strict=False):
        until = latest[-1] - stop.service_s - float(problem.duration_s[stop.place, onward])
        latest.append(min(stop.window[1], until))
    free = [vehicle.shift[0], *(stop.depart_s for stop in driven.stops)] if driven else [vehicle.shift[0]]
    onboard: dict[str, list[float]] = {kind: [0.0] for trip, _ in route for kind in problem.trips[trip].load}
    for trip, pickup in route:
        for kind, row in onboard.items():
            count = problem.trips[trip].load.get(kind, 0.0)
            row.append(row[-1] + (count if pickup else -count))
    return Known(places, np.array(free), np.array(latest[::-1]), {kind: np.array(row) for kind, row in onboard.items()})


def _places(problem: Problem, vehicle: Vehicle, known: Known, number: int) -> tuple[Numbers, Numbers, Numbers]:
    """Extra way, and before which stops pickup and drop-off would come: all that is not plainly impossible."""
    trip, way, drive = problem.trips[number], problem.distance_m, problem.duration_s
    a, b, here, onward = trip.pickup, trip.dropoff, known.places[:-1], known.places[1:]
    room = np.ones(len(here), dtype=np.bool_)
    for kind, count in trip.load.items():
        taken = known.onboard.get(kind, np.zeros(len(here)))
        room &= taken + count <= vehicle.capacity.get(kind, 0.0) + TOLERANCE
    base = way[here, onward] if len(here) > 1 else np.zeros(1)
    begin = np.maximum(known.free + drive[here, a.place], a.window[0])
    up = room & (begin <= a.window[1] + TOLERANCE)
    gone = begin + a.service_s

    def down(drop: Numbers) -> Numbers:
        home = drop + b.service_s + drive[b.place, onward] <= known.latest + TOLERANCE
        return np.asarray((drop <= b.window[1] + TOLERANCE) & home)

    straight = up & down(np.maximum(gone + drive[a.place, b.place], b.window[0]))
    extra = way[here, a.place] + way[a.place, b.place] + way[b.place, onward] - base
    [at] = np.nonzero(straight & np.isfinite(extra))
    # Others first: the pickup before stop p, the drop-off before a later stop q, with room all the way.
    before = up & (gone + drive[a.place, onward] <= known.latest + TOLERANCE)
    after = room & down(np.maximum(known.free + drive[here, b.place], b.window[0]))
    full = np.cumsum(~room)
    apart = np.triu(before[:, None] & after[None, :] & (full[:, None] == full[None, :]), 1)
    extra_p = way[here, a.place] + way[a.place, onward] - base
    extra_q = way[here, b.place] + way[b.place, onward] - base
    p, q = np.nonzero(apart)
    return np.concatenate([extra[at], extra_p[p] + extra_q[q]]), np.concatenate([at, p]), np.concatenate([at, q])
