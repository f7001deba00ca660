"""Writing down a visit, from a phone that may have been without signal, and deciding what two phones disagree about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.registry import store, told
from services.registry.keys import ring
from services.registry.records import Person
from services.registry.rules.visits import Standing, bring_together
from services.registry.verbs.locations import point_of
from services.registry.verbs.people import origin_in_case
from shared.errors import Refused, refuse
from shared.events.registry import VisitRecorded
from shared.geo import Point, distance_m
from shared.work import Work, new_id

EARLY = timedelta(minutes=5)
REFUSALS = {
    "other_visit": (409, "รหัสนี้ใช้กับการเยี่ยมอื่นแล้ว", "this id is another visit's"),
    "in_the_future": (422, "เวลาต้องไม่อยู่ในอนาคต", "the time must not lie in the future"),
    "not_disputed": (409, "ช่องนี้ไม่มีข้อขัดแย้งให้ตัดสิน", "nothing is disputed in this field"),
}


def _refuse(code: str, field: str) -> Refused:
    status, th, en = REFUSALS[code]
    return Refused(status, code, th, en, field=field)


@dataclass(frozen=True, slots=True)
class Written:
    """A value and the version of its field that the phone had seen."""

    value: str
    base: int


@dataclass(frozen=True, slots=True)
class Visit:
    id: UUID
    kind: str
    visited_at: datetime
    by: str
    fields: Mapping[str, Written]
    case_id: UUID | None = None
    task_id: UUID | None = None
    point: Point | None = None
    accuracy_m: int | None = None
    agency_id: UUID | None = None
    """Whose visit it is; none is the municipality."""
    goes: str | None = None
    """The crew member who was sent; None: a desk writes."""


async def record(work: Work, person: Person, visit: Visit) -> None:
    """Keep a visit, or add to it what one more phone of its owner says of it. The person is held.

    Raises:
        Refused: 404 no such case of theirs; 409 the id is another visit's; 422 it lies in the future.

    """
    if visit.visited_at > work.now + EARLY:
        raise _refuse("in_the_future", "visited_at")
    if visit.case_id and not await store.care.case_is_of(work.db, visit.case_id, person.id):
        raise refuse("not_found", field="case_id")
    at = min(visit.visited_at, work.now)
    plan = await store.plans.lock(work.db, visit.id)
    # What is planned was given to people of the municipality's own, and they or a desk say how it was.
    given = plan is None or visit.goes is None or UUID(visit.goes) in plan["crew_ids"]
    if not given or (plan and (visit.agency_id or not await store.plans.is_of(work.db, plan, person.id))):
        raise _refuse("other_visit", "id")
    facts = (
        visit.id, person.id, visit.case_id, visit.task_id, visit.kind, at, work.now, visit.by, visit.agency_id,
    )  # fmt: skip
    fresh = await store.visits.write_visit(work.db, facts)
    row = await store.visits.lock_visit(work.db, visit.id)
    if row is None or row["agency_id"] != visit.agency_id:
        raise _refuse("other_visit", "id")
    if not fresh and not await store.care.visit_is_of(work.db, visit.id, person.id):
        raise _refuse("other_visit", "id")
    if fresh and plan is None and not await store.aggregates.is_free(work.db, visit.id):
        raise _refuse("other_visit", "id")
    await _write(work, person, visit)
    if visit.point is not None:
        await _measure(work, person, visit.id, visit.point, visit.accuracy_m)
    if "result" in visit.fields:
        await store.plans.done(work.db, visit.id, work.now)
    if fresh:
        result = visit.fields.get("result")
        private = VisitRecorded.Private(
            kind=visit.kind, result=result.value if result else None, agency_id=visit.agency_id
        )
        event = VisitRecorded(person_id=person.id, at=at, case_id=visit.case_id, task_id=visit.task_id, private=private)
        work.say(visit.id, event, await origin_in_case(work, person, visit.case_id))


async def _write(work: Work, person: Person, visit: Visit) -> None:
    """Field by field: what a phone sent before is known by its mark, and changes nothing."""
    marks = {
        name: ring().marks("visit", f"{visit.id}|{name}|{one.base}|{one.value}") for name, one in visit.fields.items()
    }
    known = await store.visits.known_values(work.db, [mark for several in marks.values() for mark in several])
    standing = await standing_of(work, visit.id)
    for name, one in sorted(visit.fields.items()):
        before, _ = standing.get(name, (Standing(), None))
        outcome = bring_together(before, one.base, one.value)
        if outcome == "same" or known & set(marks[name]):
            continue
        value_id = new_id()
        if outcome == "stands":
            await store.visits.replace_value(work.db, visit.id, name)
        version = before.version + 1 if outcome == "stands" else max(1, one.base)
        facts = (value_id, visit.id, name, version, outcome, marks[name][0], visit.by, work.now)
        await store.visits.write_value(work.db, facts)
        await store.told.put(work.db, told.rows(value_id, person.id, {"value": one.value}))


async def standing_of(work: Work, visit_id: UUID) -> dict[str, tuple[Standing, UUID | None]]:
    """Field → what stands in it, and that value's id."""
    rows = [row for row in await store.visits.read_values(work.db, [visit_id]) if row["state"] == "stands"]
    texts = await told.of(work.db, [row["id"] for row in rows])
    return {row["field"]: (Standing(row["version"], texts[row["id"]]["value"]), row["id"]) for row in rows}


async def _measure(work: Work, person: Person, visit_id: UUID, point: Point, accuracy_m: int | None) -> None:
    """How far the phone was from where the person is held to live; the fix itself is not kept here."""
    homes = await store.locations.read_whereabouts(work.db, person.id)
    rows = [await store.locations.read_location(work.db, home["location_id"]) for home in homes]
    metres = [distance_m(point, point_of(row)) for row in rows if row is not None]
    if metres:
        await store.visits.set_fix(work.db, visit_id, round(min(metres)), accuracy_m)


async def decide(work: Work, visit_id: UUID, field: str, value_id: UUID) -> None:
    """What stands in a disputed field from now on; the other values stay as history.

    Raises:
        Refused: 409 nothing is disputed there; 404 this is no value of it.

    """
    await store.visits.lock_visit(work.db, visit_id)
    rows = [row for row in await store.visits.read_values(work.db, [visit_id]) if row["field"] == field]
    if not any(row["state"] == "disputed" for row in rows):
        raise _refuse("not_disputed", "field")
    choices = {row["id"] for row in rows if row["state"] in {"stands", "disputed"}}
    if value_id not in choices:
        raise refuse("not_found", field="value_id")
    version = max(row["version"] for row in rows) + 1
    await store.visits.choose_value(work.db, visit_id, field, value_id, version)
