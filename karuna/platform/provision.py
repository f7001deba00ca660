"""Make the streams and durables as they are declared in ``shared/streams.py``, and say what differed.

Running it again changes nothing. With ``apply=False`` it only looks, which the user ``doctor`` may do.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from nats.aio.client import Client

from shared.streams import (
    DEFAULT_MAX_BYTES,
    DURABLES,
    NEVER_ASKED_OF_A_DURABLE,
    NEVER_ASKED_OF_A_STREAM,
    STREAMS,
    Durable,
    Stream,
    consumer_config,
    create_stream,
    put_consumer,
    stream_config,
    update_stream,
)

State = Literal["same", "created", "updated", "missing", "differs", "refuses", "unknown"]
EXTERNAL = "ext_"
"""Durables of outsiders begin so; they are the subscribers' business."""

_NOT_FOUND = {10059, 10014}
_UNCHANGEABLE = {10012, 10052, 10069}
_TIMEOUT_S = 10


class ServerRefused(Exception):
    """JetStream answered with an error; ``code`` is its own number."""

    def __init__(self, subject: str, code: int, description: str) -> None:
        super().__init__(f"{subject}: {description} ({code})")
        self.code = code


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found at one stream (``INTAKE``) or durable (``INTAKE/dispatch``) and what was done.

    ``differences``: field → (found, declared). ``refuses``: the server does not let it be changed (a sealed stream,
    say): it must be made anew, see ``karuna streams rebuild``.
    """

    what: str
    state: State
    differences: dict[str, tuple[Any, Any]] = field(default_factory=dict)

    @property
    def drifted(self) -> bool:
        return self.state in {"updated", "missing", "differs", "refuses", "unknown"}

    def line(self) -> str:
        """What was found in a few words: ``INTAKE differs (discard)``."""
        fields = f" ({', '.join(sorted(self.differences))})" if self.differences else ""
        return f"{self.what} {self.state}{fields}"


def wanted_max_bytes() -> int:
    """How large a stream may become: ``KARUNA_STREAM_MAX_BYTES``, else 1 GiB."""
    return int(os.environ.get("KARUNA_STREAM_MAX_BYTES") or DEFAULT_MAX_BYTES)


async def provision(client: Client, *, max_bytes: int | None = None, apply: bool = True) -> list[Finding]:
    """Create or update every declared stream and durable; gives one finding for each, and for every stranger.

    One whose difference the server does not let be healed keeps nobody from the rest.
    Raises ``ServerRefused`` where it is the server that is not well.
    """
    limit = wanted_max_bytes() if max_bytes is None else max_bytes
    findings = [await _stream(client, stream, limit, apply) for stream in STREAMS]
    present = {finding.what for finding in findings if finding.state != "missing"}
    for durable in DURABLES:
        if durable.stream in present:
            findings.append(await _durable(client, durable, apply))
        else:
            findings.append(Finding(f"{durable.stream}/{durable.name}", "missing"))
    return [*findings, *await _strangers(client, present)]


async def _stream(client: Client, stream: Stream, max_bytes: int, apply: bool) -> Finding:
    declared = stream_config(stream, max_bytes)
    found = await _config(client, f"$JS.API.STREAM.INFO.{stream.name}")
    if found is None:
        if apply:
            await call(client, *create_stream(stream, max_bytes))
        return Finding(stream.name, "created" if apply else "missing")
    differences = _differences(found, {**NEVER_ASKED_OF_A_STREAM, **declared})
    healed = not (differences and apply) or await _accepted(client, update_stream(stream, max_bytes))
    if not healed and stream.storage == "memory":  # nothing in it that is not said again in a moment
        await remake(client, stream, max_bytes)
        healed = True
    return Finding(stream.name, _state(differences, apply, healed), differences)


async def remake(client: Client, stream: Stream, max_bytes: int | None = None) -> None:
    """Delete a stream with all its durables, and make it anew, empty; what was in it comes from the archive."""
    await call(client, f"$JS.API.STREAM.DELETE.{stream.name}")
    await call(client, *create_stream(stream, wanted_max_bytes() if max_bytes is None else max_bytes))


async def _accepted(client: Client, request: tuple[str, bytes]) -> bool:
    try:
        await call(client, *request)
    except ServerRefused as refusal:
        if refusal.code not in _UNCHANGEABLE:
            raise
        return False
    return True


async def _durable(client: Client, durable: Durable, apply: bool) -> Finding:
    what = f"{durable.stream}/{durable.name}"
    found = await _config(client, f"$JS.API.CONSUMER.INFO.{durable.stream}.{durable.name}")
    if found is None:
        if apply:
            await call(client, *put_consumer(durable, "create"))
        return Finding(what, "created" if apply else "missing")
    differences = _differences(found, {**NEVER_ASKED_OF_A_DURABLE, **consumer_config(durable)})
    healed = not (differences and apply) or await _accepted(client, put_consumer(durable, "update"))
    if apply and "pause_until" in differences:  # which an update leaves as it is
        await call(client, f"$JS.API.CONSUMER.PAUSE.{durable.stream}.{durable.name}", b"{}")
    return Finding(what, _state(differences, apply, healed), differences)


def _state(differences: dict[str, tuple[Any, Any]], apply: bool, healed: bool) -> State:
    if not differences:
        return "same"
    if not apply:
        return "differs"
    return "updated" if healed else "refuses"


async def _strangers(client: Client, present: Iterable[str]) -> list[Finding]:
    """Streams and consumers that nobody declared: reported, never removed."""
    declared = {f"{durable.stream}/{durable.name}" for durable in DURABLES}
    names = (await call(client, "$JS.API.STREAM.NAMES"))["streams"] or []
    strangers = set(names) - {stream.name for stream in STREAMS}
    for stream in set(present) & {stream.name for stream in STREAMS}:
        listed = (await call(client, f"$JS.API.CONSUMER.NAMES.{stream}"))["consumers"] or []
        strangers |= {f"{stream}/{name}" for name in listed if not name.startswith(EXTERNAL)} - declared
    return [Finding(name, "unknown") for name in sorted(strangers)]


def _differences(found: dict[str, Any], declared: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Only fields we declare count; where the server leaves out what is false or nothing, that is no difference."""
    if "filter_subject" in found:
        found = {**found, "filter_subjects": [found["filter_subject"]]}
    return {
        name: (found.get(name), wanted)
        for name, wanted in declared.items()
        if found.get(name) != wanted and (found.get(name) or wanted)
    }


async def _config(client: Client, subject: str) -> dict[str, Any] | None:
    try:
        config: dict[str, Any] = (await call(client, subject))["config"]
    except ServerRefused as refusal:
        if refusal.code in _NOT_FOUND:
            return None
        raise
    return config


async def call(client: Client, subject: str, body: bytes = b"") -> dict[str, Any]:
    """One request to JetStream's API. Raises ``ServerRefused``."""
    reply = await client.request(subject, body, timeout=_TIMEOUT_S)
    answer: dict[str, Any] = json.loads(reply.data)
    if error := answer.get("error"):
        raise ServerRefused(subject, int(error.get("err_code", 0)), str(error.get("description")))
    return answer
