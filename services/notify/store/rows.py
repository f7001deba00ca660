"""Rows as columns: what ``unnest`` takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any

_readers: dict[type[Any], attrgetter[Any]] = {}


def _reader(kind: type[Any]) -> attrgetter[Any]:
    if kind not in _readers:
        _readers[kind] = attrgetter(*(field.name for field in fields(kind)))
    return _readers[kind]


def values(row: Any) -> tuple[Any, ...]:
    """A row's fields in their order. (``dataclasses.astuple`` copies deeply: ten times the cost of the insert.)"""
    found: tuple[Any, ...] = _reader(type(row))(row)
    return found


def columns(kind: type[Any], rows: Sequence[Any]) -> list[list[Any]]:
    """One list per field, also where there are no rows."""
    if not rows:
        return [[] for _ in fields(kind)]
    return [list(column) for column in zip(*map(values, rows), strict=True)]
