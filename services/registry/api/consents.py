"""Consents of people, what agencies must stop when one is withdrawn, and glass broken in an emergency."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse

from services.registry import records, store, told, views
from services.registry.agreement_answers import (
    Acknowledged,
    Consents,
    ConsentShown,
    GlassOpened,
    GlassPage,
    GlassShown,
    HeardShown,
    StillOpen,
    Withdrawals,
    WithdrawalShown,
)
from services.registry.agreement_bodies import (
    AcknowledgeBody,
    BreakGlassBody,
    ConsentBody,
    ReviewGlassBody,
    WithdrawBody,
)
from services.registry.api.gate import areas_of, gate, held_for, own_held_for, person_for, runtime_of, whose
from services.registry.api.persons import BAD_CURSOR
from services.registry.api.reach import must_reach, within_reach
from services.registry.keys import ring
from services.registry.records import Person
from services.registry.store.people import Row
from services.registry.values import read_national_id
from services.registry.verbs import consents
from services.registry.views import label
from shared.audit import audit
from shared.auth import Caller
from shared.database import Connection, Pool
from shared.errors import Refused, refuse
from shared.http import IdempotencyKey, once
from shared.limits import Limit, spend, spent
from shared.openapi import problems
from shared.service import Runtime
from shared.thai.dates import local_day
from shared.work import Work, now_utc

router = APIRouter(prefix="/v1", tags=["consents"])

Gives = Annotated[Caller, Depends(gate("POST /v1/persons/{person_id}/consents"))]
Reads = Annotated[Caller, Depends(gate("GET /v1/persons/{person_id}/consents"))]
Withdraws = Annotated[Caller, Depends(gate("POST /v1/consents/{consent_id}/withdraw"))]
Waits = Annotated[Caller, Depends(gate("GET /v1/withdrawals"))]
Hears = Annotated[Caller, Depends(gate("POST /v1/withdrawals/acknowledge"))]
Breaks = Annotated[Caller, Depends(gate("POST /v1/break-glass"))]
ListsGlass = Annotated[Caller, Depends(gate("GET /v1/break-glass"))]
Reviews = Annotated[Caller, Depends(gate("POST /v1/break-glass/{glass_id}/review"))]

MISSES = Limit("glass.miss", 5, timedelta(minutes=15))
"""How often somebody may ask for who is not in the register."""
NOT_FOUND = 404


@router.post(
    "/persons/{person_id}/consents",
    status_code=201,
    response_model=ConsentShown,
    responses=problems(400, 401, 403, 404, 413),
)
async def give_consent(
    request: Request, caller: Gives, person_id: UUID, body: ConsentBody, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """บันทึกความยินยอม | What the person agreed to: by whom, for what, to whom, on which paper."""
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:

        async def verb() -> tuple[int, dict[str, Any]]:
            person = await own_held_for(work, caller, person_id)
            made = await consents.give(work, person, body, caller.actor)
            await audit(work, caller, "give", "consent", made, {"person_id": str(person_id)}, area=person.area)
            row = await store.consents.lock_consent(work.db, made)
            return 201, _consent(row).model_dump(mode="json")

        return await once(work, request, caller, idempotency_key, body, verb)


@router.get("/persons/{person_id}/consents", responses=problems(401, 403, 404))
async def read_consents(request: Request, caller: Reads, person_id: UUID) -> Consents:
    """ความยินยอมของบุคคล | All that were ever given, also the withdrawn ones."""
    runtime = runtime_of(request)
    person = await person_for(runtime, caller, person_id)
    await audit(runtime.pool, caller, "read_consents", "person", person_id, area=person.area)
    rows = await store.consents.read_consents(runtime.pool, [person_id])
    heard = await _heard(runtime.pool, [row["id"] for row in rows])
    items = [_consent(row, heard.get(row["id"], []), await _still(runtime.pool, row, person.area)) for row in rows]
    return Consents(items=items)


@router.post("/consents/{consent_id}/withdraw", responses=problems(400, 401, 403, 404, 409, 413))
async def withdraw_consent(
    request: Request, caller: Withdraws, consent_id: UUID, body: WithdrawBody | None = None
) -> ConsentShown:
    """ถอนความยินยอม | As easy as giving it (PDPA s. 19). Every agency that stood on it must acknowledge."""
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        person = await own_held_for(work, caller, await whose(work, consent_id))
        row = await store.consents.lock_consent(work.db, consent_id)
        if row is None:
            raise refuse("not_found")
        await consents.withdraw(work, person, row, body or WithdrawBody())
        detail = {"person_id": str(person.id)}
        await audit(work, caller, "withdraw", "consent", consent_id, detail, area=person.area)
        heard = await _heard(work.db, [consent_id])
        row = await store.consents.lock_consent(work.db, consent_id)
        return _consent(row, heard.get(consent_id, []), await _still(work.db, row, person.area))


@router.get("/withdrawals", responses=problems(401, 403))
async def list_withdrawals(
    request: Request,
    caller: Waits,
    overdue: Annotated[bool, Query(description="past due alone")] = False,
    done: Annotated[bool, Query(description="also those acknowledged")] = False,
    cursor: Annotated[str | None, Query(max_length=80)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 100,
) -> Withdrawals:
    """ความยินยอมที่ถูกถอนและรอรับทราบ | Of an agency what it must stop; of the municipality who has not said so yet."""
    runtime = runtime_of(request)
    now = now_utc()
    after = views.read_withdrawal_cursor(cursor) if cursor is not None else None
    if cursor is not None and after is None:
        raise Refused(*BAD_CURSOR, field="cursor")
    page = await store.consents.list_withdrawals(
        runtime.pool, areas_of(caller), caller.agency_id, now if overdue else None, done=done, after=after, limit=limit
    )
    known = await within_reach(runtime.pool, caller, [row["person_id"] for row in page])
    rows = [row for row in page if row["person_id"] in known]
    ids, areas = [row["person_id"] for row in rows], [row["area"] for row in rows]
    await audit(runtime.pool, caller, "list_withdrawals", "person", ids or None, area=areas or None)
    same = ("consent_id", "agency_id", "person_id", "area", "withdrawn_at", "due_at", "acknowledged_at")
    items = [
        WithdrawalShown(purpose=label("purpose", row["purpose"]),
                        overdue=row["acknowledged_at"] is None and row["due_at"] < now,
                        still=await _still(runtime.pool, row, row["area"]),
                        **{name: row[name] for name in same})
        for row in rows
    ]  # fmt: skip
    return Withdrawals(items=items, next=views.withdrawal_cursor(page[-1]) if len(page) == limit else None)


@router.post("/withdrawals/acknowledge", responses=problems(400, 401, 403, 413))
async def acknowledge_withdrawals(request: Request, caller: Hears, body: AcknowledgeBody) -> Acknowledged:
    """รับทราบการถอนความยินยอม | The caller's agency has stopped. Answers which of them were its own to say."""
    runtime = runtime_of(request)
    if caller.agency_id is None:
        return Acknowledged(consent_ids=[])
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        mine = await store.consents.acknowledge(work.db, body.consent_ids, caller.agency_id, work.now, caller.actor)
        await audit(work, caller, "acknowledge", "consent", mine or None)
    return Acknowledged(consent_ids=mine)


