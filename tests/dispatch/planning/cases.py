"""Small problems in whole numbers, so that nothing hangs on the last digit of a float."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import numpy as np
from hypothesis import strategies as st

from services.dispatch.planning.problem import INFINITE, Objective, Problem, Stop, Trip, Vehicle
from services.dispatch.planning.search import Found, Search

HORIZON = 200


def ticking(step: float = 0.02) -> Callable[[], float]:
    """A clock that moves whenever somebody looks: what the search does then depends on nothing else."""
    ticks = count()
    return lambda: next(ticks) * step


def solved(problem: Problem, seed: int = 1, looks: int = 1500) -> Found:
    return Search(problem, seed).run(looks * 0.02, ticking())


@st.composite
def spans(draw: st.DrawFn, most: int = HORIZON) -> tuple[float, float]:
    opens = draw(st.integers(0, most - 20))
    return float(opens), float(min(most, opens + draw(st.integers(0, 80))))


@st.composite
def problems(
    draw: st.DrawFn, most_trips: int = 5, most_vehicles: int = 3, objective: Objective = Objective.DISTANCE
) -> Problem:
    """Points on a grid, distance by streets; limits of every kind, some of them impossible."""
    trips, vehicles = draw(st.integers(1, most_trips)), draw(st.integers(1, most_vehicles))
    places = 2 * trips + vehicles
    points = np.array(
        draw(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=places, max_size=places)),
        dtype=np.float64,
    )
    way = np.abs(points[:, None, :] - points[None, :, :]).sum(axis=2)
    limits = st.one_of(st.just(INFINITE), st.integers(5, 60).map(float))
    skills = st.frozensets(st.sampled_from(["lift", "oxygen"]), max_size=1)
    asked = []
    for i in range(trips):
        first = draw(spans())
        second = draw(spans()) if draw(st.booleans()) else (0.0, float(HORIZON))
        load = {draw(st.sampled_from(["seat", "wheelchair"])): float(draw(st.integers(1, 2)))}
        asked.append(
            Trip(
                f"t{i}",
                Stop(i, first, draw(st.integers(0, 5)) * 1.0),
                Stop(trips + i, second, draw(st.integers(0, 5)) * 1.0),
                load,
                draw(limits),
                draw(skills),
            )
        )
    fleet = []
    for v in range(vehicles):
        home = 2 * trips + v
        capacity = {"seat": float(draw(st.integers(0, 3))), "wheelchair": float(draw(st.integers(0, 2)))}
        duration = draw(st.one_of(st.just(INFINITE), st.integers(40, 200).map(float)))
        fleet.append(
            Vehicle(
                f"v{v}",
                home,
                home,
                capacity,
                (0.0, float(HORIZON)),
                duration,
                draw(limits),
                draw(skills),
                opening=draw(st.sampled_from([0.0, 0.0, 7.0])),
            )
        )
    return Problem(fleet, asked, way, way, objective)
