"""What a changed call asks of a trip that is already known: a unit now, another time, or nothing. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

WAITING = frozenset({"requested", "queued", "unassigned"})
"""No crew has taken the trip yet."""
NO = frozenset({"declined", "expired"})
LIES_AFTER = timedelta(minutes=30)
"""So long whoever is ready to go home waits for a place for their wheelchair."""


@dataclass(frozen=True, slots=True)
class Wish:
    """When the person is to be fetched: at once (``emergency``), or in a window (all aware instants)."""

    lane: str
    earliest_at: datetime | None
    latest_at: datetime | None
    arrive_by_at: datetime | None

    def holds(self, pickup_at: datetime | None) -> bool:
        """Whether a planned pickup lies in the window."""
        if pickup_at is None:
            return False
        early = self.earliest_at is not None and pickup_at < self.earliest_at
        return not early and (self.latest_at is None or pickup_at <= self.latest_at)


def asked_once_more(status: str, ended_at: datetime | None, now: datetime, no_holds: timedelta) -> bool:
    """Whether a unit that said no, or was silent when asked once more, may be asked again, where nobody else can go.

    A crew that was busy ten minutes ago may go now; and whoever waits at a clinic, or beside a fire, is not left to a
    no that was said in passing, nor to a telephone that nobody heard.
    """
    return status in NO and ended_at is not None and ended_at + no_holds <= now


def may_lie(leg: str, ready_at: datetime | None, now: datetime) -> bool:
    """Whether somebody in a wheelchair is brought home lying down, where no unit with a place for the chair comes.

    The only van may be out of order until the next day; an ambulance without work stands beside the clinic.
    """
    return leg == "return" and ready_at is not None and ready_at + LIES_AFTER <= now


Due = Literal["now", "in_time", "watch"]
"""A unit is needed at once; before the pickup, so nobody is held for the old time; or as before, looked at again."""


def after_change(
    was: Wish, now: Wish, status: str, *, pickup_at: datetime | None, at: datetime, before: timedelta
) -> Due | None:
    """When a trip in ``status`` is due, whose call changed from ``was`` to ``now``; None: nothing changes for its unit.

    ``pickup_at`` is what its unit planned; ``before`` how long before the pickup a trip without a unit is an alarm.
    """
    if was == now:
        return None
    if was.lane != now.lane:
        return "now" if now.lane == "emergency" else "in_time"
    if now.lane == "emergency":
        return None
    if status == "planned":
        # A pickup that somebody set outside of the window on purpose stays, as long as the appointment does.
        spoilt = was.holds(pickup_at) or was.arrive_by_at != now.arrive_by_at
        return "in_time" if spoilt and not now.holds(pickup_at) else None
    still_near = now.latest_at is not None and now.latest_at - before <= at
    return "watch" if still_near else "in_time"
