"""Positions over HTTP: a list of fixes, written on as telemetry. Nothing is stored here."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from services.dispatch.api.common import RunsUnit, crew_of, runtime_of
from services.dispatch.positions import CLOCK_SKEW, KNOWN, FixIn, write_on
from services.dispatch.store import units
from shared.errors import FieldProblem, Refused
from shared.http import Body
from shared.openapi import problems
from shared.work import now_utc

router = APIRouter(tags=["positions"])

AWAY = (
    503,
    "broker_away",
    "ระบบส่งข้อความไม่ตอบ กรุณาส่งพิกัดใหม่ภายหลัง",
    "the broker does not answer; send positions again later",
)
NOT_YOURS = ("unit_id", "not_found", "ไม่พบหน่วยนี้", "no such unit")


class UnitFix(FixIn):
    unit_id: UUID


class PositionsBody(Body):
    positions: Annotated[list[UnitFix], Field(min_length=1, max_length=500)]


class PositionsOut(BaseModel):
    taken: int


@router.post("/v1/positions", status_code=202, response_model=PositionsOut, responses=problems(400, 401, 403, 404, 413))
async def take_positions(request: Request, caller: RunsUnit, body: PositionsBody) -> PositionsOut:
    """พิกัดรถ | Where units are. A crew tells its own unit's position; all or none of a list is taken."""
    runtime = runtime_of(request)
    areas = await KNOWN.area_of(runtime, [fix.unit_id for fix in body.positions])
    crew_id = crew_of(caller)
    own = set(await units.of_crew(runtime.pool, crew_id)) if crew_id is not None else None
    wrong: list[FieldProblem] = []
    for number, fix in enumerate(body.positions):
        area = areas.get(fix.unit_id)
        if area is None or not caller.may_see(area) or (own is not None and fix.unit_id not in own):
            field, code, th, en = NOT_YOURS
            wrong.append(FieldProblem(f"positions.{number}.{field}", code, th, en))
        elif fix.at > now_utc() + CLOCK_SKEW:
            th, en = "เวลานี้ยังมาไม่ถึง", "this time lies in the future"
            wrong.append(FieldProblem(f"positions.{number}.at", "in_the_future", th, en))
    if wrong:
        raise Refused(422, "invalid", "พิกัดบางรายการใช้ไม่ได้", "some positions cannot be used", errors=tuple(wrong[:50]))
    if not runtime.bus.connected:
        status, code, th, en = AWAY
        raise Refused(status, code, th, en, headers={"Retry-After": "5"})
    for fix in body.positions:
        plain = FixIn(**fix.model_dump(exclude={"unit_id"}))
        await write_on(runtime.bus.client, areas[fix.unit_id], fix.unit_id, plain, "http")
    return PositionsOut(taken=len(body.positions))
