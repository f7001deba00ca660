"""The best place for a trip in a route, and changing routes so that it can be taken back; compiled."""

from __future__ import annotations

import numpy as np

from services.dispatch.planning.compiled import compiled
from services.dispatch.planning.kernel import EPS, F_CHECKS, NOW, OLD, Model, State, rand, schedule, settle


@compiled
def fits(M: Model, S: State, v: int, k: int, i: int) -> bool:
    """Whether trip ``i`` still finds its places between stop ``k`` and the next."""
    for kind in range(M.load.shape[1]):
        if S.onboard[NOW, v, k, kind] + M.load[i, kind] > M.cap[v, kind] + EPS:
            return False
    return True


@compiled
def possible(M: Model, S: State, v: int, i: int, p: int, q: int) -> bool:
    """Whether the route has times with pickup after stop ``p`` and drop-off after stop ``q``."""
    n = len(M.trip)
    row, size, trial = S.stop[NOW, v], S.car[v].size, S.stop[NOW, len(S.car)]
    for k in range(p + 1):
        trial[k].node = row[k].node
    trial[p + 1].node = i
    for k in range(p + 1, q + 1):
        trial[k + 1].node = row[k].node
    trial[q + 2].node = n + i
    for k in range(q + 1, size):
        trial[k + 2].node = row[k].node
    S.figures[F_CHECKS] += 1
    return bool(schedule(M, v, trial, size + 2, S.at))


@compiled
def best_in(M: Model, S: State, v: int, i: int, bound: float) -> tuple[float, int, int]:
    """The cheapest feasible insertion below ``bound``: extra cost and the stops it follows, -1 where there is none.

    Cheap tests first: least and greatest times of the route as it is bound those of every longer one.
    """
    n = len(M.trip)
    row, size = S.stop[NOW, v], S.car[v].size
    d = n + i
    t, c = M.t, M.c
    limit = min(M.trip[i].ride, M.fleet[v].ride)
    found_p, found_q = -1, -1
    aboard, people = M.aboard, M.trip[i].people
    empty = size == 2
    opening = M.fleet[v].opening if empty else 0.0
    for p in range(size - 1):
        a, nx = row[p].node, row[p + 1].node
        leave = row[p].begin + (M.node[a].service if p > 0 else 0.0)
        if leave > M.node[i].closes + EPS:
            break
        now = max(M.node[i].opens, leave + t[a, i])
        if now > M.node[i].closes + EPS or not fits(M, S, v, p, i):
            continue
        gone = now + M.node[i].service
        whole = 0.0 if empty else c[a, nx]
        # Straight on to the drop-off.
        drop = max(M.node[d].opens, gone + t[i, d])
        if drop <= M.node[d].closes + EPS:
            extra = opening + c[a, i] + c[i, d] + c[d, nx] - whole
            if aboard > 0:
                detour = t[a, i] + M.node[i].service + t[i, d] + M.node[d].service + t[d, nx] - t[a, nx]
                extra += aboard * (row[p].riding * detour + people * t[i, d])
            if (
                extra < bound - EPS
                and drop + M.node[d].service + t[d, nx] <= row[p + 1].latest + EPS
                and possible(M, S, v, i, p, p)
            ):
                bound, found_p, found_q = extra, p, p
        if p == size - 2:
            break
        extra_p = c[a, i] + c[i, nx] - whole
        if aboard > 0:
            extra_p += aboard * row[p].riding * (t[a, i] + M.node[i].service + t[i, nx] - t[a, nx])
        if extra_p >= bound - EPS:
            continue
        # Others first. The pickup may begin as late as the next stop allows; nobody rides longer than that gives.
        until = min(M.node[i].closes, row[p + 1].latest - t[i, nx] - M.node[i].service) + M.node[i].service + limit
        until = min(until, M.node[d].closes)
        now = gone + t[i, nx]
        seated = t[i, nx]
        for k in range(p + 1, size - 1):
            b, nx = row[k].node, row[k + 1].node
            now = max(now, row[k].begin)
            if now > row[k].latest + EPS:
                break
            leave = now + M.node[b].service
            if leave > until + EPS or not fits(M, S, v, k, i):
                break
            seated += M.node[b].service
            drop = max(M.node[d].opens, leave + t[b, d])
            if drop <= until + EPS:
                extra = extra_p + c[b, d] + c[d, nx] - c[b, nx]
                if aboard > 0:
                    extra += aboard * people * (seated + t[b, d])
                    extra += aboard * row[k].riding * (t[b, d] + M.node[d].service + t[d, nx] - t[b, nx])
                if (
                    extra < bound - EPS
                    and drop + M.node[d].service + t[d, nx] <= row[k + 1].latest + EPS
                    and possible(M, S, v, i, p, k)
                ):
                    bound, found_p, found_q = extra, p, k
            now = leave + t[b, nx]
            seated += t[b, nx]
    return bound, found_p, found_q


