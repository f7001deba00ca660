"""Quiet hours in Thailand: when nobody is woken by what can wait."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from shared.thai.dates import BANGKOK, local


def is_quiet(at: datetime, quiet_from: time, quiet_until: time) -> bool:
    """Whether ``at`` lies in the quiet hours, which may cross midnight. Equal ends mean no quiet hours."""
    clock = local(at).time()
    if quiet_from <= quiet_until:
        return quiet_from <= clock < quiet_until
    return clock >= quiet_from or clock < quiet_until


def next_allowed(at: datetime, quiet_from: time, quiet_until: time) -> datetime:
    """``at`` itself, or the end of the quiet hours it lies in (UTC)."""
    if not is_quiet(at, quiet_from, quiet_until):
        return at
    here = local(at)
    morning = datetime.combine(here.date(), quiet_until, BANGKOK)
    if morning <= here:
        morning += timedelta(days=1)
    return morning.astimezone(UTC)
