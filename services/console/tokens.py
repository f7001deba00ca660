"""What a code looks like: ``tokens.toml`` read once. The same table serves pages, map, paper and JavaScript."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.codes.codes import Colour, all_lists
from shared.thai.text import Lang

FOLDER = Path(__file__).parent
TABLE = FOLDER / "tokens.toml"
STYLESHEET = FOLDER / "static" / "css" / "tokens.css"
Theme = Literal["dark", "light"]


@dataclass(frozen=True, slots=True)
class Both:
    """The same in Thai and in English."""

    th: str
    en: str

    def say(self, lang: Lang = "th") -> str:
        return self.th if lang == "th" else self.en


@dataclass(frozen=True, slots=True)
class Pair:
    """Two colours that can be read on each other, as ``#RRGGBB``."""

    background: str
    foreground: str

    @property
    def edge(self) -> str:
        """A border between the two: so that white on white and black on black still has a shape."""
        back, fore = (_channels(colour) for colour in (self.background, self.foreground))
        return "#" + "".join(f"{round(b + (f - b) * 0.4):02X}" for b, f in zip(back, fore, strict=True))


@dataclass(frozen=True, slots=True)
class Tone:
    name: str
    dark: Pair
    light: Pair


@dataclass(frozen=True, slots=True)
class Token:
    """``icon`` is the id of a symbol in ``static/icons.svg``; ``known`` is False for the fallback."""

    kind: str
    code: str
    tone: str
    icon: str
    letter: Both
    label: Both
    known: bool = True


Hue = tuple[Colour, Colour]
Letter = Annotated[str, Field(min_length=1, max_length=1)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Tone(_Part):
    dark: Hue
    light: Hue


class _Token(_Part):
    code: str
    tone: str
    icon: str
    letter: tuple[Letter, Letter]
    th: str | None = None
    en: str | None = None


class _Kind(_Part):
    id: str
    list: str | None = None
    tokens: tuple[_Token, ...]


class _File(_Part):
    tones: dict[str, _Tone]
    kind: tuple[_Kind, ...]


@cache
def _file() -> _File:
    return _File.model_validate(tomllib.loads(TABLE.read_text(encoding="utf-8")))


@cache
def tones() -> Mapping[str, Tone]:
    """Every tone by its name.

    Raises:
        ValueError: the table is not as it should be.

    """
    return {name: Tone(name, Pair(*tone.dark), Pair(*tone.light)) for name, tone in _file().tones.items()}


@cache
def kinds() -> Mapping[str, Mapping[str, Token]]:
    """Every token by kind and code, in the table's order.

    Raises:
        ValueError: the table is not as it should be, or a code has no label.

    """
    return {kind.id: {line.code: _token(kind, line) for line in kind.tokens} for kind in _file().kind}


def token(kind: str, code: str | None) -> Token:
    """The token of a code; for what the table does not know a plain one that shows the code as it is."""
    return kinds().get(kind, {}).get(code or "") or Token(
        kind, code or "", "unknown", "question", Both("?", "?"), Both(code or "–", code or "–"), known=False
    )


def as_json() -> dict[str, Any]:
    """The table for JavaScript: ``tones`` → theme → [background, foreground], ``kinds`` → code → token."""
    return {
        "tones": {name: tone.model_dump(mode="json") for name, tone in _file().tones.items()},
        "kinds": {
            kind: {
                each.code: {
                    "tone": each.tone,
                    "icon": each.icon,
                    "letter": {"th": each.letter.th, "en": each.letter.en},
                    "label": {"th": each.label.th, "en": each.label.en},
                }
                for each in tokens.values()
            }
            for kind, tokens in kinds().items()
        },
    }


def stylesheet() -> str:
    """``static/css/tokens.css``: a class for each tone; dark only on screens whose page says so, light on paper."""
    lines = ["/* Written by services/console/tokens.py from tokens.toml. */", *_classes("light", "")]
    lines += ["@media screen {", *_classes("dark", '  [data-theme="dark"] '), "}", ""]
    return "\n".join(lines)


def _classes(theme: Theme, before: str) -> Iterator[str]:
    for tone in tones().values():
        pair = tone.light if theme == "light" else tone.dark
        yield (
            f"{before}.tone-{tone.name} "
            f"{{ --tone: {pair.background}; --on-tone: {pair.foreground}; --tone-edge: {pair.edge}; }}"
        )


def _token(kind: _Kind, line: _Token) -> Token:
    if line.tone not in _file().tones:
        raise ValueError(f"{kind.id}.{line.code}: there is no tone {line.tone}")
    return Token(kind.id, line.code, line.tone, line.icon, Both(*line.letter), _label(kind, line))


def _label(kind: _Kind, line: _Token) -> Both:
    known = all_lists()[kind.list] if kind.list else None
    if known is not None and line.code in known:
        if line.th or line.en:
            raise ValueError(f"{kind.id}.{line.code}: its label stands in the code list")
        return Both(known.label(line.code), known.label(line.code, "en"))
    if not line.th or not line.en:
        raise ValueError(f"{kind.id}.{line.code}: needs a label in both languages")
    return Both(line.th, line.en)


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


if __name__ == "__main__":
    STYLESHEET.parent.mkdir(parents=True, exist_ok=True)
    STYLESHEET.write_text(stylesheet(), encoding="utf-8")
