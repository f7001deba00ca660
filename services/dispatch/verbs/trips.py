"""Trips grow from calls, one per person and leg or one for a job; they follow what the call says, to their end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from services.dispatch.policy import policy_of
from services.dispatch.rules.changes import WAITING, Due, Wish, after_change
from services.dispatch.rules.life import CLOCK_SKEW
from services.dispatch.store import assignments, runs, trips
from services.dispatch.store.trips import Trip
from services.dispatch.verbs import decide, groups, home, release, support
from services.dispatch.verbs.grow import drop_point, people, trips_for
from services.dispatch.verbs.lives import at_once, missing, move_trip
from services.dispatch.verbs.saying import by_of, of_call, trip_facts
from shared.errors import Refused
from shared.events.base import Origin
from shared.events.dispatch import TripCancelled, TripChanged, TripRequested
from shared.events.intake import CallFacts, CallPrivate
from shared.events.words import CallStatus, Lane
from shared.thai.dates import local_day
from shared.work import Work, new_id

ON_BOARD = frozenset({"left_scene", "at_destination"})
"""A patient is on the way: the trip is finished, whatever becomes of the call."""
FOLLOWS_CALL = (
    "kind", "lane", "severity", "severity_scheme", "amphoe", "pickup_earliest_at", "pickup_latest_at", "arrive_by_at",
    "on_day", "need", "details", "pickup_lon", "pickup_lat", "drop_lon", "drop_lat", "facility_id", "person_id",
)  # fmt: skip


async def follow_call(work: Work, call_id: UUID, call: CallFacts, origin: Origin, *, first: bool = False) -> None:
    """Make the call's trips what the call now says: open, change or cancel them, and find units for what is due.

    ``call`` is the full state, so it is the same for a call received (``first``), triaged anew and updated.
    """
    private: CallPrivate = call.private  # type: ignore[attr-defined]
    if origin.protected and not first:
        await runs.serialise(work.db, origin.area)
        await trips.protect(work.db, call_id)
    if not call.served or call.status is not CallStatus.OPEN:
        return
    if not first or call.lane is Lane.EMERGENCY:
        await runs.serialise(work.db, origin.area)
    known = [] if first else await trips.lock_of_call(work.db, call_id)
    drop = await drop_point(work, private)
    expected = [trip for patient in people(private) for trip in trips_for(work, call_id, call, patient, origin, drop)]
    await groups.ask_too(work, expected, known)
    new = [trip for trip in expected if _same(trip, known) is None]
    if new:
        await _open(work, [_with_outbound(trip, known) for trip in new])
    for trip in known:
        wanted = next((each for each in expected if _is_same(each, trip)), None)
        if wanted is not None:
            await _change(work, trip, wanted)
        elif trip.ended_at is None and not await _carries_somebody(work, trip):
            await cancel(work, trip, "other")


def _is_same(one: Trip, other: Trip) -> bool:
    """The same person's same leg, also where it was cancelled: a change of the call does not bring it back."""
    return (one.patient_id, one.leg) == (other.patient_id, other.leg)


def _same(trip: Trip, known: Sequence[Trip]) -> Trip | None:
    return next((each for each in known if _is_same(trip, each)), None)


def _with_outbound(trip: Trip, known: Sequence[Trip]) -> Trip:
    """A way back belongs to the way there, which may have been known before."""
    outbound = next((t for t in known if t.leg == "outbound" and t.patient_id == trip.patient_id), None)
    if trip.outbound_id is not None and outbound is not None:
        trip.outbound_id = outbound.id
    return trip


async def _open(work: Work, new: Sequence[Trip]) -> None:
    """Write new trips, say so, and ask units for those that need one at once."""
    await trips.insert(work.db, new)
    for trip in new:
        work.say(trip.id, TripRequested(**trip_facts(trip), at=work.now), trip.origin)
    asking: list[Trip] = []
    for trip in new:
        if decide.needs_unit(trip, work.now):
            await decide.find_unit(work, trip, ())
            asking.append(trip)
        elif trip.leg == "outbound" and not trip.back_entry:
            await release.watch_booking(work, trip)
    for trip in asking:  # everybody's first unit before anybody's second
        await support.send(work, trip)


async def _change(work: Work, trip: Trip, wanted: Trip) -> None:
    """What the call says anew; a trip that has ended stays as it was."""
    if trip.ended_at is not None:
        return
    wanted.need |= {key: trip.need[key] for key in ("met", "backup", "more", "enough") if key in trip.need}
    if trip.leg == "return":
        wanted.lane = trip.lane
    different = [name for name in FOLLOWS_CALL if getattr(trip, name) != getattr(wanted, name)]
    if not different:
        return
    was = _wish(trip)
    for name in different:
        setattr(trip, name, getattr(wanted, name))
    await trips.rewrite(work.db, trip)
    work.say(trip.id, TripChanged(**trip_facts(trip), at=work.now, ready_at=trip.ready_at), trip.origin)
    if trip.leg == "outbound" and not trip.back_entry:
        before = policy_of(trip.area).booked_due
        due = after_change(was, _wish(trip), trip.status, pickup_at=trip.pickup_at, at=work.now, before=before)
        if due is not None:
            await _follow(work, trip, due)
        if "need" in different or "severity" in different:  # another card, perhaps with more units
            await support.send(work, trip)


