"""What every verb needs: a call held for the length of its transaction, and the ways of saying how it stands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from services.intake import state
from services.intake.rules import life
from services.intake.store import barriers as barrier_store
from services.intake.store import calls as store
from shared.errors import FieldProblem, Refused, refuse
from shared.events.intake import CallTriaged, CallUpdated
from shared.events.words import By
from shared.refusal import Refusal
from shared.work import Cause, Work

CONFLICT = 409
INVALID = 422
Row = state.Row


def by_of(cause: Cause) -> By:
    """A person did it, or the system by itself."""
    return By.PERSON if cause.actor.startswith("person:") else By.SYSTEM


def problem_of(refusal: Refusal) -> FieldProblem:
    return FieldProblem(refusal.field, refusal.code, refusal.th, refusal.en)


def refused(status: int, refusals: Sequence[Refusal]) -> Refused:
    """One answer for all that is wrong; each field is named."""
    first = refusals[0]
    if len(refusals) == 1:
        return Refused(status, first.code, first.th, first.en, field=first.field)
    errors = tuple(problem_of(each) for each in refusals)
    return refuse("invalid", errors=errors)


@contextmanager
def refusing(status: int) -> Any:
    """A rule's refusal inside becomes the answer with that status."""
    try:
        yield
    except Refusal as refusal:
        raise refused(status, [refusal]) from None


async def held(work: Work, call_id: UUID) -> Row:
    """The call, locked.

    Raises:
        Refused: 404.

    """
    call = await store.lock_call(work.db, call_id)
    if call is None:
        raise refuse("not_found")
    return call


def next_status(call: Row, act: str) -> str:
    """The call's status after ``act``.

    Raises:
        Refused: 409, it cannot happen in the status the call is in, or nothing can: it is erased.

    """
    with refusing(CONFLICT):
        return life.advance("call", life.ERASED if call["erased_at"] else call["status"], act)
    raise AssertionError  # pragma: no cover


async def whole(work: Work, call: Row) -> dict[str, Any]:
    """The private half of a call as it stands now."""
    patients = await store.read_patients(work.db, [call["id"]])
    opened = await barrier_store.read_barriers(work.db, [call["id"]])
    return state.private_of(call, patients, [barrier["barrier"] for barrier in opened])


async def say_updated(work: Work, call: Row, changed: Iterable[str]) -> None:
    """The whole call again, as it stands."""
    private = CallUpdated.Private(**await whole(work, call), changed=tuple(changed))
    event = CallUpdated(**state.facts_of(call), at=work.now, private=private)
    work.say(call["id"], event, state.origin_of(call))


async def say_triaged(work: Work, before: Row, call: Row) -> None:
    """Lane or severity was judged anew."""
    event = CallTriaged(
        **state.facts_of(call),
        at=work.now,
        by=by_of(work.cause),
        previous_severity=before["severity"],
        previous_lane=before["lane"],
        private=CallTriaged.Private(**await whole(work, call)),
    )
    work.say(call["id"], event, state.origin_of(call))
