"""The routes every service has: health, readiness, metrics, the open feed of its events, code lists."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from shared import figures
from shared.auth import ANYONE, NOT_FOR_HELD, Caller, may
from shared.database import Search, look_up
from shared.errors import Refused
from shared.events.base import Origin
from shared.events.envelope import encode
from shared.openapi import problems
from shared.service import Runtime, health
from shared.standing import warnings

router = APIRouter()

OPEN_FEED = Search("""
select * from event_log
where stream_sequence > $1 and ($2::text[] is null or area = any($2)) and ($3::uuid is null or correlation_id = $3)
order by stream_sequence limit $4
""")
END_OF_STREAM = "select max(stream_sequence) from event_log"

CURSOR_AHEAD = (
    409,
    "cursor_ahead",
    "after อยู่เลยเหตุการณ์ล่าสุด ระบบถูกกู้คืนหลังจากได้ค่านี้ ให้อ่านใหม่ตั้งแต่ after=0",
    "after lies beyond the last event: the service was restored since; read again from after=0",
)


@router.get("/healthz", tags=["operations"])
async def alive() -> dict[str, str]:
    """The process answers. Never depends on database or broker: their outage must not restart everything."""
    return {"status": "ok"}


@router.get("/readyz", tags=["operations"], responses={503: {"description": "names what is away"}})
async def ready(request: Request) -> JSONResponse:
    """Ready to take work, or 503 with what is away; ``warnings``: what is not well and keeps nobody from working."""
    runtime: Runtime = request.app.state.runtime
    wrong = await health(runtime)
    body = {
        "ready": not wrong,
        "wrong": wrong,
        "warnings": [each.body() for each in warnings(runtime)],
        "leading": sorted(runtime.leadership.leading),
    }
    return JSONResponse(body, 503 if wrong else 200)


@router.get("/metrics", tags=["operations"], response_class=PlainTextResponse)
async def metrics(request: Request) -> Response:
    """Figures for Prometheus: counts and durations only."""
    await figures.read(request.app.state.runtime)
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


@router.get("/v1/events", tags=["events"], responses=problems(401, 403, 409))
async def events(
    request: Request,
    caller: Annotated[Caller, Depends(may(*ANYONE))],
    after: Annotated[int, Query(ge=0, le=2**62)] = 0,
    call_id: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> Response:
    """The open part of this service's events, in the order of the stream, for those who speak no NATS.

    ``next`` is the cursor to ask with next time; it stays when there is nothing new. After a restore
    a cursor from before may lie beyond the end: it is refused, for what follows would be skipped.
    """
    if caller.places:  # it names everybody of the municipality, if only by id
        raise Refused(*NOT_FOR_HELD)
    runtime: Runtime = request.app.state.runtime
    areas = None if "*" in caller.areas else sorted(caller.areas)
    rows = await look_up(runtime.pool, OPEN_FEED, after, areas, call_id, limit)
    if not rows and after > 0 and after > (await runtime.pool.fetchval(END_OF_STREAM) or 0):
        raise Refused(*CURSOR_AHEAD, field="after")
    items = [orjson.Fragment(_open(row)) for row in rows]
    body = {"items": items, "next": rows[-1]["stream_sequence"] if rows else after}
    return Response(orjson.dumps(body), media_type="application/json")


def _open(row: Any) -> bytes:
    occurred_at: datetime = row["occurred_at"]
    return encode(
        id=row["id"],
        short_type=row["type"],
        aggregate_id=row["aggregate_id"],
        aggregateseq=row["aggregateseq"],
        time=occurred_at,
        origin=Origin(row["area"], row["correlation_id"], protected=row["protected"], exercise=row["exercise"]),
        causation_id=row["causation_id"],
        traceparent=row["traceparent"],
        data=row["open_data"],
        internal=False,
    )
