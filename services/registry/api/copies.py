"""A person's copy of all that is kept of them, and lists of people for those who may have them."""

from __future__ import annotations

import csv
import io
from base64 import b64encode
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response, StreamingResponse

from services.registry import records, store, views
from services.registry.api.gate import area_for, areas_of, gate, group_asked, own_person_for, runtime_of
from services.registry.api.reach import places_of
from services.registry.keys import ring
from services.registry.store.copies import SEALED
from services.registry.store.people import Row
from services.registry.values import AREA_CODE
from services.registry.verbs.locations import point_of
from shared.audit import audit
from shared.auth import Caller
from shared.database import Pool
from shared.openapi import problems
from shared.service import Runtime
from shared.work import now_utc

router = APIRouter(prefix="/v1", tags=["persons"])

Copies = Annotated[Caller, Depends(gate("GET /v1/persons/{person_id}/copy"))]
Exports = Annotated[Caller, Depends(gate("GET /v1/exports/persons"))]

MARKS = frozenset({"blind", "once", "cell", "key_id"})
"""Columns made from others for looking them up."""
SEALED_TWICE = frozenset({"whereabouts"})
"""Its point is the observation's, which is there."""
PAGE = 200
LARGEST = 5000
CSV, GEOJSON = "text/csv; charset=utf-8", "application/geo+json"
COLUMNS = ("id", "name", "birth_year", "sex", "mobility", "needs", "groups", "phone", "current_area", "current_address")
DOWNLOAD = {"content-disposition": "attachment", "cache-control": "no-store"}


@router.get(
    "/persons/{person_id}/copy", response_class=Response,
    responses={**problems(401, 403, 404, 409), 200: {"content": {"application/json": {}}, "description": "one file"}},
)  # fmt: skip
async def copy_person(request: Request, caller: Copies, person_id: UUID) -> Response:
    """สำเนาข้อมูลของเจ้าของข้อมูล | All that is kept of a person, opened, as one file (PDPA s. 30): who looked, too."""
    runtime = runtime_of(request)
    person = await own_person_for(runtime, caller, person_id)
    ids = [row["id"] for row in await store.links.records(runtime.pool, person.id)]
    await audit(runtime.pool, caller, "copy", "person", ids, area=person.area)
    tables: dict[str, list[dict[str, Any]]] = {}
    for row in await store.copies.read_copy(runtime.pool, ids):
        tables.setdefault(row["kind"], []).append(_opened(row["kind"], row["doc"]))
    looks = [dict(row) for row in await store.copies.read_looks(runtime.pool, ids)]
    file = {
        "copy_of": str(person.id),
        "made_at": now_utc(),
        "made_by": caller.actor,
        "area": person.area,
        "about": {
            "th": "ข้อมูลทั้งหมดที่ทะเบียนของพื้นที่นี้เก็บไว้ ข้อมูลการแจ้งเหตุ การส่งรถ และข้อความ ขอได้จากบริการนั้น ๆ",
            "en": "all that this municipality's register keeps; calls, missions, messages: ask their services",
        },
        "tables": tables,
        "history": [line async for line in _history(runtime, caller, person.id)],
        "looks": looks,
    }
    images = await store.pictures.of_people(runtime.pool, ids)
    return StreamingResponse(_with_pictures(runtime, file, images), media_type="application/json", headers=DOWNLOAD)


async def _with_pictures(runtime: Runtime, file: dict[str, Any], images: Sequence[UUID]) -> AsyncIterator[bytes]:
    """The file, and after it the pictures one by one: together they may be larger than what a process may hold."""
    yield orjson.dumps(file, default=str)[:-1] + b',"pictures":['
    comma = b""
    for picture_id in images:
        row = await store.pictures.read(runtime.pool, picture_id)
        if row is not None:
            jpeg = b64encode(ring().open_bytes(row["image"], "picture", picture_id, "image")).decode()
            yield comma + orjson.dumps({"id": str(picture_id), "jpeg": jpeg})
            comma = b","
    yield b"]}"


def _opened(table: str, doc: dict[str, Any]) -> dict[str, Any]:
    """A row without marks, and with what was sealed in the open."""
    if table == "known":
        return {**doc, "doc": _opened(doc["kind"], doc["doc"]), "key_id": None}
    place = UUID(doc["owner_id"] if table == "told" else doc["id"]) if "owner_id" in doc or "id" in doc else None
    kept = {name: value for name, value in doc.items() if name not in MARKS}
    if table in SEALED_TWICE:
        kept.pop("point", None)
    for name in SEALED.get(table, ()):
        if kept.get(name) is not None and place is not None:
            field = doc["field"] if table == "told" else name
            kept[name] = ring().open(bytes.fromhex(kept[name].removeprefix("\\x")), table, place, field)
    return kept


async def _history(runtime: Runtime, caller: Caller, person_id: UUID) -> AsyncIterator[dict[str, Any]]:
    before = None
    while True:
        rows = await store.history.read_history(
            runtime.pool, person_id, areas_of(caller), protected=True, before=before, limit=PAGE
        )
        for row in rows:
            yield views.history_line(row).model_dump(mode="json")
        if len(rows) < PAGE:
            return
        before = (rows[-1]["occurred_at"], rows[-1]["event_id"])


