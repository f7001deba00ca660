"""Where units are: telemetry, not facts. Never a row and never an fsync per fix.

A fix comes over HTTP or on ``karuna.<area>.inbox.positions.<unit>``; dispatch alone writes it on as
``internal.<area>.telemetry.unit.<id>.position.v1``, whose last one per unit stays in the memory stream. Every
process of dispatch keeps the last fix of each unit from its own subscription.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import nats.errors
import orjson
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from prometheus_client import Counter
from pydantic import Field, ValidationError

from services.dispatch.trail import TRAILS
from shared.geo import Point
from shared.http import Body
from shared.openapi import Moment
from shared.service import Runtime
from shared.streams import POSITION_SUBJECT, POSITIONS, position_subject
from shared.work import now_utc

log = structlog.get_logger()

CLOCK_SKEW = timedelta(minutes=2)
INBOX = "karuna.*.inbox.positions.*"
SNAPSHOT_QUIET_S = 1.0
AREAS_OF_UNITS = "select id, area from unit where id = any($1::uuid[])"

TAKEN = Counter("karuna_positions_taken_total", "Fixes written on", ["way"])
REFUSED = Counter("karuna_positions_refused_total", "Fixes that could not be used", ["reason"])


class FixIn(Body):
    """One fix of one unit. WGS 84; ``at`` is when it was measured."""

    lat: float = Field(ge=-90, le=90)
    lon: float = Field(ge=-180, le=180)
    at: Moment
    accuracy_m: float | None = Field(default=None, ge=0, le=100_000)
    speed_kmh: float | None = Field(default=None, ge=0, le=1_000)
    heading_deg: float | None = Field(default=None, ge=0, le=360)


@dataclass(frozen=True, slots=True)
class Fix:
    point: Point
    at: datetime


@dataclass(slots=True)
class Positions:
    """The last fix of every unit, as this process heard it; and in which area each unit is at home."""

    last: dict[UUID, Fix] = field(default_factory=dict)
    areas: dict[UUID, str] = field(default_factory=dict)

    def keep(self, unit_id: UUID, fix: Fix) -> bool:
        """Keep a fix unless a newer one is known."""
        known = self.last.get(unit_id)
        if known is not None and known.at >= fix.at:
            return False
        self.last[unit_id] = fix
        return True

    async def area_of(self, runtime: Runtime, unit_ids: list[UUID]) -> dict[UUID, str]:
        """The area of each unit that exists; it never changes, so it is asked for once."""
        missing = [unit_id for unit_id in unit_ids if unit_id not in self.areas]
        if missing:
            self.areas.update({row["id"]: row["area"] for row in await runtime.pool.fetch(AREAS_OF_UNITS, missing)})
        return {unit_id: self.areas[unit_id] for unit_id in unit_ids if unit_id in self.areas}


KNOWN = Positions()
"""One per process: memory of telemetry, filled again by the broker's snapshot after a start."""


async def write_on(client: Client, area: str, unit_id: UUID, fix: FixIn, way: str) -> None:
    """Publish one fix for all services; an older one than we know of is dropped."""
    if KNOWN.keep(unit_id, Fix(Point(fix.lon, fix.lat), fix.at)):
        TRAILS.note(unit_id, fix.at, Point(fix.lon, fix.lat))
        body = {"unit_id": str(unit_id), **fix.model_dump(mode="json", exclude_none=True)}
        await client.publish(position_subject(area, unit_id), orjson.dumps(body))
        TAKEN.labels(way).inc()


async def listen(runtime: Runtime) -> None:
    """Beside the service: hear fixes of vehicles (one process takes each) and of all processes (each hears all)."""
    while True:
        while not runtime.bus.connected:
            await asyncio.sleep(0.05)
        client = runtime.bus.client

        async def from_vehicle(message: Msg) -> None:
            await _take(runtime, message)

        await client.subscribe(POSITION_SUBJECT, cb=_hear)
        await client.subscribe(INBOX, queue="dispatch", cb=from_vehicle)
        await _snapshot(client)
        while runtime.bus.client is client and not client.is_closed:
            await asyncio.sleep(1)


async def _hear(message: Msg) -> None:
    """A fix somebody of dispatch wrote on."""
    try:
        body = orjson.loads(message.data)
        fix = Fix(Point(float(body["lon"]), float(body["lat"])), datetime.fromisoformat(body["at"]))
        KNOWN.keep(UUID(body["unit_id"]), fix)
    except (ValueError, KeyError, TypeError):
        REFUSED.labels("telemetry").inc()


async def _take(runtime: Runtime, message: Msg) -> None:
    """A fix from a vehicle, checked: a unit of that area, a time that is not in the future."""
    try:
        _, area, _, _, name = message.subject.split(".")
        unit_id = UUID(name)
        fix = FixIn.model_validate_json(message.data)
    except (ValueError, ValidationError):
        REFUSED.labels("unreadable").inc()
        return
    try:
        known = await KNOWN.area_of(runtime, [unit_id])
        if known.get(unit_id) != area or fix.at > now_utc() + CLOCK_SKEW:
            REFUSED.labels("not_ours" if known.get(unit_id) != area else "future").inc()
            return
        await write_on(runtime.bus.client, area, unit_id, fix, "topic")
    except Exception as problem:  # noqa: BLE001 one lost fix is followed by the next
        REFUSED.labels("away").inc()
        log.debug("positions.dropped", reason=type(problem).__name__)


async def _snapshot(client: Client) -> None:
    """Ask the memory stream for the last fix of every unit: what was said before this process started."""
    inbox = client.new_inbox()
    subscription = await client.subscribe(inbox)
    try:
        request = orjson.dumps({"multi_last": [POSITION_SUBJECT]})
        await client.publish(f"$JS.API.DIRECT.GET.{POSITIONS}", request, reply=inbox)
        with contextlib.suppress(nats.errors.TimeoutError, TimeoutError):
            while True:
                message = await subscription.next_msg(timeout=SNAPSHOT_QUIET_S)
                if not message.data:
                    break  # the end, or nothing there
                await _hear(message)
    finally:
        await subscription.unsubscribe()
