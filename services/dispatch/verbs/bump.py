"""Taking a unit from something less urgent that it was sent to and has not reached.

Never a patient on board, never a call twice, never one that has waited long already; and only where it saves enough.
The call that loses its unit is looked at again at once, before anything else that is due.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from services.dispatch import fleet
from services.dispatch.emergencies.choice import URGENCY, Tuning
from services.dispatch.fleet import Member
from services.dispatch.policy import Policy
from services.dispatch.rules.ranking import Recommendation, best
from services.dispatch.store import assignments, trips
from services.dispatch.store.assignments import BUMPED, TAKEABLE, WORKING, Takeable
from services.dispatch.store.trips import Trip
from services.dispatch.verbs import release
from services.dispatch.verbs.needs import wanted
from shared.events.words import By
from shared.geo import Point
from shared.work import Work

AGED = timedelta(minutes=20)
"""Who has waited this long keeps the unit that is coming at last."""
LEAST_SAVING_S = Tuning().least_saving_s


@dataclass(frozen=True, slots=True)
class Taking:
    """A unit sent to something less urgent, and how soon it would be there."""

    member: Member
    recommendation: Recommendation
    of: Takeable


async def sooner(work: Work, trip: Trip, policy: Policy, idle: Recommendation | None) -> Taking | None:
    """The unit to take, where one would be there enough sooner than the best idle one, or nobody is idle.

    The caller holds the area and the trip.
    """
    if trip.lane != "emergency" or not policy.takes or policy.must_be_confirmed(trip.lane, trip.severity):
        return None
    if idle is not None and idle.score_s < LEAST_SAVING_S:
        return None  # nobody can be there that much sooner
    found = await assignments.takeable(
        work.db, trip.area, exercise=trip.exercise, since=work.now - AGED, now=work.now,
        severities=[each for each, urgency in URGENCY.items() if urgency < URGENCY[trip.severity]],
        booked=policy.parallel(trip.severity),
    )  # fmt: skip
    less = {each.unit_id: each for each in found if each.trip_id != trip.id}
    if not less:
        return None
    members = {str(member.id): member for member in await fleet.these(work.db, _versions(less))}
    place = Point(*trip.pickup) if trip.pickup else None
    facts = [member.facts for member in members.values()]
    first = best(facts, wanted(trip), place, work.now, policy.travel_times, policy.weights)
    if first is None or (idle is not None and idle.score_s - first.score_s < LEAST_SAVING_S):
        return None
    member = members[first.unit_id]
    return Taking(member, first, less[member.id])


def _versions(less: Mapping[UUID, Takeable]) -> dict[UUID, int]:
    return {unit_id: each.unit_version for unit_id, each in less.items()}


async def take(work: Work, taking: Taking) -> bool:
    """Release the unit from what it was sent to; that trip needs another one at once.

    False where its crew has arrived in the meantime.
    """
    loser = await trips.lock(work.db, taking.of.trip_id)
    held = await assignments.read(work.db, taking.of.id)
    if loser is None or held is None or held.status not in TAKEABLE:
        return False
    had_answered = held.status in WORKING
    await release.release(work, loser, held, BUMPED, by=By.SYSTEM)
    if had_answered:
        await release.lose_unit(work, loser, held, BUMPED)
    else:  # it was only asked: the trip waits as before, and somebody else is asked
        await release.seek(work, loser)
    return True
