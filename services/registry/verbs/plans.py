"""Giving a visit to somebody: who goes to whom, until when, what for, with which forms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from services.registry import store, told
from services.registry.records import Person
from services.registry.verbs.people import origin_of
from shared.errors import Refused, refuse
from shared.events.registry import VisitCancelled, VisitPlanned
from shared.thai.dates import local_day
from shared.work import Work, new_id

REFUSALS = {
    "past": (422, "วันนี้ผ่านไปแล้ว เลือกวันที่ยังมาไม่ถึง", "that day is past: nobody can go there until then"),
    "secret": (409, "บุคคลนี้ปกปิด จึงมอบให้อาสาไปเยี่ยมไม่ได้", "this person is secret: nobody is sent by a list"),
    "other_visit": (409, "รหัสนี้ใช้กับการเยี่ยมอื่นแล้ว", "this id is another visit's"),
    "visited": (409, "เยี่ยมไปแล้ว จึงยกเลิกไม่ได้", "the visit was made: it cannot be cancelled"),
}


def _refuse(code: str, field: str | None = None) -> Refused:
    status, th, en = REFUSALS[code]
    return Refused(status, code, th, en, field=field)


@dataclass(frozen=True, slots=True)
class Plan:
    """``crew_ids``: one to four of dispatch's crew members; ``forms``: questionnaires to bring back."""

    crew_ids: Sequence[UUID]
    kind: str
    due_on: date
    by: str
    forms: Sequence[str] = ()
    what: str | None = None
    id: UUID | None = None


async def plan(work: Work, person: Person, wanted: Plan) -> UUID:
    """Give the visit; told again by the same id it is the same one. Whoever is to go is told. The person is held.

    Raises:
        Refused: 409 the person is secret, or the id is something else's; 422 the day is past.

    """
    if person.secret:
        raise _refuse("secret")
    if wanted.due_on < local_day(work.now):
        raise _refuse("past", "due_on")
    plan_id: UUID = wanted.id or new_id()
    facts = (
        plan_id,
        person.id,
        list(wanted.crew_ids),
        wanted.kind,
        list(wanted.forms),
        wanted.due_on,
        work.now,
        wanted.by,
    )
    if not await store.plans.write(work.db, facts):
        same = await store.plans.lock(work.db, plan_id)
        if same is None or not await store.plans.is_of(work.db, same, person.id):
            raise _refuse("other_visit", "id")
        return plan_id
    if not await store.aggregates.is_free(work.db, plan_id) or await store.visits.read_visit(work.db, plan_id):
        raise _refuse("other_visit", "id")
    await store.told.put(work.db, told.rows(plan_id, person.id, {"what": wanted.what}))
    private = VisitPlanned.Private(kind=wanted.kind)
    crew_ids = tuple(dict.fromkeys(wanted.crew_ids))
    planned = VisitPlanned(person_id=person.id, at=work.now, crew_ids=crew_ids, due_on=wanted.due_on, private=private)
    work.say(plan_id, planned, origin_of(person))
    return plan_id


async def cancel(work: Work, person: Person, plan_id: UUID, by_crew_id: UUID | None) -> None:
    """Nobody is to go any more, and whoever was to go hears it; said again it changes nothing. The person is held.

    ``by_crew_id``: who says so, where that is one of the crews' people.

    Raises:
        Refused: 404 there is none; 409 somebody has been there.

    """
    row = await store.plans.lock(work.db, plan_id)
    if row is None:
        raise refuse("not_found")
    if row["done_at"] is not None:
        raise _refuse("visited")
    if row["cancelled_at"] is not None:
        return
    await store.plans.cancelled(work.db, plan_id, work.now)
    crew_ids = tuple(dict.fromkeys(row["crew_ids"]))
    cancelled = VisitCancelled(
        person_id=person.id, at=work.now, crew_ids=crew_ids, due_on=row["due_on"],
        by_crew_id=by_crew_id if by_crew_id in crew_ids else None, private=VisitCancelled.Private(kind=row["kind"]),
    )  # fmt: skip
    work.say(plan_id, cancelled, origin_of(person))


async def cancel_all(work: Work, person: Person) -> None:
    """Nobody is to go to them any more. The person is held."""
    for plan_id in await store.plans.open_of(work.db, person.id):
        await cancel(work, person, plan_id, None)
