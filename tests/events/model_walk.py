"""Walking through the models of the contract, for the tests that look at every field."""

from __future__ import annotations

import importlib
import typing
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from pydantic import AwareDatetime, BaseModel

from shared.events.base import TYPES, Event
from shared.streams import SERVICES

for service in SERVICES:
    importlib.import_module(f"shared.events.{service}")

EVENTS: list[type[Event]] = [TYPES[name] for name in sorted(TYPES) if TYPES[name].__module__.startswith("shared.")]


def name_of(event: type[Event]) -> str:
    """``intake.call.received``"""
    return event.short_type().removesuffix(".v1")


def open_fields(event: type[Event]) -> list[str]:
    return [field for field in event.model_fields if field != "private"]


def leaves(model: type[BaseModel], path: str = "") -> Iterator[tuple[str, Any, list[Any]]]:
    """Every field at any depth as (path, plain type, what limits it); lists and None are looked through."""
    for name, info in model.model_fields.items():
        for plain, limits in _plain(info.annotation, list(info.metadata)):
            if isinstance(plain, type) and issubclass(plain, BaseModel):
                yield from leaves(plain, f"{path}{name}.")
            else:
                yield f"{path}{name}", plain, limits


def _plain(annotation: Any, limits: list[Any]) -> Iterator[tuple[Any, list[Any]]]:
    if typing.get_origin(annotation) is typing.Annotated:
        inner, *more = typing.get_args(annotation)
        more = [each for item in more for each in getattr(item, "metadata", None) or [item]]
        yield from _plain(inner, [*limits, *more])
    elif arguments := [each for each in typing.get_args(annotation) if each not in (type(None), Ellipsis)]:
        for each in arguments:
            yield from _plain(each, limits)
    else:
        yield (datetime if annotation is AwareDatetime else annotation), limits
