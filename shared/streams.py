"""Which streams there are, who hears what, and how subjects are spelt. Declarations only: no I/O.

The requests to JetStream are built as its raw API's JSON, because nats-py's configuration classes do not know
every field of the server (``allow_atomic`` among them for some versions).
Source of the request shapes: https://docs.nats.io/reference/reference-protocols/nats_api_reference
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

SERVICES: Final = ("intake", "dispatch", "registry", "notify")
"""The four services: each is the only writer of one stream."""

LISTENERS: Final = (*SERVICES, "console")

_SECOND_NS: Final = 1_000_000_000
ACK_WAIT_S: Final = 120
"""A listener holds back what is less urgent (``shared/ahead.py``); a new one asks for a reset, not for this."""
MAX_ACK_PENDING: Final = 5000
"""More than a listener reads ahead."""
DUPLICATE_WINDOW_S: Final = 600
DEFAULT_MAX_BYTES: Final = 1 << 30
"""Per stream. A full stream refuses (``discard=new``) and the outbox waits: nothing is dropped silently."""

POSITIONS: Final = "POSITIONS"
POSITION_SUBJECT: Final = "internal.*.telemetry.unit.*.position.v1"
POSITIONS_MAX_BYTES: Final = 64 << 20

HEARS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "intake": {"dispatch": ("trip", "assignment"), "registry": ("person",), "notify": ("reply", "rating")},
    "dispatch": {"intake": ("call", "barrier"), "notify": ("reply", "message"), "registry": ("person", "group")},
    "registry": {
        "intake": ("call", "barrier"),
        "dispatch": ("trip", "assignment", "patient"),
        "notify": ("message", "rating", "reply"),
    },
    "notify": {
        "intake": ("call", "barrier"),
        "dispatch": ("trip", "assignment", "crew", "unit", "swap"),
        "registry": ("person", "task", "team", "visit", "coordinator"),
    },
}
"""Listener → service that speaks → nouns. Whole nouns, never single events: ``aggregateseq`` has no holes."""


@dataclass(frozen=True, slots=True)
class Stream:
    """One JetStream stream. ``max_bytes`` 0 means: the setting decides."""

    name: str
    subjects: tuple[str, ...]
    storage: str = "file"
    max_msgs_per_subject: int = -1
    discard: str = "new"
    allow_atomic: bool = True
    max_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Durable:
    """One durable pull consumer: ``name`` on ``stream``, hearing ``filters``."""

    stream: str
    name: str
    filters: tuple[str, ...]


def stream_name(service: str) -> str:
    """``intake`` → ``INTAKE``."""
    return service.upper()


STREAMS: Final = (
    *(Stream(stream_name(s), (f"internal.*.{s}.>", f"karuna.*.{s}.>")) for s in SERVICES),
    # Telemetry, not facts: the last position per unit, in memory, and the newest always wins.
    Stream(
        POSITIONS,
        (POSITION_SUBJECT,),
        storage="memory",
        max_msgs_per_subject=1,
        discard="old",
        allow_atomic=False,
        max_bytes=POSITIONS_MAX_BYTES,
    ),
)


def durables_of(listener: str) -> tuple[Durable, ...]:
    """The durables one listener leads, named after it. The console hears the open tree of every service."""
    if listener == "console":
        return tuple(Durable(stream_name(s), "console", (f"karuna.*.{s}.>",)) for s in SERVICES)
    return tuple(
        Durable(stream_name(service), listener, tuple(f"internal.*.{service}.{noun}.>" for noun in nouns))
        for service, nouns in HEARS[listener].items()
    )


DURABLES: Final = tuple(durable for listener in LISTENERS for durable in durables_of(listener))


# --- requests ------------------------------------------------------------


def stream_config(stream: Stream, max_bytes: int = DEFAULT_MAX_BYTES) -> dict[str, Any]:
    """The configuration we ask for; what is not named here stays the server's default."""
    return {
        "name": stream.name,
        "subjects": list(stream.subjects),
        "storage": stream.storage,
        "retention": "limits",
        "discard": stream.discard,
        "max_age": 0,
        "max_bytes": stream.max_bytes or max_bytes,
        "max_msgs": -1,
        "max_msgs_per_subject": stream.max_msgs_per_subject,
        "num_replicas": 1,
        "duplicate_window": DUPLICATE_WINDOW_S * _SECOND_NS,
        "allow_direct": True,
        "allow_atomic": stream.allow_atomic,
        # Headers by which a publisher could remove or delay what others wrote.
        "allow_rollup_hdrs": False,
        "allow_msg_schedules": False,
        "deny_purge": False,
        "deny_delete": False,
    }


