"""Kinds of call beyond patients: snake, fire, fallen tree. Which team goes, and who else is told."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.codes.codes import code_list, severity_list
from shared.thai.names import canonical
from shared.thai.text import Text

DATA = Path(__file__).parents[1] / "data" / "hazards.toml"
OTHER = "other_hazard"


class Hazard(BaseModel):
    """``severity`` in scheme ``cbd``; ``tell`` are partners by what they take."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: str
    severity: str
    team: Literal["rescue", "fire"]
    skills: tuple[str, ...] = Field(min_length=1)
    tell: tuple[Literal["fire", "power", "police"], ...] = ()
    words: tuple[str, ...]
    advice: Text


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    version: str
    source: str
    hazard: tuple[Hazard, ...]

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if tuple(each.code for each in self.hazard) != code_list("hazard").codes:
            raise ValueError("every hazard of the code list needs its row, in the list's order")
        for each in self.hazard:
            severity_list("cbd").item(each.severity)
            for skill in each.skills:
                code_list("skill").item(skill)
        return self


@cache
def table() -> _Table:
    """The data, checked.

    Raises:
        ValueError: the file is not as it should be.

    """
    return _Table.model_validate(tomllib.loads(DATA.read_text(encoding="utf-8")))


def hazard(code: str, field: str = "hazard") -> Hazard:
    """The row of a hazard.

    Raises:
        Refusal: no such hazard.

    """
    known = code_list("hazard").item(code, field).code
    return next(each for each in table().hazard if each.code == known)


def recognise(complaint: str | None) -> Hazard:
    """The kind of hazard in the caller's words: the row whose longest word is found; ``other_hazard`` where none is."""
    said = canonical(complaint or "")
    found = [(len(word), each) for each in table().hazard for word in each.words if canonical(word) in said]
    return max(found, key=lambda pair: pair[0])[1] if found else hazard(OTHER)
