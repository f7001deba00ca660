"""What everybody may hear: each field with its reason, and nothing that leads to a person."""

from __future__ import annotations

import re
import tomllib
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from uuid import UUID

import pytest

from shared.events.base import Event
from tests.events.model_walk import EVENTS, leaves, name_of, open_fields

REASONS: dict[str, dict[str, str]] = tomllib.loads(Path(__file__).with_name("open_fields.toml").read_text("utf-8"))

FORBIDDEN = re.compile(
    r"(^|_)(names?|phones?|address|email|lat|lon|point|place|landmark|community|tambon|notes?|texts?|comments?|"
    r"complaint|template|needs?|groups?|barriers?|mobility|age|birth|born|sex|national|line_user|facility|clinic|"
    r"appointment|destination|location|caller|relation|score|reasons?|outcome|rc|idc|answers|receiver|purpose|"
    r"diagnosis|criteria|language|skills|requirements|tracking|code|odometer|distance)(_|$)"
)
HARMLESS = {"barrier_id"}
"""Ids that merely sound like what they point to."""

ROOTS = {"call", "person", "crew", "coordinator"}
NOT_PERSONAL = {("dispatch.unit.on_duty", "private.call_sign")}
"""Free text outside a root that is about no person."""


def test_every_open_field_has_its_reason_and_every_reason_its_field() -> None:
    declared = {(name_of(event), field) for event in EVENTS for field in open_fields(event)}
    reasoned = {(name, field) for name, fields in REASONS.items() for field in fields}
    assert sorted(declared - reasoned) == [], "open fields without a reason in open_fields.toml"
    assert sorted(reasoned - declared) == [], "reasons for fields that do not exist"
    assert all(len(reason) > 8 for fields in REASONS.values() for reason in fields.values())


@pytest.mark.parametrize("event", EVENTS, ids=name_of)
def test_no_open_field_is_named_after_something_personal(event: type[Event]) -> None:
    paths = [path for path, _, _ in leaves(event) if not path.startswith("private.")]
    named = [token for path in paths for token in path.split(".") if FORBIDDEN.search(token)]
    assert set(named) <= HARMLESS


@pytest.mark.parametrize("event", EVENTS, ids=name_of)
def test_an_open_field_cannot_hold_free_text_or_a_point(event: type[Event]) -> None:
    for path, plain, limits in leaves(event):
        if path.startswith("private."):
            continue
        if plain is str:
            assert _pattern(limits) is not None, f"{path} is free text"
        else:
            assert plain in (UUID, datetime, date, bool, int) or issubclass(plain, StrEnum), f"{path}: {plain}"


@pytest.mark.parametrize("event", [event for event in EVENTS if event.NOUN not in ROOTS], ids=name_of)
def test_personal_data_travel_only_in_the_events_of_their_root(event: type[Event]) -> None:
    free = [path for path, plain, limits in leaves(event) if plain is str and _pattern(limits) is None]
    assert {(name_of(event), path) for path in free} <= NOT_PERSONAL


@pytest.mark.parametrize("event", EVENTS, ids=name_of)
def test_internal_data_are_never_empty_because_empty_means_erased(event: type[Event]) -> None:
    required = [name for name, info in event.model_fields.items() if info.is_required() and name != "private"]
    assert required, "an event needs at least one open field that is always there"


@pytest.mark.parametrize("event", EVENTS, ids=name_of)
def test_the_private_part_is_one_nested_class(event: type[Event]) -> None:
    private = event.model_fields.get("private")
    if private is None:
        assert not hasattr(event, "Private")
    else:
        assert private.annotation is event.__dict__["Private"]


@pytest.mark.parametrize("event", EVENTS, ids=name_of)
def test_instants_end_in_at_and_days_in_on(event: type[Event]) -> None:
    for path, plain, _ in leaves(event):
        last = path.split(".")[-1]
        assert (plain is datetime) == (last == "at" or last.endswith("_at")), path
        assert (plain is date) == last.endswith("_on"), path
        if last not in {"line_user_id", "national_id"}:  # other people's ids
            assert (plain is UUID) == (last.endswith(("_id", "_ids", "_of")) or last == "carried_from"), path


def _pattern(limits: list[object]) -> str | None:
    """The pattern of a text, if it keeps words and Thai out."""
    for limit in limits:
        pattern = getattr(limit, "pattern", None)
        if pattern is not None:
            assert not re.search(pattern, "สมชาย ใจดี"), pattern
            return str(pattern)
    return None
