"""What simulated people do in LINE, and the webhook that tells us of it, signed as LINE signs."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from typing import Any

import httpx

from karuna.simulate.line_world import Channel, LineWorld

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
WEBHOOK_WITHIN_S = 20.0
"""Longer than LINE itself waits: here receiver and sender may share one small and busy machine."""


def ulid(now_s: float) -> str:
    """A ULID: 48 bits of milliseconds and 80 random bits in Crockford's base 32 (github.com/ulid/spec)."""
    number = (int(now_s * 1000) << 80) | secrets.randbits(80)
    return "".join(CROCKFORD[(number >> shift) & 31] for shift in range(125, -1, -5))


def signature(raw: bytes, secret: str) -> str:
    return base64.b64encode(hmac.new(secret.encode(), raw, hashlib.sha256).digest()).decode()


class People:
    """Sends webhooks. Made with an open client; whoever opened it closes it."""

    def __init__(self, world: LineWorld, client: httpx.AsyncClient) -> None:
        self._world, self._client = world, client
        self._next_message = 600_000_000_000_000_000

    async def act(self, user_id: str, kind: str, body: dict[str, Any], now_s: float) -> dict[str, Any]:
        """Let a person press, write, follow and so on; ``kind`` is one of :data:`ACTS`.

        ``body`` may order ``redeliver`` (how often the same event comes again) and ``signature: "wrong"``. Gives
        ``{"webhookEventId", "statuses", "replyToken"}``; status 0 is no answer.

        Raises:
            ValueError: no webhook address, or a field is missing.

        """
        channel = self._world.channel_of(user_id)
        event = self._event(channel, user_id, kind, body, now_s)
        again = int(body.get("redeliver", 0))
        wrong = body.get("signature") == "wrong"
        statuses = [await self._deliver(channel, event, wrong=wrong)]
        for _ in range(again or channel.redelivery):
            if again or not 200 <= statuses[-1] < 300:
                event["deliveryContext"]["isRedelivery"] = True
                statuses.append(await self._deliver(channel, event, wrong=wrong))
        answer = {"webhookEventId": event["webhookEventId"], "statuses": statuses}
        return {**answer, "replyToken": event.get("replyToken")}

    def _event(self, channel: Channel, user_id: str, kind: str, body: dict[str, Any], now_s: float) -> dict[str, Any]:
        self._next_message += 1
        try:
            own = ACTS[kind](body, str(self._next_message))
        except KeyError as problem:
            raise ValueError(f"missing: {problem.args[0]}") from None
        event = {
            **own,
            "webhookEventId": ulid(now_s),
            "deliveryContext": {"isRedelivery": False},
            "timestamp": int(now_s * 1000),
            "mode": "active",
            "source": {"type": "user", "userId": user_id},
        }
        if kind == "unfollow":
            self._world.user(user_id).blocked = True
        elif kind == "follow":
            self._world.user(user_id).blocked = False
        if kind in {"postback", "text", "location", "follow"}:
            event["replyToken"] = self._world.reply_token(channel, user_id, now_s)
        return event

    async def _deliver(self, channel: Channel, event: dict[str, Any], *, wrong: bool) -> int:
        if channel.webhook_url is None:
            raise ValueError("no webhook address is set for this channel")
        raw = json.dumps({"destination": channel.bot_id, "events": [event]}, ensure_ascii=False).encode()
        signed = signature(raw, "not the secret" if wrong else channel.secret)
        headers = {"content-type": "application/json; charset=utf-8", "x-line-signature": signed}
        try:
            answer = await self._client.post(
                channel.webhook_url, content=raw, headers=headers, timeout=WEBHOOK_WITHIN_S
            )
        except httpx.HTTPError:
            return 0
        return answer.status_code


def _message(content: dict[str, Any], message_id: str) -> dict[str, Any]:
    return {"type": "message", "message": {"id": message_id, **content}}


def _text(body: dict[str, Any], message_id: str) -> dict[str, Any]:
    return _message({"type": "text", "text": body["text"], "quoteToken": secrets.token_urlsafe(12)}, message_id)


def _location(body: dict[str, Any], message_id: str) -> dict[str, Any]:
    place = {"latitude": float(body["lat"]), "longitude": float(body["lon"])}
    said: dict[str, Any] = {name: body[name] for name in ("title", "address") if name in body}
    return _message({"type": "location", **said, **place}, message_id)


def _postback(body: dict[str, Any], _: str) -> dict[str, Any]:
    params = {"params": body["params"]} if "params" in body else {}
    return {"type": "postback", "postback": {"data": body["data"], **params}}


ACTS: dict[str, Any] = {
    "postback": _postback,
    "text": _text,
    "location": _location,
    "follow": lambda body, _: {"type": "follow", "follow": {"isUnblocked": bool(body.get("unblocked", False))}},
    "unfollow": lambda _, __: {"type": "unfollow"},
    "delivery": lambda body, _: {"type": "delivery", "delivery": {"data": body["tag"]}},
    "event": lambda body, _: dict(body["event"]),
}
"""What a person can do -> the event LINE makes of it. ``event`` sends any shape, for what is unknown yet."""
