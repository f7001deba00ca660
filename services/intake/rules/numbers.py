"""The number of a call, and the code by which a caller follows it.

The number is for people at the desk: prefix, Buddhist year and month, running number, after the mission numbers of
1669. It can be guessed. The tracking code cannot: eight random characters and one that checks them, from an alphabet
of 31 without 0, 1, I, L and O. 31 is prime, so weights 1 to 8 catch every mistyped and every exchanged character.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from datetime import datetime

from shared.refusal import Refusal
from shared.thai.dates import be_year, local
from shared.thai.text import arabic_digits, tidy

ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
RANDOM = 8
NUMBER = re.compile(r"([A-Z]{2,5})-(\d{2})(\d{2})-(\d{4,})")


def series(prefix: str, received_at: datetime) -> str:
    """The series in which a call is numbered, ``KLS-6911``: a new one begins every month, by Thai time."""
    return f"{prefix}-{be_year(received_at) % 100:02d}{local(received_at).month:02d}"


def case_number(prefix: str, received_at: datetime, running: int) -> str:
    """``KLS-6911-0001``. ``running`` comes from the database, counted per series; beyond 9999 it grows longer.

    Raises:
        ValueError: a running number below 1.

    """
    if running < 1:
        raise ValueError("running numbers begin with 1")
    return f"{series(prefix, received_at)}-{running:04d}"


def is_case_number(text: str) -> bool:
    return NUMBER.fullmatch(text) is not None


def new_tracking_code(choose: Callable[[str], str] = secrets.choice) -> str:
    """``7K3M-Q9RT-X``: about 39 bits, drawn from the system's randomness."""
    body = "".join(choose(ALPHABET) for _ in range(RANDOM))
    return _shown(body + _check(body))


def read_tracking_code(text: str, field: str = "code") -> str:
    """A code as typed (small letters, spaces, no dashes, Thai digits), in the form in which it is kept.

    Raises:
        Refusal: not a code, or a mistyped one; nothing is looked up for it.

    """
    code = re.sub(r"[\s\-\u2010-\u2015]", "", arabic_digits(tidy(text[:60]))).upper()
    whole = len(code) == RANDOM + 1 and all(letter in ALPHABET for letter in code)
    if not whole or _check(code[:RANDOM]) != code[RANDOM]:
        raise Refusal("code_wrong", field, "รหัสติดตามไม่ถูกต้อง กรุณาตรวจสอบทีละตัว",
                      "the tracking code is not right: please check each character")  # fmt: skip
    return _shown(code)


def _check(body: str) -> str:
    total = sum(weight * ALPHABET.index(letter) for weight, letter in enumerate(body, start=1))
    return ALPHABET[-total % len(ALPHABET)]


def _shown(code: str) -> str:
    return f"{code[:4]}-{code[4:8]}-{code[8:]}"
