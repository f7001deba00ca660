"""What an event is.

An event class is one row of the contract: its open fields stand at the top, its private part is one nested
class called ``Private``. Nobody redacts by hand: the open copy is the event without ``private``, and for
protected roots (violence, psychiatric, secret class) it is empty, only the envelope's id and time remain.

Producers forbid unknown fields, consumers ignore them: inside v1 fields are only added.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict

TYPES: dict[str, type[Event]] = {}
"""Every event of the contract by its short type, e.g. ``intake.call.received.v1``."""


class Part(BaseModel):
    """A piece of an event: immutable, and unknown fields are an error where it is made."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class Event(Part):
    """A fact that has happened, said by the service that owns it.

    Declared as ``class CallReceived(Event, type="intake.call.received.v1")``.
    """

    SERVICE: ClassVar[str]
    NOUN: ClassVar[str]
    NAME: ClassVar[str]
    VERSION: ClassVar[int]
    ERASES: ClassVar[bool] = False
    """True for ``erased`` events, which apply whatever the cursor."""

    def __init_subclass__(cls, *, type: str, **kwargs: Any) -> None:  # noqa: A002
        super().__init_subclass__(**kwargs)
        service, noun, name, version = type.split(".")
        cls.SERVICE, cls.NOUN, cls.NAME, cls.VERSION = service, noun, name, int(version.removeprefix("v"))
        cls.ERASES = name == "erased"
        if type in TYPES:
            raise TypeError(f"{type} is declared twice")
        TYPES[type] = cls

    @classmethod
    def short_type(cls) -> str:
        return f"{cls.SERVICE}.{cls.NOUN}.{cls.NAME}.v{cls.VERSION}"

    @classmethod
    def read(cls, data: dict[str, Any]) -> Self:
        """The event from a message's ``data``; fields a later version added are ignored."""
        return cls.model_validate(data, extra="ignore")

    def full(self) -> dict[str, Any]:
        """What the four services hear."""
        return self.model_dump(mode="json")

    def open(self) -> dict[str, Any]:
        """What everybody who is allowed may hear."""
        return self.model_dump(mode="json", exclude={"private"})


@dataclass(frozen=True, slots=True)
class Origin:
    """What an aggregate inherits from its root and never changes.

    ``area``: slug of the municipality in which it was born. ``correlation_id``: the call, else the root itself.
    ``protected``: the open copy holds only id and time. ``exercise``: nothing of it is real.
    """

    area: str
    correlation_id: UUID
    protected: bool = False
    exercise: bool = False