def _wish(trip: Trip) -> Wish:
    return Wish(trip.lane, trip.pickup_earliest_at, trip.pickup_latest_at, trip.arrive_by_at)


async def _follow(work: Work, trip: Trip, due: Due) -> None:
    """Let units go that were held for the old time, and have the trip looked at when it is due now."""
    if due != "watch":
        trip.now_at = work.now if due == "now" else None
        await trips.update(work.db, trip)
        await work.cancel("find_unit", trip.id)
        if trip.status in WAITING | {"planned"}:
            await _free_units(work, trip)
    if trip.status in WAITING:
        await release.seek(work, trip)


async def _free_units(work: Work, trip: Trip) -> None:
    """Units that hold the trip's old time stand down; with them the plan goes."""
    for assignment in await assignments.of_trips(work.db, [trip.id]):
        # Who is asked now, or going now, is just right for a trip that is needed now.
        keeps = trip.now_at is not None and assignment.start_at is None
        if assignment.role == "primary" and assignment.ended_at is None and not keeps:
            await release.release(work, trip, assignment, "replanned")
            await release.lose_unit(work, trip, assignment, "replanned")


async def _carries_somebody(work: Work, trip: Trip) -> bool:
    return any(a.status in ON_BOARD for a in await assignments.of_trips(work.db, [trip.id]))


async def cancel(work: Work, trip: Trip, reason: str, *, whole_series: bool = False) -> None:
    """The trip will not take place; its units stand down. The caller holds the trip.

    ``whole_series``: nor will the other visits, of which people are told once.

    Raises:
        Refused: 409, it has ended, or carries somebody.

    """
    move_trip(trip, "cancel")
    for assignment in await assignments.of_trips(work.db, [trip.id]):
        if assignment.ended_at is None:
            await release.release(work, trip, assignment, "trip_cancelled")
    trip.ended_at, trip.reason, trip.outcome = work.now, reason, "cancelled"
    await trips.update(work.db, trip)
    for kind in ("find_unit", "booked_due", decide.WIDEN):
        await work.cancel(kind, trip.id)
    event = TripCancelled(
        **of_call(trip), leg=trip.leg, at=work.now, by=by_of(work), whole_series=whole_series,
        private={"reason": reason},
    )  # fmt: skip
    work.say(trip.id, event, trip.origin)


async def cancel_call(work: Work, call_id: UUID, area: str, reason: str, *, whole_series: bool = False) -> None:
    """The call needs no trips any more. Who is on board is still brought where they go.

    Nor are those needed that ended as a duplicate's: unlinking it later brings nobody to a call that is over.
    """
    await runs.serialise(work.db, area)
    for trip in await trips.lock_of_call(work.db, call_id):
        if trip.ended_at is None and not await _carries_somebody(work, trip):
            await cancel(work, trip, reason, whole_series=whole_series)
        elif trip.status == "cancelled" and trip.reason == "duplicate" != reason:
            trip.reason = reason
            await trips.update(work.db, trip)


async def reopen_call(work: Work, call_id: UUID, area: str) -> None:
    """What was cancelled as a duplicate is needed after all: the same trips anew."""
    await runs.serialise(work.db, area)
    known = await trips.lock_of_call(work.db, call_id)
    gone = [trip for trip in known if trip.status == "cancelled" and trip.reason == "duplicate"]
    again: dict[UUID | None, UUID] = {trip.id: new_id() for trip in gone}
    new = [
        replace(
            trip, id=again[trip.id], outbound_id=again.get(trip.outbound_id) or trip.outbound_id,
            status="awaiting_ready" if trip.leg == "return" else "requested", previous_status=None, outcome=None,
            reason=None, ended_at=None, queued_at=None, queue_reasons=(), pickup_at=None, ready_at=None,
            now_at=work.now if trip.lane == "emergency" else None,
        )
        for trip in gone
        if not any(other.status != "cancelled" and _is_same(trip, other) for other in known)
    ]  # fmt: skip
    if new:
        await _open(work, new)


async def cancel_one(work: Work, trip_id: UUID, reason: str) -> Trip:
    """A trip cancelled by hand; with the way there goes the way back.

    Raises:
        Refused: 404, 409.

    """
    found = await trips.read(work.db, trip_id)
    of_patient = await trips.lock_of_call(work.db, found.call_id) if found else []
    trip = next((each for each in of_patient if each.id == trip_id), None)
    if trip is None:
        raise missing("trip")
    await cancel(work, trip, reason)
    for back in of_patient:
        if back.outbound_id == trip.id and back.status == "awaiting_ready":
            await cancel(work, back, reason)
    return trip


