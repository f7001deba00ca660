"""What a row of the board shows: pure, from what is known of a call or a unit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

SEVERITIES = ("red", "pink", "yellow", "green", "white", "black")
UNKNOWN_RANK = 2
"""A call that does not say openly how urgent it is stands among the yellow ones until somebody may see more."""
ASKED = ("proposed", "ordered", "offered")
WORKING = ("accepted", "en_route", "at_scene", "left_scene", "at_destination")
BUSY = (*ASKED, *WORKING)
STAGES = {
    "accepted": "assigned",
    "en_route": "on_the_way",
    "at_scene": "at_scene",
    "left_scene": "to_destination",
    "at_destination": "at_destination",
    "cleared": "done",
    "at_base": "done",
}
PROGRESS = ("received", "queued", "assigned", "on_the_way", "at_scene", "to_destination", "at_destination", "done")
WAITS = ("unassigned", "queued")
UNACCEPTED_LATE_S = {"red": 60, "pink": 60, "yellow": 60}
ARRIVAL_LATE_S = {"red": 480, "pink": 480, "yellow": 600}
"""On the scene within 8 and 10 minutes of the call: the measure of the national emergency medical plan."""
NOT_THERE = frozenset({"received", "queued", "assigned", "on_the_way"})
SOON = timedelta(minutes=90)
"""A booked ride is on the board from so long before its time."""
HORIZON = timedelta(hours=14)
"""Rides beyond this are not even sent to the page."""
DUTIES = {"on_duty": "on_duty", "off_duty": "off_duty", "out_of_service": "out_of_service"}
AVAILABILITY_ORDER = ("free", "busy", "contaminated", "out_of_service", "off_duty")


@dataclass(frozen=True, slots=True)
class Thing:
    """One aggregate as the picture knows it. ``state``: its open facts, ``is`` and ``stamps``."""

    noun: str
    id: UUID
    area: str
    call_id: UUID
    exercise: bool
    state: Mapping[str, Any]
    begun_at: datetime
    ended_at: datetime | None = None
    position: int = 0

    @property
    def status(self) -> str:
        return str(self.state.get("is", ""))

    def stamp(self, name: str) -> datetime | None:
        return _instant(self.state.get("stamps", {}).get(name))

    def at(self, name: str) -> datetime | None:
        return _instant(self.state.get(name))


@dataclass(frozen=True, slots=True)
class Chip:
    """One unit on, or asked for, a call."""

    assignment_id: UUID
    unit_id: UUID | None
    trip_id: UUID | None
    status: str
    since: datetime | None
    respond_by_at: datetime | None = None
    support: bool = False


@dataclass(frozen=True, slots=True)
class CallRow:
    """A call as the board shows it. ``over``: it leaves the board."""

    id: UUID
    area: str
    received_at: datetime
    number: str | None = None
    severity: str | None = None
    kind: str | None = None
    lane: str | None = None
    amphoe: str | None = None
    patient_count: int | None = None
    protected: bool = False
    exercise: bool = False
    back_entry: bool = False
    duplicate: bool = False
    handed_over: bool = False
    stage: str = "received"
    since: datetime | None = None
    chips: tuple[Chip, ...] = ()
    said_no: int = 0
    silent: int = 0
    unanswered: bool = False
    not_departed: bool = False
    late: bool = False
    not_told: int = 0
    pickup_at: datetime | None = None
    trip_ids: tuple[UUID, ...] = ()
    over: bool = False

    @property
    def booked(self) -> bool:
        return self.lane == "booked"

    @property
    def waits(self) -> bool:
        """An emergency to which nobody goes yet; an exercise is none, and never sounds."""
        return (
            not (self.exercise or self.booked or self.over or self.duplicate or self.back_entry or self.handed_over)
            and self.stage in {"received", "queued"}
        )  # fmt: skip

    @property
    def show_from(self) -> datetime | None:
        """A booked ride that runs by itself comes onto the board shortly before its time."""
        calm = self.booked and self.stage == "received" and self.pickup_at is not None
        return self.pickup_at - SOON if calm and self.pickup_at else None

    @property
    def age_from(self) -> datetime:
        return self.pickup_at if self.booked and self.pickup_at else self.received_at

    @property
    def late_s(self) -> int | None:
        """After how long its age is marked as late; None: never."""
        if self.booked:
            return 0 if self.stage in {"received", "queued", "assigned", "on_the_way"} else None
        if self.stage in {"received", "queued"}:
            return UNACCEPTED_LATE_S.get(self.severity or "yellow", 600)
        return ARRIVAL_LATE_S.get(self.severity or "yellow") if self.stage in {"assigned", "on_the_way"} else None

    @property
    def order(self) -> str:
        """Rows stand in the order of this text: first what is real, emergencies, the urgent, the older."""
        rank = SEVERITIES.index(self.severity) if self.severity in SEVERITIES else UNKNOWN_RANK
        apart = f"{int(self.exercise)}{int(self.booked)}{int(self.stage == 'done')}"
        return f"{apart}{rank}{self.age_from:%Y%m%d%H%M%S}{self.id}"


def call_row(things: Iterable[Thing]) -> CallRow | None:
    """The row of one call, from everything that is known of it; None while the call itself is not."""
    of: dict[str, list[Thing]] = {}
    for thing in things:
        of.setdefault(thing.noun, []).append(thing)
    if not (calls := of.get("call")):
        return None
    call, state = calls[0], calls[0].state
    trips = sorted(of.get("trip", []), key=lambda trip: (trip.begun_at, str(trip.id)))
    assignments = of.get("assignment", [])
    stage, since = _stage(call, trips, assignments)
    link, answers = state.get("link"), _answers(assignments)
    return CallRow(
        id=call.id,
        area=call.area,
        received_at=call.at("received_at") or call.begun_at,
        number=state.get("number"),
        severity=state.get("severity"),
        kind=state.get("kind"),
        lane=state.get("lane"),
        amphoe=state.get("amphoe"),
        patient_count=state.get("patient_count"),
        protected=bool(state.get("protected")),
        exercise=call.exercise,
        back_entry=bool(state.get("back_entry")),
        duplicate=link == "duplicate" and state.get("leading_call_id") not in {None, str(call.id)},
        handed_over=call.stamp("handed_over") is not None or state.get("served") is False,
        stage=stage,
        since=since,
        chips=tuple(sorted((_chip(each) for each in assignments if each.status in ASKED + WORKING), key=_standing)),
        said_no=answers["declined"],
        silent=answers["expired"],
        unanswered=call.stamp("unanswered") is not None and stage in {"received", "queued"},
        not_departed=any(each.status == "accepted" and each.stamp("delayed") is not None for each in assignments),
        late=any(trip.state.get("risk") == "late" for trip in trips if trip.ended_at is None) and stage in NOT_THERE,
        not_told=sum(each.status == "failed" for each in of.get("message", [])),
        pickup_at=min((at for trip in trips if trip.ended_at is None and (at := pickup_of(trip))), default=None),
        trip_ids=tuple(trip.id for trip in trips),
        over=call.ended_at is not None,
    )


def pickup_of(trip: Thing) -> datetime | None:
    """When a trip is to begin, as well as it is known."""
    names = ("pickup_at", "pickup_earliest_at", "pickup_latest_at", "arrive_by_at")
    return next((at for name in names if (at := trip.at(name))), None)


def _stage(call: Thing, trips: Sequence[Thing], assignments: Sequence[Thing]) -> tuple[str, datetime | None]:
    """How far the call is: as far as the trip that needs somebody most."""
    began = call.at("received_at") or call.begun_at
    by_trip: dict[str, list[Thing]] = {}
    for each in assignments:
        by_trip.setdefault(str(each.state.get("trip_id")), []).append(each)
    if call.state.get("protected"):  # openly its assignments do not say whose they are
        return _furthest(assignments) or ("received", began)
    open_trips = [trip for trip in trips if trip.ended_at is None]
    if not open_trips:
        return ("done", trips[-1].ended_at) if trips else ("received", began)
    stages = [_stage_of_trip(trip, by_trip.get(str(trip.id), ()), began) for trip in open_trips]
    return min(stages, key=lambda found: PROGRESS.index(found[0]))


def _stage_of_trip(trip: Thing, assignments: Sequence[Thing], began: datetime) -> tuple[str, datetime | None]:
    if found := _furthest(assignments):
        return found
    if trip.status in WAITS:
        return "queued", trip.stamp(trip.status)
    return "received", began


def _furthest(assignments: Sequence[Thing]) -> tuple[str, datetime | None] | None:
    going = [each for each in assignments if each.status in STAGES and each.state.get("role") != "support"]
    if not going:
        return None
    one = max(going, key=lambda each: PROGRESS.index(STAGES[each.status]))
    return STAGES[one.status], one.stamp(one.status)


def _answers(assignments: Iterable[Thing]) -> Counter[str]:
    """How many units said no (``declined``) or let the time run out (``expired``): each once, by its last answer.

    A proposal that no dispatcher confirmed ran out without a word to the crew.
    """
    last = {
        each.state.get("unit_id") or each.id: each.status
        for each in sorted(assignments, key=lambda each: each.begun_at)
        if each.status in {"declined", "expired"} and (each.stamp("proposed") is None or _was_told(each))
    }
    return Counter(last.values())


def _was_told(assignment: Thing) -> bool:
    return any(assignment.stamp(name) is not None for name in ("ordered", "offered", "declined"))


def _chip(each: Thing) -> Chip:
    state = each.state
    return Chip(
        each.id, _id(state.get("unit_id")), _id(state.get("trip_id")), each.status, each.stamp(each.status),
        each.at("respond_by_at") if each.status in ASKED else None, state.get("role") == "support",
    )  # fmt: skip


def _standing(chip: Chip) -> tuple[bool, bool, str]:
    return chip.status in ASKED, chip.support, str(chip.assignment_id)


def revealed(row: CallRow, call: Mapping[str, Any], trips: Sequence[Mapping[str, Any]] = ()) -> CallRow:
    """A protected call's row for somebody who may see it: what its owner and dispatch say of it."""
    asked = [each for trip in trips for each in trip["assignments"]]
    chips = tuple(
        Chip(
            UUID(each["id"]), UUID(each["unit_id"]), UUID(each["trip_id"]), each["status"],
            _instant(each["stamps"].get(each["status"])) or _instant(each["asked_at"]),
            _instant(each["respond_by_at"]) if each["status"] in ASKED else None, each["role"] == "support",
        )
        for each in asked if each["status"] in ASKED + WORKING
    )  # fmt: skip
    queued = row.stage == "received" and any(trip["status"] in WAITS for trip in trips)
    return replace(
        row, number=call["number"], severity=call["severity"], kind=call["kind"], lane=call["lane"],
        patient_count=call["patient_count"], received_at=_instant(call["received_at"]) or row.received_at,
        back_entry=call["back_entry"], chips=tuple(sorted(chips, key=_standing)),
        stage="queued" if queued else row.stage,
    )  # fmt: skip


