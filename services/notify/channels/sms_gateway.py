"""What an HTTP gateway for SMS looks like, as data: the providers differ in shape only.

Templates are ``string.Template``s with ``${to}`` (E.164), ``${to_digits}``, ``${text}``, ``${sender}``, ``${key}``,
``${receipt_url}`` and ``${secret_NAME}`` for each secret. Rules are JMESPath (jmespath.org) over
``{"status": 200, "body": ...}``; of a receipt over ``{"body": ..., "query": ..., "headers": ...}``. ``body`` is the
JSON, or the fields of a form, or with ``pattern`` its named groups, else the bare text.

A number or text in the URL would stand in every log on the way: such a gateway is refused.
"""

from __future__ import annotations

import re
from string import Template
from typing import Any, Literal, Self

import jmespath
from jmespath.exceptions import JMESPathError
from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.notify.channels.base import Reason, ReceiptState

PERSONAL = {"to", "to_digits", "text"}
KNOWN = PERSONAL | {"sender", "key", "receipt_url"}
Verdict = Literal["try_later", "give_up", "unknown"]


class Rule(BaseModel):
    """When ``when`` holds, this is what happened. The first rule that holds decides."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    when: str
    verdict: Verdict
    reason: Reason
    after_s: float | None = None


class Receipts(BaseModel):
    """How the provider's calls to our receipt address read. ``each`` makes a list of receipts of one call."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    each: str = "[@]"
    id: str
    state: str
    states: dict[str, ReceiptState]
    code: str | None = None
    proof: str
    """Where the call carries the shared token by which we know the provider: a header, the query or the body."""


class Gateway(BaseModel):
    """One kind of provider. ``verified`` only where somebody sent through the real one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    verified: bool = False
    source: str
    url: str
    headers: dict[str, str] = Field(default_factory=dict)
    basic_auth: tuple[str, str] | None = None
    encode: Literal["json", "form", "text"] = "json"
    fields: dict[str, Any] | str = Field(default_factory=dict)
    """The request body; a bare template with ``encode="text"``."""
    accepted: str
    ids: str
    """The provider's id, or a list of them (one a part)."""
    pattern: str | None = None
    """For answers that are not JSON."""
    rules: tuple[Rule, ...] = ()
    idempotent: bool = False
    """The provider takes a ``${key}`` once only: then what is unknown may be tried again."""
    receipts: Receipts | None = None

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if names_in(self.url) & PERSONAL:
            raise ValueError("numbers and texts belong into the body, not into the URL")
        for name in names_in([self.url, self.headers, self.fields, self.basic_auth]):
            if name not in KNOWN and not name.startswith("secret_"):
                raise ValueError(f"unknown placeholder: {name}")
        receipts = self.receipts
        expressions = [self.accepted, self.ids, *(rule.when for rule in self.rules)]
        if receipts:
            expressions += [receipts.each, receipts.id, receipts.state, receipts.proof, receipts.code or "@"]
        for expression in expressions:
            try:
                jmespath.compile(expression)
            except JMESPathError:
                raise ValueError(f"not a JMESPath expression: {expression}") from None
        if self.pattern is not None:
            re.compile(self.pattern)
        return self

    @property
    def secrets_needed(self) -> set[str]:
        """Names of the secrets the templates use, besides ``receipts`` for the token of receipts."""
        names = names_in([self.url, self.headers, self.fields, self.basic_auth])
        return {name.removeprefix("secret_") for name in names if name.startswith("secret_")}


def names_in(template: object) -> set[str]:
    """The placeholders anywhere in a nest of templates."""
    if isinstance(template, str):
        return set(Template(template).get_identifiers())
    if isinstance(template, dict):
        return {name for value in template.values() for name in names_in(value)}
    if isinstance(template, list | tuple):
        return {name for value in template for name in names_in(value)}
    return set()


def filled(template: Any, values: dict[str, str]) -> Any:
    """The nest with every placeholder replaced; numbers and the like stay as they are."""
    if isinstance(template, str):
        return Template(template).substitute(values)
    if isinstance(template, dict):
        return {name: filled(value, values) for name, value in template.items()}
    if isinstance(template, list | tuple):
        return [filled(value, values) for value in template]
    return template


