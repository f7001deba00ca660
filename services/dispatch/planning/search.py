"""The search: a first plan at once, then as many trips and as few vehicles as can be, then as cheap as can be.

Everything that happens follows from the problem, the seed and the number of rounds; the clock decides only how many
rounds there are.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from services.dispatch.planning import kernel as k
from services.dispatch.planning.anneal import ANNEAL, BACK, CLOSE, CONSTRUCT, PLACE, SETTLE, engine
from services.dispatch.planning.arrays import Arrays, arrays_of
from services.dispatch.planning.problem import Found, Objective, Problem

Clock = Callable[[], float]
"""Seconds that rise; ``time.perf_counter``."""
Stopped = Callable[[], bool]
Meeting = Callable[["Search"], None]
"""Where searches of the same problem tell each other their best plans."""


def alone(_: Search) -> None:
    """Nobody to meet."""


SLICE_S = 0.02
"""Compiled code is left so often to look at the clock."""
FLEET_SHARE = 0.35
"""Of the time that is left then, to get along with fewer vehicles."""
PLACE_SHARE = 0.6
"""Of the time, at most, to leave nobody."""
BLINK = 0.01
MEETINGS = (0.4, 0.6, 0.75, 0.9)
"""Parts of the time for getting cheaper after which searches meet."""
CYCLE = 1000
"""Rounds per trip of one annealing; a small problem is annealed again and again from its best plan."""
QUIET_CYCLES = 8
"""So many in a row that find nothing better end the search."""
HEAT = {Objective.VEHICLES_THEN_DISTANCE: (3.0, 0.01)}
USUAL_HEAT = (0.6, 0.01)
"""First and last temperature, in mean ways from stop to stop; full vehicles need more to be freed from."""
TAKEN = 15.0


class Search:
    """One search by one thread. ``run`` may be called again to go on from the best plan."""

    def __init__(self, problem: Problem, seed: int, arrays: Arrays | None = None) -> None:
        self._problem = problem
        self._arrays = arrays or arrays_of(problem)
        self._model = k.model_of(self._arrays)
        self._state = k.state_of(self._arrays, seed)
        self._n = len(problem.trips)
        self._counts = problem.objective is Objective.VEHICLES_THEN_DISTANCE
        self._per_slice = 20
        self._do(SETTLE)

    def _do(self, what: int, number: int = 0, hot: float = 0.0, cold: float = 0.0, taken: float = 0.0) -> int:
        return int(engine(self._model, self._state, what, number, hot, cold, taken, BLINK))

    @property
    def left(self) -> float:
        """Weight of the trips that the best plan leaves out."""
        return float(self._state.figures[k.F_BEST_LEFT])

    @property
    def cost(self) -> float:
        return float(self._state.figures[k.F_BEST_COST])

    def run(self, ends: float, clock: Clock, stop: Stopped = lambda: False, meet: Meeting = alone) -> Found:
        """Search until ``clock`` says ``ends``, or ``stop``."""
        begun = clock()
        self._do(CONSTRUCT)
        if self._n == 0:
            return self.found()
        span = ends - begun
        if self.left > 0:
            self._place(begun + PLACE_SHARE * span, clock, stop)
        if self._counts:
            now = clock()
            self._fewer(now + FLEET_SHARE * (ends - now), clock, stop)
        meet(self)
        self._cheaper(ends, clock, stop, meet)
        return self.found()

    def _place(self, until: float, clock: Clock, stop: Stopped, floor: float = 0.0) -> bool:
        """Look for a plan that leaves no more than ``floor``; gives up when for long nobody more found a place."""
        hot, cold = self._heat()
        quiet = 0
        patience = 40_000 + 40 * self._n
        self._state.figures[k.F_FLOOR] = floor
        while self._state.figures[k.F_LEFT] > floor and clock() < until and not stop() and quiet < patience:
            before = self._state.figures[k.F_LEFT]
            quiet += self._slice(PLACE, (hot + cold) / 2, clock, until)
            if self._state.figures[k.F_LEFT] < before:
                quiet = 0
        return bool(self._state.figures[k.F_LEFT] <= floor)

    def _fewer(self, until: float, clock: Clock, stop: Stopped) -> None:
        """Leave one vehicle after another at home, as long as no more are left for it than must be anyway."""
        self._go_back()
        while clock() < until and not stop():
            car, stops = self._state.car, self._state.stop
            used = [v for v in range(len(car)) if car["size"][v] > 2]  # noqa: PLR2004
            if len(used) <= 1:
                return
            car["active"] = car["size"] > 2  # noqa: PLR2004
            absent = self._state.trip["absent"]
            weights = {
                v: sum(absent[node] for node in stops["node"][k.NOW, v, 1 : car["size"][v] - 1] if node < self._n)
                for v in used
            }
            self._do(CLOSE, min(used, key=lambda v: weights[v]))
            if not self._place(until, clock, stop, self.left):
                return
            self._take_as_best()

    def _take_as_best(self) -> None:
        """One vehicle fewer is better, whatever it costs."""
        self._state.figures[k.F_BEST_COST] = math.inf
        self._do(CONSTRUCT)

    def _go_back(self) -> None:
        """To the best plan; where vehicles count, none beyond its own may be taken, but for somebody who waits."""
        self._do(BACK)
        if not self._counts:
            return
        if self.left > 0:
            self._state.car["active"] = True
            self._do(CONSTRUCT)
        self._state.car["active"] = self._state.car["size"] > 2  # noqa: PLR2004

    def _cheaper(self, ends: float, clock: Clock, stop: Stopped, meet: Meeting) -> None:
        """Anneal to the end."""
        self._go_back()
        hot, cold = self._heat()
        quiet = 0
        first = clock()
        meetings = [first + part * (ends - first) for part in MEETINGS]
        while (begun := clock()) < ends and not stop() and quiet < QUIET_CYCLES:
            best, rounds, whole = self.cost, 0, CYCLE * self._n
            # A cycle cools over its rounds, or over the time that is left where that is shorter.
            while rounds < whole and (now := clock()) < ends and not stop():
                done = max((now - begun) / (ends - begun), rounds / whole)
                rounds += self._slice(ANNEAL, hot * (cold / hot) ** done, clock, ends)
                if meetings and now >= meetings[0]:
                    del meetings[0]
                    meet(self)
            quiet = 0 if self.cost < best - 1e-9 else quiet + 1
            self._go_back()

    def _slice(self, what: int, temperature: float, clock: Clock, until: float) -> int:
        started = clock()
        rounds = self._do(what, self._per_slice, temperature, temperature, self._taken())
        took = clock() - started
        if took > 0 and rounds:
            rate = rounds / took
            left = max(until - started - took, 0.0)
            self._per_slice = max(1, min(2000, int(rate * min(SLICE_S, left)) or 1))
        return rounds

    def _taken(self) -> float:
        return min(TAKEN, max(2.0, 0.3 * self._n))

    def _heat(self) -> tuple[float, float]:
        """Temperatures from the mean step of the plan as it is."""
        steps = max(1, 2 * self._n)
        step = max(float(self._state.figures[k.F_COST]) / steps, 1e-6)
        hot, cold = HEAT.get(self._problem.objective, USUAL_HEAT)
        return hot * step, cold * step

    @property
    def rank(self) -> tuple[float, int, float]:
        """Less is better: weight left, vehicles where they count, cost."""
        used = int((self._state.car["best_size"] > 2).sum()) if self._counts else 0  # noqa: PLR2004
        return self.left, used, self.cost

    def shown(self) -> tuple[k.Numbers, k.Numbers, float, float]:
        """The best plan as another search of the same problem can take it over."""
        return self._state.best.copy(), self._state.car["best_size"].copy(), self.cost, self.left

    def take_over(self, best: k.Numbers, sizes: k.Numbers, cost: float, left: float) -> None:
        """Go on from what another search has shown."""
        self._state.best[:] = best
        self._state.car["best_size"] = sizes
        self._state.figures[k.F_BEST_COST], self._state.figures[k.F_BEST_LEFT] = cost, left
        self._go_back()

    def found(self) -> Found:
        """The best plan so far."""
        state, n = self._state, self._n
        plan = []
        for v in range(len(state.car)):
            nodes = state.best[v, 1 : max(state.car["best_size"][v] - 1, 1)]
            plan.append([(int(node) % n, bool(node < n)) for node in nodes])
        return Found(plan, self.cost, self.left, int(state.figures[k.F_ITERATIONS]))
