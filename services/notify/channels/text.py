"""Where a text may be cut: never inside what a reader sees as one character, rather at a space or a stop.

Grapheme clusters are those of Unicode UAX #29, as the ``regex`` package knows them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import accumulate

import regex

Measure = Callable[[str], int]

CLUSTER = regex.compile(r"\X")
GOOD_BREAK = re.compile(r"[\s.,;:!?)\]}…。、ๆฯ/|-]$")
"""A cut after one of these leaves both halves readable. Thai has no space between words, but between phrases."""


def clusters(text: str) -> list[str]:
    """What readers see as characters: ``น้ำ`` is one of two code points, a family emoji one of seven."""
    return CLUSTER.findall(text)


def graphemes(text: str) -> int:
    return len(clusters(text))


def utf16_units(text: str) -> int:
    """Length in UTF-16 code units, as LINE and UCS-2 SMS count."""
    return len(text) + sum(1 for char in text if ord(char) > 0xFFFF)  # noqa: PLR2004


def cut(text: str, limit: int, measure: Measure) -> list[str]:
    """``text`` in the fewest pieces of at most ``limit``, joined again exactly ``text``.

    Among the cuts that need no further piece, each is made after the last space or stop, else between two clusters.
    A single cluster longer than ``limit`` (marks piled upon marks) is cut between code points.
    """
    if text and measure(text) <= limit:
        return [text]
    atoms = [atom for cluster in clusters(text) for atom in _small_enough(cluster, limit, measure)]
    sizes = [measure(atom) for atom in atoms]
    pieces, start, left = [], 0, _pieces_needed(sizes, limit)
    needed = _needed_from(sizes, limit)
    while start < len(atoms):
        end = _furthest(sizes, start, limit)
        if end < len(atoms):
            end = _best_end(atoms, start, end, needed, left - 1)
        pieces.append("".join(atoms[start:end]))
        start, left = end, left - 1
    return pieces


def _small_enough(cluster: str, limit: int, measure: Measure) -> list[str]:
    return [cluster] if measure(cluster) <= limit else list(cluster)


def _furthest(sizes: list[int], start: int, limit: int) -> int:
    """The end of the longest piece that begins at ``start``."""
    end = start
    for total in accumulate(sizes[start:]):
        if total > limit:
            break
        end += 1
    return end


def _pieces_needed(sizes: list[int], limit: int) -> int:
    return _needed_from(sizes, limit)[0]


def _needed_from(sizes: list[int], limit: int) -> list[int]:
    """For every start, the fewest pieces that hold the rest."""
    needed = [0] * (len(sizes) + 1)
    end, room = len(sizes), limit
    for start in range(len(sizes) - 1, -1, -1):
        room -= sizes[start]
        while room < 0:
            end -= 1
            room += sizes[end]
        needed[start] = 1 + needed[end]
    return needed


def _best_end(atoms: list[str], start: int, furthest: int, needed: list[int], left: int) -> int:
    for end in range(furthest, start, -1):
        if needed[end] > left:
            break
        if GOOD_BREAK.search(atoms[end - 1]):
            return end
    return furthest
