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
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from services.notify.channels.base import (
    Accepted,
    GiveUp,
    LinkLostError,
    NoAnswerError,
    NotSentError,
    Outcome,
    Outgoing,
    Part,
    Reason,
    TryLater,
    Unknown,
)
from services.notify.channels.calling import Caller, Calling, HttpAnswer
from services.notify.channels.line_messages import ADDRESS, JsonObject, MessageUnfitError, message_objects

RETRY_KEY_LIFETIME_S = 24 * 3600
"""LINE forgets a retry key after this: a later repetition would be a second message."""

PUSH = "/v2/bot/message/push"
REPLY = "/v2/bot/message/reply"
QUOTA = "/v2/bot/message/quota"
CONSUMPTION = "/v2/bot/message/quota/consumption"

OK, BAD_REQUEST, CONFLICT, TOO_MANY = 200, 400, 409, 429
CLIENT_ERRORS, SERVER_ERRORS = range(400, 500), range(500, 600)
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


class LineSettings(BaseModel):
    """One channel (LINE Official Account) of one municipality."""

    model_config = ConfigDict(frozen=True)

    access_token: SecretStr
    base_url: str = "https://api.line.me"
    proxy: str | None = None
    timeout_s: float = Field(default=10.0, gt=0)
    connect_timeout_s: float = Field(default=3.0, gt=0)


class QuotaUnknownError(ValueError):
    """LINE did not say; the message is a bare code."""


@dataclass(frozen=True, slots=True)
class Quota:
    """Messages of this month. ``limit`` is ``None`` for a plan without limit."""

    limit: int | None
    used: int

    @property
    def left(self) -> int | None:
        return None if self.limit is None else max(0, self.limit - self.used)


class LineChannel(Calling):
    """Open it with ``async with``, or end it with :meth:`close`. Safe to use from many tasks."""

    def __init__(self, settings: LineSettings) -> None:
        self._base = settings.base_url.rstrip("/")
        bearer = {"Authorization": f"Bearer {settings.access_token.get_secret_value()}"}
        self._caller = Caller(settings.timeout_s, settings.connect_timeout_s, headers=bearer, proxy=settings.proxy)

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
            QuotaUnknownError: LINE cannot be reached, refuses, or it is not LINE that answers.

        """
        try:
            limit, used = await self._read(QUOTA), await self._read(CONSUMPTION)
            return Quota(int(limit["value"]) if limit["type"] == "limited" else None, int(used["totalUsage"]))
        except (NotSentError, NoAnswerError, LinkLostError, KeyError, TypeError) as problem:
            raise QuotaUnknownError(type(problem).__name__) from None

    async def _read(self, path: str) -> dict[str, Any]:
        answer = await self._caller.get(self._base + path)
        if answer.status != OK:
            raise QuotaUnknownError(answer.code)
        return _json(answer)

    async def _push(self, body: JsonObject, headers: dict[str, str]) -> Outcome:
        try:
            answer = await self._caller.post_json(self._base + PUSH, body, headers)
        except NotSentError:
            return TryLater(Reason.UNREACHABLE)
        except NoAnswerError:
            return TryLater(Reason.NO_ANSWER)
        except LinkLostError:
            return TryLater(Reason.LINK_LOST)
        if answer.status in {OK, CONFLICT}:
            return _accepted(answer) or TryLater(Reason.STRANGE_ANSWER, code=answer.code)
        return _refused(answer) or TryLater(_temporary(answer), answer.retry_after_s, code=answer.code)

    async def _reply(self, token: SecretStr, objects: list[JsonObject], *, silent: bool) -> Outcome:
        """A reply has no retry key, but its token works once: asked again, a token that is spent by now tells that the
        first was taken.
        """
        body = {"replyToken": token.get_secret_value(), "messages": objects, "notificationDisabled": silent}
        first = await self._reply_once(body)
        if not isinstance(first, Unknown):
            return first
        again = await self._reply_once(body)
        if isinstance(again, GiveUp) and again.reason is Reason.REPLY_TOKEN_SPENT:
            return Accepted(())
        return again if isinstance(again, Accepted) else first

    async def _reply_once(self, body: JsonObject) -> Outcome:
        try:
            answer = await self._caller.post_json(self._base + REPLY, body)
        except NotSentError:
            return TryLater(Reason.UNREACHABLE)
        except NoAnswerError:
            return Unknown(Reason.NO_ANSWER)
        except LinkLostError:
            return Unknown(Reason.LINK_LOST)
        if answer.status == OK:
            return _accepted(answer) or Unknown(Reason.STRANGE_ANSWER, code=answer.code)
        if answer.status == TOO_MANY and _refused(answer) is None:
            return TryLater(Reason.THROTTLED, answer.retry_after_s, code=answer.code)
        return _refused(answer) or Unknown(_temporary(answer), code=answer.code)


def _accepted(answer: HttpAnswer) -> Accepted | None:
    """``None`` when this was not LINE speaking: it always names the request, and what it sent."""
    sent = _json(answer).get("sentMessages")
    ids = [str(one["id"]) for one in sent if isinstance(one, dict) and "id" in one] if isinstance(sent, list) else []
    request_id = answer.headers.get("x-line-accepted-request-id") or answer.headers.get("x-line-request-id")
    if not ids and request_id:
        ids = [request_id]
    if not ids:
        return None
    return Accepted(tuple(Part(number, len(ids), one) for number, one in enumerate(ids, 1)))


def _refused(answer: HttpAnswer) -> GiveUp | None:
    """The final answers; ``None`` for those worth another try."""
    status, said = answer.status, _words(answer)
    if status == TOO_MANY:
        return GiveUp(Reason.QUOTA_SPENT, code=answer.code) if QUOTA_WORDS in said else None
    if status in FINAL:
        return GiveUp(FINAL[status], code=answer.code)
    if status == BAD_REQUEST:
        known = (reason for words, reason in WORDS_OF_400 if words in said)
        return GiveUp(next(known, Reason.CONTENT_REFUSED), code=answer.code)
    return GiveUp(Reason.REFUSED, code=answer.code) if status in CLIENT_ERRORS else None


def _temporary(answer: HttpAnswer) -> Reason:
    if answer.status == TOO_MANY:
        return Reason.THROTTLED
    return Reason.SERVER_ERROR if answer.status in SERVER_ERRORS else Reason.STRANGE_ANSWER


def _words(answer: HttpAnswer) -> str:
    """What LINE complains of, in lower case: its message, and ``'to'`` when a detail names that property."""
    body = _json(answer)
    details = body.get("details")
    named = [str(one.get("property")) for one in details if isinstance(one, dict)] if isinstance(details, list) else []
    return " ".join([str(body.get("message", "")), *(f"'{name}'" for name in named)]).lower()


def _json(answer: HttpAnswer) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
