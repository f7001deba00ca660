"""Units beside the trip's own: asked for by the run card or by a crew, watched, and told to go home again.

Which ones are missing is never kept: it is what the trip asks for less who comes (``services.dispatch.rules.cards``).
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from services.dispatch import fleet
from services.dispatch.fleet import Member
from services.dispatch.policy import Policy, policy_of
from services.dispatch.rules import cards
from services.dispatch.rules.eligibility import eligible
from services.dispatch.store import assignments, runs, trips
from services.dispatch.store.assignments import ASKED, NOT_NEEDED, WORKING, Assignment
from services.dispatch.store.trips import Trip
from services.dispatch.verbs import decide
from services.dispatch.verbs.lives import missing
from services.dispatch.verbs.needs import asked_in_support, enough, wanted_of
from services.dispatch.verbs.release import release
from shared.errors import Refused
from shared.events.words import By
from shared.work import Work

BEFORE_SCENE = ASKED | {"accepted", "en_route"}
CARRIES = frozenset({"left_scene", "at_destination"})
ENDED = (409, "trip_ended", "งานนี้จบแล้ว", "the trip has ended")


def lacking(trip: Trip, history: Sequence[Assignment]) -> list[str]:
    """The slots for which nobody comes."""
    filled = [a.slot for a in history if a.slot is not None and _fills(a)]
    return cards.lacking(asked_in_support(trip), filled, trip.need.get("enough", ()))


def _fills(assignment: Assignment) -> bool:
    """It comes, it came, or somebody said that it need not."""
    stood_down = assignment.status == "released" and assignment.reason == NOT_NEEDED
    return assignment.ended_at is None or assignment.status == "cleared" or stood_down


async def send(work: Work, trip: Trip) -> None:
    """Ask a unit for everything that is missing, and look again for what nobody can give.

    The caller holds the area and the trip. Where a dispatcher confirms, the first order confirms the others, too.
    """
    if trip.ended_at is not None or trip.back_entry or not asked_in_support(trip):
        return
    history = await assignments.of_trips(work.db, [trip.id])
    policy = policy_of(trip.area)
    if policy.must_be_confirmed(trip.lane, trip.severity) and not any(_sent(a) for a in history):
        return
    left = False
    for slot in lacking(trip, history):
        asked = await _ask_one(work, trip, history, slot, policy)
        history += [asked] if asked else []
        left = left or asked is None
    if left:
        await work.later("find_support", trip.id, work.now + policy.retry, trip.origin)


def _sent(assignment: Assignment) -> bool:
    return assignment.role == "primary" and assignment.status in WORKING | {"ordered", "offered"}


async def _ask_one(
    work: Work, trip: Trip, history: Sequence[Assignment], slot: str, policy: Policy
) -> Assignment | None:
    choice = await decide.choose(work, trip, history, policy, wanted_of(trip, slot))
    if choice.member is None:
        return None
    attempt = 1 + max((a.attempt for a in history), default=0)
    return await decide.ask(work, trip, choice.member, attempt, policy, slot=slot)


async def serve(work: Work, area: str) -> None:
    """A unit became free, and no trip waits for its first: those that wait for more. The caller holds the area."""
    for trip in await trips.wanting_more(work.db, area):
        await send(work, trip)


async def fits(work: Work, trip: Trip, member: Member) -> str | None:
    """Which of the missing slots a unit fills that somebody sends by hand; None: it comes on top."""
    history = await assignments.of_trips(work.db, [trip.id])
    open_to = lacking(trip, history)
    return next((slot for slot in open_to if eligible(member.facts, wanted_of(trip, slot), work.now)), None)


async def beside(work: Work, trip: Trip, late: Assignment, history: Sequence[Assignment]) -> None:
    """Alert the next one beside a unit that accepted and does not set out; who was sent by hand only alarms."""
    if late.slot is None or any(_same(a, late) and decide.still_in_time(a, work.now) for a in history):
        return
    await _ask_one(work, trip, history, late.slot, policy_of(trip.area))


async def settle(work: Work, trip: Trip, goes: Assignment, step: str) -> None:
    """Of more units than were asked for one slot the others may stay: on accepting those that are late to set out, on

    setting out those that were alerted beside it.
    """
    if goes.slot is None:
        return
    history = await assignments.of_trips(work.db, [trip.id])
    others = [a for a in history if _same(a, goes) and a.ended_at is None]
    too_many = 1 + len(others) - asked_in_support(trip).count(goes.slot)
    if step == "accept":
        late = work.now - policy_of(trip.area).departs_within(trip.severity)
        spare = [a for a in others if a.status == "accepted" and a.accepted_at and a.accepted_at <= late]
    else:
        spare = [a for a in reversed(others) if a.status in ASKED]
    for each in spare[: max(0, too_many)]:
        await release(work, trip, each, "another_accepted", by=By.SYSTEM)


def _same(one: Assignment, other: Assignment) -> bool:
    return one.id != other.id and one.slot == other.slot


async def stand_down(work: Work, trip_id: UUID, area: str, which: Sequence[UUID] | None = None) -> Trip:
    """Units in support are not needed any more: all that carry nobody, and nobody else is looked for; or those named.

    Raises:
        Refused: 404; 409 the trip has ended.

    """
    await runs.serialise(work.db, area)
    trip = await trips.lock(work.db, trip_id)
    if trip is None:
        raise missing("trip")
    if trip.ended_at is not None:
        raise Refused(*ENDED, field="status")
    history = await assignments.of_trips(work.db, [trip.id])
    beside_it = {a.id: a for a in history if a.role == "support" and a.ended_at is None and a.status not in CARRIES}
    if not set(which or ()) <= set(beside_it):
        raise missing("assignment")
    if which is None:
        enough(trip, lacking(trip, history))
        await trips.set_need(work.db, trip)
        await work.cancel("find_support", trip.id)
    for assignment_id in beside_it if which is None else which:
        await release(work, trip, beside_it[assignment_id], NOT_NEEDED)
    return trip


async def over(work: Work, trip: Trip) -> None:
    """The trip is done: who has not arrived yet may turn round, unless somebody else of the call still waits there."""
    await work.cancel("find_support", trip.id)
    if await trips.others_wait(work.db, trip.call_id, trip.id):
        return
    for each in await assignments.of_trips(work.db, [trip.id]):
        if each.role == "support" and each.ended_at is None and each.status in BEFORE_SCENE:
            await release(work, trip, each, NOT_NEEDED, by=By.SYSTEM)


async def higher(work: Work, trip: Trip, giver: Assignment) -> Assignment | None:
    """The unit at the scene that takes the patient over: of several that of the highest level."""
    there = [
        a for a in await assignments.of_trips(work.db, [trip.id])
        if a.id != giver.id and a.role == "support" and a.status == "at_scene"
    ]  # fmt: skip
    members = {member.id: member for a in there if (member := await fleet.one(work.db, a.unit_id))}
    return max(there, key=lambda a: _rank(members.get(a.unit_id), work), default=None)


def _rank(member: Member | None, work: Work) -> int:
    level = member.facts.working_level(work.now) if member else None
    return cards.LEVELS.index(level) if level in cards.LEVELS else -1
