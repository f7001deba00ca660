"""Questionnaires as data, and the one function that scores them. Pure: the same answers give the same result for ever.

Nothing is assumed for a question that was not answered: a total with a gap would look like a total.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.refusal import Refusal
from shared.thai.text import Text

DATA = Path(__file__).parents[1] / "data" / "questionnaires.toml"


class Choice(Text):
    points: int


class Dimension(Text):
    id: str


class Item(Text):
    id: str = Field(pattern=r"^[a-z][a-z0-9_]{1,39}$")
    choices: tuple[Choice, ...] = Field(min_length=2)
    dimension: str | None = None

    @property
    def points(self) -> set[int]:
        return {choice.points for choice in self.choices}


class Band(Text):
    """From which total on; ``group``: which group it proposes."""

    model_config = ConfigDict(populate_by_name=True)

    code: str = Field(pattern=r"^[a-z][a-z0-9_]{1,39}$")
    least: int = Field(alias="from")
    group: str | None = None


class Questionnaire(Text):
    id: str
    version: str
    source: str = Field(min_length=1)
    source_th: str = Field(min_length=1)
    mark: Text | None = None
    approved_by: str | None = None
    counts: Literal["points", "dimensions"]
    dimensions: tuple[Dimension, ...] = ()
    item: tuple[Item, ...] = Field(min_length=1)
    band: tuple[Band, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        ids = [item.id for item in self.item]
        least = [band.least for band in self.band]
        known = {dimension.id for dimension in self.dimensions}
        if len(ids) != len(set(ids)) or least != sorted(set(least)) or least[0] > 0:
            raise ValueError(f"{self.id}: an item stands twice, or the bands do not begin at nothing and rise")
        if any((item.dimension is None) if known else (item.dimension is not None) for item in self.item) or (
            known and {item.dimension for item in self.item} != known
        ):
            raise ValueError(f"{self.id}: dimensions and items do not fit")
        return self

    def band_of(self, total: int) -> Band:
        return [band for band in self.band if band.least <= total][-1]

    def band_named(self, code: str | None) -> Band | None:
        return next((band for band in self.band if band.code == code), None)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    questionnaire: tuple[Questionnaire, ...]


@dataclass(frozen=True, slots=True)
class Scored:
    """``dimensions``: those in which something was found."""

    score: int
    band: Band
    dimensions: tuple[str, ...] = ()


@cache
def questionnaires() -> dict[str, Questionnaire]:
    """All of them by id.

    Raises:
        ValueError: the file is not as it should be.

    """
    read = _File.model_validate(tomllib.loads(DATA.read_text(encoding="utf-8"))).questionnaire
    if len({one.id for one in read}) != len(read):
        raise ValueError("a questionnaire stands twice")
    return {one.id: one for one in read}


def score(form: Questionnaire, answers: Mapping[str, int]) -> Scored:
    """What the answers (points by item) mean.

    Raises:
        Refusal: a question without an answer, an answer without a question, or points that no choice gives.

    """
    items = {item.id: item for item in form.item}
    for unknown in sorted(answers.keys() - items.keys()):
        raise Refusal("unknown_question", f"answers.{unknown}", "ไม่มีคำถามนี้ในแบบประเมิน", "no such question in this form")
    for item in form.item:
        if item.id not in answers:
            raise Refusal("not_answered", f"answers.{item.id}", f"ยังไม่ได้ตอบ: {item.th}", f"not answered: {item.en}")
        if answers[item.id] not in item.points:
            allowed = ", ".join(map(str, sorted(item.points)))
            raise Refusal("no_such_choice", f"answers.{item.id}", f"คะแนนที่ให้ได้: {allowed}", f"points may be {allowed}")
    found = tuple(
        one.id for one in form.dimensions if any(answers[i.id] > 0 for i in form.item if i.dimension == one.id)
    )
    total = len(found) if form.counts == "dimensions" else sum(answers.values())
    return Scored(total, form.band_of(total), found)


def proposals(form: Questionnaire, before: str | None, now: Band, member_of: set[str]) -> list[tuple[str, bool]]:
    """Which groups a changed band proposes to join (True) or to leave (False); nothing where it stays as it was."""
    was = form.band_named(before)
    own = {band.group for band in form.band if band.group}
    if was is not None and was.code == now.code:
        return []
    joins = [(now.group, True)] if now.group and now.group not in member_of else []
    return joins + [(group, False) for group in sorted(own & member_of) if group != now.group]
