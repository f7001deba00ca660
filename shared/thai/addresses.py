"""What an address says of its village: ``หมู่ที่ 3``, ``ม.3``, ``Moo 3``."""

from __future__ import annotations

import re
from typing import Final

from shared.thai.text import arabic_digits, tidy

MOO: Final = re.compile(r"(?:หมู่ที่|หมู่|ม\.|moo)\s*(\d{1,3})", re.IGNORECASE)
MOST: Final = 99
"""Two digits of the village's code."""


def moo_of(address: str) -> int | None:
    """The number of the หมู่, where the address tells one."""
    found = MOO.search(arabic_digits(tidy(address)))
    return int(found[1]) if found else None


def village_code(tambon_code: str, address: str) -> str | None:
    """The eight digits of the village that an address in this tambon names; None where it names none."""
    moo = moo_of(address)
    return f"{tambon_code}{moo:02d}" if moo and moo <= MOST else None
