"""The proof of a plan: an exact checker that knows nothing of the search.

A route is turned into difference constraints ("begins at least so long after"), whose least solution either keeps
within all upper bounds, then it is the schedule, or shows that no schedule exists. Plain Python over plain values; it
shares no line with the compiled kernels.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from services.dispatch.planning.problem import Objective, Plan, Problem, Rest, Route, Stop, Trip, Vehicle, Visit

TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Fault:
    """What a plan breaks: ``code`` (pairing, order, twice, skills, capacity, rest, times), where, and whom."""

    code: str
    vehicle: int
    trip: int | None = None


@dataclass(frozen=True, slots=True)
class Visited:
    """One stop of a schedule, in seconds: arriving, beginning the service, leaving."""

    trip: int
    pickup: bool
    arrive_s: float
    begin_s: float
    depart_s: float


@dataclass(frozen=True, slots=True)
class Driven:
    """A route's schedule: leaving home as late as the first stop allows, coming home as early as can be."""

    stops: Sequence[Visited]
    leave_s: float
    home_s: float
    cost: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """``routes`` where there are no ``faults``, one for each vehicle; ``unserved`` are trip numbers."""

    faults: Sequence[Fault]
    routes: Sequence[Driven | None]
    unserved: Sequence[int]
    cost: float = math.nan
    vehicles_used: int = 0

    @property
    def feasible(self) -> bool:
        return not self.faults


@dataclass(slots=True)
class _Constraints:
    """``later``: (i, j, w) says x[j] ≥ x[i] + w; ``low`` and ``high`` bound each x."""

    low: list[float]
    high: list[float]
    later: list[tuple[int, int, float]] = field(default_factory=list)


def check(problem: Problem, plan: Plan) -> Verdict:
    """Check every route and that no trip is in two; the faults found, or schedules and cost."""
    faults: list[Fault] = []
    seen: set[int] = set()
    routes: list[Driven | None] = []
    for number, route in enumerate(plan):
        found = _rules(problem, number, route) or _twice(number, route, seen) or _rests(problem, number, route)
        driven = None
        if not found and route:
            driven = times_of(problem, problem.vehicles[number], route)
            found = [] if driven else [Fault("times", number)]
        faults += found
        routes.append(driven)
        seen |= {trip for trip, _ in route}
    unserved = [trip for trip in range(len(problem.trips)) if trip not in seen]
    if faults or len(plan) != len(problem.vehicles):
        return Verdict(faults or [Fault("vehicles", len(plan))], routes, unserved)
    used = [driven for driven in routes if driven]
    return Verdict([], routes, unserved, math.fsum(driven.cost for driven in used), len(used))


def _twice(number: int, route: Route, seen: set[int]) -> list[Fault]:
    return [Fault("twice", number, trip) for trip, pickup in route if pickup and trip in seen]


def _rests(problem: Problem, number: int, route: Route) -> list[Fault]:
    """Whether a crew that drives has every rest that is due to it, each by a stay of its own with nobody on board.

    When a stay begins its own window says, which lies within that of the rest; that there is a schedule which keeps
    all windows is proved with the times.
    """
    due = sorted(problem.vehicles[number].rests, key=lambda rest: rest.window)
    if not due or all(problem.trips[trip].rest for trip, _ in route):
        return []  # who stays at home rests
    stays = [problem.trips[trip] for trip in _stays(problem, route)]
    for rest in due:
        found = next((stay for stay in stays if _is_had(problem, rest, stay)), None)
        if found is None:
            return [Fault("rest", number)]
        stays.remove(found)
    return []


def _is_had(problem: Problem, rest: Rest, stay: Trip) -> bool:
    begins, ends = stay.pickup.window
    length_s = stay.pickup.service_s + float(problem.duration_s[stay.pickup.place, stay.dropoff.place])
    return (
        rest.window[0] - TOLERANCE <= begins
        and ends <= rest.window[1] + TOLERANCE
        and length_s >= rest.length_s - TOLERANCE
    )


def _stays(problem: Problem, route: Route) -> Iterator[int]:
    """Rests that begin with nobody on board and end before anybody else is turned to."""
    aboard = 0
    for at, (trip, pickup) in enumerate(route):
        if pickup and not aboard and problem.trips[trip].rest and list(route[at + 1 : at + 2]) == [(trip, False)]:
            yield trip
        aboard += 1 if pickup else -1


def _rules(problem: Problem, number: int, route: Route) -> list[Fault]:
    """Pairing, order, skills and places of one route."""
    faults: list[Fault] = []
    vehicle = problem.vehicles[number]
    aboard: set[int] = set()
    done: set[int] = set()
    load: dict[str, float] = {}
    for trip, pickup in route:
        asked = problem.trips[trip]
        if pickup:
            if trip in aboard or trip in done:
                faults.append(Fault("twice", number, trip))
            if not asked.skills <= vehicle.skills:
                faults.append(Fault("skills", number, trip))
            aboard.add(trip)
        elif trip not in aboard:
            faults.append(Fault("order", number, trip))
        else:
            aboard.remove(trip)
            done.add(trip)
        for kind, count in asked.load.items():
            load[kind] = load.get(kind, 0.0) + (count if pickup else -count)
            if load[kind] > vehicle.capacity.get(kind, 0.0) + TOLERANCE:
                faults.append(Fault("capacity", number, trip))
    faults += [Fault("pairing", number, trip) for trip in sorted(aboard)]
    return faults


