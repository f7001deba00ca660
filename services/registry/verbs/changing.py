"""What an officer corrects or adds: the person's own fields, addresses, telephones, groups."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from services.registry import records, store
from services.registry.bodies import ChangeBody, ContactBody, GroupBody
from services.registry.keys import ring
from services.registry.records import Person, Source
from services.registry.rules.identity import Described, Phone
from services.registry.store.people import Doc, Writing
from services.registry.values import read_own_phone
from services.registry.verbs import duplicates, in_error, people
from services.registry.verbs.areas import must_exist
from shared.errors import Refused, refuse
from shared.events.base import Origin
from shared.events.registry import GroupJoined, GroupLeft
from shared.thai.dates import local_day
from shared.work import Work

BIRTHS = {"birth_date", "birth_year", "age"}
PLAIN = ("sex", "language", "mobility", "needs", "may_be_texted", "quiet_from", "quiet_until")
SEALED = ("name", "alias", "usual_place")
REFUSALS = {
    "in_group_already": (409, "อยู่ในกลุ่มนี้อยู่แล้ว", "they are in this group already"),
    "left_already": (409, "ออกจากกลุ่มนี้ไปแล้ว", "they have left this group already"),
    "before_the_first_day": (422, "วันสิ้นสุดต้องไม่ก่อนวันเริ่ม", "the last day lies before the first"),
}


def refusal(code: str, field: str | None = None) -> Refused:
    status, th, en = REFUSALS[code]
    return Refused(status, code, th, en, field=field)


async def hold(work: Work, person_id: UUID) -> Person:
    """The record that stands for the person, held until the work ends.

    Raises:
        Refused: 404, there is none any more.

    """
    row = await store.people.lock_person(work.db, person_id)
    if row is None or row["erased_at"] is not None:
        raise refuse("not_found")
    return records.opened(row, ring())


async def change(work: Work, person_id: UUID, body: ChangeBody) -> list[str]:
    """Write what the body names; returns which fields those were."""
    person = await hold(work, person_id)
    told = body.model_fields_set
    fresh = Described(name=body.name, alias=body.alias, usual_place=body.usual_place, birth=body.birth)
    sealed = records.sealed_fields(ring(), person_id, fresh)
    changes: Doc = {field: sealed[field] for field in SEALED if field in told}
    if told & BIRTHS:
        changes["birth"] = sealed["birth"]
    changes |= {field: getattr(body, field) for field in PLAIN if field in told}
    if "needs" in changes:
        changes["needs"] = list(body.needs)
    if "language" in changes:
        changes["language"] = body.language or "th"
    if {"name", "alias", *BIRTHS} & told:
        await mark(work, person, fresh, told)
    addresses = body.addresses.told()
    await must_exist(work.db, [one.area_code for one in addresses if one.area_code], "addresses")
    on = local_day(work.now)
    kinds = sorted(body.addresses.model_fields_set)
    rows = records.address_rows(ring(), person_id, addresses, on)
    if kinds:
        await store.details.replace_addresses(work.db, person_id, kinds, rows, on)
    if changes or kinds:
        await people.change(work, person, changes, beside=["addresses"] if kinds else [])
    if changes:
        await duplicates.look(work, person_id)
    return sorted(told)


async def mark(work: Work, person: Person, fresh: Described, told: set[str]) -> None:
    """The marks of the name that is now theirs; those of the one before are of no use any more."""
    name = fresh.name if "name" in told else person.name
    alias = fresh.alias if "alias" in told else person.alias
    birth = fresh.birth if told & BIRTHS else person.birth
    exercise = person.exercise
    await store.people.forget_keys(work.db, person.id)
    keys = records.key_rows(ring(), person.id, name, alias, exercise=exercise)
    marks = records.mark_row(ring(), person.id, name, alias, birth, exercise=exercise)
    await store.people.write_person(work.db, Writing(keys=keys, marks=[marks]))


async def add_contact(work: Work, person_id: UUID, body: ContactBody) -> None:
    """One more telephone; known already, nothing changes. One that had ended is theirs again from now on."""
    person = await hold(work, person_id)
    phone = Phone(read_own_phone(body.phone), body.relation, body.name)
    told = Described(phones=(phone,))
    marks = records.phone_marks(ring(), [phone.e164], exercise=person.exercise)
    await store.numbers.unmark_ended(work.db, person_id, marks)
    await in_error.take_back(work, person_id, phone.e164)
    await people.learn(
        work, person_id, told, people.origin_of(person), Source(work.now, exercise=person.exercise), number=False
    )


async def join(work: Work, person_id: UUID, body: GroupBody) -> UUID:
    """Into a group. A secret group makes the person secret at once.

    Raises:
        Refused: 409 they are in it.

    """
    person = await hold(work, person_id)
    if body.until_on is None and await store.details.find_membership(work.db, person_id, body.group):
        raise refusal("in_group_already", "group")
    [row] = records.membership_rows(person_id, [body.group], Source(work.now, exercise=person.exercise))
    from_on = body.from_on or local_day(work.now)
    if body.until_on is not None and body.until_on < from_on:
        raise refusal("before_the_first_day", "until_on")
    row |= {"from_on": from_on.isoformat(), "evidence": body.evidence, "until_on": None}
    if body.until_on is not None:
        row["until_on"] = body.until_on.isoformat()
    await store.people.write_person(work.db, Writing(memberships=[row]))
    membership_id = UUID(row["id"])
    if records.disclosure_of([body.group]) == "secret" and not person.secret:
        await people.change(work, person, {"disclosure": "secret"})
        await duplicates.look(work, person_id)
        person = await hold(work, person_id)
    said = _of_group(person, protected=row["protected"])
    private = GroupJoined.Private(group=body.group, from_on=from_on)
    work.say(membership_id, GroupJoined(person_id=person_id, at=work.now, private=private), said)
    if body.until_on is not None:
        say_left(work, membership_id, person_id, body.group, body.until_on, said)
    return membership_id


async def leave(work: Work, person: Person, membership_id: UUID, until_on: date | None) -> None:
    """Out of a group, from that day on.

    Raises:
        Refused: 404 it is none of theirs; 409 they left it before; 422 the day lies before the first.

    """
    row = await store.details.lock_membership(work.db, person.id, membership_id)
    if row is None:
        raise refuse("not_found")
    if row["until_on"] is not None:
        raise refusal("left_already")
    last = until_on or local_day(work.now)
    if last < row["from_on"]:
        raise refusal("before_the_first_day", "until_on")
    await store.details.end_membership(work.db, membership_id, last)
    said = _of_group(person, protected=row["protected"])
    say_left(work, membership_id, row["person_id"], row["group_code"], last, said)


def _of_group(person: Person, *, protected: bool) -> Origin:
    said = people.origin_of(person)
    return Origin(said.area, said.correlation_id, said.protected or protected, said.exercise)


def say_left(work: Work, membership_id: UUID, person_id: UUID, group: str, until_on: date, said: Origin) -> None:
    """Tell of a group that was left."""
    private = GroupLeft.Private(group=group, until_on=until_on)
    work.say(membership_id, GroupLeft(person_id=person_id, at=work.now, private=private), said)
