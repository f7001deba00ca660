"""Who could go, soonest first, with reasons and with what is missing.

The order is travel time plus seconds for what is uncertain or missing; units that cannot go come last and say why.
Travel times come through :class:`TravelTimes`. The last resort is the great circle times a factor: it is marked in
every answer, because choosing by it makes late arrivals noticeably more frequent than a road matrix does.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from services.dispatch.rules.eligibility import Shortfall, UnitFacts, shortfalls
from services.dispatch.rules.requirements import Requirements
from shared.geo import EARTH_RADIUS_M, Point, distance_m, distances_m
from shared.thai.dates import local_day
from shared.thai.text import Text

Source = Literal["matrix", "roads", "osrm", "great_circle"]
GAVE_MORE_S = 60.0
"""From here on a burden is worth a word."""


class Travel(NamedTuple):
    duration_s: float
    distance_m: float
    source: Source


class Table(NamedTuple):
    """``[a, b]``: from point a to point b of the others; ``sources``: whoever spoke."""

    duration_s: NDArray[np.float64]
    distance_m: NDArray[np.float64]
    sources: frozenset[Source]


class TravelTimes(Protocol):
    """Whoever knows how long a drive takes, and says who spoke."""

    def to(self, origins: Sequence[Point], destination: Point, *, urgent: bool) -> Sequence[Travel]:
        """From many origins to one destination: one answer per origin, in order."""
        ...

    def table(
        self, points: Sequence[Point], to: Sequence[Point] | None = None, *, urgent: bool, lengths: bool = True
    ) -> Table:
        """From each of these points to each of those; ``to`` left out: to each other, and no way to itself.

        ``lengths`` False: nobody will look at the distances, and they may be anything.
        """
        ...


def straight_m(one: Sequence[Point], other: Sequence[Point]) -> NDArray[np.float64]:
    """Great-circle distances from each of these points to each of the others."""
    start, end = (
        np.radians(np.array([(point.lon, point.lat) for point in points], dtype=np.float64).reshape(-1, 2))
        for points in (one, other)
    )
    lon, lat = (start[:, None, axis] - end[None, :, axis] for axis in (0, 1))
    chord = np.sin(lat / 2) ** 2 + np.cos(start[:, None, 1]) * np.cos(end[None, :, 1]) * np.sin(lon / 2) ** 2
    return np.asarray(2 * EARTH_RADIUS_M * np.arcsin(np.minimum(1.0, np.sqrt(chord))))


@dataclass(frozen=True, slots=True)
class GreatCircle:
    """Straight line × ``factor`` at one of two speeds: with lights and siren, or as everybody drives."""

    factor: float = 1.4
    urgent_m_s: float = 50 / 3.6
    ordinary_m_s: float = 35 / 3.6

    def to(self, origins: Sequence[Point], destination: Point, *, urgent: bool) -> Sequence[Travel]:
        speed = self.urgent_m_s if urgent else self.ordinary_m_s
        distances = [metres * self.factor for metres in distances_m(origins, destination)]
        return [Travel(distance / speed, distance, "great_circle") for distance in distances]

    def table(
        self, points: Sequence[Point], to: Sequence[Point] | None = None, *, urgent: bool,
        lengths: bool = True,  # noqa: ARG002 they cost nothing here
    ) -> Table:  # fmt: skip
        metres = straight_m(points, points if to is None else to) * self.factor
        return Table(metres / (self.urgent_m_s if urgent else self.ordinary_m_s), metres, frozenset({"great_circle"}))


@dataclass(frozen=True, slots=True)
class Weights:
    """Seconds that a lack is worth. ``per_level_s`` per level below the wanted one."""

    stale_after_s: float = 120
    stale_s: float = 60
    lost_s: float = 3600
    at_station_m: float = 300
    from_station_s: float = 60
    nowhere_s: float = 1800
    per_level_s: float = 120
    per_shortfall_s: float = 60


@dataclass(frozen=True, slots=True)
class Recommendation:
    """``score_s`` orders; ``duration_s`` is the plain travel time, None where nobody knows where the unit is."""

    unit_id: str
    eligible: bool
    score_s: float
    duration_s: float | None
    distance_m: float | None
    stale: bool
    lost: bool
    reasons: tuple[Text, ...]
    shortfalls: tuple[Shortfall, ...]


def rank(
    units: Sequence[UnitFacts],
    wanted: Requirements,
    place: Point | None,
    at: datetime,
    travel_times: TravelTimes,
    weights: Weights = Weights(),
) -> list[Recommendation]:
    """Every unit, best first: those that may go by score, then the others. Ties by id, so that the order is stable.

    Who was last heard of long ago, away from the station, is never called the nearest: all others come before.

    ``place`` may be unknown (a landmark only): then nothing is said of distance and the fittest come first.
    """
    found = _with_travel(units, place, travel_times, urgent=wanted.urgent)
    ranked = [recommend(unit, wanted, at, travel, weights) for unit, travel in found]
    return sorted(ranked, key=lambda found: (not found.eligible, found.lost, found.score_s, found.unit_id))


def best(
    units: Sequence[UnitFacts],
    wanted: Requirements,
    place: Point | None,
    at: datetime,
    travel_times: TravelTimes,
    weights: Weights = Weights(),
) -> Recommendation | None:
    """The first of :func:`rank` if it may go, else None.

    What is missing is worked out once for all units of equal abilities, and only the winner's reasons are written.
    """
    first = min(fits(units, wanted, place, at, travel_times, weights), key=lambda fit: fit.order, default=None)
    return None if first is None else recommend(first.unit, wanted, at, first.travel, weights)


@dataclass(frozen=True, slots=True)
class Fit:
    """A unit that may go, with its score, before anybody asks for reasons. ``lost`` ones come after all others."""

    lost: bool
    score_s: float
    unit: UnitFacts
    travel: Travel | None

    @property
    def order(self) -> tuple[bool, float, str]:
        return self.lost, self.score_s, self.unit.id


def fits(
    units: Sequence[UnitFacts],
    wanted: Requirements,
    place: Point | None,
    at: datetime,
    travel_times: TravelTimes,
    weights: Weights = Weights(),
) -> list[Fit]:
    """Each unit that may go, as :func:`rank` has it, without the reasons."""
    on = local_day(at)
    costs_s: dict[Hashable, float | None] = {}
    found: list[Fit] = []
    for unit, travel in _with_travel(units, place, travel_times, urgent=wanted.urgent):
        abilities = unit.abilities(on)
        if abilities not in costs_s:
            missing = shortfalls(unit, wanted, at)
            costs_s[abilities] = None if any(short.hard for short in missing) else _lacking_s(missing, weights)
        lacking_s = costs_s[abilities]
        if lacking_s is not None:
            score_s = _score_as_it_stands(unit, travel, at, weights) + lacking_s
            found.append(Fit(_lost(unit, at, weights), score_s, unit, travel))
    return found


def scores(
    units: Sequence[UnitFacts],
    wanted: Requirements,
    place: Point | None,
    at: datetime,
    travel_times: TravelTimes,
    weights: Weights = Weights(),
) -> dict[str, float]:
    """The score of each unit that may go; whoever is lost comes after all others."""
    found = fits(units, wanted, place, at, travel_times, weights)
    return {fit.unit.id: fit.score_s + (weights.lost_s if fit.lost else 0.0) for fit in found}


def _with_travel(
    units: Sequence[UnitFacts], place: Point | None, travel_times: TravelTimes, *, urgent: bool
) -> list[tuple[UnitFacts, Travel | None]]:
    """Every unit with its travel time; None where it or the place is not known."""
    if place is None:
        return [(unit, None) for unit in units]
    located = [(unit, origin) for unit in units if (origin := unit.position or unit.station) is not None]
    answers = travel_times.to([origin for _, origin in located], place, urgent=urgent) if located else ()
    found: list[tuple[UnitFacts, Travel | None]] = [
        (unit, travel) for (unit, _), travel in zip(located, answers, strict=True)
    ]
    if len(located) < len(units):
        found += [(unit, None) for unit in units if unit.position is None and unit.station is None]
    return found


def recommend(
    unit: UnitFacts, wanted: Requirements, at: datetime, travel: Travel | None, weights: Weights
) -> Recommendation:
    """The unit with what speaks for and against it, in words."""
    missing = shortfalls(unit, wanted, at)
    stale = _stale(unit, at, weights)
    return Recommendation(
        unit_id=unit.id,
        eligible=not any(short.hard for short in missing),
        score_s=_score_as_it_stands(unit, travel, at, weights) + _lacking_s(missing, weights),
        duration_s=travel.duration_s if travel else None,
        distance_m=travel.distance_m if travel else None,
        stale=stale,
        lost=_lost(unit, at, weights),
        reasons=tuple(_reasons(unit, travel, _age_s(unit, at), stale=stale)),
        shortfalls=missing,
    )


def _age_s(unit: UnitFacts, at: datetime) -> float | None:
    """How old the position is, as far as there is one with a time."""
    return (at - unit.position_at).total_seconds() if unit.position is not None and unit.position_at else None


def _stale(unit: UnitFacts, at: datetime, weights: Weights) -> bool:
    if unit.position is None:
        return False
    age_s = _age_s(unit, at)
    return age_s is None or age_s > weights.stale_after_s


def _lost(unit: UnitFacts, at: datetime, weights: Weights) -> bool:
    """Its position is old, and it was not seen at its station, where a parked vehicle's tracker sleeps."""
    if unit.position is None or not _stale(unit, at, weights):
        return False
    return unit.station is None or distance_m(unit.position, unit.station) > weights.at_station_m


