"""Circles of volunteers: all who are near are asked at once, then those further out, until somebody says yes. Pure.

Who is best is asked first in any case (:mod:`services.dispatch.rules.ranking`): a circle says who is asked beside them,
and never keeps anybody back who would be there sooner.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from services.dispatch.rules.eligibility import UnitFacts
from shared.geo import Point, distance_m

FARTHEST = 99
"""The circle of those who are further away than that, or of whom nobody knows where they are."""
MOST = 20
"""So many are asked at a time."""


def circle_of(unit: UnitFacts, place: Point, step_m: float) -> int:
    """1: within ``step_m`` of the place in a straight line, 2: within twice as far, and so on."""
    here = unit.position or unit.station
    if here is None:
        return FARTHEST
    return min(max(math.ceil(distance_m(here, place) / step_m), 1), FARTHEST)


def within(units: Iterable[UnitFacts], place: Point, step_m: float, circle: int) -> list[UnitFacts]:
    """Those in that circle and in the ones inside it."""
    return [unit for unit in units if circle_of(unit, place, step_m) <= circle]
