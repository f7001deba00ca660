"""Parts of a municipality by which figures are counted: a tambon (or what holds it), or one of its communities."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from shared.pack_parts import Community
from shared.packs import Pack
from shared.refusal import Refusal
from shared.thai.areas import area

UNKNOWN = (
    "area_unknown",
    "area_code",
    "การแจ้งแยกได้ตามตำบลและชุมชนเท่านั้น",
    "calls are told apart by tambon and community alone",
)


@dataclass(frozen=True, slots=True)
class Part:
    """Which calls lie in it: whose ``tambon`` begins so, or whose community is one of these, by code or by name.

    ``tambon`` None: of the communities alone, whichever tambon the caller said.
    """

    tambon: str | None
    communities: tuple[str, ...]


def part(code: str, packs: Iterable[Pack]) -> Part:
    """What a code of the area tree is to intake: two, four or six digits, or ``municipality:community``.

    Raises:
        Refusal: there is no such area, or calls are not told apart by it (a village, a quarter).

    """
    known = tuple(packs)
    if code.isdigit():
        tambon = area(code, "area_code").code
        inside = [(pack, each) for pack in known for each in pack.area.community if each.tambon_code.startswith(tambon)]
        return Part(tambon, _words(inside))
    slug, _, own = code.partition(":")
    found = [
        (pack, each) for pack in known if pack.area.slug == slug for each in pack.area.community if each.code == own
    ]
    if not found:
        raise Refusal(
            "area_unknown",
            "area_code",
            "การแจ้งแยกได้ตามตำบลและชุมชนเท่านั้น",
            "calls are told apart by tambon and community alone",
        )
    return Part(None, _words(found))


def _words(communities: Iterable[tuple[Pack, Community]]) -> tuple[str, ...]:
    """A call keeps a community's code in the area tree; older ones its own code, or its name as it was typed."""
    return tuple(
        word
        for pack, each in communities
        for word in (pack.community_code(each.code), each.code, each.name.th, each.name.en)
    )