# --- units ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class UnitRow:
    """A unit's state. ``work``: where its assignment stands, also while it is only asked; ``call_id``: whose it is."""

    id: UUID
    duty: str = "off_duty"
    contaminated: bool = False
    work: str | None = None
    call_id: UUID | None = None
    since: datetime | None = None

    @property
    def availability(self) -> str:
        if self.duty != "on_duty":
            return self.duty
        if self.work is not None:
            return "busy"
        return "contaminated" if self.contaminated else "free"

    @property
    def order(self) -> str:
        return str(AVAILABILITY_ORDER.index(self.availability))


def unit_row(
    unit_id: UUID, unit: Thing | None, assignments: Sequence[Thing], last_end: datetime | None = None
) -> UnitRow:
    """The state of one unit, from its own facts and the assignments it is on or asked for.

    ``last_end``: when what it did last was over. On duty it stands as it does since the last of these.
    """
    duty, since = ("off_duty", None) if unit is None else _last(unit, tuple(DUTIES))
    soiled, cleaned_at = ("", None) if unit is None else _last(unit, ("contaminated", "disinfected"))
    dirty = soiled == "contaminated"
    at_it = [each for each in assignments if each.status in BUSY and not _later(each)]
    work = max(at_it, key=lambda each: BUSY.index(each.status), default=None)
    if work is not None:
        return UnitRow(unit_id, duty, dirty, work.status, work.call_id, work.stamp(work.status))
    if duty == "on_duty":
        since = max((at for at in (since, cleaned_at, last_end) if at), default=None)
    return UnitRow(unit_id, duty, dirty, since=since)


def _later(assignment: Thing) -> bool:
    """Booked for later: the unit is free until it sets out."""
    return assignment.status in {*ASKED, "accepted"} and assignment.at("start_at") is not None


def _last(unit: Thing, names: Sequence[str]) -> tuple[str, datetime | None]:
    """The one of these that was said last."""
    said = [(at, name) for name in names if (at := unit.stamp(name))]
    if not said:
        return "off_duty", None
    at, name = max(said)
    return name, at


def _instant(value: Any) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def _id(value: Any) -> UUID | None:
    return UUID(value) if isinstance(value, str) else value