NEVER_ASKED_OF_A_STREAM: Final[dict[str, Any]] = {
    "sealed": False,
    "no_ack": False,
    "max_msg_size": -1,
    "max_consumers": -1,
    "discard_new_per_subject": False,
    "allow_msg_ttl": False,
    "mirror": None,
    "sources": None,
    "republish": None,
    "subject_transform": None,
}
"""What would stop, cut, copy or add to what a service says: nobody asks for it, so whoever finds it has found a fault.

A sealed stream takes nothing ever again, and the server does not unseal it.
"""
NEVER_ASKED_OF_A_DURABLE: Final[dict[str, Any]] = {
    "pause_until": None,
    "headers_only": False,
    "max_batch": 0,
    "max_bytes": 0,
    "max_expires": 0,
    "inactive_threshold": 0,
    "backoff": None,
    "deliver_subject": None,
    "priority_policy": None,
}


def consumer_config(durable: Durable) -> dict[str, Any]:
    """A pull consumer that keeps offering a message until it is acknowledged."""
    return {
        "durable_name": durable.name,
        "name": durable.name,
        "filter_subjects": list(durable.filters),
        "deliver_policy": "all",
        "replay_policy": "instant",
        "ack_policy": "explicit",
        "ack_wait": ACK_WAIT_S * _SECOND_NS,
        "max_ack_pending": MAX_ACK_PENDING,
        "max_deliver": -1,
    }


def create_stream(stream: Stream, max_bytes: int = DEFAULT_MAX_BYTES) -> tuple[str, bytes]:
    """Subject and body of the request that creates a stream."""
    return f"$JS.API.STREAM.CREATE.{stream.name}", _body(stream_config(stream, max_bytes))


def update_stream(stream: Stream, max_bytes: int = DEFAULT_MAX_BYTES) -> tuple[str, bytes]:
    """Subject and body of the request that makes a stream as declared here."""
    return f"$JS.API.STREAM.UPDATE.{stream.name}", _body(stream_config(stream, max_bytes))


def put_consumer(durable: Durable, action: str) -> tuple[str, bytes]:
    """Subject and body that make a durable; ``action`` is ``create`` or ``update``."""
    body = {"stream_name": durable.stream, "config": consumer_config(durable), "action": action}
    return f"$JS.API.CONSUMER.CREATE.{durable.stream}.{durable.name}", _body(body)


def last_positions(area: str) -> tuple[str, bytes]:
    """Subject and body that read the last position of every unit of an area, ending with an empty message."""
    subject = f"internal.{_token(area)}.telemetry.unit.*.position.v1"
    return f"$JS.API.DIRECT.GET.{POSITIONS}", _body({"multi_last": [subject]})


def _body(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


# --- subjects ------------------------------------------------------------

_TOKEN = re.compile(r"[a-z0-9][a-z0-9_-]*")
_UNIT_TOKEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


def _token(value: str) -> str:
    if not _TOKEN.fullmatch(value):
        raise ValueError(f"not a subject token: {value!r}")
    return value


def _event_subject(tree: str, area: str, names: tuple[str, str, str], id: UUID, version: int) -> str:  # noqa: A002
    service, noun, event = names
    if service not in SERVICES:
        raise ValueError(f"no such service: {service!r}")
    return f"{tree}.{_token(area)}.{service}.{_token(noun)}.{id}.{_token(event)}.v{version:d}"


def internal_subject(area: str, service: str, noun: str, id: UUID, event: str, version: int = 1) -> str:  # noqa: A002
    """Where an event goes in full, for the four services."""
    return _event_subject("internal", area, (service, noun, event), id, version)


def open_subject(area: str, service: str, noun: str, id: UUID, event: str, version: int = 1) -> str:  # noqa: A002
    """Where its open part goes, for everybody who is allowed."""
    return _event_subject("karuna", area, (service, noun, event), id, version)


def position_subject(area: str, unit: UUID) -> str:
    """Where dispatch alone writes the last position of a unit."""
    return f"internal.{_token(area)}.telemetry.unit.{unit}.position.v1"


def wake_subject(service: str) -> str:
    """An empty core message here wakes the relay of a service, in whichever process it runs."""
    return f"wake.{_token(service)}"


def inbox_calls_subject(area: str) -> str:
    """Where a partner asks for a call."""
    return f"karuna.{_token(area)}.inbox.calls"


def inbox_positions_subject(area: str, unit: str) -> str:
    """Where a vehicle tells its position."""
    if not _UNIT_TOKEN.fullmatch(unit):
        raise ValueError(f"not a subject token: {unit!r}")
    return f"karuna.{_token(area)}.inbox.positions.{unit}"


def ask_subject(area: str, service: str, question: str) -> str:
    """Where a question to a service is asked."""
    return f"karuna.{_token(area)}.ask.{_token(service)}.{_token(question)}"
