"""The booked rides of a day: in which order, and what stands against them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

Doc = Mapping[str, Any]

HELD = ("offered", "ordered", "accepted", "en_route", "at_scene", "left_scene", "at_destination")
OVER = ("completed", "cancelled")
NEAR = timedelta(minutes=60)
"""So long before its pickup a ride without a crew is a problem."""
TAKES = timedelta(minutes=45)
"""What a ride takes where nobody has said when it arrives."""


@dataclass(frozen=True, slots=True)
class Ride:
    """One trip of the day. ``problems``: codes with what they need to be said (``rides.problem_<code>``).

    ``unit_id``, ``status``: who has it or was asked to take it; of a ride that is over who drove it.

    ``not_there``: the way home of somebody whose way there has not ended yet.
    """

    trip: Doc
    at: datetime | None
    unit_id: str | None
    status: str | None
    start_at: datetime | None
    run_id: str | None = None
    problems: tuple[tuple[str, str], ...] = ()
    not_there: bool = False

    @property
    def over(self) -> bool:
        return self.trip["status"] in OVER

    @property
    def waits_for_ready(self) -> bool:
        return bool(self.trip["status"] == "awaiting_ready")

    @property
    def wants_unit(self) -> bool:
        return self.unit_id is None and not self.over and not self.waits_for_ready


def rides(trips: Sequence[Doc], numbers: Mapping[str, str], now: datetime) -> list[Ride]:
    """The rides in the order of their pickup; those without a time last, a way home never above the way there.

    ``numbers``: call → its number.
    """
    made = [_ride(trip) for trip in trips]
    against = _overlaps(made, numbers)
    going = {ride.trip["id"] for ride in made if not ride.over and ride.status != "at_destination"}
    found = [
        replace(
            ride,
            problems=(*_own_problems(ride, now), *against.get(str(ride.trip["id"]), ())),
            not_there=ride.trip.get("outbound_id") in going,
        )
        for ride in made
    ]
    times = {ride.trip["id"]: ride.at for ride in made}

    def place(ride: Ride) -> tuple[bool, bool, datetime, bool, str]:
        at = ride.at or now
        there = times.get(ride.trip.get("outbound_id")) or at
        return ride.over, ride.at is None, max(at, there), ride.trip["leg"] == "return", str(ride.trip["id"])

    return sorted(found, key=place)


def to_drive(found: Sequence[Ride], until: datetime) -> list[Ride]:
    """Those not over that begin until then; a way home without a time begins, for this, with its way there."""
    times = {ride.trip["id"]: ride.at for ride in found}
    begins = [(ride, ride.at or times.get(ride.trip.get("outbound_id"))) for ride in found if not ride.over]
    return [ride for ride, at in begins if at is None or at <= until]


def _held(trip: Doc) -> Doc | None:
    held = [each for each in trip["assignments"] if each["status"] in HELD and each["role"] == "primary"]
    return max(held, key=lambda each: HELD.index(each["status"]), default=None)


def _driven(trip: Doc) -> Doc | None:
    """The assignment that drove a ride that is over."""
    drove = (each for each in trip["assignments"] if each["status"] == "cleared" and each["role"] == "primary")
    return next(drove, None) if trip["status"] in OVER else None


def unit_of(trip: Doc) -> str | None:
    """The unit that has the ride, or was asked to take it."""
    held = _held(trip)
    return held["unit_id"] if held else None


def _ride(trip: Doc) -> Ride:
    last = _held(trip) or _driven(trip)
    names = ("pickup_at", "pickup_earliest_at", "pickup_latest_at", "arrive_by_at")
    at = next((_instant(trip[name]) for name in names if trip[name]), None)
    if last is None:
        return Ride(trip, at, None, None, None)
    return Ride(trip, at, last["unit_id"], last["status"], _instant(last["start_at"]), last["run_id"])


def _own_problems(ride: Ride, now: datetime) -> list[tuple[str, str]]:
    if ride.over or ride.waits_for_ready:
        return []
    found = []
    if ride.wants_unit and ride.at is not None and ride.at - now < NEAR:
        found.append(("no_unit", ""))
    latest = _instant(ride.trip["pickup_latest_at"])
    if ride.at is not None and latest is not None and ride.at > latest:
        found.append(("late", str(int((ride.at - latest).total_seconds() // 60))))
    if ride.status == "offered":
        found.append(("not_answered", ""))
    return found


def _overlaps(made: Sequence[Ride], numbers: Mapping[str, str]) -> dict[str, list[tuple[str, str]]]:
    """Rides of one unit that are under way at the same time, each with the other's number; those of one run share."""
    found: dict[str, list[tuple[str, str]]] = {}
    busy = [ride for ride in made if ride.unit_id and not ride.over and ride.at is not None]
    for number, one in enumerate(busy):
        for other in busy[number + 1 :]:
            shared = one.run_id is not None and one.run_id == other.run_id
            if shared or one.unit_id != other.unit_id or not _meet(_span(one), _span(other)):
                continue
            for mine, theirs in ((one, other), (other, one)):
                said = ("overlap", numbers.get(theirs.trip["call_id"], "–"))
                found.setdefault(str(mine.trip["id"]), []).append(said)
    return found


def _span(ride: Ride) -> tuple[datetime, datetime]:
    begins = ride.start_at or ride.at
    assert begins is not None  # noqa: S101 only rides with a time are compared
    ends = _instant(ride.trip["arrive_by_at"])
    return begins, ends if ends is not None and ends > begins else (ride.at or begins) + TAKES


def _meet(one: tuple[datetime, datetime], other: tuple[datetime, datetime]) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
