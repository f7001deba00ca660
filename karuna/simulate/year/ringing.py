"""The desk rings crews at home, for somebody at a clinic whom nobody on duty can bring home.

The live desk has an alarm for it, and its page names whom to ring; who answers and how soon they come is guessed.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from karuna.simulate.year.fleet import Unit
from karuna.simulate.year.guesses import COMES_S, COMES_WHEN_RUNG, RINGS_AFTER, RINGS_AGAIN, RINGS_S, STAYS
from services.dispatch.rules.ranking import best

if TYPE_CHECKING:
    from karuna.simulate.year.people import Trip
    from karuna.simulate.year.town import Town


def ring_soon(town: Town, trip: Trip) -> None:
    """Whoever is ready to go home waits: neighbours, and crews that come on duty, are given a moment first."""
    if trip.leg == "return":
        town.clock.after(RINGS_AFTER, partial(_ring, town, trip, frozenset()))


def _ring(town: Town, trip: Trip, rung: frozenset[str]) -> None:
    """One after the other, the nearest first, until somebody comes; then all of them again after a while."""
    now, policy = town.clock.now, town.policy
    if not trip.waits or trip.open_jobs():
        return
    home = [unit.facts(now) for unit in town.own() if unit.id not in rung and _at_home(unit, now)]
    found = best(home, trip.wanted, trip.pickup, now, policy.travel_times, policy.weights)
    if found is None:
        town.clock.after(RINGS_AGAIN, partial(_ring, town, trip, frozenset()))
        return
    matter = (trip.id, found.unit_id, now)
    answered = town.fate.lasts(RINGS_S, "rings", *matter)
    if town.fate.falls(COMES_WHEN_RUNG, "comes", *matter):
        unit = town.region.units[found.unit_id]
        town.journal.rung.add(trip.id)
        town.clock.after(answered + town.fate.lasts(COMES_S, "is there", *matter), partial(_comes, town, unit))
        town.clock.after(RINGS_AGAIN + answered, partial(_ring, town, trip, frozenset({unit.id})))
    else:
        town.clock.after(answered, partial(_ring, town, trip, rung | {found.unit_id}))


def _at_home(unit: Unit, now: datetime) -> bool:
    """Nobody is on it at this hour, and nothing is wrong with it."""
    idle = unit.serves == unit.home and unit.run is None and unit.clean
    return idle and unit.shift(now) is None and (unit.out_until is None or unit.out_until <= now)


def _comes(town: Town, unit: Unit) -> None:
    now = town.clock.now
    unit.rung_until = now + STAYS
    if unit.free(now):
        town.region.freed(unit)
