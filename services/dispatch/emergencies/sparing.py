"""The unit that the rest of the town misses least, for calls that can wait a little: coverage in the live decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from services.dispatch.emergencies.choice import BY_TIME, URGENCY, Demand, Tuning, Unit, choose
from services.dispatch.rules.eligibility import UnitFacts
from services.dispatch.rules.ranking import Recommendation, TravelTimes
from shared.geo import Point
from shared.thai.text import Text

SPARED = Text(
    th="เลือกก่อน: ไกลกว่า แต่พื้นที่ที่เหลือยังมีรถอยู่ใกล้",
    en="taken first: further away, but the rest of the town keeps units near it",
)
FEW = 2


def spare(
    ranked: Sequence[Recommendation], units: Sequence[UnitFacts], severity: str, demand: Sequence[Point],
    travel_times: TravelTimes,
) -> list[Recommendation]:  # fmt: skip
    """``ranked``, with the unit first that should go; as it is for urgent calls, or where there is nothing to choose.

    ``demand``: where calls come from. Units whose place nobody knows cover nothing and are never moved to the front.
    """
    places = {unit.id: place for unit in units if (place := unit.position or unit.station) is not None}
    open_to = [each for each in ranked if each.eligible and each.unit_id in places]
    if URGENCY[severity] >= BY_TIME or len(open_to) < FEW or len(demand) < FEW or open_to[0] is not ranked[0]:
        return list(ranked)
    origins = [places[each.unit_id] for each in open_to]
    drive_s = np.array([[t.duration_s for t in travel_times.to(origins, place, urgent=True)] for place in demand]).T
    idle = [Unit(each.unit_id, "transport", "idle", each.score_s) for each in open_to]
    # Scores hold what every unit here lacks as seconds, too: that is no longer a drive.
    lacking_s = open_to[0].score_s - (open_to[0].duration_s or 0.0)
    tuning = replace(Tuning(), in_time_s=Tuning().in_time_s + lacking_s)
    first, *_ = choose(idle, severity, None, "dmexclp", Demand(drive_s, np.ones(len(demand))), tuning)
    if first.unit.id == open_to[0].unit_id:
        return list(ranked)
    chosen = next(each for each in open_to if each.unit_id == first.unit.id)
    said = replace(chosen, reasons=(*chosen.reasons, SPARED))
    return [said, *(each for each in ranked if each.unit_id != chosen.unit_id)]
