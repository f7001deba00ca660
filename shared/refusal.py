"""A refusal that says what is wrong, in Thai and English, and which field it concerns.

One class for the whole house: pure rules *return* it where a refusal is an ordinary answer (a step out of
order) and *raise* it where a value cannot be read (a phone number with too few digits). As a ``ValueError``
it passes through pydantic validators, which keep it in the error's ``ctx["error"]``.
"""

from __future__ import annotations

import re
from typing import Final

UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
"""Letters that no database keeps: NUL, and halves of a character."""


class Refusal(ValueError):
    """``code`` is for programs, ``field`` names what to correct, ``th`` and ``en`` are for people.

    The texts never repeat the value: it may be a phone number or a name.
    """

    def __init__(self, code: str, field: str, th: str, en: str) -> None:
        super().__init__(en)
        self.code = code
        self.field = field
        self.th = th
        self.en = en

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Refusal) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        return f"Refusal(code={self.code!r}, field={self.field!r}, en={self.en!r})"

    def at(self, field: str) -> Refusal:
        """The same refusal for another field, e.g. ``caller.phone`` instead of ``phone``."""
        return Refusal(self.code, field, self.th, self.en)

    def _key(self) -> tuple[str, str, str, str]:
        return (self.code, self.field, self.th, self.en)
