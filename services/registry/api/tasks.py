"""Tasks of a case: somebody is to do something until a day."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse
from pydantic import model_validator

from services.registry import store, told, views
from services.registry.answers import Answer, Label
from services.registry.api.care_models import Note
from services.registry.api.case_gate import Limit, Made, case_for, held_case, may_end
from services.registry.api.gate import areas_of, gate, runtime_of
from services.registry.rules.access import CARE
from services.registry.store.people import Row
from services.registry.values import Code, coded
from services.registry.verbs import teams as verbs
from services.registry.verbs.teams import Task
from shared.audit import audit
from shared.auth import Caller
from shared.errors import TwoTongued, refuse
from shared.http import Body, IdempotencyKey, once
from shared.openapi import Day, problems
from shared.service import Runtime
from shared.thai.dates import local_day
from shared.work import now_utc

router = APIRouter(prefix="/v1", tags=["teams"])

Assigns = Annotated[Caller, Depends(gate("POST /v1/cases/{case_id}/tasks"))]
ReadsTasks = Annotated[Caller, Depends(gate("GET /v1/cases/{case_id}/tasks"))]
FindsTasks = Annotated[Caller, Depends(gate("GET /v1/tasks"))]
EndsTasks = Annotated[Caller, Depends(gate("POST /v1/tasks/{task_id}/done"))]


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
            case = await held_case(work, caller, case_id)
            task = Task(body.kind, body.due_on, caller.actor, body.assignee_id, body.agency_id, body.what)
            task_id = await verbs.assign(work, case, task)
            await audit(work, caller, "assign", "case", case_id, {"task": body.kind}, area=case["area"])
            return 201, Made(id=task_id).model_dump(mode="json")

        return await once(work, request, caller, idempotency_key, body, verb)


@router.get("/cases/{case_id}/tasks", responses=problems(401, 403, 404))
async def read_tasks(request: Request, caller: ReadsTasks, case_id: UUID) -> Tasks:
    """งานในเคส | Every task of a case, the open ones first."""
    runtime = runtime_of(request)
    case = await case_for(runtime, caller, case_id)
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
        if row is None or not may_end(caller, row["area"], row["assignee_id"]):
            raise refuse("not_found")
        await verbs.end(work, task_id, body.outcome)
        await audit(work, caller, "end", "task", task_id, {"outcome": body.outcome}, area=row["area"])
