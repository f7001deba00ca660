"""Registering people, learning more of them, and telling the others what they need to serve them well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

from services.registry import records, store
from services.registry.keys import ring
from services.registry.records import Person, Source
from services.registry.rules.identity import SELF, Described
from services.registry.store.matches import Learnt
from services.registry.store.people import Doc, Writing, Written
from services.registry.verbs import duplicates, in_error
from shared.events.base import Origin
from shared.events.registry import GroupJoined, PersonChanged, PersonRegistered
from shared.events.words import Disclosure, Language, Mobility, Need
from shared.thai.names import name_key
from shared.work import Work, new_id


def origin_of(person: Person, origin: Origin | None = None) -> Origin:
    """What is said of a person. Of a secret one only id and time are open; without a call it is its own root."""
    base = origin or Origin(person.area, person.id, exercise=person.exercise)
    return Origin(base.area, base.correlation_id, protected=base.protected or person.secret, exercise=base.exercise)


async def origin_in_case(work: Work, person: Person, case_id: UUID | None) -> Origin:
    """What grows from a protected case (violence, psychiatric) is protected, whoever the person is otherwise."""
    said = origin_of(person)
    hidden = case_id is not None and await store.calls.protected_cases(work.db, [case_id])
    return protected(said) if hidden else said


def protected(origin: Origin) -> Origin:
    """Of what is said with it, id and time alone are open."""
    return replace(origin, protected=True)


async def register(
    work: Work,
    told: Described,
    area: str,
    source: Source,
    *,
    origin: Origin | None = None,
    number: bool = True,
    person_id: UUID | None = None,
    identifiers: Sequence[Doc] = (),
    **more: Any,
) -> Person:
    """A new person of ``area``. Without ``origin`` (a call's) the person is the root of what is said.

    ``number``: the numbers in ``told`` are nobody else's; ``identifiers``: rows beside those; ``more``: disclosure,
    may_be_texted and the like.
    """
    rows = records.new_person(ring(), person_id or new_id(), area, told, source, number=number, **more)
    rows.identifiers += identifiers
    written = await store.people.write_person(work.db, rows)
    person = say_registered(work, rows, told, written, origin)
    await duplicates.look(work, person.id)
    return person


def say_registered(
    work: Work, rows: Writing, told: Described, written: Written, origin: Origin | None = None
) -> Person:
    """Tell of a new person and of their groups; ``rows`` are those that were written of them."""
    person = _person_of(rows.person[0], told)
    said = origin_of(person, origin)
    private = PersonRegistered.Private(**_state(person, records.own_phone(told)))
    work.say(person.id, PersonRegistered(at=work.now, private=private), said)
    _say_joined(work, person, rows, written, said)
    return person


async def learn(
    work: Work, person_id: UUID, told: Described, origin: Origin, source: Source, *, number: bool
) -> Person | None:
    """Fill what was not known of a person; None when there is none any more. They are held until the work ends.

    What identifies is never replaced; how they travel is, for that changes. ``number``: the numbers told are new.
    """
    learnt = await learn_and_note(work, person_id, told, origin, source, number=number)
    return None if learnt is None else learnt[0]


async def learn_and_note(
    work: Work, person_id: UUID, told: Described, origin: Origin, source: Source, *, number: bool
) -> tuple[Person, Learnt] | None:
    """As :func:`learn`, with what was written: so that it can be taken out again.

    What was entered in error of them stays away.
    """
    row = await store.people.lock_person(work.db, person_id)
    if row is None or row["erased_at"] is not None:
        return None
    told = await in_error.without(work, person_id, told)
    person = records.opened(row, ring())
    changes = gaps(person, told)
    person = replace(person, disclosure=changes.get("disclosure", person.disclosure))
    rows = Writing(
        contacts=records.contact_rows(ring(), person_id, told, source),
        memberships=records.membership_rows(person_id, told.groups, source),
    )
    if "name" in changes:
        rows.keys = records.key_rows(ring(), person_id, told.name, person.alias, exercise=person.exercise)
    if {"name", "birth"} & changes.keys():
        name = told.name if "name" in changes else person.name
        birth = told.birth if "birth" in changes else person.birth
        rows.marks = [records.mark_row(ring(), person_id, name, person.alias, birth, exercise=person.exercise)]
    if number:
        rows.identifiers = [records.identifier_row(ring(), person_id, held, source) for held in told.held]
    written = Written(frozenset(), frozenset()) if rows.empty else await store.people.write_person(work.db, rows)
    said = origin_of(person, origin)
    _say_joined(work, person, rows, written, said)
    if changes or SELF in written.reached:
        await change(work, person, changes, said, beside=["contacts"] if SELF in written.reached else [])
    if changes or written.reached or rows.identifiers:
        await duplicates.look(work, person_id)
    return person, _learnt(person, told, changes, rows)


def _learnt(person: Person, told: Described, changes: Doc, rows: Writing) -> Learnt:
    facts = (*rows.identifiers, *rows.contacts, *rows.memberships)
    needs = set(told.needs) - set(person.needs)
    return Learnt(tuple(sorted(changes)), tuple(sorted(needs)), tuple(UUID(each["id"]) for each in facts))


def gaps(person: Person, told: Described) -> Doc:
    """Sealed and plain fields that were not known before, or are known more exactly now."""
    fresh = records.sealed_fields(ring(), person.id, told)
    changes: Doc = {}
    if told.name and (person.name is None or _says_more(told.name, person.name)):
        changes["name"] = fresh["name"]
    if told.birth and told.birth.says_more_than(person.birth):
        changes["birth"] = fresh["birth"]
    if told.line_user_id and person.line_user_id is None:
        changes["line_user_id"] = fresh["line_user_id"]
    if told.sex and person.sex is None:
        changes["sex"] = told.sex
    if told.mobility and told.mobility != person.mobility:
        changes["mobility"] = told.mobility
    needs = sorted({*person.needs, *told.needs})
    if needs != sorted(person.needs):
        changes["needs"] = needs
    if not person.secret and records.disclosure_of(told.groups) == "secret":
        changes["disclosure"] = "secret"
    return changes


def _says_more(new: str, old: str) -> bool:
    """The same given name, and now with the family name."""
    one, other = name_key(new), name_key(old)
    return bool(one.family) and not other.family and one.given == other.given


NAMED = {"birth": "birth_on", "line_user_id": "contacts", "quiet_until": "quiet_from"}
"""What is changed → what it is called in the list ``person_field``, where that is another word."""


async def change(
    work: Work, person: Person, changes: Doc, said: Origin | None = None, *, beside: Sequence[str] = ()
) -> None:
    """Write what has changed of a person, and tell the others. Once secret, every record of theirs is.

    ``beside``: fields that were written elsewhere, as the list ``person_field`` names them.
    """
    if changes:
        await store.people.change_person(work.db, person.id, {**changes, "changed_at": work.now})
    if "disclosure" in changes:
        await store.people.make_secret(work.db, person.id, work.now)
    await tell_state(work, person.id, said, fields=[*(NAMED.get(name, name) for name in changes), *beside])


async def tell_state(work: Work, person_id: UUID, said: Origin | None = None, *, fields: Sequence[str] = ()) -> None:
    """Say of every record of this person what the others need to serve them, which is the same of all of them.

    ``said``: in which call's story; without it each is its own root. ``fields``: what was written just now.
    """
    rows = await store.links.records(work.db, person_id)
    people = [records.opened(row, ring()) for row in rows]
    if not people:
        return
    contacts = await store.people.read_contacts(work.db, person_id)
    own = next((c for c in contacts if c["relation"] == SELF), None)
    phone = records.opened_value(own, ring(), "contact") if own else None
    state = _state(records.merged(people), phone) | {"written": tuple(sorted(set(fields)))}
    for person in people:
        base = origin_of(person, said)
        work.say(person.id, PersonChanged(at=work.now, private=PersonChanged.Private(**state)), base)


def _say_joined(work: Work, person: Person, rows: Writing, written: Written, said: Origin) -> None:
    """Tell of the memberships that are new, each an aggregate of its own."""
    for row in rows.memberships:
        if UUID(row["id"]) in written.joined:
            joined = GroupJoined(
                person_id=person.id,
                at=work.now,
                private=GroupJoined.Private(group=row["group_code"], from_on=date.fromisoformat(row["from_on"])),
            )
            protected = said.protected or row["protected"]
            work.say(UUID(row["id"]), joined, Origin(said.area, said.correlation_id, protected, said.exercise))


def _state(person: Person, phone: str | None) -> dict[str, Any]:
    return {
        "phone": phone,
        "line_user_id": person.line_user_id,
        "language": Language(person.language),
        "quiet_from": person.quiet_from,
        "quiet_until": person.quiet_until,
        "may_be_texted": person.may_be_texted,
        "mobility": Mobility(person.mobility) if person.mobility else None,
        "needs": tuple(Need(need) for need in person.needs),
        "disclosure": Disclosure(person.disclosure),
    }


def _person_of(row: Doc, told: Described) -> Person:
    """The person just written, without reading it back."""
    return Person(
        id=UUID(row["id"]),
        area=row["area"],
        name=told.name,
        birth=told.birth,
        line_user_id=told.line_user_id,
        sex=row["sex"],
        language=row["language"],
        mobility=row["mobility"],
        needs=tuple(row["needs"]),
        may_be_texted=row["may_be_texted"],
        quiet_from=row.get("quiet_from"),
        quiet_until=row.get("quiet_until"),
        disclosure=row["disclosure"],
        exercise=row["exercise"],
        registered_at=row["registered_at"],
        erased_at=None,
        alias=told.alias,
        usual_place=told.usual_place,
    )
