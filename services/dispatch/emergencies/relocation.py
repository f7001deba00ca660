"""Where idle units would better stand: the coverage that a unit adds at another station, less what the drive costs.

The dynamic form of MEXCLP (sources: ``services.dispatch.emergencies.coverage``). A proposal, never an order: without
a price for driving, units wander, and the town is no better covered.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from services.dispatch.emergencies.coverage import Numbers, Reach


@dataclass(frozen=True, slots=True)
class Worth:
    """What a move must bring. Shares of the town's expected coverage, 0 to 1."""

    drive_share_per_s: float = 0.02 / 600
    """Ten minutes of driving must be worth two hundredths of the town."""
    least: float = 0.01
    reach: Reach = field(default_factory=lambda: Reach(240.0, 420.0))


@dataclass(frozen=True, slots=True)
class Move:
    """Numbers of a unit and a station; ``gain`` as a share of the town, ``drive_s`` to get there."""

    unit: int
    station: int
    gain: float
    drive_s: float


def busy_share(idle: int, units: int) -> float:
    """How likely a unit is busy, from how many are just now; never quite nobody, never quite all."""
    return min(0.9, max(0.1, 1.0 - idle / max(1, units)))


def added(others_s: Numbers, new_s: Numbers, weight: Numbers, busy: float, reach: Reach) -> Numbers:
    """Share of the demand's expected coverage that each of ``new_s`` would add to ``others_s`` (rows × places)."""
    total = float(weight.sum())
    if total <= 0.0:
        return np.zeros(new_s.shape[0])
    near = -np.sort(-reach.nearness(others_s), axis=0)
    adds = (1.0 - busy) * busy ** np.arange(len(near) + 1)
    before, after = near * adds[:-1, None], near * adds[1:, None]
    # Behind a newcomer everybody moves down one place; ahead of it all stays.
    lost = np.concatenate([np.cumsum((before - after)[::-1], axis=0)[::-1], np.zeros((1, near.shape[1]))])
    worth = np.empty(new_s.shape[0])
    places = np.arange(near.shape[1])
    for number, row in enumerate(reach.nearness(new_s)):
        rank = (near >= row).sum(axis=0)
        worth[number] = float(weight @ (row * adds[rank] - lost[rank, places]))
    return worth / total


def proposals(
    unit_s: Numbers, station_s: Numbers, move_s: Numbers, weight: Numbers, busy: float, worth: Worth = Worth(),
    most: int = 3,
) -> list[Move]:  # fmt: skip
    """The moves worth making, the best first, each after the ones before it.

    ``unit_s``: idle units × places from where they stand; ``station_s``: stations × places; ``move_s``: units ×
    stations.
    """
    rows = unit_s.copy()
    found: list[Move] = []
    while len(found) < most:
        best = max(
            (move for unit in range(len(rows)) if unit not in {made.unit for made in found}
             if (move := _best(unit, rows, station_s, move_s, weight, busy, worth))),
            key=lambda move: (_net(move, worth), -move.unit), default=None,
        )  # fmt: skip
        if best is None or _net(best, worth) < worth.least:
            break
        rows[best.unit] = station_s[best.station]
        found.append(best)
    return found


def _best(
    unit: int, rows: Numbers, station_s: Numbers, move_s: Numbers, weight: Numbers, busy: float, worth: Worth
) -> Move | None:  # fmt: skip
    others = np.delete(rows, unit, axis=0)
    there = added(others, station_s, weight, busy, worth.reach)
    [here] = added(others, rows[[unit]], weight, busy, worth.reach)
    moves = [
        Move(unit, station, float(gain - here), float(move_s[unit, station])) for station, gain in enumerate(there)
    ]
    return max((move for move in moves if np.isfinite(move.drive_s)), key=lambda m: _net(m, worth), default=None)


def _net(move: Move, worth: Worth) -> float:
    return move.gain - move.drive_s * worth.drive_share_per_s


def best_station(
    others_s: Numbers, station_s: Numbers, move_s: Numbers, weight: Numbers, busy: float, worth: Worth = Worth()
) -> int:
    """Where a unit that has just become free should go: the number of the station."""
    net = added(others_s, station_s, weight, busy, worth.reach) - move_s * worth.drive_share_per_s
    return int(net.argmax())
