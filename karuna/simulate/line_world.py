"""What the simulated LINE remembers, and what it answers: channels, people, retry keys, reply tokens, quota, inbox.

Behaviour after developers.line.biz/en/reference/messaging-api and .../docs/messaging-api/retrying-api-request. No I/O
here: the time is passed in and answers are values.
"""

from __future__ import annotations

import json
import re
import secrets
import uuid
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import Any

from karuna.simulate.faults import Faults
from karuna.simulate.inbox import Entry, Inbox
from karuna.simulate.line_rules import ADDRESS, check_messages

RETRY_KEY_LIFETIME_S = 24 * 3600
REPLY_TOKEN_LIFETIME_S = 60
KEYS_KEPT = 50_000
USERS_KEPT = 20_000
TOKENS_KEPT = 5_000
LARGEST_BODY = 2 * 1024 * 1024
FAULTS = {
    "rate_limited",  # 429, too many requests
    "quota_spent",  # 429, this month's messages are used up
    "server_error",  # 500, nothing accepted
    "accept_then_500",  # accepted, but 500 is answered
    "lose_request",  # the link breaks before anything is accepted
    "lose_response",  # accepted, then the link breaks
    "slow",  # accepted after delay_s
    "strange",  # 200 from something that is not LINE
}
UUID_SHAPE = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(slots=True)
class Channel:
    """One LINE Official Account. ``quota`` is ``None`` for unlimited."""

    token: str
    secret: str
    webhook_url: str | None = None
    bot_id: str = "U" + "0" * 31 + "1"
    quota: int | None = None
    used: int = 0
    redelivery: int = 0
    """How often a webhook that was not answered with 2xx is sent again (LINE: off by default)."""


@dataclass(slots=True)
class User:
    """A simulated person. ``unknown`` ids exist nowhere: LINE refuses to send to them."""

    blocked: bool = False
    unknown: bool = False
    channel: Channel | None = None


