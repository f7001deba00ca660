"""Thai names brought to one form, for matching only. What people wrote is kept and shown as they wrote it.

Titles are mostly written without a space (``นางสาวสมศรี``), and some given names begin like a title (``นายิกา``).
A title is therefore only cut off where what remains can begin a Thai word: never before a dependent vowel or tone
mark. Names that really begin with a title's syllable (``นางนวล``) lose it; for finding candidates that is the
smaller fault, since people decide.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from shared.thai.text import arabic_digits, tidy

# Longest first, so that ``นางสาว`` is not read as ``นาง`` + ``สาว…``. The value is the title's full form.
JOINED_TITLES = {
    "เด็กหญิง": "เด็กหญิง", "เด็กชาย": "เด็กชาย", "นางสาว": "นางสาว", "ด.ญ.": "เด็กหญิง", "ด.ช.": "เด็กชาย",
    "ดญ.": "เด็กหญิง", "ดช.": "เด็กชาย", "น.ส.": "นางสาว", "นส.": "นางสาว", "นาย": "นาย", "นาง": "นาง", "คุณ": "คุณ",
    "ดร.": "ดร.", "นพ.": "นพ.", "พญ.": "พญ.",
}  # fmt: skip
# These are also the beginning of many given names, so only a space or the end makes them titles.
SPACED_TITLES = (
    "พระครู",
    "พระ",
    "สามเณร",
    "แม่ชี",
    "แม่",
    "พ่อ",
    "ลุง",
    "ป้า",
    "ยาย",
    "ตา",
    "หลวงพ่อ",
    "หลวงปู่",
    "นส",
    "ดช",
    "ดญ",
)
TITLES = (*JOINED_TITLES, *SPACED_TITLES)
RANK = re.compile(r"^(?:(?:ว่าที่\s*)?(?:พล|พ|ร|ส|จ|น|ด)\.(?:[ตอทรสจม]\.)+(?:หญิง)?)\s*")
ENGLISH_TITLE = re.compile(r"^(?:mr|mrs|ms|miss|master|dr)(?:\.\s*|\s+)", re.IGNORECASE)

DEPENDENT = re.compile("[\u0e30-\u0e3a\u0e45\u0e47-\u0e4e]")
"""Vowels and marks that cannot begin a word."""
SHORTEST_REST = 2
ODD = re.compile("[\u0e4d\u0e50-\u0e59]|เเ|[\u0e48-\u0e4b][\u0e34-\u0e3a]|([\u0e31\u0e34-\u0e3a\u0e47-\u0e4e])\\1")
"""What :func:`canonical` rewrites; hardly any name has it, and files have thousands of names."""
NOISE = re.compile(r"[^\w\u0e00-\u0e7f ]+")


@dataclass(frozen=True, slots=True)
class NameKey:
    """``title`` in full form or empty; ``given`` and ``family`` without spaces, marks and letter case."""

    title: str
    given: str
    family: str

    @property
    def text(self) -> str:
        return f"{self.given} {self.family}".strip()


def canonical(text: str) -> str:
    """One spelling for what looks the same: NFC, sara am and sara ae as one letter, no invisible marks, lower case."""
    clean = tidy(unicodedata.normalize("NFC", text))
    if not ODD.search(clean):
        return clean.casefold()
    clean = arabic_digits(clean)
    clean = clean.replace("\u0e4d\u0e32", "\u0e33").replace("เเ", "แ")
    # A tone mark typed before sara am's circle or below a vowel: mark order does not show on screen.
    clean = re.sub("\u0e4d([\u0e48-\u0e4b])\u0e32", "\\1\u0e33", clean)
    clean = re.sub("([\u0e48-\u0e4b])([\u0e34-\u0e3a])", r"\2\1", clean)
    clean = re.sub("([\u0e31\u0e34-\u0e3a\u0e47-\u0e4e])\\1+", r"\1", clean)
    return clean.casefold()


@lru_cache(maxsize=1024)
def name_key(text: str) -> NameKey:
    """The form of a whole name by which two writings of it are compared.

    ``นางสาว สมศรี  ใจดี``, ``น.ส.สมศรี ใจดี`` and ``นางสาวสมศรี\u200b ใจดี`` give the same key.
    """
    title, rest = _cut_title(canonical(text))
    words = NOISE.sub("", rest).split()
    if not words:
        return NameKey(title, "", "")
    return NameKey(title, words[0], "".join(words[1:]))


def same_name(one: str, other: str) -> bool:
    """Whether two writings are the same given and family name; titles change with marriage and age, so not compared."""
    return name_key(one).text == name_key(other).text != ""


def first_name(text: str) -> str:
    """The given name alone, as written: what a message may call a person."""
    _, rest = _cut_title(tidy(text))
    return rest.split(" ")[0] if rest else ""


def _cut_title(name: str) -> tuple[str, str]:
    if found := RANK.match(name):
        return found[0].strip(), name[found.end() :]
    if found := ENGLISH_TITLE.match(name):
        return found[0].strip(" .").casefold(), name[found.end() :]
    if not name.startswith(TITLES):
        return "", name
    for title, full in JOINED_TITLES.items():
        if name.startswith(title):
            rest = name[len(title) :].lstrip()
            joined = not name[len(title) : len(title) + 1].isspace()
            if rest and not (joined and (DEPENDENT.match(rest) or len(rest) < SHORTEST_REST)):
                return full, rest
    for title in SPACED_TITLES:
        if name.startswith(title + " "):
            return title, name[len(title) :].lstrip()
    return "", name
