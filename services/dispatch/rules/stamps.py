"""The seven stamps of a mission and the intervals between them: one tested definition each, missing ones counted.

*Response* is the form's: from รับแจ้ง to ถึงที่เกิดเหตุ. A stamp that is missing makes its intervals missing, never zero;
two stamps in the wrong order make them wrong, which is counted as well.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

STAMPS = ("received", "ordered", "en_route", "at_scene", "left_scene", "at_destination", "at_base")

INTERVALS: Mapping[str, tuple[str, str]] = {
    "call_handling_s": ("received", "ordered"),
    "turnout_s": ("ordered", "en_route"),
    "travel_s": ("en_route", "at_scene"),
    "response_s": ("received", "at_scene"),
    "on_scene_s": ("at_scene", "left_scene"),
    "transport_s": ("left_scene", "at_destination"),
    "return_s": ("at_destination", "at_base"),
    "mission_s": ("received", "at_base"),
}
NEVER_TRANSPORTED = {"left_scene", "at_destination"}


@dataclass(frozen=True, slots=True)
class Intervals:
    """``seconds`` holds the intervals that are known; ``wrong`` those whose stamps stand in the wrong order."""

    seconds: Mapping[str, float]
    missing_stamps: tuple[str, ...]
    wrong: tuple[str, ...]


def intervals(stamps: Mapping[str, datetime | None], *, transported: bool = True) -> Intervals:
    """The intervals of one mission. Nobody transported: the two stamps of transport are not missed."""
    due = [stamp for stamp in STAMPS if transported or stamp not in NEVER_TRANSPORTED]
    seconds: dict[str, float] = {}
    wrong: list[str] = []
    for name, (start, end) in INTERVALS.items():
        from_at, to_at = stamps.get(start), stamps.get(end)
        if from_at is None or to_at is None:
            continue
        length_s = (to_at - from_at).total_seconds()
        if length_s < 0:
            wrong.append(name)
        else:
            seconds[name] = length_s
    return Intervals(seconds, tuple(stamp for stamp in due if stamps.get(stamp) is None), tuple(wrong))


@dataclass(frozen=True, slots=True)
class Summary:
    """Of one interval over many missions: ``known + missing + wrong`` is their number. Percentiles by nearest rank."""

    known: int
    missing: int
    wrong: int
    mean_s: float | None
    p50_s: float | None
    p90_s: float | None
    within_target: float | None


def summarise(missions: Iterable[Intervals], interval: str, target_s: float | None = None) -> Summary:
    """How long an interval took. ``within_target`` is the share of the known ones that kept the target."""
    missions = list(missions)
    lengths = sorted(each.seconds[interval] for each in missions if interval in each.seconds)
    wrong = sum(interval in each.wrong for each in missions)
    kept = sum(length <= target_s for length in lengths) / len(lengths) if lengths and target_s is not None else None
    return Summary(
        known=len(lengths),
        missing=len(missions) - len(lengths) - wrong,
        wrong=wrong,
        mean_s=sum(lengths) / len(lengths) if lengths else None,
        p50_s=percentile(lengths, 50),
        p90_s=percentile(lengths, 90),
        within_target=kept,
    )


def percentile(ordered: Sequence[float], percent: float) -> float | None:
    """The value at or below which ``percent`` of the sorted values lie (nearest rank); None of nothing."""
    if not ordered:
        return None
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]