@compiled
def best_of(M: Model, S: State, i: int, blink: float) -> tuple[float, int, int, int]:
    """The cheapest insertion of trip ``i`` over all routes: cost, vehicle, places; vehicle -1 where there is none.

    What was found for a route is remembered for as long as the route stays as it is: the insertion, or that there is
    none below the bound that was asked for.
    """
    best, vehicle, p, q = np.inf, -1, -1, -1
    tried = -1
    for v in range(len(S.car)):
        if not S.car[v].active or not M.compat[i, v]:
            continue
        if S.car[v].size == 2:
            if M.fleet[v].alike == tried:
                continue
            tried = M.fleet[v].alike
        if blink > 0 and rand(S) < blink:
            continue
        known = S.known[i, v]
        same = known.stamp == S.car[v].stamp
        if same and known.cost >= best:
            continue
        if not same or known.p < 0:
            known.cost, known.p, known.q = best_in(M, S, v, i, best)
            known.stamp = S.car[v].stamp
            if known.p < 0:
                continue
        best, vehicle, p, q = known.cost, v, int(known.p), int(known.q)
    return best, vehicle, p, q


@compiled
def remember(S: State, v: int) -> None:
    """Before a route is changed for the first time since the last decision: keep it as it was."""
    if S.car[v].touched:
        return
    S.car[v].touched = True
    size = S.car[v].size
    S.car[v].old_size, S.car[v].old_cost, S.car[v].old_stamp = size, S.car[v].cost, S.car[v].stamp
    for k in range(size):
        S.stop[OLD, v, k] = S.stop[NOW, v, k]
        for kind in range(S.onboard.shape[3]):
            S.onboard[OLD, v, k, kind] = S.onboard[NOW, v, k, kind]


@compiled
def keep(S: State) -> None:
    for v in range(len(S.car)):
        S.car[v].touched = False


@compiled
def take_back(M: Model, S: State) -> None:
    """Undo every change since the last decision."""
    n = len(M.trip)
    for v in range(len(S.car)):
        if S.car[v].touched:
            for k in range(1, S.car[v].size - 1):
                if S.stop[NOW, v, k].node < n:
                    S.trip[S.stop[NOW, v, k].node].where = -1
    for v in range(len(S.car)):
        if not S.car[v].touched:
            continue
        size = S.car[v].old_size
        S.car[v].size, S.car[v].cost, S.car[v].stamp = size, S.car[v].old_cost, S.car[v].old_stamp
        for k in range(size):
            S.stop[NOW, v, k] = S.stop[OLD, v, k]
            for kind in range(S.onboard.shape[3]):
                S.onboard[NOW, v, k, kind] = S.onboard[OLD, v, k, kind]
            if 0 < k < size - 1 and S.stop[NOW, v, k].node < n:
                S.trip[S.stop[NOW, v, k].node].where = v
        S.car[v].touched = False


@compiled
def insert(M: Model, S: State, i: int, v: int, p: int, q: int) -> None:
    n = len(M.trip)
    remember(S, v)
    size = S.car[v].size
    row = S.stop[NOW, v]
    for k in range(size - 1, q, -1):
        row[k + 2].node = row[k].node
    row[q + 2].node = n + i
    for k in range(q, p, -1):
        row[k + 1].node = row[k].node
    row[p + 1].node = i
    S.car[v].size = size + 2
    S.trip[i].where = v
    settle(M, S, v)


@compiled
def take_out(M: Model, S: State, v: int) -> None:
    """Remove all marked trips from a route; mark and remove the others, too, where they need those on their way."""
    n = len(M.trip)
    remember(S, v)
    _remove_marked(M, S, v)
    if not settle(M, S, v):
        for k in range(1, S.car[v].size - 1):
            S.trip[S.stop[NOW, v, k].node % n].mark = True
        _remove_marked(M, S, v)
        settle(M, S, v)


@compiled
def _remove_marked(M: Model, S: State, v: int) -> None:
    n = len(M.trip)
    kept = 1
    for k in range(1, S.car[v].size):
        node = S.stop[NOW, v, k].node
        if k < S.car[v].size - 1 and S.trip[node % n].mark:
            if node < n:
                S.trip[node].where = -1
            continue
        S.stop[NOW, v, kept].node = node
        kept += 1
    S.car[v].size = kept
