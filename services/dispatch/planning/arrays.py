"""A problem packed into arrays for the kernels, with what can be said of each trip and vehicle before any search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.dispatch.planning.problem import PRIORITY_WEIGHT, Floats, Objective, Problem, Vehicle

SLACK = 1e-7
"""For tests that only rule out: what is on the edge is left to the exact ones."""


@dataclass(frozen=True, slots=True)
class Arrays:
    """The problem as the kernels take it. Nodes: pickup of trip i is ``i``, its drop-off ``n + i``,
    depots follow. Windows are as narrow as travel and ride limits make them: what is cut off could never be used.
    """

    t: Floats
    c: Floats
    opens: Floats
    closes: Floats
    service: Floats
    load: Floats
    people: Floats
    cap: Floats
    ride: Floats
    vehicle_ride: Floats
    duration: Floats
    opening: Floats
    shift: Floats
    depots: NDArray[np.int32]
    compat: NDArray[np.bool_]
    """Whether the trip could be this vehicle's only one; trips that no vehicle could make have no weight."""
    alike: NDArray[np.int32]
    weight: Floats
    near: NDArray[np.int32]
    aboard: float
    """What a second on board costs beside what driving costs; 0 but for ``service``."""


def kinds_of(problem: Problem) -> list[str]:
    """The kinds of place that any trip asks for."""
    return sorted({kind for trip in problem.trips for kind, count in trip.load.items() if count > 0})


def arrays_of(problem: Problem, *, neighbours: int = 60) -> Arrays:
    """Pack ``problem`` for the kernels; O(trips² + trips × vehicles)."""
    trips, vehicles = problem.trips, problem.vehicles
    n = len(trips)
    stops = [trip.pickup for trip in trips] + [trip.dropoff for trip in trips]
    homes = sorted({v.start for v in vehicles} | {v.end for v in vehicles})
    node_of_home = {home: 2 * n + at for at, home in enumerate(homes)}
    rows = np.array([stop.place for stop in stops] + homes, dtype=np.intp)
    t = np.ascontiguousarray(problem.duration_s[np.ix_(rows, rows)], dtype=np.float64)
    same = problem.distance_m is problem.duration_s or problem.objective is Objective.SERVICE
    c = t if same else np.ascontiguousarray(problem.distance_m[np.ix_(rows, rows)], dtype=np.float64)
    service = np.array([stop.service_s for stop in stops] + [0.0] * len(homes))
    windows = np.array([stop.window for stop in stops], dtype=np.float64).reshape(2 * n, 2)
    ride = np.array([trip.max_ride_s for trip in trips], dtype=np.float64)
    every = np.arange(n)[:, None]
    p, d = every, every + n
    across = t[p, d] if problem.shortest else _quickest(t, service, 2 * n, p, d)
    opens, closes = _narrowed(windows, service, ride, across[:, 0], n)
    kinds = kinds_of(problem) or ["seat"]
    load = np.array([[trip.load.get(kind, 0.0) for kind in kinds] for trip in trips], dtype=np.float64)
    load = load.reshape(n, len(kinds))
    depots = np.array([(node_of_home[v.start], node_of_home[v.end]) for v in vehicles], dtype=np.int32).reshape(-1, 2)
    cap = np.array([[v.capacity.get(kind, 0.0) for kind in kinds] for v in vehicles], dtype=np.float64)
    cap = cap.reshape(len(vehicles), len(kinds))
    shift = np.array([v.shift for v in vehicles], dtype=np.float64).reshape(-1, 2)
    able = compatible(problem)
    compat = able & _alone(problem, t, opens, closes, service, ride, depots, every)
    lost = np.flatnonzero(~compat.any(axis=1))[:, None]
    if not problem.shortest and len(lost):
        # Nobody could take them alone; by way of somebody else's stop they may be in time.
        by_way = _alone(problem, t, opens, closes, service, ride, depots, lost, by_way=True)
        compat[lost[:, 0]] = able[lost[:, 0]] & by_way
    return Arrays(
        t=t,
        c=c,
        opens=opens,
        closes=closes,
        service=service,
        load=load,
        people=load.sum(axis=1),
        cap=cap,
        ride=ride,
        vehicle_ride=np.array([v.max_ride_s for v in vehicles], dtype=np.float64),
        duration=np.array([v.max_duration_s for v in vehicles], dtype=np.float64),
        opening=np.array([v.opening for v in vehicles], dtype=np.float64),
        shift=shift,
        depots=depots,
        compat=compat,
        alike=_alike(vehicles),
        weight=np.array([PRIORITY_WEIGHT**trip.priority for trip in trips], dtype=np.float64) * compat.any(axis=1),
        near=_near(t, opens, closes, service, n, min(neighbours, max(n - 1, 0))),
        aboard=1.0 if problem.objective is Objective.SERVICE else 0.0,
    )


