"""What every channel promises: one message in, one honest outcome out.

A channel never retries a whole message by itself and never guesses. It says which of four things happened, and the
caller, who keeps the records, decides what follows:

=============  ====================================================  ==============================================
Outcome        What is known                                         Next step
=============  ====================================================  ==============================================
``Accepted``   the provider took all of it (accepted, not delivered) wait for receipt or acknowledgement
``TryLater``   nothing more was taken than ``parts``; it may work    the same ``Outgoing.key``, with ``parts_done``
``GiveUp``     it will never work like this                          another channel; ``blame`` says who must mend
``Unknown``    it may or may not have been taken                     emergency: send again; routine: show a human
=============  ====================================================  ==============================================
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from pydantic import SecretStr

from shared.thai.text import Text


class Blame(StrEnum):
    """What a failure lies with: decides whom to tell and whether trying helps."""

    MOMENT = "moment"
    """Temporary: the network, a busy provider. Trying again helps."""
    CHANNEL = "channel"
    """Technical: our token, account, credit, quota or settings. Every message fails until an operator acts."""
    RECIPIENT = "recipient"
    """Permanent for this address: mark the contact."""
    MESSAGE = "message"
    """Permanent for this text: mend the template."""


class Reason(StrEnum):
    """Why a message was not accepted. Codes are stored and published: never rename one."""

    UNREACHABLE = "unreachable"
    NO_ANSWER = "no_answer"
    LINK_LOST = "link_lost"
    SERVER_ERROR = "server_error"
    STRANGE_ANSWER = "strange_answer"
    THROTTLED = "throttled"
    QUOTA_SPENT = "quota_spent"
    CREDIT_SPENT = "credit_spent"
    UNAUTHORISED = "unauthorised"
    MISCONFIGURED = "misconfigured"
    SENDER_REFUSED = "sender_refused"
    BAD_ADDRESS = "bad_address"
    CONTENT_REFUSED = "content_refused"
    TOO_LONG = "too_long"
    REPLY_TOKEN_SPENT = "reply_token_spent"  # noqa: S105
    REFUSED = "refused"


REASONS: dict[Reason, tuple[Blame, Text]] = {
    Reason.UNREACHABLE: (Blame.MOMENT, Text(th="ติดต่อผู้ให้บริการไม่ได้", en="the provider cannot be reached")),
    Reason.NO_ANSWER: (Blame.MOMENT, Text(th="ผู้ให้บริการไม่ตอบทันเวลา", en="the provider did not answer in time")),
    Reason.LINK_LOST: (Blame.MOMENT, Text(th="สายขาดระหว่างส่ง", en="the link broke while sending")),
    Reason.SERVER_ERROR: (Blame.MOMENT, Text(th="ระบบของผู้ให้บริการขัดข้อง", en="the provider's system failed")),
    Reason.STRANGE_ANSWER: (Blame.MOMENT, Text(th="ได้รับคำตอบที่อ่านไม่ออก", en="the answer is not one the provider gives")),
    Reason.THROTTLED: (Blame.MOMENT, Text(th="ส่งเร็วเกินกำหนด ต้องรอ", en="too many at once: wait")),
    Reason.QUOTA_SPENT: (
        Blame.CHANNEL,
        Text(th="โควตาข้อความของเดือนนี้หมดแล้ว", en="this month's quota of messages is spent"),
    ),
    Reason.CREDIT_SPENT: (Blame.CHANNEL, Text(th="เครดิต SMS หมด", en="the SMS credit is spent")),
    Reason.UNAUTHORISED: (Blame.CHANNEL, Text(th="รหัสเข้าใช้ช่องทางไม่ถูกต้อง", en="our credentials are refused")),
    Reason.MISCONFIGURED: (Blame.CHANNEL, Text(th="ตั้งค่าช่องทางไม่ถูกต้อง", en="the channel is set up wrongly")),
    Reason.SENDER_REFUSED: (Blame.CHANNEL, Text(th="ชื่อผู้ส่งยังไม่ได้ลงทะเบียน", en="the sender name is not registered")),
    Reason.BAD_ADDRESS: (Blame.RECIPIENT, Text(th="ที่อยู่ผู้รับใช้ไม่ได้", en="the recipient's address does not work")),
    Reason.CONTENT_REFUSED: (Blame.MESSAGE, Text(th="เนื้อหาข้อความถูกปฏิเสธ", en="the content is refused")),
    Reason.TOO_LONG: (Blame.MESSAGE, Text(th="ข้อความยาวเกินไป", en="the message is too long")),
    Reason.REPLY_TOKEN_SPENT: (
        Blame.MESSAGE,
        Text(th="สิทธิ์ตอบกลับหมดอายุหรือใช้แล้ว ให้ส่งแบบปกติ", en="the reply token is used or too old: push instead"),
    ),
    Reason.REFUSED: (Blame.MESSAGE, Text(th="ผู้ให้บริการปฏิเสธ", en="the provider refused")),
}


@dataclass(frozen=True, slots=True)
class Button:
    """One answer to press. ``data`` comes back as the postback (<= 300 characters); ``label`` <= 20 graphemes."""

    label: str
    data: str
    shown: str | None = None
    """What the chat shows as said by the person; nothing when left out."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message to one address. Address and text never appear in ``repr``, so never in a log by accident."""

    key: UUID
    """Chosen and STORED by the caller before the first call; the same at every try (LINE's retry key)."""
    to: str = field(repr=False)
    """A LINE user id, or an E.164 number such as ``+66812345678``."""
    text: str = field(repr=False)
    buttons: tuple[Button, ...] = ()
    """Stay with the message (LINE only); SMS ignores them."""
    quick_replies: tuple[Button, ...] = ()
    """Gone with the next message (LINE only)."""
    prompt: str = field(default="โปรดตอบ / Please answer", repr=False)
    """Stands above the buttons when the text itself is too long for that place."""
    reply_token: SecretStr | None = None
    """A fresh one from a webhook makes LINE's answer free of quota; it cannot be retried."""
    silent: bool = False
    """LINE shows no notification."""
    valid_for_s: int | None = None
    """After so long the SMS network shall drop it rather than deliver it."""
    urgent: bool = False
    """An emergency's: it waits longer for its turn at a provider than the others, rather than be put off."""
    parts_done: frozenset[int] = frozenset()
    """Numbers (from 1) of the SMS parts that an earlier try got accepted: they are not sent again."""


