"""Ruin and recreate under simulated annealing, compiled.

After Christiaens and Vanden Berghe, "Slack Induction by String Removals for Vehicle Routing Problems" (Transportation
Science 54(2), 2020): take strings of neighbouring stops out of neighbouring routes, put the trips back greedily in
various orders, now and then blind to a route. ``absent`` counts how often a trip was left: what is hard to place
gathers weight, and a plan that leaves only easy trips is worth going to.
"""

from __future__ import annotations

import numpy as np

from services.dispatch.planning.compiled import compiled, door
from services.dispatch.planning.insertion import best_of, insert, keep, remember, take_back, take_out
from services.dispatch.planning.kernel import (
    EPS,
    F_BEST_COST,
    F_BEST_LEFT,
    F_COST,
    F_FLOOR,
    F_ITERATIONS,
    F_LEFT,
    NOW,
    Model,
    State,
    rand,
    settle,
)
from services.dispatch.planning.ruin import ruin, unmark

FEW_LEFT = 20
"""Of the trips that wait, so many are tried again in each round."""


@compiled
def add_waiting(M: Model, S: State, count: int, most: int) -> int:
    """Put trips that wait (at most ``most``, from a place anywhere in their list) into the bag as well."""
    n = len(M.trip)
    start = int(rand(S) * n)
    room = count + most
    for j in range(n):
        if count >= room:
            break
        i = (start + j) % n
        if S.trip[i].where < 0 and not S.trip[i].mark:
            S.trip[i].mark = True
            S.trip[count].bag = i
            count += 1
    return count


@compiled
def order(M: Model, S: State, count: int) -> None:
    """Sort the bag by one of the orders in which trips may be put back, hard ones first."""
    n = len(M.trip)
    pick = rand(S) * 17.0
    for j in range(count):
        i = S.trip[j].bag
        d = n + i
        if pick < 4.0:
            key = rand(S)
        elif pick < 6.0:
            key = -M.trip[i].people + 0.01 * rand(S)
        elif pick < 8.0:
            key = -M.t[i, d]
        elif pick < 9.0:
            key = M.t[i, d]
        elif pick < 11.0:
            key = min(M.node[i].closes - M.node[i].opens, M.node[d].closes - M.node[d].opens)
        elif pick < 13.0:
            key = M.node[i].closes
        elif pick < 15.0:
            key = -M.node[d].opens
        else:
            key = -S.trip[i].absent
        S.trip[j].key = key - 1e6 * (M.trip[i].weight - 1.0)
    for j in range(1, count):
        i, key = S.trip[j].bag, S.trip[j].key
        k = j - 1
        while k >= 0 and S.trip[k].key > key:
            S.trip[k + 1].bag, S.trip[k + 1].key = S.trip[k].bag, S.trip[k].key
            k -= 1
        S.trip[k + 1].bag, S.trip[k + 1].key = i, key


@compiled
def recreate(M: Model, S: State, count: int, blink: float) -> None:
    for j in range(count):
        i = S.trip[j].bag
        _, v, p, q = best_of(M, S, i, blink)
        if v >= 0:
            insert(M, S, i, v, p, q)


@compiled
def totals(M: Model, S: State) -> tuple[float, float, float]:
    """Cost, weight of what waits, and how often that was left so far."""
    cost, left, absent = 0.0, 0.0, 0.0
    for v in range(len(S.car)):
        cost += S.car[v].cost
    for i in range(len(S.trip)):
        if S.trip[i].where < 0:
            left += M.trip[i].weight
            absent += S.trip[i].absent * M.trip[i].weight
    return cost, left, absent


@compiled
def note_if_best(S: State) -> None:
    """Fewer left, or as few and cheaper."""
    cost, left, best = S.figures[F_COST], S.figures[F_LEFT], S.figures[F_BEST_LEFT]
    if left > best + EPS or (left >= best - EPS and cost >= S.figures[F_BEST_COST] - EPS):
        return
    S.figures[F_BEST_COST], S.figures[F_BEST_LEFT] = S.figures[F_COST], S.figures[F_LEFT]
    for v in range(len(S.car)):
        S.car[v].best_size = S.car[v].size
        for k in range(S.car[v].size):
            S.best[v, k] = S.stop[NOW, v, k].node


