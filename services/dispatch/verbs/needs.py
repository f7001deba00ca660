"""What a trip asks of a unit, kept with the trip as codes, and read back as requirements."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from typing import Any

from services.dispatch.rules import cards
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
    units: tuple[str, ...] = (),
) -> dict[str, Any]:
    """A trip's ``need``: codes only, nothing that names anybody. What says nothing is left out.

    ``units``: the slots of the call's run card (``services.dispatch.rules.cards``), the trip's own first.
    """
    full: dict[str, Any] = {
        "mobility": mobility,
        "needs": list(needs),
        "groups": sorted(groups),
        "companions": companions,
        "hazard": hazard,
        "codes": sorted(codes),
        "barriers": sorted(barriers),
        "units": list(units),
    }
    return {key: value for key, value in full.items() if value}


def wanted(trip: Trip, *, lies: bool = False) -> Requirements:
    """What a unit for this trip must and should have. ``lies``: also who uses a wheelchair goes on the stretcher."""
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
        lies=lies,
    )
    return _required(
        asked,
        tuple(need.get("codes", ())),
        tuple(b for b in need.get("barriers", ()) if b not in need.get("met", ())),
        next(iter(need.get("units", ())), cards.ANY),
    )


def wanted_of(trip: Trip, slot: str) -> Requirements:
    """What a unit in support must have to fill this slot."""
    own = wanted(trip)
    must = own.must if slot == cards.ANY else cards.demand(slot)
    return Requirements(must, Demand(), urgent=own.urgent, exercise=own.exercise)


@lru_cache(maxsize=2048)
def _required(asked: Asked, codes: tuple[str, ...], barriers: tuple[str, ...], first: str) -> Requirements:
    base = requirements(asked)
    skills = frozenset(code for code in codes if code in code_list("skill"))
    equipment = frozenset(code for code in codes if code in code_list("equipment"))
    more = Demand(skills=skills, equipment=equipment)
    wished = cards.demand(first) if first != cards.ANY else Demand()
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


def set_groups(trip: Trip, known: Collection[str]) -> bool:
    """Ask for what the call said of the patient's groups, and what the registry knows. True when that is a change."""
    said = (trip.details.get("patient") or {}).get("groups", ())
    before, groups = trip.need.get("groups", []), sorted({*said, *known})
    others = {key: value for key, value in trip.need.items() if key != "groups"}
    trip.need = {**others, "groups": groups} if groups else others
    return bool(before != groups)


def asked_in_support(trip: Trip) -> list[str]:
    """The slots beside the trip's own unit: its run card's, and what crews asked for on the way."""
    return [*trip.need.get("units", ())[1:], *trip.need.get("more", ())]


def add_backup(trip: Trip, slot: str) -> None:
    """Remember what a crew asked for beside it."""
    trip.need = {**trip.need, "more": [*trip.need.get("more", ()), slot]}


def enough(trip: Trip, slots: list[str]) -> None:
    """Remember that nobody need come any more to fill these slots."""
    trip.need = {**trip.need, "enough": [*trip.need.get("enough", ()), *slots]}
