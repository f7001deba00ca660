"""One question after the trip, answered on the public page: score and comment, once per call."""

from __future__ import annotations

from typing import Any

import asyncpg

from services.notify.store import ratings, replies
from services.notify.store.replies import ReplyRow
from shared.errors import Refused
from shared.events.base import Origin
from shared.events.notify import RatingGiven
from shared.events.words import Answer, MessageChannel
from shared.work import Work, is_unique, new_id

ALREADY_RATED = (409, "already_rated", "ท่านให้คะแนนเรื่องนี้แล้ว ขอบคุณ", "this was rated already, thank you")


async def rate(work: Work, call: Any, score: int, comment: str | None) -> None:
    """Keep what somebody said; the comment stays here, for the desk.

    Raises:
        Refused: 409, it was rated already.

    """
    if await ratings.rated(work.db, call["id"]):
        raise Refused(*ALREADY_RATED)
    row = ReplyRow(
        id=new_id(), area=call["area"], channel=MessageChannel.APP.value, line_user_id=None, recipient_kind=None,
        recipient_id=None, call_id=call["id"], trip_id=None, assignment_id=None, message_id=None,
        answer=Answer.SEEN.value, score=score, text=comment, lon=None, lat=None, said_at=work.now, came_at=work.now,
    )  # fmt: skip
    try:
        async with work.db.transaction():
            await replies.put(work.db, row)
    except asyncpg.UniqueViolationError as problem:
        if is_unique(problem, "reply_rated_once"):
            raise Refused(*ALREADY_RATED) from problem
        raise
    event = RatingGiven(call_id=call["id"], at=work.now, private=RatingGiven.Private(score=score))
    work.say(row.id, event, Origin(call["area"], call["id"], protected=call["protected"], exercise=call["exercise"]))
