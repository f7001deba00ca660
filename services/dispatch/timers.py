"""What becomes due: answers that did not come, bookings that come near, and trips that still wait."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from services.dispatch.policy import policy_of
from services.dispatch.rules import cards
from services.dispatch.rules.changes import WAITING
from services.dispatch.store import assignments, runs, shares, trips
from services.dispatch.store.assignments import ASKED, WORKING, Assignment
from services.dispatch.store.trips import Trip
from services.dispatch.verbs import (
    attendance,
    certificates,
    decide,
    duty,
    facilities,
    late,
    on_the_way,
    published,
    queue,
    release,
    repair,
    support,
)
from services.dispatch.verbs import shares as lending
from services.dispatch.verbs import trips as trip_verbs
from services.dispatch.verbs.needs import add_backup
from services.dispatch.verbs.saying import assignment_facts
from shared.due import Due, DueHandler
from shared.events.dispatch import AssignmentDelayed
from shared.events.words import By
from shared.work import Work

SHORTLY = timedelta(milliseconds=40)


async def find_unit(work: Work, due: Due) -> None:
    """A trip's turn: it waits, its unit said no, or it is time for it."""
    trip = await _trip(work, due, due.subject_id)
    if trip is not None:
        await decide.look_again(work, trip)


async def widen_circle(work: Work, due: Due) -> None:
    """Nobody of those asked has accepted: whoever is next, and volunteers as near as they, are asked beside them."""
    trip = await _trip(work, due, due.subject_id)
    if trip is None or not decide.needs_unit(trip, work.now):
        return
    history = await assignments.of_trips(work.db, [trip.id])
    if not any(a.role == "primary" and a.status in WORKING for a in history):
        await decide.find_unit(work, trip, history)


async def serve_queue(work: Work, due: Due) -> None:
    """A unit became free, came on duty or is clean again."""
    if await runs.try_serialise(work.db, due.origin.area):
        await queue.serve(work, due.origin.area)
        await support.serve(work, due.origin.area)
    else:
        await _come_back(work, due)


async def order_timeout(work: Work, due: Due) -> None:
    """Nobody answered in time. Urgent: the next unit is alerted beside the silent one; else silence counts as no."""
    trip, assignment = await _asked(work, due)
    if trip is None or assignment is None or assignment.status not in ASKED:
        return
    policy = policy_of(trip.area)
    booked_for_later = assignment.start_at is not None
    if booked_for_later or assignment.role != "primary" or not policy.parallel(trip.severity):
        await _give_up(work, trip, assignment)
        return
    await work.later("order_expires", assignment.id, work.now + policy.silent_until, trip.origin)
    history = await assignments.of_trips(work.db, [trip.id])
    # Who was asked after this one is the next already: an early silence must not skip their turn.
    later = [a for a in history if a.attempt > assignment.attempt and a.role == "primary"]
    if not any(decide.still_in_time(a, work.now) for a in later) and not any(a.status in WORKING for a in history):
        await decide.find_unit(work, trip, history)


async def order_expires(work: Work, due: Due) -> None:
    """A silent unit beside which others were alerted is set free."""
    trip, assignment = await _asked(work, due)
    if trip is not None and assignment is not None and assignment.status in ASKED:
        await _give_up(work, trip, assignment)


async def proposal_timeout(work: Work, due: Due) -> None:
    """No dispatcher confirmed in time: the trip waits in the queue, with an alarm, and is proposed again."""
    trip, assignment = await _asked(work, due)
    if trip is None or assignment is None or assignment.status != "proposed":
        return
    await release.expire(work, trip, assignment)
    if trip.ended_at is None:
        await decide.queue(work, trip, ("not_confirmed",))


async def departure_overdue(work: Work, due: Due) -> None:
    """A crew accepted an emergency and has not set out: the desk is alarmed, and the next unit alerted beside it.

    The trip stays with the crew until another one accepts. Looked at again until somebody sets out.
    """
    trip, assignment = await _asked(work, due)
    if trip is None or assignment is None or assignment.status != "accepted":
        return
    if not due.data.get("said"):
        facts = assignment_facts(trip, assignment, work.now, By.SYSTEM, previous=assignment.status)
        work.say(assignment.id, AssignmentDelayed(**facts, depart_by_at=due.data["depart_by_at"]), trip.origin)
    policy = policy_of(trip.area)
    if not policy.parallel(trip.severity):
        return
    history = await assignments.of_trips(work.db, [trip.id])
    if assignment.role == "support":
        await support.beside(work, trip, assignment, history)
    elif not any(a.role == "primary" and decide.still_in_time(a, work.now) for a in history):
        await decide.find_unit(work, trip, history)
    data = {**due.data, "said": True}
    await work.later("departure_overdue", assignment.id, work.now + policy.retry, trip.origin, data=data)


async def _give_up(work: Work, trip: Trip, assignment: Assignment) -> None:
    await release.expire(work, trip, assignment)
    if assignment.role == "support":
        await support.send(work, trip)
        return
    history = await assignments.of_trips(work.db, [trip.id])
    if any(a.role == "primary" and a.ended_at is None for a in history):
        return
    if trip.status == "planned":
        await release.lose_unit(work, trip, assignment, "no_answer")
    elif decide.needs_unit(trip, work.now):
        await decide.find_unit(work, trip, history)


async def _asked(work: Work, due: Due) -> tuple[Trip | None, Assignment | None]:
    """The assignment a timer is about, with its trip, both as they are under the locks."""
    found = await assignments.read(work.db, due.subject_id)
    trip = await _trip(work, due, found.trip_id) if found else None
    return trip, await assignments.read(work.db, due.subject_id)


