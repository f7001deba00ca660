"""Whom to send: the decision about a trip that needs a unit now.

Decisions of an area are serialised (``runs.serialise``, taken before any lock on a trip), so two of them never
choose the same unit; the unique index on open runs says the same to whoever would not ask.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.dispatch import fleet
from services.dispatch.emergencies.choice import BY_TIME, URGENCY
from services.dispatch.emergencies.sparing import best_spared
from services.dispatch.fleet import Member
from services.dispatch.policy import Policy, policy_of
from services.dispatch.rules import circles
from services.dispatch.rules.changes import WAITING, asked_once_more, may_lie
from services.dispatch.rules.eligibility import UnitFacts, shortfalls
from services.dispatch.rules.ranking import Recommendation, best, scores
from services.dispatch.rules.requirements import Requirements
from services.dispatch.store import assignments, runs, trips
from services.dispatch.store.assignments import ASKED, WORKING, Assignment, was_not_its_no
from services.dispatch.store.trips import Trip
from services.dispatch.verbs import bump, risks
from services.dispatch.verbs.lives import at_once, move_trip
from services.dispatch.verbs.needs import wanted
from services.dispatch.verbs.saying import asked_facts, by_of, of_call, urgency
from shared.events.dispatch import AssignmentOffered, AssignmentOrdered, AssignmentProposed, RunOpened, TripQueued
from shared.events.words import By
from shared.geo import Point
from shared.thai.text import Text
from shared.work import Work, new_id

BUSY_TEXT = Text(th="ติดภารกิจอื่น", en="busy with another run")
WIDEN = "widen_circle"
ON_THE_WAY = "on_the_way"
BOOKED_SOON = timedelta(minutes=45)
"""A unit with a booked ride this soon is left to it, unless the severity is one that alerts in parallel."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The unit to ask, with why; or None with the codes of what is missing."""

    member: Member | None
    recommendation: Recommendation | None
    reasons: tuple[str, ...] = ()
    booked_soon: bool = False
    """It has promised a ride that begins soon."""
    circle: int | None = None
    beside: tuple[Member, ...] = ()
    """Volunteers of the same circle, who are asked at the same time."""


async def find_unit(
    work: Work, trip: Trip, history: Sequence[Assignment], chosen: Choice | None = None
) -> bool:  # fmt: skip
    """Ask the best free unit for this trip, or put it in the queue. The caller holds the area and the trip.

    ``history`` are the trip's assignments so far: who declined is not asked again, who was silent only after a while.
    ``chosen``: the unit that is best when all who wait are looked at together. True when somebody was asked.
    """
    policy = policy_of(trip.area)
    choice = chosen or await choose(work, trip, history, policy)
    taking = await bump.sooner(work, trip, policy, choice.recommendation)
    if taking is not None and await bump.take(work, taking):
        choice = Choice(taking.member, taking.recommendation, booked_soon=True)
    if choice.member is None or choice.recommendation is None:
        await queue(work, trip, choice.reasons, asked=any(_waits(a) for a in history))
        if trip.lane == "booked" and policy.pack.on_the_way != "off" and not trip.back_entry:
            await at_once(work, ON_THE_WAY, trip.id, trip.origin)
        return False
    attempt = 1 + max((a.attempt for a in history), default=0)
    if confirms(trip, policy):
        await propose(work, trip, choice.member, attempt, policy)
    else:
        await ask(work, trip, choice.member, attempt, policy, circle=choice.circle)
        if choice.booked_soon:
            await at_once(work, "spare_riders", choice.member.id, trip.origin)
        for number, member in enumerate(choice.beside, start=1):
            await offer_now(work, trip, member, attempt + number, policy, circle=choice.circle)
        if choice.circle is not None:
            await work.later(WIDEN, trip.id, work.now + timedelta(seconds=policy.pack.circle_s), trip.origin)
    return True


