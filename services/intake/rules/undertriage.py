"""Over- and under-triage: the severity given at dispatch (IDC) against the one found at the scene (RC)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from services.intake.rules.triage import COLOURS_TH
from shared.codes.codes import severity_list

Verdict = Literal["over", "under", "right"]
CODES_OF_COLOURS: Mapping[str, str] = {thai: code for code, thai in COLOURS_TH.items()}


def severity_of(idc: str) -> str | None:
    """The severity inside a determinant: ``6 แดง 1`` is ``red``; None where the text is no determinant."""
    parts = idc.split()
    return CODES_OF_COLOURS.get(parts[1]) if len(parts) == 3 else None  # noqa: PLR2004 group, colour, number


def compare(dispatched: str, found: str, scheme: str = "cbd") -> Verdict:
    """``over``: sent as more urgent than it was; ``under``: as less urgent. Both are codes of the same scheme.

    Raises:
        Refusal: a severity that the scheme does not have.

    """
    severities = severity_list(scheme)
    difference = severities.rank(found) - severities.rank(dispatched)
    return "right" if difference == 0 else "over" if difference > 0 else "under"


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts, and shares of the compared. ``uncompared`` are missions without an RC: they are counted, not hidden."""

    over: int
    under: int
    right: int
    uncompared: int

    @property
    def compared(self) -> int:
        return self.over + self.under + self.right

    def share(self, verdict: Verdict) -> float | None:
        return (
            {"over": self.over, "under": self.under, "right": self.right}[verdict] / self.compared
            if self.compared
            else None
        )


def tally(pairs: Iterable[tuple[str, str | None]], scheme: str = "cbd") -> Tally:
    """Counts over ``(dispatched, found)`` pairs; ``found`` is None where nobody recorded it."""
    counts: Counter[str] = Counter()
    for dispatched, found in pairs:
        counts["uncompared" if found is None else compare(dispatched, found, scheme)] += 1
    return Tally(counts["over"], counts["under"], counts["right"], counts["uncompared"])
