"""Trips, as dispatch says them: passengers hear of their ride, and are reminded the evening before."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

from services.notify import house
from services.notify.rules.plan import Occasion
from services.notify.rules.quiet import evening_before
from services.notify.rules.words import Facts
from services.notify.store import messages, replies, views
from services.notify.verbs.ends import cancel
from services.notify.verbs.tell import Telling, tell
from shared.due import Due
from shared.events.base import Origin
from shared.events.dispatch import TripAtRisk
from shared.events.words import Lane, Leg, TripRisk
from shared.heard import Message, Unknown
from shared.thai.dates import local_day
from shared.work import Work

REMINDER = "reminder"
READY_EVENT = "ride.ready_heard"
SAID_READY_WITHIN = timedelta(minutes=30)
"""Who said so longer ago has been told to ring, and has rung."""
MOVED = timedelta(minutes=5)
"""Less than this is not worth a message."""
TAKEN = frozenset({"ordered", "accepted", "en_route", "at_scene", "left_scene", "at_destination"})
"""A crew goes: it has accepted, or was ordered. Who is only asked may still say no."""
NOT_CARRIED = frozenset(
    {"no_show", "not_found", "cancelled", "refused_treatment", "died_on_scene", "dead_before_arrival"}
)
"""Outcomes of a ride on which nobody was taken along."""
TAKEN_EVENT = "ride.taken"
"""What rules call the moment in which a ride has both a time and a crew that goes; several events lead to it."""


async def requested(work: Work, message: Message) -> None:
    """A journey is wanted, or its content has changed; full state."""
    event = message.event
    pickup_at = event.pickup_earliest_at or event.arrive_by_at
    values = {
        "call_id": event.call_id,
        "patient_id": event.patient_id,
        "leg": event.leg.value,
        "lane": event.lane.value,
        "waits_for_ready": event.waits_for_ready,
    }
    trip = await views.put_trip(work.db, message.id, values)
    if trip["waited"] and getattr(event, "ready_at", None) is not None:
        await _ready_heard(work, message, trip)
    booked = event.lane is Lane.BOOKED and not event.waits_for_ready and not event.back_entry
    may_have_one = booked or trip["waited"] is not None
    if may_have_one and trip["pickup_at"] is None and trip["status"] == "open":
        await _remind(work, message.id, pickup_at if booked else None, message.origin)


async def _ready_heard(work: Work, message: Message, trip: Any) -> None:
    """Dispatch agrees that the way back is due: whoever said so hears it."""
    event = message.event
    telling = await _telling(work, READY_EVENT, message.envelope.id, message.origin, trip, {})
    if telling is not None:
        since = work.now - SAID_READY_WITHIN
        for asker in await replies.who_is_ready(work.db, event.call_id, event.patient_id, since):
            await tell(work, replace(telling, asker=asker))


async def ready_unheard(work: Work, due: Due) -> None:
    """Somebody said ready, and dispatch has not agreed in time: they must know that nobody comes yet."""
    call_id, patient = UUID(due.data["call_id"]), due.data["patient_id"]
    patient_id = UUID(patient) if patient else None
    legs = await views.ways_back(work.db, call_id, patient_id)
    if any(leg["status"] == "open" and not leg["waits_for_ready"] for leg in legs):
        return
    about = {"id": None, "call_id": call_id, "patient_id": patient_id, "pickup_at": None}
    facts = {"why": await _why_unheard(work, call_id, patient_id)}
    telling = await _telling(work, f"due.{due.kind}", due.subject_id, due.origin, about, facts)
    if telling is not None:
        await tell(work, replace(telling, asker=(due.data["kind"], UUID(due.data["id"]))))


async def _why_unheard(work: Work, call_id: UUID, patient_id: UUID | None) -> str:
    """What dispatch has against it, as far as it can be seen from here: the day, or that nobody is there yet."""
    if not await views.still_going(work.db, call_id, patient_id):
        return "unknown"
    call = await views.read_call(work.db, call_id)
    at = call["appointment_at"] if call is not None else None
    return "another_day" if at is not None and local_day(at) > local_day(work.now) else "not_there"


async def planned(work: Work, message: Message) -> None:
    """The trip has a vehicle and a time, or others than before."""
    event = message.event
    trip = await views.plan_trip(work.db, message.id, event.pickup_at, event.assignment_id)
    if trip is None:
        raise Unknown("trip", message.id)
    booked = trip["lane"] == "booked" and not trip["waits_for_ready"]
    await _remind(work, message.id, event.pickup_at if booked else None, message.origin)
    await tell_taken(work, message, message.id)


async def tell_taken(work: Work, message: Message, trip_id: UUID) -> None:
    """If a crew goes, and the passenger does not know so for this time: tell them."""
    trip = await views.taken_trip(work.db, trip_id, TAKEN)
    if trip is None:
        return
    told_at = trip["told_pickup_at"]
    moved = told_at is None or abs(trip["pickup_at"] - told_at) >= MOVED
    if not moved:
        return
    facts = {**_of(trip), "told_before": told_at is not None}
    telling = await _telling(work, TAKEN_EVENT, message.envelope.id, message.origin, trip, facts)
    if telling is not None:
        await tell(work, telling)
        await views.tell_pickup(work.db, trip_id)


async def at_risk(work: Work, message: Message) -> None:
    """The van is late: who was told a time hears so once, and the new time where one is known."""
    event: TripAtRisk = message.event
    if event.risk is not TripRisk.LATE:
        return
    trip = await views.read_trip(work.db, message.id)
    if trip is None:
        raise Unknown("trip", message.id)
    told_at, expected_at = trip["told_pickup_at"], event.expected_at
    known = expected_at is not None and told_at is not None and abs(expected_at - told_at) < MOVED
    if told_at is None or known or trip["status"] != "open":
        return
    telling = await _telling(
        work, message.envelope.short_type, message.envelope.id, message.origin, {**trip, "pickup_at": expected_at},
        {"risk": event.risk.value},
    )  # fmt: skip
    if telling is None:
        return
    await tell(work, telling)
    if expected_at is not None:  # the rider counts on it from now on: what comes after is measured by it
        await views.plan_trip(work.db, message.id, expected_at, None)
        await views.tell_pickup(work.db, message.id)


async def completed(work: Work, message: Message) -> None:
    trip = await views.end_trip(work.db, message.id, "completed")
    if trip is None:
        raise Unknown("trip", message.id)
    await work.cancel(REMINDER, message.id)
    there, outcome = message.event.leg is Leg.OUTBOUND, message.event.private.outcome
    waits = there and await views.return_waits(work.db, trip["call_id"], trip["patient_id"])
    carried = outcome not in NOT_CARRIED
    facts = {**_of(trip), "return_waits": waits, "carried": carried, "no_show": outcome == "no_show"}
    await _tell(work, message, trip, facts)


async def cancelled(work: Work, message: Message) -> None:
    trip = await views.end_trip(work.db, message.id, "cancelled")
    if trip is None:
        raise Unknown("trip", message.id)
    await work.cancel(REMINDER, message.id)
    await cancel(work, await messages.open_of_trip(work.db, message.id), "trip_cancelled")
    await _tell(work, message, trip, {**_of(trip), "whole_series": message.event.whole_series})


async def remind(work: Work, due: Due) -> None:
    """The evening before: the passenger, and the crew that has taken the ride."""
    trip = await views.read_trip(work.db, due.subject_id)
    if trip is None or trip["status"] != "open":
        return
    assignment = await views.read_assignment(work.db, trip["assignment_id"]) if trip["assignment_id"] else None
    going = assignment is not None and assignment["status"] in TAKEN
    event_id = uuid5(due.subject_id, f"reminder {local_day(work.now)}")
    shown = {**trip, "pickup_at": trip["pickup_at"] if going else None}  # until a crew goes no time is promised
    telling = await _telling(work, "due.reminder", event_id, due.origin, shown, {})
    if telling is not None:
        crew_ids = tuple(assignment["crew_ids"]) if assignment is not None and going else ()
        await tell(work, replace(telling, crew_ids=crew_ids, assignment_id=trip["assignment_id"] if going else None))


async def _remind(work: Work, trip_id: UUID, pickup_at: Any, origin: Origin) -> None:
    """Have the reminder come at the evening before ``pickup_at``; none where that is over already."""
    at = evening_before(pickup_at, house.policy(origin.area).remind_at) if pickup_at else None
    if at is None or at <= work.now:
        await work.cancel(REMINDER, trip_id)
    else:
        await work.later(REMINDER, trip_id, at, origin)


def _of(trip: Any) -> dict[str, Any]:
    return {"lane": trip["lane"], "leg": trip["leg"], "waits_for_ready": trip["waits_for_ready"]}


async def _tell(work: Work, message: Message, trip: Any, facts: dict[str, Any]) -> None:
    event_type = message.envelope.short_type
    telling = await _telling(work, event_type, message.envelope.id, message.origin, trip, facts)
    if telling is not None:
        await tell(work, telling)


async def _telling(
    work: Work, event_type: str, event_id: UUID, origin: Origin, trip: Any, facts: dict[str, Any]
) -> Telling | None:
    """None where nobody may be told: the call was handled on paper, or is erased."""
    call = await views.read_call(work.db, trip["call_id"])
    if call is None:
        raise Unknown("call", trip["call_id"])
    if call["back_entry"] or call["erased_at"] is not None:
        return None
    origin = replace(origin, protected=origin.protected or call["protected"])  # the clock's are of when it was set
    said = Facts(
        number=call["number"], severity=call["severity"], pickup_at=trip["pickup_at"],
        appointment_at=call["appointment_at"], tambon=call["tambon_code"], homeward=trip.get("leg") == "return",
    )  # fmt: skip
    return Telling(
        event_type=event_type,
        event_id=event_id,
        origin=origin,
        occasion=Occasion(said, protected=origin.protected, exercise=origin.exercise, deadline_at=trip["pickup_at"]),
        facts=facts,
        call_id=trip["call_id"],
        trip_id=trip["id"],
        patient_id=trip["patient_id"],
    )
