"""Every refusal of a field speaks Thai and English of our own: nobody reads pydantic's sentences."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import APIRoute
from pydantic import TypeAdapter, ValidationError

from shared.errors import field_problems
from shared.pack_parts import Slug
from shared.sentences import SENTENCES
from shared.streams import SERVICES

THAI = re.compile("[ก-๙]")
NODES: dict[str, set[str]] = {
    "bool": {"bool_type", "bool_parsing"},
    "date": {"date_type", "date_parsing", "date_from_datetime_parsing", "date_from_datetime_inexact"},
    "datetime": {"datetime_type", "datetime_parsing", "datetime_from_date_parsing", "datetime_object_invalid"},
    "time": {"time_type", "time_parsing"},
    "dict": {"dict_type"},
    "enum": {"enum"},
    "literal": {"literal_error"},
    "float": {"float_type", "float_parsing", "finite_number"},
    "int": {"int_type", "int_parsing", "int_parsing_size", "int_from_float"},
    "list": {"list_type"},
    "tuple": {"tuple_type"},
    "str": {"string_type", "string_unicode"},
    "uuid": {"uuid_type", "uuid_parsing"},
    "model": {"model_type", "model_attributes_type"},
    "model-fields": {"missing", "extra_forbidden", "model_attributes_type"},
    "function-before": {"value_error", "assertion_error"},
    "function-wrap": {"value_error", "assertion_error"},
    "function-after": {"value_error", "assertion_error"},
    **{name: set() for name in (
        "nullable", "default", "union", "definitions", "definition-ref", "model-field", "any",
    )},
}  # fmt: skip
"""Node of a core schema → the error types it can produce. A node that is not here must be looked at first."""
LIMITS = {
    "ge": "greater_than_equal", "gt": "greater_than", "le": "less_than_equal", "lt": "less_than",
    "pattern": "string_pattern_mismatch", "tz_constraint": "timezone_aware", "multiple_of": "multiple_of",
}  # fmt: skip
LENGTHS = {"max_length": "too_long", "min_length": "too_short"}
NOT_SCHEMA = {"serialization", "metadata", "ref", "schema_ref", "config", "cls", "function", "default", "members"}
WRONG = (
    None, True, 0, -1, 10**40, 1.5, float("nan"), float("inf"), "", "x", "\x00", "ก" * 6000, "2026-13-45", "2026-11-23",
    "2026-11-23T09:00:00", "2569-11-23T09:00:00+07:00", [], ["x"] * 600, {}, {"x": 1}, {"x": {"x": [1]}},
)  # fmt: skip
NESTED = (None, 10**40, "x", [])
"""What is tried one level deeper as well."""


def fields() -> Iterator[tuple[str, Any]]:
    """Everything that comes in from outside: bodies, queries, paths, headers."""
    for service in SERVICES:
        for router in importlib.import_module(f"services.{service}.app").SERVICE.routers:
            for route in router.routes:
                if isinstance(route, APIRoute):
                    yield from ((f"{service} {route.path} {f.name}", f._type_adapter) for f in _flat(route.dependant))


def _flat(dependant: Any) -> Iterator[Any]:
    yield from (*dependant.query_params, *dependant.path_params, *dependant.header_params, *dependant.body_params)
    for inner in dependant.dependencies:
        yield from _flat(inner)


def _nodes(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        if isinstance(schema.get("type"), str):
            yield schema
        for name, inner in schema.items():
            if name not in NOT_SCHEMA:
                yield from _nodes(inner)
    elif isinstance(schema, list | tuple):
        for inner in schema:
            yield from _nodes(inner)


def _possible(node: dict[str, Any]) -> set[str]:
    text = "string_" if node["type"] == "str" else ""
    lengths = {f"{text}{error}" for limit, error in LENGTHS.items() if node.get(limit) is not None}
    return NODES[node["type"]] | lengths | {error for limit, error in LIMITS.items() if node.get(limit) is not None}


def test_whatever_a_route_can_refuse_has_its_sentences() -> None:
    nodes = [node for _, adapter in fields() for node in _nodes(adapter.core_schema)]
    assert {node["type"] for node in nodes} <= set(NODES), "a new kind of field: what can be wrong with it?"
    can_happen = set().union(*(_possible(node) for node in nodes))
    assert can_happen - set(SENTENCES) == set()
    assert len(can_happen) > 30


def test_the_sentences_are_in_their_languages() -> None:
    for kind, (th, en) in SENTENCES.items():
        assert THAI.search(th), kind
        assert not THAI.search(en), kind


def _bodies_with(wrong: Any, adapter: Any) -> Iterator[Any]:
    """The wrong thing itself, and in every field of an object."""
    yield wrong
    names = {
        name
        for node in _nodes(adapter.core_schema)
        if node["type"] == "model-fields"
        for name in node["fields"]
    }  # fmt: skip
    for name in names:
        yield {name: wrong}
        yield {name: [wrong]}
        if wrong in NESTED:
            yield from ({name: {inner: wrong}} for inner in names)


@pytest.mark.parametrize("service", SERVICES)
def test_no_wrong_value_is_answered_in_pydantics_words(service: str) -> None:
    seen = set()
    for where, adapter in fields():
        if not where.startswith(service):
            continue
        for wrong in WRONG:
            for body in _bodies_with(wrong, adapter):
                try:
                    adapter.validate_python(body)
                except ValidationError as problem:
                    errors = problem.errors()
                else:
                    continue
                for error, said in zip(errors, field_problems(errors), strict=False):
                    assert THAI.search(said.th), (where, error["type"])
                    assert not THAI.search(said.en), (where, error["type"])
                    assert said.en != error["msg"], (where, error["type"])
                    assert "{" not in said.th + said.en
                    seen.add(error["type"])
    assert {"extra_forbidden", "string_type"} <= seen


def test_a_municipality_that_is_written_wrong_is_told_how_it_is_written() -> None:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(Slug).validate_python("เทศบาล Kalasin")
    [said] = field_problems(refused.value.errors())
    assert "kalasin" in said.th
    assert "kalasin" in said.en
    assert (bool(THAI.search(said.th)), bool(THAI.search(said.en))) == (True, False)
