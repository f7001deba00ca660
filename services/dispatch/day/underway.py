"""One more rider on the way: a place in a tour that has begun, within what was promised to those it carries. Pure.

What the van does just now stays: whom it is driving to is fetched next. Everybody else keeps the time they were told,
the time they must be there, and the longest ride; whoever is late already does not get later by it.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.dispatch.day.lateness import COMING
from services.dispatch.day.model import Rider, Van, places_of, trip_of, vehicle_of
from services.dispatch.day.timetable import Halt
from services.dispatch.day.ways import Ways, up
from services.dispatch.planning.checker import Driven, check, times_of
from services.dispatch.planning.offers import offers
from services.dispatch.planning.problem import Objective, Problem, Stop, Trip, Vehicle, Visit
from services.dispatch.rules.ranking import TravelTimes
from shared.geo import Point


@dataclass(frozen=True, slots=True)
class Seat:
    """A rider of this tour who is not where they go yet. ``since``: when the assignment came to its ``status``."""

    rider: Rider
    status: str
    since: datetime | None
    pickup_at: datetime
    dropoff_at: datetime

    @property
    def carried(self) -> bool:
        return self.status not in COMING


@dataclass(frozen=True, slots=True)
class Going:
    """A tour under way. ``here``: where its van was seen just now; ``van.shift``: until when it must be at its base."""

    run_id: str
    van: Van
    seats: Sequence[Seat]
    here: Point | None


@dataclass(frozen=True, slots=True)
class Detour:
    """The tour with one more: the stops it still has before it, and ``extra_s`` of driving for it."""

    going: Going
    rider: Rider
    sets_out: datetime
    halts: Sequence[Halt]
    ends_at: datetime
    extra_s: float

    def at(self, rider_id: str, *, pickup: bool) -> datetime | None:
        """When somebody is fetched, or brought; None: they are on board already."""
        return next((halt.at for halt in self.halts if halt.rider.id == rider_id and halt.pickup is pickup), None)

    @property
    def pickup_at(self) -> datetime:
        return next(halt.at for halt in self.halts if halt.rider is self.rider and halt.pickup)

    @property
    def dropoff_at(self) -> datetime:
        return next(halt.at for halt in self.halts if halt.rider is self.rider and not halt.pickup)


def detour(going: Going, rider: Rider, now: datetime, times: TravelTimes) -> Detour | None:
    """The shortest way round by this rider's door; None where somebody else would lose by it, or there is no place."""
    if rider.alone or any(seat.rider.alone for seat in going.seats):
        return None
    zero = now.replace(second=0, microsecond=0)
    seats = [seat for seat in going.seats if seat.status != "at_destination"]
    riders = [*(seat.rider for seat in seats), rider]
    at_drop = [seat.rider.drop for seat in going.seats]
    ways = Ways([*places_of(riders, [going.van]), *at_drop, going.here], times)
    place, begins_s, next_on = _begins(going, zero, now, ways)
    trips = [_trip(zero, seat, ways, place, begins_s, aboard=seat.carried or seat is next_on) for seat in seats]
    number = len(trips)
    trips.append(trip_of(zero, rider, ways))
    able = frozenset(trip.id for trip in trips)
    pieces = frozenset[str]().union(*(each.equipment for each in riders))
    van = replace(vehicle_of(zero, going.van, able, pieces, ways), start=place)
    bound_s = (going.van.shift[1] - zero).total_seconds()
    route = _route(seats, next_on)
    free = replace(van, shift=(begins_s, math.inf))
    stands = times_of(_problem(free, [_open(trip) for trip in trips], ways), free, route) if route else None
    if route and stands is None:
        return None
    kept = [_kept(trip, at, stands) if at < number and stands else trip for at, trip in enumerate(trips)]
    until_s = max(bound_s, stands.home_s) if stands else bound_s
    problem = _problem(replace(van, shift=(begins_s, max(until_s, begins_s))), kept, ways)
    found = offers(problem, [route], number)
    if not found or check(problem, [found[0].route]).faults:
        return None
    first = {at for at, seat in enumerate(seats) if seat.carried or seat is next_on}
    return _made(going, riders, found[0].driven, first, (zero, begins_s), found[0].extra)