STAYS_AT_HOME = {
    "cancelled": "caller_withdrew", "refused_treatment": "caller_withdrew", "died_on_scene": "died",
    "dead_before_arrival": "died",
}  # fmt: skip
"""Outcome of a way there on which nobody was taken along → why there is no way back.

Whoever was not at the door may have gone by themselves: their way back waits until a person has asked them.
"""


async def not_carried(work: Work, trip: Trip) -> None:
    """Nobody was taken along: the way back goes with it. The caller holds the area and the trip."""
    reason = STAYS_AT_HOME.get(trip.outcome or "")
    for back in await trips.lock_of_call(work.db, trip.call_id):
        if reason and back.outbound_id == trip.id and back.status == "awaiting_ready":
            await cancel(work, back, reason)


async def brought_by(work: Work, trip: Trip, crew_id: UUID) -> None:
    """A crew may say ready for somebody it brought.

    Raises:
        Refused: 404 for everybody else.

    """
    if trip.outbound_id is None or not await trips.brought_by(work.db, trip.outbound_id, crew_id):
        raise missing("trip")


async def ready(work: Work, trip_id: UUID, area: str, at: datetime, override: str | None = None) -> Trip:
    """The person is ready to go home: a unit is looked for at once, nobody is left behind.

    ``override``: why they are there although nobody has brought them.

    Raises:
        Refused: 404, 409 when it does not wait for that or the way there has not ended, 422 an impossible time.

    """
    await runs.serialise(work.db, area)
    trip = await trips.lock(work.db, trip_id)
    if trip is None:
        raise missing("trip")
    if override is None:
        await _is_there(work, trip)
    await _become_ready(work, trip, at)
    await decide.find_unit(work, trip, await assignments.of_trips(work.db, [trip.id]))
    return trip


async def patient_ready(work: Work, call_id: UUID, trip_id: UUID | None, patient_id: UUID | None, at: datetime) -> None:
    """The patient, or whoever came along, says by message that they may be fetched.

    The button stands beneath the news of the way there, so ``trip_id`` may be that one. Who came otherwise is asked by
    the desk.

    Raises:
        Refused: 409, of none of the ways home has the way there ended.

    """
    refused: Refused | None = None
    taken = False
    for trip in await trips.lock_of_call(work.db, call_id):
        meant = trip_id in {None, trip.id, trip.outbound_id} and patient_id in {None, trip.patient_id}
        if trip.status != "awaiting_ready" or not meant:
            continue
        try:
            await _is_there(work, trip)
        except Refused as problem:
            refused = problem
            continue
        await _become_ready(work, trip, at)
        await at_once(work, "find_unit", trip.id, trip.origin)
        taken = True
    if refused is not None and not taken:
        raise refused


NOT_THERE = (
    409, "outbound_not_done", "ขาไปยังไม่ถึงปลายทาง ยังรับกลับไม่ได้ หากผู้ป่วยไปถึงด้วยวิธีอื่นแล้ว ให้ศูนย์ระบุเหตุผล",
    "the way there has not ended; if they came there otherwise, the desk says so (override)",
)  # fmt: skip
ANOTHER_DAY = (
    409, "another_day", "เที่ยวกลับนี้เป็นของวันอื่น ยังรับกลับไม่ได้ หากผู้ป่วยรออยู่จริง ให้ศูนย์ระบุเหตุผล",
    "this way home is another day's; if they are waiting all the same, the desk says so (override)",
)  # fmt: skip


async def _is_there(work: Work, trip: Trip) -> None:
    """Somebody waits at the destination: the way there has ended, or has reached it.

    Raises:
        Refused: 409 there is nobody to fetch yet.

    """
    there = await trips.read(work.db, trip.outbound_id) if trip.outbound_id else None
    if trip.status != "awaiting_ready" or there is None or there.ended_at is not None:
        return  # what else is wrong with it is said by its life
    if any(each.at_destination_at for each in await assignments.of_trips(work.db, [there.id])):
        return
    later = trip.on_day is not None and trip.on_day > local_day(work.now)
    raise Refused(*(ANOTHER_DAY if later else NOT_THERE), field="trip_id")


BEFORE_ARRIVAL = (
    422, "before_arrival", "เวลานี้อยู่ก่อนถึงปลายทางขาไป", "this time lies before the arrival of the way there",
)  # fmt: skip


async def _become_ready(work: Work, trip: Trip, at: datetime) -> None:
    """``at`` may lie back, but nobody waits for the way home before they came there.

    Raises:
        Refused: 409 it does not wait for that, 422 an impossible time.

    """
    move_trip(trip, "ready")
    there = await assignments.of_trips(work.db, [trip.outbound_id]) if trip.outbound_id else []
    came_at = max((a.at_destination_at for a in there if a.at_destination_at), default=trip.received_at)
    if at < came_at - CLOCK_SKEW:
        raise Refused(*BEFORE_ARRIVAL, field="at")
    at = max(at, came_at)
    trip.ready_at, trip.now_at = min(at, work.now), work.now
    await trips.update(work.db, trip)
    work.say(trip.id, TripChanged(**trip_facts(trip), at=work.now, ready_at=trip.ready_at), trip.origin)
    await home.warn(work, [trip])
