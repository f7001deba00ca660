"""What was found of a person: assessments and the groups they propose, and needs that stay open until they are met."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import orjson

from services.registry import records, store, told
from services.registry.records import Person, Source
from services.registry.rules.questionnaires import Questionnaire, Scored, proposals, score
from services.registry.store.people import Row, Writing
from services.registry.values import MOST_TOLD
from services.registry.verbs.people import origin_in_case, origin_of
from services.registry.verbs.visits import EARLY
from shared.errors import Refused, refuse
from shared.events.base import Origin
from shared.events.registry import AssessmentRecorded, GroupJoined, GroupLeft, NeedMet, NeedOpened
from shared.thai.dates import local_day
from shared.work import Work, new_id

REFUSALS = {
    "other_assessment": (409, "รหัสนี้ใช้กับการประเมินอื่นแล้ว", "this id is another assessment's"),
    "other_need": (409, "รหัสนี้ใช้กับรายการอื่นแล้ว", "this id is something else's"),
    "in_the_future": (422, "เวลาต้องไม่อยู่ในอนาคต", "the time must not lie in the future"),
    "decided": (409, "ข้อเสนอนี้ตัดสินไปแล้ว", "this was decided already"),
    "met_already": (409, "ความต้องการนี้ปิดไปแล้ว", "this need was met already"),
}


def _refuse(code: str, field: str | None = None) -> Refused:
    status, th, en = REFUSALS[code]
    return Refused(status, code, th, en, field=field)


@dataclass(frozen=True, slots=True)
class Assessed:
    """``proposed``: groups to join (True) or leave (False)."""

    id: UUID
    scored: Scored
    proposed: list[tuple[str, bool]]


@dataclass(frozen=True, slots=True)
class Answered:
    """Points by question, who asked, when; ``id`` is the client's, so that telling it twice tells it once."""

    answers: Mapping[str, int]
    at: datetime
    by: str
    id: UUID | None = None
    visit_id: UUID | None = None


async def assess(work: Work, person: Person, form: Questionnaire, answered: Answered) -> Assessed:
    """Score the answers and keep them; a changed band proposes its group to a person who decides.

    Raises:
        Refusal: an answer is missing or none of the form's.
        Refused: 404 no such visit of theirs; 409 the id is another's; 422 it lies in the future.

    """
    scored = score(form, answered.answers)
    if answered.at > work.now + EARLY:
        raise _refuse("in_the_future", "assessed_at")
    if answered.visit_id and not await store.care.visit_is_of(work.db, answered.visit_id, person.id):
        raise refuse("not_found", field="visit_id")
    at, row_id = min(answered.at, work.now), answered.id or new_id()
    before = await store.care.last_other(work.db, person.id, form.id, row_id)
    facts = (row_id, person.id, answered.visit_id, form.id, form.version, scored.score, scored.band.code,
             list(scored.dimensions), at, work.now, answered.by)  # fmt: skip
    if not await store.care.write_assessment(work.db, facts):
        same = await store.care.read_assessment(work.db, row_id)
        if same is None or same["person_id"] != person.id or same["instrument"] != form.id:
            raise _refuse("other_assessment", "id")
        return Assessed(row_id, scored, [])
    if not await store.aggregates.is_free(work.db, row_id):
        raise _refuse("other_assessment", "id")
    texts = {"answers": orjson.dumps(dict(answered.answers)).decode()}
    await store.told.put(work.db, told.rows(row_id, person.id, texts))
    private = AssessmentRecorded.Private(instrument=form.id, band=scored.band.code)
    event = AssessmentRecorded(person_id=person.id, at=at, visit_id=answered.visit_id, private=private)
    case_id = await store.care.case_of_visit(work.db, answered.visit_id) if answered.visit_id else None
    work.say(row_id, event, await origin_in_case(work, person, case_id))
    if before is not None and before["assessed_at"] > at:
        return Assessed(row_id, scored, [])  # a sheet from before, sent late, changes nothing now
    member_of = await store.care.groups_now(work.db, person.id)
    proposed = proposals(form, before["band"] if before else None, scored.band, member_of)
    for group, joins in proposed:
        await store.care.propose(work.db, (new_id(), person.id, person.area, group, joins, row_id, work.now))
    return Assessed(row_id, scored, proposed)


async def decide(work: Work, person: Person, proposal: Row, decision: str, by: str) -> None:
    """Take the proposal on or refuse it; taken on, the membership names the assessment as its evidence.

    Raises:
        Refused: 409 it was decided before.

    """
    if proposal["decision"] is not None:
        raise _refuse("decided")
    await store.care.decide(work.db, proposal["id"], decision, by, work.now)
    if decision != "accepted":
        return
    if proposal["joins"]:
        await _join(work, person, proposal["group_code"], proposal["assessment_id"])
    else:
        await _leave(work, person, proposal["group_code"])


