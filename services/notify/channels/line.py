"""LINE, by its Messaging API: push with a retry key, reply with a token, and what is left of the month's quota.

Sources: developers.line.biz/en/reference/messaging-api, .../docs/messaging-api/retrying-api-request, and
github.com/line/line-openapi (messaging-api.yml).

=============================  ============================  =========================================================
Answer to a push               Outcome                       Why
=============================  ============================  =========================================================
200                            accepted                      accepted is not delivered: a blocked account answers 200
409                            accepted                      this retry key was accepted before
429 "monthly limit"            give up, quota spent          no retry helps before the month ends
429 otherwise                  try later, throttled          2,000 requests a second and channel
500 to 599, time-out, no link  try later, with the same key  the key makes the repetition harmless for 24 hours
400 about ``to``               give up, bad address          LINE names the property
400 otherwise, 413, 415        give up, content refused
401                            give up, unauthorised         token wrong or revoked: technical, every message fails
403, 404, 410                  give up, misconfigured        plan or address of the API: technical
other 4xx                      give up, refused              LINE's rule: 4xx is final
anything else                  try later, strange answer     a proxy or portal answered, not LINE
=============================  ============================  =========================================================

A reply has no retry key. Its token works once, so a time-out or 5xx leaves it unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from services.notify.channels.base import Accepted, GiveUp, Outcome, Outgoing, Part, Reason, TryLater, Unknown
from services.notify.channels.line_messages import ADDRESS, JsonObject, MessageUnfitError, message_objects

RETRY_KEY_LIFETIME_S = 24 * 3600
"""LINE forgets a retry key after this: a later repetition would be a second message."""

PUSH = "/v2/bot/message/push"
REPLY = "/v2/bot/message/reply"
QUOTA = "/v2/bot/message/quota"
CONSUMPTION = "/v2/bot/message/quota/consumption"

OK, CONFLICT, TOO_MANY = 200, 409, 429
FINAL: dict[int, Reason] = {
    401: Reason.UNAUTHORISED,
    403: Reason.MISCONFIGURED,
    404: Reason.MISCONFIGURED,
    410: Reason.MISCONFIGURED,
    413: Reason.CONTENT_REFUSED,
    415: Reason.CONTENT_REFUSED,
}
WORDS_OF_400: list[tuple[str, Reason]] = [
    ("invalid reply token", Reason.REPLY_TOKEN_SPENT),
    ("'to'", Reason.BAD_ADDRESS),
    ("failed to send messages", Reason.BAD_ADDRESS),
]
"""The list of error messages in the reference; matched in lower case, the first wins."""
QUOTA_WORDS = "monthly limit"
NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


class LineSettings(BaseModel):
    """One channel (LINE Official Account) of one municipality."""

    model_config = ConfigDict(frozen=True)

    access_token: SecretStr
    base_url: str = "https://api.line.me"
    timeout_s: float = Field(default=10.0, gt=0)
    connect_timeout_s: float = Field(default=3.0, gt=0)


@dataclass(frozen=True, slots=True)
class Quota:
    """Messages of this month. ``limit`` is ``None`` for a plan without limit."""

    limit: int | None
    used: int

    @property
    def left(self) -> int | None:
        return None if self.limit is None else max(0, self.limit - self.used)


class LineChannel:
    """Open it with ``async with``, or end it with :meth:`close`. Safe to use from many tasks."""

    def __init__(self, settings: LineSettings) -> None:
        self._client = httpx.AsyncClient(
            base_url=settings.base_url,
            headers={"Authorization": f"Bearer {settings.access_token.get_secret_value()}"},
            timeout=httpx.Timeout(settings.timeout_s, connect=settings.connect_timeout_s),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._client.aclose()

    async def send(self, message: Outgoing) -> Outcome:
        """Push to ``message.to``, or answer with ``message.reply_token`` when there is one."""
        try:
            objects = message_objects(message)
        except MessageUnfitError as problem:
            return GiveUp(problem.reason)
        if message.reply_token is not None:
            return await self._reply(message.reply_token, objects, silent=message.silent)
        if not ADDRESS.fullmatch(message.to):
            return GiveUp(Reason.BAD_ADDRESS)
        body = {"to": message.to, "messages": objects, "notificationDisabled": message.silent}
        return await self._push(body, {"X-Line-Retry-Key": str(message.key)})

    async def quota(self) -> Quota:
        """How many messages this month allows and how many went. At most a few times a minute, says LINE.

        Raises:
            httpx.HTTPError: LINE cannot be reached or refuses.
            ValueError: the answer is not LINE's.

        """
        limit = (await self._client.get(QUOTA)).raise_for_status().json()
        used = (await self._client.get(CONSUMPTION)).raise_for_status().json()
        try:
            return Quota(int(limit["value"]) if limit["type"] == "limited" else None, int(used["totalUsage"]))
        except (KeyError, TypeError) as problem:
            raise ValueError("not an answer of the quota endpoint") from problem

    async def _push(self, body: JsonObject, headers: dict[str, str]) -> Outcome:
        try:
            answer = await self._client.post(PUSH, json=body, headers=headers)
        except httpx.TimeoutException:
            return TryLater(Reason.NO_ANSWER)
        except httpx.HTTPError as problem:
            return TryLater(Reason.UNREACHABLE if isinstance(problem, NEVER_SENT) else Reason.LINK_LOST)
        if answer.status_code in {OK, CONFLICT}:
            return _accepted(answer) or TryLater(Reason.STRANGE_ANSWER, code=_code(answer))
        return _refused(answer) or TryLater(_temporary(answer), _retry_after(answer), code=_code(answer))

    async def _reply(self, token: SecretStr, objects: list[JsonObject], *, silent: bool) -> Outcome:
        body = {"replyToken": token.get_secret_value(), "messages": objects, "notificationDisabled": silent}
        try:
            answer = await self._client.post(REPLY, json=body)
        except NEVER_SENT:
            return TryLater(Reason.UNREACHABLE)
        except httpx.TimeoutException:
            return Unknown(Reason.NO_ANSWER)
        except httpx.HTTPError:
            return Unknown(Reason.LINK_LOST)
        if answer.status_code == OK:
            return _accepted(answer) or Unknown(Reason.STRANGE_ANSWER, code=_code(answer))
        if answer.status_code == TOO_MANY and _refused(answer) is None:
            return TryLater(Reason.THROTTLED, _retry_after(answer), code=_code(answer))
        return _refused(answer) or Unknown(_temporary(answer), code=_code(answer))


def _accepted(answer: httpx.Response) -> Accepted | None:
    """``None`` when this was not LINE speaking: it always names the request, and what it sent."""
    sent = _json(answer).get("sentMessages")
    ids = [str(one["id"]) for one in sent if isinstance(one, dict) and "id" in one] if isinstance(sent, list) else []
    request_id = answer.headers.get("x-line-accepted-request-id") or answer.headers.get("x-line-request-id")
    if not ids and not request_id:
        return None
    ids = ids or [request_id]
    return Accepted(tuple(Part(number, len(ids), one) for number, one in enumerate(ids, 1)))


def _refused(answer: httpx.Response) -> GiveUp | None:
    """The final answers; ``None`` for those worth another try."""
    status, said = answer.status_code, _words(answer)
    if status == TOO_MANY:
        return GiveUp(Reason.QUOTA_SPENT, code=_code(answer)) if QUOTA_WORDS in said else None
    if status in FINAL:
        return GiveUp(FINAL[status], code=_code(answer))
    if status == httpx.codes.BAD_REQUEST:
        known = (reason for words, reason in WORDS_OF_400 if words in said)
        return GiveUp(next(known, Reason.CONTENT_REFUSED), code=_code(answer))
    return GiveUp(Reason.REFUSED, code=_code(answer)) if answer.is_client_error else None


def _temporary(answer: httpx.Response) -> Reason:
    if answer.status_code == TOO_MANY:
        return Reason.THROTTLED
    return Reason.SERVER_ERROR if answer.is_server_error else Reason.STRANGE_ANSWER


def _words(answer: httpx.Response) -> str:
    """What LINE complains of, in lower case: its message, and ``'to'`` when a detail names that property."""
    body = _json(answer)
    details = body.get("details")
    named = [str(one.get("property")) for one in details if isinstance(one, dict)] if isinstance(details, list) else []
    return " ".join([str(body.get("message", "")), *(f"'{name}'" for name in named)]).lower()


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _retry_after(answer: httpx.Response) -> float | None:
    value: str = answer.headers.get("retry-after", "")
    return float(value) if value.isascii() and value.isdigit() else None


def _code(answer: httpx.Response) -> str:
    return f"http {answer.status_code}"
