"""What happens when, one thing after another, and dice that fall the same for the same names whoever asks first."""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

Act = Callable[[], None]


@dataclass(slots=True)
class Timer:
    """Something that is to happen, unless somebody says otherwise."""

    act: Act | None

    def cancel(self) -> None:
        self.act = None


@dataclass(slots=True)
class Clock:
    """``now`` moves only here."""

    now: datetime
    _next: list[tuple[datetime, int, Timer]] = field(default_factory=list)
    _order: count[int] = field(default_factory=count)

    def at(self, when: datetime, act: Act) -> Timer:
        """Have ``act`` done then; at once where that is over."""
        timer = Timer(act)
        heapq.heappush(self._next, (max(when, self.now), next(self._order), timer))
        return timer

    def after(self, wait: timedelta, act: Act) -> Timer:
        return self.at(self.now + wait, act)

    def run(self) -> None:
        """Until nothing is to happen any more."""
        while self._next:
            when, _, timer = heapq.heappop(self._next)
            if timer.act is not None:
                self.now = when
                timer.act()


@dataclass(frozen=True, slots=True)
class Fate:
    """Dice of one year. Two policies meet the same people."""

    seed: int

    def dice(self, *names: object) -> random.Random:
        return random.Random("/".join(str(name) for name in (self.seed, *names)))

    def falls(self, share: float, *names: object) -> bool:
        """Whether something with this probability is so."""
        return self.dice(*names).random() < share

    def lasts(self, what: tuple[float, float], *names: object) -> timedelta:
        """From a lognormal distribution with this median (seconds) and spread."""
        median, sigma = what
        return timedelta(seconds=self.dice(*names).lognormvariate(math.log(median), sigma))
