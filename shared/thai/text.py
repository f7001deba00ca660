"""A text for people, in Thai and English, and the clean-up every Thai text needs before it is read."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Lang = Literal["th", "en"]

THAI_DIGITS = str.maketrans("๐๑๒๓๔๕๖๗๘๙", "0123456789")

# Zero-width and direction marks come along when numbers and names are copied from chats and web pages.
INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]"
)


class Text(BaseModel):
    """The same sentence in Thai and in English. Neither may be empty: everything people read exists in both."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    th: str = Field(min_length=1)
    en: str = Field(min_length=1)

    def say(self, lang: Lang = "th") -> str:
        return self.th if lang == "th" else self.en


def arabic_digits(text: str) -> str:
    """Thai digits ๐-๙ as 0-9; everything else stays."""
    return text.translate(THAI_DIGITS)


def tidy(text: str) -> str:
    """Without invisible characters, with single spaces and no space at the ends."""
    return " ".join(INVISIBLE.sub("", text).split())