@router.post(
    "/break-glass", status_code=201, response_model=GlassOpened, responses=problems(400, 401, 403, 404, 413, 429)
)
async def break_glass(
    request: Request, caller: Breaks, body: BreakGlassBody, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """เปิดดูกรณีฉุกเฉิน | An agency without an agreement opens one record for three hours; a reason, and officers hear.

    Who is not there leaves an audit row and counts: with a list of numbers anybody could ask who is in the register.
    """
    runtime = runtime_of(request)
    if await spent(runtime.pool, MISSES, caller.actor):
        await spend(runtime.pool, MISSES, caller.actor)
    try:
        return await _break(runtime, request, caller, body, idempotency_key)
    except Refused as refused:
        if refused.status == NOT_FOUND:
            await audit(runtime.pool, caller, "glass_missed", "person", body.person_id)
            await spend(runtime.pool, MISSES, caller.actor)
        raise


async def _break(
    runtime: Runtime, request: Request, caller: Caller, body: BreakGlassBody, idempotency_key: str | None
) -> JSONResponse:
    async with runtime.work(runtime.asked_by(caller, request)) as work:

        async def verb() -> tuple[int, dict[str, Any]]:
            person = await _in_danger(work, caller, body)
            opened, row = await consents.break_glass(work, caller, person, body)
            await audit(work, caller, "break_glass", "person", person.id, {"glass_id": str(opened)}, area=person.area)
            shown = GlassOpened(id=opened, person_id=person.id, until_at=row["until_at"] if row else work.now)
            return 201, shown.model_dump(mode="json")

        return await once(work, request, caller, idempotency_key, body, verb)


@router.get("/break-glass", responses=problems(401, 403))
async def list_glass(
    request: Request,
    caller: ListsGlass,
    reviewed: Annotated[bool, Query(description="also those reviewed")] = False,
    person_id: UUID | None = None,
    cursor: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 100,
) -> GlassPage:
    """รายการเปิดดูกรณีฉุกเฉิน | Who opened whose record, and why; shown until somebody has reviewed it."""
    runtime = runtime_of(request)
    page = await store.consents.list_glass(
        runtime.pool, areas_of(caller), reviewed=reviewed, after=cursor, limit=limit, person_id=person_id
    )
    known = await within_reach(runtime.pool, caller, [row["person_id"] for row in page])
    rows = [row for row in page if row["person_id"] in known]
    ids, areas = [row["person_id"] for row in rows], [row["area"] for row in rows]
    await audit(runtime.pool, caller, "list_glass", "person", ids or None, area=areas or None)
    notes = await told.of(runtime.pool, [row["id"] for row in rows])
    items = [_glass(row, notes.get(row["id"], {}).get("note")) for row in rows]
    return GlassPage(items=items, next=page[-1]["id"] if len(page) == limit else None)


@router.post("/break-glass/{glass_id}/review", responses=problems(400, 401, 403, 404, 409, 413))
async def review_glass(request: Request, caller: Reviews, glass_id: UUID, body: ReviewGlassBody) -> GlassShown:
    """ทบทวนการเปิดดูกรณีฉุกเฉิน | Was it right? By a supervisor, never by who opened it. What was not right ends at once.

    Of somebody who has been erased meanwhile the finding stays; no note is kept.
    """
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        subject = await store.people.lock_person(work.db, await whose(work, glass_id))
        row = await store.consents.lock_glass(work.db, glass_id)
        if row is None or not caller.may_see(row["area"]):
            raise refuse("not_found")
        await must_reach(work.db, caller, [row["person_id"]])
        note = body.note if subject is not None and subject["erased_at"] is None else None
        await consents.review(work, row, caller.actor, body.finding, note)
        await audit(
            work, caller, "review_glass", "person", row["person_id"], {"finding": body.finding}, area=row["area"]
        )
        return _glass(await store.consents.lock_glass(work.db, glass_id), note)


async def _in_danger(work: Work, caller: Caller, body: BreakGlassBody) -> Person:
    """Whose record it is. A secret person is not there, whoever asks; glass opens beside an agency's own places, too.

    Raises:
        Refused: 404 nobody whom this caller may know of.

    """
    if caller.agency_id is not None:
        caller = replace(caller, places=frozenset())
    person_id = body.person_id
    if person_id is None:
        marks = records.number_marks(ring(), [read_national_id(body.national_id or "")], exercise=False)
        shown = [row["id"] for row in await store.people.holders(work.db, marks, areas_of(caller)) if row["shown"]]
        if not shown:
            raise refuse("not_found")
        person_id = shown[0]
    person = await held_for(work, caller, person_id)
    every = [records.opened(row, ring()) for row in await store.links.records(work.db, person_id)]
    if any(one.secret for one in every):
        raise refuse("not_found")
    return person


async def _heard(db: Connection | Pool, consent_ids: Sequence[UUID]) -> dict[UUID, list[HeardShown]]:
    """Consent → who must hear of its withdrawal."""
    now = now_utc()
    found: dict[UUID, list[HeardShown]] = {}
    for row in await store.consents.read_heard(db, consent_ids):
        late = row["acknowledged_at"] is None and row["due_at"] < now
        shown = HeardShown(overdue=late, **{name: row[name] for name in ("agency_id", "due_at", "acknowledged_at")})
        found.setdefault(row["consent_id"], []).append(shown)
    return found


async def _still(db: Connection | Pool, row: Row | None, owner: str) -> list[StillOpen]:
    """To whom the person is open although this consent was withdrawn; of one that stands nobody."""
    if row is None or row["withdrawn_at"] is None:
        return []
    found = await consents.still_open(db, row["person_id"], owner, row["purpose"], row["agency_id"], now_utc())
    return [StillOpen(agency_id=agency, agreement_id=agreement) for agency, agreement in found]


def _consent(row: Row | None, heard: Sequence[HeardShown] = (), still: Sequence[StillOpen] = ()) -> ConsentShown:
    if row is None:
        raise refuse("not_found")
    over = row["until_on"] is not None and row["until_on"] < local_day(now_utc())
    same = ("id", "person_id", "agency_id", "given_by", "paper", "given_at", "until_on", "withdrawn_at")
    status = "withdrawn" if row["withdrawn_at"] else "expired" if over else "given"
    kept = {name: row[name] for name in same}
    return ConsentShown(purpose=label("purpose", row["purpose"]), status=status, heard=list(heard),
                        still=list(still), **kept)  # fmt: skip


def _glass(row: Row | None, note: str | None) -> GlassShown:
    if row is None:
        raise refuse("not_found")
    return GlassShown(note=note, **{name: row[name] for name in GlassShown.model_fields if name != "note"})
