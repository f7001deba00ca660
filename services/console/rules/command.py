"""The command line: short words for what must go fast. Pure: text in, what is meant out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from shared.thai.text import arabic_digits

Verb = Literal["dispatch", "support", "open", "search", "new", "keys"]
VERBS: dict[str, Verb] = {
    "d": "dispatch", "ก": "dispatch", "ส": "dispatch",
    "+": "support", "ช": "support", "ฌ": "support", "o": "open", "น": "open", "ป": "open",
    "s": "search", "ห": "search", "ค": "search", "n": "new", "ื": "new", "ร": "new", "?": "keys", "h": "keys",
}  # fmt: skip
"""Each verb by its letter, by what that key writes in the Thai layout, and by the first letter of a Thai word."""
NUMBER = re.compile(r"(?:[A-Z]{2,5}-\d{4}-)?0*(\d{1,9})")
DISPATCH_WORDS = (3, 4)
LONGEST = 200


@dataclass(frozen=True, slots=True)
class Command:
    """``number`` is the end of a case number or all of it, ``reason`` the code that overrides a recommendation."""

    verb: Verb
    number: str = ""
    unit: str = ""
    reason: str | None = None
    text: str = ""


class NotUnderstood(Exception):
    """``code`` is the text that says why: ``verb``, ``dispatch``, ``number``, ``text``."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def read_command(typed: str) -> Command:
    """What is meant.

    Raises:
        NotUnderstood: no such verb, or something is missing after it.

    """
    words = typed.strip()[:LONGEST].split()
    verb = VERBS.get(words[0].casefold()) if words else None
    if verb is None:
        raise NotUnderstood("verb")
    if verb in ("dispatch", "support"):
        return _send(verb, words)
    if verb == "open":
        return Command(verb, number=_number(words[1] if len(words) > 1 else ""))
    if verb == "search":
        if len(words) == 1:
            raise NotUnderstood("text")
        return Command(verb, text=" ".join(words[1:]))
    return Command(verb)


def _send(verb: Verb, words: list[str]) -> Command:
    if len(words) not in DISPATCH_WORDS:
        raise NotUnderstood("dispatch")
    reason = words[3].casefold() if len(words) > 3 else None  # noqa: PLR2004 the fourth word
    return Command(verb, number=_number(words[1]), unit=arabic_digits(words[2]).upper(), reason=reason)


def _number(word: str) -> str:
    number = arabic_digits(word).upper().removeprefix("#")
    if NUMBER.fullmatch(number) is None:
        raise NotUnderstood("number")
    return number


def is_meant(case_number: str, asked: str) -> bool:
    """Whether ``17`` or the whole ``KLS-6911-0017`` means this call."""
    if "-" in asked:
        return case_number == asked
    return int(case_number.rsplit("-", 1)[-1]) == int(asked)
