"""What a trip asks of a unit, kept with the trip as codes, and read back as requirements."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from typing import Any

from services.dispatch.rules.requirements import Asked, Demand, Requirements, requirements
from services.dispatch.store.trips import Trip
from shared.codes.codes import code_list

BARRIER_NEEDS = {"people": ("lift_team", "trained_escort"), "time": ("trained_escort",)}
"""A barrier asks for more of a crew: wished, not demanded, for a ride without it is better than none."""


def need_of(
    *,
    mobility: str | None,
    needs: tuple[str, ...],
    groups: tuple[str, ...],
    companions: int,
    hazard: str | None,
    codes: tuple[str, ...],
    barriers: tuple[str, ...],
) -> dict[str, Any]:
    """A trip's ``need``: codes only, nothing that names anybody. What says nothing is left out."""
    full: dict[str, Any] = {
        "mobility": mobility,
        "needs": list(needs),
        "groups": sorted(groups),
        "companions": companions,
        "hazard": hazard,
        "codes": sorted(codes),
        "barriers": sorted(barriers),
    }
    return {key: value for key, value in full.items() if value}


def wanted(trip: Trip) -> Requirements:
    """What a unit for this trip must and should have."""
    need = trip.need
    asked = Asked(
        severity=trip.severity,
        lane=trip.lane,
        mobility=need.get("mobility"),
        needs=tuple(need.get("needs", ())),
        groups=tuple(need.get("groups", ())),
        companions=need.get("companions", 0),
        hazard=need.get("hazard"),
        exercise=trip.exercise,
    )
    return _required(
        asked, tuple(need.get("codes", ())), tuple(b for b in need.get("barriers", ()) if b not in need.get("met", ()))
    )


@lru_cache(maxsize=2048)
def _required(asked: Asked, codes: tuple[str, ...], barriers: tuple[str, ...]) -> Requirements:
    base = requirements(asked)
    skills = frozenset(code for code in codes if code in code_list("skill"))
    equipment = frozenset(code for code in codes if code in code_list("equipment"))
    more = Demand(skills=skills, equipment=equipment)
    wished = Demand()
    for barrier in barriers:
        for need in BARRIER_NEEDS.get(barrier, ()):
            wished = wished.plus(requirements(Asked(severity="white", needs=(need,))).must)
    return Requirements(base.must.plus(more), base.should.plus(wished), base.contaminates, base.urgent, base.exercise)


def add_barrier(trip: Trip, barrier: str, *, add: bool) -> bool:
    """Have a barrier count for this trip, or (met by somebody) count no more. True when that changes something."""
    barriers, met = set(trip.need.get("barriers", ())), set(trip.need.get("met", ()))
    before = (set(barriers), set(met))
    (barriers.add if add else barriers.discard)(barrier)
    (met.discard if add else met.add)(barrier)
    trip.need = {**trip.need, "barriers": sorted(barriers), "met": sorted(met)}
    return (barriers, met) != before


def add_groups(trip: Trip, groups: list[str]) -> bool:
    """Add what the registry knows of the person. True when that changes something."""
    before = set(trip.need.get("groups", ()))
    trip.need = {**trip.need, "groups": sorted(before | set(groups))}
    return not before >= set(groups)


def add_backup(trip: Trip, codes: Iterable[str]) -> None:
    """Remember what a crew asked of the unit that shall come beside it, until one has accepted."""
    trip.need = {**trip.need, "backup": sorted({*trip.need.get("backup", ()), *codes})}


def with_backup(trip: Trip) -> Trip:
    """The trip as a unit in support is looked for: what the trip asks, and what was asked on the way."""
    codes = {*trip.need.get("codes", ()), *trip.need.get("backup", ())}
    return replace(trip, need={**trip.need, "codes": sorted(codes)})
