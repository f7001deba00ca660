"""Many calls wait and several units are free: who goes where, all at once, instead of one call after the other.

Class by class, the most urgent first, each with the units that are left: within a class as many as possible are
served, and the sum of their driving times, less what they have waited already, is the least there is (the assignment
problem, :mod:`services.dispatch.compiled`). A call of lower urgency therefore never makes one of higher
urgency later; and who has waited long moves up a class, but not among those in danger of their lives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.dispatch.compiled import linear_sum_assignment
from services.dispatch.emergencies.choice import BY_TIME, URGENCY
from services.dispatch.emergencies.coverage import Numbers

AGED_S = 20 * 60.0
"""Who waited this long counts as the next more urgent class."""
MOST_WAITED_S = 3600.0
NEVER_S = 1e7


@dataclass(frozen=True, slots=True)
class Waiting:
    severity: str
    waited_s: float

    @property
    def urgency(self) -> int:
        own = URGENCY[self.severity]
        return own + 1 if self.waited_s >= AGED_S and own + 1 < BY_TIME else own


def assign(waiting: Sequence[Waiting], seconds: Numbers) -> dict[int, int]:
    """Number of the call → number of the unit. ``seconds``: calls × units; infinite where the unit may not go."""
    found: dict[int, int] = {}
    left = list(range(seconds.shape[1]))
    for urgency in sorted({each.urgency for each in waiting}, reverse=True):
        calls = [number for number, each in enumerate(waiting) if each.urgency == urgency]
        if not left:
            break
        waited = np.array([min(waiting[number].waited_s, MOST_WAITED_S) for number in calls])
        cost = seconds[np.ix_(calls, left)]
        cost = np.where(np.isfinite(cost), cost - waited[:, None], NEVER_S)
        rows, columns = linear_sum_assignment()(cost)
        taken = [(calls[row], left[column]) for row, column in zip(rows, columns, strict=True)
                 if cost[row, column] < NEVER_S]  # fmt: skip
        found.update(taken)
        left = [unit for unit in left if unit not in {unit for _, unit in taken}]
    return found
