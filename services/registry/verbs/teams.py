"""Tasks with owner and deadline, the team of a case, and corrections that the owner of the facts decides."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import orjson

from services.registry import store, told
from services.registry.bodies import ChangeBody
from services.registry.records import Person
from services.registry.store.people import Row
from services.registry.verbs import changing
from shared.due import Due
from shared.errors import Refused
from shared.events.base import Origin
from shared.events.registry import TaskAssigned, TaskDone, TaskOverdue, TeamInvited
from shared.events.words import By
from shared.thai.dates import day_bounds, local_day
from shared.work import Work, new_id

OVERDUE = "task_overdue"
CASE_CLOSED = "case_closed"
REFUSALS = {
    "case_closed": (409, "เคสนี้ปิดไปแล้ว", "this case is closed already"),
    "task_done": (409, "งานนี้ปิดไปแล้ว", "this task is done already"),
    "tasks_open": (
        409, "ยังมีงานที่ไม่เสร็จ จึงยังไม่กลับสู่ภาวะปกติ", "a task is not done yet, so it is not back to normal",
    ),
    "answered": (409, "ตอบไปแล้ว", "this was answered already"),
    "decided": (409, "ข้อเสนอนี้ตัดสินไปแล้ว", "this was decided already"),
}  # fmt: skip


def refusal(code: str, field: str | None = None) -> Refused:
    status, th, en = REFUSALS[code]
    return Refused(status, code, th, en, field=field)


def origin_of_case(row: Any) -> Origin:
    """What grows from a case belongs to the call that opened it, else to its person.

    It is protected once its person is secret, whatever the case was when it was opened.
    """
    root = row.get("opened_call_id") or row["person_id"]
    return Origin(row["area"], root, protected=row["protected"] or row["secret"], exercise=row["exercise"])


async def coordinators(work: Work, agency_id: UUID | None) -> tuple[UUID, ...]:
    """Who is told of what an agency is given."""
    if agency_id is None:
        return ()
    return tuple(await store.agencies.coordinators(work.db, agency_id, local_day(work.now)))


@dataclass(frozen=True, slots=True)
class Task:
    """``assignee_id``: a crew member or volunteer; ``agency_id``: an organisation. One of them at least.

    ``together_id``: of the act that gave the same to others as well.
    """

    kind: str
    due_on: date
    by: str
    assignee_id: UUID | None = None
    agency_id: UUID | None = None
    what: str | None = None
    together_id: UUID | None = None


async def assign(work: Work, case: Row, task: Task) -> UUID:
    """Somebody is to do something until a day; when that is over, it is said once more.

    Raises:
        Refused: 409 the case is closed.

    """
    if case["closed_at"] is not None:
        raise refusal("case_closed")
    task_id: UUID = new_id()
    facts = (
        task_id, case["id"], task.kind, task.assignee_id, task.agency_id, task.due_on, work.now, task.by,
        task.together_id,
    )  # fmt: skip
    await store.teams.write_task(work.db, facts)
    await store.told.put(work.db, told.rows(task_id, case["person_id"], {"what": task.what}))
    origin = origin_of_case(case)
    assigned = TaskAssigned(
        case_id=case["id"], assignee_id=task.assignee_id, agency_id=task.agency_id, due_on=task.due_on, at=work.now,
        private=TaskAssigned.Private(task=task.kind, coordinator_ids=await coordinators(work, task.agency_id)),
    )  # fmt: skip
    work.say(task_id, assigned, origin)
    await work.later(OVERDUE, task_id, day_bounds(task.due_on)[1], origin)
    return task_id


async def end(work: Work, task_id: UUID, outcome: str, by: By = By.PERSON, note: str | None = None) -> Row:
    """The task is over. ``note``: what is said of it, sealed.

    Raises:
        Refused: 409 it was before.

    """
    row = await store.teams.lock_task(work.db, task_id)
    if row is None or row["done_at"] is not None:
        raise refusal("task_done")
    await store.teams.end_task(work.db, task_id, work.now, work.cause.actor, outcome)
    await store.told.put(work.db, told.rows(task_id, row["person_id"], {"note": note}))
    await work.cancel(OVERDUE, task_id)
    private = TaskDone.Private(task=row["kind"], outcome=outcome)
    work.say(task_id, TaskDone(case_id=row["case_id"], at=work.now, by=by, private=private), origin_of_case(row))
    return row


async def overdue(work: Work, due: Due) -> None:
    """The day is over and the task is not: shown, and told to whom it was given."""
    row = await store.teams.lock_task(work.db, due.subject_id)
    if row is None or row["done_at"] is not None or row["overdue_at"] is not None:
        return
    await store.teams.mark_overdue(work.db, row["id"], work.now)
    late = TaskOverdue(
        case_id=row["case_id"], assignee_id=row["assignee_id"], agency_id=row["agency_id"], due_on=row["due_on"],
        at=work.now,
        private=TaskOverdue.Private(task=row["kind"], coordinator_ids=await coordinators(work, row["agency_id"])),
    )  # fmt: skip
    work.say(row["id"], late, origin_of_case(row))


async def before_closing(work: Work, case_id: UUID, outcome: str) -> None:
    """Back to normal is a case without open tasks; every other end takes them along.

    Raises:
        Refused: 409 a task is open.

    """
    left = await store.teams.open_tasks(work.db, case_id)
    if left and outcome == "normal":
        raise refusal("tasks_open", "outcome")
    for task_id in left:
        await end(work, task_id, CASE_CLOSED, By.SYSTEM)


@dataclass(frozen=True, slots=True)
class Invited:
    crew_id: UUID
    role: str
    by: str
    agency_id: UUID | None = None


async def invite(work: Work, case: Row, wanted: Invited) -> Row:
    """Ask somebody, of whatever organisation, into the team of a case; they are told.

    Raises:
        Refused: 409 the case is closed.

    """
    if case["closed_at"] is not None:
        raise refusal("case_closed")
    facts = (new_id(), case["id"], wanted.crew_id, wanted.agency_id, wanted.role, work.now, wanted.by)
    row = await store.teams.invite(work.db, facts)
    if row["answer"] == "invited":
        told_too = await coordinators(work, wanted.agency_id)
        private = TeamInvited.Private(role=wanted.role, coordinator_ids=told_too)
        event = TeamInvited(
            case_id=case["id"], assignee_id=wanted.crew_id, agency_id=wanted.agency_id, at=work.now, private=private
        )
        work.say(row["id"], event, origin_of_case(case))
    return row


async def answer(work: Work, row: Row, said: str) -> None:
    """Whoever was invited says yes or no.

    Raises:
        Refused: 409 they have answered.

    """
    if row["answer"] != "invited":
        raise refusal("answered")
    await store.teams.answer(work.db, row["id"], said, work.now)


# --- corrections ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Proposer:
    """Whose proposal it is: of people of these municipalities, or of an agency."""

    login: str
    areas: list[str]
    agency_id: UUID | None = None


async def propose(work: Work, person: Person, change: ChangeBody, reason: str | None, by: Proposer) -> UUID:
    """Another owner's facts are not changed but proposed to be; sealed until their owner decides."""
    correction_id: UUID = new_id()
    fields = sorted(change.model_fields_set)
    facts = (correction_id, person.id, person.area, fields, by.login, by.areas, work.now, by.agency_id)
    await store.teams.propose(work.db, facts)
    body = orjson.dumps(change.model_dump(mode="json", exclude_unset=True)).decode()
    await store.told.put(work.db, told.rows(correction_id, person.id, {"change": body, "reason": reason}))
    return correction_id


async def decide(work: Work, row: Row, decision: str, by: str) -> None:
    """Taken on, it is the owner's own change; refused, nothing is.

    Raises:
        Refused: 409 it was decided before.

    """
    if row["decision"] is not None:
        raise refusal("decided")
    await store.teams.decide_correction(work.db, row["id"], decision, by, work.now)
    if decision == "accepted":
        texts = (await told.of(work.db, [row["id"]]))[row["id"]]
        await changing.change(work, row["person_id"], ChangeBody.model_validate_json(texts["change"]))