def _score_as_it_stands(unit: UnitFacts, travel: Travel | None, at: datetime, weights: Weights) -> float:
    """Getting on the road, travel time and what is uncertain about it, and what these volunteers gave, in seconds."""
    score = travel.duration_s if travel else weights.nowhere_s
    score += unit.burden_s + unit.leaves_after_s + (weights.stale_s if _stale(unit, at, weights) else 0)
    return score + (weights.from_station_s if unit.position is None and unit.station is not None else 0)


def _lacking_s(missing: Sequence[Shortfall], weights: Weights) -> float:
    return sum(_weight(short, weights) for short in missing)


def _weight(short: Shortfall, weights: Weights) -> float:
    return short.short_by * weights.per_level_s if short.code == "level" else weights.per_shortfall_s


def _reasons(unit: UnitFacts, travel: Travel | None, age_s: float | None, *, stale: bool) -> list[Text]:
    found: list[Text] = []
    if travel is None:
        found.append(Text(th="คำนวณระยะทางไม่ได้ ไม่ทราบตำแหน่ง", en="no travel time: a position is not known"))
    else:
        minutes, km = max(1, ceil(travel.duration_s / 60)), travel.distance_m / 1000
        found.append(Text(th=f"ถึงใน {minutes} นาที ระยะทาง {km:.1f} กม.", en=f"{minutes} min away, {km:.1f} km"))
        if travel.source == "great_circle":
            found.append(Text(th="เวลาเดินทางประมาณจากเส้นตรง ไม่ใช่เส้นทางถนนจริง",
                              en="travel time is a straight-line estimate, not a road time"))  # fmt: skip
    if unit.position is None and unit.station is not None:
        found.append(Text(th="ไม่มีพิกัดรถ ใช้ตำแหน่งฐาน", en="no position of the vehicle: its station is used"))
    elif stale and age_s is None:
        found.append(Text(th="ไม่ทราบเวลาของพิกัดรถ", en="the position has no time"))
    elif stale and age_s is not None:
        found.append(Text(th=f"พิกัดรถเก่า {age_s / 60:.0f} นาที", en=f"the position is {age_s / 60:.0f} minutes old"))
    if unit.leaves_after_s:
        after = f"{unit.leaves_after_s / 60:.0f}"
        found.append(
            Text(th=f"ออกรถได้หลังรับแจ้ง {after} นาที ตามที่ชุดบอกไว้", en=f"on the road {after} minutes later, as they said")
        )
    if unit.burden_s >= GAVE_MORE_S:
        found.append(Text(th="อาสาชุดนี้ช่วยมากกว่าชุดอื่นใน 14 วันที่ผ่านมา ให้ชุดอื่นก่อน",
                          en="these volunteers gave more than others in the last 14 days: others first"))  # fmt: skip
    return found
