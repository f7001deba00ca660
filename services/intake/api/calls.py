"""Calls: take, list, search, read, change."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import JSONResponse

from services.intake.answers import CallOut, CallPage, SearchPage, StandOut, TakenOut
from services.intake.api import paging
from services.intake.api.common import (
    AtDesk,
    WhoReads,
    WhoTakes,
    areas_of,
    call_to_change,
    call_to_read,
    desk_at,
    own_only,
    runtime_of,
    taker_of,
)
from services.intake.bodies import CallBody, PatchBody, SearchBody
from services.intake.rules.numbers import is_case_number
from services.intake.store import barriers as barrier_store
from services.intake.store import calls as store
from services.intake.store import progress as progress_store
from services.intake.verbs import shown
from services.intake.verbs.change import change, wanted_version
from services.intake.verbs.similar import similar_to
from services.intake.verbs.take import take
from shared.audit import audit, ids_told
from shared.auth import Role
from shared.database import Pool
from shared.errors import Refused, refuse
from shared.events.words import CallStatus, Channel, Lane, Severity
from shared.http import IdempotencyKey, once
from shared.openapi import Moment, problems
from shared.pack_parts import Pack
from shared.refusal import Refusal
from shared.thai.identifiers import read_identifier
from shared.thai.names import name_key
from shared.thai.phones import read_phone

router = APIRouter(prefix="/v1/calls", tags=["calls"])

Area = Annotated[str | None, Query(pattern=r"^[a-z][a-z0-9-]{1,30}$")]
Limit = Annotated[int, Query(ge=1, le=200)]
PARTNERS_CHANNELS = {None, Channel.PARTNER, Channel.CENTRE_1669, Channel.WEB}
NOT_YOUR_CHANNEL = (
    "not_your_channel",
    "ภาคีใช้ได้เฉพาะช่องทาง partner, web หรือ centre_1669",
    "partners use the channels partner, web and centre_1669",
)


@router.post("", status_code=201, response_model=TakenOut, responses=problems(400, 401, 403, 413))
async def take_call(
    request: Request, caller: WhoTakes, body: CallBody, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """รับแจ้งเหตุ | Take a call. Everything but one way to find the caller or the place may be missing."""
    runtime, desk = runtime_of(request), desk_at(request)
    taker = taker_of(desk, caller)
    if caller.role is Role.PARTNER and body.channel not in PARTNERS_CHANNELS:
        raise Refused(422, *NOT_YOUR_CHANNEL, field="channel")
    async with runtime.work(runtime.asked_by(caller, request)) as work:

        async def verb() -> tuple[int, dict[str, Any]]:
            taken = await take(work, desk, taker, body)
            alike = ids_told([each.id for each in taken.possible_duplicates]) if taken.possible_duplicates else {}
            await audit(work, caller, "take", "call", taken.id, alike, area=taken.area)
            return 201, taken.model_dump(mode="json")

        return await once(work, request, caller, idempotency_key, body, verb)


@router.get("", response_model=CallPage, responses=problems(401, 403, 404))
async def list_calls(
    request: Request,
    caller: WhoReads,
    area: Area = None,
    status: CallStatus | None = None,
    lane: Lane | None = None,
    severity: Severity | None = None,
    from_: Annotated[Moment | None, Query(alias="from")] = None,
    to: Moment | None = None,
    after: Annotated[str | None, Query(max_length=200)] = None,
    limit: Limit = 50,
    exercise: bool | None = None,
) -> CallPage:
    """รายการสาย | Calls, newest first, with nothing personal in them: ask ``/search`` for that."""
    if area is not None and not caller.may_see(area):
        raise refuse("not_found")
    rows = await store.list_calls(
        runtime_of(request).pool,
        areas=[area] if area else areas_of(caller),
        status=status,
        lane=lane,
        severity=severity,
        start=from_,
        end=to,
        before=paging.read(after),
        taken_by=own_only(caller),
        exercise=exercise,
        limit=limit,
    )
    return CallPage(items=[shown.line_out(row) for row in rows], next=paging.after(rows, limit))


@router.post("/search", response_model=SearchPage, responses=problems(400, 401, 403, 413))
async def search_calls(request: Request, caller: WhoReads, body: SearchBody) -> SearchPage:
    """ค้นหาสาย | Find calls by ids, telephone, name, number and so on. Written down in the audit."""
    pool = runtime_of(request).pool
    areas = areas_of(caller)
    if body.area is not None:
        areas = [body.area] if caller.may_see(body.area) else []
    rows = await store.search_calls(
        pool, areas, body.ids, _phone(body.phone), _name(body.name), _number(body.number),
        _identifier(body.national_id),
        body.tracking_code.upper() if body.tracking_code else None, body.person_id, body.line_user_id, body.from_,
        body.to, *(paging.read(body.after) or (None, None)), own_only(caller), body.limit,
    )  # fmt: skip
    ids = [row["id"] for row in rows]
    people: dict[UUID, list[Any]] = {call_id: [] for call_id in ids}
    for patient in await store.read_patients(pool, ids):
        people[patient["call_id"]].append(patient)
    asked = sorted(body.model_fields_set - {"limit", "after"})
    found_in = [row["area"] for row in rows] or None
    await audit(pool, caller, "search", "call", ids or None, {"by": asked, "found": len(ids)}, area=found_in)
    items = [shown.search_out(row, people[row["id"]]) for row in rows]
    return SearchPage(items=items, next=paging.after(rows, body.limit))


def _phone(typed: str | None) -> str | None:
    """The number as it is kept; what cannot be read may have been kept as it was typed."""
    if typed is None:
        return None
    try:
        phone = read_phone(typed)
    except Refusal:
        return typed
    return phone.e164 or phone.short


def _name(typed: str | None) -> str | None:
    """A pattern for names that begin like this."""
    if typed is None:
        return None
    key = name_key(typed).text
    return "".join(f"!{each}" if each in "!%_" else each for each in key) + "%"


def _number(typed: str | None) -> str | None:
    return typed.upper() if typed and is_case_number(typed.upper()) else typed


def _identifier(typed: str | None) -> str | None:
    if typed is None:
        return None
    try:
        return read_identifier(typed).value
    except Refusal:
        return typed


@router.get("/{call_id}", response_model=CallOut, responses=problems(401, 403, 404))
async def read_call(request: Request, caller: WhoReads, call_id: UUID) -> JSONResponse:
    """อ่านสาย | The whole call. Written down in the audit; ``ETag`` is its version."""
    runtime = runtime_of(request)
    call = await call_to_read(runtime, caller, call_id)
    await audit(runtime.pool, caller, "read", "call", call_id, area=call["area"])
    whole = await whole_call(runtime.pool, desk_at(request).pack(call["area"]), call, brought_by=own_only(caller))
    return JSONResponse(whole.model_dump(mode="json"), headers={"ETag": f'"{whole.version}"'})


async def whole_call(pool: Pool, pack: Pack | None, call: Any, *, brought_by: str | None = None) -> CallOut:
    """A call with all that belongs to it; what it may be a duplicate of as long as it is open."""
    call_id: UUID = call["id"]
    first_id: UUID = call["series_of"] or call_id
    alarmed, is_open = await progress_store.has_alarm(pool, call_id), call["status"] == "open"
    return shown.call_out(
        {**dict(call.items()), "alarmed": alarmed},
        await store.read_patients(pool, [call_id]),
        pack,
        barriers=await barrier_store.read_barriers(pool, [call_id]),
        links=await store.read_links(pool, call_id, brought_by),
        hand_overs=await store.read_hand_overs(pool, call_id),
        trips=await progress_store.trips_of_call(pool, call_id),
        ratings=await progress_store.ratings_of_call(pool, call_id),
        series=await progress_store.series(pool, first_id) if call["occurrence"] else [],
        similar=await similar_to(pool, pack, call, brought_by=brought_by) if pack and is_open else [],
    )


@router.patch("/{call_id}", response_model=StandOut, responses=problems(400, 401, 403, 404, 409, 413))
async def change_call(
    request: Request,
    caller: AtDesk,
    call_id: UUID,
    body: PatchBody,
    if_match: Annotated[str | None, Header(max_length=40)] = None,
) -> StandOut:
    """แก้ไขสาย | Change what is given; needs the version that was read, as ``If-Match`` or ``version``."""
    runtime = runtime_of(request)
    version = wanted_version(if_match, body)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        call = await call_to_change(work, caller, call_id)
        after, warnings = await change(work, desk_at(request), call, body, version)
        fields = {"fields": sorted(body.model_fields_set)}
        await audit(work, caller, "change", "call", call_id, fields, area=call["area"])
        return shown.stand_out(after, warnings)
