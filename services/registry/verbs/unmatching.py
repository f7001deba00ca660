"""What was taken for somebody is confirmed, or was told of somebody else: then it goes to them, with what it wrote.

A call's patient, or a row of a file. The match, the case that the call alone has opened with what stands in it, the
rows that name it and what it filled in go. Of what was written since whoever takes it out says what goes along
(:mod:`verbs.belongings`).
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import Any, Final
from uuid import UUID

from services.registry import records, store
from services.registry import told as texts
from services.registry.keys import ring
from services.registry.records import Person, Source
from services.registry.rules.belongings import Belonging, kinds_of
from services.registry.rules.identity import Described, packed, unpacked
from services.registry.rules.matching import Method
from services.registry.store.matches import Learnt, Noted
from services.registry.store.people import Doc, Row
from services.registry.verbs import belongings, cases, changing, people
from services.registry.verbs.duplicates import look
from services.registry.verbs.locations import Agreement
from services.registry.verbs.matching import NEW, TOLD
from shared.database import Connection, Pool
from shared.errors import Refused, refuse
from shared.events.base import Origin
from shared.events.registry import GroupJoined, GroupLeft, PersonMatched, PersonUnmatched
from shared.events.words import By
from shared.thai.dates import local_day
from shared.work import Work, new_id

REFUSALS = {
    "unmatched_already": (409, "นำออกจากบุคคลนี้ไปแล้ว", "it was taken out of this person already"),
    "one_already": (409, "ทั้งสองเป็นบุคคลเดียวกันอยู่แล้ว", "they are one person already"),
    "other_kind": (409, "คนหนึ่งเป็นบุคคลในการฝึกซ้อม", "one of them belongs to an exercise"),
    "new_already": (409, "เป็นระเบียนของตนเองอยู่แล้ว", "it has a record of its own already"),
}
OPENED_IN_ERROR: Final = "opened_in_error"
FILLED: Final = ("name", "birth", "line_user_id", "sex", "mobility")
"""Fields of a person that a call or a row fills in, and that go with it. Once secret stays secret: that takes two."""
NAMED: Final = {"name": "name", "birth": "birth_on", "sex": "sex", "mobility": "mobility"}
"""Those of them that people know, as the code list ``person_field`` names them."""
SAME_NAME: Final = frozenset({Method.NAME_BIRTH_PHONE.code, Method.NAME_BIRTH.code, Method.NAME_PHONE.code})


def _refuse(code: str, field: str | None = None) -> Refused:
    status, th, en = REFUSALS[code]
    return Refused(status, code, th, en, field=field)


@dataclass(frozen=True, slots=True)
class Taking:
    """What is taken out of whom: ``noted`` by which it came, ``origin`` the call's story or the person's own."""

    noted: Row
    person: Person
    origin: Origin
    source: Source
    reason: str | None
    goes: Sequence[Belonging] = ()

    @property
    def call(self) -> tuple[UUID, UUID] | None:
        call_id = self.noted["call_id"]
        return None if call_id is None else (call_id, self.noted["patient_id"])


async def lock(work: Work, match_id: UUID, other_id: UUID | None) -> Row:
    """Hold whom it is about, and whom it goes to, before anything of theirs; then what was noted.

    Raises:
        Refused: 404 there is none.

    """
    found = await store.matches.read(work.db, match_id)
    if found is None:
        raise refuse("not_found")
    told = await _told(work, match_id)
    if told is not None:  # as whoever describes them: marks first, then people
        marks = [mark for exercise in (False, True) for mark in records.locks(ring(), told, exercise=exercise)]
        await store.people.lock_marks(work.db, marks)
    await store.links.hold(work.db, [one for one in (found["person_id"], other_id) if one is not None])
    row = await store.matches.lock(work.db, match_id)
    if row is None:
        raise refuse("not_found")
    return row


async def _told(work: Work, match_id: UUID) -> Described | None:
    text = (await texts.of(work.db, [match_id])).get(match_id, {}).get(TOLD)
    return None if text is None else unpacked(text)


async def forget_number(work: Work, person_id: UUID, value: str | None) -> None:
    """A number or telephone of theirs was entered in error: what was told of them holds it no more either."""
    found = await texts.of(work.db, await store.matches.ids_of(work.db, person_id))
    for match_id, text in found.items():
        told = unpacked(text[TOLD])
        held = tuple(one for one in told.held if one.identifier.value != value)
        phones = tuple(one for one in told.phones if one.e164 != value)
        if (held, phones) != (told.held, told.phones):
            less = packed(replace(told, held=held, phones=phones))
            await store.told.put(work.db, texts.rows(match_id, person_id, {TOLD: less}))


async def confirm(work: Work, noted: Row, *, document_seen: bool) -> None:
    """They are this person. ``document_seen``: and their numbers were compared with the card.

    Raises:
        Refused: 409 it was taken out before.

    """
    if noted["decision"] == "unmatched":
        raise _refuse("unmatched_already")
    await store.matches.decide(work.db, noted["id"], "confirmed", work.now)
    await _say_confirmed(work, noted)
    if noted["call_id"] is None:  # of a file no more is kept than it must
        await store.told.drop(work.db, [noted["id"]])
    if document_seen:
        await store.matches.document_seen(work.db, noted["person_id"])


async def _say_confirmed(work: Work, noted: Row) -> None:
    """The call's match once more, presumed no longer."""
    if noted["call_id"] is None:
        return
    taking = await begin(work, noted, None)
    turn = await store.matches.turn_of(work.db, noted["call_id"], noted["patient_id"], noted["person_id"])
    private = PersonMatched.Private(method=noted["method"])
    said = PersonMatched(
        call_id=noted["call_id"], patient_id=noted["patient_id"], at=work.now, by=By.PERSON, turn=turn, private=private
    )
    work.say(noted["person_id"], said, people.origin_of(taking.person, taking.origin))


