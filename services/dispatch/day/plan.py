"""A plan for the day: whoever waits is put into the routes as they stand, and why others find no place. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import accumulate

from services.dispatch.day.model import DAY_S, HELD, Model, Resting, Rider
from services.dispatch.day.timetable import Tour, rests_of, timetable, tour_with, tours_of
from services.dispatch.planning import offers as insertion
from services.dispatch.planning.checker import Driven, Verdict, check, times_of
from services.dispatch.planning.problem import PRIORITY_WEIGHT, Plan, Route
from services.dispatch.rules.windows import UNKNOWN_RIDE


@dataclass(frozen=True, slots=True)
class Offer:
    """A tour that one more rider would share or have alone, in the unit's route as ``driven`` then."""

    model: Model
    rider: Rider
    vehicle: int
    driven: Driven
    tour: Tour
    extra_s: float

    @property
    def tours(self) -> Sequence[Tour]:
        """All of that unit then; for whoever takes the offer."""
        return tours_of(self.model, self.vehicle, self.driven)

    @property
    def pickup_at(self) -> datetime:
        return self.tour.pickup_of(self.rider.id)


@dataclass(frozen=True, slots=True)
class Unserved:
    """``code``: ``too_late``, ``nobody_fits``, ``nobody_willing``, ``off_shift``, ``all_bound``, ``no_time`` (nobody

    has said when), ``rest_due`` (its crew would have no rest), ``changed`` (meanwhile), ``waiting`` (not planned
    yet), ``late`` (as wished). ``lacking``: what the unit lacks that lacks least. ``between``: when one more unit would
    help.
    """

    trip_id: str
    code: str
    lacking: tuple[str, ...] = ()
    between: tuple[datetime, datetime] | None = None


@dataclass(frozen=True, slots=True)
class RestAt:
    """A rest of a unit's crew, and when it is; no time where it is lost."""

    unit_id: str
    resting: Resting
    span: tuple[datetime, datetime] | None


@dataclass(frozen=True, slots=True)
class Day:
    """What a plan comes to: tours by unit in their order, who is left and why, its cost in seconds, the rests."""

    tours: Mapping[str, Sequence[Tour]]
    unserved: Sequence[Unserved]
    cost_s: float
    rests: Sequence[RestAt] = ()


EARLY_WEIGHT = 0.25
"""A minute that somebody is fetched sooner than needed counts as a quarter of a minute of driving."""
TOUR_S = 900.0
"""A crew that sets out once more counts as a quarter of an hour of driving: riders share where it is not much worse."""


def offers(model: Model, plan: Plan, rider_id: str) -> list[Offer]:
    """Up to three units that could take one more rider beside what they have promised, the best first."""
    rider = model.riders[model.number[rider_id]]
    made = []
    known = model.known if plan is model.standing else None
    for way in _ways(model, plan, model.number[rider_id], known):
        tour = tour_with(model, way.vehicle, way.driven, rider_id)
        made.append(Offer(model, rider, way.vehicle, way.driven, tour, way.worse_s))
    return made


@dataclass(frozen=True, slots=True)
class _Way:
    """A place for one more rider: ``worse_s`` is the driving it adds and how much too early people are fetched."""

    vehicle: int
    route: Route
    driven: Driven
    worse_s: float


def _ways(model: Model, plan: Plan, number: int, known: Sequence[insertion.Known | None] | None = None) -> list[_Way]:
    found = []
    for each in insertion.offers(model.problem, plan, number, known):
        driven = timetable(model, each.vehicle, each.route)
        if driven is not None:
            more = _tours(each.route) - _tours(plan[each.vehicle])
            worse_s = (
                each.extra
                + _burden_s(model, plan, each.vehicle)
                + TOUR_S * more
                + EARLY_WEIGHT * _early_s(model, driven)
            )
            found.append(_Way(each.vehicle, each.route, driven, worse_s))
    return sorted(found, key=lambda way: (way.worse_s, way.vehicle))


def _burden_s(model: Model, plan: Plan, vehicle: int) -> float:
    """What a crew that has its rest and nobody to drive yet counts more than others: see ``Van.burden_s``.

    Where no rest is in the route the engine counts it itself.
    """
    riding = any(model.riders[number].rest is None for number, _ in plan[vehicle])
    return 0.0 if riding or not model.problem.vehicles[vehicle].rests else model.vans[vehicle].burden_s


def _tours(route: Route) -> int:
    """How often the van is empty after a stop."""
    aboard = list(accumulate(1 if pickup else -1 for _, pickup in route))
    return aboard.count(0)


def _early_s(model: Model, driven: Driven) -> float:
    """How much sooner than needed people are fetched who have no promise yet."""
    early = 0.0
    for stop in driven.stops:
        rider = model.riders[stop.trip]
        if stop.pickup and rider.is_new:
            early += max(model.problem.trips[stop.trip].pickup.window[1] - stop.begin_s, 0.0)
    return early


def placed(model: Model, plan: Plan, rider_id: str) -> list[Route]:
    """``plan`` with one more rider where it is best; as it was where there is no place."""
    routes: list[Route] = [list(route) for route in plan]
    for way in _ways(model, routes, model.number[rider_id])[:1]:
        routes[way.vehicle] = way.route
    return routes


def rested(model: Model, plan: Plan) -> list[Route]:
    """``plan`` with every rest in it that is due now; a van in whose route one finds no place has what it promised."""
    routes: list[Route] = [list(route) for route in plan]
    rests = [(number, rider) for number, rider in enumerate(model.riders) if rider.rest is not None]
    for number, rider in rests:
        if not any(number == visit[0] for route in routes for visit in route):
            routes = placed(model, routes, rider.id)
    inside = {number for route in routes for number, _ in route}
    short = {unit_id for number, rider in rests if number not in inside for unit_id in rider.fits}
    standing = model.standing
    return [standing[at] if van.id in short else routes[at] for at, van in enumerate(model.vans)]


