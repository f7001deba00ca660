"""What the compiled functions work on, and the schedule of one route.

A route is a row of ``seq``: its start depot, its stops, its end depot. Its times are the least solution of difference
constraints (begin after arriving, within windows, ride and duration limits), found exactly as Bellman and Ford do.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.dispatch.planning.arrays import Arrays
from services.dispatch.planning.compiled import compiled

Numbers = NDArray[Any]
EPS = 1e-9


NODE = np.dtype([("opens", "f8"), ("closes", "f8"), ("service", "f8")], align=True)
ASKED = np.dtype([("people", "f8"), ("ride", "f8"), ("weight", "f8")], align=True)
FLEET = np.dtype(
    [
        ("ride", "f8"),
        ("duration", "f8"),
        ("opening", "f8"),
        ("opens", "f8"),
        ("closes", "f8"),
        ("start", "i8"),
        ("end", "i8"),
        ("alike", "i8"),
    ],
    align=True,
)
STOP = np.dtype([("node", "i8"), ("begin", "f8"), ("latest", "f8"), ("riding", "f8")], align=True)
"""``begin`` and ``latest``: the least and greatest times; ``riding``: people on board when it is left."""
CAR = np.dtype(
    [
        ("size", "i8"), ("cost", "f8"), ("stamp", "f8"), ("touched", "?"), ("active", "?"),
        ("old_size", "i8"), ("old_cost", "f8"), ("old_stamp", "f8"), ("best_size", "i8"),
    ],
    align=True,
)  # fmt: skip
"""A route has ``size`` stops with its depots; another content, another ``stamp``. ``active``: may be used."""
TRIP = np.dtype([("where", "i8"), ("mark", "?"), ("bag", "i8"), ("absent", "f8"), ("key", "f8")], align=True)
"""``where``: its vehicle, -1 while it waits. ``bag`` and ``key`` are a list in work, not facts of the trip."""
KNOWN = np.dtype([("stamp", "f8"), ("cost", "f8"), ("p", "i4"), ("q", "i4")], align=True)

NOW, OLD = 0, 1


class Model(NamedTuple):
    """The problem: see ``arrays.Arrays``. Few arrays of records, for each array more makes compiling longer."""

    t: Numbers
    c: Numbers
    node: Numbers
    trip: Numbers
    load: Numbers
    fleet: Numbers
    cap: Numbers
    compat: Numbers
    near: Numbers
    aboard: float


class State(NamedTuple):
    """A plan at work and what is known of it, with room to take back what was tried and to keep the best.

    ``stop[NOW, v]`` is the route of vehicle v, ``stop[NOW, m]`` (m vehicles) a route that is only tried.
    """

    stop: Numbers
    onboard: Numbers
    car: Numbers
    trip: Numbers
    best: Numbers
    known: Numbers
    at: Numbers
    figures: Numbers
    random: Numbers


# Places in ``figures``.
F_COST, F_LEFT, F_BEST_COST, F_BEST_LEFT, F_STAMP, F_ITERATIONS, F_CHECKS, F_FLOOR = range(8)


def model_of(a: Arrays) -> Model:
    node = _records(NODE, a.opens, opens=a.opens, closes=a.closes, service=a.service[: len(a.opens)])
    trip = _records(ASKED, a.people, people=a.people, ride=a.ride, weight=a.weight)
    fleet = _records(
        FLEET, a.alike, ride=a.vehicle_ride, duration=a.duration, opening=a.opening, opens=a.shift[:, 0],
        closes=a.shift[:, 1],
        start=a.depots[:, 0], end=a.depots[:, 1], alike=a.alike,
    )  # fmt: skip
    return Model(a.t, a.c, node, trip, a.load, fleet, a.cap, a.compat, a.near, a.aboard)


def _records(dtype: Any, like: Numbers, **columns: Numbers) -> Numbers:
    records = np.zeros(len(like), dtype)
    for name, column in columns.items():
        records[name] = column
    return records


def state_of(a: Arrays, seed: int) -> State:
    """An empty plan: every vehicle at home, every trip left; not settled yet."""
    n, (m, kinds) = len(a.load), a.cap.shape
    width = 2 * n + 2
    state = State(
        stop=np.zeros((2, m + 1, width), STOP),
        onboard=np.zeros((2, m, width, kinds)),
        car=np.zeros(m, CAR),
        trip=np.zeros(n, TRIP),
        best=np.zeros((m, width), np.int32),
        known=np.zeros((n, m), KNOWN),
        at=np.zeros(2 * n + 1, np.int32),
        figures=np.zeros(8),
        random=np.array([(seed * 2862933555777941757 + 3037000493) & 0xFFFFFFFFFFFFFFFF | 1], np.uint64),
    )
    state.car["size"], state.car["active"], state.car["stamp"] = 2, True, np.arange(1, m + 1)
    state.trip["where"], state.trip["absent"] = -1, 1.0
    state.figures[F_STAMP] = m + 1
    state.figures[F_LEFT] = a.weight.sum()
    state.figures[F_BEST_COST], state.figures[F_BEST_LEFT] = np.inf, np.inf
    state.stop["node"][NOW, :m, 0], state.stop["node"][NOW, :m, 1] = a.depots[:, 0], a.depots[:, 1]
    return state


@compiled
def rand(S: State) -> float:
    """A number in [0, 1) by xorshift64*; its state travels with the plan, so that a seed says everything."""
    x = S.random[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    S.random[0] = x
    return float((x * np.uint64(2685821657736338717)) >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@compiled
def schedule(M: Model, v: int, row: Numbers, size: int, at: Numbers) -> bool:
    """The least times of a route into its ``begin``; False where there are none. Capacity is not looked at.

    Each round walks the route once and raises every pickup that would otherwise ride too long. More rounds than there
    are limits mean that a limit chases itself: no times exist.
    """
    n = len(M.trip)
    last = size - 1
    opens, closes = M.fleet[v].opens, M.fleet[v].closes
    limit_v = M.fleet[v].ride
    row[0].begin = opens
    lag = M.t[row[0].node, row[1].node]
    for k in range(1, last):
        node = row[k].node
        now = max(row[k - 1].begin + lag, M.node[node].opens)
        if now > M.node[node].closes + EPS:
            return False
        row[k].begin = now
        at[node] = k
        lag = M.node[node].service + M.t[node, row[k + 1].node]
    row[last].begin = row[last - 1].begin + lag
    if row[last].begin > closes + EPS:
        return False
    for _ in range(size + 2):
        first = size
        for k in range(last - 1, 0, -1):
            node = row[k].node
            if node < n:
                continue
            limit = min(M.trip[node - n].ride, limit_v)
            p = at[node - n]
            needed = row[k].begin - limit - M.node[node - n].service
            if needed > row[p].begin + EPS:
                if needed > M.node[node - n].closes + EPS:
                    return False
                row[p].begin = needed
                first = min(first, p)
        needed = row[last].begin - M.fleet[v].duration
        if needed > row[0].begin + EPS:
            row[0].begin = needed
            first = 0
        if first == size:
            return True
        for k in range(first + 1, size):
            before = row[k - 1].node
            now = row[k - 1].begin + (
                M.t[before, row[k].node] if k == 1 else M.node[before].service + M.t[before, row[k].node]
            )
            if now > row[k].begin:
                if now > (closes if k == last else M.node[row[k].node].closes) + EPS:
                    return False
                row[k].begin = now
    return False


@compiled
def latest(M: Model, v: int, row: Numbers, size: int, at: Numbers) -> None:
    """The greatest times of a feasible route into its ``latest``."""
    n = len(M.trip)
    last = size - 1
    row[last].latest = M.fleet[v].closes
    for k in range(last - 1, -1, -1):
        node = row[k].node
        leave = row[k + 1].latest - M.t[node, row[k + 1].node]
        row[k].latest = leave if k == 0 else min(leave - M.node[node].service, M.node[node].closes)
    for _ in range(size + 2):
        changed = False
        for k in range(1, last):
            node = row[k].node
            if node >= n:
                end = row[at[node - n]].latest + M.node[node - n].service + min(M.trip[node - n].ride, M.fleet[v].ride)
                if end < row[k].latest - EPS:
                    row[k].latest, changed = end, True
        end = row[0].latest + M.fleet[v].duration
        if end < row[last].latest - EPS:
            row[last].latest, changed = end, True
        if not changed:
            return
        for k in range(last - 1, -1, -1):
            node = row[k].node
            leave = row[k + 1].latest - M.t[node, row[k + 1].node]
            row[k].latest = min(row[k].latest, leave if k == 0 else leave - M.node[node].service)


@compiled
def settle(M: Model, S: State, v: int) -> bool:
    """Work out everything that is known of a route: times, loads, cost. False where it has no times.

    So it may be when something was taken out by way of which the others were quicker, by a matrix that has such ways.
    """
    n = len(M.trip)
    row, size = S.stop[NOW, v], S.car[v].size
    if not schedule(M, v, row, size, S.at):
        return False
    latest(M, v, row, size, S.at)
    S.figures[F_STAMP] += 1
    S.car[v].stamp = S.figures[F_STAMP]
    row[0].riding = 0.0
    for kind in range(M.load.shape[1]):
        S.onboard[NOW, v, 0, kind] = 0.0
    cost = 0.0
    for k in range(1, size - 1):
        node = row[k].node
        sign = 1.0 if node < n else -1.0
        trip = node if node < n else node - n
        cost += M.c[row[k - 1].node, node]
        if M.aboard > 0:
            # Those on board sit through the way to this stop, and through its service unless they are served.
            cost += M.aboard * row[k - 1].riding * M.t[row[k - 1].node, node]
            staying = row[k - 1].riding - (0.0 if node < n else M.trip[trip].people)
            cost += M.aboard * staying * M.node[node].service
        for kind in range(M.load.shape[1]):
            S.onboard[NOW, v, k, kind] = S.onboard[NOW, v, k - 1, kind] + sign * M.load[trip, kind]
        row[k].riding = row[k - 1].riding + sign * M.trip[trip].people
    S.car[v].cost = cost + M.c[row[size - 2].node, row[size - 1].node] + M.fleet[v].opening if size > 2 else 0.0
    return True
