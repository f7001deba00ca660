"""Small cells are not told: behind a count of one to four, people could be recognised."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

LEAST_TOLD = 5


def suppress(
    rows: Iterable[Mapping[str, Any]], counts: tuple[str, ...], totals: tuple[str, ...] = ()
) -> tuple[list[dict[str, Any]], int]:
    """The rows with small counts as None, and how many cells that were.

    ``totals`` name counts of the same row that are the sum of its others: where exactly one of the others is
    hidden, the total would give it away, so it is hidden as well.
    """
    told: list[dict[str, Any]] = []
    hidden = 0
    for row in rows:
        shown = dict(row)
        small = [name for name in counts if 0 < row[name] < LEAST_TOLD]
        if len([name for name in small if name not in totals]) == 1:
            small += [name for name in totals if name not in small]
        for name in small:
            shown[name] = None
        hidden += len(small)
        told.append(shown)
    return told, hidden


def without_telling_total(rows: list[dict[str, Any]], by: str, count: str, total: str) -> list[dict[str, Any]]:
    """Rows in groups of ``by``: a group with exactly one hidden cell also loses its smallest other cell, for the

    total (the row of group ``total``) minus the rest would give the hidden one away.
    """
    groups: dict[Any, list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(row[by], []).append(row)
    for name, group in groups.items():
        hidden = [row for row in group if row[count] is None]
        others = [row for row in group if row[count]]
        if name != total and len(hidden) == 1 and others:
            min(others, key=lambda row: row[count])[count] = None
    return rows