async def _join(work: Work, person: Person, group: str, assessment_id: UUID) -> None:
    source = Source(work.now, exercise=person.exercise)
    rows = records.membership_rows(person.id, [group], source)
    for row in rows:
        row["evidence"] = f"assessment:{assessment_id}"
    written = await store.people.write_person(work.db, Writing(memberships=rows))
    for row in rows:
        if UUID(row["id"]) in written.joined:
            private = GroupJoined.Private(group=group, from_on=local_day(work.now))
            event = GroupJoined(person_id=person.id, at=work.now, private=private)
            work.say(UUID(row["id"]), event, _group_origin(person, protected=row["protected"]))


async def _leave(work: Work, person: Person, group: str) -> None:
    today = local_day(work.now)
    for row in await store.care.leave_group(work.db, person.id, group, today):
        event = GroupLeft(person_id=person.id, at=work.now, private=GroupLeft.Private(group=group, until_on=today))
        work.say(row["id"], event, _group_origin(person, protected=row["protected"]))


def _group_origin(person: Person, *, protected: bool) -> Origin:
    said = origin_of(person)
    return Origin(said.area, said.correlation_id, protected=said.protected or protected, exercise=said.exercise)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Something that is missing in somebody's life. ``rewrites``: whether the note replaces the one before;

    ``emptied``: it was said to be empty, and not merely left out. ``agency_id``: whose it is, none is the municipality.
    """

    need: str
    urgency: int
    by: str
    note: str | None = None
    case_id: UUID | None = None
    id: UUID | None = None
    rewrites: bool = True
    emptied: bool = False
    agency_id: UUID | None = None


def beside(before: str | None, note: str | None) -> str | None:
    """Both notes, each once; a note for which there is no room any more changes nothing."""
    if before is None or note is None or note in before.split("\n"):
        return before or note
    both = f"{before}\n{note}"
    return both if len(both) <= MOST_TOLD else before


async def open_need(work: Work, person: Person, wanted: Wanted) -> UUID:
    """Open a need. Told again by its owner while it is open, it becomes as urgent as was told last; the person is held.

    Who does not rewrite makes it more urgent, never less.

    Raises:
        Refused: 404 no such case of theirs.

    """
    if wanted.case_id and not await store.care.case_is_of(work.db, wanted.case_id, person.id):
        raise refuse("not_found", field="case_id")
    known = await store.care.open_need(work.db, person.id, wanted.need, wanted.agency_id)
    if known is not None:
        if known["urgency"] < wanted.urgency or (wanted.rewrites and known["urgency"] != wanted.urgency):
            await store.care.set_urgency(work.db, known["id"], wanted.urgency)
        note = wanted.note
        if wanted.emptied and wanted.rewrites:
            await store.told.drop(work.db, [known["id"]])
        if not wanted.rewrites:
            note = beside((await told.of(work.db, [known["id"]])).get(known["id"], {}).get("note"), note)
        await store.told.put(work.db, told.rows(known["id"], person.id, {"note": note}))
        found: UUID = known["id"]
        return found
    row_id = wanted.id or new_id()
    if not await store.care.write_needs(work.db, [_need(work, row_id, person, wanted)]):
        row = await store.care.lock_need(work.db, row_id)
        if row is None or row["person_id"] != person.id:
            raise _refuse("other_need", "id")
        return row_id
    if not await store.aggregates.is_free(work.db, row_id):
        raise _refuse("other_need", "id")
    await store.told.put(work.db, told.rows(row_id, person.id, {"note": wanted.note}))
    _say_opened(work, row_id, person, wanted, await origin_in_case(work, person, wanted.case_id))
    return row_id


async def open_needs(work: Work, wanted: Sequence[tuple[Person, Wanted]]) -> None:
    """Needs of people who were just written down, so that none of theirs is open; without a case and a note."""
    if not wanted:
        return
    needs = [_need(work, new_id(), person, one) for person, one in wanted]
    await store.care.write_needs(work.db, needs)
    for need, (person, one) in zip(needs, wanted, strict=True):
        _say_opened(work, need[0], person, one, origin_of(person))


def _need(work: Work, row_id: UUID, person: Person, wanted: Wanted) -> store.care.Need:
    return row_id, person.id, wanted.case_id, wanted.need, wanted.urgency, work.now, wanted.by, wanted.agency_id


def _say_opened(work: Work, row_id: UUID, person: Person, wanted: Wanted, said: Origin) -> None:
    private = NeedOpened.Private(need=wanted.need, agency_id=wanted.agency_id)
    work.say(row_id, NeedOpened(person_id=person.id, at=work.now, case_id=wanted.case_id, private=private), said)


async def meet_need(work: Work, person: Person, row: Row, outcome: str) -> None:
    """It is there now, or no longer needed.

    Raises:
        Refused: 409 it was met before.

    """
    if row["met_at"] is not None:
        raise _refuse("met_already")
    await store.care.meet_need(work.db, row["id"], work.now, outcome)
    private = NeedMet.Private(need=row["need"], outcome=outcome)
    event = NeedMet(person_id=person.id, at=work.now, case_id=row["case_id"], private=private)
    work.say(row["id"], event, await origin_in_case(work, person, row["case_id"]))
