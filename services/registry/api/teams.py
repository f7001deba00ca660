"""Cases with several organisations: tasks, teams, care groups, and corrections for the owner of the facts."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse
from pydantic import Field, model_validator

from services.registry import store, told, views
from services.registry.answers import Answer, Label, PersonHit
from services.registry.api.care_models import Note, ProposalBody, coded
from services.registry.api.gate import area_for, areas_of, gate, held_for, person_for, runtime_of, sees_protected, whose
from services.registry.bodies import Area, ChangeBody, Code, Line, Long
from services.registry.rules.access import CARE
from services.registry.store.people import Row
from services.registry.verbs import teams as verbs
from services.registry.verbs.teams import Invited, Task
from shared.audit import audit
from shared.auth import Caller
from shared.errors import Refused, TwoTongued, refuse
from shared.http import Body, IdempotencyKey, once
from shared.openapi import Day, problems
from shared.service import Runtime
from shared.thai.dates import local_day
from shared.work import Work, now_utc

router = APIRouter(prefix="/v1", tags=["teams"])

Assigns = Annotated[Caller, Depends(gate("POST /v1/cases/{case_id}/tasks"))]
ReadsTasks = Annotated[Caller, Depends(gate("GET /v1/cases/{case_id}/tasks"))]
FindsTasks = Annotated[Caller, Depends(gate("GET /v1/tasks"))]
EndsTasks = Annotated[Caller, Depends(gate("POST /v1/tasks/{task_id}/done"))]
Invites = Annotated[Caller, Depends(gate("POST /v1/cases/{case_id}/team"))]
ReadsTeam = Annotated[Caller, Depends(gate("GET /v1/cases/{case_id}/team"))]
Joins = Annotated[Caller, Depends(gate("GET /v1/team/mine"))]
Answers = Annotated[Caller, Depends(gate("POST /v1/team/{member_id}/answer"))]
PutsGroups = Annotated[Caller, Depends(gate("PUT /v1/care-groups/{group_id}"))]
AddsPatients = Annotated[Caller, Depends(gate("POST /v1/care-groups/{group_id}/people"))]
ReadsGroups = Annotated[Caller, Depends(gate("GET /v1/care-groups"))]
Proposes = Annotated[Caller, Depends(gate("POST /v1/persons/{person_id}/corrections"))]
ReadsCorrections = Annotated[Caller, Depends(gate("GET /v1/corrections"))]
Decides = Annotated[Caller, Depends(gate("POST /v1/corrections/{correction_id}/decide"))]
Limit = Annotated[int, Query(ge=1, le=100)]
RoleCode = Annotated[Code, coded("team_role")]
OWN = (409, "own_facts", "ข้อมูลนี้เป็นของพื้นที่ท่านเอง แก้ไขได้เลย", "these are your own municipality's facts: change them")


class TaskBody(Body):
    """For whom: a crew member or volunteer (``assignee_id``), an organisation (``agency_id``), or both."""

    kind: Annotated[Code, coded("task_kind")]
    what: Note | None = None
    assignee_id: UUID | None = None
    agency_id: UUID | None = None
    due_on: Day

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if self.assignee_id is None and self.agency_id is None:
            raise TwoTongued("ระบุผู้รับผิดชอบ", "say who is to do it: assignee_id or agency_id", "nobody")
        return self


class OutcomeBody(Body):
    outcome: Literal["done", "could_not", "not_needed"] = "done"


class InviteBody(Body):
    crew_id: UUID
    agency_id: UUID | None = None
    role: RoleCode = "member"


class AnswerBody(Body):
    answer: Literal["accepted", "declined"]


class MemberBody(Body):
    crew_id: UUID
    role: RoleCode = "member"


class CareGroupBody(Body):
    """A care group, whole: who is in it and for whom they care."""

    area: Area | None = None
    name: Long
    members: Annotated[list[MemberBody], Field(max_length=50, default_factory=list)]
    person_ids: Annotated[list[UUID], Field(max_length=100, default_factory=list)]


class PatientBody(Body):
    person_id: UUID


class CorrectionBody(Body):
    """``change``: as in ``PATCH /v1/persons/{id}``."""

    change: ChangeBody
    reason: Line = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.change.model_fields_set:
            raise TwoTongued("ระบุสิ่งที่จะแก้", "say what is to be otherwise", "nothing_told")
        return self


class Made(Answer):
    id: UUID


class TaskShown(Answer):
    """``overdue``: its day is over and it is not done."""

    id: UUID
    case_id: UUID
    kind: Label
    what: str | None
    assignee_id: UUID | None
    agency_id: UUID | None
    due_on: date
    overdue: bool
    assigned_at: datetime
    assigned_by: str
    done_at: datetime | None
    done_by: str | None
    outcome: Label | None


class Tasks(Answer):
    items: list[TaskShown]
    next: UUID | None = None


class MemberShown(Answer):
    id: UUID
    case_id: UUID
    crew_id: UUID
    agency_id: UUID | None
    role: Label
    answer: Label
    invited_at: datetime
    answered_at: datetime | None


class Team(Answer):
    items: list[MemberShown]


class GroupMember(Answer):
    crew_id: UUID
    role: Label


class CareGroup(Answer):
    id: UUID
    area: str
    name: str
    members: list[GroupMember]
    person_ids: list[UUID]
    people: list[PersonHit]
    changed_at: datetime


class CareGroups(Answer):
    items: list[CareGroup]
    next: UUID | None


class CorrectionShown(Answer):
    id: UUID
    person_id: UUID
    area: str
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


async def _case(runtime: Runtime, caller: Caller, case_id: UUID) -> Row:
    """The case, if there is one for this caller.

    Raises:
        Refused: 404.

    """
    row = await store.calls.read_case(runtime.pool, case_id, areas_of(caller), protected=sees_protected(caller))
    if row is None:
        raise refuse("not_found")
    await person_for(runtime, caller, row["person_id"])
    return row


async def _held_case(work: Work, caller: Caller, case_id: UUID) -> Row:
    """The same, held until the work ends, its person first.

    Raises:
        Refused: 404.

    """
    await held_for(work, caller, await whose(work, case_id))
    row = await store.calls.lock_case(work.db, case_id)
    if row is None or not caller.may_see(row["area"]) or (row["protected"] and not sees_protected(caller)):
        raise refuse("not_found")
    return row


# --- tasks ----------------------------------------------------------------------------------------------------------


@router.post(
    "/cases/{case_id}/tasks", status_code=201, response_model=Made, responses=problems(400, 401, 403, 404, 409, 413)
)  # fmt: skip
async def assign(
    request: Request, caller: Assigns, case_id: UUID, body: TaskBody, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """มอบหมายงาน | Somebody is to do something for this case until a day; they are told."""
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:

        async def verb() -> tuple[int, dict[str, Any]]:
            case = await _held_case(work, caller, case_id)
            task = Task(body.kind, body.due_on, caller.actor, body.assignee_id, body.agency_id, body.what)
            task_id = await verbs.assign(work, case, task)
            await audit(work, caller, "assign", "case", case_id, {"task": body.kind}, area=case["area"])
            return 201, Made(id=task_id).model_dump(mode="json")

        return await once(work, request, caller, idempotency_key, body, verb)


@router.get("/cases/{case_id}/tasks", responses=problems(401, 403, 404))
async def read_tasks(request: Request, caller: ReadsTasks, case_id: UUID) -> Tasks:
    """งานในเรื่อง | Every task of a case, the open ones first."""
    runtime = runtime_of(request)
    case = await _case(runtime, caller, case_id)
    await audit(runtime.pool, caller, "read_tasks", "case", case_id, area=case["area"])
    return Tasks(items=await _tasks(runtime, await store.teams.read_tasks(runtime.pool, [case_id])))


@router.get("/tasks", responses=problems(401, 403))
async def find_tasks(
    request: Request,
    caller: FindsTasks,
    *,
    overdue: bool = False,
    mine: bool = False,
    cursor: UUID | None = None,
    limit: Limit = 50,
) -> Tasks:
    """งานที่ยังไม่เสร็จ | Open tasks: of one's municipalities, or (crews and volunteers) one's own.

    ``mine``: those alone that the caller gave or has.
    """
    runtime = runtime_of(request)
    crew_id = UUID(caller.crew_id) if caller.crew_id else None
    if caller.role not in CARE and crew_id is None:
        return Tasks(items=[])
    rows = await store.teams.find_tasks(
        runtime.pool,
        areas_of(caller),
        None if caller.role in CARE else crew_id,
        overdue=overdue,
        today=local_day(now_utc()),
        after=cursor,
        limit=limit,
        mine=(caller.actor, crew_id) if mine else None,
    )
    await audit(runtime.pool, caller, "find_tasks", "task", [row["id"] for row in rows] or None)
    return Tasks(items=await _tasks(runtime, rows), next=rows[-1]["id"] if len(rows) == limit else None)


async def _tasks(runtime: Runtime, rows: list[Row]) -> list[TaskShown]:
    texts = await told.of(runtime.pool, [row["id"] for row in rows])
    today = local_day(now_utc())
    same = ("id", "case_id", "assignee_id", "agency_id", "due_on", "assigned_at", "assigned_by", "done_at", "done_by")
    return [
        TaskShown(
            kind=views.label("task_kind", row["kind"]),
            what=texts.get(row["id"], {}).get("what"),
            overdue=row["done_at"] is None and row["due_on"] < today,
            outcome=views.label("task_outcome", row["outcome"]) if row["outcome"] else None,
            **{name: row[name] for name in same},
        )
        for row in rows
    ]


@router.post("/tasks/{task_id}/done", status_code=204, responses=problems(400, 401, 403, 404, 409, 413))
async def end_task(request: Request, caller: EndsTasks, task_id: UUID, body: OutcomeBody) -> None:
    """งานเสร็จ | Done, could not be done, or no longer needed; by whom it was given to, or by a desk."""
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        row = await store.teams.lock_task(work.db, task_id)
        if row is None or not _may_end(caller, row["area"], row["assignee_id"]):
            raise refuse("not_found")
        await verbs.end(work, task_id, body.outcome)
        await audit(work, caller, "end", "task", task_id, {"outcome": body.outcome}, area=row["area"])


def _may_end(caller: Caller, area: str, crew_id: UUID | None) -> bool:
    """A desk of that municipality, or whom it concerns."""
    if caller.role in CARE:
        return caller.may_see(area)
    return crew_id is not None and caller.crew_id == str(crew_id)


# --- teams ----------------------------------------------------------------------------------------------------------


@router.post("/cases/{case_id}/team", status_code=201, responses=problems(400, 401, 403, 404, 409, 413))
async def invite(request: Request, caller: Invites, case_id: UUID, body: InviteBody) -> Made:
    """เชิญเข้าทีม | Ask somebody of any organisation into the team of a case; they are told."""
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        case = await _held_case(work, caller, case_id)
        row = await verbs.invite(work, case, Invited(body.crew_id, body.role, caller.actor, body.agency_id))
        await audit(work, caller, "invite", "case", case_id, {"role": body.role}, area=case["area"])
    return Made(id=row["id"])


@router.get("/cases/{case_id}/team", responses=problems(401, 403, 404))
async def read_team(request: Request, caller: ReadsTeam, case_id: UUID) -> Team:
    """ทีมของเรื่อง | Who works together on this case, and who has answered."""
    runtime = runtime_of(request)
    case = await _case(runtime, caller, case_id)
    await audit(runtime.pool, caller, "read_team", "case", case_id, area=case["area"])
    return Team(items=_members(await store.teams.read_team(runtime.pool, case_id)))


@router.get("/team/mine", responses=problems(401, 403))
async def read_mine(request: Request, caller: Joins, limit: Limit = 50) -> Team:
    """ทีมของฉัน | Where one is asked into a team, or has said yes, while the case is open. It does not say whose case."""
    runtime = runtime_of(request)
    crew_id = UUID(caller.crew_id) if caller.crew_id else None
    rows = await store.teams.my_teams(runtime.pool, areas_of(caller), crew_id, limit) if crew_id else []
    await audit(runtime.pool, caller, "read_my_teams", "case", [row["case_id"] for row in rows] or None)
    return Team(items=_members(rows))


def _members(rows: list[Row]) -> list[MemberShown]:
    same = ("id", "case_id", "crew_id", "agency_id", "invited_at", "answered_at")
    return [
        MemberShown(
            role=views.label("team_role", row["role"]),
            answer=views.label("invitation", row["answer"]),
            **{name: row[name] for name in same},
        )
        for row in rows
    ]


@router.post("/team/{member_id}/answer", status_code=204, responses=problems(400, 401, 403, 404, 409, 413))
async def answer(request: Request, caller: Answers, member_id: UUID, body: AnswerBody) -> None:
    """ตอบคำเชิญ | Whoever was invited says yes or no; a desk may write it down for them."""
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        row = await store.teams.lock_member(work.db, member_id)
        if row is None or not _may_end(caller, row["area"], row["crew_id"]):
            raise refuse("not_found")
        await verbs.answer(work, row, body.answer)
        await audit(work, caller, "answer", "case", row["case_id"], {"answer": body.answer}, area=row["area"])


# --- care groups ----------------------------------------------------------------------------------------------------


@router.put("/care-groups/{group_id}", status_code=204, responses=problems(400, 401, 403, 404, 413))
async def put_group(request: Request, caller: PutsGroups, group_id: UUID, body: CareGroupBody) -> None:
    """กลุ่มดูแล | A care group, whole: members, and the people they care for."""
    runtime = runtime_of(request)
    area = area_for(caller, body.area)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        await store.links.hold(work.db, body.person_ids)
        people = [(await held_for(work, caller, one)).id for one in body.person_ids]
        if not await store.teams.put_group(work.db, group_id, area, body.name, work.now):
            raise refuse("not_found")
        await store.teams.set_group(work.db, group_id, [(one.crew_id, one.role) for one in body.members], people)
        await audit(work, caller, "put_group", "person", people or None, area=area)


@router.post("/care-groups/{group_id}/people", status_code=204, responses=problems(400, 401, 403, 404, 413))
async def add_patient(request: Request, caller: AddsPatients, group_id: UUID, body: PatientBody) -> None:
    """เพิ่มผู้ที่กลุ่มดูแล | The group cares for this person as well; everybody else in it stays, whoever adds meanwhile."""
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        person = await held_for(work, caller, body.person_id)
        area = await store.teams.lock_group(work.db, group_id)
        if area is None or not caller.may_see(area):
            raise refuse("not_found")
        await store.teams.add_patients(work.db, group_id, [person.id])
        await audit(work, caller, "put_group", "person", person.id, area=area)


@router.get("/care-groups", responses=problems(401, 403))
async def read_groups(
    request: Request, caller: ReadsGroups, person_id: UUID | None = None, cursor: UUID | None = None, limit: Limit = 50
) -> CareGroups:
    """กลุ่มดูแล | Care groups of one's municipalities, or those that care for somebody."""
    runtime = runtime_of(request)
    rows = await store.teams.read_groups(runtime.pool, areas_of(caller), person_id, cursor, limit)
    people = sorted({one for row in rows for one in row["person_ids"]})
    await audit(runtime.pool, caller, "read_groups", "person", people or None)
    today = local_day(now_utc())
    hits = {row["id"]: views.hit(row, today) for row in await store.people.read_hits(runtime.pool, people)}
    items = [
        CareGroup(
            members=[
                GroupMember(crew_id=crew, role=views.label("team_role", role))
                for crew, role in zip(row["crew_ids"], row["roles"], strict=True)
            ],
            people=[hits[one] for one in row["person_ids"]],
            **{name: row[name] for name in ("id", "area", "name", "person_ids", "changed_at")},
        )
        for row in rows
    ]
    return CareGroups(items=items, next=rows[-1]["id"] if len(rows) == limit else None)


