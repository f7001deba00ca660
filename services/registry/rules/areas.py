"""The tree of areas: official codes and the municipality's own rows side by side, and names as people misspell them.

Official: changwat, amphoe, tambon (2, 4, 6 digits, from geothai). Own: villages (8 digits, the tambon's six and the
number of the หมู่), the municipality by its slug, its quarters and communities (``kalasin:rimpao``). Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from rapidfuzz import fuzz, process

from services.registry.rules.sounds import folded
from shared.geo import polygons_of
from shared.refusal import Refusal
from shared.thai.areas import LENGTHS, area, full_name
from shared.thai.text import tidy

KINDS: Final[dict[str, frozenset[str]]] = {
    "municipality": frozenset({"changwat", "amphoe"}),
    "quarter": frozenset({"municipality", "tambon", "amphoe"}),
    "community": frozenset({"municipality", "quarter", "tambon", "village"}),
    "village": frozenset({"tambon", "municipality"}),
}
"""Kind of a row → in what it may lie. Nothing may lie in its own kind, so there are no circles."""
ORDER: Final = {kind: place for place, kind in enumerate(("municipality", "quarter", "village", "community"))}
"""What another kind may lie in comes before it."""
OWN = re.compile(r"^[a-z][a-z0-9-]{1,30}(:[a-z0-9][a-z0-9_-]{0,39})?$")
VILLAGE = re.compile(r"^\d{8}$")
PREFIXES = re.compile(
    r"^(?:จังหวัด|จ\.|อำเภอ|อ\.|ตำบล|ต\.|แขวง|เขต|หมู่บ้าน|บ้าน|ชุมชน|ย่าน|เทศบาลเมือง|เทศบาลนคร|เทศบาลตำบล|เทศบาล)\s*"
)
ALIKE: Final = 72.0
"""rapidfuzz's ratio (0 to 100) from which a name may be meant."""
TAMBON_DIGITS: Final = 6


@dataclass(frozen=True, slots=True)
class Node:
    """A row of a municipality's own. ``parents``: codes, official or own."""

    code: str
    area: str
    kind: str
    th: str
    en: str
    parents: tuple[str, ...] = ()
    boundary: Mapping[str, Any] | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Named:
    """An area that a name may mean, the likeliest first. ``whole``: with all that it lies in."""

    code: str
    kind: str
    th: str
    en: str
    whole: str
    likeness: float


def kind_of(code: str, own: Mapping[str, str]) -> str | None:
    """``tambon``, ``community`` …; ``own``: code → kind of the rows that are known. None: there is no such area."""
    if code in own:
        return own[code]
    try:
        return LENGTHS[len(area(code).code)] if code.isdigit() and len(code) in LENGTHS else None
    except Refusal:
        return None


def read_node(told: Node, own: Mapping[str, str]) -> Node:
    """The row with its parents, if it can stand in the tree. ``own``: rows that stand, or come in the same file.

    Raises:
        Refusal: names the field: ``code``, ``kind``, ``parents``, ``boundary``.

    """
    if told.kind not in KINDS:
        raise Refusal("kind_unknown", "kind", "ไม่รู้จักชนิดพื้นที่นี้", f"a kind is one of {', '.join(KINDS)}")
    _check_code(told)
    at_home = told.kind in {"quarter", "community"} and told.area in own
    given = told.parents or ((told.area,) if at_home else ())
    parents = dict.fromkeys((told.code[:TAMBON_DIGITS], *given) if told.kind == "village" else given)
    for parent in parents:
        kind = kind_of(parent, own)
        if kind is None:
            raise Refusal("parent_unknown", "parents", f"ไม่มีพื้นที่รหัส {parent}", f"there is no area {parent}")
        if kind not in KINDS[told.kind]:
            raise Refusal("parent_kind", "parents", "อยู่ในพื้นที่ชนิดนี้ไม่ได้", f"a {told.kind} cannot lie in a {kind}")
    _check_boundary(told.boundary)
    return Node(told.code, told.area, told.kind, tidy(told.th), tidy(told.en or told.th), tuple(parents), told.boundary)


def _check_boundary(told: Mapping[str, Any] | None) -> None:
    try:
        if told is not None:
            polygons_of(told)
    except ValueError as problem:
        raise Refusal(
            "boundary_shape", "boundary", "เขตต้องเป็นรูปหลายเหลี่ยมที่ปิด มีพิกัดในประเทศไทย",
            f"a boundary is a Polygon or MultiPolygon of closed rings in Thailand: {problem}",
        ) from None  # fmt: skip


