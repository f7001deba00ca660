"""Parts of a municipality by which calls are counted: a tambon (or what holds it), a village, a community."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from shared.pack_parts import Community, Pack
from shared.refusal import Refusal
from shared.thai.areas import area

UNKNOWN = (
    "area_unknown",
    "area_code",
    "การแจ้งแยกได้ตามตำบล ชุมชน และพื้นที่ที่มีแนวเขตในชุดตั้งค่าเท่านั้น",
    "calls are told apart by tambon, community and what has a boundary in the settings pack alone",
)


PART_PATTERN = r"^([0-9]{2}|[0-9]{4}|[0-9]{6}|[0-9]{8}|[a-z][a-z0-9-]{1,30}:[a-z0-9][a-z0-9_-]{0,39})$"
"""Two, four, six or eight digits of the area tree, or ``municipality:community``."""
VILLAGE_DIGITS = 8
ALL_OF_IT = (
    403, "all_of_it", "ผู้ที่เห็นเฉพาะจำนวนดูได้ทั้งเทศบาลเท่านั้น",
    "who sees counts alone sees the municipality as a whole, no part of it",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Part:
    """Which calls lie in it: whose ``tambon`` begins so, or who lie in one of these ``communities``, which is said by

    code or name, or found by its boundary; villages and quarters likewise.

    ``tambon`` None: of the communities alone, whichever tambon the caller said.
    """

    tambon: str | None
    communities: tuple[str, ...]


def part(code: str, towns: Iterable[Pack]) -> Part:
    """What a code of the area tree is to calls: a tambon or what holds it, a village, ``municipality:community``.

    Raises:
        Refusal: there is no such area, or calls are not told apart by it (a village or quarter without a boundary).

    """
    known = tuple(towns)
    bounded = [each for town in known for each in town.bounded]
    if code.isdigit() and len(code) < VILLAGE_DIGITS:
        tambon = area(code, "area_code").code
        inside = [each for town in known for each in _communities(town) if each[1].tambon_code.startswith(tambon)]
        return Part(tambon, (*_words(inside), *(each.code for each in bounded if each.code.startswith(tambon))))
    found = [each for town in known for each in _communities(town) if code == f"{each[0]}:{each[1].code}"]
    if not found and not any(each.code == code for each in bounded):
        raise Refusal(*UNKNOWN)
    return Part(None, _words(found) or (code,))


Of = tuple[str, Community]
"""A municipality's slug, and one of its communities."""


def _communities(town: Pack) -> Iterable[Of]:
    return ((town.area.slug, each) for each in town.area.community)


def _words(communities: Iterable[Of]) -> tuple[str, ...]:
    """A call keeps a community's code in the area tree; older ones its own code, or its name as it was typed."""
    return tuple(
        word for slug, each in communities for word in (f"{slug}:{each.code}", each.code, each.name.th, each.name.en)
    )
