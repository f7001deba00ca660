"""Is this place ours? Inside, outside, or undecided; undecided is served.

The best evidence decides: a point, then a known ชุมชน, then the tambon. A tambon that lies only partly inside cannot
decide, so a community or a point is asked for. Outside is handed over to a partner, never dropped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from shared.geo import Point, distance_to_edge_m, inside
from shared.pack_parts import Pack, Partner
from shared.thai.addresses import village_code

Status = Literal["inside", "outside", "undecided"]
Evidence = Literal["point", "community", "tambon", "nothing"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """``ask`` names what would decide; ``partners`` who takes over, nearest first, where the place lies outside."""

    status: Status
    by: Evidence
    ask: tuple[Literal["community", "point"], ...] = ()
    partners: tuple[Partner, ...] = ()

    @property
    def served(self) -> bool:
        return self.status != "outside"


def check(
    pack: Pack, *, point: Point | None = None, community: str | None = None, tambon_code: str | None = None
) -> Verdict:
    """Where the place lies for the municipality of this pack. ``community`` is a code or a name."""
    if point is not None:
        return _by_point(pack, point, tambon_code)
    if community is not None and pack.community(community) is not None:
        return Verdict("inside", "community")
    if tambon_code is None:
        return Verdict("undecided", "nothing", ask=("point", "community"))
    if tambon_code in pack.area.whole_tambons:
        return Verdict("inside", "tambon")
    if tambon_code in pack.area.partial_tambons:
        return Verdict("undecided", "tambon", ask=("community", "point"))
    return _outside(pack, "tambon", tambon_code)


def _by_point(pack: Pack, point: Point, tambon_code: str | None) -> Verdict:
    if distance_to_edge_m(point, pack.boundary) <= pack.policies.intake.edge_m:
        return Verdict("undecided", "point", ask=("community",))
    if inside(point, pack.boundary):
        return Verdict("inside", "point")
    return _outside(pack, "point", tambon_code)


def _outside(pack: Pack, by: Evidence, tambon_code: str | None) -> Verdict:
    return Verdict("outside", by, partners=pack.partners_for("outside_area", tambon_code))


def lies_in(pack: Pack, place: Mapping[str, Any]) -> list[str]:
    """Codes of the communities, villages and quarters in which a place (columns of a call) lies, for the figures.

    Of each kind what was said, else what the pack's boundaries say of the point. A village of another tambon than the
    one that was said is none. ``community`` is a code of the area tree by now, or a name that is in no list.
    """
    tambon, lat = place["tambon_code"], place["lat"]
    found = {} if lat is None else pack.lying_in(Point(place["lon"], lat))
    if tambon and not found.get("village", tambon).startswith(tambon):
        del found["village"]
    if place["community"] is not None:
        found["community"] = place["community"]
    said = village_code(tambon, place["address"]) if tambon and place["address"] else None
    if said is not None:
        found["village"] = said
    listed = {kind: code for kind, code in found.items() if kind != "community" or pack.community(code)}
    return sorted(listed.values())
