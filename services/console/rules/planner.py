"""The day of the vehicles as the planner shows it: a line of time for each unit, with its tours on it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from shared.thai.dates import BANGKOK

Doc = Mapping[str, Any]

WIDE = 1000.0
"""Units of length of a line of time, whatever it lasts."""
USUAL = (6, 18)
"""The hours that are always shown."""
TONES = {"new": "ask", "promised": "go", "expected": "wait", "under_way": "carry"}


@dataclass(frozen=True, slots=True)
class Span:
    """The hours shown, from midnight of the day; hours beyond 24 are the next day's."""

    first: int
    last: int

    @property
    def hours(self) -> list[int]:
        return [hour % 24 for hour in range(self.first, self.last)]

    @property
    def lines(self) -> list[float]:
        """Where the hours stand on a line of time."""
        return [
            round((hour - self.first) * WIDE / (self.last - self.first), 1) for hour in range(self.first, self.last)
        ]


@dataclass(frozen=True, slots=True)
class Bar:
    """A tour on its line: where it begins, how long it is; ``tone`` says how it stands."""

    x: float
    width: float
    tone: str
    tour: Doc


@dataclass(frozen=True, slots=True)
class RestBar:
    """A rest of the crew; ``width`` None: it has no time."""

    x: float
    width: float | None
    rest: Doc


@dataclass(frozen=True, slots=True)
class Line:
    """A unit's day. ``by_hand``: booked against the rules, so that no plan touches it."""

    unit_id: str
    call_sign: str
    bars: Sequence[Bar]
    by_hand: bool = False
    rests: Sequence[RestBar] = ()


def span_of(tours: Iterable[Doc], midnight: datetime) -> Span:
    """Wide enough for all tours of the day."""
    first, last = USUAL
    for tour in tours:
        first = min(first, int(_hours(midnight, tour["starts_at"])))
        last = max(last, int(_hours(midnight, tour["ends_at"])) + 1)
    return Span(max(first, -6), min(last, 30))


def lines_of(tours: Sequence[Doc], units: Sequence[tuple[str, str]], span: Span, midnight: datetime,
             by_hand: Iterable[str] = (), rests: Iterable[Doc] = ()) -> list[Line]:  # fmt: skip
    """A line for each unit that may drive (id and call sign), in their order."""
    own: dict[str, list[Bar]] = {}
    for tour in tours:
        own.setdefault(tour["unit_id"], []).append(_bar(tour, span, midnight))
    left = set(by_hand)
    resting: dict[str, list[RestBar]] = {}
    for rest in rests:
        resting.setdefault(rest["unit_id"], []).append(_rest_bar(rest, span, midnight))
    return [
        Line(unit_id, sign, own.get(unit_id, ()), unit_id in left, resting.get(unit_id, ())) for unit_id, sign in units
    ]


def _rest_bar(rest: Doc, span: Span, midnight: datetime) -> RestBar:
    if rest["begins_at"] is None:
        return RestBar(0.0, None, rest)
    bar = _placed(rest["begins_at"], rest["ends_at"], span, midnight)
    return RestBar(*bar, rest)


def _bar(tour: Doc, span: Span, midnight: datetime) -> Bar:
    return Bar(*_placed(tour["starts_at"], tour["ends_at"], span, midnight), TONES[tour["stands"]], tour)


def _placed(starts_at: str, ends_at: str, span: Span, midnight: datetime) -> tuple[float, float]:
    """Where it begins on a line of time, and how long it is there."""
    one_hour = WIDE / (span.last - span.first)
    begins = max((_hours(midnight, starts_at) - span.first) * one_hour, 0.0)
    ends = min((_hours(midnight, ends_at) - span.first) * one_hour, WIDE)
    return round(begins, 1), round(max(ends - begins, 6.0), 1)


def _hours(midnight: datetime, at: str) -> float:
    return (datetime.fromisoformat(at) - midnight) / timedelta(hours=1)


def midnight_of(on: Any) -> datetime:
    return datetime.combine(on, time(), BANGKOK)


def ways_of(tours: Iterable[Doc], trips: Mapping[str, Doc]) -> list[dict[str, Any]]:
    """For the map: each tour's stops as ``[lat, lon]``, where they are known, with its unit's call sign."""
    made = []
    for tour in tours:
        points = [point for halt in tour["halts"] if (point := _point(halt, trips.get(halt["trip_id"])))]
        if points:
            made.append({"sign": tour["call_sign"], "unit": tour["unit_id"], "points": points})
    return made


def _point(halt: Doc, trip: Doc | None) -> list[float] | None:
    end = "pickup" if halt["kind"] == "pickup" else "drop"
    if trip is None or trip[f"{end}_lat"] is None or trip[f"{end}_lon"] is None:
        return None
    return [trip[f"{end}_lat"], trip[f"{end}_lon"]]
