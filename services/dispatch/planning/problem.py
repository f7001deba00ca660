"""What is to be planned: vehicles, trips and travel between places, as plain frozen values.

All times are real seconds from the plan's zero. ``place`` is a row of the travel matrices, whatever the places are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Drives = NDArray[np.floating[Any]]
"""Between places, of either width: a table of whole minutes needs half the memory, and loses nothing."""
INFINITE = math.inf


class Objective(StrEnum):
    """What a plan costs, after all trips that can be served are served."""

    DISTANCE = "distance"
    VEHICLES_THEN_DISTANCE = "vehicles_then_distance"
    SERVICE = "service"
    """Seconds driven and seconds that people sit in a vehicle that drives."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Where and when somebody is picked up or dropped off; service begins within ``window`` and takes ``service_s``."""

    place: int
    window: tuple[float, float]
    service_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Trip:
    """``load`` in places per kind; ``max_ride_s`` from leaving the pickup to beginning at the drop-off."""

    id: str
    pickup: Stop
    dropoff: Stop
    load: Mapping[str, float]
    max_ride_s: float = INFINITE
    skills: frozenset[str] = frozenset()
    priority: int = 0
    rest: bool = False
    """Nobody rides: the crew rests at the pickup, which is the drop-off, for as long as its service takes."""


@dataclass(frozen=True, slots=True)
class Rest:
    """What is due to a crew: ``length_s`` without anybody or anything to do, begun within ``window``."""

    window: tuple[float, float]
    length_s: float


@dataclass(frozen=True, slots=True)
class Vehicle:
    """``shift`` bounds leaving ``start`` and reaching ``end``; ``max_duration_s`` is the time between the two.

    ``opening`` is added to the cost of a plan that uses it at all. ``rests`` are due to its crew where it is used.
    """

    id: str
    start: int
    end: int
    capacity: Mapping[str, float]
    shift: tuple[float, float]
    max_duration_s: float = INFINITE
    max_ride_s: float = INFINITE
    skills: frozenset[str] = frozenset()
    opening: float = 0.0
    rests: Sequence[Rest] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """``duration_s[a, b]`` and ``distance_m[a, b]``: from place a to place b; infinite where there is no way.

    ``shortest``: no drive is quicker by way of another place. What a stranger's matrix says need not be so.
    """

    vehicles: Sequence[Vehicle]
    trips: Sequence[Trip]
    duration_s: Drives
    distance_m: Drives
    objective: Objective = Objective.DISTANCE
    shortest: bool = True


def drives_of(problem: Problem) -> int:
    """How many drives it holds."""
    return problem.duration_s.size * (1 if problem.distance_m is problem.duration_s else 2)


def narrow(drives: Drives) -> Drives:
    """The same in half the memory where nothing is lost, as of whole seconds and metres."""
    with np.errstate(over="ignore"):
        half = drives.astype(np.float32)
    return half if np.array_equal(half, drives) else drives


def compact(problem: Problem) -> Problem:
    """The same problem with the places that it names, and no others."""
    stops = [stop for trip in problem.trips for stop in (trip.pickup, trip.dropoff)]
    used = sorted({stop.place for stop in stops} | {end for v in problem.vehicles for end in (v.start, v.end)})
    if len(used) == len(problem.duration_s):
        return problem
    row, rows = {place: at for at, place in enumerate(used)}, np.ix_(used, used)
    duration_s = np.ascontiguousarray(problem.duration_s[rows])
    same = problem.distance_m is problem.duration_s
    return replace(
        problem,
        vehicles=[replace(v, start=row[v.start], end=row[v.end]) for v in problem.vehicles],
        trips=[
            replace(
                trip, pickup=replace(trip.pickup, place=row[trip.pickup.place]),
                dropoff=replace(trip.dropoff, place=row[trip.dropoff.place]),
            )
            for trip in problem.trips
        ],
        duration_s=duration_s,
        distance_m=duration_s if same else np.ascontiguousarray(problem.distance_m[rows]),
    )  # fmt: skip


Visit = tuple[int, bool]
"""Trip number, and whether it is the pickup."""
Route = Sequence[Visit]
"""The stops of one vehicle in their order, without its depots."""
Plan = Sequence[Route]
"""A route for each vehicle, by its number; empty where it stays at home."""


@dataclass(frozen=True, slots=True)
class Found:
    """A plan, its cost (see ``Objective``), the weight of trips left out that some vehicle could have made alone,

    and how many ``rounds`` of ruin and recreate were made.
    """

    plan: Plan
    cost: float
    left: float
    rounds: int

    @property
    def rank(self) -> tuple[float, int, float]:
        """Less is better, where vehicles count."""
        return self.left, sum(1 for route in self.plan if route), self.cost


PRIORITY_WEIGHT = 4.0
"""A trip of one priority outweighs three of the priority below."""
