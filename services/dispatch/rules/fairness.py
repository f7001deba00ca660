"""Whoever has given much of late is asked after the others: rides are shared out among volunteers. Pure.

Hours of the last two weeks count against those of the volunteer who gave least, so that a busy month wears nobody out
and nobody is forgotten. It weighs in booked rides alone: an emergency gets whoever is soonest there.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from datetime import timedelta
from typing import TypeVar

LATELY = timedelta(days=14)
PER_HOUR_S = 180.0
"""An hour more than the others is worth a detour of three minutes."""
MOST_S = 900.0

Unit = TypeVar("Unit", bound=Hashable)


def burdens(given_s: Mapping[Unit, float]) -> dict[Unit, float]:
    """Volunteers' seconds on the road lately → seconds by which the others go first."""
    least = min(given_s.values(), default=0.0)
    return {unit: min(MOST_S, (given - least) / 3600.0 * PER_HOUR_S) for unit, given in given_s.items()}
