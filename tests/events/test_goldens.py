"""What was once said is understood for ever, and the open copy holds nothing of the private half."""

from __future__ import annotations

import json
import re
from typing import Any
from uuid import UUID

import orjson
import pytest
from pydantic import ValidationError

from karuna.contracts.catalogue import GOLDENS
from karuna.contracts.goldens import Golden, again, holds, missing, read_goldens
from karuna.contracts.samples import sample
from shared.events.base import Event
from shared.events.envelope import NotOurs, decode, event_of, subject_of
from shared.events.intake import CallReceived
from tests.events.model_walk import EVENTS, name_of

DAY = re.compile(r"\d{4}-\d\d-\d\d")
GOLDEN = read_goldens(GOLDENS)
ANY = pytest.mark.parametrize("golden", GOLDEN, ids=lambda golden: f"{golden.tree}/{golden.path.stem}")


@ANY
def test_every_golden_message_is_read_and_written_again_the_same(golden: Golden) -> None:
    assert holds(again(golden), golden.content)


@ANY
def test_a_consumer_ignores_what_a_later_version_added(golden: Golden) -> None:
    later = Golden(golden.path, golden.tree, golden.variant, _with_additions(golden.content))
    assert again(later) == again(golden)


def test_every_event_has_a_golden_message_with_all_its_fields_on_both_trees() -> None:
    assert [path.name for path in missing(GOLDENS)] == []
    assert {(golden.event, golden.tree) for golden in GOLDEN} == {
        (event, tree) for event in EVENTS for tree in ("open", "internal")
    }


@pytest.mark.parametrize("event", EVENTS, ids=name_of)
def test_the_open_copy_says_nothing_that_is_private(event: type[Event]) -> None:
    said = sample(event)
    opened = said.open()
    assert opened.keys() == event.model_fields.keys() - {"private"}
    private = {str(value) for value in _values(said.full().get("private"))} - _public_words(opened)
    telling = [text for text in private if len(text) > 3 and not DAY.fullmatch(text)]
    assert not [text for text in telling if text in json.dumps(opened, ensure_ascii=False)]


@pytest.mark.parametrize("event", EVENTS, ids=name_of)
def test_a_producer_may_not_say_what_is_not_declared(event: type[Event]) -> None:
    with pytest.raises(ValidationError):
        event.model_validate({**sample(event).full(), "surprise": 1})


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"subject": "call/019abc"}, "envelope invalid"),
        ({"source": "/karuna/kalasin/dispatch"}, "source and envelope disagree"),
        ({"area": "Kalasin.>"}, "envelope invalid: area"),
        ({"aggregateseq": 0}, "envelope invalid: aggregateseq"),
        ({"time": "2026-11-22T10:00:00"}, "envelope invalid: time"),
        ({"specversion": "0.3"}, "envelope invalid: specversion"),
    ],
)
def test_a_message_that_breaks_the_contract_is_refused_without_quoting_it(change: dict[str, Any], says: str) -> None:
    content = next(g.content for g in GOLDEN if g.event is CallReceived and g.tree == "internal")
    subject = subject_of("internal", "kalasin", "intake.call.received.v1", UUID(content["subject"].split("/")[1]))
    with pytest.raises(NotOurs, match=says) as refused:
        decode(orjson.dumps(content | change), subject)
    assert "สมมุติ" not in str(refused.value)


def test_data_that_do_not_fit_are_refused_by_the_names_of_their_fields_alone() -> None:
    content = next(g.content for g in GOLDEN if g.event is CallReceived and g.tree == "internal")
    subject = subject_of("internal", "kalasin", "intake.call.received.v1", UUID(content["subject"].split("/")[1]))
    data = json.loads(json.dumps(content["data"]))
    data["private"]["caller"]["phone"] = "somchai-canary"
    with pytest.raises(NotOurs, match=r"private\.caller\.phone") as refused:
        event_of(decode(orjson.dumps({**content, "data": data}), subject))
    assert "somchai-canary" not in str(refused.value)


def test_a_golden_message_that_lost_a_field_is_noticed() -> None:
    older = {"a": 1, "b": [{"c": None}]}
    assert holds({"a": 1, "b": [{"c": None, "new": 2}], "new": 3}, older)
    assert not holds({"a": 1, "b": [{}]}, older)
    assert not holds({"a": 1, "b": []}, older)
    assert not holds({"a": "1", "b": [{"c": None}]}, older)


def _with_additions(node: Any) -> Any:
    """The message as a later version might say it: an unknown field in every object."""
    if isinstance(node, dict):
        return {**{key: _with_additions(value) for key, value in node.items()}, "laterfield": "x"}
    return [_with_additions(item) for item in node] if isinstance(node, list) else node


def _values(node: Any) -> list[Any]:
    if isinstance(node, dict):
        return [value for item in node.values() for value in _values(item)]
    if isinstance(node, list):
        return [value for item in node for value in _values(item)]
    return [] if node is None or isinstance(node, bool) else [node]


def _public_words(opened: dict[str, Any]) -> set[str]:
    """Words that the open half says by itself, e.g. a number that the sample uses twice."""
    return {str(value) for value in _values(opened)}
