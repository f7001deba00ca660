"""Which entries of the communities' cards answer a question, and which of them are nearest. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from shared.geo import Point, distance_m
from shared.thai.text import tidy

OWN_CODE: Final = re.compile(r"(?!\d+$)[a-z0-9][a-z0-9_-]{0,39}")
"""A community's code within its municipality; of digits alone are official ones."""


def code_of(area: str, told: str) -> str:
    """The code in the area tree of a community that was told by its own code; anything else as it is."""
    return f"{area}:{told}" if OWN_CODE.fullmatch(told) else told


@dataclass(frozen=True, slots=True)
class Entry:
    """``words``: what is written of it, and what its kind is called; ``point``: where it is, if that is known."""

    id: UUID
    words: tuple[str, ...]
    point: Point | None = None


@dataclass(frozen=True, slots=True)
class Near:
    """``distance_m`` is None where it is not known where the thing is, or nothing was asked about a place."""

    id: UUID
    distance_m: int | None


def fits(entry: Entry, words: str) -> bool:
    """Every word that was asked for stands somewhere in what is written, as a word or a piece of one."""
    written = " ".join(_plain(each) for each in entry.words)
    return all(word in written for word in _plain(words).split())


def _plain(text: str) -> str:
    return tidy(text).casefold()


def found(entries: Iterable[Entry], words: str, at: Point | None, within_m: int | None) -> Sequence[Near]:
    """Those that fit, the nearest first; whose place is not known comes last, and is never left out for its distance:

    whoever asks can ring up.
    """
    near = [Near(each.id, _metres(each.point, at)) for each in entries if fits(each, words)]
    kept = [one for one in near if within_m is None or one.distance_m is None or one.distance_m <= within_m]
    return sorted(kept, key=lambda one: (one.distance_m is None, one.distance_m or 0, one.id))


def _metres(point: Point | None, at: Point | None) -> int | None:
    return round(distance_m(at, point)) if point is not None and at is not None else None
