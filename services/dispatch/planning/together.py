"""One search on several cores: a thread for each, every one with its own seed, the best plan wins.

Now and then they meet: whoever lags behind goes on from the best that any has shown.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, field
from typing import Any

from services.dispatch.planning.anneal import engine
from services.dispatch.planning.arrays import arrays_of
from services.dispatch.planning.compiled import had_to_compile
from services.dispatch.planning.problem import Found, Problem, Stop, Trip, Vehicle
from services.dispatch.planning.search import Clock, Search, Stopped


class Cancelled(Exception):
    """Nobody waits for this plan any more."""


@dataclass(slots=True)
class _Board:
    """The best plan that any search has shown so far."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    rank: tuple[float, int, float] = (math.inf, 0, math.inf)
    shown: Any = None

    def meet(self, search: Search) -> None:
        with self.lock:
            if search.rank < self.rank:
                self.rank, self.shown = search.rank, search.shown()
            elif search.rank > self.rank:
                search.take_over(*self.shown)


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
    board = _Board()

    def run(search: Search) -> None:
        try:
            search.run(ends, clock, stop, board.meet)
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
    return min(searches, key=lambda search: search.rank).found()


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
