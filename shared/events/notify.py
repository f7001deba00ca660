"""What notify says: what was sent, seen and answered. Never an address, a text or what somebody wrote.

Aggregates: ``message`` (one intent for one recipient, through all its attempts), ``reply`` and ``rating`` by their
own ids.
"""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from shared.events.base import Event, Part
from shared.events.words import Answer, Code, Instant, MessageChannel, MessageClass, RecipientKind


class About(Part):
    """What it is about; all None for what concerns no call."""

    call_id: UUID | None = None
    trip_id: UUID | None = None
    assignment_id: UUID | None = None


class MessagePrivate(Part):
    template: Code
    """Private: a guidance card's name tells of health."""


class MessageFacts(About):
    """What every event of a message says."""

    recipient_kind: RecipientKind
    recipient_id: UUID | None = None
    """The crew member or the patient; None for callers and the desk."""
    message_class: MessageClass
    at: Instant


class Sent(MessageFacts):
    """What happened to one attempt."""

    channel: MessageChannel
    attempt: int = Field(ge=1)


class MessagePlanned(MessageFacts, Event, type="notify.message.planned.v1"):
    """เตรียมข้อความแล้ว | Somebody is to be told."""

    channel: MessageChannel
    """The way tried first."""
    send_at: Instant
    """Not before this moment: reminders and quiet hours."""
    expires_at: Instant | None = None
    acknowledge_by_at: Instant | None = None
    """Unless seen by then, another way is tried; None: seeing it is not needed."""

    class Private(MessagePrivate):
        pass

    private: Private


class MessageAccepted(Sent, Event, type="notify.message.accepted.v1"):
    """ผู้ให้บริการรับส่งแล้ว | A provider took it; that is not yet delivery."""

    class Private(MessagePrivate):
        pass

    private: Private


class MessageDelivered(Sent, Event, type="notify.message.delivered.v1"):
    """ถึงเครื่องผู้รับแล้ว | Every part reached the device."""

    class Private(MessagePrivate):
        pass

    private: Private


class MessageFailed(Sent, Event, type="notify.message.failed.v1"):
    """ส่งไม่สำเร็จ | This attempt did not arrive, or nobody can know."""

    final: bool
    """True: no other way is left; a person must see to it."""

    class Private(MessagePrivate):
        reason: Code
        """``unknown`` where the provider's answer was lost and repeating might tell twice."""

    private: Private


class MessageAcknowledged(MessageFacts, Event, type="notify.message.acknowledged.v1"):
    """ผู้รับเห็นแล้ว | The recipient, or the desk for them, says that it was seen; every pending step ends."""

    channel: MessageChannel

    class Private(MessagePrivate):
        pass

    private: Private


class MessageExpired(MessageFacts, Event, type="notify.message.expired.v1"):
    """หมดเวลาแล้ว | Nobody saw it in time, and no way is left."""

    class Private(MessagePrivate):
        pass

    private: Private


class MessageCancelled(MessageFacts, Event, type="notify.message.cancelled.v1"):
    """ยกเลิกข้อความ | It became pointless, or the recipient wants none."""

    class Private(MessagePrivate):
        reason: Code

    private: Private


class ReplyReceived(About, Event, type="notify.reply.received.v1"):
    """ได้รับคำตอบ | What a reply means; its text stays with notify."""

    message_id: UUID | None = None
    recipient_kind: RecipientKind | None = None
    """Who answered, where that is known."""
    crew_id: UUID | None = None
    patient_id: UUID | None = None
    channel: MessageChannel
    answer: Answer
    at: Instant
    """When it was given, by the provider's clock."""


class RatingGiven(Event, type="notify.rating.given.v1"):
    """ให้คะแนนบริการ | One question after the trip; a comment stays with notify."""

    call_id: UUID
    trip_id: UUID | None = None
    at: Instant

    class Private(Part):
        score: int = Field(ge=1, le=5)

    private: Private
