"""Whom somebody looks for, told by how the text looks: nobody says first whether it is a name or a number. Pure."""

from __future__ import annotations

import re

from shared.refusal import Refusal
from shared.thai.phones import read_phone
from shared.thai.text import arabic_digits

ID_DIGITS = 13
BETWEEN_DIGITS = re.compile(r"[\s\-().+]")


def sought(text: str) -> dict[str, str]:
    """``{national_id | phone | name: text}``, as the register's search takes it; empty where nothing was typed."""
    typed = " ".join(arabic_digits(text).split())
    digits = BETWEEN_DIGITS.sub("", typed)
    if digits.isdecimal():
        return {"national_id": digits} if len(digits) == ID_DIGITS else {"phone": typed}
    if not typed:
        return {}
    return {"phone" if rings(typed) else "name": typed}


def rings(typed: str) -> bool:
    """Whether it is somebody's telephone number, with words around it or not: ``โทร 081…``, ``043… ต่อ 12``."""
    try:
        read_phone(typed, short_codes=False)
    except Refusal:
        return False
    return True
