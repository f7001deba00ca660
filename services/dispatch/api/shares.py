"""Lent units: lend one, give it back, and who serves where. Never where they are: that is for their assignments."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from services.dispatch.api.common import AreaQuery, AtDesk, Decides, Id, areas_of, runtime_of, seen
from services.dispatch.api.resources_models import Area
from services.dispatch.store import shares, units
from services.dispatch.verbs import shares as verbs
from shared.database import Connection, Pool
from shared.errors import refuse
from shared.http import Body, IdempotencyKey, once
from shared.openapi import Moment, problems
from shared.work import now_utc

router = APIRouter(tags=["lent units"])
WRITES = problems(400, 401, 403, 404, 409, 413)


class ShareBody(Body):
    """``with_area``: the municipality that may order the unit until then."""

    with_area: Area
    until_at: Moment


class ShareOut(BaseModel):
    """A unit that serves elsewhere. ``returning``: nothing new is given to it."""

    unit_id: UUID
    call_sign: str
    level: str
    volunteer: bool
    on_duty: bool
    home_area: str
    with_area: str
    begun_at: datetime
    until_at: datetime
    returning: bool


class Shares(BaseModel):
    items: list[ShareOut]


async def _shown(db: Connection | Pool, areas: list[str] | None, unit_id: UUID | None = None) -> list[ShareOut]:
    now = now_utc()
    return [
        ShareOut(
            unit_id=row["unit_id"], call_sign=row["call_sign"], level=row["level"], volunteer=row["volunteer"],
            on_duty=row["duty"] == "on_duty", home_area=row["home_area"], with_area=row["with_area"],
            begun_at=row["begun_at"], until_at=row["until_at"], returning=row["until_at"] <= now,
        )
        for row in await shares.of_areas(db, areas)
        if unit_id in {None, row["unit_id"]}
    ]  # fmt: skip


@router.get("/v1/shares", response_model=Shares, responses=problems(401, 403))
async def list_shares(request: Request, caller: AtDesk, area: AreaQuery = None) -> Shares:
    """หน่วยที่ให้ยืมและยืมมา | Units lent by and to the caller's municipalities."""
    return Shares(items=await _shown(runtime_of(request).pool, areas_of(caller, area)))


@router.post("/v1/units/{unit_id}/share", status_code=201, response_model=ShareOut, responses=WRITES)
async def share(
    request: Request, caller: Decides, unit_id: Id, body: ShareBody, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """ให้ยืมหน่วย | Another municipality orders the unit until then; its own does not."""
    runtime = runtime_of(request)
    row = await units.read(runtime.pool, unit_id)
    area = seen(row["area"] if row else None, caller)
    async with runtime.work(runtime.asked_by(caller, request)) as work:

        async def verb() -> tuple[int, dict[str, Any]]:
            await verbs.lend(work, unit_id, body.with_area, body.until_at)
            [made] = await _shown(work.db, [area], unit_id)
            return 201, made.model_dump(mode="json")

        return await once(work, request, caller, idempotency_key, body, verb)


@router.post("/v1/units/{unit_id}/return", response_model=Shares, responses=WRITES)
async def give_back(request: Request, caller: Decides, unit_id: Id) -> Shares:
    """คืนหน่วย | Called home by its own municipality, or given back: at once, or after what it does now.

    Answers the loan while it lasts.
    """
    runtime = runtime_of(request)
    row, lent = await units.read(runtime.pool, unit_id), await shares.of_unit(runtime.pool, unit_id)
    borrower = lent is not None and caller.may_see(lent.with_area)
    if row is None or not (caller.may_see(row["area"]) or borrower):
        raise refuse("not_found")
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        await verbs.give_back(work, unit_id)
    return Shares(items=await _shown(runtime.pool, [row["area"]], unit_id))
