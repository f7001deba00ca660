"""The six barriers: ticking one opens its action with an owner; it ends met or unmet, by a coded outcome."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.codes.codes import Item, code_list
from shared.refusal import Refusal
from shared.thai.text import Text

DATA = Path(__file__).parents[1] / "data" / "barriers.toml"
State = Literal["asked", "met", "unmet"]


class Action(BaseModel):
    """What is done about one barrier, which role answers for it, and how it may be met."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: str
    action: Text
    owner: Literal["call_taker", "dispatcher", "case_manager"]
    due_h: float = Field(gt=0)
    met: tuple[Item, ...] = Field(min_length=1)


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    version: str
    source: str
    unmet: tuple[Item, ...] = Field(min_length=1)
    barrier: tuple[Action, ...]

    @model_validator(mode="after")
    def _each_barrier_once(self) -> Self:
        if tuple(each.code for each in self.barrier) != code_list("barrier").codes:
            raise ValueError("every barrier needs exactly one action, in the list's order")
        return self


@cache
def table() -> _Table:
    """The data, checked.

    Raises:
        ValueError: the file is not as it should be.

    """
    return _Table.model_validate(tomllib.loads(DATA.read_text(encoding="utf-8")))


def action_for(barrier: str, field: str = "barriers") -> Action:
    """What ticking this barrier opens.

    Raises:
        Refusal: there is no such barrier.

    """
    code = code_list("barrier").item(barrier, field).code
    return next(each for each in table().barrier if each.code == code)


def actions(barriers: Iterable[str]) -> tuple[Action, ...]:
    """The actions of the ticked barriers, each once, in the order of ticking.

    Raises:
        Refusal: names the entry that is no barrier.

    """
    return tuple(
        action_for(barrier, f"barriers.{place}") for place, barrier in enumerate(dict.fromkeys(barriers))
    )  # fmt: skip


def settle(barrier: str, state: State, outcome: str) -> Item:
    """The outcome with which a barrier ends ``met`` or ``unmet``.

    Raises:
        Refusal: not an outcome of that barrier; names the field and the outcomes that are.

    """
    options = action_for(barrier).met if state == "met" else table().unmet
    for option in options:
        if option.code == outcome:
            return option
    known = ", ".join(option.code for option in options)
    raise Refusal("unknown_code", "outcome" if state == "met" else "reason", f"ใช้ได้: {known}", f"known are: {known}")


@dataclass(frozen=True, slots=True)
class Count:
    """``asked`` counts all that were opened; ``open`` those not yet settled."""

    asked: int
    met: int
    unmet: int

    @property
    def open(self) -> int:
        return self.asked - self.met - self.unmet


def count(barriers: Iterable[tuple[str, State]]) -> Mapping[str, Count]:
    """Asked, met and unmet per barrier; every barrier has a row, also with zeros."""
    seen = Counter(barriers)
    return {
        code: Count(
            asked=sum(seen[code, state] for state in ("asked", "met", "unmet")),
            met=seen[code, "met"],
            unmet=seen[code, "unmet"],
        )
        for code in code_list("barrier").codes
    }
