"""Which house an address means, as far as two writings of it can be compared: number, moo and tambon. Pure.

``99/1 หมู่ 3 ถ.ริมคลอง`` under 460101, ``บ้านเลขที่ ๙๙/๑`` under the village 46010103 and ``99/1 ม.3`` are one house.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from services.registry.rules.areas import VILLAGE
from shared.thai.addresses import moo_of
from shared.thai.text import arabic_digits, tidy

HOUSE: Final = re.compile(r"^(?:บ้าน)?(?:เลขที่)?\s*(\d{1,5}(?:\s*/\s*\d{1,5})*)")
TAMBON_DIGITS: Final = 6


@dataclass(frozen=True, slots=True)
class House:
    """``moo`` None: not told."""

    tambon: str
    number: str
    moo: int | None

    def may_be(self, other: House) -> bool:
        """The same number in the same tambon, and no other moo."""
        same = (self.tambon, self.number) == (other.tambon, other.number)
        return same and (self.moo == other.moo or self.moo is None or other.moo is None)


def house_of(area_code: str | None, detail: str | None) -> House | None:
    """The house, where its number and tambon are told; else None."""
    if not area_code or not detail or not area_code[:TAMBON_DIGITS].isdecimal() or len(area_code) < TAMBON_DIGITS:
        return None
    text = arabic_digits(tidy(detail))
    number, moo = HOUSE.match(text), moo_of(text)
    if number is None:
        return None
    village = int(area_code[TAMBON_DIGITS:]) if VILLAGE.match(area_code) else None
    told = village if moo is None else moo
    return House(area_code[:TAMBON_DIGITS], re.sub(r"\s", "", number[1]), told)
