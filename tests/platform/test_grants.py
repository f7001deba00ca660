"""What may be granted to an outsider, and what is granted to nobody."""

from __future__ import annotations

import re
from typing import Any

import pytest

from karuna.known import known_here
from karuna.platform.grants import GrantRefused, Known, grant, refuse_unknown
from tests.harness import ROOT

TRIPS = "karuna.kalasin.dispatch.>"


@pytest.mark.parametrize("pattern", ["karuna.*.>", "karuna.*.*.>", "karuna.kalasin.>", "karuna.*.*.call.*.received.v1"])
def test_a_wide_pattern_reaches_the_four_services_and_nothing_else(pattern: str) -> None:
    services = {p.split(".")[2] for p in grant("demo", (pattern,)).patterns}
    assert services == {"intake", "dispatch", "registry", "notify"}


@pytest.mark.parametrize(
    "patterns",
    [
        (),
        ("",),
        (">",),
        ("karuna.>",),
        ("*.kalasin.dispatch.>",),
        ("internal.kalasin.dispatch.>",),
        ("karuna",),
        ("karuna.kalasin",),
        ("karuna.kalasin.dispatch",),
        ("karuna.kalasin.dispatch.trip",),
        ("karuna.kalasin.inbox.calls",),
        ("karuna.kalasin.inbox.>",),
        ("karuna.kalasin.ask.dispatch.queue",),
        ("karuna.kalasin.telemetry.>",),
        ("karuna.kalasin.payroll.>",),
        ("karuna.>.dispatch",),
        ("karuna.kala sin.dispatch.>",),
        ("karuna.kalasin.dispatch.>.v1",),
        ("$JS.API.>",),
        ("karuna.*.dispatch.trip.>", "karuna.kalasin.dispatch.*.*.completed.v1"),
    ],
)
def test_what_nobody_is_granted(patterns: tuple[str, ...]) -> None:
    with pytest.raises(GrantRefused):
        grant("demo", patterns)


def test_a_pattern_within_another_is_left_out() -> None:
    assert grant("demo", (TRIPS, "karuna.kalasin.dispatch.trip.>", TRIPS)).patterns == (TRIPS,)


@pytest.mark.parametrize("name", ["", "Demo", "a b", "../x", "x" * 33, "ก"])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(GrantRefused):
        grant(name, (TRIPS,))


@pytest.mark.parametrize(
    "doors",
    [
        {"inbox_calls": ("*",)},
        {"inbox_calls": ("a.b",)},
        {"positions": (("kalasin", "*"),)},
        {"positions": (("kalasin", ">"),)},
        {"asks": (("kalasin", "dispatch", "*"),)},
        {"asks": (("kalasin", "payroll", "x"),)},
        {"asks": (("*", "dispatch", "x"),)},
    ],
)
def test_doors_have_no_wildcards(doors: dict[str, Any]) -> None:
    with pytest.raises(GrantRefused):
        grant("demo", (), **doors)


@pytest.fixture(scope="module")
def here() -> Known:
    return known_here(ROOT / "deploy/areas", ["dispatch", "registry"])


@pytest.mark.parametrize(
    ("option", "word", "given"),
    [
        ("--allow", "kalasinn", {"allow": ("karuna.kalasinn.dispatch.>",)}),
        ("--allow", "karuna.kalasin.dispatch.trp.>", {"allow": ("karuna.kalasin.dispatch.trp.>",)}),
        ("--allow", "finished", {"allow": ("karuna.kalasin.dispatch.trip.*.finished.v1",)}),
        ("--inbox-calls", "kalasinn", {"inbox_calls": ("kalasin", "kalasinn")}),
        ("--positions", "kalasinn", {"positions": (("kalasinn", "K1"),)}),
        ("--ask", "kalasinn", {"asks": (("kalasinn", "dispatch", "units"),)}),
        ("--ask", "unit", {"asks": (("kalasin", "dispatch", "unit"),)}),
        ("--ask", "units", {"asks": (("kalasin", "registry", "units"),)}),
    ],
)
def test_what_there_is_not_is_granted_to_nobody(here: Known, option: str, word: str, given: dict[str, Any]) -> None:
    made = grant("demo", **given)
    with pytest.raises(GrantRefused) as refused:
        refuse_unknown(made, here)
    said = str(refused.value)
    assert said.startswith(f"{option}: ")
    assert repr(word) in said or f"{word}'" in said or f".{word}." in said
    thai, english = said.split(" (", 1)
    assert re.search("[ก-๙]", thai)
    assert not re.search("[ก-๙]", english)


def test_what_there_is_may_be_granted(here: Known) -> None:
    patterns = ("karuna.*.*.>", "karuna.kalasin.dispatch.trip.*.completed.v1", "karuna.sample.registry.person.>")
    for pattern in patterns:
        refuse_unknown(grant("demo", (pattern,)), here)
    asks = (("kalasin", "dispatch", "units"), ("kalasin", "registry", "persons_search"))
    doors = grant("demo", inbox_calls=("kalasin", "sample"), positions=(("kalasin", "K1"),), asks=asks)
    refuse_unknown(doors, here)
