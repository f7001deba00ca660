"""SMS through any HTTP gateway that :class:`services.notify.channels.sms_gateway.Gateway` describes.

What is not said by the gateway's own rules follows HTTP (RFC 9110):

===============================  =============================  ==================================================
Answer                           Outcome                        Why
===============================  =============================  ==================================================
``accepted`` holds               accepted
a rule of the gateway holds      what it says
no connection                    try later, unreachable         nothing was sent
400, 413, 414, 415, 422          give up, content refused       the request itself is at fault
401, 403                         give up, unauthorised          technical: every message fails
402                              give up, credit spent
404, 405, 410                    give up, misconfigured
429                              try later, throttled
503                              try later, server error         "unable to handle the request": not taken
time-out, link lost              unknown                        SMS gateways promise no repetition without harm
500, 502, 504, strange answers   unknown
===============================  =============================  ==================================================
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import parse_qsl, urlencode

import jmespath
import orjson
from jmespath.exceptions import JMESPathError
from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

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
    Receipt,
    ReceiptState,
    TryLater,
    Unknown,
)
from services.notify.channels.calling import Caller, Calling, HttpAnswer, basic_auth
from services.notify.channels.sms_gateway import Gateway, Rule, filled
from services.notify.channels.sms_text import TextUnfit, segment

FINAL: dict[int, Reason] = {
    400: Reason.CONTENT_REFUSED,
    401: Reason.UNAUTHORISED,
    402: Reason.CREDIT_SPENT,
    403: Reason.UNAUTHORISED,
    404: Reason.MISCONFIGURED,
    405: Reason.MISCONFIGURED,
    410: Reason.MISCONFIGURED,
    413: Reason.CONTENT_REFUSED,
    414: Reason.CONTENT_REFUSED,
    415: Reason.CONTENT_REFUSED,
    422: Reason.CONTENT_REFUSED,
}
RETRY = {429: Reason.THROTTLED, 503: Reason.SERVER_ERROR}
SERVER_ERRORS = range(500, 600)
ENCODINGS: dict[str, tuple[str, Callable[[Any], bytes]]] = {
    "json": ("application/json", orjson.dumps),
    "form": ("application/x-www-form-urlencoded", lambda fields: urlencode(fields).encode()),
    "text": ("text/plain; charset=utf-8", lambda text: str(text).encode()),
}
NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")


class ReceiptRefusedError(ValueError):
    """``code``: ``not_supported``, ``wrong_token`` or ``unreadable``."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class SmsHttpSettings(BaseModel):
    """One account at an SMS provider. ``secrets`` are named as in the gateway's templates."""

    model_config = ConfigDict(frozen=True)

    gateway: Gateway
    secrets: dict[str, SecretStr] = Field(default_factory=dict)
    sender: str = Field(min_length=1, max_length=15)
    receipt_url: str = ""
    """Where the provider shall call us with receipts."""
    url: str | None = None
    """Instead of the gateway's own, for another region or a test."""
    proxy: str | None = None
    timeout_s: float = Field(default=10.0, gt=0)
    connect_timeout_s: float = Field(default=3.0, gt=0)

    @model_validator(mode="after")
    def _has_secrets(self) -> Self:
        if missing := self.gateway.secrets_needed - set(self.secrets):
            raise ValueError(f"the gateway needs these secrets: {', '.join(sorted(missing))}")
        return self


