"""When a reminder goes out."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from shared.thai.dates import BANGKOK, local


def evening_before(at: datetime, clock: time) -> datetime:
    """``clock`` on the day before ``at``, both in Thailand (UTC)."""
    day = local(at).date() - timedelta(days=1)
    return datetime.combine(day, clock, BANGKOK).astimezone(UTC)
