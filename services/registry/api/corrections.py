"""Corrections: what another municipality has written is proposed to be otherwise."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Request
from pydantic import model_validator

from services.registry import store, told, views
from services.registry.answers import Answer, Label
from services.registry.api.access import must_propose
from services.registry.api.care_models import ProposalBody
from services.registry.api.case_gate import Limit, Made
from services.registry.api.gate import AreaCode, areas_of, gate, held_for, narrowed, places_for, runtime_of, whose
from services.registry.bodies import ChangeBody
from services.registry.rules.fields import kind_of
from services.registry.values import Line
from services.registry.verbs import teams as verbs
from services.registry.verbs.teams import Proposer
from shared.audit import audit
from shared.auth import Caller
from shared.errors import Refused, TwoTongued, refuse
from shared.http import Body
from shared.openapi import problems

router = APIRouter(prefix="/v1", tags=["teams"])

Proposes = Annotated[Caller, Depends(gate("POST /v1/persons/{person_id}/corrections"))]
ReadsCorrections = Annotated[Caller, Depends(gate("GET /v1/corrections"))]
Decides = Annotated[Caller, Depends(gate("POST /v1/corrections/{correction_id}/decide"))]
SHOWN_AS = dict.fromkeys(("birth_date", "age"), "birth_on")
"""What is sent of a birth → the field by whose class it is decided."""
OWN = (409, "own_facts", "ข้อมูลนี้เป็นของพื้นที่ท่านเอง แก้ไขได้เลย", "these are your own municipality's facts: change them")


class CorrectionBody(Body):
    """``change``: as in ``PATCH /v1/persons/{id}``."""

    change: ChangeBody
    reason: Line = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.change.model_fields_set:
            raise TwoTongued("ระบุสิ่งที่จะแก้", "say what is to be otherwise", "nothing_told")
        return self


class CorrectionShown(Answer):
    """``area``: who owns the facts and decides. ``agency_id``: who proposed it, else people of ``proposed_in``."""

    id: UUID
    person_id: UUID
    area: str
    agency_id: UUID | None
    change: dict[str, Any]
    reason: str | None
    proposed_by: str
    proposed_in: list[str]
    proposed_at: datetime
    decision: Label | None
    decided_at: datetime | None


class Corrections(Answer):
    items: list[CorrectionShown]
    next: UUID | None


@router.post("/persons/{person_id}/corrections", status_code=201, responses=problems(400, 401, 403, 404, 409, 413))
async def propose(request: Request, caller: Proposes, person_id: UUID, body: CorrectionBody) -> Made:
    """เสนอแก้ไขข้อมูลของพื้นที่อื่น | What another municipality has written is proposed to be otherwise, never overwritten;

    by an agency, where an agreement opens the fields to it.
    """
    runtime = runtime_of(request)
    if caller.agency_id is not None:
        kinds = {kind_of("person", SHOWN_AS.get(field, field)) for field in body.change.model_fields_set}
        caller = (await must_propose(runtime, caller, person_id, kinds)).caller
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        person = await held_for(work, caller, person_id)
        if caller.agency_id is None and caller.may_see(person.area):
            raise Refused(*OWN)
        by = Proposer(caller.actor, sorted(caller.areas) if caller.agency_id is None else [], caller.agency_id)
        made = await verbs.propose(work, person, body.change, body.reason, by)
        fields = {"fields": sorted(body.change.model_fields_set)}
        await audit(work, caller, "propose", "person", person.id, fields, area=person.area)
    return Made(id=made)


@router.get("/corrections", responses=problems(401, 403))
async def read_corrections(
    request: Request,
    caller: ReadsCorrections,
    *,
    waiting: bool = True,
    area_code: AreaCode = None,
    cursor: UUID | None = None,
    limit: Limit = 50,
) -> Corrections:
    """ข้อเสนอแก้ไข | What others propose to change in one's facts, and what one has proposed oneself."""
    pool, places = runtime_of(request).pool, await places_for(runtime_of(request), caller, area_code)
    rows = await store.teams.read_corrections(
        pool, areas_of(caller), cursor, limit, waiting=waiting, places=places, agency_id=caller.agency_id
    )
    ids, where = [row["person_id"] for row in rows], [row["area"] for row in rows]
    await audit(pool, caller, "read_corrections", "person", ids or None, narrowed(area_code), area=where or None)
    texts = await told.of(pool, [row["id"] for row in rows])
    same = ("id", "person_id", "area", "agency_id", "proposed_by", "proposed_in", "proposed_at", "decided_at")
    items = [
        CorrectionShown(
            change=orjson.loads(texts[row["id"]]["change"]),
            reason=texts[row["id"]].get("reason"),
            decision=views.label("proposal_decision", row["decision"]) if row["decision"] else None,
            **{name: row[name] for name in same},
        )
        for row in rows
    ]
    return Corrections(items=items, next=rows[-1]["id"] if len(rows) == limit else None)


@router.post("/corrections/{correction_id}/decide", status_code=204, responses=problems(400, 401, 403, 404, 409, 413))
async def decide(request: Request, caller: Decides, correction_id: UUID, body: ProposalBody) -> None:
    """ตัดสินข้อเสนอแก้ไข | The owner takes it on as its own change, or refuses it."""
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        await held_for(work, caller, await whose(work, correction_id))
        row = await store.teams.lock_correction(work.db, correction_id)
        if row is None or not caller.may_see(row["area"]):
            raise refuse("not_found")
        await verbs.decide(work, row, body.decision, caller.actor)
        detail = {"decision": body.decision, "fields": list(row["fields"])}
        await audit(work, caller, "decide_correction", "person", row["person_id"], detail, area=row["area"])
