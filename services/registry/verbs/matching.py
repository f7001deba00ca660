"""The patients of a call become people of the registry: found again, or written down for the first time.

All in the call's own transaction. Whoever else describes the same number or full name at the same moment waits at
the same lock, so two calls at once make one person.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from services.registry import records, store
from services.registry.keys import ring
from services.registry.records import Person, Source
from services.registry.rules.identity import Described, of_patient
from services.registry.rules.matching import Method, Verdict, decide
from services.registry.store.calls import Match
from services.registry.verbs import cases, people
from shared.codes.codes import code_list
from shared.events.base import Origin
from shared.events.intake import CallReceived, CallTriaged, CallUpdated
from shared.events.registry import PersonMatched
from shared.events.words import By
from shared.thai.dates import local_day
from shared.work import Work

NEW = "new"
RELATIONS = frozenset(code_list("relation").codes)


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
        known = before.get(patient.patient_id, [])
        if known or told.tells_something or patient.person_id:
            await _match(asked, patient.patient_id, told, known, patient.person_id)


async def _match(asked: Asked, patient_id: UUID, told: Described, known: list[UUID], chosen: UUID | None) -> None:
    """``known``: whom an earlier message of this call showed the patient to be. Then this one only adds."""
    verdict = await find(asked.work, told, [chosen] if chosen else [], exercise=asked.origin.exercise)
    found, method = verdict.person_id, verdict.method
    number = not verdict.number_known
    weak = method is None or method > Method.IDENTIFIER
    if known and (found in known or weak):
        await people.learn(asked.work, known[-1], told, asked.origin, asked.source, number=number)
        return
    if found is None or method is None:
        person = await people.register(
            asked.work, told, asked.origin.area, asked.source, origin=asked.origin, number=number
        )
        await _belongs(asked, patient_id, person, NEW, doubt=verdict.doubt)
        return
    learnt = await people.learn(asked.work, found, told, asked.origin, asked.source, number=number)
    if learnt is None:  # erased after we had found them: look again, they are found no more
        await _match(asked, patient_id, told, known, None)
        return
    await _belongs(asked, patient_id, learnt, method.code, doubt=verdict.doubt)


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
    return decide(told, [records.candidate(row, ring()) for row in rows])


async def _belongs(asked: Asked, patient_id: UUID, person: Person, method: str, *, doubt: bool) -> None:
    """Write the match down, open or continue the case, and tell the others."""
    origin = people.origin_of(person, asked.origin)
    private = PersonMatched.Private(method=method)
    matched = PersonMatched(
        call_id=asked.call_id, patient_id=patient_id, at=asked.work.now, by=By.SYSTEM, private=private
    )
    asked.work.say(person.id, matched, origin)
    match = Match(asked.call_id, patient_id, person.id, method, doubt)
    await cases.open_or_continue(asked.work, match, origin)
