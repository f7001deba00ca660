"""What comes back by LINE: each webhook event once, in one transaction, and what the chat answers at once.

A button means what it meant when it was made: message and answer. Who pressed must be whom the message was sent to.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.notify.channels.line_webhook import (
    Event,
    Follow,
    LocationMessage,
    Postback,
    TextMessage,
    Unfollow,
    UnknownEvent,
)
from services.notify.rules.chat import understand
from services.notify.rules.postback import Pressed, read
from services.notify.rules.table import all_rules
from services.notify.store import messages, ratings, recipients, replies, views
from services.notify.store.replies import ReplyRow
from services.notify.verbs.ends import acknowledge, cancel
from services.notify.verbs.links import use_code
from services.notify.verbs.ready import expect
from shared.events.base import Origin
from shared.events.notify import RatingGiven, ReplyReceived
from shared.events.words import Answer, MessageChannel, RecipientKind
from shared.thai.text import Lang
from shared.work import Work, new_id

TOKEN_GOOD_FOR = timedelta(seconds=50)
"""LINE wants a reply token used within a minute."""
RATING_ASKED_WITHIN = timedelta(days=7)
RATING_RULES = tuple(rule.id for rule in all_rules() if rule.rating)
STEPS = frozenset({
    Answer.ACCEPT, Answer.DECLINE, Answer.EN_ROUTE, Answer.AT_SCENE, Answer.LEFT_SCENE, Answer.AT_DESTINATION,
    Answer.CLEAR, Answer.AT_BASE,
})  # fmt: skip
AFTER = {
    "released": "over", "expired": "over", "declined": "over", "ordered": "asked", "offered": "asked",
    "proposed": "asked", "accepted": "held",
}  # fmt: skip
"""What a press finds: nobody waits for it any more, an answer is asked for, or the trip is already theirs."""
DECLINED = {
    "asked": "chat_declined", "held": "chat_giving_back", "on_the_way": "chat_still_yours", "over": "chat_too_late",
}  # fmt: skip
EARLIEST_CLOCK = timedelta(hours=24)
"""A redelivered event may be late, but not by more; a clock ahead of ours is not believed."""


@dataclass(frozen=True, slots=True)
class Chat:
    """What the chat answers at once: a template, and in which language."""

    template: str
    language: Lang = "th"


@dataclass(frozen=True, slots=True)
class Talk:
    """One event of one LINE user, with everybody they stand for."""

    work: Work
    area: str
    event: Event
    user_id: str
    known: list[Any]
    at: datetime

    @property
    def language(self) -> Lang:
        return self.known[0]["language"] if self.known else "th"

    def answer(self, template: str) -> Chat:
        return Chat(template, self.language)


async def take(work: Work, area: str, event: Event) -> Chat | None:
    """Handle one webhook event; None where it came before or the chat says nothing."""
    if not await replies.first_time(work.db, area, event.event_id, work.now) or event.user_id is None:
        return None
    known = await recipients.by_line_user(work.db, area, event.user_id)
    talk = Talk(work, area, event, event.user_id, known, _believed(event.at, work.now))
    handler = HANDLERS.get(type(event))
    chat = await handler(talk) if handler else None
    if event.reply_token is not None and chat is None:  # else the chat itself uses it, and it works once
        token = event.reply_token.get_secret_value()
        await replies.put_token(work.db, area, event.user_id, token, work.now + TOKEN_GOOD_FOR)
    return chat


def _believed(said_at: datetime, now: datetime) -> datetime:
    return min(now, max(said_at, now - EARLIEST_CLOCK))


async def _follow(talk: Talk) -> Chat | None:
    await recipients.unblock(talk.work.db, talk.area, talk.user_id)
    return talk.answer("chat_welcome")


async def _unfollow(talk: Talk) -> Chat | None:
    """They have removed us: a push would be answered 200 and never seen."""
    await recipients.block(talk.work.db, talk.area, talk.user_id, talk.work.now)
    return None


async def _postback(talk: Talk) -> Chat | None:
    event: Any = talk.event
    pressed = read(event.data)
    if pressed is None:
        return await _for_desk(talk)
    message = await replies.sent_to(talk.work.db, pressed.message_id, talk.user_id)
    if message is None or message["area"] != talk.area or not message["to_them"]:
        return talk.answer("chat_unknown")  # forwarded, erased, or made up
    if pressed.score is not None:
        return await _rate(talk, message, pressed.score)
    return await _pressed(talk, message, pressed)


async def _pressed(talk: Talk, message: Any, pressed: Pressed) -> Chat | None:
    answer = pressed.answer or Answer.UNKNOWN
    await acknowledge(talk.work, [message], MessageChannel.LINE, at=talk.at, answer=answer.value)
    reply = await _say_reply(talk, answer, message)
    if answer is Answer.READY:
        trip = await views.read_trip(talk.work.db, message["trip_id"]) if message["trip_id"] else None
        return await _when_agreed(talk, reply, trip["patient_id"] if trip else None, _origin(talk, message))
    if answer not in STEPS or message["assignment_id"] is None:
        return None
    assignment = await views.read_assignment(talk.work.db, message["assignment_id"])
    if assignment is not None and message["recipient_id"] not in assignment["crew_ids"]:
        return talk.answer("chat_too_late")  # the next shift has taken it over
    stands = AFTER.get(assignment["status"], "on_the_way") if assignment is not None else "asked"
    if answer is Answer.DECLINE:
        return talk.answer(DECLINED[stands])
    if stands == "over":
        return talk.answer("chat_too_late")
    # The next button comes when dispatch has agreed; the reply token waits for it.
    await views.set_responder(talk.work.db, message["assignment_id"], message["recipient_id"])
    return None


async def _when_agreed(talk: Talk, reply: ReplyRow, patient_id: UUID | None, origin: Origin) -> Chat | None:
    """A vehicle comes when dispatch has agreed, and only then they are told so; the reply token waits for it."""
    template = await expect(talk.work, reply, patient_id, origin)
    return talk.answer(template) if template else None


async def _text(talk: Talk) -> Chat | None:
    event: Any = talk.event
    said = understand(event.text)
    if said.meaning == "link" and said.code is not None:
        done = await use_code(talk.work, talk.area, said.code, talk.user_id)
        return talk.answer("chat_linked" if done else "chat_code_unknown")
    if said.meaning == "rating" and said.score is not None:
        since = talk.work.now - RATING_ASKED_WITHIN
        asked = await replies.last_rating(talk.work.db, talk.area, talk.user_id, RATING_RULES, since)
        return await _rate(talk, asked, said.score) if asked else await _for_desk(talk)
    return await {"stop": _stop, "start": _start, "ready": _ready}.get(said.meaning, _for_desk)(talk)


async def _stop(talk: Talk) -> Chat | None:
    """No routine messages any more, on any way; those that wait are dropped."""
    addresses = await recipients.addresses_of(talk.work.db, talk.area, talk.user_id)
    await recipients.opt_out(talk.work.db, talk.area, addresses, talk.work.now)
    waiting = await messages.pending_routine_to(talk.work.db, talk.area, addresses)
    on_duty = {row["id"] for row in talk.known if row["on_duty"]}
    await cancel(talk.work, [row for row in waiting if row["recipient_id"] not in on_duty], "opted_out")
    await _say_reply(talk, Answer.STOP, None)
    return talk.answer("chat_stopped")


async def _start(talk: Talk) -> Chat | None:
    addresses = await recipients.addresses_of(talk.work.db, talk.area, talk.user_id)
    await recipients.opt_in(talk.work.db, talk.area, addresses)
    await _say_reply(talk, Answer.START, None)
    return talk.answer("chat_started")


async def _ready(talk: Talk) -> Chat | None:
    """พร้อมกลับ: the return leg of the latest ride of theirs that waits for the word."""
    call_ids = [row["call_id"] for row in talk.known if row["call_id"] is not None]
    trips = await views.ready_trips(talk.work.db, call_ids)
    if not trips:
        return await _for_desk(talk)
    about = {"call_id": trips[0]["call_id"], "trip_id": trips[0]["id"], "patient_id": trips[0]["patient_id"]}
    reply = await _say_reply(talk, Answer.READY, None, about)
    return await _when_agreed(talk, reply, about["patient_id"], await _origin_of(talk, None, reply))


async def _rate(talk: Talk, message: Any, score: int) -> Chat | None:
    if message["call_id"] is None:
        return None
    if await ratings.rated(talk.work.db, message["call_id"], message["id"], message["trip_id"]):
        return talk.answer("chat_rated_already")
    await acknowledge(talk.work, [message], MessageChannel.LINE, at=talk.at)
    row = _row(talk, Answer.SEEN, message, {})
    await replies.put(talk.work.db, replace(row, score=score))
    event = RatingGiven(
        call_id=message["call_id"], trip_id=message["trip_id"], at=talk.at, private=RatingGiven.Private(score=score)
    )
    talk.work.say(row.id, event, _origin(talk, message))
    return talk.answer("chat_rated")


async def _location(talk: Talk) -> Chat | None:
    """Kept for the desk; the point never leaves this service."""
    await _for_desk(talk)
    return talk.answer("chat_location")


async def _for_desk(talk: Talk) -> Chat | None:
    """A person must read it. Whom we do not know is told politely where help is."""
    if not talk.known:
        if isinstance(talk.event, LocationMessage | TextMessage):
            await replies.put(talk.work.db, _row(talk, Answer.UNKNOWN, None, {}))
        return talk.answer("chat_unknown")
    await _say_reply(talk, Answer.UNKNOWN, None, _latest(talk))
    return talk.answer("chat_for_desk")


def _latest(talk: Talk) -> dict[str, Any]:
    """The last call they have to do with."""
    call_id = next((row["call_id"] for row in talk.known if row["call_id"] is not None), None)
    return {"call_id": call_id}


async def _say_reply(talk: Talk, answer: Answer, message: Any | None, about: dict[str, Any] | None = None) -> ReplyRow:
    row = _row(talk, answer, message, about or {})
    await replies.put(talk.work.db, row)
    kind = RecipientKind(row.recipient_kind) if row.recipient_kind else None
    patient_id = (about or {}).get("patient_id") or (row.recipient_id if kind is RecipientKind.PATIENT else None)
    event = ReplyReceived(
        call_id=row.call_id,
        trip_id=row.trip_id,
        assignment_id=row.assignment_id,
        message_id=row.message_id,
        recipient_kind=kind,
        crew_id=row.recipient_id if kind is RecipientKind.CREW else None,
        patient_id=patient_id,
        channel=MessageChannel.LINE,
        answer=answer,
        at=talk.at,
    )
    talk.work.say(row.id, event, await _origin_of(talk, message, row))
    return row


def _row(talk: Talk, answer: Answer, message: Any | None, about: dict[str, Any]) -> ReplyRow:
    event = talk.event
    who = talk.known[0] if talk.known else None
    return ReplyRow(
        id=new_id(),
        area=talk.area,
        channel="line",
        line_user_id=talk.user_id,
        recipient_kind=message["recipient_kind"] if message else (who["kind"] if who else None),
        recipient_id=message["recipient_id"] if message else (who["id"] if who else None),
        call_id=message["call_id"] if message else about.get("call_id"),
        trip_id=message["trip_id"] if message else about.get("trip_id"),
        assignment_id=message["assignment_id"] if message else None,
        message_id=message["id"] if message else None,
        answer=answer.value,
        score=None,
        text=event.text[:5000].replace("\x00", "") if isinstance(event, TextMessage) else None,
        lon=event.lon if isinstance(event, LocationMessage) else None,
        lat=event.lat if isinstance(event, LocationMessage) else None,
        said_at=talk.at,
        came_at=talk.work.now,
    )


def _origin(talk: Talk, message: Any) -> Origin:
    return Origin(talk.area, message["correlation_id"], protected=message["protected"], exercise=message["exercise"])


async def _origin_of(talk: Talk, message: Any | None, row: ReplyRow) -> Origin:
    """A reply inherits from what it is about: the message, else the call, else it stands alone."""
    if message is not None:
        return _origin(talk, message)
    call = await views.read_call(talk.work.db, row.call_id) if row.call_id else None
    if call is None:
        return Origin(talk.area, row.id)
    return Origin(talk.area, call["id"], protected=call["protected"], exercise=call["exercise"])


HANDLERS: dict[type[Any], Callable[[Talk], Awaitable[Chat | None]]] = {
    Follow: _follow,
    Unfollow: _unfollow,
    Postback: _postback,
    TextMessage: _text,
    LocationMessage: _location,
    UnknownEvent: _for_desk,
}
