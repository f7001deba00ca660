"""What a written line means: a code to link, a word we know, a rating, or something a person must read."""

from __future__ import annotations

import re
from dataclasses import dataclass

from shared.thai.text import arabic_digits, tidy

CODE_LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
"""Without those that are mistaken for another: I, L, O, 0, 1."""
CODE_LENGTH = 8
CODE = re.compile(rf"[{CODE_LETTERS}]{{{CODE_LENGTH}}}")

WORDS = {
    "stop": ("stop", "หยุด", "หยุดส่ง", "ยกเลิกข้อความ", "ไม่รับข้อความ", "unsubscribe"),
    "start": ("start", "เริ่ม", "รับข้อความ", "subscribe"),
    "ready": ("พร้อมกลับ", "พร้อมกลับแล้ว", "พร้อมแล้ว", "เสร็จแล้ว", "ready", "ready to go back"),
}
MEANING = {word: meaning for meaning, known in WORDS.items() for word in known}
POLITE = re.compile(r"(?:\s*(?:ค่ะ|คะ|ครับ|นะคะ|นะครับ|จ้า|จ้ะ|please))+$")
RATING = re.compile(r"([1-5])(?:\s*(?:คะแนน|ดาว|stars?|/5))?")


@dataclass(frozen=True, slots=True)
class Said:
    """``meaning``: link, stop, start, ready, rating or unknown."""

    meaning: str
    code: str | None = None
    score: int | None = None


def understand(text: str) -> Said:
    """A whole line is one of the known words, or it is for a person to read: no guessing."""
    plain = POLITE.sub("", arabic_digits(tidy(text[:200])).casefold()).strip(" .!-")
    if plain in MEANING:
        return Said(MEANING[plain])
    if found := RATING.fullmatch(plain):
        return Said("rating", score=int(found[1]))
    squeezed = re.sub(r"[\s-]", "", plain).upper()
    if CODE.fullmatch(squeezed):
        return Said("link", code=squeezed)
    return Said("unknown")
