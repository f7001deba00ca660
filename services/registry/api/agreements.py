"""Agreements: made by a municipality, signed by each side, looked at, ended; and who would see what by one."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse

from services.registry import store
from services.registry.agreement_answers import (
    AgreementListed,
    AgreementPage,
    AgreementShown,
    Effect,
    PartyShown,
    Sight,
)
from services.registry.agreement_bodies import AgreementBody, EndBody, SignBody
from services.registry.api.gate import areas_of, gate, runtime_of
from services.registry.rules.grounds import party
from services.registry.store.agreements import Row, as_rule
from services.registry.verbs import agreements
from services.registry.views import label
from shared.audit import audit
from shared.auth import Caller
from shared.database import Connection, Pool
from shared.errors import Refused, refuse
from shared.http import IdempotencyKey, once
from shared.openapi import problems
from shared.work import now_utc

router = APIRouter(prefix="/v1/agreements", tags=["agencies"])

Makes = Annotated[Caller, Depends(gate("POST /v1/agreements"))]
Lists = Annotated[Caller, Depends(gate("GET /v1/agreements"))]
Reads = Annotated[Caller, Depends(gate("GET /v1/agreements/{agreement_id}"))]
Weighs = Annotated[Caller, Depends(gate("GET /v1/agreements/{agreement_id}/effect"))]
Signs = Annotated[Caller, Depends(gate("POST /v1/agreements/{agreement_id}/sign"))]
Ends = Annotated[Caller, Depends(gate("POST /v1/agreements/{agreement_id}/end"))]
PAPER_NEEDED = (
    422,
    "paper_needed",
    "บันทึกการลงนามแทนฝ่ายอื่นต้องมีเลขที่เอกสารที่ลงนาม",
    "to record another side's signature, name the paper that it signed",
)


@router.post("", status_code=201, response_model=AgreementShown, responses=problems(400, 401, 403, 404, 413))
async def make_agreement(
    request: Request, caller: Makes, body: AgreementBody, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """ทำข้อตกลง | A new agreement. It opens nothing before both sides have signed, and its terms never change."""
    runtime = runtime_of(request)
    if not caller.may_see(body.area):
        raise refuse("not_found", field="area")
    async with runtime.work(runtime.asked_by(caller, request)) as work:

        async def verb() -> tuple[int, dict[str, Any]]:
            made = await agreements.make(work, body, caller.actor)
            await audit(work, caller, "open", "agreement", made, area=body.area)
            shown = await _shown(work.db, await _row(work.db, caller, made))
            return 201, shown.model_dump(mode="json")

        return await once(work, request, caller, idempotency_key, body, verb)


@router.get("", responses=problems(401, 403))
async def list_agreements(
    request: Request, caller: Lists, cursor: UUID | None = None, limit: Annotated[int, Query(ge=1, le=200)] = 100
) -> AgreementPage:
    """รายการข้อตกลง | Those to which the caller's agency, or one of the caller's municipalities, is a party."""
    rows = await store.agreements.list_agreements(runtime_of(request).pool, _mine(caller), cursor, limit)
    now = now_utc()
    items = [
        AgreementListed(
            agency_ids=list(agreements.agencies_of(row["parties"])),
            municipalities=agreements.municipalities_of(row["parties"]), signed=len(row["signed"]),
            works=not agreements.lacks_now(as_rule(row), now), **agreements.described(row),
        )
        for row in rows
    ]  # fmt: skip
    return AgreementPage(items=items, next=rows[-1]["id"] if len(rows) == limit else None)


@router.get("/{agreement_id}", responses=problems(401, 403, 404))
async def read_agreement(request: Request, caller: Reads, agreement_id: UUID) -> AgreementShown:
    """ดูข้อตกลง | One agreement, who has signed it, and whether it works today."""
    pool = runtime_of(request).pool
    return await _shown(pool, await _row(pool, caller, agreement_id))


@router.get("/{agreement_id}/effect", responses=problems(401, 403, 404))
async def read_effect(request: Request, caller: Weighs, agreement_id: UUID) -> Effect:
    """ผลของข้อตกลง | Who would see what by it: worked out by the function that decides, before anybody signs."""
    pool = runtime_of(request).pool
    row = await _row(pool, caller, agreement_id)
    agreement = as_rule(row)
    names = {
        each["id"]: each for each in await store.agencies.read_agencies(pool, agreements.agencies_of(row["parties"]))
    }
    lacking = agreements.lacks_now(agreement, now_utc())
    sights = [
        Sight(
            agency_id=each.agency, agency_th=names[each.agency]["name_th"], agency_en=names[each.agency]["name_en"],
            purpose=label("purpose", each.purpose), roles=list(each.roles),
            field_class=label("field_class", each.kind.field_class), sensitive=each.kind.sensitive,
            fields=agreements.fields_of(each.kind), basis=label("legal_basis", each.basis),
            needs_consent=each.needs_consent,
        )
        for each in agreements.effect(agreement, now_utc())
    ]  # fmt: skip
    return Effect(agreement_id=agreement_id, areas=row["areas"], works=not lacking, lacking=lacking, sights=sights)


@router.post("/{agreement_id}/sign", responses=problems(400, 401, 403, 404, 409, 413))
async def sign_agreement(
    request: Request, caller: Signs, agreement_id: UUID, body: SignBody | None = None
) -> AgreementShown:
    """ลงนาม | For one's own agency or municipality; for another side only what it signed on paper."""
    runtime = runtime_of(request)
    told = body or SignBody()
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        row = await _row(work.db, caller, agreement_id)
        await agreements.sign(work, agreement_id, _as_whom(caller, row, told), caller.actor, told.paper)
        await audit(work, caller, "sign", "agreement", agreement_id, area=row["area"])
        return await _shown(work.db, await _row(work.db, caller, agreement_id))


