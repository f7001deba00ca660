"""How a call ends, or goes to somebody else: withdrawn, handed over, closed, refused."""

from __future__ import annotations

from uuid import UUID

from services.intake import state
from services.intake.bodies import CloseBody, HandOverBody, WithdrawBody
from services.intake.rules import life, refusals
from services.intake.store import calls as store
from services.intake.store import progress as progress_store
from services.intake.verbs.barriers import carry_over
from services.intake.verbs.common import INVALID, Row, by_of, next_status, refusing
from services.intake.verbs.links import orphaned
from services.intake.verbs.saying import say_handed_over
from services.intake.verbs.series import SERIES
from services.intake.verbs.watch import unwatch
from shared.events.intake import CallClosed, CallWithdrawn
from shared.pack_parts import Pack
from shared.refusal import Refusal
from shared.work import Work

EMERGENCY_NEVER_REFUSED = Refusal(
    "emergency_never_refused", "outcome",
    "ปฏิเสธเหตุฉุกเฉินไม่ได้ ให้ส่งต่อหน่วยงานอื่นแทน", "an emergency is never refused: hand it over instead",
)  # fmt: skip
HAND_OVER_INSTEAD = Refusal(
    "hand_over_instead", "reason",
    "เหตุผลนี้ต้องส่งต่อหน่วยงานที่รับผิดชอบ ไม่ใช่ปฏิเสธ", "for this reason somebody else is asked: hand it over",
)  # fmt: skip

NOT_AN_EXERCISE = Refusal(
    "not_an_exercise", "reason", "เหตุนี้ไม่ใช่การฝึกซ้อม ใช้เหตุผลนี้ไม่ได้",
    "this call is no exercise: it does not end for this reason",
)  # fmt: skip

DIED = "died"
EXERCISE_ENDED = "exercise_ended"

UNKNOWN_RECEIVER = Refusal(
    "unknown_receiver", "receiver", "ไม่มีหน่วยงานรหัสนี้ในชุดตั้งค่า ให้ใส่ receiver_name ด้วย",
    "no partner of the settings pack has this code: give receiver_name as well",
)  # fmt: skip


async def withdraw(work: Work, call: Row, body: WithdrawBody, watchdog_s: int) -> Row:
    """Help is not wanted any more. ``whole_series``: neither are the visits that were still to come.

    Of who has died none is wanted, whatever was ticked: a crew and a reminder would come to the bereaved.

    Raises:
        Refused: 409, the call is over; 422, no such reason.

    """
    reason = None
    if body.reason is not None:
        with refusing(INVALID):
            reason = life.wanted_code("reason_cancel", body.reason, body.text, "reason")
            if reason == EXERCISE_ENDED and not call["exercise"]:
                raise NOT_AN_EXERCISE
    whole_series = body.whole_series or reason == DIED
    along_with_id = call["id"] if whole_series and _in_series(call) else None
    if whole_series:
        first_id: UUID = call["series_of"] or call["id"]
        await work.cancel(SERIES, first_id)
        # The last one first: so nothing that is open is carried over to a visit that will not be.
        after = 0 if reason == DIED else call["occurrence"] or 1
        for visit in reversed(await progress_store.open_of_series(work.db, first_id, after)):
            if visit["id"] == call["id"]:
                continue
            await withdraw_one(work, visit, reason, body.text, watchdog_s, along_with_id=along_with_id)
    return await withdraw_one(work, call, reason, body.text, watchdog_s, along_with_id=along_with_id)


def _in_series(call: Row) -> bool:
    return bool(call["series_of"] or (call["appointment"] or {}).get("recurrence"))


async def withdraw_one(
    work: Work, call: Row, reason: str | None, text: str | None, watchdog_s: int, *, along_with_id: UUID | None = None
) -> Row:
    """One call, not its series. Where others wait behind it as its duplicates, one of them leads now.

    ``along_with_id``: the visit with which its whole series is withdrawn.

    Raises:
        Refused: 409, the call is over.

    """
    status = next_status(call, "withdraw")
    after = await _end(work, call, status, "withdrawn", reason, text)
    private = CallWithdrawn.Private(reason=reason)
    event = CallWithdrawn(at=work.now, by=by_of(work.cause), along_with_id=along_with_id, private=private)
    work.say(call["id"], event, state.origin_of(call))
    await carry_over(work, after)
    await orphaned(work, call, watchdog_s)
    return after


