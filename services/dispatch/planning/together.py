"""One search on several cores: a thread for each, every one with its own seed, the best plan wins.

Twice on the way those that lag behind go on from the best that any has found.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

from services.dispatch.planning.anneal import engine
from services.dispatch.planning.compiled import had_to_compile
from services.dispatch.planning.problem import Found, Objective, Problem, Stop, Trip, Vehicle, arrays_of
from services.dispatch.planning.search import Clock, Search, Stopped


class Cancelled(Exception):
    """Nobody waits for this plan any more."""


def plan_together(
    problem: Problem, ends: float, seed: int, threads: int, clock: Clock, stop: Stopped = lambda: False
) -> Found:
    """The best plan that ``threads`` searches find until ``clock`` says ``ends``.

    Raises:
        Cancelled: ``stop`` said so.

    """
    arrays = arrays_of(problem)
    searches = [Search(problem, seed * 1009 + number, arrays) for number in range(max(threads, 1))]
    failed: list[BaseException] = []

    def run(search: Search) -> None:
        try:
            search.run(ends, clock, stop)
        except BaseException as problem_:  # noqa: BLE001 said by the thread that asked
            failed.append(problem_)

    others = [threading.Thread(target=run, args=(search,), daemon=True) for search in searches[1:]]
    for thread in others:
        thread.start()
    run(searches[0])
    for thread in others:
        thread.join()
    if stop():
        raise Cancelled
    if failed:
        raise failed[0]
    return best_of([search.found() for search in searches], problem.objective)


def best_of(found: Sequence[Found], objective: Objective) -> Found:
    """Fewest left, then (where they count) fewest vehicles, then cheapest."""
    counts = objective is Objective.VEHICLES_THEN_DISTANCE
    return min(found, key=lambda each: each.rank if counts else (each.rank[0], each.rank[2]))


def warm() -> bool:
    """Compile, or load what was compiled before: seconds that nobody shall wait for. Whether it had to compile."""
    import numpy as np  # noqa: PLC0415

    way = np.array([[0.0, 1.0], [1.0, 0.0]])
    stop = Stop(1, (0.0, 9.0))
    vehicle = Vehicle("v", 0, 0, {"seat": 1.0}, (0.0, 9.0))
    ticks = iter(range(100_000))
    problem = Problem([vehicle], [Trip("t", stop, stop, {"seat": 1.0})], way, way)
    Search(problem, 1).run(50.0, lambda: float(next(ticks)))
    return had_to_compile(engine)
