"""Figures for everybody: summed from what the owners count, and never so small that somebody could be recognised."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

LEAST_TOLD = 5
STANDARDS = (("red", 8), ("red", 10), ("yellow", 10))
"""Severity and minutes from the call to the scene."""


@dataclass(frozen=True, slots=True)
class Standard:
    """How often a standard was met. Trips without the stamp count as not met.

    ``met`` None: to tell it would tell of fewer than five people; then ``at_least`` or ``at_most`` says in per cent
    what holds for any such number.
    """

    severity: str
    minutes: int
    trips: int
    met: int | None
    missing: int
    at_least: int | None = None
    at_most: int | None = None

    @property
    def percent(self) -> int | None:
        return None if self.met is None or self.trips == 0 else round(100 * self.met / self.trips)


def told(count: int | None) -> int | None:
    """A count, or None where it is small."""
    return None if count is None or 0 < count < LEAST_TOLD else count


def standards(rows: Iterable[Mapping[str, Any]]) -> list[Standard]:
    """From ``response_times``: each standard over all schemes of its severity."""
    kept = list(rows)
    found = []
    for severity, minutes in STANDARDS:
        mine = [row for row in kept if row["severity"] == severity]
        trips = sum(_number(row.get("trips")) for row in mine)
        met = sum(_number(row.get(f"within_{minutes}_min")) for row in mine)
        missing = sum(_number(row.get("to_scene_missing")) for row in mine)
        # Both the met and the unmet must be told by the rule of small cells: one gives the other away.
        small = trips < LEAST_TOLD or 0 < met < LEAST_TOLD or 0 < trips - met < LEAST_TOLD
        found.append(Standard(severity, minutes, trips, None if small else met, missing, *_bounds(trips, met)))
    return found


def _bounds(trips: int, met: int) -> tuple[int | None, int | None]:
    most_hidden = LEAST_TOLD - 1
    if trips < LEAST_TOLD:
        return None, None
    if 0 < trips - met < LEAST_TOLD:
        return 100 * (trips - most_hidden) // trips, None
    return None, -(-100 * most_hidden // trips) if 0 < met < LEAST_TOLD else None


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0


def count_by(rows: Iterable[Mapping[str, Any]], by: str) -> dict[str, int | None]:
    """From intake's ``calls``: value → calls, small ones None."""
    return {row["value"]: row["calls"] for row in rows if row["by"] == by}


def trips_done(rows: Iterable[Mapping[str, Any]]) -> int | None:
    return told(sum(_number(row.get("trips")) for row in rows if row["status"] == "completed"))


def mean_score(rows: Iterable[Mapping[str, Any]]) -> tuple[float, int] | None:
    """Mean of the ratings and how many there are; None where a cell was held back or there are few."""
    kept = list(rows)
    counts = [row["ratings"] for row in kept]
    if any(count is None for count in counts) or sum(counts) < LEAST_TOLD:
        return None
    return sum(row["score"] * row["ratings"] for row in kept) / sum(counts), sum(counts)
