"""What needs no account: rating one's own help, by its code and the telephone it came from."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from services.notify.api.common import runtime_of
from services.notify.store import ratings
from services.notify.verbs.rate import rate
from shared.errors import Refused, refuse
from shared.http import Body
from shared.limits import Limit, address_of, spend
from shared.openapi import problems
from shared.refusal import Refusal
from shared.thai.phones import last4
from shared.thai.text import arabic_digits, tidy
from shared.work import Cause

router = APIRouter(prefix="/v1", tags=["public"])
PER_ADDRESS = Limit("rate.address", 30, timedelta(minutes=15))
PER_CODE = Limit("rate.code", 5, timedelta(minutes=15))


class RatingBody(Body):
    """``score`` 1 (bad) to 5 (very good). Up to 2 is a complaint, and the desk sees it as an alarm."""

    code: Annotated[str, Field(min_length=1, max_length=60)]
    phone_last4: Annotated[str, Field(min_length=1, max_length=60)]
    score: Annotated[int, Field(ge=1, le=5)]
    comment: Annotated[str, Field(max_length=2000)] | None = None


class RatedOut(BaseModel):
    rated: bool


@router.post("/ratings", status_code=201, response_model=RatedOut, responses=problems(400, 404, 409, 413, 429))
async def give_rating(request: Request, body: RatingBody) -> RatedOut:
    """ให้คะแนน | Rate one's own help, once. A wrong code and a wrong number get the same answer."""
    runtime = runtime_of(request)
    code = _code(body.code)
    try:
        digits = last4(body.phone_last4)
    except Refusal as problem:
        raise Refused(422, problem.code, problem.th, problem.en, field=problem.field) from None
    await spend(runtime.pool, PER_ADDRESS, address_of(request))
    await spend(runtime.pool, PER_CODE, code)
    call = await ratings.call_by_code(runtime.pool, code)
    phones = await ratings.phones_of_call(runtime.pool, call["id"]) if call else []
    if call is None or not any(phone.endswith(digits) for phone in phones):
        raise refuse("not_found")
    async with runtime.work(Cause("system:public", None, request.state.traceparent)) as work:
        await rate(work, call, body.score, body.comment or None)
    return RatedOut(rated=True)


def _code(typed: str) -> str:
    """As it is kept: capital letters, in groups of four."""
    plain = re.sub(r"[\s\-\u2010-\u2015]", "", arabic_digits(tidy(typed))).upper()
    return f"{plain[:4]}-{plain[4:8]}-{plain[8:]}"