@dataclass(frozen=True, slots=True)
class Part:
    """One accepted piece: part ``number`` of ``of``, known to the provider as ``provider_id``."""

    number: int
    of: int
    provider_id: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider took everything. ``parts`` holds those of this call (all but ``parts_done``)."""

    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class TryLater:
    """Not now. ``after_s`` is the provider's wish or our advice; ``None`` leaves it to the caller's own pace."""

    reason: Reason
    after_s: float | None = None
    parts: tuple[Part, ...] = ()
    code: str | None = None
    """What the provider said, as a bare code (``http 503``, ``smpp 0x58``): safe to log."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Never, like this."""

    reason: Reason
    parts: tuple[Part, ...] = ()
    code: str | None = None

    @property
    def blame(self) -> Blame:
        return REASONS[self.reason][0]


@dataclass(frozen=True, slots=True)
class Unknown:
    """Perhaps. ``parts`` are certainly accepted, the others may be."""

    reason: Reason
    parts: tuple[Part, ...] = ()
    code: str | None = None


Outcome = Accepted | TryLater | GiveUp | Unknown


class NotSentError(Exception):
    """The link was not there: certainly not accepted."""


class LinkLostError(Exception):
    """Written, but the link broke before an answer: perhaps accepted."""


class NoAnswerError(Exception):
    """Written, and no answer in time: perhaps accepted."""


class Channel(Protocol):
    """Sends one message and says what happened. It raises for nobody: what goes wrong outside is an outcome."""

    async def send(self, message: Outgoing) -> Outcome: ...


class ReceiptState(StrEnum):
    """What the SMS network says of one part."""

    UNDERWAY = "underway"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Receipt:
    """A delivery receipt. It may come before the send returns, twice, late, in any order, or never.

    ``part`` is filled when this process sent it and still remembers; else match ``provider_id`` with what is stored,
    and keep it when nothing matches yet. ``said_at`` is the provider's own time, when it gave one that can be read.
    """

    provider_id: str
    state: ReceiptState
    part: Part | None = None
    key: UUID | None = None
    code: str | None = None
    said_at: datetime | None = None


ReceiptSink = Callable[[Receipt], Awaitable[None]]
"""Returns once the receipt is safe. If it raises, the provider is told to bring the receipt again."""
