"""Names by how they sound and how they might be misspelt: what two writings of one name still have in common. Pure.

Tone marks, ็ and ์ are left out (``ศักดิ์``, ``ศักดิ``); ``udom83`` (Wannee Udompanich 1983, from PyThaiNLP) joins letters
that sound alike (``ณัฐพล``, ``นัฐพล``); and two words of which one letter differs share a word with one letter left out
(the deletion neighbourhood of SymSpell). What is shared makes candidates; how alike they are is seen by opening them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from pythainlp.soundex import udom83
from rapidfuzz.distance import OSA, JaroWinkler

from shared.thai.names import DEPENDENT, NameKey

SILENT = re.compile("[\u0e47-\u0e4c]")
"""Maitaikhu, the four tones, thanthakhat: left out, added and confused more than any letter."""
JOINED = (
    "หลวงพ่อ",
    "หลวงปู่",
    "พระครู",
    "แม่ชี",
    "พระ",
    "ยาย",
    "ตา",
    "ป้า",
    "ลุง",
    "น้า",
    "อา",
    "พ่อ",
    "แม่",
    "ปู่",
    "ย่า",
    "พี่",
    "น้อง",
)
"""How people are called, written without a space before the name. Some names begin like this, so both are tried."""
SHORTEST_DELETED = 4
"""Letters of a word of which one may be left out; less would make everybody alike."""
SAME_SOUND, SAME_SOUND_ADDS = 0.78, 0.15
"""Likeness of words that sound alike at least (``วรรณา``, ``วันนา``), and what sounding alike adds."""
LONG_SOUND = 3
THAI = re.compile("[ก-ฮ]")


@lru_cache(maxsize=2048)
def folded(word: str) -> str:
    """The word without what is often left out: ``ศักดิ์`` and ``ศักดิ`` are one."""
    return SILENT.sub("", word)


@lru_cache(maxsize=4096)
def sound(word: str) -> str:
    """How a Thai word sounds, seven signs; empty for words in other letters."""
    return udom83(word) if THAI.search(word) else ""


def variants(given: str) -> list[str]:
    """The given name as written, and without ``ยาย``, ``ตา`` and the like before it."""
    found = [given]
    if not given.startswith(JOINED):
        return found
    for title in JOINED:
        rest = given[len(title) :]
        if given.startswith(title) and len(rest) > 1 and not DEPENDENT.match(rest):
            found.append(rest)
    return found


def near(word: str) -> set[str]:
    """The keys of one word: two words that differ in one letter, or sound alike, have one in common."""
    return set(_near(word))


@lru_cache(maxsize=1024)
def _near(word: str) -> frozenset[str]:
    plain = folded(word)
    keys = {f"w{plain}"}
    if code := sound(word):
        keys.add(f"s{code}")
    if len(plain) >= SHORTEST_DELETED:
        keys |= {f"w{plain[:at]}{plain[at + 1 :]}" for at in range(len(plain))}
    return frozenset(keys)


def words_of(key: NameKey) -> Iterator[str]:
    """The words by which a person is found: given name in its variants, family name."""
    if key.given:
        yield from variants(key.given)
    if key.family:
        yield key.family


def together(key: NameKey) -> str:
    """The key of a whole name of which nobody knows where its given name ends."""
    return f"w{folded(key.given + key.family)}"


def likeness(one: str, other: str) -> float:
    """How alike two words are, 0 to 1; 1 where nothing but silent marks differs."""
    a, b = folded(one), folded(other)
    if a == b:
        return 1.0
    plain: float = OSA.normalized_similarity(a, b)
    begun: float = JaroWinkler.similarity(a, b)
    found = max(plain, (plain + begun) / 2)
    if (code := sound(one)) == sound(other) != "":
        # Vowels are no part of it, so of two consonants it says little: ``มานี``, ``มีนา``.
        long_enough = len(code.rstrip("0")) >= LONG_SOUND
        found = max(found + SAME_SOUND_ADDS, SAME_SOUND if long_enough else 0.0)
    return min(0.99, found)
