"""Codes as people read them: the label of a code list in one language, the code itself where there is none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from services.console.texts import texts
from shared.codes.codes import all_lists
from shared.refusal import Refusal
from shared.thai.phones import read_phone


def label(list_id: str, code: str | None, lang: str) -> str:
    """A code's label; the code as it is where the list does not know it."""
    if not code:
        return "–"
    known = all_lists().get(list_id)
    return known.label(code, "en" if lang == "en" else "th") if known is not None and code in known else code


def labeller(lang: str) -> Callable[[str, str | None], str]:
    """``code(list, code)`` for a template."""
    return lambda list_id, code: label(list_id, code, lang)


def options(list_id: str, lang: str, codes: Sequence[str] | None = None) -> list[tuple[str, str]]:
    """``(code, label)`` of a list, or of these codes of it, for a field to choose from."""
    return [(code, label(list_id, code, lang)) for code in (codes if codes is not None else all_lists()[list_id].codes)]


def facility_options(facilities: Iterable[Mapping[str, Any]] | None, lang: str) -> list[tuple[str, str]]:
    """``(id, name)`` of facilities to choose from; where one keeps waiting beds, with how many of them are free."""
    return [(str(each["id"]), _with_beds(each, lang)) for each in facilities or ()]


def _with_beds(facility: Mapping[str, Any], lang: str) -> str:
    name = str((facility.get("name_en") if lang == "en" else None) or facility["name"])
    free = facility.get("beds_free")
    return name if free is None else f"{name} · {texts()['fleet.beds_free'].of(lang).format(count=free)}"


def answer_label(answer: str, lang: str) -> str:
    """An answer to a message is a code of its own, or a step of a crew."""
    return label("answer" if answer in all_lists()["answer"] else "step", answer, lang)


def phone_shown(number: str) -> str:
    """As people write it here, where it can be read."""
    try:
        return read_phone(number).shown
    except Refusal:
        return number


def said(part: str, prefix: str, code: str, lang: str) -> str:
    """The text ``<part>.<prefix>_<code>``, or the code where nobody wrote one."""
    text = texts().get(f"{part}.{prefix}_{code}")
    return text.of(lang) if text else code
