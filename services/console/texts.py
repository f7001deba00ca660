"""Every sentence of the console, Thai and English side by side: ``texts/<part>.toml``, ``[key] th = "…" en = "…"``."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources
from typing import Annotated

from pydantic import ConfigDict, Field, TypeAdapter
from pydantic.dataclasses import dataclass

LANGS = ("th", "en")
DEFAULT = "th"


Sentence = Annotated[str, Field(min_length=1)]


@dataclass(frozen=True, slots=True, config=ConfigDict(extra="forbid"))
class Text:
    """One sentence; ``{name}`` stands for what is filled in. No model: of those, thousands take twice the room."""

    th: Sentence
    en: Sentence

    def of(self, lang: str) -> str:
        return self.en if lang == "en" else self.th


_PART = TypeAdapter(dict[str, Text])


@cache
def texts() -> Mapping[str, Text]:
    """All texts by ``part.key``.

    Raises:
        pydantic.ValidationError: a language is missing.

    """
    found: dict[str, Text] = {}
    folder = resources.files("services.console") / "texts"
    for entry in folder.iterdir():
        if entry.name.endswith(".toml"):
            part = entry.name.removesuffix(".toml")
            for key, text in _PART.validate_python(tomllib.loads(entry.read_text("utf-8"))).items():
                found[f"{part}.{key}"] = text
    return found


def teller(lang: str) -> Callable[..., str]:
    """``t`` of one language.

    Raises:
        KeyError: there is no such text.

    """

    def t(key: str, /, **facts: object) -> str:
        sentence = texts()[key].of(lang)
        return sentence.format(**facts) if facts else sentence

    return t


def some(part: str, lang: str) -> dict[str, str]:
    """All texts of a part, without its name: what a script on the page needs."""
    return {key.removeprefix(f"{part}."): text.of(lang) for key, text in texts().items() if key.startswith(f"{part}.")}


def service_away(service: str, lang: str) -> str:
    """That a service does not answer, by the name that people know it by."""
    t = teller(lang)
    return t("base.service_away", service=t(f"base.service_{service}"))
