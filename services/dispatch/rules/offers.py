"""When which unit could take a booked ride, beside what it has promised; and a whole day, ride by ride. Pure.

A unit is bound from setting out at its base until the rider has left it, one ride after another. Riders are fetched as
late as still reaches the appointment; earlier only where the unit is bound then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from services.dispatch.rules.windows import UNKNOWN_APPROACH, Tour, tour

MOST = 3
EARLY_WEIGHT = 0.5
"""A minute that somebody is fetched too early counts as half a minute of driving."""
RIDE_S = 300.0
"""Every ride that a unit has already counts as five minutes of driving: work is shared out."""
AWAY_S = 1800.0
"""A unit that nobody is on now, for a ride that begins within hours."""
NONE_BEFORE = timedelta(minutes=2)
"""A crew needs a moment: nothing is offered that begins sooner."""


@dataclass(frozen=True, slots=True)
class Wish:
    """One ride: the window of its pickup, how long it takes, and how the rider moves."""

    trip_id: str
    earliest_at: datetime
    latest_at: datetime
    ride: timedelta | None
    mobility: str | None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A unit: what it lacks for this ride (codes), its way from the base, and when it is bound."""

    unit_id: str
    approach: timedelta | None
    bound: tuple[tuple[datetime, datetime], ...] = ()
    lacks: tuple[str, ...] = ()
    on_duty: bool = True


@dataclass(frozen=True, slots=True)
class Offer:
    """``score_s``: less is better."""

    unit_id: str
    tour: Tour
    early: timedelta
    score_s: float


@dataclass(frozen=True, slots=True)
class Unserved:
    """``code``: ``too_late``, ``nobody_fits``, ``all_bound``, ``no_time`` (nobody said when), ``changed`` (meanwhile).

    ``lacking``: what the unit lacks that lacks least. ``between``: when one more unit would help.
    """

    trip_id: str
    code: str
    lacking: tuple[str, ...] = ()
    between: tuple[datetime, datetime] | None = None


def offers(wish: Wish, candidates: Iterable[Candidate], now: datetime) -> list[Offer]:
    """Up to three units that could take the ride, the best first."""
    found = [offer for each in candidates if (offer := _offer(wish, each, now)) is not None]
    return sorted(found, key=lambda offer: (offer.score_s, offer.unit_id))[:MOST]


def _offer(wish: Wish, unit: Candidate, now: datetime) -> Offer | None:
    if unit.lacks:
        return None
    approach = unit.approach or UNKNOWN_APPROACH
    planned = _latest_free(wish, unit, approach)
    if planned is None or planned.start_at < now + NONE_BEFORE:
        return None
    early = wish.latest_at - planned.pickup_at
    score_s = approach.total_seconds() + EARLY_WEIGHT * early.total_seconds() + RIDE_S * len(unit.bound)
    return Offer(unit.unit_id, planned, early, score_s + (0.0 if unit.on_duty else AWAY_S))


def _latest_free(wish: Wish, unit: Candidate, approach: timedelta) -> Tour | None:
    """The latest tour within the window that meets nothing the unit is bound to."""
    start_at = wish.latest_at - approach
    for begins, ends in sorted(unit.bound, reverse=True):
        planned = tour(start_at, unit.approach, wish.ride, wish.mobility)
        if planned.start_at < ends and begins < planned.end_at:
            start_at = begins - (planned.end_at - planned.start_at)
    planned = tour(start_at.replace(second=0, microsecond=0), unit.approach, wish.ride, wish.mobility)
    return planned if planned.pickup_at >= wish.earliest_at else None


def why_not(wish: Wish, candidates: Sequence[Candidate], now: datetime) -> Unserved:
    """Why nobody can take the ride, and what would help."""
    fit = [each for each in candidates if not each.lacks]
    if not fit:
        least = min((each.lacks for each in candidates), key=len, default=())
        return Unserved(wish.trip_id, "nobody_fits", least)
    if all(wish.latest_at - (each.approach or UNKNOWN_APPROACH) < now + NONE_BEFORE for each in fit):
        return Unserved(wish.trip_id, "too_late")
    nearest = min(fit, key=lambda each: each.approach or UNKNOWN_APPROACH)
    wanted = tour(wish.latest_at - (nearest.approach or UNKNOWN_APPROACH), nearest.approach, wish.ride, wish.mobility)
    return Unserved(wish.trip_id, "all_bound", between=(wanted.start_at, wanted.end_at))


@dataclass(slots=True)
class Day:
    """What came of planning a day: an offer for each ride that found one, and a reason for each that did not."""

    planned: dict[str, Offer] = field(default_factory=dict)
    unserved: list[Unserved] = field(default_factory=list)


def plan_day(wishes: Sequence[Wish], candidates: Mapping[str, Sequence[Candidate]], now: datetime) -> Day:
    """Every ride in turn, the one with the fewest ways to go first; ``candidates`` by ride.

    Regret of the simplest kind: who has one unit left is served before who has three.
    """
    day, bound = Day(), dict[str, tuple[tuple[datetime, datetime], ...]]()
    open_rides = {wish.trip_id: wish for wish in wishes}
    while open_rides:
        found = {
            trip_id: offers(wish, _as_bound(candidates[trip_id], bound), now) for trip_id, wish in open_rides.items()
        }
        trip_id = min(found, key=lambda each: (len(found[each]), open_rides[each].latest_at, each))
        wish, ways = open_rides.pop(trip_id), found[trip_id]
        if not ways:
            day.unserved.append(why_not(wish, _as_bound(candidates[trip_id], bound), now))
            continue
        day.planned[trip_id] = ways[0]
        taken = (ways[0].tour.start_at, ways[0].tour.end_at)
        bound[ways[0].unit_id] = (*bound.get(ways[0].unit_id, ()), taken)
    return day


def _as_bound(candidates: Sequence[Candidate], more: Mapping[str, Any]) -> list[Candidate]:
    return [
        replace(each, bound=(*each.bound, *more[each.unit_id])) if each.unit_id in more else each for each in candidates
    ]
