"""Golden messages: one of every event on each tree, kept for ever.

A golden file is never changed. When a version gets a new field the next variant is written beside it
(``intake.call.received.2.json``), so that what was sent before keeps being read.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import orjson
from pydantic import ValidationError

from karuna.contracts.catalogue import event_name, events
from karuna.contracts.samples import message
from karuna.contracts.schemas import Tree, open_model
from shared.events.base import TYPES, Event
from shared.events.envelope import TYPE_PREFIX, NotOurs, decode, encode, event_of, subject_of

TREES: tuple[Tree, ...] = ("open", "internal")


@dataclass(frozen=True, slots=True)
class Golden:
    """One golden message: ``content`` is the whole CloudEvent."""

    path: Path
    tree: Tree
    variant: int
    content: dict[str, Any]

    @property
    def event(self) -> type[Event]:
        return TYPES[self.content["type"].removeprefix(TYPE_PREFIX)]


def read_goldens(folder: Path) -> list[Golden]:
    """Every golden message, the variants of an event from the oldest to the newest."""
    found = [
        Golden(path, tree, _variant(path), json.loads(path.read_text("utf-8")))
        for tree in TREES
        for path in (folder / tree).glob("*.json")
    ]
    return sorted(found, key=lambda golden: (golden.tree, golden.path.name.split(".")[:3], golden.variant))


def again(golden: Golden) -> dict[str, Any]:
    """The message read by today's code and written again.

    Raises:
        NotOurs: today's code cannot read it.

    """
    kind = golden.event
    aggregate = UUID(golden.content["subject"].split("/")[1])
    prefix: Literal["internal", "karuna"] = "karuna" if golden.tree == "open" else "internal"
    subject = subject_of(prefix, golden.content["area"], kind.short_type(), aggregate)
    envelope = decode(orjson.dumps(golden.content), subject)
    body = encode(
        id=envelope.id,
        short_type=envelope.short_type,
        aggregate_id=envelope.aggregate_id,
        aggregateseq=envelope.aggregateseq,
        time=envelope.time,
        origin=envelope.origin,
        causation_id=envelope.causationid,
        traceparent=envelope.traceparent,
        data=event_of(envelope).full() if golden.tree == "internal" else _open_again(golden),
        internal=golden.tree == "internal",
    )
    written: dict[str, Any] = orjson.loads(body)
    return written


def _open_again(golden: Golden) -> dict[str, Any]:
    try:
        read = open_model(golden.event).model_validate(golden.content["data"], extra="ignore")
    except ValidationError as problem:
        raise NotOurs(str(problem)) from None
    return read.model_dump(mode="json")


def holds(newer: Any, older: Any) -> bool:
    """True when ``newer`` says everything that ``older`` says, and perhaps more."""
    if isinstance(newer, dict) and isinstance(older, dict):
        return all(name in newer and holds(newer[name], value) for name, value in older.items())
    if isinstance(newer, list) and isinstance(older, list):
        return len(newer) == len(older) and all(map(holds, newer, older))
    return bool(newer == older)


def missing(folder: Path, *, afresh: bool = False) -> dict[Path, bytes]:
    """The golden messages that should exist and do not: of new events, and of events that grew a field.

    ``afresh``: as if there were none yet.
    """
    newest = {} if afresh else {(golden.event, golden.tree): golden for golden in read_goldens(folder)}
    wanted: dict[Path, bytes] = {}
    for event in events():
        for tree in TREES:
            golden = newest.get((event, tree))
            if golden is not None and again(golden) == golden.content:
                continue
            suffix = "" if golden is None else f".{golden.variant + 1}"
            path = folder / tree / f"{event_name(event)}{suffix}.json"
            wanted[path] = pretty(json.loads(message(event, internal=tree == "internal")))
    return wanted


def pretty(content: Any) -> bytes:
    return orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _variant(path: Path) -> int:
    last = path.name.removesuffix(".json").split(".")[-1]
    return int(last) if last.isdigit() else 1
