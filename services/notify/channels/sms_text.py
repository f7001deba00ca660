"""An SMS before it is sent: which alphabet, how many parts, where they break, and what may not stand in it.

Limits: 160 septets alone or 153 in a part (GSM 03.38), 70 or 67 units (UCS-2), after 3GPP TS 23.038 and 23.040.
Thai operators take at most three parts, want links registered, refuse shorteners and ask for the brand's name
(help pages of ClickSend and Twilio for Thailand; the link rule is NBTC's of 2025-01-01).
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from unicodedata import lookup

import gsm0338  # type: ignore[import-untyped]
from gsm0338.charset import BASIC_CHARACTER_SET, BASIC_CHARACTER_SET_EXTENSION  # type: ignore[import-untyped]

from services.notify.channels.text import cut, utf16_units
from shared.thai.text import Text

MAX_PARTS = 3
CONTROL = re.compile(r"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f]")
"""Everything below space but line feed and carriage return: escape would garble GSM 03.38, NUL ends C strings."""
SURROGATE = re.compile(r"[\ud800-\udfff]")
_GSM = gsm0338.Codec()
_ALPHABET = frozenset(map(lookup, (*BASIC_CHARACTER_SET.values(), *BASIC_CHARACTER_SET_EXTENSION.values())))


class Alphabet(StrEnum):
    GSM7 = "gsm7"
    UCS2 = "ucs2"


LIMITS: dict[Alphabet, tuple[int, int]] = {Alphabet.GSM7: (160, 153), Alphabet.UCS2: (70, 67)}
"""Units in a message that stands alone, and in one part of several."""


class TextUnfit(ValueError):
    """The text cannot be sent as SMS; ``code`` is one of :data:`PROBLEMS`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Segments:
    """A text ready to be sent, and what an author is shown: how many parts, how much room is left in the last."""

    alphabet: Alphabet
    parts: tuple[str, ...]
    units: int
    units_left: int

    @property
    def count(self) -> int:
        return len(self.parts)


def septets(text: str) -> int:
    """Length in GSM 03.38 septets; the euro sign, brackets, braces and ``^~|`` take two.

    Raises:
        UnicodeEncodeError: a character is not in that alphabet.

    """
    return len(encode_gsm(text))


def encode_gsm(text: str) -> bytes:
    """One septet an octet, unpacked, as SMPP carries it.

    Raises:
        UnicodeEncodeError: a character is not in that alphabet.

    """
    if alphabet_of(text) is not Alphabet.GSM7:
        raise UnicodeEncodeError("gsm03.38", text, 0, 1, "not of this alphabet")
    octets: bytes = _GSM.encode(text)[0]
    return octets


def alphabet_of(text: str) -> Alphabet:
    """Asked of the table, not tried: the codec's error holds its own frames, and each text and sender with them."""
    return Alphabet.GSM7 if _ALPHABET.issuperset(text) and not CONTROL.search(text) else Alphabet.UCS2


def segment(text: str, *, max_parts: int = MAX_PARTS, ucs2_only: bool = False) -> Segments:
    """Cut ``text`` into as few parts as it needs; joined they are exactly ``text``.

    ``ucs2_only`` is for gateways whose default alphabet is not GSM 03.38.

    Raises:
        TextUnfit: empty, holds control characters or half a character, or needs more than ``max_parts``.

    """
    if not text.strip():
        raise TextUnfit("empty")
    if CONTROL.search(text) or SURROGATE.search(text):
        raise TextUnfit("unsendable_character")
    alphabet = Alphabet.UCS2 if ucs2_only else alphabet_of(text)
    measure = septets if alphabet is Alphabet.GSM7 else utf16_units
    alone, in_part = LIMITS[alphabet]
    units = measure(text)
    if units <= alone:
        return Segments(alphabet, (text,), units, alone - units)
    if units > in_part * max_parts:  # before the work: a book is not cut into pieces to be refused
        raise TextUnfit("too_many_parts")
    parts = cut(text, in_part, measure)
    if len(parts) > max_parts:
        raise TextUnfit("too_many_parts")
    return Segments(alphabet, tuple(parts), units, in_part - measure(parts[-1]))


PROBLEMS: dict[str, Text] = {
    "empty": Text(th="ข้อความว่าง", en="the text is empty"),
    "unsendable_character": Text(th="มีอักขระที่ส่งทาง SMS ไม่ได้", en="it holds a character that SMS cannot carry"),
    "too_many_parts": Text(th="ยาวเกินจำนวนตอนที่เครือข่ายไทยรับ", en="it needs more parts than Thai networks take"),
    "link_not_allowed": Text(th="มีลิงก์ที่ไม่ได้ลงทะเบียน", en="it holds a link that is not registered"),
    "link_shortener": Text(th="ห้ามใช้ลิงก์ย่อ", en="shortened links are forbidden"),
    "brand_missing": Text(th="ไม่มีชื่อหน่วยงานผู้ส่ง", en="the sender's name is missing"),
}

SHORTENERS = frozenset({
    "adf.ly", "bit.do", "bit.ly", "buff.ly", "clck.ru", "cutt.ly", "dub.sh", "goo.gl", "is.gd", "j.mp", "kutt.it",
    "lnkd.in", "ow.ly", "qr.ae", "rb.gy", "rebrand.ly", "s.id", "short.io", "shorte.st", "shorturl.asia",
    "shorturl.at", "shrtco.de", "soo.gd", "t.co", "t.ly", "tiny.cc", "tinyurl.com", "u.to", "v.gd", "x.gd",
})  # fmt: skip
LINK = re.compile(
    r"(?:(?P<scheme>[a-z][a-z0-9+.-]*)://)?(?P<host>(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+(?:[a-z]{2,}|ไทย))"
    r"|(?P<thai>[\u0e01-\u0e5b0-9-]+\.ไทย)|[a-z][a-z0-9+.-]*://\S+",
    re.IGNORECASE,
)
"""What a handset turns into a link: any ASCII name with dots, with or without scheme. Strict on purpose."""


@dataclass(frozen=True, slots=True)
class Finding:
    code: str
    where: str

    @property
    def text(self) -> Text:
        return PROBLEMS[self.code]


def lint(text: str, *, brand: str, allowed_hosts: Collection[str] = (), max_parts: int = MAX_PARTS) -> list[Finding]:
    """What forbids ``text`` as an SMS; an empty list means it may go.

    ``brand`` is the name that must stand in it; ``allowed_hosts`` are the registered hosts (their subdomains are
    not included, as operators register full addresses).
    """
    findings = [_judge_link(found, allowed_hosts) for found in LINK.finditer(text)]
    if brand.casefold() not in text.casefold():
        findings.append(Finding("brand_missing", brand))
    try:
        segment(text, max_parts=max_parts)
    except TextUnfit as problem:
        findings.append(Finding(problem.code, ""))
    return [finding for finding in findings if finding is not None]


def _judge_link(found: re.Match[str], allowed_hosts: Collection[str]) -> Finding | None:
    host = (found["host"] or found["thai"] or found[0]).lower()
    if host.removeprefix("www.") in SHORTENERS:
        return Finding("link_shortener", host)
    return None if host in allowed_hosts else Finding("link_not_allowed", host)
