"""From a rule and a recipient to the attempts: by which ways, in which words, when; or why not at all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from services.notify.rules.policy import Policy
from services.notify.rules.postback import data_of
from services.notify.rules.table import ChannelName, Rule
from services.notify.rules.templates import render
from services.notify.rules.words import BUTTONS, Facts, words
from shared.events.words import MessageClass
from shared.thai.quiet import next_allowed
from shared.thai.text import Lang, Text

STARS = Text(th="★" * 5, en="★" * 5)
URGENCY = {"red": 0, "pink": 1, "yellow": 2, "green": 3, "white": 4, "black": 4}
UNKNOWN_URGENCY = 2
ROUTINE_URGENCY = 9


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whom a message is for, with everything that decides how. Addresses None where there is none."""

    kind: str
    id: UUID
    language: Lang = "th"
    line_user_id: str | None = None
    phone: str | None = None
    """A mobile in E.164."""
    quiet_from: time | None = None
    quiet_until: time | None = None
    wants_routine: bool = True
    on_duty: bool = False
    active: bool = True
    may_be_texted: bool = True

    def address(self, channel: ChannelName) -> str | None:
        return self.line_user_id if channel == "line" else self.phone


@dataclass(frozen=True, slots=True)
class Occasion:
    """What happened: the same for everybody told of it."""

    facts: Facts
    protected: bool = False
    exercise: bool = False
    deadline_at: datetime | None = None
    """After this moment it is no use: no quiet hour holds it beyond."""


@dataclass(frozen=True, slots=True)
class Step:
    """One attempt to be. ``due_at`` None: only when the one before fails."""

    channel: ChannelName
    address: str
    text: str
    buttons: dict[str, Any]
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Plan:
    """``status`` is ``planned``, ``suppressed`` (rightly not told) or ``failed`` (nobody can be told)."""

    status: str
    reason: str | None
    language: Lang
    urgency: int
    steps: tuple[Step, ...]
    send_at: datetime
    expires_at: datetime
    answer_by_at: datetime | None


def urgency_of(rule: Rule, severity: str | None) -> int:
    """0 is sent first."""
    if rule.message_class is MessageClass.ROUTINE:
        return ROUTINE_URGENCY
    return URGENCY.get(severity or "", UNKNOWN_URGENCY)


def plan(rule: Rule, to: Recipient, occasion: Occasion, policy: Policy, message_id: UUID, now: datetime) -> Plan:
    """How ``to`` is told."""
    ways = [channel for channel in rule.channels if to.address(channel)]
    reason = _why_not(rule, to, occasion, ways)
    send_at = _send_at(rule, to, occasion, policy, now)
    steps = () if reason else _steps(rule, to, occasion, policy, message_id, ways, send_at)
    timed = [step.due_at for step in steps[1:] if step.due_at is not None]
    status = "planned" if reason is None else ("suppressed" if reason in RIGHTLY else "failed")
    return Plan(
        status=status,
        reason=reason,
        language=to.language,
        urgency=urgency_of(rule, occasion.facts.severity),
        steps=steps,
        send_at=send_at,
        expires_at=send_at + timedelta(seconds=rule.expires_after_s),
        answer_by_at=timed[0] if timed else None,
    )


RIGHTLY = frozenset({"protected", "not_by_text", "opted_out"})
"""Reasons why somebody is not told, and should not be. The others are failures a person must see."""


def _why_not(rule: Rule, to: Recipient, occasion: Occasion, ways: list[ChannelName]) -> str | None:
    routine = rule.message_class is MessageClass.ROUTINE
    reasons = {
        "protected": occasion.protected and rule.protected == "skip",
        "not_by_text": not to.may_be_texted,
        "inactive": not to.active,
        "opted_out": routine and not to.wants_routine and not to.on_duty,
        "no_address": not ways,
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def _send_at(rule: Rule, to: Recipient, occasion: Occasion, policy: Policy, now: datetime) -> datetime:
    if rule.quiet == "override" or to.on_duty:
        return now
    own = next_allowed(now, to.quiet_from or policy.quiet_from, to.quiet_until or policy.quiet_until)
    areas = next_allowed(now, policy.quiet_from, policy.quiet_until)
    # Whose own hours last too long is told in the municipality's morning, and by night only where that is too late.
    for allowed in (own, areas):
        if occasion.deadline_at is None or occasion.deadline_at > allowed:
            return allowed
    return now


def _steps(
    rule: Rule,
    to: Recipient,
    occasion: Occasion,
    policy: Policy,
    message_id: UUID,
    ways: list[ChannelName],
    send_at: datetime,
) -> tuple[Step, ...]:
    said = occasion.facts
    if occasion.protected:
        said = Facts(number=said.number, severity=said.severity, pickup_at=said.pickup_at, risks=said.risks)
    values = words(said, to.language, brand=policy.brand, short_number=policy.short_number, exercise=occasion.exercise)
    wait = policy.wait(rule.fallback)
    steps = []
    for position, channel in enumerate(ways):
        text = render(rule.template, channel, to.language, values)
        buttons = buttons_of(rule, to.language, message_id) if channel == "line" else {}
        due_at = send_at if position == 0 else None
        if position > 0 and wait is not None:
            due_at = _send_at(rule, to, occasion, policy, send_at + wait * position)
        steps.append(Step(channel, to.address(channel) or "", text, buttons, due_at))
    return tuple(steps)


def buttons_of(rule: Rule, lang: Lang, message_id: UUID) -> dict[str, Any]:
    """What can be pressed beneath the text of this message, as LINE's channel takes it."""
    found: dict[str, Any] = {}
    if rule.buttons:
        found["buttons"] = [
            {
                "label": BUTTONS[answer].say(lang),
                "data": data_of(message_id, answer),
                "shown": BUTTONS[answer].say(lang),
            }
            for answer in rule.buttons
        ]
    if rule.rating:
        found["quick_replies"] = [
            {"label": STARS.say(lang)[:score], "data": data_of(message_id, score), "shown": STARS.say(lang)[:score]}
            for score in range(5, 0, -1)
        ]
    return found
