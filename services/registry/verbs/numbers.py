"""Identifiers and telephones of a person who is there: begun, ended, or taken back as entered in error."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from services.registry import records, store
from services.registry.bodies import ContactBody, EndBody, IdentifierBody
from services.registry.keys import ring
from services.registry.records import Person, Source
from services.registry.rules.identity import Described, Held
from services.registry.store.people import Row
from services.registry.verbs import changing, duplicates, in_error, people, registering, unmatching
from shared.errors import Refused, refuse
from shared.thai.dates import local_day
from shared.thai.identifiers import Identifier
from shared.work import Work

REFUSALS = {
    "not_yet": (422, "วันที่ต้องไม่อยู่ในอนาคต", "the day must not lie in the future"),
    "before_the_first_day": changing.REFUSALS["before_the_first_day"],
    "ended_already": (409, "สิ้นสุดไปแล้ว", "it has ended already"),
    "withdrawn_already": (409, "ยกเลิกไปแล้วเพราะบันทึกผิด", "it was withdrawn already as entered in error"),
    "has_it_already": (409, "บุคคลนี้มีเลขนี้อยู่แล้ว", "this number is theirs already"),
    "has_another": (
        409,
        "บุคคลนี้มีเลขประเภทนี้อยู่แล้ว ให้แก้ไขหรือสิ้นสุดเลขเดิมก่อน",
        "they have another number of this kind: correct or end that one first",
    ),
}


def refusal(code: str, field: str | None = None) -> Refused:
    status, th, en = REFUSALS[code]
    return Refused(status, code, th, en, field=field)


async def alone(work: Work, body: IdentifierBody | None) -> None:
    """Nobody else decides about this number until the work ends. Before anybody is held, as a call does it."""
    if body is not None:
        told = Described(held=(body.held(),))
        locks = [lock for exercise in (False, True) for lock in records.locks(ring(), told, exercise=exercise)]
        await store.people.lock_marks(work.db, locks)


async def add(work: Work, person: Person, body: IdentifierBody, areas: Sequence[str] | None) -> UUID:
    """One more number, unless it is somebody's. ``areas``: the caller's, None is all; returns the id of its row.

    Raises:
        Refused: 409 it is theirs already, or another where people have one of its kind; 422 a day lies ahead.
        PersonExists: 409 it is somebody else's, as at registering.

    """
    row_id = await _write(work, person, body, areas)
    await _told(work, person, person.id, ["identifiers"])
    return row_id


async def _write(work: Work, person: Person, body: IdentifierBody, areas: Sequence[str] | None) -> UUID:
    today = local_day(work.now)
    for field in ("since_on", "until_on"):
        if (getattr(body, field) or today) > today:
            raise refusal("not_yet", field)
    held = body.held()
    if body.until_on is None:
        await _must_be_free(work, person, held, areas)
    await in_error.take_back(work, person.id, held)
    source = Source(work.now, exercise=person.exercise)
    days = (body.since_on or min(today, body.until_on or today), body.until_on)
    row = records.identifier_row(
        ring(), person.id, held, source, verified=body.verified, since_on=days[0], until_on=days[1]
    )
    await store.numbers.add_identifier(work.db, row)
    return UUID(row["id"])


async def _must_be_free(work: Work, person: Person, held: Held, areas: Sequence[str] | None) -> None:
    marks = records.number_marks(ring(), [held], exercise=person.exercise)
    holders = await store.people.holders(work.db, marks, areas) if marks else []
    if any(row["id"] == person.id for row in holders):
        raise refusal("has_it_already", "value")
    if holders:
        raise registering.exists(holders)
    stand = await store.people.read_identifiers(work.db, person.id)
    kinds = {row["kind"] for row in stand if row["until_on"] is None}
    if held.identifier.kind in kinds & (records.ONE_AT_A_TIME | {"none"}):
        raise refusal("has_another", "kind")


async def end(work: Work, person: Person, row_id: UUID, body: EndBody) -> None:
    """From that day on the number is theirs no more, and finds nobody; it stays to be seen.

    Raises:
        Refused: 404 it is none of theirs; 409 it has ended or was withdrawn; 422 a day ahead or before its first.

    """
    row = await _held(work, "identifier", person, row_id)
    await store.numbers.end_identifier(work.db, row_id, _last_day(work, row, row["since_on"], body), body.reason)
    await _told(work, person, row["person_id"], ["identifiers_ended"])


async def correct(
    work: Work, person: Person, row_id: UUID, instead: IdentifierBody | None, areas: Sequence[str] | None
) -> UUID | None:
    """It was entered in error: that there was one stays, the number does not. ``instead``: the right one; its row's id.

    Raises:
        Refused: 404, 409 as :func:`end`; of the right one as :func:`add`.

    """
    row = await _held(work, "identifier", person, row_id)
    value = records.opened_value(row, ring(), "identifier")
    await unmatching.forget_number(work, row["person_id"], value)
    if value is not None:
        await in_error.note(work, person.id, Held(Identifier(row["kind"], value), row["issuer"]))
    await store.numbers.withdraw_identifier(work.db, row_id, work.now, local_day(work.now))
    made = await _write(work, person, instead, areas) if instead else None
    fields = ["identifiers_withdrawn", *(["identifiers"] if instead else [])]
    await _told(work, person, row["person_id"], fields)
    return made


async def end_contact(work: Work, person: Person, row_id: UUID, body: EndBody) -> None:
    """From that day on they are not reached by it: it finds nobody and nobody writes to it.

    Raises:
        Refused: as :func:`end`.

    """
    row = await _held(work, "contact", person, row_id)
    last = _last_day(work, row, local_day(row["since_at"]), body)
    await store.numbers.end_contact(work.db, person.id, row, last, body.reason)
    await _told(work, person, row["person_id"], ["contacts_ended"])


async def correct_contact(work: Work, person: Person, row_id: UUID, instead: ContactBody | None) -> None:
    """A telephone that was entered in error, with the right one ``instead`` where it is known.

    Raises:
        Refused: as :func:`end`.

    """
    row = await _held(work, "contact", person, row_id)
    phone = records.opened_value(row, ring(), "contact")
    await unmatching.forget_number(work, row["person_id"], phone)
    if phone is not None:
        await in_error.note(work, person.id, phone)
    await store.numbers.withdraw_contact(work.db, person.id, row, work.now, local_day(work.now))
    if instead is not None:
        await changing.add_contact(work, person.id, instead)
    await _told(work, person, row["person_id"], ["contacts_withdrawn"])


async def _held(work: Work, table: str, person: Person, row_id: UUID) -> Row:
    """The row, held; of what has ended already only an error can still be said."""
    row = await store.numbers.lock(work.db, table, person.id, row_id)
    if row is None:
        raise refuse("not_found")
    if row["withdrawn_at"] is not None:
        raise refusal("withdrawn_already")
    return row


def _last_day(work: Work, row: Row, since: date, body: EndBody) -> date:
    today = local_day(work.now)
    last = body.until_on or max(today, since)
    if row["until_on"] is not None:
        raise refusal("ended_already")
    if last > max(today, since):
        raise refusal("not_yet", "until_on")
    if last < since:
        raise refusal("before_the_first_day", "until_on")
    return last


async def _told(work: Work, person: Person, record_id: UUID, fields: Sequence[str]) -> None:
    """The others hear what is true now, and who may be whom is looked at again."""
    await people.tell_state(work, person.id, fields=fields)
    for one in {person.id, record_id}:
        await duplicates.look(work, one)
