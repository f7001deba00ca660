"""How fast simulated people are, and their dice. Every number is a guess about people or comes with its source."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from shared.geo import Point, distance_m

ROAD_FACTOR = 1.4
"""A road is so much longer than the straight line."""
URGENT_KM_H, ORDINARY_KM_H = 60.0, 40.0
DECLINES = 0.05
SLEEPS = {"staff": 0.03, "partner": 0.03, "volunteer": 0.20}
"""Share of those who do not notice a message at all, by kind of crew."""
SMS_WAKES = 0.3
"""Share of sleepers whom an SMS wakes."""
RATES = 0.3
"""Share of callers who press a star."""

# Median seconds and spread (sigma of the logarithm) of a person's doings.
ANSWER = (8.0, 0.5)
CALL_IN = (25.0, 0.5)
TURN_OUT = (60.0, 0.4)
AT_SCENE = (12 * 60.0, 0.5)
HAZARD = (35 * 60.0, 0.6)
BOARDING = (8 * 60.0, 0.4)
HAND_OVER = (10 * 60.0, 0.4)
VISIT = (90 * 60.0, 0.5)
CLEANING = (30 * 60.0, 0.3)
DESK = (15.0, 0.5)
AHEAD = timedelta(hours=4)
"""What begins later than this is work of another day: nobody waits for it in compressed time."""
UNKNOWN_DRIVE_S = 8 * 60.0
NOT_TRANSPORTED = 0.15
"""Share of emergency patients who are helped at the scene and stay."""


@dataclass(slots=True)
class Pace:
    """``people`` divides the time in which people answer, ``work`` that of driving, caring and visits.

    ``sleepers`` is false where nobody shall be asleep (a quick test).
    """

    people: float = 1.0
    work: float = 1.0
    seed: int = 1
    sleepers: bool = True
    dice: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)

    async def think(self, what: tuple[float, float]) -> None:
        """As long as a person takes to answer."""
        await asyncio.sleep(self.drawn(what) / self.people)

    async def do(self, what: tuple[float, float]) -> None:
        """As long as a piece of work takes."""
        await asyncio.sleep(self.drawn(what) / self.work)

    def drawn(self, what: tuple[float, float]) -> float:
        """Seconds from a lognormal distribution with this median and spread."""
        median, sigma = what
        return self.dice.lognormvariate(math.log(median), sigma)

    def fate(self, *names: object) -> Callable[[], float]:
        """Dice that fall the same for the same names, whoever asks and when."""
        return random.Random("/".join(str(name) for name in (self.seed, *names))).random

    def sleeps(self, kind: str, *names: object) -> bool:
        return self.sleepers and self.fate("sleep", *names)() < SLEEPS.get(kind, 0.05)

    def declines(self, *names: object) -> bool:
        return self.fate("decline", *names)() < DECLINES


def drive_s(start: Point, end: Point, *, urgent: bool) -> float:
    """Seconds from place to place, unscaled."""
    speed = URGENT_KM_H if urgent else ORDINARY_KM_H
    return distance_m(start, end) * ROAD_FACTOR / (speed / 3.6)


def between(start: Point, end: Point, share: float) -> Point:
    """The point at ``share`` (0 to 1) of the way."""
    share = min(max(share, 0.0), 1.0)
    return Point(start.lon + (end.lon - start.lon) * share, start.lat + (end.lat - start.lat) * share)
