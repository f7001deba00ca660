"""Assessments and the groups they propose, and needs that stay open until they are met."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Query, Request

from services.registry import store, told, views
from services.registry.answers import Label
from services.registry.api.access import as_writer, classes, not_protected, open_person
from services.registry.api.care_models import (
    AssessmentBody,
    Assessments,
    AssessmentShown,
    Forms,
    Kept,
    MetBody,
    NeedBody,
    NeedMade,
    Needs,
    NeedShown,
    ProposalBody,
    Proposals,
    ProposalShown,
    Proposed,
)
from services.registry.api.gate import (
    AreaCode,
    areas_of,
    gate,
    narrowed,
    own_held_for,
    places_for,
    runtime_of,
    sent_for,
    whose,
)
from services.registry.rules.access import ROUTES
from services.registry.rules.fields import HEALTH
from services.registry.rules.questionnaires import questionnaires
from services.registry.store.people import Row
from services.registry.verbs import care as verbs
from services.registry.verbs.care import Answered, Wanted
from shared.audit import audit
from shared.auth import Caller
from shared.errors import Refused, refuse
from shared.openapi import problems
from shared.refusal import Refusal

router = APIRouter(prefix="/v1", tags=["care"])

ReadsForms = Annotated[Caller, Depends(gate("GET /v1/questionnaires"))]
Assesses = Annotated[Caller, Depends(gate("POST /v1/persons/{person_id}/assessments"))]
ReadsAssessments = Annotated[Caller, Depends(gate("GET /v1/persons/{person_id}/assessments"))]
ListsProposals = Annotated[Caller, Depends(gate("GET /v1/group-proposals"))]
DecidesProposals = Annotated[Caller, Depends(gate("POST /v1/group-proposals/{proposal_id}/decide"))]
OpensNeeds = Annotated[Caller, Depends(gate("POST /v1/persons/{person_id}/needs"))]
ReadsNeeds = Annotated[Caller, Depends(gate("GET /v1/persons/{person_id}/needs"))]
MeetsNeeds = Annotated[Caller, Depends(gate("POST /v1/needs/{need_id}/met"))]
Limit = Annotated[int, Query(ge=1, le=100)]


@router.get("/questionnaires", responses=problems(401))
async def forms(caller: ReadsForms) -> Forms:
    """แบบประเมิน | Every questionnaire with version, source, questions, points and bands."""
    del caller
    return Forms(items=[one.model_dump(mode="json", by_alias=True) for one in questionnaires().values()])


@router.post("/persons/{person_id}/assessments", status_code=201, responses=problems(400, 401, 403, 404, 409, 413))
async def assess(request: Request, caller: Assesses, person_id: UUID, body: AssessmentBody) -> Kept:
    """ประเมิน | Score the answers of one questionnaire; a changed band proposes its group."""
    runtime = runtime_of(request)
    form = questionnaires().get(body.instrument)
    if form is None:
        raise Refused(422, "unknown_code", "ไม่มีแบบประเมินนี้", "no such questionnaire", field="instrument")
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        person = await sent_for(work, caller, person_id, body.visit_id)
        answered = Answered(body.answers, body.assessed_at or work.now, caller.actor, body.id, body.visit_id)
        try:
            made = await verbs.assess(work, person, form, answered)
        except Refusal as refusal:
            raise Refused(422, refusal.code, refusal.th, refusal.en, field=refusal.field) from None
        await audit(work, caller, "assess", "person", person.id, {"assessment_id": str(made.id)}, area=person.area)
    return Kept(
        id=made.id,
        instrument=form.id,
        version=form.version,
        score=made.scored.score,
        band=_band(form.id, made.scored.band.code),
        dimensions=list(made.scored.dimensions),
        proposed=[Proposed(group=views.label("group", group), joins=joins) for group, joins in made.proposed],
        mark=form.mark.model_dump() if form.mark and not form.approved_by else None,
    )


def _band(instrument: str, code: str) -> Label:
    """The band's label; one that a later version dropped is shown as it is."""
    form = questionnaires().get(instrument)
    band = form.band_named(code) if form else None
    return Label(code=code, th=band.th if band else code, en=band.en if band else code)


@router.get("/persons/{person_id}/assessments", responses=problems(401, 403, 404))
async def read_assessments(request: Request, caller: ReadsAssessments, person_id: UUID) -> Assessments:
    """ผลการประเมิน | A person's last 200 assessments, each beside the one before it."""
    runtime = runtime_of(request)
    person, seen = await open_person(runtime, caller, person_id, HEALTH)
    told_of = {"classes": classes(seen.allowed)}
    await audit(runtime.pool, seen.caller, "read_assessments", "person", person_id, told_of, area=person.area)
    rows = await not_protected(runtime.pool, seen, await store.care.read_assessments(runtime.pool, person.id))
    texts = await told.of(runtime.pool, [row["id"] for row in rows])
    same = ("id", "version", "score", "score_before", "visit_id", "assessed_at", "assessor")
    items = []
    for row in rows:
        form = questionnaires().get(row["instrument"])
        before = row["band_before"]
        items.append(
            AssessmentShown(
                instrument=Label(code=row["instrument"], th=form.th if form else "", en=form.en if form else ""),
                band=_band(row["instrument"], row["band"]),
                band_before=_band(row["instrument"], before) if before else None,
                dimensions=list(row["dimensions"]),
                answers=orjson.loads(texts[row["id"]]["answers"]),
                **{name: row[name] for name in same},
            )
        )
    return Assessments(items=items)


