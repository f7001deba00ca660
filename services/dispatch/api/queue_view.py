"""How the queue and the recommendations are shown: pure, from what the store and the rules say."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from services.dispatch.api.answers import (
    AskedUnits,
    MoreItem,
    Queue,
    QueueItem,
    ReasonOut,
    RecommendationOut,
    Recommendations,
    ShortfallOut,
)
from services.dispatch.emergencies.sparing import spare
from services.dispatch.fleet import Member
from services.dispatch.policy import policy_of
from services.dispatch.rules.ranking import rank
from services.dispatch.store.assignments import Assignment, was_not_its_no
from services.dispatch.store.trips import Trip
from services.dispatch.verbs.needs import wanted
from shared.codes.queue import queue_reason
from shared.geo import Point


def reason(code: str) -> ReasonOut:
    """A queue reason in both languages."""
    return ReasonOut(**queue_reason(code).model_dump())


def queue(rows: Sequence[Any], now: datetime, asking: Sequence[Trip] = (), asked: Sequence[Assignment] = ()) -> Queue:
    """The queue with its alarms, the most urgent and longest waiting first.

    ``asking``: trips that ask for several units, with their assignments ``asked``.
    """
    items = [_item(row, now) for row in rows]
    more = [
        MoreItem(
            trip_id=trip.id, call_id=trip.call_id, area=trip.area, severity=trip.severity, now_at=trip.now_at,
            units=units, exercise=trip.exercise,
        )
        for trip in asking
        if (units := AskedUnits.of(trip, asked)) is not None and units.missing
    ]  # fmt: skip
    return Queue(at=now, alarms=sum(item.alarm for item in items), items=items, more=more)


def _item(row: Any, now: datetime) -> QueueItem:
    since = row["queued_at"] if row["lane"] == "booked" and row["queued_at"] else row["now_at"]
    age = max(now - since, now - now)
    waits = row["waiting"] > 0
    late = age > policy_of(row["area"]).alarm_after(row["severity"])
    return QueueItem(
        trip_id=row["id"], call_id=row["call_id"], area=row["area"], lane=row["lane"], severity=row["severity"],
        status=row["status"], waiting_since_at=since, age_s=round(age.total_seconds(), 1),
        reasons=[reason(code) for code in row["queue_reasons"]], reason_codes=list(row["queue_reasons"]),
        asked=row["asked"], declined=row["declined"], silent=row["silent"], waits_for_answer=waits,
        alarm=not row["exercise"] and (not waits or late), exercise=row["exercise"],
    )  # fmt: skip


def recommended(
    trip: Trip, members: Sequence[Member], history: Sequence[Assignment], now: datetime, limit: int
) -> Recommendations:
    """Every unit of the area ranked for this trip."""
    policy = policy_of(trip.area)
    by_id = {member.facts.id: member for member in members}
    place = Point(*trip.pickup) if trip.pickup else None
    facts, asked = [member.facts for member in members], wanted(trip)
    ranked = rank(facts, asked, place, now, policy.travel_times, policy.weights)
    if policy.spares and trip.lane == "emergency":
        ranked = spare(
            ranked, facts, asked, place, now, trip.severity, policy.demand, policy.travel_times, policy.weights
        )  # fmt: skip
    said_no = {a.unit_id for a in history if a.status in {"declined", "expired"} and not was_not_its_no(a)}
    items = [
        RecommendationOut(
            rank=number, unit_id=UUID(found.unit_id), call_sign=by_id[found.unit_id].call_sign,
            eligible=found.eligible, volunteer=by_id[found.unit_id].volunteer, score_s=round(found.score_s, 1),
            duration_s=found.duration_s, distance_m=found.distance_m, position_stale=found.stale,
            next_booking_at=by_id[found.unit_id].next_booking_at, said_no=UUID(found.unit_id) in said_no,
            reasons=[ReasonOut(th=text.th, en=text.en) for text in found.reasons],
            shortfalls=[
                ShortfallOut(code=s.code, what=s.what, hard=s.hard, short_by=s.short_by, th=s.text.th, en=s.text.en)
                for s in found.shortfalls
            ],
        )
        for number, found in enumerate(ranked[:limit], start=1)
    ]  # fmt: skip
    return Recommendations(trip_id=trip.id, at=now, items=items)
