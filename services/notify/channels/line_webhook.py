"""What LINE tells us: the signature over the raw body, and the events as typed models.

Sources: developers.line.biz/en/docs/messaging-api/verify-webhook-signature and .../receiving-messages, and
github.com/line/line-openapi (webhook.yml). Redelivered events may come late and out of order: drop repetitions by
``event_id``, order by ``at``. An event of a type or shape unknown here is kept as :class:`UnknownEvent`, never dropped.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError, OSError)


class WebhookUnreadableError(ValueError):
    """The body is not a webhook of LINE, though its signature may be right."""


class LineEvent(BaseModel):
    """What every event has. ``user_id`` is per provider, absent where LINE gives none (groups, old clients)."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    kind: str
    event_id: str
    """A ULID, the same when redelivered."""
    at: datetime
    is_redelivery: bool
    standby: bool
    """Another system is talking to this person now: read, but do not answer."""
    user_id: str | None = Field(default=None, repr=False)
    group_id: str | None = Field(default=None, repr=False)
    reply_token: SecretStr | None = None


class Follow(LineEvent):
    kind: Literal["follow"] = "follow"
    unblocked: bool = False
    """True when the person had blocked the account before."""


class Unfollow(LineEvent):
    """Blocked or removed: LINE goes on answering 200 to pushes that nobody will see."""

    kind: Literal["unfollow"] = "unfollow"


class TextMessage(LineEvent):
    kind: Literal["text"] = "text"
    message_id: str
    text: str = Field(repr=False)


class LocationMessage(LineEvent):
    kind: Literal["location"] = "location"
    message_id: str
    lon: float = Field(repr=False, ge=-180, le=180)
    lat: float = Field(repr=False, ge=-90, le=90)
    title: str | None = Field(default=None, repr=False)
    address: str | None = Field(default=None, repr=False)


class Postback(LineEvent):
    kind: Literal["postback"] = "postback"
    data: str
    params: dict[str, Any] | None = None


class Delivery(LineEvent):
    """A LINE notification message (sent by phone number) arrived; ``tag`` is our delivery tag or the hashed number."""

    kind: Literal["delivery"] = "delivery"
    tag: str


class UnknownEvent(LineEvent):
    kind: Literal["unknown"] = "unknown"
    type: str
    raw: dict[str, Any] = Field(repr=False)


Event = Follow | Unfollow | TextMessage | LocationMessage | Postback | Delivery | UnknownEvent


class Webhook(BaseModel):
    model_config = ConfigDict(frozen=True)

    destination: str
    """The user id of our bot: which channel is meant."""
    events: tuple[Event, ...]
    """Empty when LINE only tests the address."""


def verify(raw_body: bytes, signature: str | None, secrets: Sequence[SecretStr]) -> bool:
    """Is ``signature`` (header ``X-Line-Signature``) made from exactly these bytes with one of our channel secrets?

    Several secrets let one be exchanged for another without losing events. Compared in constant time.
    """
    given = (signature or "").encode("utf-8", "replace")
    right = [hmac.compare_digest(given, sign(raw_body, secret)) for secret in secrets]
    return any(right)


def sign(raw_body: bytes, secret: SecretStr) -> bytes:
    """Base64 of HMAC-SHA256 with the channel secret."""
    digest = hmac.new(secret.get_secret_value().encode(), raw_body, hashlib.sha256).digest()
    return base64.b64encode(digest)


def parse(raw_body: bytes) -> Webhook:
    """The events in ``raw_body``. Verify first.

    Raises:
        WebhookUnreadableError: not JSON, or not an object with ``destination`` and ``events``.

    """
    try:
        body = json.loads(raw_body)
        events = [_read(event) for event in body["events"]]
        return Webhook(destination=body["destination"], events=tuple(events))
    except UNREADABLE as problem:
        raise WebhookUnreadableError(type(problem).__name__) from None


def _read(event: dict[str, Any]) -> Event:
    common = _common(event)
    try:
        model, fields = _SHAPES[_shape_of(event)](event)
        return model.model_validate({**common, **fields})
    except (KeyError, TypeError, AttributeError, ValidationError):
        return UnknownEvent(**common, type=str(event["type"]), raw=event)


def _shape_of(event: dict[str, Any]) -> str:
    return f"message/{event['message']['type']}" if event["type"] == "message" else str(event["type"])


def _common(event: dict[str, Any]) -> dict[str, Any]:
    source = event.get("source") or {}
    return {
        "event_id": event["webhookEventId"],
        "at": datetime.fromtimestamp(event["timestamp"] / 1000, UTC),
        "is_redelivery": event["deliveryContext"]["isRedelivery"],
        "standby": event.get("mode") == "standby",
        "user_id": source.get("userId"),
        "group_id": source.get("groupId") or source.get("roomId"),
        "reply_token": event.get("replyToken"),
    }


def _location(event: dict[str, Any]) -> tuple[type[Event], dict[str, Any]]:
    said = event["message"]
    fields = {"message_id": said["id"], "lon": said["longitude"], "lat": said["latitude"]}
    return LocationMessage, {**fields, "title": said.get("title"), "address": said.get("address")}


_SHAPES: dict[str, Callable[[dict[str, Any]], tuple[type[Event], dict[str, Any]]]] = {
    "follow": lambda e: (Follow, {"unblocked": (e.get("follow") or {}).get("isUnblocked", False)}),
    "unfollow": lambda _: (Unfollow, {}),
    "message/text": lambda e: (TextMessage, {"message_id": e["message"]["id"], "text": e["message"]["text"]}),
    "message/location": _location,
    "postback": lambda e: (Postback, {"data": e["postback"]["data"], "params": e["postback"].get("params")}),
    "delivery": lambda e: (Delivery, {"tag": e["delivery"]["data"]}),
}