def times_of(problem: Problem, vehicle: Vehicle, route: Route) -> Driven | None:
    """The schedule of one route, or None where there is none within the tolerance."""
    return _scheduled(problem, vehicle, route, lambda least, _: least)


def latest_of(problem: Problem, vehicle: Vehicle, route: Route, held: Collection[Visit] = ()) -> Driven | None:
    """The schedule that fetches nobody sooner than it must: every stop as late as what follows allows.

    Stops in ``held`` stay as early as they can be.
    """

    def late(least: list[float], constraints: _Constraints) -> list[float]:
        high = list(constraints.high)
        for at, visit in enumerate(route, start=1):
            high[at] = least[at] if visit in held else high[at]
        return _greatest(high, constraints)

    return _scheduled(problem, vehicle, route, late)


Choice = Callable[[list[float], "_Constraints"], list[float]]
"""Of all schedules within the constraints one, given the least."""


def _scheduled(problem: Problem, vehicle: Vehicle, route: Route, choose: Choice) -> Driven | None:
    places = [vehicle.start, *(_stop(problem, visit).place for visit in route), vehicle.end]
    ways = [float(problem.duration_s[a, b]) for a, b in pairwise(places)]
    if not all(math.isfinite(way) for way in ways):
        return None
    constraints = _constraints(problem, vehicle, route, ways)
    least = _least(constraints)
    if least is None:
        return None
    begin = choose(least, constraints)
    # Waiting at home is better than at the first door.
    begin[0] = max(begin[0], begin[1] - ways[0])
    stops = []
    gone = begin[0]
    for at, (trip, pickup) in enumerate(route, start=1):
        depart = begin[at] + _stop(problem, (trip, pickup)).service_s
        stops.append(Visited(trip, pickup, gone + ways[at - 1], begin[at], depart))
        gone = depart
    return Driven(stops, begin[0], begin[-1], vehicle.opening + _cost(problem, route, places, ways))


def _greatest(high: list[float], constraints: _Constraints) -> list[float]:
    """The greatest solution below ``high``; there is one, for the least lies below it."""
    x = list(high)
    for _ in range(len(x) + 1):
        lowered = False
        for before, after, gap in constraints.later:
            if x[before] > x[after] - gap + TOLERANCE * 1e-3:
                x[before] = x[after] - gap
                lowered = True
        if not lowered:
            break
    return x


def _stop(problem: Problem, visit: Visit) -> Stop:
    trip = problem.trips[visit[0]]
    return trip.pickup if visit[1] else trip.dropoff


def _constraints(problem: Problem, vehicle: Vehicle, route: Route, ways: Sequence[float]) -> _Constraints:
    """Variables: leaving home, the beginning at each stop, being home."""
    stops = [_stop(problem, visit) for visit in route]
    last = len(stops) + 1
    made = _Constraints(
        [vehicle.shift[0], *(stop.window[0] for stop in stops), vehicle.shift[0]],
        [vehicle.shift[1], *(stop.window[1] for stop in stops), vehicle.shift[1]],
    )
    services = [0.0, *(stop.service_s for stop in stops)]
    made.later += [(at, at + 1, services[at] + ways[at]) for at in range(last)]
    picked: dict[int, int] = {}
    for at, (trip, pickup) in enumerate(route, start=1):
        if pickup:
            picked[trip] = at
            continue
        limit = min(problem.trips[trip].max_ride_s, vehicle.max_ride_s)
        if math.isfinite(limit):
            made.later.append((at, picked[trip], -limit - problem.trips[trip].pickup.service_s))
    if math.isfinite(vehicle.max_duration_s):
        made.later.append((last, 0, -vehicle.max_duration_s))
    return made


def _least(constraints: _Constraints) -> list[float] | None:
    """The least solution, by Bellman and Ford: no simple path is longer than there are variables."""
    x = list(constraints.low)
    for _ in range(len(x) + 1):
        raised = False
        for before, after, gap in constraints.later:
            if x[before] + gap > x[after] + TOLERANCE * 1e-3:
                x[after] = x[before] + gap
                raised = True
                if x[after] > constraints.high[after] + TOLERANCE:
                    return None
        if not raised:
            return x if all(a <= b + TOLERANCE for a, b in zip(x, constraints.high, strict=True)) else None
    return None


def _cost(problem: Problem, route: Route, places: Sequence[int], ways: Sequence[float]) -> float:
    if problem.objective is not Objective.SERVICE:
        return math.fsum(float(problem.distance_m[a, b]) for a, b in pairwise(places))
    cost, riding = [ways[0]], 0.0
    for at, (trip, pickup) in enumerate(route, start=1):
        people = sum(problem.trips[trip].load.values())
        staying = riding if pickup else riding - people
        riding += people if pickup else -people
        cost += [staying * _stop(problem, (trip, pickup)).service_s, (1.0 + riding) * ways[at]]
    return math.fsum(cost)