def keeps_its_kind(node: Node, tree: Mapping[str, Node]) -> None:
    """``tree``: what stands, by code. What others lie in stays of the kind by which they could.

    Raises:
        Refusal: ``kind``, another kind while something lies in it.

    """
    stands = tree.get(node.code)
    if stands is None or stands.kind == node.kind:
        return
    if inner := next((each.code for each in tree.values() if node.code in each.parents), None):
        raise Refusal(
            "kind_lived_in", "kind",
            f"เปลี่ยนชนิดไม่ได้ เพราะ {inner} อยู่ในพื้นที่นี้", f"it stays a {stands.kind}: {inner} lies in it",
        )  # fmt: skip


def _check_code(told: Node) -> None:
    right = {
        "village": bool(VILLAGE.match(told.code)) and kind_of(told.code[:TAMBON_DIGITS], {}) == "tambon",
        "municipality": told.code == told.area,
    }.get(told.kind, bool(OWN.match(told.code)) and told.code.startswith(f"{told.area}:"))
    if not right:
        raise Refusal(
            "code_shape", "code",
            "รหัสไม่ถูกต้อง: หมู่บ้าน 8 หลัก เทศบาลใช้ชื่อย่อของเทศบาล ชุมชนและย่านขึ้นต้นด้วยชื่อย่อและ :",
            "a village has 8 digits, a municipality is its slug, others begin with the slug and a colon",
        )  # fmt: skip


def whole_name(code: str, named: Mapping[str, tuple[str, str]], lang: str = "th") -> str | None:
    """The name with what it lies in; ``named``: code → Thai and English name of own rows. None: no such area."""
    if code in named:
        name = named[code][lang == "en"]
        if VILLAGE.match(code):
            return f"{name} {full_name(code[:TAMBON_DIGITS], 'en' if lang == 'en' else 'th')}"
        return name
    try:
        return full_name(code, "en" if lang == "en" else "th")
    except Refusal:
        return None


def search(text: str, own: Iterable[Node], within: Sequence[str] = (), limit: int = 10) -> list[Named]:
    """Areas whose name is this, or misspelt this (``กาฬสินธ์``). ``within``: only what lies in one of these codes."""
    wanted = bare(text)
    if not wanted:
        return []
    known = {code: (kind, th, en) for code, kind, th, en in official() if _inside(code, within)}
    named: dict[str, tuple[str, str]] = {}
    for node in own:
        if not within or node.code in within or _inside(node.code, within):
            known[node.code] = (node.kind, node.th, node.en)
            named[node.code] = (node.th, node.en)
    thai = not wanted.isascii()
    names = {code: bare(th if thai else en) for code, (_, th, en) in known.items()}
    found = process.extract(wanted, names, scorer=fuzz.ratio, score_cutoff=ALIKE, limit=limit)
    ranked = sorted(found, key=lambda one: (-one[1], len(one[2]), one[2]))
    return [
        Named(code, *known[code], whole_name(code, named) or "", round(score / 100, 3)) for _, score, code in ranked
    ]


def bare(name: str) -> str:
    """A name without ``จ.``, ``ตำบล``, ``ชุมชน`` … and silent marks: ``ต.เหนือ`` and ``เหนือ`` are one."""
    return folded(PREFIXES.sub("", tidy(name))).casefold()


def _inside(code: str, within: Sequence[str]) -> bool:
    return not within or any(one.isdigit() and code.startswith(one) for one in within)


@cache
def official() -> tuple[tuple[str, str, str, str], ...]:
    """``code, kind, th, en`` of every changwat, amphoe and tambon; built when somebody first asks."""
    import geothai  # noqa: PLC0415 seven megabytes, for those who ask

    found: list[tuple[str, str, str, str]] = []
    for changwat in geothai.provinces():
        found.append((changwat.code, "changwat", changwat.name_th, changwat.name_en))
        for amphoe in geothai.districts(changwat.code):
            found.append((amphoe.code, "amphoe", amphoe.name_th, amphoe.name_en))
            found += [(one.code, "tambon", one.name_th, one.name_en) for one in geothai.subdistricts(amphoe.code)]
    return tuple(found)
