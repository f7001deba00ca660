"""When a point is believed: two independent sources that agree, or an officer who stood there. Pure.

Agreeing is said of what two sources mean, not of two numbers: their accuracies are counted. Both are taken as the
spread of independent errors, so the distance and the root of their squares together must lie within the setting. A
point that is known to 200 m can therefore confirm nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from shared.geo import Point, distance_m

POST: Final = "post"
VISIT: Final = "visit"
ASSUMED_M: Final = {"visit": 15, "gps": 15, "map": 30, "address": 100}
"""The accuracy of a point that came without one, by method (our own estimate, on the careful side)."""

Verdict = Literal["verified", "confirms", "differs", "kept"]
Method = Literal["two_sources", "officer_visit"]


def spread_m(accuracy_m: int | None, method: str) -> float:
    """How far off a point may be."""
    return ASSUMED_M[method] if accuracy_m is None else accuracy_m


@dataclass(frozen=True, slots=True)
class Seen:
    """One observation. ``by``: whose; all rows of the post are one source, whoever loads the file, and so is an agency,

    whoever there writes it down.
    """

    id: UUID
    point: Point
    accuracy_m: int | None
    method: str
    source: str
    by: str
    observed_at: datetime
    agency: UUID | None = None

    @property
    def spread_m(self) -> float:
        return spread_m(self.accuracy_m, self.method)

    @property
    def witness(self) -> str:
        if self.agency is not None:
            return f"agency:{self.agency}"
        return POST if self.source == POST else self.by

    @property
    def from_outside(self) -> bool:
        """Alone it displaces nothing that others have written."""
        return self.source == POST or self.agency is not None


@dataclass(frozen=True, slots=True)
class Standing:
    """The observation that counts now, and how it was verified (None: it is the best we have)."""

    seen: Seen
    method: Method | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """``stands``: the new observation counts from now on; ``method`` where that verifies it, ``other`` by whom."""

    verdict: Verdict
    stands: bool
    method: Method | None = None
    other: UUID | None = None


def agree(one: Seen, other: Seen, within_m: float) -> bool:
    """Whether two observations mean the same place."""
    return distance_m(one.point, other.point) + math.hypot(one.spread_m, other.spread_m) <= within_m


def judge(
    new: Seen, standing: Standing | None, earlier: Sequence[Seen], *, within_m: float, within: timedelta
) -> Judged:
    """What one more observation changes. ``earlier``: of the same person and use, none older than ``within`` counts.

    The post never displaces a verified point, neither alone nor as one of two; a verified point gives way to an
    officer's visit, or to two others who agree with each other and not with it. An agency counts as one of two, and
    alone displaces only what it has seen itself.
    """
    if new.method == VISIT and new.agency is None:
        return Judged("verified", stands=True, method="officer_visit")
    verified = standing is not None and standing.method is not None
    if standing is not None and verified:
        if agree(new, standing.seen, within_m):
            return Judged("confirms", stands=False)
        # Who still says what stood before does not bring it back: only what was seen since counts against it.
        earlier = [one for one in earlier if one.observed_at > standing.seen.observed_at and one.source != POST]
        if new.source == POST:
            return Judged("differs", stands=False)
    other = next((one for one in earlier if _confirms(new, one, within_m, within)), None)
    if other is not None:
        return Judged("verified", stands=True, method="two_sources", other=other.id)
    if verified:
        return Judged("differs", stands=False)
    return Judged("kept", stands=standing is None or not new.from_outside or standing.seen.witness == new.witness)


def _confirms(new: Seen, one: Seen, within_m: float, within: timedelta) -> bool:
    recent = abs(new.observed_at - one.observed_at) <= within
    return recent and one.id != new.id and one.witness != new.witness and agree(new, one, within_m)


CELL_DEGREES: Final = 0.005
"""Side of a square by whose blind index people are looked for: about 550 m by 530 m in Thailand."""


def cell_of(point: Point) -> str:
    return f"{math.floor(point.lon / CELL_DEGREES)},{math.floor(point.lat / CELL_DEGREES)}"


def packed(point: Point) -> str:
    """A point as it is sealed: seven decimals are a centimetre."""
    return f"{point.lon:.7f} {point.lat:.7f}"


def unpacked(text: str) -> Point:
    lon, _, lat = text.partition(" ")
    return Point(float(lon), float(lat))
