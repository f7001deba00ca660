"""The patients of a call become people of the registry: found again, or written down for the first time.

All in the call's own transaction. Whoever else describes the same number or full name at the same moment waits at
the same lock, so two calls at once make one person.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from services.registry import records, store
from services.registry.keys import ring
from services.registry.records import Source
from services.registry.rules.identity import Described, of_patient
from services.registry.rules.matching import Method, Verdict, decide
from services.registry.verbs import cases, people
from shared.codes.codes import code_list
from shared.events.base import Origin
from shared.events.intake import CallPrivate
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


async def match_patients(work: Work, call_id: UUID, private: CallPrivate, origin: Origin) -> None:
    """Match or create a person for every patient of whom anything is known. What was matched before stays."""
    source = Source(work.now, call_id, origin.exercise, origin.protected)
    asked = Asked(work, call_id, origin, source)
    told_on = local_day(work.now)
    before = await store.calls.read_matches(work.db, call_id)
    for number, patient in enumerate(private.patients):
        told = of_patient(patient, private.caller, told_on, RELATIONS, first=number == 0)
        known = before.get(patient.patient_id, [])
        if known or told.tells_something or patient.person_id:
            await _match(asked, patient.patient_id, told, known, patient.person_id)


async def _match(asked: Asked, patient_id: UUID, told: Described, known: list[UUID], chosen: UUID | None) -> None:
    verdict = await find(asked.work, told, [chosen] if chosen else [], exercise=asked.origin.exercise)
    found = verdict.person_id
    strong = verdict.method is not None and verdict.method <= Method.IDENTIFIER
    if known and (found in known or not strong):
        # Known by an earlier message of this call: it only adds. Numbers are added where they are nobody else's.
        free = not verdict.disputed and (found is None or found in known)
        await people.learn(asked.work, known[-1], told, asked.origin, asked.source, number=free and not _held(verdict))
        return
    if found is None:
        person = await people.register(
            asked.work, told, asked.origin.area, asked.source, origin=asked.origin, disputed=verdict.disputed
        )
        await _belongs(asked, patient_id, person.id, NEW, secret=person.secret, doubt=verdict.doubt)
        return
    await people.learn(
        asked.work, found, told, asked.origin, asked.source, number=not verdict.disputed and not _held(verdict)
    )
    row = await store.people.lock_person(asked.work.db, found)
    secret = row is not None and row["disclosure"] == "secret"
    method = verdict.method.code if verdict.method else NEW
    await _belongs(asked, patient_id, found, method, secret=secret, doubt=verdict.doubt)


def _held(verdict: Verdict) -> bool:
    """They were recognised by the number, so it stands in the registry already."""
    return verdict.method is Method.IDENTIFIER


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


async def _belongs(asked: Asked, patient_id: UUID, person_id: UUID, method: str, *, secret: bool, doubt: bool) -> None:
    """Write the match down, open or continue the case, and tell the others."""
    origin = Origin(
        asked.origin.area, asked.call_id, protected=asked.origin.protected or secret, exercise=asked.origin.exercise
    )
    private = PersonMatched.Private(method=method)
    matched = PersonMatched(
        call_id=asked.call_id, patient_id=patient_id, at=asked.work.now, by=By.SYSTEM, private=private
    )
    asked.work.say(person_id, matched, origin)
    case_id = await cases.open_or_continue(asked.work, person_id, asked.call_id, origin)
    await store.calls.write_match(
        asked.work.db, asked.call_id, patient_id, person_id, case_id, method=method, doubt=doubt, at=asked.work.now
    )
