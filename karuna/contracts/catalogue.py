"""All events of the contract, in the order in which they are told, with their words in Thai and English."""

from __future__ import annotations

import importlib
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from shared.events.base import TYPES, Event
from shared.streams import SERVICES

ROOT = Path(__file__).parents[2]
GOLDENS = ROOT / "shared/events/goldens/v1"
DOCS = ROOT / "docs/events"


@cache
def events() -> tuple[type[Event], ...]:
    """Every event that a service says, service by service, as declared."""
    modules = [importlib.import_module(f"shared.events.{service}") for service in SERVICES]
    ours = tuple(module.__name__ for module in modules)
    spoken = [event for event in TYPES.values() if event.__module__.startswith(ours)]
    return tuple(sorted(spoken, key=lambda event: SERVICES.index(event.SERVICE)))  # whatever was imported first


def event_name(event: type[Event]) -> str:
    """``intake.call.received``"""
    return f"{event.SERVICE}.{event.NOUN}.{event.NAME}"


def title(event: type[Event]) -> tuple[str, str]:
    """What it means, in Thai and in English."""
    thai, _, english = " ".join((event.__doc__ or "").split()).partition(" | ")
    return thai, english


def nouns() -> Iterator[tuple[str, str, list[type[Event]]]]:
    """(service, noun, its events), in order."""
    found: dict[tuple[str, str], list[type[Event]]] = {}
    for event in events():
        found.setdefault((event.SERVICE, event.NOUN), []).append(event)
    for (service, noun), of_noun in found.items():
        yield service, noun, of_noun


@cache
def field_words() -> dict[str, tuple[str, str]]:
    """Field → what it means in Thai and in English."""
    content = tomllib.loads(Path(__file__).with_name("fields.toml").read_text("utf-8"))
    return {name: (thai, english) for name, (thai, english) in content.items()}
