"""Figures that may be published: whatever would point at single people is left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from shared.codes.codes import code_list

SMALLEST: Final = 5
"""A figure between 1 and 4 points at people. The practice of statistical offices; 0 points at nobody."""

NOT_SERVED: Final = frozenset(
    {item.code for item in code_list("mission_outcome").items if item.treated is False}
    | set(code_list("trip_outcome").codes) - {"completed"}
)
"""Outcomes of a finished trip by which nobody was helped."""


@dataclass(frozen=True, slots=True)
class Cell:
    """How many persons and trips fall under a code; None where they are kept back."""

    code: str
    persons: int | None
    trips: int | None

    @property
    def kept_back(self) -> bool:
        return self.persons is None


def publishable(cells: Sequence[Cell]) -> list[Cell]:
    """The cells with small ones kept back; where that would leave one that follows from the total, the next

    smallest goes with it.
    """
    shown = [_hidden(cell) if _small(cell) else cell for cell in cells]
    kept = [cell for cell in shown if not cell.kept_back and cell.persons]
    if sum(cell.kept_back for cell in shown) == 1 and kept:
        least = min(kept, key=lambda cell: cell.persons or 0)
        shown = [_hidden(cell) if cell is least else cell for cell in shown]
    return shown


def one_month(first: date, last: date, today: date) -> bool:
    """Whether these are the days of one month that is over: of such spans none is the difference of others.

    Of spans that overlap, or of one that still grows, what is between them would be told by subtracting.
    """
    after = last + timedelta(days=1)
    return first.day == after.day == 1 and first < after <= min(today, first + timedelta(days=31))


def _small(cell: Cell) -> bool:
    return any(figure is not None and 0 < figure < SMALLEST for figure in (cell.persons, cell.trips))


def _hidden(cell: Cell) -> Cell:
    return replace(cell, persons=None, trips=None)