def _begins(going: Going, zero: datetime, now: datetime, ways: Ways) -> tuple[int, float, Seat | None]:
    """Where and when the van is free to turn to another stop; and whom it fetches before that."""

    def later(at: datetime) -> float:
        return up((max(at, now) - zero).total_seconds())

    def drive(start: Point | None, end: Point | None) -> timedelta:
        return timedelta(seconds=float(ways.duration_s[ways.row(start), ways.row(end)]))

    for seat in going.seats:
        rider, since = seat.rider, seat.since or now
        if seat.status == "at_scene":
            return ways.row(rider.pickup), later(since + rider.boarding), None
        if seat.status == "at_destination":
            return ways.row(rider.drop), later(since + rider.boarding), None
        if seat.status == "en_route":
            there = now + drive(going.here, rider.pickup) if going.here else since + drive(going.van.home, rider.pickup)
            told_at = rider.told.at if rider.told else now
            return ways.row(rider.pickup), later(max(there, told_at, now) + rider.boarding), seat
    last = max((seat for seat in going.seats if seat.status == "left_scene"), key=_left, default=None)
    place = going.here or (last.rider.pickup if last else going.van.home)
    return ways.row(place), later(now), None


def _left(seat: Seat) -> float:
    return seat.since.timestamp() if seat.since else 0.0


def _trip(zero: datetime, seat: Seat, ways: Ways, place: int, begins_s: float, *, aboard: bool) -> Trip:
    """Who is on board gets on where the van is, at no time, and has ridden so long already."""
    trip = trip_of(zero, seat.rider, ways)
    if not aboard:
        return trip
    left_at = seat.since if seat.status == "left_scene" else None
    ridden_s = begins_s - (left_at - zero).total_seconds() if left_at else 0.0
    return replace(trip, pickup=Stop(place, (begins_s, begins_s), 0.0), max_ride_s=max(trip.max_ride_s - ridden_s, 0.0))


def _route(seats: Sequence[Seat], next_on: Seat | None) -> list[Visit]:
    """The stops that the van still has before it, as its tour goes."""
    aboard = [(at, True) for at, seat in enumerate(seats) if seat.carried or seat is next_on]
    coming = [(seat.pickup_at, False, at, True) for at, seat in enumerate(seats) if (at, True) not in aboard]
    brought = [(seat.dropoff_at, True, at, False) for at, seat in enumerate(seats)]
    return [*aboard, *((at, pickup) for _, _, at, pickup in sorted([*coming, *brought]))]


def _problem(van: Vehicle, trips: Sequence[Trip], ways: Ways) -> Problem:
    return Problem([van], trips, ways.duration_s, ways.duration_s, Objective.SERVICE)


def _open(trip: Trip) -> Trip:
    """The same ride without an end to anybody's patience."""
    pickup = replace(trip.pickup, window=(trip.pickup.window[0], math.inf))
    return replace(trip, pickup=pickup, dropoff=replace(trip.dropoff, window=(0.0, math.inf)), max_ride_s=math.inf)


def _kept(trip: Trip, number: int, stands: Driven) -> Trip:
    """What was promised; where the tour as it stands breaks it already, no worse than that."""
    fetched, brought = sorted((stop for stop in stands.stops if stop.trip == number), key=lambda stop: not stop.pickup)
    opens, closes = trip.pickup.window
    return replace(
        trip,
        pickup=replace(trip.pickup, window=(opens, max(closes, fetched.begin_s))),
        dropoff=replace(trip.dropoff, window=(0.0, max(trip.dropoff.window[1], brought.begin_s))),
        max_ride_s=max(trip.max_ride_s, brought.begin_s - fetched.depart_s),
    )


def _made(
    going: Going, riders: Sequence[Rider], driven: Driven, first: Collection[int], begins: tuple[datetime, float],
    extra_s: float,
) -> Detour:  # fmt: skip
    """``first``: who is on board before the van turns to anybody else."""
    zero, gone_s = begins
    halts, sets_out_s = list[Halt](), gone_s
    for stop in driven.stops:
        if stop.pickup and stop.trip == len(riders) - 1:
            sets_out_s = gone_s
        if not stop.pickup or stop.trip not in first:
            halts.append(Halt(riders[stop.trip], stop.pickup, zero + timedelta(seconds=round(stop.begin_s))))
        gone_s = stop.depart_s
    sets_out, ends_at = (zero + timedelta(seconds=round(each)) for each in (sets_out_s, gone_s))
    return Detour(going, riders[-1], sets_out, halts, ends_at, extra_s)
