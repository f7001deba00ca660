"""Positions from trackers that speak no token: Traccar's JSON forwarder, and the OsmAnd way that many apps know.

A tracker's identifier is its unit's id and a key of that unit (an HMAC of the installation's ``tracker_secret``), so
that nobody who knows a unit's id can say where it is. Another secret ends all identifiers at once. Shapes: Traccar's
``forward.type=json`` (``{position, device}``, ``PositionForwarderJson``), and its OsmAnd protocol's query.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter

from services.dispatch.api.common import Id, Manager, runtime_of, seen
from services.dispatch.api.positions import AWAY, PositionsOut
from services.dispatch.positions import CLOCK_SKEW, KNOWN, FixIn, write_on
from services.dispatch.store import units
from shared.errors import Refused, TwoTongued, refuse
from shared.openapi import Moment, problems
from shared.service import Runtime
from shared.work import now_utc

router = APIRouter(tags=["positions"])
KEY_BYTES = 15
MILLISECONDS_FROM = 1e11
LATEST_S = 4e9
WRITTEN: TypeAdapter[datetime] = TypeAdapter(Moment)
NOT_SET_UP = (409, "not_set_up", "ระบบนี้ไม่ได้เปิดรับอุปกรณ์ติดตาม", "trackers are not set up here: KARUNA_TRACKER_SECRET")
KM_H_PER_KNOT = 1.852

Lat = Annotated[float, Field(ge=-90, le=90)]
Lon = Annotated[float, Field(ge=-180, le=180)]
TrackerId = Annotated[str, Field(pattern=r"^[0-9a-f-]{36}\.[A-Z2-7]{24}$")]


class TrackerOut(BaseModel):
    """``tracker_id``: the identifier to enter in Traccar (unique id of the device) or in the app."""

    unit_id: UUID
    tracker_id: str


class _Heard(BaseModel):
    """What others say; the rest of it is theirs."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)


class TraccarPosition(_Heard):
    """``speed`` in knots, ``course`` in degrees."""

    latitude: Lat
    longitude: Lon
    fixTime: Moment  # noqa: N815 Traccar's word
    valid: bool = True
    accuracy: float | None = None
    course: float | None = None
    speed: float | None = None


class TraccarDevice(_Heard):
    uniqueId: TrackerId  # noqa: N815 Traccar's word


class TraccarBody(_Heard):
    position: TraccarPosition
    device: TraccarDevice


def _instant(text: str) -> str:
    """Seconds or milliseconds since 1970, or ISO 8601 with its zone."""
    _read(text)
    return text


Stamp = Annotated[str, AfterValidator(_instant)]


def _read(text: str) -> datetime:
    try:
        number = float(text)
        seconds = number / 1000 if number >= MILLISECONDS_FROM else number
        if 0 <= seconds <= LATEST_S:
            return datetime.fromtimestamp(seconds, UTC)
    except ValueError:
        with contextlib.suppress(ValueError):
            return WRITTEN.validate_python(text)
    raise TwoTongued("ต้องเป็นวินาทีนับจาก ค.ศ. 1970 หรือเวลา ISO 8601", "seconds since 1970, or ISO 8601", "not_a_time")


def key_of(secret: str, unit_id: UUID) -> str:
    digest = hmac.new(secret.encode(), unit_id.bytes, hashlib.sha256).digest()
    return base64.b32encode(digest[:KEY_BYTES]).decode()


def _secret(runtime: Runtime) -> str:
    secret = runtime.settings.tracker_secret
    if secret is None or not secret.get_secret_value():
        status, code, th, en = NOT_SET_UP
        raise Refused(status, code, th, en)
    return str(secret.get_secret_value())


@router.post("/v1/units/{unit_id}/tracker", response_model=TrackerOut, responses=problems(401, 403, 404, 409))
async def tracker(request: Request, caller: Manager, unit_id: Id) -> TrackerOut:
    """รหัสอุปกรณ์ติดตาม | The identifier with which a tracker or an app tells this unit's position."""
    runtime = runtime_of(request)
    row = await units.read(runtime.pool, unit_id)
    seen(row["area"] if row else None, caller)
    return TrackerOut(unit_id=unit_id, tracker_id=f"{unit_id}.{key_of(_secret(runtime), unit_id)}")


@router.post("/v1/positions/traccar", response_model=PositionsOut, responses=problems(400, 404, 409, 413))
async def from_traccar(request: Request, body: TraccarBody) -> PositionsOut:
    """จาก Traccar | One position as Traccar's JSON forwarder sends it; one that its receiver distrusts is left out."""
    at = body.position
    accuracy = at.accuracy if at.accuracy is not None and 0 <= at.accuracy <= 100_000 else None  # noqa: PLR2004
    heading = at.course % 360 if at.course is not None else None
    speed = at.speed * KM_H_PER_KNOT if at.speed is not None and 0 <= at.speed <= 500 else None  # noqa: PLR2004
    fix = FixIn(
        lat=at.latitude, lon=at.longitude, at=at.fixTime, accuracy_m=accuracy, heading_deg=heading, speed_kmh=speed
    )  # fmt: skip
    return await _take(request, body.device.uniqueId, fix if at.valid else None, "traccar")


@router.post("/v1/positions/osmand", response_model=PositionsOut, include_in_schema=False)
@router.get("/v1/positions/osmand", response_model=PositionsOut, responses=problems(400, 404, 409))
async def from_osmand(
    request: Request, id_: Annotated[TrackerId, Query(alias="id")], lat: Annotated[Lat, Query()],
    lon: Annotated[Lon, Query()],
    timestamp: Annotated[Stamp | None, Query(max_length=40)] = None,
) -> PositionsOut:  # fmt: skip
    """จากแอป OsmAnd หรือ Traccar Client | One fix in the query, as OsmAnd and many trackers' apps send it."""
    fix = FixIn(lat=lat, lon=lon, at=_read(timestamp) if timestamp else now_utc())
    return await _take(request, id_, fix, "osmand")


async def _take(request: Request, tracker_id: str, fix: FixIn | None, way: str) -> PositionsOut:
    runtime = runtime_of(request)
    name, _, key = tracker_id.partition(".")
    secret = _secret(runtime)
    try:
        unit_id = UUID(name)
    except ValueError:
        raise refuse("not_found") from None
    if not hmac.compare_digest(key, key_of(secret, unit_id)):
        raise refuse("not_found")
    area = (await KNOWN.area_of(runtime, [unit_id])).get(unit_id)
    if area is None:
        raise refuse("not_found")
    if fix is None or fix.at > now_utc() + CLOCK_SKEW:
        return PositionsOut(taken=0)
    if not runtime.bus.connected:
        status, code, th, en = AWAY
        raise Refused(status, code, th, en, headers={"Retry-After": "5"})
    await write_on(runtime.bus.client, area, unit_id, fix, way)
    return PositionsOut(taken=1)
