"""What Prometheus hears of the desk: calls that the watchdog found and nobody goes to yet."""

from __future__ import annotations

from prometheus_client import Gauge

from services.intake.store import progress
from shared.service import Runtime

UNANSWERED = Gauge(
    "karuna_intake_unanswered_calls", "Open emergencies of the watchdog without an accepted assignment", ["severity"]
)


async def unanswered(runtime: Runtime) -> None:
    """By severity; exercises do not count."""
    counts = await progress.count_unanswered_now(runtime.pool)
    UNANSWERED.clear()
    for severity in ("red", "pink", "yellow", *counts):
        UNANSWERED.labels(severity).set(counts.get(severity, 0))