@compiled
def rebuild(M: Model, S: State) -> None:
    """Go back to the best plan."""
    n = len(M.trip)
    for i in range(n):
        S.trip[i].where = -1
    for v in range(len(S.car)):
        S.car[v].size = S.car[v].best_size
        for k in range(S.car[v].size):
            S.stop[NOW, v, k].node = S.best[v, k]
        settle(M, S, v)
        for k in range(1, S.car[v].size - 1):
            if S.stop[NOW, v, k].node < n:
                S.trip[S.stop[NOW, v, k].node].where = v
    keep(S)
    S.figures[F_COST], S.figures[F_LEFT], _ = totals(M, S)


@compiled
def construct(M: Model, S: State) -> None:
    """Put every trip that waits into the plan, in one of the orders; call again for another try from the same state."""
    unmark(S)
    count = add_waiting(M, S, 0, len(M.trip))
    order(M, S, count)
    recreate(M, S, count, 0.0)
    keep(S)
    S.figures[F_COST], S.figures[F_LEFT], _ = totals(M, S)
    note_if_best(S)


@compiled
def close_route(M: Model, S: State, v: int) -> None:
    """Leave a vehicle at home: its trips wait."""
    n = len(M.trip)
    unmark(S)
    for k in range(1, S.car[v].size - 1):
        S.trip[S.stop[NOW, v, k].node % n].mark = True
    remember(S, v)
    take_out(M, S, v)
    S.car[v].active = False
    keep(S)
    S.figures[F_COST], S.figures[F_LEFT], _ = totals(M, S)


@compiled
def anneal(M: Model, S: State, rounds: int, hot: float, cold: float, taken: float, blink: float, placing: bool) -> int:
    """``rounds`` of ruin and recreate, cooling from ``hot`` to ``cold``; the best is kept in the state.

    ``placing``: what counts is whom it leaves; ends as soon as no more wait than F_FLOOR says. Returns the rounds done.
    """
    cost, left, absent = totals(M, S)
    S.figures[F_COST], S.figures[F_LEFT] = cost, left
    temperature = hot
    cooling = (cold / hot) ** (1.0 / rounds) if hot > 0 else 1.0
    for done in range(rounds):
        if placing and left <= S.figures[F_FLOOR] + EPS:
            return done
        count = ruin(M, S, taken)
        count = add_waiting(M, S, count, FEW_LEFT)
        order(M, S, count)
        recreate(M, S, count, blink)
        new_cost, new_left, new_absent = totals(M, S)
        threshold = cost - temperature * np.log(max(rand(S), 1e-300))
        if placing:
            accepted = new_absent < absent or (new_left <= left + EPS and new_cost < threshold)
        else:
            accepted = new_left < left - EPS or (new_left <= left + EPS and new_cost < threshold)
        if accepted:
            keep(S)
            cost, left, absent = new_cost, new_left, new_absent
            S.figures[F_COST], S.figures[F_LEFT] = cost, left
            note_if_best(S)
        else:
            take_back(M, S)
        if left > EPS or new_left > EPS:
            for j in range(count):
                if S.trip[S.trip[j].bag].where < 0:
                    S.trip[S.trip[j].bag].absent += 1.0
            if placing:
                absent = totals(M, S)[2]
        S.figures[F_ITERATIONS] += 1
        temperature *= cooling
    return rounds


SETTLE, CONSTRUCT, ANNEAL, PLACE, BACK, CLOSE = range(6)


@door
def engine(M: Model, S: State, what: int, number: int, hot: float, cold: float, taken: float, blink: float) -> int:
    """The one door to compiled code, for each door costs seconds of compiling: do ``what``.

    ``number``: rounds of ANNEAL and PLACE, the vehicle of CLOSE.
    """
    if what == SETTLE:
        for v in range(len(S.car)):
            settle(M, S, v)
        return 0
    if what == CONSTRUCT:
        construct(M, S)
        return 0
    if what == BACK:
        rebuild(M, S)
        return 0
    if what == CLOSE:
        close_route(M, S, number)
        return 0
    return int(anneal(M, S, number, hot, cold, taken, blink, what == PLACE))