class SmsHttpChannel(Calling):
    """Open it with ``async with``, or end it with :meth:`close`. Safe to use from many tasks."""

    def __init__(self, settings: SmsHttpSettings) -> None:
        self._settings, self._gateway = settings, settings.gateway
        self._secrets = {f"secret_{name}": value.get_secret_value() for name, value in settings.secrets.items()}
        basic = self._gateway.basic_auth
        headers = {"authorization": basic_auth(*filled(basic, self._secrets))} if basic else {}
        self._caller = Caller(settings.timeout_s, settings.connect_timeout_s, headers=headers, proxy=settings.proxy)

    async def send(self, message: Outgoing) -> Outcome:
        """One request; the gateway cuts the text itself, within what we allow."""
        try:
            segment(message.text)
        except TextUnfit as problem:
            return GiveUp(Reason.TOO_LONG if problem.code == "too_many_parts" else Reason.CONTENT_REFUSED)
        if not NUMBER.fullmatch(message.to):
            return GiveUp(Reason.BAD_ADDRESS)
        try:
            answer = await self._ask(message)
        except NotSentError:
            return TryLater(Reason.UNREACHABLE)
        except NoAnswerError:
            return self._perhaps(Reason.NO_ANSWER)
        except LinkLostError:
            return self._perhaps(Reason.LINK_LOST)
        return self._judge(answer)

    async def _ask(self, message: Outgoing) -> HttpAnswer:
        values = {
            **self._secrets,
            "to": message.to,
            "to_digits": message.to.lstrip("+"),
            "text": message.text,
            "sender": self._settings.sender,
            "key": str(message.key),
            "receipt_url": self._settings.receipt_url,
        }
        kind, encode = ENCODINGS[self._gateway.encode]
        content = encode(filled(self._gateway.fields, values))
        headers = {"content-type": kind, **filled(self._gateway.headers, values)}
        url = self._settings.url or filled(self._gateway.url, values)
        return await self._caller.call("POST", url, content, headers)

    def _judge(self, answer: HttpAnswer) -> Outcome:
        said = {"status": answer.status, "body": _body_of(answer, self._gateway.pattern)}
        code = answer.code
        if _holds(self._gateway.accepted, said):
            return _accepted(_found(self._gateway.ids, said)) or self._perhaps(Reason.STRANGE_ANSWER, code)
        for rule in self._gateway.rules:
            if _holds(rule.when, said):
                return self._ruled(rule, code)
        if answer.status in RETRY:
            return TryLater(RETRY[answer.status], answer.retry_after_s, code=code)
        if answer.status in FINAL:
            return GiveUp(FINAL[answer.status], code=code)
        return self._perhaps(Reason.SERVER_ERROR if answer.status in SERVER_ERRORS else Reason.STRANGE_ANSWER, code)

    def _ruled(self, rule: Rule, code: str) -> Outcome:
        if rule.verdict == "try_later":
            return TryLater(rule.reason, rule.after_s, code=code)
        return GiveUp(rule.reason, code=code) if rule.verdict == "give_up" else self._perhaps(rule.reason, code)

    def _perhaps(self, reason: Reason, code: str | None = None) -> Outcome:
        """Unknown, unless the gateway itself forgets repetitions of a key."""
        return TryLater(reason, code=code) if self._gateway.idempotent else Unknown(reason, code=code)


@dataclass(frozen=True, slots=True)
class ReceiptCall:
    """The provider's call to our receipt address, as it came in. Nothing of it appears in ``repr``."""

    raw_body: bytes
    content_type: str
    headers: Mapping[str, str]
    query: Mapping[str, str]

    def __repr__(self) -> str:
        return "ReceiptCall()"


def read_receipts(gateway: Gateway, token: SecretStr, call: ReceiptCall) -> list[Receipt]:
    """The receipts in a provider's call, which must carry ``token``.

    Raises:
        ReceiptRefusedError: this gateway has no receipts, the token is wrong, or the call cannot be read.

    """
    rules = gateway.receipts
    if rules is None:
        raise ReceiptRefusedError("not_supported")
    headers = {name.lower(): value for name, value in call.headers.items()}
    said = {"headers": headers, "query": dict(call.query), "body": _fields(call)}
    given = str(_found(rules.proof, said) or "").removeprefix("Bearer ")
    if not hmac.compare_digest(given.encode("utf-8", "replace"), token.get_secret_value().encode()):
        raise ReceiptRefusedError("wrong_token")
    each = _found(rules.each, said) or []
    receipts = [_receipt(gateway, one) for one in (each if isinstance(each, list) else [each])]
    if not receipts:
        raise ReceiptRefusedError("unreadable")
    return receipts


def _receipt(gateway: Gateway, said: Any) -> Receipt:
    rules = gateway.receipts
    provider_id = _found(rules.id, said) if rules else None
    if rules is None or not isinstance(provider_id, str | int) or not str(provider_id).strip():
        raise ReceiptRefusedError("unreadable")
    state = rules.states.get(str(_found(rules.state, said)), ReceiptState.UNKNOWN)
    code = _found(rules.code, said) if rules.code else None
    return Receipt(str(provider_id).strip("\0 "), state, code=None if code is None else str(code)[:40])


def _fields(call: ReceiptCall) -> Any:
    try:
        text = call.raw_body.decode()
        if call.content_type.startswith("application/x-www-form-urlencoded"):
            return dict(parse_qsl(text))
        return json.loads(text) if text else {}
    except (ValueError, RecursionError):
        raise ReceiptRefusedError("unreadable") from None


def _body_of(answer: HttpAnswer, pattern: str | None) -> Any:
    if pattern is not None:
        found = re.search(pattern, answer.text)
        return found.groupdict() if found else answer.text
    try:
        return answer.json()
    except ValueError:
        return answer.text


def _found(expression: str, said: Any) -> Any:
    """``None`` also where the expression does not fit what came: a text where an object was thought."""
    try:
        return jmespath.search(expression, said)
    except JMESPathError:
        return None


def _holds(expression: str, said: dict[str, Any]) -> bool:
    """JMESPath's own sense of truth: 0 is true, what is empty is not."""
    found = _found(expression, said)
    return found is not None and found is not False and found not in ("", [], {})


def _accepted(ids: Any) -> Accepted | None:
    found = [str(one) for one in (ids if isinstance(ids, list) else [ids]) if isinstance(one, str | int)]
    return Accepted(tuple(Part(i, len(found), one) for i, one in enumerate(found, 1))) if found else None
