"""The team of a case, across organisations: asked, and what they answered."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Request

from services.registry import store, views
from services.registry.answers import Answer, Label
from services.registry.api.case_gate import Limit, Made, case_seen, held_case, may_end, must_reach_as_desk
from services.registry.api.gate import areas_of, gate, runtime_of
from services.registry.store.people import Row
from services.registry.values import Code, coded
from services.registry.verbs import teams as verbs
from services.registry.verbs.teams import Invited
from shared.audit import audit
from shared.auth import Caller
from shared.errors import refuse
from shared.http import Body
from shared.openapi import problems

router = APIRouter(prefix="/v1", tags=["teams"])

Invites = Annotated[Caller, Depends(gate("POST /v1/cases/{case_id}/team"))]
ReadsTeam = Annotated[Caller, Depends(gate("GET /v1/cases/{case_id}/team"))]
Joins = Annotated[Caller, Depends(gate("GET /v1/team/mine"))]
Answers = Annotated[Caller, Depends(gate("POST /v1/team/{member_id}/answer"))]
RoleCode = Annotated[Code, coded("team_role")]


class InviteBody(Body):
    crew_id: UUID
    agency_id: UUID | None = None
    role: RoleCode = "member"


class AnswerBody(Body):
    answer: Literal["accepted", "declined"]


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


@router.post("/cases/{case_id}/team", status_code=201, responses=problems(400, 401, 403, 404, 409, 413))
async def invite(request: Request, caller: Invites, case_id: UUID, body: InviteBody) -> Made:
    """เชิญเข้าทีม | Ask somebody of any organisation into the team of a case; they are told."""
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        case = await held_case(work, caller, case_id)
        row = await verbs.invite(work, case, Invited(body.crew_id, body.role, caller.actor, body.agency_id))
        await audit(work, caller, "invite", "case", case_id, {"role": body.role}, area=case["area"])
    return Made(id=row["id"])


@router.get("/cases/{case_id}/team", responses=problems(401, 403, 404))
async def read_team(request: Request, caller: ReadsTeam, case_id: UUID) -> Team:
    """ทีมของเคส | Who works together on this case, and who has answered."""
    runtime = runtime_of(request)
    case, seen = await case_seen(runtime, caller, case_id)
    await audit(runtime.pool, seen.caller, "read_team", "case", case_id, area=case["area"])
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
        if row is None or not may_end(caller, row, row["crew_id"]):
            raise refuse("not_found")
        await must_reach_as_desk(work, caller, row["person_id"])
        await verbs.answer(work, row, body.answer)
        await audit(work, caller, "answer", "case", row["case_id"], {"answer": body.answer}, area=row["area"])