async def hand_over(work: Work, pack: Pack | None, call: Row, body: HandOverBody) -> Row:
    """Somebody else is told, with time and receiver. Unless ``ends_call``, our own people come as well.

    The receiver is a partner of the municipality's pack, or ``other`` with a name.

    Raises:
        Refused: 409, the call is over; 422, no such receiver or reason.

    """
    at = min(body.at, work.now) if body.at else work.now
    with refusing(INVALID):
        reason = life.wanted_code("reason_hand_over", body.reason, body.text, "reason")
        name = _receiver_name(pack, body)
    status = next_status(call, "hand_over" if body.ends_call else "tell")
    values = (body.receiver, name, reason, body.text, body.ends_call, at, work.cause.actor)
    await store.add_hand_over(work.db, call["id"], *values)
    say_handed_over(work, call, body.receiver, reason, at, ends_call=body.ends_call)
    if not body.ends_call:
        return call
    after = await _end(work, call, status, "handed_over", reason, body.text)
    await _close_followers(work, call)
    return after


def _receiver_name(pack: Pack | None, body: HandOverBody) -> str:
    for partner in pack.partner if pack else ():
        if partner.code == body.receiver:
            return body.receiver_name or partner.name.th
    if body.receiver_name is None:
        raise UNKNOWN_RECEIVER
    return body.receiver_name


async def close(work: Work, pack: Pack | None, call: Row, body: CloseBody) -> Row:
    """Nothing more is to be done. ``refused`` needs a coded reason with its legal basis, and never an emergency.

    Raises:
        Refused: 409, the call is over; 422, no such outcome, or a refusal that may not be.

    """
    with refusing(INVALID):
        outcome = life.wanted_code("reason_close", body.outcome, body.text, "outcome")
        reason = _refusal_reason(pack, call, body) if outcome == "refused" else None
    return await end_closed(work, call, outcome, reason, body.text)


def _refusal_reason(pack: Pack | None, call: Row, body: CloseBody) -> str:
    """The code of a refusal that is one: with a legal basis, not an emergency, and nobody else's to answer."""
    if call["lane"] == "emergency":
        raise EMERGENCY_NEVER_REFUSED
    if pack is None:
        raise HAND_OVER_INSTEAD
    refusal = refusals.refuse(body.reason or "", body.text, pack, call["tambon_code"])
    if refusal.hand_over:
        raise HAND_OVER_INSTEAD
    return refusal.code


async def end_closed(work: Work, call: Row, outcome: str, reason: str | None, text: str | None = None) -> Row:
    """Close the call, and what follows it as its duplicate."""
    status = next_status(call, "close")
    stage = "done" if outcome == "done" else "closed"
    after = await _end(work, call, status, outcome, reason, text, stage)
    event = CallClosed(at=work.now, by=by_of(work.cause), private=CallClosed.Private(outcome=outcome, reason=reason))
    work.say(call["id"], event, state.origin_of(call))
    await carry_over(work, after)
    await _close_followers(work, call)
    return after


async def _close_followers(work: Work, call: Row) -> None:
    """What was told as a duplicate of this call is over with it."""
    for follower in await store.followers(work.db, call["id"]):
        await end_closed(work, follower, "duplicate", None)


async def _end(
    work: Work, call: Row, status: str, outcome: str, reason: str | None, text: str | None, stage: str | None = None
) -> Row:
    changes = {
        "status": status, "stage": stage or status, "ended_at": work.now, "outcome": outcome, "reason": reason,
        "reason_text": text,
    }  # fmt: skip
    if call["ended_at"] is not None:
        changes["ended_at"] = call["ended_at"]
    await unwatch(work, call["id"])
    return await store.change_call(work.db, call["id"], changes, work.now)
