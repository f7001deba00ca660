"""The queue of an area, served when a unit becomes free: one after the other, or many at once in a surge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import numpy as np

from services.dispatch.emergencies.surge import Waiting, assign
from services.dispatch.fleet import Member
from services.dispatch.policy import Policy, policy_of
from services.dispatch.rules.ranking import rank, scores
from services.dispatch.store import assignments, trips
from services.dispatch.store.assignments import Assignment
from services.dispatch.store.trips import Trip
from services.dispatch.verbs import decide
from services.dispatch.verbs.needs import wanted
from shared.work import Work

PRESSING = frozenset({"red", "pink"})
"""For them a unit may be taken from something less urgent, where nobody is free."""
MANY = 2
"""With fewer free units than this there is nothing to share out."""


async def serve(work: Work, area: str) -> None:
    """A unit became free: the most urgent and longest waiting trip is served first. The caller holds the area."""
    waiting = await trips.waiting(work.db, area, work.now)
    if not waiting:
        return
    history = await assignments.of_trips(work.db, [trip.id for trip in waiting])
    of_trip = {trip.id: [a for a in history if a.trip_id == trip.id] for trip in waiting}
    together = await _together(work, waiting, of_trip)
    # Whom a unit was meant for goes before those it was not, so that nobody takes it on the way.
    for trip in sorted(waiting, key=lambda trip: trip.id not in together):
        free = await decide.who_is_free(work, trip.area, exercise=trip.exercise)
        meant = together.get(trip.id)
        if meant is not None and not any(member is meant.member for member, _ in free):
            meant = None
        # Else it stands in the queue already, and is looked at by its own time: with hundreds in it every unit that
        # became free would hold up the whole area.
        if free or trip.queued_at is None or trip.severity in PRESSING:
            await decide.find_unit(work, trip, of_trip[trip.id], meant)


async def _together(
    work: Work, waiting: Sequence[Trip], history: Mapping[UUID, Sequence[Assignment]]
) -> dict[UUID, decide.Choice]:  # fmt: skip
    """Several wait and several are free: who goes where, all at once. Real trips and exercises never share units."""
    found: dict[UUID, decide.Choice] = {}
    for exercise in (False, True):
        trips_ = [trip for trip in waiting if trip.exercise is exercise]
        if len(trips_) > 1:
            found |= await _surge(work, trips_, history)
    return found


async def _surge(
    work: Work, waiting: Sequence[Trip], history: Mapping[UUID, Sequence[Assignment]]
) -> dict[UUID, decide.Choice]:  # fmt: skip
    area = waiting[0].area
    free = list(await decide.who_is_free(work, area, exercise=waiting[0].exercise))
    if len(free) < MANY:
        return {}
    policy, column = policy_of(area), {member.facts.id: number for number, (member, _) in enumerate(free)}
    seconds = np.full((len(waiting), len(free)), np.inf)
    for row, trip in enumerate(waiting):
        _, pool = decide.pools(work, trip, history[trip.id], policy, free)
        facts, place = [member.facts for member in pool], decide.point(trip.pickup)
        scored = scores(facts, wanted(trip), place, work.now, policy.travel_times, policy.weights)
        for unit_id, score_s in scored.items():
            seconds[row, column[unit_id]] = score_s
    asked = [Waiting(trip.severity, _waited_s(trip, work.now)) for trip in waiting]
    return {
        waiting[row].id: _chosen(work, waiting[row], free[unit], policy)
        for row, unit in assign(asked, seconds).items()
    }  # fmt: skip


def _chosen(work: Work, trip: Trip, free: tuple[Member, bool], policy: Policy) -> decide.Choice:
    member, booked_soon = free
    place = decide.point(trip.pickup)
    [found] = rank([member.facts], wanted(trip), place, work.now, policy.travel_times, policy.weights)
    return decide.Choice(member, found, booked_soon=booked_soon)


def _waited_s(trip: Trip, now: datetime) -> float:
    return max(0.0, (now - trip.now_at).total_seconds()) if trip.now_at else 0.0