@dataclass(slots=True)
class Answer:
    """What the HTTP layer shall do. ``cut``: break the link instead; ``delay_s``: answer after so long."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    delay_s: float = 0.0
    html: str | None = None


@dataclass(slots=True)
class _Sent:
    request_id: str
    messages: list[dict[str, str]]
    at_s: float


def _error(status: int, message: str, details: list[dict[str, str]] | None = None) -> Answer:
    return Answer(status, {"message": message, "details": details} if details else {"message": message})


class LineWorld:
    """``rate_per_s`` is LINE's 2,000 requests a second for each endpoint of a channel."""

    def __init__(self, *channels: Channel, inbox: Inbox | None = None, rate_per_s: int = 2000) -> None:
        self.channels = {channel.token: channel for channel in channels}
        self.inbox = inbox or Inbox()
        self.faults = Faults(FAULTS)
        self.users: OrderedDict[str, User] = OrderedDict()
        self._rate_per_s = rate_per_s
        self._recent: dict[tuple[str, str], deque[float]] = {}
        self._sent: OrderedDict[tuple[str, str], _Sent] = OrderedDict()
        self._tokens: OrderedDict[str, tuple[str, str, float]] = OrderedDict()
        self._next_id = 500_000_000_000_000_000

    def user(self, user_id: str) -> User:
        user = self.users.setdefault(user_id, User())
        if len(self.users) > USERS_KEPT:
            self.users.popitem(last=False)
        return user

    def channel_of(self, user_id: str) -> Channel:
        """The one that last wrote to this person, else the first."""
        return self.user(user_id).channel or next(iter(self.channels.values()))

    def authorise(self, authorization: str) -> Channel | Answer:
        channel = self.channels.get(authorization.removeprefix("Bearer "))
        if not authorization.startswith("Bearer ") or channel is None:
            why = "Confirm that the access token in the authorization header is valid."
            return _error(401, f"Authentication failed. {why}")
        return channel

    def push(self, channel: Channel, key: str | None, raw: bytes, now_s: float) -> Answer:
        """``POST /v2/bot/message/push``."""
        if key is not None and not UUID_SHAPE.fullmatch(key):
            return _error(400, "The value of X-Line-Retry-Key is invalid")
        if key is not None and (before := self._accepted_before(channel, key, now_s)):
            body = {"message": "The retry key is already accepted", "sentMessages": before.messages}
            return Answer(409, body, {"x-line-accepted-request-id": before.request_id})
        parsed = _parsed(raw)
        if isinstance(parsed, Answer):
            return parsed
        to = parsed.get("to")
        return self._with_fault(
            lambda: self._push(channel, key, parsed, now_s), channel, "push", to if isinstance(to, str) else None, now_s
        )

    def reply(self, channel: Channel, key: str | None, raw: bytes, now_s: float) -> Answer:
        """``POST /v2/bot/message/reply``: no retry key, each token once."""
        if key is not None:
            return _error(400, "X-Line-Retry-Key is not supported by this endpoint")
        body = _parsed(raw)
        if isinstance(body, Answer):
            return body
        return self._with_fault(lambda: self._reply(channel, body, now_s), channel, "reply", None, now_s)

    def quota(self, channel: Channel) -> Answer:
        if channel.quota is None:
            return Answer(200, {"type": "none"})
        return Answer(200, {"type": "limited", "value": channel.quota})

    def consumption(self, channel: Channel) -> Answer:
        return Answer(200, {"totalUsage": channel.used})

    def reply_token(self, channel: Channel, user_id: str, now_s: float) -> str:
        token = secrets.token_hex(16)
        self._tokens[token] = (channel.token, user_id, now_s)
        if len(self._tokens) > TOKENS_KEPT:
            self._tokens.popitem(last=False)
        return token

    def _with_fault(self, accept: Any, channel: Channel, endpoint: str, to: str | None, now_s: float) -> Answer:
        if self._too_fast(channel, endpoint, now_s):
            return _error(429, "The API rate limit has been exceeded. Try again later.")
        fault = self.faults.take(to)
        kind = fault.kind if fault else None
        if kind in REFUSALS:
            return REFUSALS[kind]()
        answer: Answer = accept()
        if fault and kind == "slow":
            answer.delay_s = fault.delay_s
        elif kind == "lose_response":
            answer.cut = True
        elif kind == "accept_then_500":
            return _error(500, "Internal server error")
        return answer

    def _too_fast(self, channel: Channel, endpoint: str, now_s: float) -> bool:
        recent = self._recent.setdefault((channel.token, endpoint), deque())
        while recent and recent[0] <= now_s - 1:
            recent.popleft()
        if len(recent) >= self._rate_per_s:
            return True
        recent.append(now_s)
        return False

    def _push(self, channel: Channel, key: str | None, body: dict[str, Any], now_s: float) -> Answer:
        to = body.get("to")
        if not isinstance(to, str) or not ADDRESS.fullmatch(to):
            return _error(400, "The property, 'to', in the request body is invalid (line: -, column: -)")
        if details := check_messages(body.get("messages")):
            return _error(400, f"The request body has {len(details)} error(s)", details)
        user = self.user(to)
        if user.unknown:
            return _error(400, "Failed to send messages")
        if channel.quota is not None and channel.used >= channel.quota:
            return _error(429, "You have reached your monthly limit.")
        channel.used += 1
        user.channel = channel
        sent = self._show(channel, to, body["messages"], now_s, how="push")
        if key is not None:
            self._sent[(channel.token, key)] = sent
            if len(self._sent) > KEYS_KEPT:
                self._sent.popitem(last=False)
        return Answer(200, {"sentMessages": sent.messages}, {"x-line-request-id": sent.request_id})

    def _reply(self, channel: Channel, body: dict[str, Any], now_s: float) -> Answer:
        if details := check_messages(body.get("messages")):
            return _error(400, f"The request body has {len(details)} error(s)", details)
        owner, user_id, given_s = self._tokens.pop(str(body.get("replyToken")), ("", "", 0.0))
        if owner != channel.token or now_s - given_s > REPLY_TOKEN_LIFETIME_S:
            return _error(400, "Invalid reply token")
        sent = self._show(channel, user_id, body["messages"], now_s, how="reply")
        return Answer(200, {"sentMessages": sent.messages}, {"x-line-request-id": sent.request_id})

    def _accepted_before(self, channel: Channel, key: str, now_s: float) -> _Sent | None:
        sent = self._sent.get((channel.token, key))
        return sent if sent and now_s - sent.at_s < RETRY_KEY_LIFETIME_S else None

    def _show(self, channel: Channel, to: str, messages: list[dict[str, Any]], now_s: float, *, how: str) -> _Sent:
        user = self.user(to)
        text = "\n".join(said for message in messages if (said := _said(message)))
        entry = self.inbox.add("line", channel.bot_id, to, text, "blocked" if user.blocked else "shown")
        entry.buttons = [] if user.blocked else [button for message in messages for button in _buttons(message)]
        entry.details = {"how": how, "messages": messages}
        return _Sent(str(uuid.uuid4()), self._message_ids(len(messages), entry), now_s)

    def _message_ids(self, count: int, entry: Entry) -> list[dict[str, str]]:
        ids = []
        for _ in range(count):
            self._next_id += 1
            ids.append({"id": str(self._next_id), "quoteToken": secrets.token_urlsafe(12)})
        entry.details["ids"] = [one["id"] for one in ids]
        return ids


REFUSALS = {
    "rate_limited": lambda: _error(429, "The API rate limit has been exceeded. Try again later."),
    "quota_spent": lambda: _error(429, "You have reached your monthly limit."),
    "server_error": lambda: _error(500, "Internal server error"),
    "lose_request": lambda: Answer(500, {}, cut=True),
    "strange": lambda: Answer(200, {}, html="<html><body>Please sign in to the Wi-Fi</body></html>"),
}
"""Faults in which nothing is accepted."""


def _parsed(raw: bytes) -> dict[str, Any] | Answer:
    if len(raw) > LARGEST_BODY:
        return _error(413, "Payload Too Large")
    try:
        body = json.loads(raw)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        return _error(400, "The request body could not be parsed as JSON (line: -, column: -)")
    return body


def _said(message: dict[str, Any]) -> str:
    if message["type"] == "template":
        return str(message["template"].get("text") or message["altText"])
    return str(message.get("text") or message.get("altText") or f"[{message['type']}]")


def _buttons(message: dict[str, Any]) -> list[dict[str, str]]:
    """The postback buttons a person can press, wherever they stand in the message."""
    actions = list(message.get("template", {}).get("actions", []))
    actions += [item["action"] for item in message.get("quickReply", {}).get("items", [])]
    return [{"label": a["label"], "data": a["data"]} for a in actions if a["type"] == "postback"]