def confirms(trip: Trip, policy: Policy) -> bool:
    """Whether a dispatcher decides. Whoever is ready to go home is treated like a green emergency: nobody waits at a

    clinic for a click.
    """
    return policy.must_be_confirmed(*(("emergency", "green") if trip.leg == "return" else (trip.lane, trip.severity)))


def _waits(assignment: Assignment) -> bool:
    return assignment.role == "primary" and assignment.status in ASKED


async def ask(
    work: Work, trip: Trip, member: Member, attempt: int, policy: Policy, *, slot: str | None = None,
    circle: int | None = None,
) -> Assignment:  # fmt: skip
    """Order who is on duty; offer it to volunteers, and to crews where a ride is due. ``slot``: in support, as that."""
    role = "primary" if slot is None else "support"
    if trip.lane == "booked" or member.volunteer:
        return await offer_now(work, trip, member, attempt, policy, role=role, slot=slot, circle=circle)
    return await order(work, trip, member, attempt, policy, role=role, slot=slot)


async def who_is_free(work: Work, area: str, *, exercise: bool) -> fleet.Free:
    """The units that may be asked now. The caller holds the area."""
    return await fleet.still_free(work, area, exercise=exercise, soon=work.now + BOOKED_SOON)


async def choose(
    work: Work, trip: Trip, history: Sequence[Assignment], policy: Policy, asked: Requirements | None = None
) -> Choice:
    """The best of the free units that have not said no. ``asked``: other than what the trip asks of its own unit."""
    free = await who_is_free(work, trip.area, exercise=trip.exercise)
    open_to, pool = pools(work, trip, history, policy, free)
    if trip.lane == "booked":
        pool = await fleet.fairly(work.db, pool, work.now)
    own, asked, place = asked is None, asked or wanted(trip), point(trip.pickup)
    # Nobody else: whoever said no is asked again after a while, before somebody is left alone.
    once_more = _once_more(history, work.now, policy)
    again = [member for member, _ in free if member.id in once_more]
    ways = [(pool, asked), (again, asked)]
    if own and may_lie(trip.leg, trip.ready_at, work.now):
        ways += [(pool, wanted(trip, lies=True)), (again, wanted(trip, lies=True))]
    for members, wish in ways:
        found = _first([member.facts for member in members], trip, wish, place, work.now, policy)
        if found is not None:
            break
    else:
        return Choice(None, None, _reasons([member for member, _ in free], open_to, asked, work.now))
    member, booked_soon = next(each for each in free if each[0].facts.id == found.unit_id)
    if not own or place is None or not member.volunteer or not policy.pack.circle_m:
        return Choice(member, found, booked_soon=booked_soon)
    last = max((a.circle for a in history if a.circle), default=1)
    circle = max(circles.circle_of(member.facts, place, policy.pack.circle_m), last)
    others = [each.facts for each in pool if each.volunteer and each.id != member.id]
    near = circles.within(others, place, policy.pack.circle_m, circle)
    fit = scores(near, wish, place, work.now, policy.travel_times, policy.weights)
    first = sorted(fit, key=lambda unit_id: (fit[unit_id], unit_id))[: circles.MOST - 1]
    by_id = {each.facts.id: each for each in pool}
    beside = tuple(by_id[unit_id] for unit_id in first)
    return Choice(member, found, booked_soon=booked_soon, circle=circle, beside=beside)


def pools(
    work: Work, trip: Trip, history: Sequence[Assignment], policy: Policy, free: fleet.Free
) -> tuple[list[Member], list[Member]]:  # fmt: skip
    """Of those who are free: who may be asked for this trip, and of them, who is asked as long as there are any."""
    out = {a.unit_id for a in history if not may_ask_again(a, work.now, policy)}
    open_to = [member for member, _ in free if member.id not in out]
    if policy.parallel(trip.severity):
        return open_to, open_to
    return open_to, [member for member, booked_soon in free if not booked_soon and member.id not in out] or open_to


