"""The published schemas: made from the classes, true of every message, and only ever added to."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from karuna import contracts
from karuna.contracts.catalogue import DOCS, GOLDENS
from karuna.contracts.goldens import read_goldens
from karuna.contracts.schemas import breaking, data_schema, envelope_schema
from shared.events.dispatch import AssignmentOrdered
from shared.events.envelope import Envelope
from tests.events.model_walk import EVENTS


def test_nothing_published_is_broken() -> None:
    assert contracts.what_breaks() == [], "this breaks version 1: make it a v2 beside it"


def test_everything_generated_is_up_to_date() -> None:
    assert [path.name for path in contracts.differences()] == [], "run: karuna contracts"


def test_every_schema_is_a_schema_and_its_golden_messages_are_valid() -> None:
    envelope = Draft202012Validator(envelope_schema(), format_checker=Draft202012Validator.FORMAT_CHECKER)
    for golden in read_goldens(GOLDENS):
        schema = data_schema(golden.event, golden.tree)
        Draft202012Validator.check_schema(schema)
        validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
        validator.validate(golden.content["data"])
        envelope.validate(golden.content)
        assert validator.is_valid({}), "a protected or erased event has empty data"
        assert validator.is_valid(golden.content["data"] | {"added_later": 1})


def test_internal_data_are_valid_under_the_open_schema_that_every_message_names() -> None:
    for golden in read_goldens(GOLDENS):
        schema = data_schema(golden.event, "open")
        assert schema["$id"] == golden.content["dataschema"]
        Draft202012Validator(schema).validate(golden.content["data"])


def test_open_schemas_know_nothing_private() -> None:
    assert all("private" not in data_schema(event, "open")["anyOf"][0]["properties"] for event in EVENTS)


def test_the_envelope_schema_names_every_member_of_the_envelope() -> None:
    assert set(envelope_schema()["properties"]) == set(Envelope.model_fields)


BASE: dict[str, Any] = data_schema(AssignmentOrdered, "internal")["anyOf"][0]


def changed(**members: Any) -> dict[str, Any]:
    """The schema with one thing different; ``private`` is found inside it."""
    schema: dict[str, Any] = json.loads(json.dumps(BASE))
    for name, value in members.items():
        if value is None:
            del schema["properties"][name]
        else:
            schema["properties"][name] = value
    return schema


NEW = {"type": "string", "default": "x"}


@pytest.mark.parametrize(
    ("after", "why"),
    [
        (changed(run_id=None), "run_id: removed"),
        (changed(run_id=None, tour_id=NEW), "run_id: removed"),
        (changed(attempt={"type": "string"}), "attempt: type changed"),
        (changed(unit_id={"type": "string"}), "unit_id: format changed"),
        (changed(role={"type": "string", "enum": ["primary", "support", "third"]}), "role: enum changed"),
        (
            changed(trip_id={"anyOf": [{"type": "string", "format": "uuid"}, {"type": "null"}]}),
            "trip_id: anyOf changed",
        ),
        (changed(back_entry={"type": "boolean", "default": True}), "back_entry: default changed"),
        (BASE | {"required": [*BASE["required"], "run_id"]}, "run_id: was optional, is required"),
        (BASE | {"required": [name for name in BASE["required"] if name != "at"]}, "at: was always there"),
        (changed(fresh=NEW) | {"required": [*BASE["required"], "fresh"]}, "fresh: new and required"),
        (changed(crew_ids={"type": "array", "items": {"type": "integer"}}), r"crew_ids\[\]: type changed"),
    ],
)
def test_every_change_that_is_no_addition_is_noticed(after: dict[str, Any], why: str) -> None:
    found = "\n".join(breaking(BASE, after))
    assert re.search(why, found), found


def test_additions_and_better_words_are_welcome() -> None:
    assert breaking(BASE, changed(fresh=NEW)) == []
    reworded = json.loads(json.dumps(BASE))
    reworded["properties"]["at"]["description"] = "ถ้อยคำใหม่ | new words"
    reworded["properties"]["private"]["properties"]["fresh"] = NEW
    assert breaking(BASE, reworded) == []


def test_the_command_refuses_to_write_what_breaks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    docs, _ = _copy(tmp_path, monkeypatch)
    schema = docs / "schemas/open/intake.call.received.v1.json"
    was = json.loads(schema.read_text("utf-8"))
    was["anyOf"][0]["properties"]["colour"] = {"type": "string"}
    schema.write_text(json.dumps(was), "utf-8")
    assert contracts.main(["--check"]) == 1
    assert contracts.main([]) == 1
    assert "colour: removed" in capsys.readouterr().out
    assert json.loads(schema.read_text("utf-8")) == was, "nothing was written over"
    assert contracts.main(["--unreleased"]) == 0
    assert contracts.main(["--check"]) == 0


def test_the_command_writes_what_is_missing_and_keeps_every_old_golden_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    docs, goldens = _copy(tmp_path, monkeypatch)
    old = goldens / "open/intake.call.received.json"
    before = json.loads(old.read_text("utf-8"))
    del before["data"]["served"]  # as it was said before that field was added
    old.write_text(json.dumps(before), "utf-8")
    (docs / "index.html").unlink()
    assert contracts.main(["--check"]) == 1
    assert contracts.main([]) == 0
    assert json.loads(old.read_text("utf-8")) == before
    assert json.loads((goldens / "open/intake.call.received.2.json").read_text("utf-8"))["data"]["served"] is True
    assert (docs / "index.html").exists()
    assert contracts.main(["--check"]) == 0


def _copy(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    docs = Path(shutil.copytree(DOCS, folder / "docs"))
    goldens = Path(shutil.copytree(GOLDENS, folder / "goldens"))
    for name in ("what_breaks", "differences"):
        function = getattr(contracts, name)
        monkeypatch.setattr(contracts, name, lambda _f=function, **more: _f(docs, goldens, **more))
    return docs, goldens
