"""When a van will be at the doors it still has before it, from where it is now. Pure; nothing is moved by it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.dispatch.rules.windows import SETTING_OUT
from shared.geo import Point

Way = Callable[[Point, Point], timedelta]
"""How long a drive takes."""


@dataclass(frozen=True, slots=True)
class Seat:
    """A rider of this van who is not at the destination yet.

    ``told_at``: what the rider heard; ``pickup_at`` and ``dropoff_at``: when the tour stops. ``status``: the

    assignment's.
    """

    trip_id: UUID
    status: str
    told_at: datetime
    pickup_at: datetime
    dropoff_at: datetime | None
    pickup: Point | None
    drop: Point | None
    boarding: timedelta
    en_route_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    seat: Seat
    pickup: bool
    at: datetime

    @property
    def place(self) -> Point | None:
        return self.seat.pickup if self.pickup else self.seat.drop


def doors(
    seats: Sequence[Seat], here: Point | None, base: Point | None, now: datetime, way: Way
) -> dict[UUID, datetime]:
    """Trip → when the van is at its door, to the full minute; left out where nobody knows.

    ``here``: where the van is, seen just now; without it the van is where its last stamp says, else at its ``base``.
    """
    at, place = _begins(seats, here, base, now)
    found: dict[UUID, datetime] = {}
    for stop in _before(seats):
        if place is None or stop.place is None:
            break
        at += way(place, stop.place)
        place = stop.place
        if stop.pickup:
            if at < now:  # by its last stamp it would be there already, and it is not
                break
            at = max(at, stop.seat.told_at)
            found[stop.seat.trip_id] = _minute(at)
        at += stop.seat.boarding
    return found


def _before(seats: Iterable[Seat]) -> list[Stop]:
    """The stops the van still has before it, as the tour goes."""
    stops = [Stop(seat, True, seat.pickup_at) for seat in seats if seat.status in COMING]
    stops += [Stop(seat, False, seat.dropoff_at or seat.pickup_at) for seat in seats if seat.status != "at_destination"]
    return sorted(stops, key=lambda stop: (stop.at, not stop.pickup))


COMING = frozenset({"offered", "ordered", "accepted", "en_route"})
"""The van is not at the rider's door yet."""


def _begins(
    seats: Sequence[Seat], here: Point | None, base: Point | None, now: datetime
) -> tuple[datetime, Point | None]:
    """From when and where the van drives on."""
    last = next((seat for seat in seats if seat.status in {"at_scene", "left_scene", "at_destination"}), None)
    if last is not None:
        at_door = last.drop if last.status == "at_destination" else last.pickup
        return now, here or at_door
    goes = next((seat for seat in seats if seat.status == "en_route"), None)
    if goes is not None:
        return (now, here) if here or goes.en_route_at is None else (goes.en_route_at, base)
    return now + SETTING_OUT, here or base


def _minute(at: datetime) -> datetime:
    whole = at.replace(second=0, microsecond=0)
    return whole if whole == at else whole + timedelta(minutes=1)