def _first(
    facts: Sequence[UnitFacts], trip: Trip, asked: Requirements, place: Point | None, now: datetime, policy: Policy
) -> Recommendation | None:
    if not policy.spares or trip.lane != "emergency" or URGENCY[trip.severity] >= BY_TIME:
        return best(facts, asked, place, now, policy.travel_times, policy.weights)
    return best_spared(
        facts, asked, place, now, trip.severity, policy.demand, policy.travel_times, policy.weights
    )  # fmt: skip


def may_ask_again(assignment: Assignment, now: datetime, policy: Policy) -> bool:
    """Declined: not while others may. Still asked or working: not now. Not the unit's own no: at once. Else: later."""
    if assignment.ended_at is None or assignment.status == "declined":
        return False
    return was_not_its_no(assignment) or assignment.ended_at + policy.ask_again <= now


def _once_more(history: Sequence[Assignment], now: datetime, policy: Policy) -> set[UUID]:
    """Units that said no long enough ago, and have not been asked since."""
    last = {each.unit_id: each for each in history}
    return {
        unit_id for unit_id, each in last.items() if asked_once_more(each.status, each.ended_at, now, policy.no_holds)
    }


def _reasons(
    free: Sequence[Member], open_to: Sequence[Member], asked_for: Requirements, now: datetime
) -> tuple[str, ...]:
    """Why nobody can go, as codes: those who fit said no, or the least that is missing among those who are free."""
    if not free:
        return ("nobody_free",)
    lacking = {m.id: [short for short in shortfalls(m.facts, asked_for, now) if short.hard] for m in free}
    if not open_to or not all(lacking.values()):
        return ("nobody_willing",)
    least = min((lacking[member.id] for member in open_to), key=len)
    return ("nobody_fits", *sorted({f"no_{short.what.lower()}" for short in least}))


async def order(
    work: Work, trip: Trip, member: Member, attempt: int, policy: Policy, *, role: str = "primary",
    override_reason: str | None = None, of: Assignment | None = None, slot: str | None = None,
) -> Assignment:  # fmt: skip
    """Send an on-duty unit: open its run, stamp สั่งการ, start the timer. ``of``: a proposal that becomes an order."""
    previous = of.status if of else None
    made = of or _asked(trip, member, attempt, work.now, role=role, way="order", status="ordered", slot=slot)
    made.run_id, made.status, made.way, made.previous_status = new_id(), "ordered", "order", previous
    made.asked_at, made.respond_by_at = work.now, work.now + policy.respond(trip.severity, volunteer=False)
    if of is None:
        await assignments.open_and_order(work.db, made, exercise=trip.exercise)
        fleet.hold(work, member.id)
    else:
        await runs.insert_open(
            work.db, made.run_id, member.id, trip.area, "emergency", work.now, exercise=trip.exercise
        )
        await assignments.update(work.db, made)
        await work.cancel("proposal_timeout", made.id)
    work.say(made.run_id, run_opened(trip, member, work.now), trip.origin)
    private = AssignmentOrdered.Private(override_reason=override_reason, risks=await risks.ahead(work, trip))
    facts = asked_facts(trip, made, by_of(work), previous=previous)
    work.say(made.id, AssignmentOrdered(**facts, private=private), trip.origin)
    await work.later("order_timeout", made.id, made.respond_by_at, trip.origin)
    return made


async def offer_now(
    work: Work,
    trip: Trip,
    member: Member,
    attempt: int,
    policy: Policy,
    *,
    role: str = "primary",
    of: Assignment | None = None,
    slot: str | None = None,
    circle: int | None = None,
) -> Assignment:
    """Ask a volunteer, or a crew for a ride that is due: the run is opened when they accept."""
    previous = of.status if of else None
    made = of or _asked(trip, member, attempt, work.now, role=role, way="offer", status="offered", slot=slot)
    made.circle = circle
    made.status, made.way, made.previous_status, made.asked_at = "offered", "offer", previous, work.now
    made.respond_by_at = work.now + policy.respond(trip.severity, volunteer=member.volunteer)
    if of is None:
        await assignments.insert(work.db, made)
        fleet.hold(work, member.id)
    else:
        await assignments.update(work.db, made)
        await work.cancel("proposal_timeout", made.id)
    facts = asked_facts(trip, made, by_of(work), previous=previous)
    private = AssignmentOffered.Private(risks=await risks.ahead(work, trip))
    work.say(made.id, AssignmentOffered(**facts, circle=circle, private=private), trip.origin)
    await work.later("order_timeout", made.id, made.respond_by_at, trip.origin)
    return made


