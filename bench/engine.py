"""The planner's engine: how near its plans come to those of a long search, how soon they are there, what it holds.

Cases are drawn (``engine_cases``); none of the published ones is among them, so that nothing is tuned to those.
"""

from __future__ import annotations

import asyncio
import math
import time
from contextlib import suppress
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

import numpy as np
import psutil

from bench import engine_cases as cases
from services.dispatch.engine.pool import Engine
from services.dispatch.planning.checker import check
from services.dispatch.planning.offers import known_of, offers
from services.dispatch.planning.problem import INFINITE, Objective, Problem, Stop, Trip, Vehicle

BUDGETS_S = (1.0, 5.0, 30.0)
LONG_S = 60.0
LONG_SEEDS = (11, 12, 13)
DIAL_A_RIDE = {
    "24 trips, 3 vehicles": cases.dial_a_ride(1, 24, 3),
    "48 trips, 5 vehicles, groups": cases.dial_a_ride(2, 48, 5, wheelchairs=True),
    "72 trips, 7 vehicles": cases.dial_a_ride(3, 72, 7),
    "96 trips, 9 vehicles": cases.dial_a_ride(4, 96, 9),
    "96 trips, 9 vehicles, groups": cases.dial_a_ride(5, 96, 9, wheelchairs=True),
}
GOODS = {
    "goods, clustered, narrow": cases.pickup_and_delivery(1, 52, clustered=True),
    "goods, clustered, wide": cases.pickup_and_delivery(1, 52, clustered=True, wide=True),
    "goods, anywhere, wide": cases.pickup_and_delivery(2, 52, wide=True),
}


@dataclass(slots=True)
class Quality:
    """``costs`` and ``vehicles`` by budget; ``best`` of the long runs and of all the others."""

    name: str
    best: float = math.inf
    fewest: int = 0
    costs: dict[float, float] = field(default_factory=dict)
    vehicles: dict[float, int] = field(default_factory=dict)
    left: int = 0

    def gap(self, budget_s: float) -> float:
        """Per cent above the best."""
        return 100.0 * (self.costs[budget_s] / self.best - 1.0)


@dataclass(slots=True)
class Measured:
    qualities: list[Quality]
    offer_ms: list[float]
    first_plan_s: float
    first_plan_left: int
    engine_mb: float
    warm_s: float


def problem_of(request: dict[str, Any]) -> Problem:
    """A case as the engine takes it, without HTTP."""
    places: list[tuple[float, float]] = []

    def place(said: dict[str, Any]) -> int:
        places.append((said["x"], said["y"]))
        return len(places) - 1

    def stop(said: dict[str, Any]) -> Stop:
        return Stop(place(said), (said["window"][0], said["window"][1]), said["service_s"])

    trips = [
        Trip(each["id"], stop(each["pickup"]), stop(each["dropoff"]), each["load"], each.get("max_ride_s", INFINITE))
        for each in request["trips"]
    ]
    vehicles = [
        Vehicle(
            each["id"], place(each["start"]), place(each["end"]), each["capacity"],
            (each["shift"][0], each["shift"][1]), each.get("max_duration_s", INFINITE),
        )
        for each in request["vehicles"]
    ]  # fmt: skip
    points = np.array(places)
    way = np.hypot(*(points[:, None, axis] - points[None, :, axis] for axis in (0, 1)))
    return Problem(vehicles, trips, way, way, Objective(request["objective"]))


async def measure() -> Measured:
    engine = Engine()
    started = time.monotonic()
    task = asyncio.create_task(engine.run())
    try:
        while not engine.ready:
            await asyncio.sleep(0.05)
        warm_s = time.monotonic() - started
        first_s, left = await _first_plan(engine)
        offer_ms = await _offers(engine)
        qualities = [await _quality(engine, name, case) for name, case in (DIAL_A_RIDE | GOODS).items()]
        held = psutil.Process(engine.pid).memory_info().rss / 2**20
        return Measured(qualities, offer_ms, first_s, left, held, warm_s)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _quality(engine: Engine, name: str, case: dict[str, Any]) -> Quality:
    problem = problem_of(case)
    made = Quality(name)
    long = [check(problem, await engine.plan(problem, LONG_S, seed)) for seed in LONG_SEEDS]
    short = {budget_s: check(problem, await engine.plan(problem, budget_s, 1)) for budget_s in BUDGETS_S}
    assert all(verdict.feasible for verdict in [*long, *short.values()])
    made.fewest = min(verdict.vehicles_used for verdict in [*long, *short.values()])
    counts = problem.objective is Objective.VEHICLES_THEN_DISTANCE
    level = [v for v in [*long, *short.values()] if not counts or v.vehicles_used == made.fewest]
    made.best = min(verdict.cost for verdict in level)
    made.costs = {budget_s: verdict.cost for budget_s, verdict in short.items()}
    made.vehicles = {budget_s: verdict.vehicles_used for budget_s, verdict in short.items()}
    made.left = sum(len(verdict.unserved) for verdict in short.values())
    return made


async def _first_plan(engine: Engine) -> tuple[float, int]:
    problem = problem_of(cases.town(1, 500, 50))
    started = time.monotonic()
    plan = await engine.plan(problem, 0.3, 1)
    verdict = check(problem, plan)
    assert verdict.feasible
    return time.monotonic() - started, len(verdict.unserved)


async def _offers(engine: Engine) -> list[float]:
    """One more trip into 50 routes of about 28 stops, promised in plain Python."""
    problem = problem_of(cases.town(2, 700, 50))
    plan = [list(route) for route in await engine.plan(problem, 2.0, 1)]
    took = []
    for number in range(0, 700, 7):
        without = [[visit for visit in route if visit[0] != number] for route in plan]
        known = known_of(problem, without)
        started = time.perf_counter()
        offers(problem, without, number, known)
        took.append(1000 * (time.perf_counter() - started))
    return sorted(took)


def mean_gap(qualities: list[Quality], budget_s: float) -> float:
    return fmean(quality.gap(budget_s) for quality in qualities)
