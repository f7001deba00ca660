"""The day as the planner takes it: riders, vans and what they have promised, turned into one problem. Pure.

The plan's zero is midnight in Bangkok, its unit the whole minute: ways are rounded up and windows inwards, so that what
people are told can be kept as it was said.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np

from services.dispatch.planning.checker import check
from services.dispatch.planning.problem import Floats, Objective, Plan, Problem, Stop, Trip, Vehicle, Visit
from services.dispatch.rules.ranking import TravelTimes
from services.dispatch.rules.windows import BOARDING, UNKNOWN_RIDE
from shared.geo import Point

MINUTE_S = 60.0
DAY_S = 86_400.0
LATE_MOST = timedelta(minutes=10)
"""A promise: fetched from the told time on, at most this much later. The plan may use it for one more rider."""
EXPECTED_WITHIN = timedelta(minutes=60)
"""So long after the visit's end somebody is expected to want to go home: planned for, not promised."""
CLEANING = timedelta(minutes=30)
"""A unit that carried an infection is cleaned before its next rider."""
DETOUR, LEAST_DETOUR_S, MOST_DETOUR_S = 0.5, 900.0, 2700.0
"""Nobody rides longer than straight there and half as long again: 15 minutes more at the least, 45 at the most."""
SHARE = 0.01
"""What counts room but weighs nothing beside people: being alone, a piece of equipment that serves one at a time."""
NEW, EXPECTED, HELD = 1, 0, 8
"""Priorities: who waits to be planned, who is expected to go home, who has a promise."""


@dataclass(frozen=True, slots=True)
class Told:
    """What was promised: by which unit, in which run, and when its tour stops; ``at``: what the rider heard."""

    unit_id: str
    run_id: str
    assignment_id: str
    at: datetime
    pickup_at: datetime
    dropoff_at: datetime | None


@dataclass(frozen=True, slots=True)
class Rider:
    """One trip. ``window`` of the pickup, ``by_at``: the drop-off has begun; ``fits``: units that may take it.

    ``told``: it has a promise and is not moved. ``expected``: the way home, whose time nobody knows yet.
    """

    id: str
    pickup: Point | None
    drop: Point | None
    window: tuple[datetime, datetime]
    by_at: datetime | None
    mobility: str | None
    load: Mapping[str, float]
    fits: frozenset[str]
    equipment: frozenset[str] = frozenset()
    alone: bool = False
    told: Told | None = None
    expected: bool = False

    @property
    def boarding(self) -> timedelta:
        return BOARDING.get(self.mobility, BOARDING[None])


@dataclass(frozen=True, slots=True)
class Van:
    """A unit for the day: ``shift`` bounds leaving its base and being back."""

    id: str
    call_sign: str
    home: Point | None
    places: Mapping[str, int]
    equipment: frozenset[str]
    shift: tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Model:
    """``standing``: the promised routes as they are; vans whose promises contradict each other are ``by_hand``."""

    zero: datetime
    riders: Sequence[Rider]
    vans: Sequence[Van]
    problem: Problem
    standing: Plan
    by_hand: frozenset[str]
    sources: tuple[str, ...]
    number: Mapping[str, int] = field(default_factory=dict)

    def at(self, seconds: float) -> datetime:
        return self.zero + timedelta(seconds=round(seconds))


class Ways:
    """Travel between all places of the day; a place that nobody knows is half an hour from everywhere."""

    def __init__(self, points: Iterable[Point | None], times: TravelTimes) -> None:
        self._rows: dict[Point, int] = {}
        for point in points:
            if point is not None:
                self._rows.setdefault(point, len(self._rows) + 1)
        size = len(self._rows) + 1
        self.duration_s: Floats = np.full((size, size), UNKNOWN_RIDE.total_seconds())
        table = times.table(list(self._rows), urgent=False)
        self.duration_s[1:, 1:] = np.ceil(table.duration_s / MINUTE_S - 1e-9) * MINUTE_S
        self.sources = tuple(sorted(table.sources)) if self._rows else ()

    def row(self, point: Point | None) -> int:
        return 0 if point is None else self._rows[point]


