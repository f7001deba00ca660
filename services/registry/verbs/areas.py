"""Taking over a municipality's villages, quarters and communities, row by row; and what an area means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.registry import store
from services.registry.rules.areas import ORDER, OWN, VILLAGE, Node, keeps_its_kind, kind_of, read_node
from services.registry.rules.community import code_of
from services.registry.verbs.placing import boundaries_changed
from shared.database import Connection, Pool
from shared.errors import Refused
from shared.refusal import Refusal
from shared.thai.areas import area
from shared.work import Work

UNKNOWN = (422, "area_unknown", "ไม่มีรหัสพื้นที่นี้", "there is no area with this code")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a row: ``written``, or a refusal's code with its field and texts."""

    row: int
    code: str
    verdict: str
    field: str | None = None
    th: str | None = None
    en: str | None = None


async def take(work: Work, told: Sequence[Node], slug: str, *, dry_run: bool) -> list[Verdict]:
    """Write the rows that can stand in the tree; each gets a verdict. A row may lie in one that comes after it.

    Outer kinds go first, so that a row is judged by what stands: one that was refused holds nothing.
    """
    tree = {node.code: node for node in await store.areas.of_areas(work.db, [slug])}
    verdicts: dict[int, Verdict] = {}
    for number, one in sorted(enumerate(told, 1), key=lambda row: ORDER.get(row[1].kind, 0)):
        try:
            node = read_node(one, {code: each.kind for code, each in tree.items()})
            keeps_its_kind(node, tree)
        except Refusal as refusal:
            verdicts[number] = Verdict(number, one.code, refusal.code, refusal.field, refusal.th, refusal.en)
            continue
        if dry_run or await store.areas.put(work.db, node, work.now):
            verdicts[number] = Verdict(number, node.code, "would_be_written" if dry_run else "written")
            tree[node.code] = node
        else:
            texts = ("รหัสนี้เป็นของเทศบาลอื่น", "this code belongs to another municipality")
            verdicts[number] = Verdict(number, node.code, "other_area", "code", *texts)
    if any(told[number - 1].boundary and one.verdict == "written" for number, one in verdicts.items()):
        await boundaries_changed(work, slug)
    return [verdicts[number] for number in sorted(verdicts)]


async def below(db: Connection | Pool, code: str | None, field: str = "area_code") -> list[str] | None:
    """The codes by which a list is filtered; None without a code.

    Raises:
        Refused: 422 there is no such area.

    """
    if code is None:
        return None
    await must_exist(db, [code], field)
    return await store.areas.below(db, code)


async def community_code(db: Connection | Pool, area: str, told: str) -> str:
    """A community by its code in the area tree, by whichever code or name it was told; else as it was."""
    code = code_of(area, told)
    if code != told:
        return code
    found = await store.areas.named(db, area, told)
    return found[0] if len(found) == 1 else told


async def must_exist(db: Connection | Pool, codes: Sequence[str], field: str) -> None:
    """Every code is an official one or a row of a municipality's own.

    Raises:
        Refused: 422, one is not; of an abolished one it says which took its place.

    """
    asked = [code for code in codes if VILLAGE.match(code) or OWN.match(code)]
    own = {row["code"]: row["kind"] for row in await store.areas.nodes(db, asked)} if asked else {}
    for code in codes:
        if kind_of(code, own) is None:
            raise _unknown(code, field)


def _unknown(code: str, field: str) -> Refused:
    try:
        area(code, field)
    except Refusal as refusal:
        if code.isdigit() and refusal.code == "area_abolished":
            return Refused(422, refusal.code, refusal.th, refusal.en, field=field)
    return Refused(*UNKNOWN, field=field)
