"""What the desk needs beside calls: alarms, barriers, ringing telephones, triage."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse

from services.intake.answers import (
    AcknowledgedOut,
    AlarmList,
    BarrierList,
    BarrierOut,
    RingingList,
    RingingOut,
    TreeOut,
    TriageOut,
)
from services.intake.api.common import (
    AtDesk,
    WhoMeetsBarriers,
    WhoTakes,
    areas_of,
    call_to_change,
    call_to_read,
    desk_at,
    own_only,
    runtime_of,
    taker_of,
)
from services.intake.bodies import DryRunBody, MetBody, RingingBody, UnmetBody
from services.intake.draft import judge
from services.intake.rules import barriers as barrier_rules
from services.intake.rules import kinds, reading, triage
from services.intake.state import Row
from services.intake.store import barriers as barrier_store
from services.intake.store import calls as store
from services.intake.store import progress as progress_store
from services.intake.verbs import barriers, shown, watch
from services.intake.verbs.common import INVALID, refused, refusing
from shared.audit import audit
from shared.auth import Caller
from shared.errors import refuse
from shared.events.words import CallKind
from shared.http import IdempotencyKey, once
from shared.openapi import problems
from shared.refusal import Refusal
from shared.thai.dates import local_day
from shared.thai.phones import read_phone
from shared.work import Work, new_id, now_utc

router = APIRouter(prefix="/v1")
ACT = problems(400, 401, 403, 404, 409, 413)
RINGING_SHOWN = timedelta(minutes=2)
MOST_RINGING = 10


# --- alarms ------------------------------------------------------------------


@router.get("/alarms", tags=["alarms"], response_model=AlarmList, responses=problems(401, 403))
async def list_alarms(request: Request, caller: AtDesk, acknowledged: Annotated[bool, Query()] = False) -> AlarmList:
    """สัญญาณเตือน | Emergencies nobody has accepted, with numbers to ring. Needs the database alone, not the broker."""
    pool, desk = runtime_of(request).pool, desk_at(request)
    rows = await progress_store.list_alarms(pool, areas_of(caller), acknowledged_too=acknowledged)
    if rows:  # a desk looks every few seconds: only what was shown is worth a line
        concerned = [row["call_id"] for row in rows]
        await audit(pool, caller, "read_alarms", "call", concerned, area=[row["area"] for row in rows])
    now = now_utc()
    return AlarmList(items=[shown.alarm_out(row, desk.pack(row["area"]), now) for row in rows])


@router.post("/alarms/{alarm_id}/acknowledge", tags=["alarms"], response_model=AcknowledgedOut, responses=ACT)
async def acknowledge(
    request: Request, caller: AtDesk, alarm_id: UUID, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """รับทราบ | Somebody has seen the alarm and sees to it."""
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:

        async def verb() -> tuple[int, dict[str, Any]]:
            alarm = await progress_store.read_alarm(work.db, alarm_id)
            if alarm is None or not caller.may_see(alarm["area"]):
                raise refuse("not_found")
            after = await watch.acknowledge(work, alarm)
            detail = {"alarm": after["kind"]}
            await audit(work, caller, "acknowledge", "call", after["call_id"], detail, area=alarm["area"])
            answer = AcknowledgedOut(id=after["id"], acknowledged_at=after["acknowledged_at"])
            return 200, answer.model_dump(mode="json")

        return await once(work, request, caller, idempotency_key, None, verb)


# --- barriers ----------------------------------------------------------------


@router.get(
    "/calls/{call_id}/barriers", tags=["barriers"], response_model=BarrierList, responses=problems(401, 403, 404)
)
async def list_barriers(request: Request, caller: WhoMeetsBarriers, call_id: UUID) -> BarrierList:
    """อุปสรรค | The barriers of a call: asked, met, unmet, with their actions and owners."""
    runtime = runtime_of(request)
    call = await call_to_read(runtime, caller, call_id)
    await audit(runtime.pool, caller, "read_barriers", "call", call_id, area=call["area"])
    rows = await barrier_store.read_barriers(runtime.pool, [call["id"]])
    return BarrierList(items=[shown.barrier_out(row) for row in rows])


@router.post("/barriers/{barrier_id}/met", tags=["barriers"], response_model=BarrierOut, responses=ACT)
async def met(
    request: Request, caller: WhoMeetsBarriers, barrier_id: UUID, body: MetBody, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """แก้ไขแล้ว | The action helped; ``outcome`` says how."""

    async def verb(work: Work, call: Row, barrier: Row) -> Row:
        with refusing(INVALID):
            outcome = barrier_rules.settle(barrier["barrier"], "met", body.outcome).code
        return await barriers.meet(work, call, barrier, outcome, body.owner)

    return await _end_barrier(request, caller, barrier_id, idempotency_key, body, verb)


@router.post("/barriers/{barrier_id}/unmet", tags=["barriers"], response_model=BarrierOut, responses=ACT)
async def unmet(
    request: Request,
    caller: WhoMeetsBarriers,
    barrier_id: UUID,
    body: UnmetBody,
    idempotency_key: IdempotencyKey = None,
) -> JSONResponse:
    """แก้ไขไม่ได้ | It could not be overcome; ``reason`` says why. Counted, never hidden."""

    async def verb(work: Work, call: Row, barrier: Row) -> Row:
        with refusing(INVALID):
            reason = barrier_rules.settle(barrier["barrier"], "unmet", body.reason).code
        return await barriers.miss(work, call, barrier, reason, body.owner)

    return await _end_barrier(request, caller, barrier_id, idempotency_key, body, verb)


async def _end_barrier(
    request: Request, caller: Caller, barrier_id: UUID, key: str | None, body: Any, verb: Any
) -> JSONResponse:
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:

        async def do() -> tuple[int, dict[str, Any]]:
            call_id = await barrier_store.call_of_barrier(work.db, barrier_id)
            if call_id is None:
                raise refuse("not_found")
            call = await call_to_change(work, caller, call_id)
            after = await verb(work, call, await barriers.held_barrier(work, barrier_id))
            await audit(work, caller, f"barrier_{after['state']}", "call", call_id, area=call["area"])
            return 200, shown.barrier_out(after).model_dump(mode="json")

        return await once(work, request, caller, key, body, do)


# --- ringing telephones --------------------------------------------------------


@router.post(
    "/ringing", tags=["desk"], status_code=201, response_model=RingingOut, responses=problems(400, 401, 403, 404, 413)
)
async def announce(
    request: Request, caller: WhoTakes, body: RingingBody, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """สายเรียกเข้า | A telephone exchange says who rings; the answer tells what is known under that number."""
    runtime, desk = runtime_of(request), desk_at(request)
    areas = taker_of(desk, caller).areas
    area = body.area or areas[0]
    if area not in areas:
        raise refuse("not_found")
    try:
        phone = read_phone(body.from_, "from")
    except Refusal as refusal:
        raise refused(INVALID, [refusal]) from None
    number = phone.e164 or phone.short or body.from_
    async with runtime.work(runtime.asked_by(caller, request)) as work:

        async def verb() -> tuple[int, dict[str, Any]]:
            ringing_id = new_id()
            await progress_store.add_ringing(work.db, ringing_id, area, number, work.now)
            known = [
                row
                for row in await store.calls_of_phone(work.db, area, number)
                if own_only(caller) in (None, row["taken_by"])
            ]
            ids = [row["id"] for row in known]
            await audit(work, caller, "ringing", "call", ids or None, {"found": len(ids)}, area=area)
            row = {"id": ringing_id, "area": area, "phone": number, "rang_at": work.now}
            return 201, shown.ringing_out(row, known).model_dump(mode="json")

        return await once(work, request, caller, idempotency_key, body, verb)


@router.get("/ringing", tags=["desk"], response_model=RingingList, responses=problems(401, 403))
async def ringing_now(request: Request, caller: AtDesk) -> RingingList:
    """สายที่กำลังเรียกเข้า | Who has rung in the last two minutes, each number once, whoever has waited longest first.

    Of whom a call was taken since, nobody need answer any more.
    """
    pool = runtime_of(request).pool
    rows = await progress_store.recent_ringing(pool, areas_of(caller), now_utc() - RINGING_SHOWN)
    waiting: dict[tuple[str, str], RingingOut] = {}
    for row in rows:
        number = row["area"], row["phone"]
        if number in waiting:
            waiting[number].rang_again_at = row["rang_at"]
            continue
        calls = await store.calls_of_phone(pool, *number)
        if not any(call["received_at"] >= row["rang_at"] for call in calls):
            waiting[number] = shown.ringing_out(row, calls)
    items = list(waiting.values())[:MOST_RINGING]
    shown_calls = {UUID(str(call["id"])): item.area for item in items for call in item.calls}
    if shown_calls:
        await audit(pool, caller, "ringing", "call", list(shown_calls), area=list(shown_calls.values()))
    return RingingList(items=items)


# --- triage ------------------------------------------------------------------


@router.get("/triage/{criteria_group}", tags=["triage"], response_model=TreeOut, responses=problems(401, 403, 404))
async def questions(
    _: WhoTakes,
    criteria_group: Annotated[str, Path(pattern=r"^([1-9]|1[0-9]|2[0-5]|none)$")],
    kind: CallKind = CallKind.MEDICAL,
) -> TreeOut:
    """คำถามคัดแยก | What to ask, in order, and what to advise. ``none``: questions of calls without a group."""
    group = None if criteria_group == "none" else int(criteria_group)
    try:
        return shown.tree_out(
            group, str(kind), triage.questions_for(group, str(kind)), triage.tree_of(group, str(kind))
        )
    except Refusal:
        raise refuse("not_found", field="criteria_group") from None


@router.post("/triage", tags=["triage"], response_model=TriageOut, responses=problems(400, 401, 403, 413))
async def dry_run(_: WhoTakes, body: DryRunBody) -> TriageOut:
    """ลองคัดแยก | The severity that these answers would give, without a call."""
    notes = reading.Notes()
    kind = str(body.kind or CallKind.MEDICAL)
    hazard = kinds.recognise(body.complaint) if kind == CallKind.HAZARD else None
    patient = {**reading.NOBODY_KNOWN, "age": body.age}
    judged = judge(body, kind, [] if hazard else [patient], hazard, local_day(now_utc()), notes)
    if notes.doubts:
        raise refused(INVALID, [refusal for refusal, _ in notes.doubts])
    return shown.triage_out(judged)