# --- lists --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whom an export is of. ``group``: who is in it today; ``area_code``: who lives there."""

    area: Annotated[str | None, Query(pattern=r"^[a-z][a-z0-9-]{1,30}$")] = None
    format: Literal["csv", "geojson"] = "csv"
    group: Annotated[str | None, Query(pattern=r"^[a-z][a-z0-9_-]{0,39}$")] = None
    area_code: Annotated[str | None, Query(pattern=AREA_CODE)] = None
    limit: Annotated[int, Query(ge=1, le=LARGEST)] = 1000

    @property
    def pointed(self) -> bool:
        """Points alone: who has none is not in it."""
        return self.format == "geojson"


@router.get(
    "/exports/persons", response_class=StreamingResponse,
    responses={**problems(401, 403, 404), 200: {"content": {"text/csv": {}, GEOJSON: {}}, "description": "a file"}},
)  # fmt: skip
async def export_persons(request: Request, caller: Exports, wanted: Annotated[Wanted, Depends()]) -> StreamingResponse:
    """ส่งออกรายชื่อ | People of the municipality by group and area: CSV, or points that count as GeoJSON, without names.

    Nobody secret is in it, no protected group and no number; each person in it has an audit row.
    """
    if wanted.group is not None:
        group_asked(wanted.group)
    runtime = runtime_of(request)
    area = area_for(caller, wanted.area)
    places = await places_of(runtime.pool, caller, wanted.area_code)
    lines = (_geojson if wanted.pointed else _csv)(_people(runtime, caller, area, wanted, places))
    kind = GEOJSON if wanted.pointed else CSV
    return StreamingResponse(lines, media_type=kind, headers=DOWNLOAD)


async def _people(
    runtime: Runtime, caller: Caller, area: str, wanted: Wanted, places: Sequence[str] | None
) -> AsyncIterator[Row]:
    """Page by page; each is written into the audit before anybody sees it."""
    detail = {"format": wanted.format, "group": wanted.group}
    pages = _everybody(runtime.pool, area, wanted) if places is None else _there(runtime.pool, area, wanted, places)
    async for rows in pages:
        await audit(runtime.pool, caller, "export", "person", [row["id"] for row in rows], detail, area=area)
        for row in rows:
            yield row


async def _everybody(pool: Pool, area: str, wanted: Wanted) -> AsyncIterator[list[Row]]:
    after, left = None, wanted.limit
    while left:
        rows = await store.exports.read_people(pool, area, wanted.group, after, min(PAGE, left), pointed=wanted.pointed)
        if not rows:
            return
        yield rows
        after, left = rows[-1]["id"], left - len(rows)


async def _there(pool: Pool, area: str, wanted: Wanted, places: Sequence[str]) -> AsyncIterator[list[Row]]:
    """Who lives there is found at once, and read page by page: who has become secret meanwhile is left out."""
    ids = await store.exports.find_living(pool, area, wanted.group, places, wanted.limit, pointed=wanted.pointed)
    for first in range(0, len(ids), PAGE):
        if rows := await store.exports.read_these(pool, ids[first : first + PAGE]):
            yield rows


async def _csv(rows: AsyncIterator[Row]) -> AsyncIterator[bytes]:
    yield "\ufeff".encode() + _line(COLUMNS)
    async for row in rows:
        person = records.opened(row, ring())
        phone = row["phone"] and _as_dialled(ring().open(row["phone"], "contact", row["phone_id"], "value"))
        detail = row["detail"] and ring().open(row["detail"], "address", row["address_id"], "detail")
        yield _line((
            person.id, person.name, person.birth and person.birth.year, person.sex, person.mobility,
            ";".join(person.needs), ";".join(row["groups"]), phone, row["area_code"], detail,
        ))  # fmt: skip


def _as_dialled(e164: str) -> str:
    return f"0{e164.removeprefix(THAILAND)}" if e164.startswith(THAILAND) else e164


THAILAND = "+66"
RUNS = ("=", "+", "-", "@", "\t", "\r")


def _line(cells: Sequence[Any]) -> bytes:
    """A line of which no cell is a formula to a spreadsheet."""
    out = io.StringIO()
    texts = ["" if cell is None else str(cell) for cell in cells]
    csv.writer(out).writerow([f"'{text}" if text.startswith(RUNS) else text for text in texts])
    return out.getvalue().encode()


async def _geojson(rows: AsyncIterator[Row]) -> AsyncIterator[bytes]:
    yield b'{"type":"FeatureCollection","features":['
    first = True
    async for row in rows:
        point = point_of({"id": row["location_id"], "point": row["point"]})
        told = {"id": str(row["id"]), "mobility": row["mobility"], "groups": list(row["groups"]),
                "verified": row["verified"]}  # fmt: skip
        place = {"type": "Point", "coordinates": [point.lon, point.lat]}
        yield (b"" if first else b",") + orjson.dumps({"type": "Feature", "geometry": place, "properties": told})
        first = False
    yield b"]}"
