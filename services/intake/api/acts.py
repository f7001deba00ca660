"""What is done to a call: withdraw, link, unlink, hand over, close, erase."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse

from services.intake.answers import StandOut
from services.intake.api.common import AtDesk, call_to_change, desk_at, runtime_of, visible
from services.intake.bodies import CloseBody, EraseBody, HandOverBody, LinkBody, WithdrawBody
from services.intake.state import Row
from services.intake.store import calls as store
from services.intake.verbs import ends, erase, links, shown
from shared.audit import audit
from shared.auth import Caller, Role, may
from shared.events.words import By
from shared.http import Body, IdempotencyKey, once
from shared.openapi import problems
from shared.work import Work

router = APIRouter(prefix="/v1/calls/{call_id}", tags=["calls"])
ACT = problems(400, 401, 403, 404, 409, 413)
MayErase = Annotated[Caller, Depends(may(Role.SUPERVISOR, Role.ADMIN))]
Verb = Callable[[Work, Row], Awaitable[Row]]


async def act(
    request: Request, caller: Caller, call_id: UUID, key: str | None, body: Body | None, name: str, verb: Verb
) -> JSONResponse:
    """Lock the call, do ``verb`` once per key, write it down, and answer how the call stands."""
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:

        async def do() -> tuple[int, dict[str, Any]]:
            call = await call_to_change(work, caller, call_id)
            after = await verb(work, call)
            await audit(work, caller, name, "call", call_id, area=call["area"])
            return 200, shown.stand_out(after).model_dump(mode="json")

        return await once(work, request, caller, key, body, do)


@router.post("/withdraw", response_model=StandOut, responses=ACT)
async def withdraw(
    request: Request, caller: AtDesk, call_id: UUID, body: WithdrawBody, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """ผู้แจ้งยกเลิก | Help is not wanted any more: crews on their way are called back."""

    async def verb(work: Work, call: Row) -> Row:
        return await ends.withdraw(work, call, body, desk_at(request).watchdog_s(call["area"]))

    return await act(request, caller, call_id, idempotency_key, body, "withdraw", verb)


@router.post("/hand-over", response_model=StandOut, responses=ACT)
async def hand_over(
    request: Request, caller: AtDesk, call_id: UUID, body: HandOverBody, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """ส่งต่อ | Another organisation was told, e.g. 1669. Unless ``ends_call``, our own unit goes on."""

    async def verb(work: Work, call: Row) -> Row:
        return await ends.hand_over(work, desk_at(request).pack(call["area"]), call, body)

    return await act(request, caller, call_id, idempotency_key, body, "hand_over", verb)


@router.post("/close", response_model=StandOut, responses=ACT)
async def close(
    request: Request, caller: AtDesk, call_id: UUID, body: CloseBody, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """ปิดเรื่อง | Nothing more is to be done. A refusal needs a coded reason, and an emergency is never refused."""

    async def verb(work: Work, call: Row) -> Row:
        return await ends.close(work, desk_at(request).pack(call["area"]), call, body)

    return await act(request, caller, call_id, idempotency_key, body, "close", verb)


@router.post("/erase", response_model=StandOut, responses=ACT)
async def erase_call(
    request: Request,
    caller: MayErase,
    call_id: UUID,
    body: EraseBody | None = None,
    idempotency_key: IdempotencyKey = None,
) -> JSONResponse:
    """ลบข้อมูลส่วนบุคคล | Nothing personal of the call is left, here and in every service.

    The call must be over. An admin may erase it in any state: a restore brings back how it stood at the backup.
    """

    async def verb(work: Work, call: Row) -> Row:
        by = By.SYSTEM if body is not None and body.past_keeping else By.PERSON
        await erase.erase_call(work, call, even_open=caller.role is Role.ADMIN, by=by)
        after = await store.read_call(work.db, call_id)
        assert after is not None  # noqa: S101 calls are never deleted
        return after

    return await act(request, caller, call_id, idempotency_key, body, "erase", verb)


@router.post("/link", response_model=StandOut, responses=ACT)
async def link(
    request: Request, caller: AtDesk, call_id: UUID, body: LinkBody, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """เชื่อมสาย | Two calls belong together. Of duplicates the other call leads, and its trips serve both."""

    async def verb(work: Work, call: Row, other: Row) -> None:
        await links.link(work, call, other, body.link)

    return await _with_pair(request, caller, call_id, idempotency_key, body, "link", verb)


@router.post("/unlink", response_model=StandOut, responses=ACT)
async def unlink(
    request: Request, caller: AtDesk, call_id: UUID, body: LinkBody, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """ยกเลิกการเชื่อมสาย | They do not belong together after all: a former duplicate is served by itself again."""

    async def verb(work: Work, call: Row, other: Row) -> None:
        await links.unlink(work, call, other, body.link, desk_at(request).watchdog_s(call["area"]))

    return await _with_pair(request, caller, call_id, idempotency_key, body, "unlink", verb)


async def _with_pair(
    request: Request,
    caller: Caller,
    call_id: UUID,
    key: str | None,
    body: LinkBody,
    name: str,
    verb: Callable[[Work, Row, Row], Awaitable[None]],
) -> JSONResponse:
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:

        async def do() -> tuple[int, dict[str, Any]]:
            one, two = await links.held_pair(work, call_id, body.other_call_id)
            call, other = visible(one, caller), visible(two, caller)
            await verb(work, call, other)
            ids = [call_id, body.other_call_id]
            await audit(work, caller, name, "call", ids, area=[call["area"], other["area"]])
            return 200, shown.stand_out(call).model_dump(mode="json")

        return await once(work, request, caller, key, body, do)
