"""The planner's engine: how near its plans come to those of a long search, how soon they are there, what it holds.

Cases are drawn (``engine_cases``); none of the published ones is among them, so that nothing is tuned to those.
"""

from __future__ import annotations

import asyncio
import math
import os
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

import numpy as np
import psutil

from bench import engine_cases as cases
from bench.peers import PEERS, asked_of
from services.dispatch.engine.pool import Engine
from services.dispatch.engine.worker import NICE
from services.dispatch.planning.checker import Verdict, check
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
    """``found`` and ``peers`` (by their names) by budget: checked plans, None where a peer found none;

    ``best`` of the long runs and of all the others that leave nobody, whoever found it.
    """

    name: str
    best: float = math.inf
    fewest: int = 0
    found: dict[float, Verdict] = field(default_factory=dict)
    peers: dict[str, dict[float, Verdict | None]] = field(default_factory=dict)

    def gap(self, verdict: Verdict) -> float:
        """Per cent above the best."""
        return 100.0 * (verdict.cost / self.best - 1.0)


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
    places: dict[tuple[float, float], int] = {}

    def place(said: dict[str, Any]) -> int:
        return places.setdefault((said["x"], said["y"]), len(places))

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
    points = np.array(list(places))
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
    made.found = {budget_s: check(problem, await engine.plan(problem, budget_s, 1)) for budget_s in BUDGETS_S}
    for peer in (each for each in PEERS if asked_of(each, problem)):
        made.peers[peer] = await asyncio.to_thread(_asked, peer, problem)
    long = [check(problem, await engine.plan(problem, LONG_S, seed)) for seed in LONG_SEEDS]
    theirs = [verdict for plans in made.peers.values() for verdict in plans.values() if verdict]
    everybody = [*long, *made.found.values(), *theirs]
    assert all(verdict.feasible for verdict in everybody)
    whole = [verdict for verdict in everybody if not verdict.unserved]
    made.fewest = min(verdict.vehicles_used for verdict in whole)
    counts = problem.objective is Objective.VEHICLES_THEN_DISTANCE
    made.best = min(each.cost for each in whole if not counts or each.vehicles_used == made.fewest)
    return made


def _asked(peer: str, problem: Problem) -> dict[float, Verdict | None]:
    """One of the other solvers with each budget, from the beginning; as low in priority as our engine is."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
    plans = {budget_s: PEERS[peer](problem, budget_s) for budget_s in BUDGETS_S}
    return {budget_s: None if plan is None else check(problem, plan) for budget_s, plan in plans.items()}


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
    return fmean(quality.gap(quality.found[budget_s]) for quality in qualities)
