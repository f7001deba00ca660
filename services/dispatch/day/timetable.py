"""Routes as people drive them: tours, from an empty van to an empty van, as late as may be. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.dispatch.day.model import Model, Rider
from services.dispatch.planning.checker import Driven, Visited, latest_of
from services.dispatch.planning.problem import Route

AT_HOME = timedelta(minutes=10)
"""Between two tours a unit goes to its base where it would be there at least so long."""


@dataclass(frozen=True, slots=True)
class Halt:
    """One stop of a tour: whom it is for, whether they get on, and when."""

    rider: Rider
    pickup: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class Tour:
    """``starts_at``: setting out; ``ends_at``: the last has left. ``sets_out``: rider → when the van turns to them."""

    unit_id: str
    starts_at: datetime
    ends_at: datetime
    halts: Sequence[Halt]
    sets_out: dict[str, datetime]

    @property
    def riders(self) -> list[Rider]:
        return [halt.rider for halt in self.halts if halt.pickup]

    def pickup_of(self, rider_id: str) -> datetime:
        return next(halt.at for halt in self.halts if halt.pickup and halt.rider.id == rider_id)

    def dropoff_of(self, rider_id: str) -> datetime:
        return next(halt.at for halt in self.halts if not halt.pickup and halt.rider.id == rider_id)


def timetable(model: Model, vehicle: int, route: Route) -> Driven | None:
    """Who has a promise is fetched as near to it as can be, who goes home as soon as they may; all others late."""
    held = {(number, pickup) for number, pickup in route if _soon(model.riders[number])}
    return latest_of(model.problem, model.problem.vehicles[vehicle], route, held)


def _soon(rider: Rider) -> bool:
    return rider.told is not None or rider.expected or rider.rest is not None


def tours_of(model: Model, vehicle: int, driven: Driven) -> list[Tour]:
    """A route cut wherever nobody is on board, without the rests of its crew."""
    return [tour for tour in _pieces(model, vehicle, driven) if tour.halts[0].rider.rest is None]


def rests_of(model: Model, vehicle: int, driven: Driven) -> dict[str, tuple[datetime, datetime]]:
    """When the crew rests by this plan: from when until when, by the rest's id."""
    pieces = [piece for piece in _pieces(model, vehicle, driven) if piece.halts[0].rider.rest is not None]
    return {piece.halts[0].rider.id: (piece.halts[0].at, piece.ends_at) for piece in pieces}


def tour_with(model: Model, vehicle: int, driven: Driven, rider_id: str) -> Tour:
    """The one of these tours that this rider shares."""
    number = model.number[rider_id]
    pieces = list(_cut(driven.stops))
    at = next(at for at, stops in enumerate(pieces) if any(stop.trip == number for stop in stops))
    return _tour(model, vehicle, pieces[at], pieces[at - 1] if at else ())


def _pieces(model: Model, vehicle: int, driven: Driven) -> list[Tour]:
    pieces = list(_cut(driven.stops))
    return [_tour(model, vehicle, stops, before) for stops, before in zip(pieces, [(), *pieces], strict=False)]


def _cut(stops: Iterable[Visited]) -> Iterator[list[Visited]]:
    aboard, part = 0, list[Visited]()
    for stop in stops:
        part.append(stop)
        aboard += 1 if stop.pickup else -1
        if not aboard:
            yield part
            part = []


def _tour(model: Model, vehicle: int, stops: Sequence[Visited], before: Sequence[Visited]) -> Tour:
    """``before``: the stops of the tour before it."""
    home = model.problem.vehicles[vehicle].start
    here = _place(model, stops[0])
    starts_at = model.at(stops[0].begin_s - _way(model, home, here))
    if before:
        left, free_at = _place(model, before[-1]), model.at(before[-1].depart_s)
        if starts_at < free_at + AT_HOME + timedelta(seconds=_way(model, left, home)):
            starts_at = max(free_at, model.at(stops[0].begin_s - _way(model, left, here)))
    halts = [Halt(model.riders[stop.trip], stop.pickup, model.at(stop.begin_s)) for stop in stops]
    sets_out, gone = dict[str, datetime](), starts_at
    for halt, stop in zip(halts, stops, strict=True):
        if halt.pickup:
            sets_out[halt.rider.id] = gone
        gone = model.at(stop.depart_s)
    return Tour(model.vans[vehicle].id, starts_at, model.at(stops[-1].depart_s), halts, sets_out)


def _place(model: Model, stop: Visited) -> int:
    trip = model.problem.trips[stop.trip]
    return trip.pickup.place if stop.pickup else trip.dropoff.place


def _way(model: Model, one: int, other: int) -> float:
    return float(model.problem.duration_s[one, other])