@dataclass(frozen=True, slots=True)
class Whose:
    """It was told of ``other``, or (None) of somebody who gets a record of their own; ``also`` goes along."""

    other: Person | None
    reason: str | None
    agreement: Agreement
    also: AbstractSet[UUID] = field(default_factory=frozenset)


async def unmatch(work: Work, noted: Row, whose: Whose) -> UUID:
    """Give it to whom it was told of; returns whose it is now.

    Raises:
        Refused: 404 nothing is left of it; 409 it was taken out before, has made a record of its own (that is linked to
            another, or not), goes to the same person, or to somebody of an exercise; 422 what was chosen cannot go.

    """
    other = whose.other
    if noted["decision"] == "unmatched":
        raise _refuse("unmatched_already")
    if noted["method"] == NEW:
        raise _refuse("new_already", "person_id")
    taking = await begin(work, noted, whose.reason)
    if other is not None and other.exercise != taking.person.exercise:
        raise _refuse("other_kind", "person_id")
    if other is not None and await _one(work, noted["person_id"], other.id):
        raise _refuse("one_already", "person_id")
    told, before = await taken_back(work, taking)
    there = await belongings.look(work.db, noted, whose.also, await changed_since(work.db, noted, taking.person))
    belongings.must_be_among(there, whose.also)
    taking = replace(taking, goes=there)
    case = await store.matches.take_out(work.db, *taking.call, noted["person_id"]) if taking.call else None
    if taking.call and case is None:
        raise refuse("not_found")
    to = other or await _born(work, taking, told)
    await _facts_go(work, taking, to)
    learnt = await people.learn_and_note(
        work, to.id, told, taking.origin, taking.source, number=await _free(work, told, taking.source)
    )
    turn = 0 if case is None else case[1] + 1
    await _say(work, taking, to, turn)
    into: UUID | None = None
    if taking.call and case is not None:
        into = await _case_goes(work, taking, to, case[0], turn)
        await store.matches.reviews_go(work.db, taking.call[0], noted["person_id"], to.id)
    else:
        await store.matches.row_goes(work.db, noted["run_id"], noted["row"], to.id)
    from_case = case[0] if case else None
    going = belongings.Going(taking.person, to, taking.origin, from_case, into, whose.agreement)
    await belongings.go(work, going, there)
    await _written(work, taking, to, told, learnt[1] if learnt else Learnt())
    await mend(work, taking, before)
    await _distinct(work, taking.person, to)
    return to.id