WORDS_OF_SMPP = {
    "DELIVRD": ReceiptState.DELIVERED,
    "UNDELIV": ReceiptState.UNDELIVERED,
    "EXPIRED": ReceiptState.UNDELIVERED,
    "REJECTD": ReceiptState.UNDELIVERED,
    "DELETED": ReceiptState.UNDELIVERED,
    "ACCEPTD": ReceiptState.UNDERWAY,
    "ENROUTE": ReceiptState.UNDERWAY,
}

SIMULATED = Gateway(
    name="simulated",
    verified=True,
    source="karuna/simulate/sms_gateway.py",
    url="http://127.0.0.1:8120/sms/messages",
    headers={"Authorization": "Bearer ${secret_token}"},
    fields={
        "to": "${to}",
        "from": "${sender}",
        "text": "${text}",
        "reference": "${key}",
        "receipt_url": "${receipt_url}",
    },
    accepted="status == `202` && body.messages[0].id",
    ids="body.messages[*].id",
    rules=(Rule(when="status == `402`", verdict="give_up", reason=Reason.CREDIT_SPENT),),
    receipts=Receipts(
        id="body.id", state="body.status", states=WORDS_OF_SMPP, code="body.error", proof="headers.authorization"
    ),
)
TWILIO = Gateway(
    name="twilio",
    source="twilio.com/docs/messaging/api/message-resource and .../guides/track-outbound-message-status",
    url="https://api.twilio.com/2010-04-01/Accounts/${secret_account}/Messages.json",
    basic_auth=("${secret_account}", "${secret_token}"),
    encode="form",
    fields={"To": "${to}", "From": "${sender}", "Body": "${text}", "StatusCallback": "${receipt_url}"},
    accepted="status == `201` && body.sid",
    ids="body.sid",
    rules=(
        Rule(when="body.code == `21211` || body.code == `21614`", verdict="give_up", reason=Reason.BAD_ADDRESS),
        Rule(when="body.code == `21212` || body.code == `21606`", verdict="give_up", reason=Reason.SENDER_REFUSED),
        Rule(when="body.code == `21617`", verdict="give_up", reason=Reason.TOO_LONG),
        Rule(when="body.code == `20003`", verdict="give_up", reason=Reason.UNAUTHORISED),
    ),
    receipts=Receipts(
        id="body.MessageSid",
        state="body.MessageStatus",
        states={
            "delivered": ReceiptState.DELIVERED,
            "undelivered": ReceiptState.UNDELIVERED,
            "failed": ReceiptState.UNDELIVERED,
            "queued": ReceiptState.UNDERWAY,
            "sending": ReceiptState.UNDERWAY,
            "sent": ReceiptState.UNDERWAY,
        },
        code="body.ErrorCode",
        proof="query.token",
    ),
)
THAIBULKSMS = Gateway(
    name="thaibulksms",
    source="after the public npm client thaibulksms-api; the provider's own pages were not read",
    url="https://api-v2.thaibulksms.com/sms",
    basic_auth=("${secret_key}", "${secret_secret}"),
    encode="form",
    fields={"msisdn": "${to_digits}", "message": "${text}", "sender": "${sender}"},
    accepted="status < `300` && body.phone_number_list[0].message_id",
    ids="body.phone_number_list[*].message_id",
    rules=(
        Rule(when="body.bad_phone_number_list[0]", verdict="give_up", reason=Reason.BAD_ADDRESS),
    ),
    receipts=Receipts(
        id="body.Transaction || body.transaction || body.message_id",
        state="body.Status || body.status",
        states={**WORDS_OF_SMPP, "DELIVERED": ReceiptState.DELIVERED, "UNDELIVERED": ReceiptState.UNDELIVERED},
        proof="query.token",
    ),
)  # fmt: skip
PRESETS = {gateway.name: gateway for gateway in (SIMULATED, TWILIO, THAIBULKSMS)}
"""Known shapes. Only ``simulated`` was ever sent through: check the others with the provider's papers first."""
