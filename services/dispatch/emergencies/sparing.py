"""The unit that the rest of the town misses least, for calls that can wait a little: coverage in the live decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np

from services.dispatch.emergencies.choice import BY_TIME, URGENCY, Demand, Tuning, Unit, choose
from services.dispatch.rules.eligibility import UnitFacts
from services.dispatch.rules.ranking import Fit, Recommendation, TravelTimes, Weights, fits, recommend
from services.dispatch.rules.requirements import Requirements
from shared.geo import Point
from shared.thai.text import Text

SPARED = Text(
    th="เลือกก่อน: ไกลกว่า แต่พื้นที่ที่เหลือยังมีรถอยู่ใกล้",
    en="taken first: further away, but the rest of the town keeps units near it",
)
FEW = 2


def best_spared(
    units: Sequence[UnitFacts], wanted: Requirements, place: Point | None, at: datetime, severity: str,
    demand: Sequence[Point], travel_times: TravelTimes, weights: Weights,
) -> Recommendation | None:  # fmt: skip
    """The first of :func:`spare`, None where nobody may go; only its reasons are written."""
    found = fits(units, wanted, place, at, travel_times, weights)
    if not found:
        return None
    first = min(found, key=lambda fit: fit.order)
    chosen = _missed_least(first, found, severity, demand, travel_times)
    said = recommend(chosen.unit, wanted, at, chosen.travel, weights)
    return said if chosen is first else replace(said, reasons=(*said.reasons, SPARED))


def spare(
    ranked: Sequence[Recommendation], units: Sequence[UnitFacts], wanted: Requirements, place: Point | None,
    at: datetime, severity: str, demand: Sequence[Point], travel_times: TravelTimes, weights: Weights,
) -> list[Recommendation]:  # fmt: skip
    """``ranked``, with the unit first that should go; as it is for urgent calls, or where there is nothing to choose.

    ``demand``: where calls come from. Units whose place nobody knows cover nothing and are never moved to the front.
    """
    first = best_spared(units, wanted, place, at, severity, demand, travel_times, weights)
    if first is None or first.unit_id == ranked[0].unit_id:
        return list(ranked)
    return [first, *(each for each in ranked if each.unit_id != first.unit_id)]


def _missed_least(
    first: Fit, found: Sequence[Fit], severity: str, demand: Sequence[Point], travel_times: TravelTimes
) -> Fit:  # fmt: skip
    """Of those who may go. Who was last heard of long ago is no nearer for that: it is left out beside others."""
    open_to = sorted((fit for fit in found if fit.lost == first.lost and _at(fit)), key=lambda fit: fit.order)
    if URGENCY[severity] >= BY_TIME or len(open_to) < FEW or len(demand) < FEW or open_to[0] is not first:
        return first
    origins = [place for fit in open_to if (place := _at(fit)) is not None]
    drive_s = travel_times.table(origins, demand, urgent=True, lengths=False).duration_s
    idle = [Unit(fit.unit.id, "transport", "idle", fit.score_s) for fit in open_to]
    # Scores hold what every unit here lacks as seconds, too: that is no longer a drive.
    lacking_s = first.score_s - (first.travel.duration_s if first.travel else 0.0)
    tuning = replace(Tuning(), in_time_s=Tuning().in_time_s + lacking_s)
    choice, *_ = choose(idle, severity, None, "dmexclp", Demand(drive_s, np.ones(len(demand))), tuning)
    return next(fit for fit in open_to if fit.unit.id == choice.unit.id)


def _at(fit: Fit) -> Point | None:
    return fit.unit.position or fit.unit.station
