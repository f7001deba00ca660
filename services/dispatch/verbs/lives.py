"""The life tables at work: what they refuse becomes an answer, what they allow becomes the next status."""

from __future__ import annotations

import secrets
from datetime import datetime
from uuid import UUID

from services.dispatch.rules.life import TABLES, Actor, Happening, Life, advance
from services.dispatch.store.assignments import STAMPS, Assignment
from services.dispatch.store.trips import Trip
from shared.due import poke
from shared.errors import Refused
from shared.events.base import Origin
from shared.refusal import Refusal
from shared.work import Work

CONFLICTS = {"out_of_order", "already_done", "assignments_open", "run_open"}
"""Refusals because the matter stands differently; all others are about a field."""

GONE = {
    "another_accepted": ("taken", "ชุดอื่นรับงานนี้แล้ว", "another unit has taken this trip"),
    "trip_cancelled": ("trip_cancelled", "งานนี้ถูกยกเลิกแล้ว", "this trip was cancelled"),
}
"""Why an assignment was released → what its crew is told when it answers late."""


def refused(refusal: Refusal) -> Refused:
    """A rule's refusal as an answer."""
    status = 409 if refusal.code in CONFLICTS else 422
    return Refused(status, refusal.code, refusal.th, refusal.en, field=refusal.field)


def move_trip(trip: Trip, what: str) -> None:
    """The trip's next status, where it may have one.

    Raises:
        Refused: 409, its life does not allow it.

    """
    following = TABLES["trip"][trip.status].get(what)
    if following is None:
        now = Happening(what, trip.received_at, trip.received_at, Actor("system", "dispatch"))
        refusal = advance(Life("trip", trip.status), now)
        raise refused(refusal if isinstance(refusal, Refusal) else _never(what))
    trip.previous_status, trip.status = trip.status, following


def move_assignment(
    work: Work,
    assignment: Assignment,
    what: str,
    at: datetime,
    *,
    reason: str | None = None,
    outcome: str | None = None,
    transport: bool = True,
) -> str:
    """Apply a step (or ``release``, ``expire``, ``order``) to the assignment in memory; the previous status.

    Raises:
        Refused: 409 out of order, 422 for a time or code that cannot be.

    """
    life = Life("assignment", assignment.status, assignment.stamps, outcome=assignment.outcome, transport=transport)
    actor = Actor("person" if work.cause.actor.startswith("person:") else "system", work.cause.actor)
    found = advance(life, Happening(what, at, work.now, actor, reason=reason, outcome=outcome))
    if isinstance(found, Refusal):
        raise _too_late(assignment) or refused(found)
    previous, assignment.status = assignment.status, found.status
    assignment.previous_status = previous
    moment = found.stamps[what]
    if what in STAMPS:
        setattr(assignment, STAMPS[what], moment)
    if found.ended and assignment.ended_at is None:
        assignment.ended_at = moment
    assignment.outcome = found.outcome
    assignment.reason = reason or assignment.reason
    return previous


def _too_late(assignment: Assignment) -> Refused | None:
    if assignment.status != "released" or assignment.reason not in GONE:
        return None
    code, th, en = GONE[assignment.reason]
    return Refused(409, code, th, en, field="step")


def _never(what: str) -> Refusal:
    return Refusal("out_of_order", "status", f"ทำรายการนี้ไม่ได้: {what}", f"not possible now: {what}")


async def at_once(work: Work, kind: str, subject_id: UUID, origin: Origin) -> None:
    """Have a due thing done right after this work, in a transaction of its own with its own locks.

    The fence is a fresh one, so that nobody waits for a row that is just being done.
    """
    await work.later(kind, subject_id, work.now, origin, fence=secrets.randbits(62))
    work.then(poke)


NOT_FOUND = ("not_found", "ไม่พบรายการ", "not found")


def missing(noun: str) -> Refused:
    """404: there is no such thing, or it is another municipality's; the two are not told apart."""
    return Refused(404, NOT_FOUND[0], NOT_FOUND[1], f"{noun}: {NOT_FOUND[2]}")
