"""Cases: what stays open for a person until back to normal, over many calls."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from services.registry import store
from services.registry.records import Person
from services.registry.store.calls import Match
from services.registry.verbs import people, teams
from shared.errors import Refused
from shared.events.base import Origin
from shared.events.registry import CaseClosed, CaseOpened
from shared.events.words import By
from shared.work import Work

DIED = "died"
"""Of the code list ``case_outcome``."""
REFUSALS = {
    "case_closed": (409, "เคสนี้ปิดไปแล้ว", "this case is closed already"),
    "too_early": (422, "เวลาปิดต้องไม่ก่อนเวลาเปิดเคส", "a case cannot be closed before it was opened"),
    "in_the_future": (422, "เวลาต้องไม่อยู่ในอนาคต", "the time must not lie in the future"),
}


def _refuse(code: str, field: str | None = None) -> Refused:
    status, th, en = REFUSALS[code]
    return Refused(status, code, th, en, field=field)


async def open_or_continue(work: Work, match: Match, origin: Origin) -> UUID:
    """Write the match into the person's open case; a case is opened where there is none."""
    case_id, fresh = await store.calls.write_match(
        work.db, match, origin.area, work.now, protected=origin.protected, exercise=origin.exercise
    )
    if fresh:
        opened = CaseOpened(person_id=match.person_id, at=work.now, call_id=match.call_id)
        work.say(case_id, opened, origin)
    return case_id


async def open_by_hand(work: Work, person: Person, *, protected: bool) -> UUID:
    """Open a case that no call has opened; where one is open, it is that one. The person is held."""
    hidden = protected or person.secret
    case_id, fresh = await store.calls.open_case(
        work.db, person.id, person.area, work.now, protected=hidden, exercise=person.exercise
    )
    if fresh:
        said = people.origin_of(person)
        work.say(case_id, CaseOpened(person_id=person.id, at=work.now), people.protected(said) if hidden else said)
    return case_id


async def close(work: Work, case_id: UUID, outcome: str, at: datetime | None, by: By = By.PERSON) -> None:
    """Back to normal, or another end that has a code.

    Raises:
        Refused: 409 it is closed already; 422 the time is before its opening, or has not come yet.

    """
    row = await store.calls.lock_case(work.db, case_id)
    closed_at = at or work.now
    if row is None or row["closed_at"] is not None:
        raise _refuse("case_closed")
    if closed_at > work.now:
        raise _refuse("in_the_future", field="at")
    if closed_at < row["opened_at"]:
        raise _refuse("too_early", field="at")
    await teams.before_closing(work, case_id, outcome)
    await store.calls.close_case(work.db, case_id, closed_at, outcome)
    origin = teams.origin_of_case(row)
    private = CaseClosed.Private(outcome=outcome)
    work.say(case_id, CaseClosed(person_id=row["person_id"], at=closed_at, by=by, private=private), origin)