async def _trip(work: Work, due: Due, trip_id: UUID) -> Trip | None:
    """The trip under its locks, area first. None: there is none, or somebody is at it and we come back in a moment.

    A due thing holds its own row of ``due``, which others may want to move while they hold a trip: so it never waits.
    """
    if await runs.try_serialise(work.db, due.origin.area):
        trip = await trips.try_lock(work.db, trip_id)
        if trip is not None:
            return trip
    await _come_back(work, due)
    return None


async def _come_back(work: Work, due: Due) -> None:
    in_a_moment = work.now + SHORTLY
    await work.later(due.kind, due.subject_id, in_a_moment, due.origin, fence=due.fence, data=due.data)


async def find_support(work: Work, due: Due) -> None:
    """More units were asked for, and nobody could go yet."""
    trip = await _trip(work, due, due.subject_id)
    if trip is not None and trip.ended_at is None:
        if codes := trip.need.pop("backup", None):  # noted by the version before
            add_backup(trip, cards.slot(skills=codes))
            await trips.set_need(work.db, trip)
        await support.send(work, trip)


async def booked_due(work: Work, due: Due) -> None:
    """A booked trip comes near and nobody has taken it: an alarm now, and a little later the system looks itself."""
    trip = await _trip(work, due, due.subject_id)
    if trip is None or trip.status not in WAITING or trip.now_at is not None:
        return
    before: timedelta = policy_of(trip.area).booked_last_call
    trip.now_at = max(work.now, trip.pickup_latest_at - before) if trip.pickup_latest_at else work.now
    trip.queued_at = None  # it waits from now on, whatever it waited for before it was booked
    await decide.mark_queued(work, trip, ("nobody_booked",))
    await work.later("find_unit", trip.id, trip.now_at, trip.origin)


async def not_carried(work: Work, due: Due) -> None:
    """A way there ended at the door."""
    trip = await _trip(work, due, due.subject_id)
    if trip is not None:
        await trip_verbs.not_carried(work, trip)


async def pickup_overdue(work: Work, due: Due) -> None:
    """The time a rider was told has come."""
    trip, assignment = await _asked(work, due)
    if trip is not None and assignment is not None:
        await late.look(work, trip, assignment, due)


async def duty_ends(work: Work, due: Due) -> None:
    """A duty with an end is over, or goes on as long as its run does."""
    if not await runs.try_serialise(work.db, due.origin.area):
        await _come_back(work, due)
    elif not await duty.end_duty(work, due.subject_id):
        await work.later("duty_ends", due.subject_id, work.now + timedelta(minutes=1), due.origin)


async def find_tour(work: Work, due: Due) -> None:
    """A booked ride lost its unit, long before it is due: a place beside what others have promised, at once.

    Where a dispatcher confirms bookings, or nobody has a place, it waits in the day list as before.
    """
    trip = await _trip(work, due, due.subject_id)
    if trip is not None and trip.status in WAITING and (trip.now_at is None or trip.now_at > work.now):
        await repair.anew(work, trip)


async def on_the_way_due(work: Work, due: Due) -> None:
    """No free unit can take somebody who waits: one that is out may come by."""
    trip = await _trip(work, due, due.subject_id)
    if trip is not None and decide.needs_unit(trip, work.now):
        await on_the_way.look(work, trip)


async def spare_riders(work: Work, due: Due) -> None:
    """A unit was sent to something else: whom it would be late for may go with others."""
    if await _unit_held(work, due):
        await repair.spare_riders(work, due.subject_id)


async def unit_left(work: Work, due: Due) -> None:
    """A unit went off duty, and people may rely on it."""
    if await _unit_held(work, due):
        await repair.left(work, due.subject_id)


async def _unit_held(work: Work, due: Due) -> bool:
    """Whether nobody else decides where the unit has promised something; else we come back in a moment."""
    for area in sorted({due.origin.area, *await runs.areas_of(work.db, due.subject_id)}):
        if not await runs.try_serialise(work.db, area):
            await _come_back(work, due)
            return False
    return True


async def share_ends(work: Work, due: Due) -> None:
    """A lent unit goes home by itself, or as soon as it is free."""
    share = await shares.of_unit(work.db, due.subject_id)
    if share is None:
        return
    for area in sorted({share.home_area, share.with_area}):
        if not await runs.try_serialise(work.db, area):
            await _come_back(work, due)
            return
    if not await lending.end_if_free(work, due.subject_id):
        await work.later("share_ends", due.subject_id, work.now + lending.AGAIN, due.origin)


DUE: Mapping[str, DueHandler] = {
    "find_unit": find_unit,
    decide.WIDEN: widen_circle,
    "serve_queue": serve_queue,
    "order_timeout": order_timeout,
    "order_expires": order_expires,
    "proposal_timeout": proposal_timeout,
    "departure_overdue": departure_overdue,
    "find_support": find_support,
    "booked_due": booked_due,
    late.WATCH: pickup_overdue,
    "not_carried": not_carried,
    "duty_ends": duty_ends,
    "find_tour": find_tour,
    decide.ON_THE_WAY: on_the_way_due,
    "spare_riders": spare_riders,
    "unit_left": unit_left,
    "share_ends": share_ends,
    certificates.ENDS: certificates.ends,
    "check_in_ends": attendance.forgot,
    "bed_expires": facilities.expire,
    published.SAY: published.say_late,
}
