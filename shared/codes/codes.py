"""The code lists, read once and checked: every list has a version, a source, and labels in Thai and English.

Codes travel in events and rows for ever, so a code is never renamed or reused: it gets ``retired = true``, and
the list a new version. ``approved_by`` is None until the body that may approve a list has done so.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.refusal import Refusal
from shared.thai.text import Lang, Text

FOLDER = Path(__file__).parent
Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$")]
Colour = Annotated[str, Field(pattern=r"^#[0-9A-F]{6}$")]


class Item(Text):
    """One code. The optional fields mean something in the lists that use them and are absent elsewhere."""

    code: Code
    rank: int | None = None
    """Order of weight: of severities 1 is the most urgent, of unit levels 4 the highest, of stamps the sequence."""
    colour: Colour | None = None
    ink: Colour | None = None
    letter: str | None = None
    treated: bool | None = None
    needs_text: bool = False
    hand_over: bool = False
    """A refusal that is never the end: somebody else is asked, with time and receiver."""
    legal_basis: Text | None = None
    secret: bool = False
    blank: bool = False
    """A number that the source leaves empty: known, and not to be used."""
    retired: bool = False

    @property
    def usable(self) -> bool:
        return not (self.blank or self.retired)


class CodeList(BaseModel):
    """``id`` in the singular: what one value of the field is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Code
    version: str = Field(min_length=1)
    source: str = Field(min_length=1)
    approved_by: str | None = None
    items: tuple[Item, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _codes_are_unique(self) -> Self:
        codes = [item.code for item in self.items]
        if len(codes) != len(set(codes)):
            raise ValueError(f"{self.id}: a code stands twice")
        return self

    def __contains__(self, code: object) -> bool:
        return code in self._by_code

    @cached_property
    def _by_code(self) -> dict[str, Item]:
        return {item.code: item for item in self.items}

    @cached_property
    def codes(self) -> tuple[str, ...]:
        """The codes that may be used, in the list's order."""
        return tuple(item.code for item in self.items if item.usable)

    def item(self, code: str, field: str | None = None) -> Item:
        """The item of a code that may be used.

        Raises:
            Refusal: no such code; names the field (by default the list's id).

        """
        item = self._by_code.get(code)
        if item is not None and item.usable:
            return item
        raise Refusal(
            "unknown_code", field or self.id, f"ไม่มีรหัสนี้ ใช้ได้: {', '.join(self.codes)}",
            f"no such code; known are: {', '.join(self.codes)}",
        )  # fmt: skip

    def label(self, code: str, lang: Lang = "th") -> str:
        """What people read for a code; codes retired since are still labelled, unknown ones shown as they are."""
        item = self._by_code.get(code)
        return code if item is None else item.say(lang)

    def rank(self, code: str) -> int:
        """The item's weight.

        Raises:
            Refusal: no such code.
            ValueError: the list is not ordered.

        """
        rank = self.item(code).rank
        if rank is None:
            raise ValueError(f"{self.id} has no ranks")
        return rank


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    list: tuple[CodeList, ...]


@cache
def all_lists() -> dict[str, CodeList]:
    """Every list by its id.

    Raises:
        ValueError: a file is not as it should be, or a list stands in two files.

    """
    found: dict[str, CodeList] = {}
    for path in sorted(FOLDER.glob("*.toml")):
        for code_list in _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8"))).list:
            if code_list.id in found:
                raise ValueError(f"{path.name}: the list {code_list.id} stands twice")
            found[code_list.id] = code_list
    return found


def code_list(list_id: str) -> CodeList:
    """One list.

    Raises:
        KeyError: there is no such list; which lists exist is the program's knowledge, so this is a mistake in code.

    """
    return all_lists()[list_id]


def published(*ids: str) -> Iterator[dict[str, object]]:
    """Lists as ``GET /v1/codes`` serves them (all of them where no id is given); only fields that say something."""
    for code_list_id in ids or all_lists():
        yield {"approved_by": None, **code_list(code_list_id).model_dump(mode="json", exclude_defaults=True)}


def severity_list(scheme: str) -> CodeList:
    """The severities of a scheme, ``cbd`` or ``ed5``.

    Raises:
        Refusal: no such scheme.

    """
    return code_list(f"severity_{code_list('severity_scheme').item(scheme).code}")
