"""What a review must hold before it counts as one. Pure.

Five times why, each asked of the answer before, and five looks (5 Gen): the real place, thing and situation, the
principle and the rule. What is missing is named; a review with a gap is not approved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from shared.codes.codes import code_list

WHYS: Final = 5
GENS: Final = code_list("review_gen").codes
WORST_SCORES: Final = frozenset({1, 2})
"""Ratings of a ride (1 to 5) that are a complaint."""


@dataclass(frozen=True, slots=True)
class Texts:
    """``whys``: answers, each to the question why of the one before."""

    whys: Sequence[str]
    gens: Mapping[str, str]

    def packed(self) -> dict[str, str]:
        """Field → text, as they are sealed."""
        return {f"why.{number}": why for number, why in enumerate(self.whys, start=1)} | {
            f"gen.{code}": text for code, text in self.gens.items()
        }

    @classmethod
    def unpacked(cls, told: Mapping[str, str]) -> Texts:
        whys = [told[f"why.{number}"] for number in range(1, WHYS + 1) if f"why.{number}" in told]
        return cls(whys, {code: told[f"gen.{code}"] for code in GENS if f"gen.{code}" in told})


def missing(texts: Texts, root_cause: str | None) -> list[str]:
    """What has to be written before approval, as names of fields."""
    whys = [f"whys.{number}" for number in range(len(texts.whys) + 1, WHYS + 1)]
    gens = [f"gens.{code}" for code in GENS if not texts.gens.get(code)]
    return whys + gens + ([] if root_cause else ["root_cause"])


def overdue(due_on: date, *, done: bool, today: date) -> bool:
    return not done and due_on < today
