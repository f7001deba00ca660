"""Assignments, as dispatch says them: crews are asked, told of the next step, and stood down."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from services.notify.handlers.trips import TAKEN, tell_taken
from services.notify.rules.plan import Occasion
from services.notify.rules.words import Facts
from services.notify.store import messages, views
from services.notify.verbs.ends import OPEN, acknowledge, cancel
from services.notify.verbs.tell import ORDER_RULES, STEP_RULES, Telling, tell, tell_how_it_stands
from shared.events.dispatch import AssignmentCrewChanged, AssignmentFacts
from shared.events.words import MessageChannel
from shared.heard import Message
from shared.work import Work


@dataclass(frozen=True, slots=True)
class Means:
    """What an event means for the assignment here."""

    status: str
    orders: str | None = None
    """What becomes of orders still open: ``answered`` by whom it names and pointless for the rest, or ``over``."""
    steps: bool = False
    """The button of the step before has been answered, by whatever way."""


MEANS = {
    "ordered": Means("ordered"),
    "offered": Means("offered"),
    "accepted": Means("accepted", orders="answered"),
    "declined": Means("declined", orders="answered"),
    "expired": Means("expired", orders="over"),
    "released": Means("released", orders="over", steps=True),
    "en_route": Means("en_route", orders="over", steps=True),
    "at_scene": Means("at_scene", steps=True),
    "left_scene": Means("left_scene", steps=True),
    "at_destination": Means("at_destination", steps=True),
    "cleared": Means("cleared", steps=True),
    "at_base": Means("at_base", steps=True),
}
MORE_URGENT = "more_urgent"
ACTIVE = frozenset({"accepted", "en_route", "at_scene", "left_scene", "at_destination"})


async def changed(work: Work, message: Message) -> None:
    """One assignment has gone on a step."""
    event: AssignmentFacts = message.event
    if event.back_entry:
        return
    means = MEANS[message.envelope.short_type.split(".")[2]]
    row = await views.put_assignment(work.db, message.id, _values(event, means.status))
    if means.status in ACTIVE and event.role == "primary":
        await views.carry_trip(work.db, event.trip_id, message.id)
    told = await messages.told_of_assignment(work.db, message.id, ORDER_RULES) if means.orders else set()
    if means.orders:
        await _settle_orders(work, message, means.orders)
    if means.steps:
        await _settle_steps(work, message)
    telling = _telling(message, row, frozenset(told))
    await tell(work, replace(telling, facts={**telling.facts, **await _of_before(work, message)}))
    if means.status in TAKEN and event.role == "primary" and event.lane == "booked":
        await tell_taken(work, message, event.trip_id)


async def _of_before(work: Work, message: Message) -> dict[str, bool]:
    """What the caller was told before: a unit that was promised and taken away is owned to, and the next one."""
    event: Any = message.event
    if event.lane.value != "emergency" or event.role.value != "primary":
        return {}
    if event.NAME == "released" and event.private.reason == MORE_URGENT:
        return {"redirected": await messages.was_told(work.db, event.call_id, "caller_on_the_way")}
    if event.NAME == "en_route":
        return {"again": await messages.was_told(work.db, event.call_id, "caller_redirected")}
    return {}


async def crew_changed(work: Work, message: Message) -> None:
    """Others are on the unit now: orders, buttons and reminders are theirs, and nobody else's any more."""
    event: AssignmentCrewChanged = message.event
    if event.back_entry:
        return
    status, crew = event.status.value, frozenset(event.crew_ids)
    before = await views.read_assignment(work.db, message.id)
    row = await views.put_assignment(work.db, message.id, _values(event, status))
    waiting = await messages.open_of_assignment(work.db, message.id, OPEN)
    await cancel(work, [each for each in waiting if each["recipient_id"] not in crew], "assignment_crew_changed")
    fresh = sorted(crew.difference(before["crew_ids"] if before is not None else ()))
    all_press = bool(fresh) and row["responder_id"] not in crew
    if all_press:
        await views.let_all_press(work.db, message.id)
    responders = tuple(fresh) if all_press else ()
    telling = replace(_telling(message, row, frozenset()), crew_ids=tuple(fresh), responders=responders)
    await tell_how_it_stands(work, telling, f"dispatch.assignment.{status}.v1")


async def _settle_orders(work: Work, message: Message, orders: str) -> None:
    """Silence for everybody asked. Who answered (by whatever way) has acknowledged; the others need not any more."""
    rows = await messages.open_of_assignment(work.db, message.id, OPEN, ORDER_RULES)
    actor = message.event.crew_id if orders == "answered" else None
    answered = [row for row in rows if actor is not None and row["recipient_id"] == actor]
    answer = "accept" if message.event.NAME == "accepted" else "decline"
    await acknowledge(work, answered, MessageChannel.APP, at=message.event.at, answer=answer)
    reason = f"assignment_{message.event.NAME}"
    await cancel(work, [row for row in rows if row not in answered], reason)


async def _settle_steps(work: Work, message: Message) -> None:
    rows = await messages.open_of_assignment(work.db, message.id, OPEN, STEP_RULES)
    await cancel(work, rows, f"assignment_{message.event.NAME}")


def _telling(message: Message, row: Any, told: frozenset[Any]) -> Telling:
    event: Any = message.event
    pickup_at: datetime | None = getattr(event, "pickup_at", None) or row["pickup_at"]
    booked = event.lane == "booked"
    # An order is never held up for want of the call: it may reach us later by another stream.
    ahead = getattr(getattr(event, "private", None), "risks", None) or ()
    said = Facts(
        number=row["call_number"], severity=event.severity.value, pickup_at=pickup_at if booked else None,
        tambon=row["tambon_code"], homeward=row["leg"] == "return",
        risks=tuple((risk.kind, risk.level) for risk in ahead), on_the_way=getattr(event, "on_the_way", False),
    )  # fmt: skip
    origin = message.origin
    # An offer is void when its time to answer is over, however far ahead the ride itself lies.
    moments = (getattr(event, "respond_by_at", None), getattr(event, "start_at", None), pickup_at)
    deadline_at = min((moment for moment in moments if moment is not None), default=None)
    return Telling(
        event_type=message.envelope.short_type,
        event_id=message.envelope.id,
        origin=origin,
        occasion=Occasion(said, protected=origin.protected, exercise=origin.exercise, deadline_at=deadline_at),
        facts={"lane": event.lane.value, "role": event.role.value},
        call_id=event.call_id,
        trip_id=event.trip_id,
        assignment_id=message.id,
        patient_id=event.patient_id,
        crew_ids=tuple(row["crew_ids"]),
        actor_id=event.crew_id,
        responders=_responders(row),
        told=told,
    )


def _responders(row: Any) -> tuple[UUID, ...]:
    """Who gets the next button: who pressed the last one, or everybody where none of the crew has pressed yet."""
    if row["responder_id"] is not None:
        return (row["responder_id"],)
    return tuple(row["crew_ids"]) if row["all_press"] else ()


def _values(event: AssignmentFacts, status: str) -> dict[str, Any]:
    return {
        "trip_id": event.trip_id,
        "call_id": event.call_id,
        "unit_id": event.unit_id,
        "crew_ids": event.crew_ids,
        "lane": event.lane.value,
        "status": status,
    }