async def propose(work: Work, trip: Trip, member: Member, attempt: int, policy: Policy) -> None:
    """Put a unit before the dispatcher, who must confirm within the time of the policy."""
    made = _asked(trip, member, attempt, work.now, role="primary", way="order", status="proposed")
    made.respond_by_at = work.now + policy.confirm_within
    await assignments.insert(work.db, made)
    fleet.hold(work, member.id)
    work.say(made.id, AssignmentProposed(**asked_facts(trip, made, By.SYSTEM)), trip.origin)
    await work.later("proposal_timeout", made.id, made.respond_by_at, trip.origin)


async def queue(work: Work, trip: Trip, reasons: tuple[str, ...], *, asked: bool = False) -> None:
    """Nobody can go: the trip waits where everybody sees it, and is looked at again every few seconds.

    ``asked``: somebody else still has to answer, so nothing is said yet; but we go on looking.
    A trip whose crew has only not set out yet does not wait here: its own timer looks again.
    """
    if trip.status not in WAITING:
        return
    policy = policy_of(trip.area)
    await work.later("find_unit", trip.id, work.now + policy.retry, trip.origin)
    if not asked:
        await mark_queued(work, trip, reasons)


async def mark_queued(work: Work, trip: Trip, reasons: tuple[str, ...]) -> None:
    """Show the trip in the queue with its reasons; said once, when it goes there."""
    if trip.status == "requested":
        move_trip(trip, "queue")
        private = TripQueued.Private(reasons=reasons)
        work.say(trip.id, TripQueued(**of_call(trip), **urgency(trip), at=work.now, private=private), trip.origin)
    elif tuple(trip.queue_reasons) == reasons and trip.queued_at is not None:
        return
    trip.queued_at, trip.queue_reasons = trip.queued_at or work.now, reasons
    await trips.update(work.db, trip)


async def look_again(work: Work, trip: Trip) -> None:
    """One trip's turn: if it still needs a unit and nobody is on the way to an answer, find one.

    The caller holds the area and the trip.
    """
    if not needs_unit(trip, work.now):
        return
    history = await assignments.of_trips(work.db, [trip.id])
    if not any(a.role == "primary" and (a.status in WORKING or still_in_time(a, work.now)) for a in history):
        await find_unit(work, trip, history)


def needs_unit(trip: Trip, now: datetime) -> bool:
    waits = trip.status in WAITING
    return waits and not trip.back_entry and trip.now_at is not None and trip.now_at <= now


def still_in_time(assignment: Assignment, now: datetime) -> bool:
    """Whether somebody may still answer."""
    asked = assignment.status in ASKED
    return asked and assignment.respond_by_at is not None and assignment.respond_by_at > now


def _asked(
    trip: Trip, member: Member, attempt: int, at: datetime, *, role: str, way: str, status: str,
    slot: str | None = None,
) -> Assignment:  # fmt: skip
    return Assignment(
        id=new_id(), trip_id=trip.id, run_id=None, unit_id=member.id, area=trip.area, role=role, way=way,
        status=status, crew_ids=member.crew_ids, attempt=attempt, asked_at=at, back_entry=trip.back_entry,
        slot=slot,
    )  # fmt: skip


def run_opened(trip: Trip, member: Member, at: datetime) -> RunOpened:
    return RunOpened(
        unit_id=member.id, vehicle_id=member.vehicle_id, crew_ids=member.crew_ids, trip_ids=(trip.id,),
        lane=trip.lane, at=at,
    )  # fmt: skip


def point(place: tuple[float, float] | None) -> Point | None:
    return Point(*place) if place else None
