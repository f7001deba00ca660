"""Figures of the moment: what an operator is alarmed by."""

from __future__ import annotations

from prometheus_client import Gauge

from services.registry import store
from shared.service import Runtime
from shared.work import now_utc

OVERDUE = Gauge("karuna_registry_withdrawals_overdue", "Withdrawn consents that an agency has not acknowledged in time")
UNREVIEWED = Gauge("karuna_registry_break_glass_unreviewed", "Records opened in an emergency that nobody has reviewed")


async def count(runtime: Runtime) -> None:
    """Bring the gauges up to date."""
    OVERDUE.set(await store.consents.count_overdue(runtime.pool, now_utc()))
    UNREVIEWED.set(await store.consents.count_unreviewed(runtime.pool))
