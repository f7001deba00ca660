"""The envelope around every event: CloudEvents 1.0, structured JSON, with Karuna's extensions.

Source: CloudEvents specification 1.0.2 (CNCF), JSON event format.
"""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from typing import Any, Literal
from uuid import UUID

import orjson
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from shared.events.base import TYPES, Event, Origin

TYPE_PREFIX = "th.karuna."
CONTENT_TYPE = "application/cloudevents+json"
SCHEMA_ROOT = "https://karuna.example/schemas/"


class Envelope(BaseModel):
    """One message as it travels. ``aggregateseq`` counts an aggregate's events from 1 without holes.

    ``protectedroot`` travels on the internal tree only: it tells a service that what grows from this root
    must be protected as well. An empty ``data`` on the internal tree is an erased event.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    specversion: Literal["1.0"] = "1.0"
    id: UUID
    source: str
    type: str
    subject: str
    time: AwareDatetime
    dataschema: str
    datacontenttype: Literal["application/json"] = "application/json"
    area: str = Field(pattern=r"^[a-z][a-z0-9-]{1,30}$")
    aggregateseq: int = Field(ge=1)
    correlationid: UUID
    causationid: UUID | None = None
    traceparent: str | None = None
    exercise: bool = False
    protectedroot: bool = False
    data: dict[str, Any]

    @cached_property
    def short_type(self) -> str:
        return self.type.removeprefix(TYPE_PREFIX)

    @cached_property
    def service(self) -> str:
        return self.short_type.split(".")[0]

    @cached_property
    def noun(self) -> str:
        return self.short_type.split(".")[1]

    @cached_property
    def aggregate_id(self) -> UUID:
        return UUID(self.subject.split("/", 1)[1])

    @property
    def origin(self) -> Origin:
        return Origin(self.area, self.correlationid, protected=self.protectedroot, exercise=self.exercise)


class NotOurs(ValueError):
    """A message that breaks the contract: its text says in which way, never what was in it."""


def subject_of(tree: Literal["internal", "karuna"], area: str, short_type: str, aggregate_id: UUID) -> str:
    """The NATS subject of an event, e.g. ``internal.kalasin.intake.call.<id>.received.v1``."""
    service, noun, name, version = short_type.split(".")
    return f"{tree}.{area}.{service}.{noun}.{aggregate_id}.{name}.{version}"


def encode(
    *,
    id: UUID,  # noqa: A002
    short_type: str,
    aggregate_id: UUID,
    aggregateseq: int,
    time: datetime,
    origin: Origin,
    causation_id: UUID | None,
    traceparent: str | None,
    data: dict[str, Any],
    internal: bool,
) -> bytes:
    """The CloudEvent as bytes. Optional members that are absent are left out, as the format asks."""
    service, noun, _, _ = short_type.split(".")
    body: dict[str, Any] = {
        "specversion": "1.0",
        "id": str(id),
        "source": f"/karuna/{origin.area}/{service}",
        "type": TYPE_PREFIX + short_type,
        "subject": f"{noun}/{aggregate_id}",
        "time": time.isoformat().replace("+00:00", "Z"),
        "dataschema": f"{SCHEMA_ROOT}{short_type}.json",
        "datacontenttype": "application/json",
        "area": origin.area,
        "aggregateseq": aggregateseq,
        "correlationid": str(origin.correlation_id),
        "exercise": origin.exercise,
    }
    if causation_id is not None:
        body["causationid"] = str(causation_id)
    if traceparent is not None:
        body["traceparent"] = traceparent
    if internal and origin.protected:
        body["protectedroot"] = True
    body["data"] = data
    return orjson.dumps(body)


def decode(body: bytes, subject: str) -> Envelope:
    """The envelope of a message, checked against the subject it came on.

    Raises:
        NotOurs: the body is no CloudEvent of ours, or subject and envelope disagree (a forged message).

    """
    try:
        envelope = Envelope.model_validate_json(body)
        tree: Literal["internal", "karuna"] = "internal" if subject.startswith("internal.") else "karuna"
        expected = subject_of(tree, envelope.area, envelope.short_type, envelope.aggregate_id)
    except ValidationError as problem:
        fields = ", ".join(".".join(map(str, error["loc"])) or "body" for error in problem.errors())
        raise NotOurs(f"envelope invalid: {fields}") from None
    except (ValueError, IndexError):
        raise NotOurs("envelope invalid: type or subject") from None
    if subject != expected:
        raise NotOurs("subject and envelope disagree")
    if envelope.source != f"/karuna/{envelope.area}/{envelope.service}":
        raise NotOurs("source and envelope disagree")
    return envelope


def event_of(envelope: Envelope) -> Event:
    """The typed event inside.

    Raises:
        NotOurs: the type is unknown here, or its data do not fit; names the fields, never their content.

    """
    kind = TYPES.get(envelope.short_type)
    if kind is None:
        raise NotOurs(f"unknown type {envelope.short_type}")
    try:
        return kind.read(envelope.data)
    except ValidationError as problem:
        fields = ", ".join(".".join(map(str, error["loc"])) for error in problem.errors())
        raise NotOurs(f"{envelope.short_type}: {fields}") from None
