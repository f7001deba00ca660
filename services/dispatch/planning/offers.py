"""The promise: at once, where one more trip fits into a plan as it stands, and when. Without a compiler, and exact.

Rows of numbers rule out, over all places in all routes, what cannot be; the cheapest of what remains go one by one to
the exact schedule, until three vehicles are found.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.dispatch.planning.checker import TOLERANCE, Driven, times_of
from services.dispatch.planning.problem import Floats, Plan, Problem, Route, Trip, Vehicle, Visit

MOST = 3
FEW = 32
"""So many places are put in order at a time."""
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
    known = known or known_of(problem, plan)
    skills = problem.trips[number].skills
    able = [v for v, each in enumerate(known) if each is not None and skills <= problem.vehicles[v].skills]
    made: dict[int, Offer] = {}
    for v, p, q, extra in _cheapest(problem, able, [each for v in able if (each := known[v])], number):
        if v in made:
            continue
        route = plan[v]
        longer: list[Visit] = [*route[:p], (number, True), *route[p:q], (number, False), *route[q:]]
        driven = times_of(problem, problem.vehicles[v], longer)
        if driven is not None:
            begin = next(stop.begin_s for stop in driven.stops if stop.trip == number and stop.pickup)
            made[v] = Offer(v, longer, driven, begin, extra)
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


Place = tuple[int, int, int, float]
"""A vehicle, before which stops pickup and drop-off would come, and what it costs more."""


def _cheapest(problem: Problem, able: Sequence[int], known: Sequence[Known], number: int) -> Iterator[Place]:
    """All that is not plainly impossible, the cheapest first; of equals the first vehicle, and straight on."""
    if not able:
        return
    extra, rows, first, second = _places(problem, able, known, number)
    kind = first != second
    left = np.arange(len(extra))
    while len(left):  # most look at a few: not everything is put in order for them
        least = np.partition(extra[left], min(FEW, len(left)) - 1)[: min(FEW, len(left))].max()
        near = left[extra[left] <= least]
        for at in near[np.lexsort((kind[near], rows[near], extra[near]))].tolist():
            yield able[rows[at]], int(first[at]), int(second[at]), float(extra[at])
        left = left[extra[left] > least]


def _places(
    problem: Problem, able: Sequence[int], known: Sequence[Known], number: int
) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    """Extra way, which of the routes, and before which stops pickup and drop-off would come. All routes at once:

    a row for each, as long as the longest.
    """
    trip, way, drive = problem.trips[number], problem.distance_m, problem.duration_s
    a, b = trip.pickup, trip.dropoff
    long = max(len(each.free) for each in known)
    here, onward = (np.zeros((len(known), long), dtype=np.intp) for _ in range(2))
    free, latest = (np.zeros((len(known), long)) for _ in range(2))
    room = np.zeros((len(known), long), dtype=np.bool_)
    for row, (v, each) in enumerate(zip(able, known, strict=True)):
        stops = len(each.free)
        here[row, :stops], onward[row, :stops] = each.places[:-1], each.places[1:]
        free[row, :stops], latest[row, :stops] = each.free, each.latest
        room[row, :stops] = _room(trip, problem.vehicles[v], each)
    empty = np.array([len(each.free) == 1 for each in known])
    opening = np.array([problem.vehicles[v].opening for v in able])
    base = np.where(empty[:, None], -opening[:, None], way[here, onward])
    begin = np.maximum(free + drive[here, a.place], a.window[0])
    up = room & (begin <= a.window[1] + TOLERANCE)
    gone = begin + a.service_s
    homeward = b.service_s + drive[b.place, onward] - TOLERANCE

    def down(drop: Numbers) -> Numbers:
        return np.asarray((drop <= b.window[1] + TOLERANCE) & (drop + homeward <= latest))

    straight = up & down(np.maximum(gone + drive[a.place, b.place], b.window[0]))
    extra = way[here, a.place] + way[a.place, b.place] + way[b.place, onward] - base
    on, at = np.nonzero(straight & np.isfinite(extra))
    # Others first: the pickup before stop p, the drop-off before a later stop q, with room all the way.
    before = up & (gone + drive[a.place, onward] <= latest + TOLERANCE)
    after = room & down(np.maximum(free + drive[here, b.place], b.window[0]))
    full = np.cumsum(~room, axis=1)
    apart = before[:, :, None] & after[:, None, :] & (full[:, :, None] == full[:, None, :])
    rows, p, q = np.nonzero(apart & np.triu(np.ones((long, long), dtype=np.bool_), 1))
    extra_p = way[here, a.place] + way[a.place, onward] - base
    extra_q = way[here, b.place] + way[b.place, onward] - base
    far = extra_p[rows, p] + extra_q[rows, q]
    return (
        np.concatenate([extra[on, at], far]), np.concatenate([on, rows]), np.concatenate([at, p]),
        np.concatenate([at, q]),
    )  # fmt: skip


def _room(trip: Trip, vehicle: Vehicle, known: Known) -> Numbers:
    """Whether there are places for the trip after each stop."""
    room = np.ones(len(known.free), dtype=np.bool_)
    for kind, count in trip.load.items():
        most = vehicle.capacity.get(kind, 0.0) - count + TOLERANCE
        taken = known.onboard.get(kind)
        room &= bool(most >= 0.0) if taken is None else taken <= most
    return room
