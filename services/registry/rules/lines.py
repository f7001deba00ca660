"""What a history shows of an event: its time, its name in both languages, and its codes. Never a text or a name.

An event's name is the first line of its class: ``Thai | English``. Its codes are the fields named in :data:`CODES`,
from the open part and the private one; whatever is not named there is not kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel

from services.registry.rules.questionnaires import questionnaires
from shared.codes.codes import all_lists
from shared.codes.queue import queue_reason
from shared.events.base import TYPES, Event
from shared.events.words import RecipientKind
from shared.thai.text import Text

REASONS: Final = (
    "reason_refusal", "reason_decline", "reason_cancel", "reason_correction", "reason_override", "reason_release",
    "reason_hand_over", "reason_close", "distinct_reason",
)  # fmt: skip
OUTCOMES: Final = (
    "mission_outcome",
    "trip_outcome",
    "reason_close",
    "care_result",
    "case_outcome",
    "need_outcome",
    "task_outcome",
)

CODES: Final[dict[str, tuple[str, ...]]] = {
    "number": (),
    "unit_id": (),
    "status": ("call_status",),
    "kind": ("kind", "visit_kind"),
    "hazard": ("hazard",),
    "lane": ("lane",),
    "previous_lane": ("lane",),
    "severity": ("severity_cbd", "severity_ed5"),
    "previous_severity": ("severity_cbd", "severity_ed5"),
    "rc": ("severity_cbd", "severity_ed5"),
    "severity_scheme": ("severity_scheme",),
    "criteria_group": ("criteria_group",),
    "channel": ("channel", "message_channel"),
    "link": ("call_link",),
    "barrier": ("barrier",),
    "action": ("barrier_action",),
    "owner": ("barrier_owner",),
    "leg": ("leg",),
    "role": ("assignment_role", "team_role"),
    "step": ("step",),
    "previous_status": ("assignment_status",),
    "attempt": (),
    "final": (),
    "by": ("by",),
    "outcome": OUTCOMES,
    "reason": REASONS,
    "reasons": ("queue_reason",),
    "receiver": ("handover_receiver",),
    "recipient_kind": ("recipient_kind",),
    "template": ("template",),
    "answer": ("step", "answer"),
    "score": (),
    "method": ("match_method", "verification_method"),
    "group": ("group",),
    "source": ("observer_kind",),
    "result": ("visit_result",),
    "instrument": (),
    "band": (),
    "need": ("life_need",),
    "root_cause": ("root_cause",),
    "task": ("task_kind",),
    "disclosure": ("disclosure",),
    "written": ("person_field",),
    "went": ("belonging",),
    "stayed": ("belonging",),
}
"""Field → the code lists in which its label may stand, the likeliest first; none for plain figures."""

Codes = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Labelled:
    """One code with its labels; without a list both are the code itself."""

    field: str
    code: str
    th: str
    en: str


def codes_of(event: Event) -> Codes:
    """The codes of an event, private ones among them."""
    private = getattr(event, "private", None)
    parts = [event, private] if isinstance(private, BaseModel) else [event]
    found: Codes = {}
    for part in parts:
        for name in _code_fields(type(part)):
            value = getattr(part, name)
            if value is not None and value != ():
                found[name] = list(value) if isinstance(value, tuple) else value
    return found


@cache
def _code_fields(kind: type[BaseModel]) -> tuple[str, ...]:
    return tuple(name for name in kind.model_fields if name in CODES)


def happened_at(event: Event, said_at: datetime) -> datetime:
    """When it truly happened: a stamp reported late keeps its own time."""
    for name in ("received_at", "at") if event.NAME == "received" else ("at",):
        value = getattr(event, name, None)
        if isinstance(value, datetime):
            return value
    return said_at


def patient_of(event: Event, subject_id: UUID) -> UUID | None:
    """Which patient of the call it concerns; None: all of them, or none in particular."""
    if event.NOUN == "patient":
        return subject_id
    patient_id: UUID | None = getattr(event, "patient_id", None)
    if patient_id is None and getattr(event, "recipient_kind", None) is RecipientKind.PATIENT:
        patient_id = getattr(event, "recipient_id", None)
    return patient_id


@cache
def name_of(short_type: str) -> Text:
    """What people read for an event: ``ถึงที่เกิดเหตุ`` and ``The fourth of the seven stamps.``"""
    kind = TYPES.get(short_type)
    first = ((kind.__doc__ or "") if kind else "").strip().split("\n", 1)[0]
    thai, bar, english = first.partition(" | ")
    return Text(th=thai, en=english) if bar else Text(th=short_type, en=short_type)


def labelled(codes: Mapping[str, Any]) -> Iterator[Labelled]:
    """Every code with its labels, in the order of :data:`CODES`."""
    for field in CODES:
        value = codes.get(field)
        for one in value if isinstance(value, list) else [value]:
            if one is not None:
                code = str(one).lower() if isinstance(one, bool) else str(one)
                yield Labelled(field, code, *_labels(field, code, codes))


SAID_BEFORE: Final = {"went": ("ไปด้วย: ", "went along: "), "stayed": ("อยู่ที่เดิม: ", "stayed: ")}
"""Before a label: one list of words says of both what they are, and the field what became of it."""


def _labels(field: str, code: str, codes: Mapping[str, Any]) -> tuple[str, str]:
    th, en = _label(field, code, codes)
    before = SAID_BEFORE.get(field, ("", ""))
    return before[0] + th, before[1] + en


def _label(field: str, code: str, codes: Mapping[str, Any]) -> tuple[str, str]:
    wanted = CODES[field]
    if field in ("instrument", "band"):
        return _of_form(field, code, codes.get("instrument"))
    if field == "reasons":
        why = queue_reason(code)
        return why.th, why.en
    if field == "reason" and "recipient_kind" in codes:
        wanted = ("message_reason",)
    if wanted and wanted[0].startswith("severity_") and len(wanted) > 1:
        wanted = (f"severity_{codes.get('severity_scheme', 'cbd')}", *wanted)
    for list_id in wanted:
        code_list = all_lists().get(list_id)
        if code_list is not None and code in code_list:
            return code_list.label(code), code_list.label(code, "en")
    return code, code


def _of_form(field: str, code: str, instrument: str | None) -> tuple[str, str]:
    """The name of a questionnaire, or of a band of it; what a later version dropped is shown as it is."""
    form = questionnaires().get(instrument or "")
    named = form if field == "instrument" else form and form.band_named(code)
    return (named.th, named.en) if named else (code, code)
