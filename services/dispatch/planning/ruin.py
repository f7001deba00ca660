"""Taking trips out of a plan so that they may be put back better; compiled.

After Christiaens and Vanden Berghe, "Slack Induction by String Removals for Vehicle Routing Problems" (Transportation
Science 54(2), 2020): mostly strings of neighbouring stops out of neighbouring routes.
"""

from __future__ import annotations

from services.dispatch.planning.compiled import compiled
from services.dispatch.planning.insertion import take_out
from services.dispatch.planning.kernel import NOW, Model, State, rand

STRING_MAX = 10


@compiled
def unmark(S: State) -> None:
    for i in range(len(S.trip)):
        S.trip[i].mark = False


@compiled
def ruin(M: Model, S: State, taken: float) -> int:
    """Take about ``taken`` trips out; they lie in ``bag``. Returns how many."""
    n = len(M.trip)
    unmark(S)
    kind = rand(S)
    seed = int(rand(S) * n)
    if kind < 0.75:
        return _strings(M, S, seed, taken)
    if kind < 0.9:
        return _related(M, S, seed, 1 + int(rand(S) * 2 * taken))
    return _anywhere(M, S, 1 + int(rand(S) * 2 * taken))


@compiled
def _touched(S: State, v: int, n: int) -> bool:
    """Whether a marked trip is on this route."""
    for k in range(1, S.car[v].size - 1):
        if S.trip[S.stop[NOW, v, k].node % n].mark:
            return True
    return False


@compiled
def _strings(M: Model, S: State, seed: int, taken: float) -> int:
    """A string of stops out of each of several routes, near one trip."""
    n = len(M.trip)
    used, stops = 0, 0
    for v in range(len(S.car)):
        if S.car[v].size > 2:
            used += 1
            stops += S.car[v].size - 2
    if used == 0:
        return 0
    longest = min(float(STRING_MAX), stops / used)
    routes = int(rand(S) * (4.0 * taken / (1.0 + longest))) + 1
    ruined = 0
    for j in range(-1, M.near.shape[1]):
        if ruined >= routes:
            break
        i = seed if j < 0 else M.near[seed, j]
        v = S.trip[i].where
        if v < 0 or S.trip[i].mark or _touched(S, v, n):
            continue
        _string(M, S, v, i, 1 + int(rand(S) * min(longest, float(S.car[v].size - 2))))
        ruined += 1
    return _take_marked(M, S)


@compiled
def _string(M: Model, S: State, v: int, i: int, length: int) -> None:
    """Mark the trips of ``length`` stops in a row that touch trip ``i``; half the time some in the middle stay."""
    n = len(M.trip)
    stops = S.car[v].size - 2
    wanted = i if rand(S) < 0.5 else n + i
    at = 1
    for k in range(1, stops + 1):
        if S.stop[NOW, v, k].node == wanted:
            at = k
    spared = 0
    if rand(S) < 0.5 and length > 1:
        spared = 1
        while length + spared < stops and rand(S) > 0.5:
            spared += 1
    span = min(length + spared, stops)
    first = max(1, at - span + 1)
    last = min(at, stops - span + 1)
    start = first + int(rand(S) * (last - first + 1))
    hole = start + 1 + int(rand(S) * max(1, span - spared - 1)) if spared else start + span
    for k in range(start, start + span):
        if hole <= k < hole + spared:
            continue
        S.trip[S.stop[NOW, v, k].node % n].mark = True


@compiled
def _take_marked(M: Model, S: State) -> int:
    """Marked trips leave their routes for the bag. Returns how many."""
    n = len(M.trip)
    for v in range(len(S.car)):
        if _touched(S, v, n):
            take_out(M, S, v)
    count = 0
    for i in range(len(S.trip)):
        if S.trip[i].mark:
            S.trip[count].bag = i
            count += 1
    return count


@compiled
def _related(M: Model, S: State, seed: int, count: int) -> int:
    """Neighbours of one trip, the nearest most likely."""
    got = 0
    if S.trip[seed].where >= 0:
        S.trip[seed].mark = True
        got = 1
    width = M.near.shape[1]
    for _ in range(4 * count):
        if got >= count or width == 0:
            break
        i = M.near[seed, int(rand(S) ** 2 * min(width, 3 * count))]
        if S.trip[i].where >= 0 and not S.trip[i].mark:
            S.trip[i].mark = True
            got += 1
    return _take_marked(M, S)


@compiled
def _anywhere(M: Model, S: State, count: int) -> int:
    n = len(M.trip)
    for _ in range(count):
        i = int(rand(S) * n)
        if S.trip[i].where >= 0:
            S.trip[i].mark = True
    return _take_marked(M, S)