@router.get("/group-proposals", responses=problems(401, 403))
async def list_proposals(
    request: Request, caller: ListsProposals, area_code: AreaCode = None, cursor: UUID | None = None, limit: Limit = 50
) -> Proposals:
    """ข้อเสนอเข้าออกกลุ่ม | Which groups assessments propose, the oldest first."""
    pool, places = runtime_of(request).pool, await places_for(runtime_of(request), caller, area_code)
    rows = await store.care.open_proposals(pool, areas_of(caller), cursor, limit, places)
    ids, where = [row["person_id"] for row in rows], [row["area"] for row in rows]
    await audit(pool, caller, "list_proposals", "person", ids or None, narrowed(area_code), area=where or None)
    return Proposals(items=[_proposal(row) for row in rows], next=rows[-1]["id"] if len(rows) == limit else None)


def _proposal(row: Row, decision: str | None = None) -> ProposalShown:
    same = ("id", "person_id", "area", "joins", "assessment_id", "proposed_at")
    return ProposalShown(
        group=views.label("group", row["group_code"]),
        decision=views.label("proposal_decision", decision) if decision else None,
        **{name: row[name] for name in same},
    )


@router.post("/group-proposals/{proposal_id}/decide", responses=problems(400, 401, 403, 404, 409, 413))
async def decide_proposal(
    request: Request, caller: DecidesProposals, proposal_id: UUID, body: ProposalBody
) -> ProposalShown:
    """ตัดสินข้อเสนอกลุ่ม | Accepted, the person joins or leaves the group, with the assessment as evidence."""
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        person = await own_held_for(work, caller, await whose(work, proposal_id))
        row = await store.care.lock_proposal(work.db, proposal_id)
        if row is None:
            raise refuse("not_found")
        await verbs.decide(work, person, row, body.decision, caller.actor)
        detail = {"proposal_id": str(proposal_id), "decision": body.decision}
        await audit(work, caller, "decide_group", "person", person.id, detail, area=person.area)
    return _proposal(row, body.decision)


@router.post("/persons/{person_id}/needs", status_code=201, responses=problems(400, 401, 403, 404, 409, 413))
async def open_need(request: Request, caller: OpensNeeds, person_id: UUID, body: NeedBody) -> NeedMade:
    """พบความต้องการ | Something is missing; it stays open until it is met. Told again it is the same need.

    An agency's stands beside the municipality's, with the agency as its owner.
    """
    runtime = runtime_of(request)
    caller = await as_writer(runtime, caller, person_id, HEALTH, body.case_id)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        person = await sent_for(work, caller, person_id, body.case_id, body.visit_id)
        # Who may not read the needs does not replace what others noted there.
        reads = caller.role in ROUTES["GET /v1/persons/{person_id}/needs"].roles
        emptied = body.note is None and "note" in body.model_fields_set
        wanted = Wanted(
            body.need,
            body.urgency,
            caller.actor,
            body.note,
            body.case_id,
            body.id,
            rewrites=reads,
            emptied=emptied,
            agency_id=caller.agency_id,
        )
        need_id = await verbs.open_need(work, person, wanted)
        await audit(work, caller, "open_need", "person", person.id, {"need_id": str(need_id)}, area=person.area)
    return NeedMade(id=need_id)


@router.get("/persons/{person_id}/needs", responses=problems(401, 403, 404))
async def read_needs(request: Request, caller: ReadsNeeds, person_id: UUID) -> Needs:
    """ความต้องการ | What is missing in this person's life, and what was met."""
    runtime = runtime_of(request)
    person, seen = await open_person(runtime, caller, person_id, HEALTH)
    told_of = {"classes": classes(seen.allowed)}
    await audit(runtime.pool, seen.caller, "read_needs", "person", person_id, told_of, area=person.area)
    rows = await not_protected(runtime.pool, seen, await store.care.read_needs(runtime.pool, person.id))
    texts = await told.of(runtime.pool, [row["id"] for row in rows])
    return Needs(items=[_need(row, texts.get(row["id"], {}).get("note")) for row in rows])


def _need(row: Row, note: str | None) -> NeedShown:
    same = ("id", "agency_id", "case_id", "opened_at", "opened_by", "met_at")
    return NeedShown(
        need=views.label("life_need", row["need"]),
        urgency=views.label("need_urgency", str(row["urgency"])),
        note=note,
        outcome=views.label("need_outcome", row["outcome"]) if row["outcome"] else None,
        **{name: row[name] for name in same},
    )


@router.post("/needs/{need_id}/met", responses=problems(400, 401, 403, 404, 409, 413))
async def meet_need(request: Request, caller: MeetsNeeds, need_id: UUID, body: MetBody) -> NeedShown:
    """ได้รับการตอบสนองแล้ว | It is there now. The municipality ends any, an agency its own."""
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        person_id = await whose(work, need_id)
        caller = await as_writer(runtime, caller, person_id, HEALTH)
        person = await own_held_for(work, caller, person_id)
        row = await store.care.lock_need(work.db, need_id)
        if row is None or caller.agency_id not in (None, row["agency_id"]):
            raise refuse("not_found")
        await verbs.meet_need(work, person, row, body.outcome)
        await audit(work, caller, "meet_need", "person", person.id, {"need_id": str(need_id)}, area=person.area)
        note = (await told.of(work.db, [need_id])).get(need_id, {}).get("note")
    return _need({**dict(row), "met_at": work.now, "outcome": body.outcome}, note)  # type: ignore[arg-type]
