"""Who may do what, and how a message is shown: addresses masked, texts only to those who need them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Request
from pydantic import BaseModel

from services.notify.sending.ways import AllWays
from services.notify.verbs.desk import asked_of
from shared.auth import Caller, Role, may
from shared.codes.codes import code_list
from shared.errors import refuse
from shared.service import Runtime
from shared.thai.text import Text

DESK = (Role.CALL_TAKER, Role.DISPATCHER, Role.SUPERVISOR)
READS = (*DESK, Role.CASE_MANAGER, Role.AUDITOR)
READS_TEXTS = frozenset({Role.CALL_TAKER, Role.DISPATCHER, Role.SUPERVISOR, Role.CASE_MANAGER})

AtDesk = Annotated[Caller, Depends(may(*DESK))]
WhoReads = Annotated[Caller, Depends(may(*READS))]
ADDRESS_SHOWN = 4


def runtime_of(request: Request) -> Runtime:
    runtime: Runtime = request.app.state.runtime
    return runtime


def ways_of(request: Request) -> AllWays:
    ways: AllWays = runtime_of(request).parts["ways"]
    return ways


def areas_of(caller: Caller) -> list[str] | None:
    """For SQL: None stands for all."""
    return None if "*" in caller.areas else sorted(caller.areas)


def own(row: Any, caller: Caller) -> Any:
    """The row, if it is of a municipality of the caller's; another's does not exist.

    Raises:
        Refused: 404.

    """
    if row is None or not caller.may_see(row["area"]):
        raise refuse("not_found")
    return row


class Reason(Text):
    """A code with its label in both languages."""

    code: str


class PartOut(BaseModel):
    number: int
    of: int
    state: str
    code: str | None


class AttemptOut(BaseModel):
    """One way that was tried. ``text`` only for roles that may read it."""

    number: int
    channel: str
    state: str
    address: str
    text: str | None
    due_at: datetime | None
    tries: int
    reason: Reason | None
    code: str | None
    accepted_at: datetime | None
    parts: list[PartOut]


class MessageOut(BaseModel):
    """One intent for one recipient, with all that was tried. ``asks``: the answers its buttons offer.

    ``recipient_name``: for roles that may read texts, and of nothing protected.
    """

    id: UUID
    call_id: UUID | None
    call_number: str | None
    trip_id: UUID | None
    assignment_id: UUID | None
    rule: str
    template: str
    recipient_kind: str
    recipient_id: UUID
    recipient_name: str | None
    message_class: str
    language: str
    status: str
    status_label: Text
    reason: Reason | None
    answer: str | None
    asks: list[str]
    exercise: bool
    planned_at: datetime
    expires_at: datetime
    accepted_at: datetime | None
    delivered_at: datetime | None
    acknowledged_at: datetime | None
    resent_from: UUID | None
    attempts: list[AttemptOut]


def masked(address: str) -> str:
    """``••••4567``: enough to tell two apart, not enough to ring."""
    return "••••" + address[-ADDRESS_SHOWN:] if address else ""


def label(list_id: str, code: str) -> Text:
    listed = code_list(list_id)
    return Text(th=listed.label(code, "th"), en=listed.label(code, "en"))


def reason(code: str | None) -> Reason | None:
    if code is None:
        return None
    text = label("message_reason", code)
    return Reason(code=code, th=text.th, en=text.en)


def message_out(row: Any, whom: Mapping[str, Any], attempts: list[Any], caller: Caller) -> MessageOut:
    """``whom``: the call's number and the recipient's name, as far as they are known."""
    names = {name: row[name] for name in MessageOut.model_fields if name in row}
    return MessageOut(
        **{key: value for key, value in names.items() if key != "reason"},
        call_number=whom.get("call_number"),
        recipient_name=whom.get("recipient_name") if caller.role in READS_TEXTS else None,
        message_class=row["class"],
        status_label=label("message_status", row["status"]),
        reason=reason(row["reason"]),
        asks=[answer.value for answer in asked_of(row["rule"])],
        attempts=[_attempt_out(attempt, caller) for attempt in attempts],
    )


def _attempt_out(row: Any, caller: Caller) -> AttemptOut:
    return AttemptOut(
        number=row["number"],
        channel=row["channel"],
        state=row["state"],
        address=masked(row["address"]),
        text=row["text"] if caller.role in READS_TEXTS else None,
        due_at=row["due_at"],
        tries=row["tries"],
        reason=reason(row["reason"]),
        code=row["code"],
        accepted_at=row["accepted_at"],
        parts=[PartOut(**part) for part in row["parts"]],
    )