def model_of(zero: datetime, riders: Sequence[Rider], vans: Sequence[Van], times: TravelTimes) -> Model:
    """The problem of this day. A promise's unit must be among ``vans``, or the promise is left as it stands."""
    places = [end for rider in riders for end in (rider.pickup, rider.drop)] + [van.home for van in vans]
    ways = Ways(places, times)
    here = {van.id for van in vans}
    riders = [rider for rider in riders if rider.told is None or rider.told.unit_id in here]
    pieces = frozenset[str]().union(*(rider.equipment for rider in riders))
    trips = [_trip(zero, rider, ways) for rider in riders]
    able: dict[str, set[str]] = {van.id: set() for van in vans}
    for rider in riders:
        for unit_id in {rider.told.unit_id} if rider.told else rider.fits & here:
            able[unit_id].add(rider.id)
    vehicles = [_vehicle(zero, van, frozenset(able[van.id]), pieces, ways) for van in vans]
    problem = Problem(vehicles, trips, ways.duration_s, ways.duration_s, Objective.SERVICE)
    standing = [_standing(van.id, riders) for van in vans]
    wrong = {vans[fault.vehicle].id for fault in check(problem, standing).faults}
    if wrong:  # booked by hand against the rules: such a unit is left to people
        rest = model_of(zero, riders, [van for van in vans if van.id not in wrong], times)
        return replace(rest, by_hand=rest.by_hand | wrong)
    number = {rider.id: at for at, rider in enumerate(riders)}
    return Model(zero, riders, vans, problem, standing, frozenset(), ways.sources, number)


def _trip(zero: datetime, rider: Rider, ways: Ways) -> Trip:
    boards = rider.boarding.total_seconds()
    pickup, drop = ways.row(rider.pickup), ways.row(rider.drop)
    direct = float(ways.duration_s[pickup, drop])
    opens, closes = (_second(zero, at) for at in rider.window)
    until = DAY_S * 2 if rider.by_at is None else _down(_second(zero, rider.by_at))
    if rider.told is not None:
        opens = _down(_second(zero, rider.told.at))
        closes = opens + LATE_MOST.total_seconds()
        until = max(until, opens + boards + direct)
    leaves = boards + (CLEANING.total_seconds() if rider.alone else 0.0)
    longest = direct + min(max(DETOUR * direct, LEAST_DETOUR_S), MOST_DETOUR_S)
    room = {"room": 1.0 if rider.alone else SHARE, **{f"piece:{piece}": SHARE for piece in rider.equipment}}
    return Trip(
        id=rider.id, pickup=Stop(pickup, (_up(opens), max(_down(closes), _up(opens))), boards),
        dropoff=Stop(drop, (0.0, max(until, 0.0)), leaves), load={**rider.load, **room}, max_ride_s=longest,
        skills=frozenset({rider.id}), priority=HELD if rider.told else EXPECTED if rider.expected else NEW,
    )  # fmt: skip


def _vehicle(zero: datetime, van: Van, able: frozenset[str], pieces: frozenset[str], ways: Ways) -> Vehicle:
    """Who may ride in it is its skills: eligibility is decided by the rules, for each rider and unit."""
    capacity = {**{kind: float(count) for kind, count in van.places.items()}, "room": 1.0}
    capacity |= {f"piece:{piece}": SHARE for piece in pieces & van.equipment}
    shift = (_up(max(_second(zero, van.shift[0]), 0.0)), _down(min(_second(zero, van.shift[1]), DAY_S * 2)))
    home = ways.row(van.home)
    return Vehicle(van.id, home, home, capacity, (shift[0], max(shift)), skills=able)


def _standing(unit_id: str, riders: Sequence[Rider]) -> list[Visit]:
    """The stops that a unit has promised, in their order."""
    stops: list[tuple[datetime, int, bool]] = []
    for number, rider in enumerate(riders):
        if rider.told is None or rider.told.unit_id != unit_id:
            continue
        down = rider.told.dropoff_at or rider.told.pickup_at + rider.boarding
        stops += [(rider.told.pickup_at, number, True), (down, number, False)]
    return [(number, pickup) for _, number, pickup in sorted(stops, key=lambda stop: (stop[0], not stop[2], stop[1]))]


def _second(zero: datetime, at: datetime) -> float:
    return (at - zero).total_seconds()


def _up(seconds: float) -> float:
    return math.ceil(seconds / MINUTE_S - 1e-9) * MINUTE_S


def _down(seconds: float) -> float:
    return math.floor(seconds / MINUTE_S + 1e-9) * MINUTE_S
