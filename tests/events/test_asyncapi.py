"""The AsyncAPI document: whole, true of our subjects, and readable by the official parser."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from karuna.contracts.catalogue import DOCS
from shared import streams
from tests.events.model_walk import EVENTS, name_of

HERE = Path(__file__).parent
ID = UUID("01a20132-3f81-7000-8000-000000000001")


@cache
def document() -> dict[str, Any]:
    content: dict[str, Any] = json.loads((DOCS / "asyncapi.json").read_text("utf-8"))
    return content


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def target(reference: str) -> Any:
    node: Any = document()
    for step in reference.removeprefix("#/").split("/"):
        node = node[step.replace("~1", "/").replace("~0", "~")]
    return node


def test_every_reference_leads_somewhere() -> None:
    assert document()["asyncapi"] == "3.0.0"
    assert {reference for reference in references(document()) if target(reference) is None} == set()


def test_every_address_explains_its_parameters() -> None:
    for name, channel in document()["channels"].items():
        address = channel["address"] or ""
        assert set(re.findall(r"{(\w+)}", address)) == set(channel.get("parameters", {})), name


def test_every_event_stands_on_both_trees_under_the_subject_it_is_sent_on() -> None:
    for event in EVENTS:
        for prefix, subject in (("karuna", streams.open_subject), ("internal", streams.internal_subject)):
            channel = document()["channels"][f"{prefix}.{event.SERVICE}.{event.NOUN}"]
            assert event.NAME in channel["messages"]
            assert event.NAME in channel["parameters"]["event"]["enum"]
            address = channel["address"].format(area="kalasin", id=ID, event=event.NAME)
            assert address == subject("kalasin", event.SERVICE, event.NOUN, ID, event.NAME)
            assert channel["x-karuna-stream"] == streams.stream_name(event.SERVICE)
            assert channel.get("x-karuna-internal", False) is (prefix == "internal")


def test_internal_channels_name_who_hears_them() -> None:
    heard = {
        (listener, service, noun)
        for listener, hears in streams.HEARS.items()
        for service, nouns in hears.items()
        for noun in nouns
    }
    told = {
        (listener, *name.split(".")[1:])
        for name, channel in document()["channels"].items()
        for listener in channel.get("x-karuna-durables", ())
    }
    assert told == heard


def test_inward_addresses_are_those_that_the_services_listen_to() -> None:
    addresses = {name: channel["address"] for name, channel in document()["channels"].items()}
    area, unit = "kalasin", str(ID)
    assert addresses["inbox.calls"].format(area=area) == streams.inbox_calls_subject(area)
    assert addresses["inbox.positions"].format(area=area, unit=unit) == streams.inbox_positions_subject(area, unit)
    assert addresses["telemetry.position"].format(area=area, id=ID) == streams.position_subject(area, ID)
    asked = addresses["ask"].format(area=area, service="intake", question="stage")
    assert asked == streams.ask_subject(area, "intake", "stage")


def test_every_example_is_valid_under_its_own_payload() -> None:
    resource = Resource(contents=document(), specification=DRAFT202012)
    registry = Registry().with_resource("urn:karuna:events", resource)
    shown = 0
    for name, message in document()["components"]["messages"].items():
        pointer = f"urn:karuna:events#/components/messages/{name}/payload"
        validator = Draft202012Validator({"$ref": pointer}, registry=registry)
        for example in message.get("examples", ()):
            validator.validate(example["payload"])
            shown += 1
    assert shown == len(EVENTS) + 2


def test_no_internal_message_shows_an_example() -> None:
    messages = document()["components"]["messages"]
    assert not [name for name in messages if name.startswith("internal.") and "examples" in messages[name]]
    assert {name.removeprefix("karuna.") for name in messages if name.startswith("karuna.")} == set(
        map(name_of, EVENTS)
    )


def test_the_official_parser_finds_nothing_wrong(tmp_path: Path) -> None:
    """Needs Node and, once, the network; what was installed stays in a cache beside other temporary files."""
    folder = _parser()
    found = _parsed(folder, DOCS / "asyncapi.json")
    assert [each for each in found["diagnostics"] if each["severity"] < 2] == []
    assert found["channels"] == len(document()["channels"])

    wrong = {"o": {"action": "shout", "channel": {"$ref": "#/channels/nowhere"}}}
    broken = {"asyncapi": "3.0.0", "info": {"title": "x", "version": "1"}, "channels": {}, "operations": wrong}
    (tmp_path / "broken.json").write_text(json.dumps(broken), "utf-8")
    assert [each for each in _parsed(folder, tmp_path / "broken.json")["diagnostics"] if each["severity"] == 0]


def _parsed(folder: Path, path: Path) -> dict[str, Any]:
    """Severity 0 is an error, 1 a warning, 2 and 3 are advice."""
    command = ["node", "validate.mjs", str(path)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=110, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _parser() -> Path:
    """The folder in which the parser of ``asyncapi/package.json`` is installed."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("AsyncAPI NOT validated by the official parser: no node on this machine")
    wanted = (HERE / "asyncapi/package.json").read_bytes()
    cache_home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache_home / "karuna" / f"asyncapi-{hashlib.sha256(wanted).hexdigest()[:12]}"
    if not (folder / "ready").exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_bytes(wanted)
        install = ["npm", "install", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund"]
        try:
            done = subprocess.run(install, cwd=folder, capture_output=True, text=True, timeout=100, check=False)
        except subprocess.TimeoutExpired:
            pytest.skip("AsyncAPI NOT validated by the official parser: npm install took too long")
        if done.returncode != 0:
            pytest.skip(f"AsyncAPI NOT validated by the official parser: npm install failed: {done.stderr[-300:]}")
        (folder / "ready").touch()
    shutil.copy(HERE / "asyncapi/validate.mjs", folder)
    return folder
