"""When a booked rider must be fetched, and how long a unit is bound by one booked trip. Pure; instants are aware."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

BOARDING: Mapping[str | None, timedelta] = {
    None: timedelta(minutes=10),
    "walking": timedelta(minutes=5),
    "assisted": timedelta(minutes=8),
    "wheelchair": timedelta(minutes=10),
    "stretcher": timedelta(minutes=15),
}
"""From the door to the seat or stretcher, and the same again at the other end. Our own estimate."""
DOOR_TO_CLINIC = timedelta(minutes=15)
"""From the hospital's door to the clinic's counter."""
EARLY = timedelta(minutes=60)
"""How much earlier than necessary somebody may be fetched."""
UNKNOWN_RIDE = timedelta(minutes=30)
"""A ride within a municipality and to its hospitals, where a point is not known."""
UNKNOWN_APPROACH = timedelta(minutes=20)
SETTING_OUT = timedelta(minutes=3)
"""From accepting to driving off, where nobody is in danger. Our own estimate, rather long."""


@dataclass(frozen=True, slots=True)
class Windows:
    """``pickup_latest_at`` is the last moment that still reaches the appointment."""

    pickup_earliest_at: datetime
    pickup_latest_at: datetime
    arrive_by_at: datetime


@dataclass(frozen=True, slots=True)
class Tour:
    """What one booked trip asks of a unit, from setting out to being free again."""

    start_at: datetime
    pickup_at: datetime
    dropoff_at: datetime
    end_at: datetime


def to_appointment(appointment_at: datetime, ride: timedelta | None, mobility: str | None) -> Windows:
    """When to be fetched for an appointment."""
    boarding = BOARDING.get(mobility, BOARDING[None])
    arrive_by = appointment_at - DOOR_TO_CLINIC
    latest = arrive_by - (ride or UNKNOWN_RIDE) - 2 * boarding
    return Windows(latest - EARLY, latest, arrive_by)


def tour(start_at: datetime, approach: timedelta | None, ride: timedelta | None, mobility: str | None) -> Tour:
    """The tour of a unit that sets out at ``start_at``."""
    boarding = BOARDING.get(mobility, BOARDING[None])
    pickup = start_at + (approach or UNKNOWN_APPROACH)
    dropoff = pickup + boarding + (ride or UNKNOWN_RIDE)
    return Tour(start_at, pickup, dropoff, dropoff + boarding)


def start_for(pickup_at: datetime, approach: timedelta | None) -> datetime:
    """When to set out to be at the door at ``pickup_at``."""
    return pickup_at - (approach or UNKNOWN_APPROACH)


def at_the_door(accepted_at: datetime, approach: timedelta | None) -> datetime:
    """When a crew that has just accepted a ride for now can be there: what the rider is told. To the full minute."""
    if approach is None:
        return accepted_at + UNKNOWN_APPROACH
    at = accepted_at + SETTING_OUT + approach
    return at if not (at.second or at.microsecond) else at.replace(second=0, microsecond=0) + timedelta(minutes=1)


AWAKE = timedelta(minutes=30)
"""At the least so long somebody must have to answer after a night."""
SOONEST = timedelta(minutes=5)


def answer_by(now: datetime, morning: datetime, pickup_at: datetime, within: timedelta, before: timedelta) -> datetime:
    """Until when an answer is wanted: ``within``, and ``before`` the ride, to find somebody else; minutes at the least.

    By night the time begins in the ``morning`` (by day that is ``now``), unless the ride is too soon for that.
    """
    latest = pickup_at - before
    begins = morning if morning + AWAKE <= latest else now
    return max(min(begins + within, latest), now + SOONEST)
