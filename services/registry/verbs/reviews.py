"""Reviews: opened by hand or by a complaint, written, approved as a lesson, closed when everything is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from services.registry import store, told
from services.registry.rules.reviews import WORST_SCORES, Texts, missing
from services.registry.store.people import Row
from services.registry.verbs.teams import origin_of_case
from shared.errors import FieldProblem, Refused, refuse
from shared.events.base import Origin
from shared.events.notify import RatingGiven
from shared.events.registry import ReviewClosed
from shared.events.words import By
from shared.work import Work, new_id

REFUSALS = {
    "not_open": (
        409,
        "การทบทวนนี้อนุมัติหรือปิดแล้ว แก้ไขไม่ได้",
        "this review is approved or closed: it is not written any more",
    ),
    "not_approved": (409, "ต้องอนุมัติการทบทวนก่อน", "the review has to be approved first"),
    "version": (409, "มีผู้อื่นแก้ไขไปแล้ว ให้เปิดใหม่", "somebody has written meanwhile: read it again"),
    "actions_open": (409, "ยังมีสิ่งที่ต้องทำที่ไม่เสร็จ", "an action is not done yet"),
    "done_already": (409, "งานนี้ปิดไปแล้ว", "this action is done already"),
}
INCOMPLETE = (422, "incomplete", "ยังเขียนไม่ครบ", "something has not been written yet")


def _refuse(code: str, field: str | None = None) -> Refused:
    status, th, en = REFUSALS[code]
    return Refused(status, code, th, en, field=field)


@dataclass(frozen=True, slots=True)
class About:
    """What is reviewed: a case with its person, or a call."""

    origin: Origin
    case_id: UUID | None = None
    call_id: UUID | None = None
    person_id: UUID | None = None


async def open_review(
    work: Work, about: About, reason: str, by: str, title: str | None, told_by: UUID | None = None
) -> UUID | None:
    """Open one; None where the same complaint has opened one before."""
    review_id: UUID = new_id()
    origin = about.origin
    facts = (review_id, origin.area, about.case_id, about.call_id, about.person_id, reason, told_by, origin.protected,
             origin.exercise, work.now, by)  # fmt: skip
    if not await store.reviews.open_review(work.db, facts):
        return None
    await store.told.put(work.db, told.rows(review_id, about.person_id, {"title": title}))
    return review_id


async def complain(work: Work, event: RatingGiven, event_id: UUID, origin: Origin) -> None:
    """A bad rating after a ride opens a review of its call. What was said beside it stays with notify."""
    if event.private.score not in WORST_SCORES:
        return
    if await store.reviews.complained(work.db, event.call_id):
        return  # of two trips, or by two ways: it is one story, and one review
    if await store.reviews.read_call(work.db, event.call_id) is not None:
        about = About(origin, call_id=event.call_id)
        await open_review(work, about, "complaint", work.cause.actor, None, told_by=event_id)


async def write(work: Work, row: Row, texts: Texts, root_cause: str | None, version: int) -> None:
    """The whys and the looks, whole.

    Raises:
        Refused: 409 it is approved, or somebody else has written meanwhile.

    """
    if row["approved_at"] is not None:
        raise _refuse("not_open")
    if row["version"] != version:
        raise _refuse("version", "version")
    before = (await told.of(work.db, [row["id"]])).get(row["id"], {})
    await store.told.drop(work.db, [row["id"]])
    packed = {"title": before.get("title"), **texts.packed()}
    await store.told.put(work.db, told.rows(row["id"], row["person_id"], packed))
    await store.reviews.change_review(work.db, row["id"], root_cause)


async def approve(work: Work, row: Row, lesson: str, kinds: Sequence[str], by: str, version: int | None = None) -> None:
    """The review counts: its lesson is there for everybody.

    Raises:
        Refused: 409 it was before, or what was read is not what stands; 422 names what has not been written yet.

    """
    if row["approved_at"] is not None:
        raise _refuse("not_open")
    if version is not None and row["version"] != version:
        raise _refuse("version", "version")
    texts = Texts.unpacked((await told.of(work.db, [row["id"]])).get(row["id"], {}))
    lacking = missing(texts, row["root_cause"])
    if lacking:
        status, code, th, en = INCOMPLETE
        raise Refused(status, code, th, en, errors=tuple(FieldProblem(field, code, th, en) for field in lacking))
    await store.reviews.approve(work.db, row["id"], lesson, kinds, work.now, by)


async def act(work: Work, row: Row, what: str, owner: str, due_on: date) -> UUID:
    """Something is to be done about it, by somebody, until a day.

    Raises:
        Refused: 409 the review is closed.

    """
    if row["closed_at"] is not None:
        raise _refuse("not_open")
    action_id: UUID = new_id()
    await store.reviews.write_action(work.db, (action_id, row["id"], owner, due_on, work.now))
    await store.told.put(work.db, told.rows(action_id, row["person_id"], {"what": what}))
    return action_id


async def done(work: Work, action: Row, person_id: UUID | None, evidence: str, by: str) -> None:
    """It was done, and this shows it.

    Raises:
        Refused: 409 it was before.

    """
    if action["done_at"] is not None:
        raise _refuse("done_already")
    await store.reviews.end_action(work.db, action["id"], work.now, by)
    await store.told.put(work.db, told.rows(action["id"], person_id, {"evidence": evidence}))


async def close(work: Work, row: Row) -> None:
    """Everything that was to be done is done.

    Raises:
        Refused: 409 it is not approved, is closed, or an action is open.

    """
    if row["approved_at"] is None:
        raise _refuse("not_approved")
    if row["closed_at"] is not None:
        raise _refuse("not_open")
    actions: list[Any] = await store.reviews.read_actions(work.db, [row["id"]])
    if any(action["done_at"] is None for action in actions):
        raise _refuse("actions_open")
    await store.reviews.close(work.db, row["id"], work.now)
    root = row["call_id"] or row["case_id"]
    origin = Origin(row["area"], root, protected=row["protected"] or row["secret"], exercise=row["exercise"])
    private = ReviewClosed.Private(root_cause=row["root_cause"])
    closed = ReviewClosed(case_id=row["case_id"], call_id=row["call_id"], at=work.now, by=By.PERSON, private=private)
    work.say(row["id"], closed, origin)


def about_case(row: Row) -> About:
    """A case as the matter of a review; ``row`` as the caller may see it."""
    return About(origin_of_case(row), case_id=row["id"], person_id=row["person_id"])


async def about_call(work: Work, call_id: UUID, areas: Sequence[str] | None) -> About:
    """A call as the matter of a review.

    Raises:
        Refused: 404 there is none for this caller.

    """
    row = await store.reviews.read_call(work.db, call_id)
    if row is None or (areas is not None and row["area"] not in areas):
        raise refuse("not_found", field="call_id")
    return About(Origin(row["area"], call_id, row["protected"], row["exercise"]), call_id=call_id)
