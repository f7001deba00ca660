"""How much of the town the idle units cover, and how much would be lost if one of them left.

The model is MEXCLP's: each unit is busy with probability ``q``, independently, so a place with k units near it is
covered with probability 1 - q^k, and the k-th unit adds (1 - q) q^(k-1). Sources: Daskin, "A maximum expected covering
location model" (Transportation Science 1983); Jagtenberg, Bhulai, van der Mei, "An efficient heuristic for real-time
ambulance redeployment" (Operations Research for Health Care 2015), whose dynamic form this is.

Nearness is not all or nothing here: it falls from 1 at ``near_s`` to 0 at ``far_s``, so that a minute more or less
always counts for something.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
AT_ONCE = 250_000
"""Drives (units × places) weighed at once: more are taken part by part, so that nobody is kept waiting by one step."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Driving times in seconds up to which a place counts as well covered, and from which not at all."""

    near_s: float = 240.0
    far_s: float = 480.0

    def nearness(self, drive_s: Numbers) -> Numbers:
        """1 near, 0 far, a straight line between; unreachable (infinite) is far."""
        return np.clip((self.far_s - drive_s) / (self.far_s - self.near_s), 0.0, 1.0)


def losses(drive_s: Numbers, weight: Numbers, busy: float, reach: Reach = Reach()) -> Numbers:
    """Share of the demand's expected coverage that each unit takes along when it leaves: one number per unit, 0 to 1.

    ``drive_s``: units × places. ``weight``: the demand of each place. ``busy``: the probability q, 0 ≤ q < 1.
    """
    total = float(weight.sum())
    if drive_s.shape[0] == 0 or total <= 0.0:
        return np.zeros(drive_s.shape[0])
    blocks = -(-drive_s.size // AT_ONCE)
    parts = zip(np.array_split(drive_s, blocks, axis=1), np.array_split(weight, blocks), strict=True)
    lost: Numbers = sum((_lost(part, of_part, busy, reach) for part, of_part in parts), np.zeros(drive_s.shape[0]))
    return lost / total


def _lost(drive_s: Numbers, weight: Numbers, busy: float, reach: Reach) -> Numbers:
    near = np.ascontiguousarray(reach.nearness(drive_s).T)
    order = np.argsort(-near, axis=1)
    sorted_near = np.take_along_axis(near, order, axis=1)
    adds = (1.0 - busy) * busy ** np.arange(drive_s.shape[0])
    worth = sorted_near * adds
    # Who comes after the one that leaves moves up one place.
    gains = np.zeros_like(worth)
    gains[:, 1:] = sorted_near[:, 1:] * adds[:-1] - worth[:, 1:]
    moved_up = gains.sum(axis=1, keepdims=True) - np.cumsum(gains, axis=1)
    lost = np.empty_like(worth)
    np.put_along_axis(lost, order, worth - moved_up, axis=1)
    taken: Numbers = weight @ lost
    return taken