@router.post("/{agreement_id}/end", responses=problems(400, 401, 403, 404, 409, 413))
async def end_agreement(request: Request, caller: Ends, agreement_id: UUID, body: EndBody) -> AgreementShown:
    """สิ้นสุดข้อตกลง | Either side may end it; from today it opens nothing."""
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        row = await _row(work.db, caller, agreement_id)
        await agreements.end(work, agreement_id, caller.actor, body.reason)
        await audit(work, caller, "close", "agreement", agreement_id, {"reason": body.reason}, area=row["area"])
        return await _shown(work.db, await _row(work.db, caller, agreement_id))


def _mine(caller: Caller) -> list[str] | None:
    """The parties for which the caller stands; None: every municipality."""
    if caller.agency_id is not None:
        return [party(agency=caller.agency_id)]
    areas = areas_of(caller)
    return None if areas is None else [party(area=area) for area in areas]


async def _row(db: Connection | Pool, caller: Caller, agreement_id: UUID) -> Row:
    """Raises:
    Refused: 404 none, or none of the caller's.

    """
    row = await store.agreements.read_agreement(db, agreement_id)
    mine = _mine(caller)
    if row is None or (mine is not None and not set(mine) & set(row["parties"])):
        raise refuse("not_found")
    return row


def _as_whom(caller: Caller, row: Row, body: SignBody) -> str:
    """For which party this signature stands.

    Raises:
        Refused: 409 not a party, or another municipality; 422 an agency's, without its paper.

    """
    if caller.agency_id is not None:
        own = party(agency=caller.agency_id)
        if body.municipality is not None or body.agency_id not in (None, caller.agency_id):
            raise Refused(*agreements.NOT_A_PARTY)
        return own
    if body.agency_id is not None:
        if body.paper is None:
            raise Refused(*PAPER_NEEDED, field="paper")
        return party(agency=body.agency_id)
    area = body.municipality or row["area"]
    if not caller.may_see(area):  # a municipality signs for itself: no paper stands for its word
        raise Refused(*agreements.NOT_A_PARTY, field="municipality")
    return party(area=area)


async def _shown(db: Connection | Pool, row: Row) -> AgreementShown:
    ids = agreements.agencies_of(row["parties"])
    names = {each["id"]: each for each in await store.agencies.read_agencies(db, ids)}
    signed = {each["party"]: each for each in await store.agreements.read_signatures(db, row["id"])}
    lacking = agreements.lacks_now(as_rule(row), now_utc())
    parties = []
    for each in row["parties"]:
        area = each.removeprefix("area:") if each.startswith("area:") else None
        agency = None if area else names[UUID(each)]
        parties.append(PartyShown(
            agency_id=agency["id"] if agency else None, municipality=area,
            name_th=agency["name_th"] if agency else f"เทศบาล {area}", name_en=agency["name_en"] if agency else area,
            signed_at=signed[each]["signed_at"] if each in signed else None,
            paper=signed[each]["paper"] if each in signed else None,
        ))  # fmt: skip
    return AgreementShown(
        parties=parties, areas=row["areas"], purposes=[label("purpose", each) for each in row["purposes"]],
        field_class=label("field_class", row["field_class"]),
        bases=[label("legal_basis", each) for each in row["bases"]],
        writes=[label("agency_writes", each) for each in row["writes"]], works=not lacking, lacking=lacking,
        **agreements.described(row),
    )  # fmt: skip
