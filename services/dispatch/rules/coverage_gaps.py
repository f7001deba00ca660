"""Where no working hydrant is near. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from shared.geo import Point, distance_m

WORKS = frozenset({"working", "weak"})
"""Statuses of a hydrant that gives water."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A place without water near. ``nearest_m``: metres as the crow flies; None: there is none at all."""

    place: Point
    nearest_id: str | None
    nearest_m: float | None


def gaps(places: Iterable[Point], hydrants: Sequence[tuple[str, Point]], within_m: float) -> list[Gap]:
    """Places farther than that from every hydrant ``(id, where)``, the farthest first."""
    found = []
    for place in places:
        nearest = min(((distance_m(place, at), name) for name, at in hydrants), default=None)
        if nearest is None:
            found.append(Gap(place, None, None))
        elif nearest[0] > within_m:
            found.append(Gap(place, nearest[1], nearest[0]))
    return sorted(found, key=lambda gap: -(gap.nearest_m if gap.nearest_m is not None else float("inf")))
