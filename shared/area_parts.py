"""Parts of a municipality by which calls are counted: a tambon (or what holds it), or one of its communities."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from shared.pack_parts import Area, Community
from shared.refusal import Refusal
from shared.thai.areas import area

UNKNOWN = (
    "area_unknown",
    "area_code",
    "การแจ้งแยกได้ตามตำบลและชุมชนเท่านั้น",
    "calls are told apart by tambon and community alone",
)


PART_PATTERN = r"^([0-9]{2}|[0-9]{4}|[0-9]{6}|[a-z][a-z0-9-]{1,30}:[a-z0-9][a-z0-9_-]{0,39})$"
"""Two, four or six digits of the area tree, or ``municipality:community``."""
ALL_OF_IT = (
    403, "all_of_it", "ผู้ที่เห็นเฉพาะจำนวนดูได้ทั้งเทศบาลเท่านั้น",
    "who sees counts alone sees the municipality as a whole, no part of it",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Part:
    """Which calls lie in it: whose ``tambon`` begins so, or whose community is one of these, by code or by name.

    ``tambon`` None: of the communities alone, whichever tambon the caller said.
    """

    tambon: str | None
    communities: tuple[str, ...]


def part(code: str, towns: Iterable[Area]) -> Part:
    """What a code of the area tree is to calls: two, four or six digits, or ``municipality:community``.

    Raises:
        Refusal: there is no such area, or calls are not told apart by it (a village, a quarter).

    """
    known = tuple(towns)
    if code.isdigit():
        tambon = area(code, "area_code").code
        inside = [(town, each) for town in known for each in town.community if each.tambon_code.startswith(tambon)]
        return Part(tambon, _words(inside))
    slug, _, own = code.partition(":")
    found = [(town, each) for town in known if town.slug == slug for each in town.community if each.code == own]
    if not found:
        raise Refusal(*UNKNOWN)
    return Part(None, _words(found))


def _words(communities: Iterable[tuple[Area, Community]]) -> tuple[str, ...]:
    """A call keeps a community's code in the area tree; older ones its own code, or its name as it was typed."""
    return tuple(
        word
        for town, each in communities
        for word in (f"{town.slug}:{each.code}", each.code, each.name.th, each.name.en)
    )
