"""How a call ends, or goes to somebody else: withdrawn, handed over, closed, refused."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from services.intake import state
from services.intake.bodies import CloseBody, HandOverBody, WithdrawBody
from services.intake.rules import life
from services.intake.store import calls as store
from services.intake.store import progress as progress_store
from services.intake.verbs.barriers import carry_over
from services.intake.verbs.common import INVALID, Row, by_of, next_status, refusing
from services.intake.verbs.links import orphaned
from services.intake.verbs.watch import unwatch
from shared.events.intake import CallClosed, CallHandedOver, CallWithdrawn
from shared.refusal import Refusal
from shared.work import Work

NOT_AN_EMERGENCY = Refusal(
    "emergency_never_refused", "outcome",
    "ปฏิเสธเหตุฉุกเฉินไม่ได้ ให้ส่งต่อหน่วยงานอื่นแทน", "an emergency is never refused: hand it over instead",
)  # fmt: skip
HAND_OVER_INSTEAD = Refusal(
    "hand_over_instead", "reason",
    "เหตุผลนี้ต้องส่งต่อหน่วยงานที่รับผิดชอบ ไม่ใช่ปฏิเสธ", "for this reason somebody else is asked: hand it over",
)  # fmt: skip


async def withdraw(work: Work, call: Row, body: WithdrawBody, watchdog_s: int) -> Row:
    """Help is not wanted any more. ``whole_series``: neither are the visits that were still to come.

    Raises:
        Refused: 409, the call is over; 422, no such reason.

    """
    reason = None
    if body.reason is not None:
        with refusing(INVALID):
            reason = life.wanted_code("reason_cancel", body.reason, body.text, "reason")
    after = await _withdraw_one(work, call, reason, watchdog_s)
    if body.whole_series:
        first_id: UUID = call["series_of"] or call["id"]
        for visit in await progress_store.open_of_series(work.db, first_id, call["occurrence"] or 1):
            await _withdraw_one(work, visit, reason, watchdog_s)
    return after


async def _withdraw_one(work: Work, call: Row, reason: str | None, watchdog_s: int) -> Row:
    status = next_status(call, "withdraw")
    after = await _end(work, call, status, "withdrawn", reason)
    event = CallWithdrawn(at=work.now, by=by_of(work.cause), private=CallWithdrawn.Private(reason=reason))
    work.say(call["id"], event, state.origin_of(call))
    await carry_over(work, after)
    await orphaned(work, call, watchdog_s)
    return after


async def hand_over(work: Work, call: Row, body: HandOverBody) -> Row:
    """Somebody else is told, with time and receiver. Unless ``ends_call``, our own people come as well.

    Raises:
        Refused: 409, the call is over; 422, no such receiver or reason.

    """
    at = min(body.at, work.now) if body.at else work.now
    with refusing(INVALID):
        reason = life.wanted_code("reason_hand_over", body.reason, body.text, "reason")
    status = next_status(call, "hand_over" if body.ends_call else "tell")
    values = (body.receiver, body.receiver_name, reason, body.ends_call, at, work.cause.actor)
    await store.add_hand_over(work.db, call["id"], *values)
    say_handed_over(work, call, body.receiver, reason, at, ends_call=body.ends_call)
    if not body.ends_call:
        return call
    after = await _end(work, call, status, "handed_over", reason)
    await _close_followers(work, call)
    return after


def say_handed_over(work: Work, call: Row, receiver: str, reason: str, at: Any, *, ends_call: bool) -> None:
    event = CallHandedOver(
        at=at,
        by=by_of(work.cause),
        ends_call=ends_call,
        private=CallHandedOver.Private(receiver=receiver, reason=reason),
    )
    work.say(call["id"], event, state.origin_of(call))


async def close(work: Work, call: Row, body: CloseBody) -> Row:
    """Nothing more is to be done. ``refused`` needs a coded reason with its legal basis, and never an emergency.

    Raises:
        Refused: 409, the call is over; 422, no such outcome, or a refusal that may not be.

    """
    with refusing(INVALID):
        outcome = life.wanted_code("reason_close", body.outcome, body.text, "outcome")
        reason = _refusal_reason(call, body) if outcome == "refused" else None
    return await end_closed(work, call, outcome, reason)


def _refusal_reason(call: Row, body: CloseBody) -> str:
    if call["lane"] == "emergency":
        raise NOT_AN_EMERGENCY
    reason = life.wanted_code("reason_refusal", body.reason, body.text, "reason")
    if life.is_for_others(reason):
        raise HAND_OVER_INSTEAD
    return reason


async def end_closed(work: Work, call: Row, outcome: str, reason: str | None) -> Row:
    """Close the call, and what follows it as its duplicate."""
    status = next_status(call, "close")
    after = await _end(work, call, status, outcome, reason, stage="done" if outcome == "done" else "closed")
    event = CallClosed(at=work.now, by=by_of(work.cause), private=CallClosed.Private(outcome=outcome, reason=reason))
    work.say(call["id"], event, state.origin_of(call))
    await carry_over(work, after)
    await _close_followers(work, call)
    return after


async def _close_followers(work: Work, call: Row) -> None:
    """What was told as a duplicate of this call is over with it."""
    for follower in await store.followers(work.db, call["id"]):
        await end_closed(work, follower, "duplicate", None)


async def _end(work: Work, call: Row, status: str, outcome: str, reason: str | None, stage: str | None = None) -> Row:
    changes = {
        "status": status, "stage": stage or status, "ended_at": work.now, "outcome": outcome, "reason": reason,
    }  # fmt: skip
    if call["ended_at"] is not None:
        changes["ended_at"] = call["ended_at"]
    await unwatch(work, call["id"])
    return await store.change_call(work.db, call["id"], changes, work.now)
