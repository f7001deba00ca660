"""Changwat, amphoe and tambon: DOPA codes and their names in Thai and English, from the package ``geothai``.

A tambon has 6 digits, its amphoe is the first 4, its changwat the first 2. Below the tambon (หมู่บ้าน, ชุมชน) and
across it (เทศบาล) nothing is known here: that is the municipality's own settings pack.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path

import orjson

from shared.refusal import Refusal
from shared.thai.text import Lang, arabic_digits, tidy

ATTRIBUTION = "Names and codes of areas: GeoThai (https://geothai.fasu.dev), CC BY 4.0; data of DOPA"
BANGKOK_CODE = "10"
LENGTHS = {2: "changwat", 4: "amphoe", 6: "tambon"}
FILES = {2: "provinces", 4: "districts", 6: "subdistricts"}
"""Where geothai keeps the areas whose codes have so many digits."""
ASKED = 2_000
"""So many areas that were asked for are remembered: more than a municipality and its neighbours have."""


@dataclass(frozen=True, slots=True)
class Area:
    """A changwat (2 digits), amphoe (4) or tambon (6) by its DOPA code."""

    code: str
    th: str
    en: str

    @property
    def level(self) -> str:
        return LENGTHS[len(self.code)]

    def name(self, lang: Lang = "th") -> str:
        return self.th if lang == "th" else self.en


def area(code: str, field: str = "tambon_code") -> Area:
    """The area of a code of 2, 4 or 6 digits (Thai digits allowed).

    Raises:
        Refusal: no such code; where it was abolished, the codes that took its place are named.

    """
    digits = arabic_digits(tidy(code[:20]))
    found = _known(digits)
    if found is None:
        raise _unknown(digits, field)
    return found


@lru_cache(maxsize=ASKED)
def _known(code: str) -> Area | None:
    """Looked up in the text of geothai's tables: read in, they are 7,000 objects and 7 MB in every process."""
    if len(code) not in FILES or not (code.isascii() and code.isdigit()):
        return None
    table = _table(FILES[len(code)])
    at = table.find(f'["{code}",'.encode())
    return Area(*orjson.loads(table[at : table.index(b"]", at) + 1])[:3]) if at >= 0 else None


@cache
def _table(name: str) -> bytes:
    """Rows of ``[code, Thai, English, …]``, as they lie in the package; importing it would make objects of them."""
    package = find_spec("geothai")
    assert package is not None and package.origin is not None  # noqa: S101 PT018 it is a requirement
    return (Path(package.origin).parent / "_data" / f"{name}.json").read_bytes()


def tambon(code: str, field: str = "tambon_code") -> Area:
    """The tambon of a 6-digit code.

    Raises:
        Refusal: no such tambon.

    """
    found = area(code, field)
    if found.level != "tambon":
        raise _unknown(found.code, field)
    return found


def amphoe_of(code: str, field: str = "tambon_code") -> Area:
    """The amphoe in which a tambon (or the amphoe itself) lies.

    Raises:
        Refusal: no such code, or a changwat, which has many.

    """
    found = area(code, field)
    if found.level == "changwat":
        raise _unknown(found.code, field)
    return area(found.code[:4], field)


def changwat_of(code: str, field: str = "tambon_code") -> Area:
    """The changwat in which an area lies.

    Raises:
        Refusal: no such code.

    """
    return area(area(code, field).code[:2], field)


def full_name(code: str, lang: Lang = "th", field: str = "tambon_code") -> str:
    """``ต.เหนือ อ.เมืองกาฬสินธุ์ จ.กาฬสินธุ์``; in Bangkok ``แขวง… เขต… กรุงเทพมหานคร``; in English ``Nuea, Mueang Kalasin, …``.

    Raises:
        Refusal: no such code.

    """
    found = area(code, field)
    chain = [area(found.code[:length]) for length in (6, 4, 2) if length <= len(found.code)]
    if lang == "en":
        return ", ".join(part.en for part in chain)
    bangkok = found.code.startswith(BANGKOK_CODE)
    prefixes = {"tambon": "แขวง", "amphoe": "เขต", "changwat": ""} if bangkok else {
        "tambon": "ต.", "amphoe": "อ.", "changwat": "จ."}  # fmt: skip
    return " ".join(prefixes[part.level] + part.th for part in chain)


def find_tambon(name: str, *, amphoe: str | None = None, changwat: str | None = None) -> tuple[Area, ...]:
    """The tambon that a handwritten address may mean: one is clear, several need the amphoe, none is unknown."""
    import geothai  # noqa: PLC0415 see _known

    found = geothai.match(tidy(name), district=amphoe, province=changwat)
    return tuple(
        Area(address.subdistrict.code, address.subdistrict.name_th, address.subdistrict.name_en) for address in found
    )


def search(text: str, limit: int = 10) -> tuple[Area, ...]:
    """Areas whose Thai or English name contains the text, best first."""
    import geothai  # noqa: PLC0415 see _known

    return tuple(
        Area(result.area.code, result.area.name_th, result.area.name_en)
        for result in geothai.search(tidy(text), limit=limit)
    )


@cache
def _successors() -> dict[str, tuple[str, ...]]:
    from geothai.abolished import abolished_areas  # noqa: PLC0415 see _known

    return {gone.code: tuple(gone.successors) for gone in abolished_areas()}


def _unknown(digits: str, field: str) -> Refusal:
    if successors := _successors().get(digits):
        now = ", ".join(successors)
        return Refusal("area_abolished", field, f"รหัสพื้นที่นี้ยกเลิกแล้ว ปัจจุบันคือ {now}",
                       f"this area code was abolished; it is now {now}")  # fmt: skip
    return Refusal("area_unknown", field, "ไม่มีรหัสพื้นที่นี้ รหัสตำบลมี 6 หลัก",
                   "there is no area with this code; a tambon code has 6 digits")  # fmt: skip
