"""Infectious waste: the log of each trip and its chain of custody."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from services.dispatch.api.common import (
    NIL,
    AreaQuery,
    Id,
    Member,
    RunsUnit,
    SeesFleet,
    crew_of,
    one_area,
    runtime_of,
    seen,
)
from services.dispatch.api.resources_models import coded
from services.dispatch.store import units, waste
from services.dispatch.verbs import waste as verbs
from shared.auth import Caller
from shared.errors import Refused
from shared.http import Body, IdempotencyKey, once
from shared.openapi import Day, Moment, problems
from shared.thai.dates import day_bounds, local_day
from shared.work import now_utc

router = APIRouter(prefix="/v1/waste", tags=["waste"])

WRITES = problems(400, 401, 403, 404, 409, 413)
LONGEST = timedelta(days=366)
KEPT_IN_SIGHT = timedelta(days=14)
"""So long a crew's phone shows what it has not handed on to the end."""
TOO_LONG = (422, "too_long", "ดูได้ครั้งละไม่เกินหนึ่งปี", "at most a year at a time")
Bags = Annotated[int, Field(ge=1, le=1000)]
Weight = Annotated[int, Field(ge=0, le=1_000_000)]
Receiver = Annotated[str, Field(max_length=40), coded("waste_receiver")]


class WasteBody(Body):
    """What a unit packed, of which trip (left out: of none in particular). ``weight_g``: grams.

    ``id``: chosen by a phone that hands it over before it has a signal again; left out, one is given.
    """

    id: UUID | None = None
    unit_id: UUID
    trip_id: UUID | None = None
    bags: Bags
    weight_g: Weight | None = None
    sealed: bool = True
    at: Moment | None = None


class HandoverBody(Body):
    """Who takes it (list ``waste_receiver``); ``bags``, ``weight_g`` left out: as they were."""

    receiver: Receiver
    bags: Bags | None = None
    weight_g: Weight | None = None
    at: Moment | None = None


class HandOut(BaseModel):
    number: int
    receiver: str
    bags: int
    weight_g: int | None
    at: datetime


class WasteOut(BaseModel):
    """``chain``: every hand that took it. ``missing_bags``: fewer arrived than were packed."""

    id: UUID
    area: str
    unit_id: UUID
    trip_id: UUID | None
    bags: int
    weight_g: int | None
    sealed: bool
    packed_at: datetime
    disposed_at: datetime | None
    chain: list[HandOut]
    missing_bags: int


class WasteList(BaseModel):
    items: list[WasteOut]


def _out(row: asyncpg.Record, chain: list[asyncpg.Record]) -> WasteOut:
    facts = {name: row[name] for name in WasteOut.model_fields if name not in {"chain", "missing_bags"}}
    hands = [HandOut(**{name: each[name] for name in HandOut.model_fields}) for each in chain]
    return WasteOut(**facts, chain=hands, missing_bags=row["bags"] - (chain[-1]["bags"] if chain else row["bags"]))


async def _one(request: Request, waste_id: UUID) -> WasteOut:
    pool = runtime_of(request).pool
    row = await waste.read(pool, waste_id)
    assert row is not None  # noqa: S101 it was just written
    return _out(row, (await waste.chains(pool, [waste_id])).get(waste_id, []))


@router.post("", status_code=201, response_model=WasteOut, responses=WRITES)
async def pack(
    request: Request, caller: RunsUnit, body: WasteBody, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """บันทึกขยะติดเชื้อ | What a unit packed: bags, weight, sealed or not."""
    runtime = runtime_of(request)
    unit = await units.read(runtime.pool, body.unit_id)
    seen(unit["area"] if unit else None, caller)
    async with runtime.work(runtime.asked_by(caller, request)) as work:

        async def verb() -> tuple[int, dict[str, Any]]:
            at = body.at or work.now
            given = verbs.Packed(body.unit_id, body.bags, body.weight_g, body.sealed, at, body.trip_id, body.id)
            made = await waste.read(work.db, await verbs.pack(work, crew_of(caller), given))
            assert made is not None  # noqa: S101 it was just written
            return 201, _out(made, []).model_dump(mode="json")

        return await once(work, request, caller, idempotency_key, body, verb)


@router.get("", response_model=WasteList, responses=problems(401, 403, 404))
async def report(
    request: Request, caller: SeesFleet, from_: Annotated[Day | None, Query(alias="from")] = None,
    to: Annotated[Day | None, Query()] = None, area: AreaQuery = None,
) -> WasteList:  # fmt: skip
    """รายงานห่วงโซ่ขยะติดเชื้อ | What was packed on these days (left out: the last thirty), with its chain of custody."""
    pool, last = runtime_of(request).pool, to or local_day(now_utc())
    first = from_ or last - timedelta(days=29)
    if last - first > LONGEST:
        raise Refused(*TOO_LONG, field="to")
    rows = await waste.between(pool, one_area(caller, area), day_bounds(first)[0], day_bounds(last)[1])
    chains = await waste.chains(pool, [row["id"] for row in rows])
    return WasteList(items=[_out(row, chains.get(row["id"], [])) for row in rows])


@router.get("/own", response_model=WasteList, responses=problems(401, 403))
async def own(request: Request, caller: Member) -> WasteList:
    """ขยะติดเชื้อของหน่วยฉัน | What the member's own units packed these days and nobody has disposed of yet."""
    pool, me = runtime_of(request).pool, crew_of(caller) or NIL
    mine = await units.with_crew(pool, me)
    rows = await waste.of_units(pool, sorted(caller.areas), mine, now_utc() - KEPT_IN_SIGHT)
    chains = await waste.chains(pool, [row["id"] for row in rows])
    return WasteList(items=[_out(row, chains.get(row["id"], [])) for row in rows])


async def _in_area(request: Request, caller: Caller, waste_id: UUID) -> None:
    row = await waste.read(runtime_of(request).pool, waste_id)
    seen(row["area"] if row else None, caller)


@router.post("/{waste_id}/sealed", response_model=WasteOut, responses=WRITES)
async def seal(request: Request, caller: RunsUnit, waste_id: Id) -> WasteOut:
    """ปิดผนึกแล้ว | The bags are closed: they may be handed over."""
    await _in_area(request, caller, waste_id)
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        await verbs.seal(work, waste_id, crew_of(caller))
    return await _one(request, waste_id)


@router.post("/{waste_id}/hand-overs", status_code=201, response_model=WasteOut, responses=WRITES)
async def hand_over(
    request: Request, caller: RunsUnit, waste_id: Id, body: HandoverBody, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """ส่งมอบขยะติดเชื้อ | Somebody else has it now; the last one disposes of it."""
    await _in_area(request, caller, waste_id)
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:

        async def verb() -> tuple[int, dict[str, Any]]:
            given = verbs.Handed(body.receiver, body.at or work.now, body.bags, body.weight_g)
            await verbs.hand_over(work, waste_id, crew_of(caller), given)
            row = await waste.read(work.db, waste_id)
            assert row is not None  # noqa: S101 it was just handed over
            return 201, _out(row, (await waste.chains(work.db, [waste_id]))[waste_id]).model_dump(mode="json")

        return await once(work, request, caller, idempotency_key, body, verb)
