"""What may be granted to an outsider, and what is granted to nobody."""

from __future__ import annotations

from typing import Any

import pytest

from karuna.platform.grants import GrantRefused, grant

TRIPS = "karuna.kalasin.dispatch.>"


@pytest.mark.parametrize("pattern", ["karuna.>", "karuna.*.*.>", "karuna.kalasin.>", "karuna.*.*.call.*.received.v1"])
def test_a_wide_pattern_reaches_the_four_services_and_nothing_else(pattern: str) -> None:
    services = {p.split(".")[2] for p in grant("demo", (pattern,)).patterns}
    assert services == {"intake", "dispatch", "registry", "notify"}


@pytest.mark.parametrize(
    "patterns",
    [
        (),
        ("",),
        (">",),
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
