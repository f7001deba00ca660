"""Writes the event contract down for others: golden messages, JSON Schemas, AsyncAPI and a page.

``karuna contracts`` writes what is missing, ``karuna contracts --check`` says what differs. Both refuse a change
that would break those who rely on version 1; ``--unreleased`` writes it nevertheless, for a version nobody has yet.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import orjson

from karuna.contracts import asyncapi, page
from karuna.contracts.catalogue import DOCS, GOLDENS, events
from karuna.contracts.goldens import TREES, again, holds, missing, pretty, read_goldens
from karuna.contracts.schemas import breaking, data_schema, envelope_schema
from shared.events.envelope import NotOurs


def main(arguments: Sequence[str] = ()) -> int:
    """Run the command. 0: all is as it should be, 1: something differs or would break."""
    parser = argparse.ArgumentParser(prog="karuna contracts", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only compare")
    parser.add_argument("--unreleased", action="store_true", help="break version 1: nobody relies on it yet")
    options = parser.parse_args(arguments)
    broken = [] if options.unreleased else what_breaks()
    if broken:
        print("จะทำให้ผู้ใช้รุ่น 1 เสียหาย: ทำเป็น v2 แทน · This breaks version 1: make it a v2 beside it.")
        print("\n".join(f"  {line}" for line in broken))
        return 1
    changes = differences(afresh=options.unreleased)
    for path, content in changes.items():
        print(f"{'ต่าง differs' if options.check else 'เขียน writes'}: {path}")
        if not options.check:
            _put(path, content)
    return 1 if options.check and changes else 0


def what_breaks(docs: Path = DOCS, goldens: Path = GOLDENS) -> list[str]:
    """Why today's classes break what was published; empty when they only add to it."""
    found = []
    for path, schema in _schemas(docs).items():
        if path.exists():
            found += [f"{path.parent.name}/{path.name}: {why}" for why in breaking(_read(path), schema)]
    published = {path for folder in TREES for path in (docs / "schemas" / folder).glob("*.json")}
    found += [f"{path.parent.name}/{path.name}: the event is gone" for path in sorted(published - set(_schemas(docs)))]
    for golden in read_goldens(goldens):
        try:
            kept = holds(again(golden), golden.content)
        except (NotOurs, KeyError) as problem:
            found.append(f"{golden.path.parent.name}/{golden.path.name}: cannot be read any more ({problem})")
        else:
            if not kept:
                found.append(f"{golden.path.parent.name}/{golden.path.name}: is read, but not the same")
    return found


def differences(docs: Path = DOCS, goldens: Path = GOLDENS, *, afresh: bool = False) -> dict[Path, bytes | None]:
    """Path → what should stand there (None: nothing), for every file that is not as it should be."""
    wanted = generated(docs) | missing(goldens, afresh=afresh)
    stale = [*(docs / "schemas").rglob("*.json"), *(goldens.rglob("*.json") if afresh else ())]
    gone: dict[Path, bytes | None] = {path: None for path in stale if path not in wanted}
    new = {path: text for path, text in wanted.items() if not path.exists() or path.read_bytes() != text}
    return dict(sorted((gone | new).items()))


def generated(docs: Path) -> dict[Path, bytes]:
    """Everything that is made from the event classes, golden messages apart."""
    makers: dict[str, Callable[[], Any]] = {
        "asyncapi.json": lambda: pretty(asyncapi.document()),
        "index.html": lambda: page.page().encode(),
    }
    made = {path: pretty(schema) for path, schema in _schemas(docs).items()}
    return made | {docs / name: make() for name, make in makers.items()}


def _schemas(docs: Path) -> dict[Path, dict[str, Any]]:
    folder = docs / "schemas"
    return {folder / "envelope.json": envelope_schema()} | {
        folder / tree / f"{event.short_type()}.json": data_schema(event, tree) for tree in TREES for event in events()
    }


def _read(path: Path) -> Any:
    return orjson.loads(path.read_bytes())


def _put(path: Path, content: bytes | None) -> None:
    if content is None:
        path.unlink()
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
