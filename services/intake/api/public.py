"""What needs no account: how far a call is, for whoever holds its code and the telephone it came from."""

from __future__ import annotations

from datetime import timedelta

from fastapi import APIRouter, Request

from services.intake.answers import TrackOut
from services.intake.api.common import desk_at, runtime_of
from services.intake.bodies import TrackBody
from services.intake.rules.numbers import read_tracking_code
from services.intake.store import calls as store
from services.intake.verbs.common import INVALID, refused
from shared.codes.codes import code_list
from shared.errors import refuse
from shared.limits import Limit, address_of, forget, spend
from shared.openapi import problems
from shared.refusal import Refusal
from shared.thai.phones import last4

router = APIRouter(prefix="/v1", tags=["public"])
WINDOW = timedelta(minutes=15)


@router.post("/track", response_model=TrackOut, responses=problems(400, 404, 413, 429))
async def track(request: Request, body: TrackBody) -> TrackOut:
    """ติดตามสถานะ | The stage, and nothing else. A wrong code and a wrong number get the same answer."""
    runtime, settings = runtime_of(request), desk_at(request).settings
    try:
        code, digits = read_tracking_code(body.code), last4(body.phone_last4)
    except Refusal as refusal:
        raise refused(INVALID, [refusal]) from None
    per_address = Limit("track.address", settings.track_tries_per_address, WINDOW)
    per_code = Limit("track.code", settings.track_tries, WINDOW)
    await spend(runtime.pool, per_address, address_of(request))
    await spend(runtime.pool, per_code, code)
    call = await store.call_by_tracking_code(runtime.pool, code)
    phone = (call["caller_phone"] or "") if call else ""
    if call is None or len(phone) < len(digits) or phone[-len(digits) :] != digits:
        raise refuse("not_found")
    await forget(runtime.pool, per_code, code)
    leading = call["leading_stage"] is not None and call["status"] == "open"
    stage = call["leading_stage"] if leading else call["stage"]
    since = call["leading_updated_at"] if leading else call["updated_at"]
    item = code_list("call_stage").item(stage)
    return TrackOut(stage=stage, th=item.th, en=item.en, since=since)