# --- corrections ----------------------------------------------------------------------------------------------------


@router.post("/persons/{person_id}/corrections", status_code=201, responses=problems(400, 401, 403, 404, 409, 413))
async def propose(request: Request, caller: Proposes, person_id: UUID, body: CorrectionBody) -> Made:
    """เสนอแก้ไขข้อมูลของพื้นที่อื่น | What another municipality has written is proposed to be otherwise, never overwritten."""
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        person = await held_for(work, caller, person_id)
        if caller.may_see(person.area):
            raise Refused(*OWN)
        made = await verbs.propose(work, person, body.change, body.reason, caller.actor, sorted(caller.areas))
        fields = {"fields": sorted(body.change.model_fields_set)}
        await audit(work, caller, "propose", "person", person.id, fields, area=person.area)
    return Made(id=made)


@router.get("/corrections", responses=problems(401, 403))
async def read_corrections(
    request: Request, caller: ReadsCorrections, *, waiting: bool = True, cursor: UUID | None = None, limit: Limit = 50
) -> Corrections:
    """ข้อเสนอแก้ไข | What others propose to change in one's facts, and what one has proposed to others."""
    pool = runtime_of(request).pool
    rows = await store.teams.read_corrections(pool, areas_of(caller), cursor, limit, waiting=waiting)
    ids, where = [row["person_id"] for row in rows], [row["area"] for row in rows]
    await audit(pool, caller, "read_corrections", "person", ids or None, area=where or None)
    texts = await told.of(pool, [row["id"] for row in rows])
    same = ("id", "person_id", "area", "proposed_by", "proposed_in", "proposed_at", "decided_at")
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
