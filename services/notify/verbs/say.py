"""A message's row as the events that tell of it. Never an address, never a text."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from shared.events.base import Origin
from shared.events.notify import MessageAcknowledged, MessageCancelled, MessageExpired, MessageFailed
from shared.events.words import MessageChannel, MessageClass, RecipientKind
from shared.work import Work

NAMED = {"crew", "patient"}
"""Recipients with an id of their own; the caller's would be the call's."""


def origin_of(message: Any) -> Origin:
    return Origin(
        message["area"], message["correlation_id"], protected=message["protected"], exercise=message["exercise"]
    )


def facts_of(message: Any, at: datetime) -> dict[str, Any]:
    """The fields every event of a message has."""
    recipient_id: UUID | None = message["recipient_id"] if message["recipient_kind"] in NAMED else None
    return {
        "call_id": message["call_id"],
        "trip_id": message["trip_id"],
        "assignment_id": message["assignment_id"],
        "recipient_kind": RecipientKind(message["recipient_kind"]),
        "recipient_id": recipient_id,
        "message_class": MessageClass(message["class"]),
        "at": at,
    }


def say_failed(work: Work, message: Any, channel: MessageChannel, attempt: int, reason: str, *, final: bool) -> None:
    event = MessageFailed(
        **facts_of(message, work.now), channel=channel, attempt=attempt, final=final,
        private=MessageFailed.Private(template=message["template"], reason=reason),
    )  # fmt: skip
    work.say(message["id"], event, origin_of(message))


def say_cancelled(work: Work, message: Any, reason: str) -> None:
    private = MessageCancelled.Private(template=message["template"], reason=reason)
    work.say(message["id"], MessageCancelled(**facts_of(message, work.now), private=private), origin_of(message))


def say_expired(work: Work, message: Any) -> None:
    private = MessageExpired.Private(template=message["template"])
    work.say(message["id"], MessageExpired(**facts_of(message, work.now), private=private), origin_of(message))


def say_acknowledged(work: Work, message: Any, channel: MessageChannel, at: datetime) -> None:
    private = MessageAcknowledged.Private(template=message["template"])
    event = MessageAcknowledged(**facts_of(message, at), channel=channel, private=private)
    work.say(message["id"], event, origin_of(message))
