"""The patients of a call become people of the registry: found again, or written down for the first time.

All in the call's own transaction. Whoever else describes the same number or full name at the same moment waits at
the same lock, so two calls at once make one person. Who is only presumed to be somebody is noted, with what was told
and what was written of them by it: see :mod:`verbs.unmatching`.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from services.registry import records, store
from services.registry import told as texts
from services.registry.keys import ring
from services.registry.records import Person, Source
from services.registry.rules.identity import Described, of_patient, packed
from services.registry.rules.matching import Method, Verdict, decide
from services.registry.store.calls import Match, Taken
from services.registry.store.matches import Learnt, Noted
from services.registry.verbs import cases, in_error, people
from shared.codes.codes import code_list
from shared.events.base import Origin
from shared.events.intake import CallReceived, CallTriaged, CallUpdated
from shared.events.registry import PersonMatched
from shared.events.words import By
from shared.thai.dates import local_day
from shared.work import Work, new_id

NEW = "new"
TOLD = "told"
RELATIONS = frozenset(code_list("relation").codes)
NOBODY = Taken((), -1)
NOTHING = Learnt()


@dataclass(frozen=True, slots=True)
class Asked:
    """The call in which people are described, and the transaction in which they are looked for."""

    work: Work
    call_id: UUID
    origin: Origin
    source: Source


Told = CallReceived | CallTriaged | CallUpdated


async def match_patients(work: Work, call_id: UUID, event: Told, origin: Origin, *, first: bool) -> None:
    """Match or create a person for every patient of whom anything is known. What was matched before stays.

    ``first``: nothing was heard of this call before.
    """
    private = event.private
    source = Source(work.now, call_id, origin.exercise, origin.protected)
    asked = Asked(work, call_id, origin, source)
    told_on = local_day(event.received_at)
    before = {} if first else await store.calls.read_matches(work.db, call_id)
    for number, patient in enumerate(private.patients):
        told = of_patient(patient, private.caller, told_on, RELATIONS, first=number == 0)
        known = before.get(patient.patient_id, NOBODY)
        if known.people or told.tells_something or patient.person_id:
            await _match(asked, patient.patient_id, told, known, patient.person_id)


async def _match(asked: Asked, patient_id: UUID, told: Described, known: Taken, chosen: UUID | None) -> None:
    """``known``: whom an earlier message of this call showed the patient to be. Then this one only adds."""
    verdict = await find(asked.work, told, [chosen] if chosen else [], exercise=asked.origin.exercise)
    found, method = verdict.person_id, verdict.method
    number = not verdict.number_known
    weak = method is None or method > Method.IDENTIFIER
    if known.people and (found in known.people or weak or await _unmatched(asked, patient_id, found)):
        await _add(asked, patient_id, told, known.people[-1], number=number)
        return
    if found is None or method is None:
        person = await people.register(
            asked.work, told, asked.origin.area, asked.source, origin=asked.origin, number=number
        )
        await _belongs(asked, patient_id, person, verdict, known, told)
        return
    learnt = await people.learn_and_note(asked.work, found, told, asked.origin, asked.source, number=number)
    if learnt is None:  # erased after we had found them: look again, they are found no more
        await _match(asked, patient_id, told, known, None)
        return
    await _belongs(asked, patient_id, learnt[0], verdict, known, told, learnt[1])


async def _unmatched(asked: Asked, patient_id: UUID, found: UUID | None) -> bool:
    """Whether somebody has said that the patient is not this person: no later message of the call knows better."""
    return found in await store.matches.unmatched_from(asked.work.db, asked.call_id, patient_id)


async def _add(asked: Asked, patient_id: UUID, told: Described, person_id: UUID, *, number: bool) -> None:
    """A later message of the call adds to whom it was taken for."""
    work = asked.work
    learnt = await people.learn_and_note(work, person_id, told, asked.origin, asked.source, number=number)
    if learnt is None:
        return
    match_id = await store.matches.add(work.db, asked.call_id, patient_id, person_id, learnt[1])
    if match_id is not None:
        await store.told.put(work.db, texts.rows(match_id, person_id, {TOLD: packed(told)}))


async def find(work: Work, told: Described, chosen: list[UUID], *, exercise: bool) -> Verdict:
    """Who is described. From here to the end of the transaction nobody else decides about the same number or name."""
    locks = records.locks(ring(), told, exercise=exercise)
    if locks:
        await store.people.lock_marks(work.db, locks)
    elif not chosen:
        return Verdict()
    rows = await store.people.find_candidates(
        work.db,
        numbers=records.number_marks(ring(), told.held, exercise=exercise),
        names=records.name_marks(ring(), told.full_name, exercise=exercise),
        chosen=chosen,
        kinds=[one.identifier.kind for one in told.held if one.identifier.kind in records.ONE_AT_A_TIME],
        phones=records.phone_marks(ring(), (phone.e164 for phone in told.phones), exercise=exercise),
        exercise=exercise,
    )
    found = [in_error.weighed(records.candidate(row, ring()), told, in_error.errors_of(row)) for row in rows]
    return decide(told, found)


async def _belongs(
    asked: Asked, patient_id: UUID, person: Person, verdict: Verdict, known: Taken, told: Described,
    learnt: Learnt = NOTHING,
) -> None:  # fmt: skip
    """Write the match down, open or continue the case, and tell the others."""
    work, origin = asked.work, people.origin_of(person, asked.origin)
    method = verdict.method.code if verdict.method else NEW
    turn = known.turn + 1
    private = PersonMatched.Private(method=method, presumed=verdict.presumed)
    matched = PersonMatched(
        call_id=asked.call_id, patient_id=patient_id, at=work.now, by=By.SYSTEM, turn=turn, private=private
    )
    work.say(person.id, matched, origin)
    match = Match(asked.call_id, patient_id, person.id, method, verdict.to_check, turn)
    await cases.open_or_continue(work, match, origin)
    if verdict.method or verdict.doubt:
        noted = Noted(
            new_id(), person.id, person.area, method, verdict.to_check, work.now, (asked.call_id, patient_id),
            owner_id=verdict.owner, learnt=learnt,
        )  # fmt: skip
        await store.matches.write(work.db, noted)
        await store.told.put(work.db, texts.rows(noted.id, person.id, {TOLD: packed(told)}))