def compatible(problem: Problem) -> NDArray[np.bool_]:
    """Whether a vehicle has the skills and, when empty, the places a trip asks for: [trip, vehicle]."""
    fits = np.zeros((len(problem.trips), len(problem.vehicles)), dtype=np.bool_)
    for i, trip in enumerate(problem.trips):
        for v, vehicle in enumerate(problem.vehicles):
            fits[i, v] = trip.skills <= vehicle.skills and all(
                count <= vehicle.capacity.get(kind, 0.0) for kind, count in trip.load.items()
            )
    return fits


def _quickest(t: Floats, service: Floats, stops: int, a: Any, b: Any) -> Floats:
    """From ``a`` to ``b`` (nodes, broadcast together): directly, or by way of one stop, which takes its time."""
    best = t[a, b]
    for stop in range(stops):
        np.minimum(best, t[a, stop] + service[stop] + t[stop, b], out=best)
    return np.asarray(best)


def _alone(
    problem: Problem, t: Floats, opens: Floats, closes: Floats, service: Floats, ride: Floats,
    depots: NDArray[np.int32], p: NDArray[np.intp], *, by_way: bool = False,
) -> NDArray[np.bool_]:  # fmt: skip
    """Whether a vehicle with nothing else to do could make the trips ``p`` [trip, 1] in its shift: [trip, vehicle].

    ``by_way``: or, at the best, with somebody else's stop on its ways.
    """
    n = len(problem.trips)
    d = p + n
    start, end = depots[:, 0][None, :], depots[:, 1][None, :]

    def way(a: NDArray[Any], b: NDArray[Any]) -> Floats:
        return _quickest(t, service, 2 * n, a, b) if by_way else t[a, b]

    there, across, back = way(start, p), way(p, d), way(d, end)
    shift = np.array([v.shift for v in problem.vehicles], dtype=np.float64).reshape(-1, 2)
    longest = np.minimum(ride[p], np.array([v.max_ride_s for v in problem.vehicles])[None, :])
    direct = service[p] + across
    soonest = np.maximum(opens[p], shift[:, 0] + there)
    drop = np.maximum(opens[d], soonest + direct)
    latest = np.minimum(closes[p], drop - direct)
    home = drop + service[d] + back
    out = home - (latest - there)
    duration = np.array([v.max_duration_s for v in problem.vehicles])[None, :]
    return np.asarray(
        (soonest <= closes[p] + SLACK) & (drop <= closes[d] + SLACK) & (drop - latest - service[p] <= longest + SLACK)
        & (home <= shift[:, 1] + SLACK) & (out <= duration + SLACK) & np.isfinite(home)
    )  # fmt: skip


def _narrowed(windows: Floats, service: Floats, ride: Floats, across: Floats, n: int) -> tuple[Floats, Floats]:
    """``across``: the shortest ways from pickup to drop-off."""
    opens, closes = windows[:, 0].copy(), windows[:, 1].copy()
    p, d = np.arange(n), np.arange(n, 2 * n)
    direct = service[p] + across
    opens[d] = np.maximum(opens[d], opens[p] + direct)
    closes[p] = np.minimum(closes[p], closes[d] - direct)
    opens[p] = np.maximum(opens[p], opens[d] - ride - service[p])
    closes[d] = np.minimum(closes[d], closes[p] + service[p] + ride)
    return opens, closes


def _alike(vehicles: Sequence[Vehicle]) -> NDArray[np.int32]:
    """Vehicles that may stand for each other bear the same number."""
    seen: dict[Any, int] = {}
    numbers = [
        seen.setdefault(
            (
                v.start,
                v.end,
                tuple(sorted(v.capacity.items())),
                v.shift,
                v.max_duration_s,
                v.max_ride_s,
                v.skills,
                v.opening,
            ),
            len(seen),
        )
        for v in vehicles
    ]
    return np.array(numbers, dtype=np.int32)


def _near(t: Floats, opens: Floats, closes: Floats, service: Floats, n: int, k: int) -> NDArray[np.int32]:
    """For each trip the ``k`` trips one would most likely visit beside it: short way and little waiting, [trip, k]."""
    best = np.full((n, n), np.inf)
    for a in (slice(0, n), slice(n, 2 * n)):
        for b in (slice(0, n), slice(n, 2 * n)):
            way = t[a, b]
            ready = opens[a][:, None] + service[a][:, None] + way
            wait = np.maximum(0.0, opens[b][None, :] - (closes[a] + service[a])[:, None] - way)
            late = np.maximum(0.0, ready - closes[b][None, :])
            cost = way + 0.2 * wait + late
            best = np.minimum(best, np.minimum(cost, cost.T))
    np.fill_diagonal(best, np.inf)
    best[~np.isfinite(best)] = np.finfo(np.float64).max / 4
    np.fill_diagonal(best, np.inf)
    return np.ascontiguousarray(np.argsort(best, axis=1, kind="stable")[:, :k].astype(np.int32))
