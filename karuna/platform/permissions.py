"""The permission table: one row per NATS user, derived from what it hears. Nothing else is allowed.

Operator mode starts from deny-all here: a user publishes and subscribes what its row names and no more.
"""

from __future__ import annotations

from typing import Any, Final

from karuna.platform.jwt import Rights
from shared.streams import POSITION_SUBJECT, POSITIONS, SERVICES, Durable, durables_of, stream_name, wake_subject

_API: Final = "$JS.API"
# Answers to questions go to the asker's inbox: of this account, or of another one as the server maps it.
_ANSWERS: Final = ("_INBOX.>", "_R_.>")


def inbox(user: str) -> str:
    """The inbox prefix of a user, its own."""
    return f"_INBOX.{user}"


def of_durable(durable: Durable) -> tuple[str, ...]:
    """What the leader of a durable publishes: next message, acknowledgement, reset, and a look at it."""
    name = f"{durable.stream}.{durable.name}"
    return (*taking(durable), f"{_API}.CONSUMER.INFO.{name}")


def taking(durable: Durable) -> tuple[str, ...]:
    """What an outsider publishes to its durable."""
    name = f"{durable.stream}.{durable.name}"
    return f"{_API}.CONSUMER.MSG.NEXT.{name}", f"$JS.ACK.{name}.>", f"{_API}.CONSUMER.RESET.{name}"


def _own_stream(service: str) -> tuple[str, ...]:
    stream = stream_name(service)
    return (
        f"{_API}.STREAM.INFO.{stream}",
        f"{_API}.STREAM.MSG.GET.{stream}",
        f"{_API}.STREAM.MSG.DELETE.{stream}",
        f"{_API}.DIRECT.GET.{stream}",
        f"{_API}.DIRECT.GET.{stream}.>",
    )


def _trees(service: str) -> tuple[str, ...]:
    return f"internal.*.{service}.>", f"karuna.*.{service}.>"


def _micro(service: str) -> tuple[str, ...]:
    verbs = ("PING", "INFO", "STATS")
    return tuple(f"$SRV.{verb}{rest}" for verb in verbs for rest in ("", f".{service}", f".{service}.*"))


_LAST_POSITIONS: Final = (f"{_API}.DIRECT.GET.{POSITIONS}",)
_BESIDE: Final[dict[str, Rights]] = {
    "intake": Rights((), ("karuna.*.inbox.calls",)),
    "dispatch": Rights((POSITION_SUBJECT, *_LAST_POSITIONS), ("karuna.*.inbox.positions.*", POSITION_SUBJECT)),
    "registry": Rights(_LAST_POSITIONS, (POSITION_SUBJECT,)),
    "notify": Rights(("karuna.*.inbox.calls",), ()),
}
"""What one service may do beside what every service may do."""


def _service(service: str) -> Rights:
    durables = durables_of(service)
    beside = _BESIDE[service]
    return Rights(
        publish=(
            *_trees(service),
            wake_subject(service),
            *_own_stream(service),
            *(subject for durable in durables for subject in of_durable(durable)),
            *_ANSWERS,
            *beside.publish,
        ),
        subscribe=(
            f"{inbox(service)}.>",
            wake_subject(service),
            f"karuna.*.ask.{service}.*",
            *_micro(service),
            *beside.subscribe,
        ),
    )


def _console() -> Rights:
    return Rights(
        publish=(
            *(s for durable in durables_of("console") for s in of_durable(durable)),
            *_LAST_POSITIONS,
            wake_subject("console"),
        ),
        subscribe=(
            f"{inbox('console')}.>",
            *(f"karuna.*.{s}.>" for s in SERVICES),
            POSITION_SUBJECT,
            wake_subject("console"),
        ),
    )


_LOOK: Final = (
    f"{_API}.INFO",
    f"{_API}.STREAM.NAMES",
    f"{_API}.STREAM.LIST",
    f"{_API}.STREAM.INFO.*",
    f"{_API}.CONSUMER.NAMES.*",
    f"{_API}.CONSUMER.LIST.*",
    f"{_API}.CONSUMER.INFO.*.*",
)
_MAKE: Final = (
    *(f"{_API}.STREAM.{verb}.*" for verb in ("CREATE", "UPDATE", "DELETE", "PURGE", "MSG.GET")),
    *(f"{_API}.CONSUMER.{verb}.*.*" for verb in ("CREATE", "DELETE", "RESET", "PAUSE")),
    f"{_API}.DIRECT.GET.*",
)

TABLE: Final[dict[str, Rights]] = {
    **{service: _service(service) for service in SERVICES},
    "console": _console(),
    # Makes streams and durables, and refills a stream from a service's archive.
    "provisioner": Rights(
        publish=(*_LOOK, *_MAKE, *(tree for service in SERVICES for tree in _trees(service))),
        subscribe=(f"{inbox('provisioner')}.>",),
    ),
    "doctor": Rights(publish=_LOOK, subscribe=(f"{inbox('doctor')}.>",)),
    "simulator": Rights(publish=("karuna.*.inbox.positions.*",), subscribe=()),
}
"""User → rights, all in the account KARUNA."""

SYSTEM_USER: Final = "sys"
SYSTEM_RIGHTS: Final = Rights(
    publish=("$SYS.REQ.CLAIMS.UPDATE", "$SYS.REQ.CLAIMS.DELETE"), subscribe=(f"{inbox(SYSTEM_USER)}.>",)
)


def exports() -> list[dict[str, Any]]:
    """What KARUNA offers to the accounts of outsiders. Who imports which part of it, the operator signs.

    Open events per service and never ``karuna.*.*.>``, which would hold inboxes and questions too.
    """
    services = (
        (f"{_API}.CONSUMER.MSG.NEXT.*.*", "Stream"),
        ("$JS.ACK.*.*.>", "Singleton"),
        (f"{_API}.CONSUMER.RESET.*.*", "Singleton"),
        ("karuna.*.inbox.calls", "Singleton"),
        ("karuna.*.inbox.positions.*", "Singleton"),
        *((f"karuna.*.ask.{service}.*", "Singleton") for service in SERVICES),
    )
    return [
        *(
            {"name": subject, "subject": subject, "type": "service", "response_type": kind}
            for subject, kind in services
        ),
        *({"name": f"open {service}", "subject": f"karuna.*.{service}.>", "type": "stream"} for service in SERVICES),
    ]