async def begin(work: Work, noted: Row, reason: str | None) -> Taking:
    """Hold whom it is taken out of.

    Raises:
        Refused: 404 there is no such person, or call, any more.

    """
    row = await store.people.lock_person(work.db, noted["person_id"])
    if row is None or row["erased_at"] is not None:
        raise refuse("not_found")
    person = records.opened(row, ring())
    if noted["call_id"] is None:
        source = Source(work.now, exercise=person.exercise, by_file=True)
        return Taking(noted, person, people.origin_of(person), source, reason)
    call = await store.reviews.read_call(work.db, noted["call_id"])
    if call is None:
        raise refuse("not_found")
    origin = Origin(call["area"], call["id"], protected=call["protected"], exercise=call["exercise"])
    source = Source(work.now, call["id"], call["exercise"], call["protected"])
    return Taking(noted, person, people.origin_of(person, origin), source, reason)


async def _one(work: Work, one: UUID, other: UUID) -> bool:
    return await store.links.survivor(work.db, one) == await store.links.survivor(work.db, other)


async def taken_back(work: Work, taking: Taking) -> tuple[Described, dict[str, Any]]:
    """What was told, and the person's fields as they were before: of what still stands as it was written by this."""
    noted, person = taking.noted, taking.person
    gone: dict[str, Any] = {"needs": tuple(noted["needs"])}
    back: dict[str, Any] = {"needs": tuple(need for need in person.needs if need not in noted["needs"])}
    versions = await store.matches.versions(work.db, noted)
    if versions is not None:
        before, after = [records.opened(row, ring()) for row in versions]
        for field in set(FILLED) & set(noted["fields"]):
            if getattr(before, field) != getattr(after, field) == getattr(person, field):
                gone[field], back[field] = getattr(person, field), getattr(before, field)
    if noted["method"] in SAME_NAME:
        gone.setdefault("name", person.name)
    return await _told(work, noted["id"]) or Described(**gone), back


async def changed_since(db: Connection | Pool, noted: Row, person: Person) -> list[str]:
    """Fields that it filled in and somebody has written since: they stay as they were written."""
    versions = await store.matches.versions(db, noted)
    if versions is None:
        return []
    before, after = [records.opened(row, ring()) for row in versions]
    wrote = [one for one in NAMED if one in noted["fields"] and getattr(before, one) != getattr(after, one)]
    return [NAMED[one] for one in wrote if getattr(after, one) != getattr(person, one)]


async def _born(work: Work, taking: Taking, told: Described) -> Person:
    """A record of their own, as secret as the one they were taken for: what was hidden with it stays hidden."""
    bare = replace(told, held=(), phones=(), groups=(), addresses=())
    secret = taking.person.secret or records.disclosure_of(told.groups) == "secret"
    more: dict[str, Any] = {"disclosure": "secret"} if secret else {}
    return await people.register(
        work, bare, taking.origin.area, taking.source, origin=taking.origin, number=False, **more
    )


async def _free(work: Work, told: Described, source: Source) -> bool:
    """Whether nobody has the numbers that were told."""
    marks = records.number_marks(ring(), told.held, exercise=source.exercise)
    return bool(marks) and not await store.people.holders(work.db, marks, None)


async def _facts_go(work: Work, taking: Taking, to: Person) -> None:
    """The rows that came by it, and the groups with their events: left by the one, joined by the other."""
    facts = await store.matches.facts_of(work.db, taking.noted, taking.person.id)
    facts = list(dict.fromkeys([*facts, *belongings.facts_of(taking.goes)]))
    kinds, today = sorted(records.ONE_AT_A_TIME), local_day(work.now)
    for row in await store.matches.move_facts(work.db, facts, to.id, kinds, today):
        said = people.origin_of(to, taking.origin)
        said = people.protected(said) if row["protected"] or taking.person.secret else said
        left = GroupLeft.Private(group=row["group_code"], until_on=row["until_on"] or today)
        work.say(row["id"], GroupLeft(person_id=taking.person.id, at=work.now, private=left), said)
        if row["until_on"] is None:
            joined = GroupJoined.Private(group=row["group_code"], from_on=row["from_on"])
            work.say(row["id"], GroupJoined(person_id=to.id, at=work.now, private=joined), said)


