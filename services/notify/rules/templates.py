"""Texts in Thai and English, rendered in Jinja2's sandbox, and the linter that guards what goes out.

One TOML table per template: ``line.th, line.en`` and, where SMS is among its channels, ``sms.th, sms.en``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources

from jinja2 import StrictUndefined, TemplateSyntaxError, meta
from jinja2 import Template as JinjaTemplate
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import BaseModel, ConfigDict, Field

from services.notify.channels.line_messages import MAX_TEXT
from services.notify.channels.sms_text import TextUnfit, segment
from services.notify.channels.sms_text import lint as lint_sms
from services.notify.channels.text import utf16_units
from services.notify.rules.table import ChannelName
from services.notify.rules.words import WORDS
from shared.thai.text import Lang, Text

SMS_PARTS = 2
LANGUAGES: tuple[Lang, Lang] = ("th", "en")
ENDING = Text(th="โทร {number}", en="call {number}")
FORBIDDEN = (
    "national_id", "address", "landmark", "complaint", "diagnosis", "needs", "groups", "criteria", "birth", "age",
    "phone", "line_user_id", "lat", "lon", "notes", "barriers", "name",
)  # fmt: skip
"""Words that would tell of a person's health, number or home; no template may ask for one of them."""


class Template(BaseModel):
    """One template. Both languages are compulsory; without ``sms`` it goes by LINE only."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: str = Field(min_length=1)
    line: Text
    sms: Text | None = None

    def source(self, channel: ChannelName, lang: Lang) -> str:
        text = self.line if channel == "line" else self.sms
        if text is None:
            raise KeyError(channel)
        return text.say(lang)


_ENVIRONMENT = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False, trim_blocks=False)


@cache
def all_templates() -> dict[str, Template]:
    """Every template by its name.

    Raises:
        ValueError: a file is not as it should be, or a name stands twice.

    """
    found: dict[str, Template] = {}
    folder = resources.files("services.notify") / "data" / "templates"
    for path in sorted(folder.iterdir(), key=lambda entry: entry.name):
        for name, table in tomllib.loads(path.read_text("utf-8")).items():
            if name in found:
                raise ValueError(f"{path.name}: template {name} stands twice")
            found[name] = Template.model_validate(table)
    return found


def render(name: str, channel: ChannelName, lang: Lang, values: dict[str, str]) -> str:
    """The text.

    Raises:
        KeyError: no such template, or none for this channel.

    """
    return _compiled(all_templates()[name].source(channel, lang)).render(values).strip()


@cache
def _compiled(source: str) -> JinjaTemplate:
    return _ENVIRONMENT.from_string(source)


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a template may not be used. ``where`` is e.g. ``crew_ordered.sms.th``."""

    where: str
    code: str


def lint(
    templates: dict[str, Template], samples: list[dict[Lang, dict[str, str]]], *, brand: Text, short_number: str
) -> list[Fault]:
    """Everything wrong with the templates, said with each of the sample words; empty when all may be used."""
    return [
        Fault(f"{name}.{channel}.{lang}", code)
        for name, template in templates.items()
        for channel in ("line", "sms")
        if channel == "line" or template.sms is not None
        for lang in LANGUAGES
        for code in sorted(set(_faults(template.source(channel, lang), channel, lang, samples, brand, short_number)))
    ]


def _faults(
    source: str, channel: str, lang: Lang, samples: list[dict[Lang, dict[str, str]]], brand: Text, short_number: str
) -> Iterator[str]:
    try:
        used = meta.find_undeclared_variables(_ENVIRONMENT.parse(source))
    except TemplateSyntaxError:
        yield "syntax"
        return
    yield from (f"forbidden_word_{word}" for word in used & set(FORBIDDEN))
    yield from (f"unknown_word_{word}" for word in used - WORDS - set(FORBIDDEN))
    if used - WORDS:
        return
    for sample in samples:
        text = _compiled(source).render(sample[lang]).strip()
        yield from _faults_of_text(text, channel, brand.say(lang), ENDING.say(lang).format(number=short_number))


def _faults_of_text(text: str, channel: str, brand: str, ending: str) -> Iterator[str]:
    if channel == "sms":
        yield from (finding.code for finding in lint_sms(text, brand=brand, max_parts=SMS_PARTS))
        if not text.casefold().endswith(ending.casefold()):
            yield "ending_missing"
        return
    # LINE: no links either, the brand, and the number to ring somewhere.
    yield from (f.code for f in lint_sms(text, brand=brand, max_parts=9) if f.code != "too_many_parts")
    if ending.casefold() not in text.casefold():
        yield "number_missing"
    if utf16_units(text) > MAX_TEXT:
        yield "too_long"


def sms_parts(text: str) -> int:
    """How many parts it takes; 0 where it cannot be sent at all."""
    try:
        return segment(text).count
    except TextUnfit:
        return 0
