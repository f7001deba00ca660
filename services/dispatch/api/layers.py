"""Risk maps: layers of zones, published by the municipality; whoever goes into a zone is warned."""

from __future__ import annotations

import asyncio
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field, model_validator

from services.dispatch.api.common import (
    NIL,
    After,
    AreaQuery,
    Id,
    Limit,
    Manager,
    Page,
    SeesRisks,
    areas_of,
    next_of,
    runtime_of,
    seen,
)
from services.dispatch.api.resources import PUT_ANSWERS
from services.dispatch.api.resources_models import Area, Name, PutOut, coded
from services.dispatch.api.travel import invalid
from services.dispatch.rules.risks import geojson, zones_of
from services.dispatch.store import layers
from services.dispatch.verbs import layers as verbs
from shared.auth import Caller, Role
from shared.errors import TwoTongued, refuse
from shared.http import Body
from shared.openapi import Day, problems
from shared.refusal import Refusal

router = APIRouter(prefix="/v1/layers", tags=["risk maps"])

INVERTED = TwoTongued("วันสิ้นสุดต้องไม่มาก่อนวันเริ่ม", "the last day is not before the first", "inverted")


class LayerBody(Body):
    """``geojson``: a FeatureCollection of Polygons with ``level`` and, as wanted, ``name, advice, advice_en``.

    ``source``: whose map it is. ``public``: everybody may see it. Without days it holds until it is taken away.
    """

    area: Area
    kind: Annotated[str, Field(max_length=40), coded("risk_kind")]
    name: Name
    name_en: Name | None = None
    source: Name
    public: bool = False
    valid_from_on: Day | None = None
    valid_until_on: Day | None = None
    geojson: dict[str, Any]

    @model_validator(mode="after")
    def _days_in_order(self) -> LayerBody:
        if self.valid_from_on and self.valid_until_on and self.valid_from_on > self.valid_until_on:
            raise INVERTED
        return self


class LayerLine(BaseModel):
    id: UUID
    area: str
    kind: str
    name: str
    name_en: str | None
    source: str
    public: bool
    valid_from_on: date | None
    valid_until_on: date | None
    version: int
    changed_at: datetime
    zones: int


class LayerOut(LayerLine):
    geojson: dict[str, Any]


class LayerPage(Page):
    items: list[LayerLine]


def _outside(caller: Caller) -> bool:
    return caller.role is Role.PARTNER


@router.put("/{layer_id}", response_model=PutOut, responses=PUT_ANSWERS)
async def put_layer(request: Request, response: Response, caller: Manager, layer_id: Id, body: LayerBody) -> PutOut:
    """แผนที่เสี่ยง | Publish a layer, or its new version; the same again changes nothing."""
    seen(body.area, caller)
    try:
        zones = await asyncio.to_thread(zones_of, body.geojson)
    except Refusal as refusal:
        raise invalid(refusal) from None
    values = {name: getattr(body, name) for name in LayerBody.model_fields if name != "geojson"}
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        made = await verbs.put(work, layer_id, values, zones)
    response.status_code = 201 if made else 200
    return PutOut(id=layer_id, made=made is True, changed=made is not None)


@router.get("", response_model=LayerPage, responses=problems(401, 403))
async def list_layers(
    request: Request, caller: SeesRisks, area: AreaQuery = None, public: Annotated[bool | None, Query()] = None,
    after: After = None, limit: Limit = 100,
) -> LayerPage:  # fmt: skip
    """ชั้นข้อมูลทั้งหมด | Layers without their zones; ``public``: only those that everybody may see, or only the others."""
    shown = True if _outside(caller) else public
    rows = await layers.page(runtime_of(request).pool, areas_of(caller, area), shown, after or NIL, limit)
    items = [LayerLine(**{name: row[name] for name in LayerLine.model_fields}) for row in rows]
    return LayerPage(items=items, next=next_of(items, limit))


@router.get("/{layer_id}", response_model=LayerOut, responses=problems(401, 403, 404))
async def read_layer(request: Request, caller: SeesRisks, layer_id: Id) -> LayerOut:
    """ชั้นข้อมูลหนึ่ง | One layer with its zones, as GeoJSON."""
    pool = runtime_of(request).pool
    row = await layers.read(pool, layer_id)
    seen(row["area"] if row else None, caller)
    if row is None or (_outside(caller) and not row["public"]):
        raise refuse("not_found")
    zones = await layers.zones(pool, layer_id)
    own = {name: row[name] for name in LayerLine.model_fields if name != "zones"}
    return LayerOut(**own, zones=len(zones), geojson=geojson(zones))


@router.delete("/{layer_id}", status_code=204, responses=problems(401, 403, 404))
async def take_away(request: Request, caller: Manager, layer_id: Id) -> None:
    """เลิกใช้ชั้นข้อมูล | Take a layer away: nobody is warned of it any more."""
    runtime = runtime_of(request)
    row = await layers.read(runtime.pool, layer_id)
    seen(row["area"] if row else None, caller)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        await verbs.take_away(work, layer_id)