async def _say(work: Work, taking: Taking, to: Person, turn: int) -> None:
    call_id, patient_id = taking.call or (None, None)
    went, stayed = kinds_of(taking.goes, goes=True), kinds_of(taking.goes, goes=False)
    private = PersonUnmatched.Private(reason=taking.reason, went=went, stayed=stayed)
    said = PersonUnmatched(
        call_id=call_id, patient_id=patient_id, at=work.now, by=By.PERSON, turn=turn, private=private
    )
    work.say(taking.person.id, said, people.origin_of(taking.person, taking.origin))
    if call_id is not None and patient_id is not None:
        how = PersonMatched.Private(method=Method.DESK.code)
        matched = PersonMatched(
            call_id=call_id, patient_id=patient_id, at=work.now, by=By.PERSON, turn=turn, private=how
        )
        work.say(to.id, matched, people.origin_of(to, taking.origin))


async def _case_goes(work: Work, taking: Taking, to: Person, case_id: UUID | None, turn: int) -> UUID:
    """The case that this call alone has opened goes along; else the call goes into theirs, with all that stands in it,

    and the case that is left empty ends. Returns the case in which the call is now.
    """
    assert taking.call is not None  # noqa: S101 asked by whoever calls
    call_id = taking.call[0]
    if case_id is not None and await store.matches.case_goes(work.db, case_id, call_id, to.id):
        await store.matches.into_case(work.db, taking.call, to.id, case_id, turn, work.now)
        await store.belongings.case_into(work.db, case_id, case_id, to.id)
        return case_id
    match = store.calls.Match(*taking.call, to.id, Method.DESK.code, doubt=False, turn=turn)
    into = await cases.open_or_continue(work, match, people.origin_of(to, taking.origin))
    if case_id is not None and await store.matches.empty_case(work.db, case_id, call_id) is not None:
        await store.belongings.case_into(work.db, case_id, into, to.id)
        await cases.close(work, case_id, OPENED_IN_ERROR, None, By.SYSTEM)
    return into


async def _written(work: Work, taking: Taking, to: Person, told: Described, learnt: Learnt) -> None:
    """The decision, and the new noted: it can be taken out of whom it went to, too."""
    noted = taking.noted
    await store.matches.decide(work.db, noted["id"], "unmatched", work.now, to.id)
    facts = tuple(await store.matches.facts_of(work.db, noted, to.id))
    row = None if noted["run_id"] is None else (noted["run_id"], noted["row"])
    fresh = Noted(
        new_id(), to.id, to.area, Method.DESK.code, to_check=False, at=work.now, call=taking.call, row=row,
        learnt=replace(learnt, facts=tuple(dict.fromkeys((*learnt.facts, *facts, *belongings.ids_of(taking.goes))))),
    )  # fmt: skip
    await store.matches.write(work.db, fresh)
    await store.told.drop(work.db, [noted["id"]])
    await store.told.put(work.db, texts.rows(fresh.id, to.id, {TOLD: packed(told)}) if taking.call else ())


async def mend(work: Work, taking: Taking, before: dict[str, Any], *, beside: Sequence[str] = ()) -> None:
    """The person is as before, and the others hear of it; ``beside`` what else has changed."""
    person = replace(taking.person, **before)
    sealed = records.sealed_fields(ring(), person.id, Described(person.name, birth=person.birth))
    sealed["line_user_id"] = None  # it was not known before, or it stays
    changes: Doc = {field: sealed[field] if field in sealed else before[field] for field in before}
    changes["needs"] = list(person.needs)
    if {"name", "birth"} & before.keys():
        await changing.mark(work, person, Described(), set())
    await people.change(work, taking.person, changes, taking.origin, beside=beside)
    await look(work, person.id)


async def _distinct(work: Work, person: Person, other: Person) -> None:
    """They are two people, which somebody has just said: the pair is not put before an officer."""
    if person.area != other.area or person.secret or other.secret:
        return
    await store.links.decide(work.db, person.id, other.id, "distinct", work.now)
    await store.links.remember(work.db, new_id(), person.area, (person.id, other.id), "distinct", work.now)
