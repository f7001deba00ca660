"""What people at the desk do with messages: note an answer heard by phone, send again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.notify.rules.plan import buttons_of, urgency_of
from services.notify.rules.table import all_rules
from services.notify.sending import hands
from services.notify.store import messages, recipients
from services.notify.store.messages import AttemptRow, MessageRow
from services.notify.verbs.ends import acknowledge
from services.notify.verbs.say import facts_of, origin_of
from shared.errors import Refused
from shared.events.notify import MessagePlanned, ReplyReceived
from shared.events.words import Answer, MessageChannel, RecipientKind
from shared.work import Work, new_id

REFUSALS = {
    "ended": (409, "message_ended", "ข้อความนี้จบแล้ว", "this message has ended"),
    "under_way": (409, "message_under_way", "ข้อความนี้กำลังส่งอยู่", "this message is still being sent"),
    "erased": (409, "message_erased", "ข้อความนี้ถูกลบแล้ว", "this message is erased"),
    "not_asked": (422, "answer_not_asked", "ข้อความนี้ไม่ได้ถามคำตอบนี้", "this message does not ask for that answer"),
    "future": (422, "heard_in_future", "เวลาที่ได้ยินต้องไม่เป็นอนาคต", "it cannot have been heard in the future"),
}
ANSWERABLE = frozenset({"planned", "accepted", "delivered", "unknown", "failed", "expired"})
RESENDABLE = frozenset({"accepted", "delivered", "unknown", "failed", "expired"})
CLOCKS_DIFFER = timedelta(minutes=2)


async def heard(work: Work, message: Any, answer: Answer | None, heard_at: datetime | None) -> None:
    """Somebody answered by phone, and the desk says so: silence, and the answer counts like a button.

    Raises:
        Refused: 409 the message has ended; 422 it asks for no such answer, or the time lies ahead.

    """
    at = heard_at or work.now
    if message["status"] not in ANSWERABLE:
        raise Refused(*REFUSALS["ended"])
    if at > work.now + CLOCKS_DIFFER:
        raise Refused(*REFUSALS["future"], field="heard_at")
    asked = asked_of(message["rule"])
    if answer is not None and answer is not Answer.SEEN and answer not in asked:
        raise Refused(*REFUSALS["not_asked"], field="answer", asked=[one.value for one in asked])
    await acknowledge(work, [message], MessageChannel.PHONE, at=at, answer=answer.value if answer else None)
    if answer is None or answer is Answer.SEEN:
        return
    kind = RecipientKind(message["recipient_kind"])
    event = ReplyReceived(
        call_id=message["call_id"],
        trip_id=message["trip_id"],
        assignment_id=message["assignment_id"],
        message_id=message["id"],
        recipient_kind=kind,
        crew_id=message["recipient_id"] if kind is RecipientKind.CREW else None,
        patient_id=message["recipient_id"] if kind is RecipientKind.PATIENT else None,
        channel=MessageChannel.PHONE,
        answer=answer,
        at=at,
    )
    work.say(new_id(), event, origin_of(message))


async def resend(work: Work, message: Any) -> UUID:
    """The same words again, as a new message: a person has decided so. Returns its id.

    Raises:
        Refused: 409 where it is still under way, was answered or cancelled, or is erased.

    """
    if message["status"] not in RESENDABLE:
        raise Refused(*REFUSALS["under_way" if message["status"] == "planned" else "ended"])
    before = await messages.attempts_of(work.db, [message["id"]])
    texts = {row["channel"]: row["text"] for row in before if row["text"]}
    who = (await recipients.read(work.db, [(message["recipient_kind"], message["recipient_id"])])).values()
    addresses = {row["channel"]: row["address"] for row in before}
    for now in who:
        addresses |= {"line": now["line_user_id"] or "", "sms": now["phone"] or ""}
    ways = [channel for channel in texts if addresses.get(channel)]
    if not ways:
        raise Refused(*REFUSALS["erased"])
    row = _again(work, message)
    rule = next(rule for rule in all_rules() if rule.id == message["rule"])
    attempts = [
        AttemptRow(
            new_id(), row.id, number, channel, addresses[channel], texts[channel],
            buttons_of(rule, message["language"], row.id) if channel == "line" else {},
            "ready" if number == 1 else "waiting", work.now if number == 1 else None,
        )
        for number, channel in enumerate(ways, 1)
    ]  # fmt: skip
    await messages.plan(work.db, [row], attempts)
    event = MessagePlanned(
        **facts_of(message, work.now), channel=MessageChannel(ways[0]), send_at=work.now, expires_at=row.expires_at,
        private=MessagePlanned.Private(template=row.template),
    )  # fmt: skip
    work.say(row.id, event, origin_of(message))
    work.then(hands.ring)
    return row.id


def _again(work: Work, message: Any) -> MessageRow:
    rule = next(rule for rule in all_rules() if rule.id == message["rule"])
    intent_id = new_id()
    return MessageRow(
        id=new_id(),
        area=message["area"],
        rule=message["rule"],
        intent_id=intent_id,
        recipient_kind=message["recipient_kind"],
        recipient_id=message["recipient_id"],
        message_class=message["class"],
        urgency=min(message["urgency"], urgency_of(rule, None)),
        template=message["template"],
        language=message["language"],
        event_id=intent_id,
        event_type=message["event_type"],
        call_id=message["call_id"],
        trip_id=message["trip_id"],
        assignment_id=message["assignment_id"],
        correlation_id=message["correlation_id"],
        protected=message["protected"],
        exercise=message["exercise"],
        wants_answer=message["wants_answer"],
        status="planned",
        reason=None,
        planned_at=work.now,
        expires_at=work.now + timedelta(seconds=rule.expires_after_s),
        resent_from=message["id"],
        traceparent=work.cause.traceparent,
    )


def asked_of(rule_id: str) -> tuple[Answer, ...]:
    """The answers that a rule's messages ask for."""
    return next((rule.buttons for rule in all_rules() if rule.id == rule_id), ())
