"""SMS providers call us with receipts, each known by the token it was given."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel

from services.notify.api.common import runtime_of, ways_of
from services.notify.channels.sms_http import ReceiptCall, ReceiptRefusedError, read_receipts
from services.notify.settings import PROVIDER
from services.notify.verbs.receipts import receive
from shared.errors import Refused, refuse
from shared.openapi import problems
from shared.work import Cause

router = APIRouter(tags=["sms"])

REFUSALS = {
    "wrong_token": (401, "receipt_token_wrong", "โทเคนของผู้ให้บริการไม่ถูกต้อง", "the provider's token is not right"),
    "not_supported": (404, "not_found", "ผู้ให้บริการนี้ไม่มีใบตอบรับ", "this provider sends no receipts"),
    "unreadable": (400, "receipt_unreadable", "อ่านใบตอบรับไม่ได้", "the receipt cannot be read"),
}
TYPES = ("application/json", "application/x-www-form-urlencoded")
BODY = {"requestBody": {"content": {kind: {"schema": {"type": "object"}} for kind in TYPES}}}


class Received(BaseModel):
    receipts: int


@router.post("/v1/sms/{provider}/receipts", openapi_extra=BODY, responses=problems(400, 401, 404, 413))
async def bring_receipts(request: Request, provider: Annotated[str, Path(pattern=PROVIDER)]) -> Received:
    """Keep delivery receipts, and apply those whose part is known. They come early, late, twice and out of order."""
    known = ways_of(request).receipts_of(provider)
    if known is None:
        raise refuse("not_found")
    gateway, token = known
    content_type = request.headers.get("content-type", "")
    call = ReceiptCall(await request.body(), content_type, dict(request.headers), dict(request.query_params))
    try:
        came = read_receipts(gateway, token, call)
    except ReceiptRefusedError as problem:
        raise Refused(*REFUSALS[problem.code]) from None
    async with runtime_of(request).work(Cause("system:sms", None, request.state.traceparent)) as work:
        await receive(work, [(provider, one) for one in came])
    return Received(receipts=len(came))
