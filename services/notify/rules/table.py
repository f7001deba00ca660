"""Who is told what, when and how: ``data/rules.toml`` as checked objects.

A rule reads: *on* this event, *when* these facts hold, tell *to* with *template*, by *channels* in this order.
Several rules may fit one event; each makes one message per recipient at most (``once_per``).
"""

from __future__ import annotations

import tomllib
from datetime import timedelta
from functools import cache
from importlib import resources
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.events.words import Answer, MessageClass

ChannelName = Literal["line", "sms"]
To = Literal["crew", "told_crew", "mates", "told_mates", "responder", "coordinators", "caller", "passenger", "asker"]
"""``crew``: all of the unit. ``told``: only whom the order has reached. ``mates``: all but who acted.

``responder``: who answers by LINE, or all where nobody has yet. ``asker``: whoever said what this answers.

``coordinators``: whom an agency has named. ``passenger``: the patient where reachable, else the caller.
"""
Wait = Literal["never", "emergency", "booked"]
"""How long LINE may stay unseen before SMS follows: the area's own times. ``never``: SMS only when LINE fails."""

LONGEST = timedelta(hours=20)
"""A retry key of LINE is forgotten after 24 hours: by then all tries must be over."""


class Rule(BaseModel):
    """One line of the table."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=r"^[a-z][a-z0-9_]{2,40}$")
    on: str
    """Short type of the event, ``due.<kind>`` for what the clock brings; ``ride.taken``: time and crew are certain;

    ``ride.ready_heard``: dispatch agrees that the way back is due.
    """
    when: dict[str, str | bool] = {}
    to: To
    template: str
    channels: tuple[ChannelName, ...] = Field(min_length=1)
    message_class: MessageClass = Field(alias="class")
    quiet: Literal["override", "observe"] = "override"
    """Routine messages to the public wait for the morning where ``observe``; duty overrides for crews."""
    buttons: tuple[Answer, ...] = ()
    rating: bool = False
    """Asks for one to five stars beneath the text (LINE only)."""
    must_answer: bool = False
    """Unanswered it goes on to the next channel, and expires at last."""
    fallback: Wait = "never"
    expires_after_s: int = Field(gt=0)
    once_per: Literal["event", "call", "trip", "assignment", "visit"] = "event"
    protected: Literal["skip", "plain"]
    """Of violence, psychiatric and secret calls: nobody but crews is written to, for somebody else may read it."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        problems = {
            "an emergency does not wait for the morning": self.message_class is MessageClass.EMERGENCY
            and self.quiet == "observe",
            "waiting for an answer needs buttons": self.must_answer and not self.buttons,
            "a fallback needs another channel": self.fallback != "never" and len(self.channels) == 1,
            "a timed fallback waits for an answer": self.fallback != "never" and not self.must_answer,
            "expires later than a retry key lives": timedelta(seconds=self.expires_after_s) > LONGEST,
            "the public is not written to about protected calls": self.protected == "plain"
            and self.to in {"caller", "passenger", "asker"},
        }
        wrong = [text for text, holds in problems.items() if holds]
        if wrong:
            raise ValueError(f"rule {self.id}: {'; '.join(wrong)}")
        return self

    def fits(self, facts: dict[str, Any]) -> bool:
        """Whether every named fact is as the rule wants it; a fact that is absent is not."""
        return all(facts.get(name) == value for name, value in self.when.items())


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    version: str
    rule: list[Rule]


@cache
def all_rules() -> tuple[Rule, ...]:
    """The table as shipped.

    Raises:
        ValueError: the file is not as it should be.

    """
    text = (resources.files("services.notify") / "data" / "rules.toml").read_text("utf-8")
    rules = tuple(_File.model_validate(tomllib.loads(text)).rule)
    ids = [rule.id for rule in rules]
    if len(ids) != len(set(ids)):
        raise ValueError("rules.toml: an id stands twice")
    return rules


@cache
def rule(rule_id: str) -> Rule:
    return next(rule for rule in all_rules() if rule.id == rule_id)


@cache
def rules_on(event_type: str) -> tuple[Rule, ...]:
    return tuple(rule for rule in all_rules() if rule.on == event_type)
