"""Calls: take, list, search, read, change."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from services.intake.answers import TakenOut
from services.intake.api.common import WhoTakes, desk_at, runtime_of, taker_of
from services.intake.bodies import CallBody
from services.intake.verbs.take import take
from shared.http import IdempotencyKey, once
from shared.openapi import problems

router = APIRouter(prefix="/v1/calls", tags=["calls"])


@router.post("", status_code=201, response_model=TakenOut, responses=problems(400, 401, 403, 413))
async def take_call(
    request: Request, caller: WhoTakes, body: CallBody, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """รับแจ้งเหตุ | Take a call. Everything but one way to find the caller or the place may be missing."""
    runtime, desk = runtime_of(request), desk_at(request)
    taker = taker_of(desk, caller)
    async with runtime.work(runtime.asked_by(caller, request)) as work:

        async def verb() -> tuple[int, dict[str, Any]]:
            taken = await take(work, desk, taker, body)
            return 201, taken.model_dump(mode="json")

        return await once(work, request, caller, idempotency_key, body, verb)
