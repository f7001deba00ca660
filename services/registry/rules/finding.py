"""What a typed name means, and how well a person's name answers it. Pure.

The keys that are asked for make candidates; this says which of them are shown, and in which order.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import permutations
from typing import Final

from services.registry.rules.sounds import likeness, near, together, variants
from shared.thai.names import NameKey, name_key

NEAR_ENOUGH: Final = 0.75
"""Likeness of the worst word from which on somebody is shown."""


BRACKETS: Final = re.compile(r"\([^()]*\)")


def readings(name: str | None) -> list[NameKey]:
    """A written name as it may be meant: whole, and without what stands in brackets (``(แดง)``), which nobody types."""
    whole = name or ""
    return [name_key(text) for text in dict.fromkeys((whole, BRACKETS.sub("", whole))) if text.strip()]


@dataclass(frozen=True, slots=True)
class Typed:
    """A name as somebody typed it: its words in any order, or all of it without a space."""

    words: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> Typed:
        key = name_key(text)
        return cls(tuple(word for word in (key.given, key.family) if word))

    @property
    def keys(self) -> list[set[str]]:
        """Of each word the keys of which a person must have one."""
        return [set().union(*(near(form) for form in variants(word))) for word in self.words]

    @property
    def joined(self) -> set[str]:
        """The keys of the whole, where a space was left out or put in."""
        whole = NameKey("", *(*self.words, "", "")[:2])
        return {together(whole), *near(whole.given + whole.family)}

    def likeness(self, name: NameKey) -> float:
        """How well the name answers, 0 to 1: that of its worst word, or of the whole without spaces."""
        parts = [part for part in (name.given, name.family) if part]
        if not parts or not self.words:
            return 0.0
        # Each word stands for a part of its own, in either order.
        by_word = max(
            (min(map(_alike, self.words, order)) for order in permutations(parts, len(self.words))), default=0.0
        )
        if not name.family:
            return by_word
        whole = "".join(self.words)
        return max(by_word, *(likeness(whole, form + name.family) for form in variants(name.given)))


def _alike(word: str, part: str) -> float:
    return max(likeness(one, other) for one in variants(word) for other in variants(part))
