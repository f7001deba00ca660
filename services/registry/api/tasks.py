"""Tasks of a case: somebody is to do something until a day."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse
from pydantic import Field, model_validator

from services.registry import store, told, views
from services.registry.answers import Answer, Label
from services.registry.api.access import cut_hits, grounds_of
from services.registry.api.at_the_door import whom
from services.registry.api.care_models import Note
from services.registry.api.case_gate import Limit, Made, case_seen, held_case, may_end, must_reach_as_desk
from services.registry.api.gate import AreaCode, areas_of, gate, narrowed, places_for, runtime_of
from services.registry.api.plans_models import WhomToVisit
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
from shared.work import new_id, now_utc

router = APIRouter(prefix="/v1", tags=["teams"])

Assigns = Annotated[Caller, Depends(gate("POST /v1/cases/{case_id}/tasks"))]
ReadsTasks = Annotated[Caller, Depends(gate("GET /v1/cases/{case_id}/tasks"))]
FindsTasks = Annotated[Caller, Depends(gate("GET /v1/tasks"))]
ReadsOwn = Annotated[Caller, Depends(gate("GET /v1/tasks/mine"))]
EndsTasks = Annotated[Caller, Depends(gate("POST /v1/tasks/{task_id}/done"))]

AHEAD = timedelta(days=14)
"""How far ahead somebody is told for whom a task is: no more of anybody than is needed soon."""
MOST_OF_MINE = 60


class Receiver(Body):
    """A crew member or volunteer (``assignee_id``), an organisation (``agency_id``), or somebody of one (both)."""

    assignee_id: UUID | None = None
    agency_id: UUID | None = None

    @property
    def somebody(self) -> bool:
        return self.assignee_id is not None or self.agency_id is not None


class TaskBody(Receiver):
    """For whom: one receiver, or several in ``to``: each gets a task of their own, with one deadline."""

    kind: Annotated[Code, coded("task_kind")]
    what: Note | None = None
    to: Annotated[tuple[Receiver, ...], Field(max_length=20)] = ()
    due_on: Day

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if self.somebody == bool(self.to) or not all(one.somebody for one in self.to):
            raise TwoTongued(
                "ระบุผู้รับผิดชอบ หนึ่งราย หรือหลายรายใน to",
                "say who is to do it: assignee_id or agency_id, or several in to",
                "nobody",
            )
        return self

    @property
    def receivers(self) -> list[tuple[UUID | None, UUID | None]]:
        """``(assignee, agency)`` of each, once."""
        return list(dict.fromkeys((one.assignee_id, one.agency_id) for one in self.to or (self,)))


class OutcomeBody(Body):
    """``note``: what whoever did it has to say; sealed, and shown with the case."""

    outcome: Literal["done", "could_not", "not_needed", "declined"] = "done"
    note: Note | None = None


class TaskShown(Answer):
    """``overdue``: its day is over and it is not done. ``person_id``: told to an agency alone, where an agreement lets

    it know of the person for the purpose it names; the municipality opens the case.
    ``together_id``: one for all that were given the same in one act.
    """

    id: UUID
    case_id: UUID
    person_id: UUID | None = None
    together_id: UUID | None
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
    note: str | None


class MyTask(Answer):
    """A task of the caller's own. ``whom``: for whom it is and where, if that is the caller's to know: of one's own

    municipality's people, within two weeks, and of no protected case. Otherwise the centre tells by telephone.
    """

    id: UUID
    kind: Label
    what: str | None
    due_on: date
    overdue: bool
    assigned_at: datetime
    whom: WhomToVisit | None


class MyTasks(Answer):
    items: list[MyTask]


class TasksMade(Made):
    """``ids``: of every task, as the receivers were named; ``id`` is the first."""

    ids: list[UUID]


class Tasks(Answer):
    items: list[TaskShown]
    next: UUID | None = None


@router.post(
    "/cases/{case_id}/tasks", status_code=201, response_model=TasksMade,
    responses=problems(400, 401, 403, 404, 409, 413),
)  # fmt: skip
async def assign(
    request: Request, caller: Assigns, case_id: UUID, body: TaskBody, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """มอบหมายงาน | Somebody, or each of several, is to do something for this case until a day; they are told."""
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:

        async def verb() -> tuple[int, dict[str, Any]]:
            case = await held_case(work, caller, case_id)
            together = new_id() if len(body.receivers) > 1 else None
            ids = [
                await verbs.assign(work, case, Task(body.kind, body.due_on, caller.actor, *to, body.what, together))
                for to in body.receivers
            ]
            detail = {"task": body.kind, "tasks": len(ids)}
            await audit(work, caller, "assign", "case", case_id, detail, area=case["area"])
            return 201, TasksMade(id=ids[0], ids=ids).model_dump(mode="json")

        return await once(work, request, caller, idempotency_key, body, verb)


@router.get("/cases/{case_id}/tasks", responses=problems(401, 403, 404))
async def read_tasks(request: Request, caller: ReadsTasks, case_id: UUID) -> Tasks:
    """งานในเคส | Every task of a case, the open ones first; to an agency where an agreement opens the case to it."""
    runtime = runtime_of(request)
    case, seen = await case_seen(runtime, caller, case_id)
    await audit(runtime.pool, seen.caller, "read_tasks", "case", case_id, area=case["area"])
    return Tasks(items=await _tasks(runtime, await store.teams.read_tasks(runtime.pool, [case_id])))


@router.get("/tasks", responses=problems(401, 403))
async def find_tasks(
    request: Request,
    caller: FindsTasks,
    *,
    overdue: bool = False,
    mine: bool = False,
    agency_id: UUID | None = None,
    area_code: AreaCode = None,
    cursor: UUID | None = None,
    limit: Limit = 50,
) -> Tasks:
    """งานที่ยังไม่เสร็จ | Open tasks: of one's municipalities, of one's agency, or (crews and volunteers) one's own.

    ``mine``: those alone that the caller gave or has (an agency's are all its own); ``agency_id``: given to this agency
    or department; ``area_code``: of who lives there, for who cares for them.
    """
    runtime = runtime_of(request)
    if caller.agency_id is not None and caller.role in CARE:
        places = await places_for(runtime, caller, area_code)
        return await _of_agency(runtime, caller, caller.agency_id, places, cursor, limit, overdue=overdue)
    crew_id = UUID(caller.crew_id) if caller.crew_id else None
    if caller.role not in CARE and crew_id is None:
        return Tasks(items=[])
    places = await places_for(runtime, caller, area_code) if caller.role in CARE or area_code else None
    rows = await store.teams.find_tasks(
        runtime.pool,
        areas_of(caller),
        None if caller.role in CARE else crew_id,
        overdue=overdue,
        today=local_day(now_utc()),
        after=cursor,
        limit=limit,
        mine=(caller.actor, crew_id) if mine else None,
        places=places,
        agency_id=agency_id,
    )
    await audit(runtime.pool, caller, "find_tasks", "task", [row["id"] for row in rows] or None, narrowed(area_code))
    return Tasks(items=await _tasks(runtime, rows), next=rows[-1]["id"] if len(rows) == limit else None)


@router.get("/tasks/mine", responses=problems(401, 403))
async def my_tasks(request: Request, caller: ReadsOwn) -> MyTasks:
    """งานของฉัน | What this crew member or volunteer is to do, and for whom and where, as far as they may know."""
    pool, today = runtime_of(request).pool, local_day(now_utc())
    rows = (
        await store.teams.my_tasks(pool, UUID(caller.crew_id), areas_of(caller), MOST_OF_MINE) if caller.crew_id else []
    )
    own = caller.agency_id is None
    known = [row for row in rows if own and not row["protected"] and row["due_on"] <= today + AHEAD]
    ids, where = [row["person_id"] for row in known], [row["area"] for row in known]
    await audit(pool, caller, "read_own_tasks", "person", ids or None, {"tasks": len(rows)}, area=where or None)
    texts = await told.of(pool, [row["id"] for row in rows])
    people = await store.plans.at_the_door(pool, ids)
    of = {row["id"]: whom(row["person_id"], people[row["person_id"]]) for row in known}
    return MyTasks(items=[
        MyTask(
            kind=views.label("task_kind", row["kind"]), what=texts.get(row["id"], {}).get("what"),
            overdue=row["due_on"] < today, whom=of.get(row["id"]),
            **{name: row[name] for name in ("id", "due_on", "assigned_at")},
        )
        for row in rows
    ])  # fmt: skip


async def _of_agency(
    runtime: Runtime,
    caller: Caller,
    agency_id: UUID,
    places: list[str] | None,
    cursor: UUID | None,
    limit: int,
    *,
    overdue: bool,
) -> Tasks:
    """What an agency was given; of whom it is only where an agreement says so, and of no protected case."""
    rows = await store.teams.agency_tasks(
        runtime.pool, agency_id, areas_of(caller), overdue=overdue, today=local_day(now_utc()), after=cursor,
        limit=limit, places=places,
    )  # fmt: skip
    hits = await store.people.read_hits(runtime.pool, [row["person_id"] for row in rows if not row["protected"]])
    known = {row["id"] for row, _ in await cut_hits(runtime, await grounds_of(runtime, caller), hits)}
    whose = {row["id"]: row["person_id"] for row in rows if row["person_id"] in known and not row["protected"]}
    await audit(
        runtime.pool, caller, "find_tasks", "task", [row["id"] for row in rows] or None, {"people": len(whose)},
        area=[row["area"] for row in rows] or None,
    )  # fmt: skip
    items = [shown.model_copy(update={"person_id": whose.get(shown.id)}) for shown in await _tasks(runtime, rows)]
    return Tasks(items=items, next=rows[-1]["id"] if len(rows) == limit else None)


async def _tasks(runtime: Runtime, rows: list[Row]) -> list[TaskShown]:
    texts = await told.of(runtime.pool, [row["id"] for row in rows])
    today = local_day(now_utc())
    same = (
        "id", "case_id", "assignee_id", "agency_id", "together_id", "due_on", "assigned_at", "assigned_by", "done_at",
        "done_by",
    )  # fmt: skip
    return [
        TaskShown(
            kind=views.label("task_kind", row["kind"]),
            what=texts.get(row["id"], {}).get("what"),
            overdue=row["done_at"] is None and row["due_on"] < today,
            outcome=views.label("task_outcome", row["outcome"]) if row["outcome"] else None,
            note=texts.get(row["id"], {}).get("note"),
            **{name: row[name] for name in same},
        )
        for row in rows
    ]


@router.post("/tasks/{task_id}/done", status_code=204, responses=problems(400, 401, 403, 404, 409, 413))
async def end_task(
    request: Request, caller: EndsTasks, task_id: UUID, body: OutcomeBody, idempotency_key: IdempotencyKey = None
) -> None:
    """งานเสร็จ | Done, could not be done, no longer needed or declined; by whom it was given to, or by a desk."""
    runtime = runtime_of(request)
    async with runtime.work(runtime.asked_by(caller, request)) as work:

        async def verb() -> tuple[int, dict[str, Any]]:
            row = await store.teams.lock_task(work.db, task_id)
            if row is None or not may_end(caller, row, row["assignee_id"]):
                raise refuse("not_found")
            await must_reach_as_desk(work, caller, row["person_id"])
            await verbs.end(work, task_id, body.outcome, note=body.note)
            await audit(work, caller, "end", "task", task_id, {"outcome": body.outcome}, area=row["area"])
            return 204, {}

        await once(work, request, caller, idempotency_key, body, verb)
