"""What is heard of other services, and by whom: the words in which a service says it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.events.base import Event, Origin
from shared.events.envelope import Envelope
from shared.work import Work


class Unknown(Exception):
    """A handler met an aggregate that has not been heard of here yet: the message waits for it."""

    def __init__(self, noun: str, aggregate_id: UUID) -> None:
        super().__init__(f"{noun} not known here yet")
        self.noun = noun
        self.aggregate_id = aggregate_id


@dataclass(frozen=True, slots=True)
class Message:
    """What a handler gets: the envelope and the typed event inside."""

    envelope: Envelope
    event: Any

    @property
    def id(self) -> UUID:
        return self.envelope.aggregate_id

    @property
    def time(self) -> datetime:
        return self.envelope.time

    @property
    def origin(self) -> Origin:
        return self.envelope.origin


Handler = Callable[[Work, Message], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Hears:
    """One line of a service's table of contents: this event, this handler."""

    event: type[Event]
    handler: Handler
    later: bool = False
    """Nobody waits for this effect: of a red call too it may come after what somebody waits for."""


@dataclass(frozen=True, slots=True)
class Raw:
    """A message as it came: where from, and its bytes."""

    subject: str
    body: bytes


Letter = tuple[Raw, Envelope]
Enough = Callable[[], bool]


def waited_for(hears: Sequence[Hears]) -> frozenset[str]:
    """Types of the events for whose effect somebody waits."""
    return frozenset(line.event.short_type() for line in hears if not line.later)
