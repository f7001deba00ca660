"""The public figures: asked of their owners with a technical token, kept for minutes, told without small cells."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from fastapi import Request

from services.console.backend import BackendAway, BackendRefused
from services.console.public_forms import as_public
from services.console.rules import openly
from services.console.rules.openly import Standard
from services.console.web import backend
from shared.auth import Role
from shared.work import now_utc

KEPT_S = 300.0
OVER = timedelta(days=90)
Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Figures:
    """Over the last ninety days. None: the service did not answer, or the cell is too small to be told."""

    since: datetime
    until: datetime
    calls: int | None
    emergencies: int | None
    rides: int | None
    trips: int | None
    standards: list[Standard] | None
    barriers: Rows | None
    rating: tuple[float, int] | None


_kept: dict[str, tuple[float, Figures]] = {}


async def figures(request: Request, area: str) -> Figures:
    """Of one municipality, at most five minutes old."""
    made_at, found = _kept.get(area, (0.0, None))
    if found is None or time.monotonic() - made_at > KEPT_S:
        found = await _asked(request, area)
        whole = None not in (found.standards, found.barriers)
        _kept[area] = (time.monotonic() if whole else 0.0, found)
    return found


async def _asked(request: Request, area: str) -> Figures:
    until = now_utc()
    since = until - OVER
    calls, barriers, ratings, responses, trips = await asyncio.gather(
        *(
            _rows(request, area, service, kpi, since, until)
            for service, kpi in (
                ("intake", "calls"), ("intake", "barriers"), ("intake", "ratings"),
                ("dispatch", "response_times"), ("dispatch", "trips"),
            )
        )
    )  # fmt: skip
    lanes = openly.count_by(calls or [], "lane")
    return Figures(
        since=since, until=until, calls=openly.count_by(calls, "all").get("all", 0) if calls is not None else None,
        emergencies=lanes.get("emergency", 0) if calls is not None else None,
        rides=lanes.get("booked", 0) if calls is not None else None,
        trips=openly.trips_done(trips) if trips is not None else None,
        standards=openly.standards(responses) if responses is not None else None, barriers=barriers,
        rating=openly.mean_score(ratings) if ratings is not None else None,
    )  # fmt: skip


async def _rows(request: Request, area: str, service: str, kpi: str, since: datetime, until: datetime) -> Rows | None:
    period = {"area": area, "from": since.isoformat(), "to": until.isoformat()}
    try:
        said = await backend(request).get(
            as_public(request, area, Role.AUDITOR), service, f"/v1/reports/{kpi}", params=period, purpose="audit"
        )
    except (BackendAway, BackendRefused):
        return None
    rows: Rows = said["rows"]
    return rows