def filled(model: Model, plan: Plan) -> list[Route]:
    """``plan`` with everybody in it who finds a place, those first who have the fewest units to choose from."""
    routes: list[Route] = [list(route) for route in plan]
    inside = {number for route in routes for number, _ in route}
    left = [number for number in range(len(model.riders)) if number not in inside]
    known = list(model.known) if plan is model.standing else insertion.known_of(model.problem, routes)
    for number in sorted(left, key=lambda each: _turn(model, each)):
        for way in _ways(model, routes, number, known)[:1]:
            routes[way.vehicle] = way.route
            alone = replace(model.problem, vehicles=[model.problem.vehicles[way.vehicle]])
            known[way.vehicle] = insertion.known_of(alone, [way.route])[0]
    return routes


def _turn(model: Model, number: int) -> tuple[int, int, float, str]:
    trip, rider = model.problem.trips[number], model.riders[number]
    able = sum(1 for vehicle in model.problem.vehicles if trip.skills <= vehicle.skills)
    return (-trip.priority, able, trip.pickup.window[1], rider.id)


def better(model: Model, one: Plan, other: Plan) -> Plan:
    """Of two plans the one that leaves fewer people, then the cheaper; never one that breaks a promise."""
    return min((one, other), key=lambda plan: _rank(model, plan))


def _rank(model: Model, plan: Plan) -> tuple[float, float]:
    verdict = check(model.problem, plan)
    left = [model.problem.trips[number] for number in verdict.unserved]
    if not verdict.feasible or any(trip.priority == HELD for trip in left):
        return math.inf, math.inf
    driven = [timetable(model, vehicle, route) for vehicle, route in enumerate(plan) if route]
    tours_s = TOUR_S * sum(_tours(route) for route in plan)
    early_s = sum(_early_s(model, each) for each in driven if each is not None)
    used = [v for v, route in enumerate(plan) if any(model.riders[number].rest is None for number, _ in route)]
    burden_s = sum(model.vans[v].burden_s for v in used if model.problem.vehicles[v].rests)
    cost = verdict.cost + EARLY_WEIGHT * early_s + tours_s + burden_s
    return sum(PRIORITY_WEIGHT**trip.priority for trip in left), cost


def shifted(tours: Sequence[Tour]) -> int:
    """How many who have a promise are fetched at another minute than their tour had; within what they were told."""
    told = [(tour.pickup_of(rider.id), rider.told) for tour in tours for rider in tour.riders]
    return sum(1 for at, promise in told if promise is not None and at != promise.pickup_at)


def proved(model: Model, plan: Plan) -> Verdict:
    """The proof: see :mod:`services.dispatch.planning.checker`."""
    return check(model.problem, plan)


def day_of(model: Model, plan: Plan, lacks: Mapping[str, tuple[str, ...]]) -> Day:
    """The plan as people read it. ``lacks``: what the unit lacks for a rider that lacks least.

    Who is expected home is left without a word: they were promised nothing.
    """
    verdict = proved(model, plan)
    tours: dict[str, list[Tour]] = {}
    had: dict[str, tuple[datetime, datetime]] = {}
    for vehicle, route in enumerate(plan):
        driven = timetable(model, vehicle, route) if route else None
        if driven is not None:
            tours[model.vans[vehicle].id] = tours_of(model, vehicle, driven)
            had |= rests_of(model, vehicle, driven)
    unserved = [why_not(model, number, lacks) for number in verdict.unserved if not model.riders[number].expected]
    rests = [
        RestAt(unit_id, resting, _rest_span(resting, had))
        for unit_id, restings in model.restings.items() for resting in restings
    ]  # fmt: skip
    return Day({unit_id: route for unit_id, route in tours.items() if route}, unserved, verdict.cost, rests)


def _rest_span(resting: Resting, had: Mapping[str, tuple[datetime, datetime]]) -> tuple[datetime, datetime] | None:
    begun_at = resting.rest.begun_at
    if resting.stands == "going_on" and begun_at is not None:
        return begun_at, begun_at + resting.rest.length
    return had.get(resting.rest.id)


def why_not(model: Model, number: int, lacks: Mapping[str, tuple[str, ...]]) -> Unserved:
    """Why nobody can take the ride, and what would help."""
    rider, problem = model.riders[number], model.problem
    able = [vehicle for vehicle in problem.vehicles if rider.id in vehicle.skills]
    if not able and rider.fits & model.tired:
        return Unserved(rider.id, "rest_due", between=_between(rider))
    if not able:
        lacking = lacks.get(rider.id, ())
        return Unserved(rider.id, "nobody_fits" if lacking else "nobody_willing", lacking)
    alone = [(number, True), (number, False)]
    if not any(times_of(problem, vehicle, alone) for vehicle in able):
        sooner = [replace(vehicle, shift=(-DAY_S, vehicle.shift[1])) for vehicle in able]
        late = any(times_of(problem, vehicle, alone) for vehicle in sooner)
        return Unserved(rider.id, "too_late" if late else "off_shift", between=_between(rider))
    return Unserved(rider.id, "all_bound", between=_between(rider))


def _between(rider: Rider) -> tuple[datetime, datetime]:
    return rider.window[0], rider.by_at or rider.window[1] + rider.boarding + UNKNOWN_RIDE
