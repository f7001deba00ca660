"""The lives of a trip, a run, an assignment, a unit's duty and its cleanliness: tables, and one function that refuses.

``advance(state, event)`` is the only way from one status to the next. What is not in the table is refused with the
field that is wrong and with what would be possible. The same law stands in the database.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from shared.codes.codes import code_list
from shared.refusal import Refusal

Of = Literal["trip", "run", "assignment", "duty", "cleanliness"]

CLOCK_SKEW = timedelta(minutes=2)
"""Phones are never quite right. Within this a time is moved to the nearest possible one, beyond it is refused."""

Table = Mapping[str, Mapping[str, str]]
"""status → what may happen → next status."""

_ENDED: Mapping[str, str] = {}

ASSIGNMENT: Table = {
    "proposed": {"order": "ordered", "offer": "offered", "release": "released", "expire": "expired"},
    "ordered": {"accept": "accepted", "decline": "declined", "expire": "expired", "release": "released"},
    "offered": {"accept": "accepted", "decline": "declined", "expire": "expired", "release": "released"},
    # Until it sets out a crew may find that it cannot go: then the next one is asked.
    "accepted": {"en_route": "en_route", "decline": "declined", "release": "released"},
    "en_route": {"at_scene": "at_scene", "release": "released"},
    # Hazards, and patients who are not transported, end at the scene.
    "at_scene": {"left_scene": "left_scene", "clear": "cleared", "release": "released"},
    # Half-way a unit of higher level may take the patient over; nobody else lets go with a patient on board.
    "left_scene": {"at_destination": "at_destination", "clear": "cleared", "release": "released"},
    "at_destination": {"clear": "cleared"},
    "cleared": {"at_base": "cleared"},
    "declined": _ENDED,
    "expired": _ENDED,
    "released": _ENDED,
}

TRIP: Table = {
    "awaiting_ready": {"ready": "requested", "change": "awaiting_ready", "cancel": "cancelled"},
    "requested": {"queue": "queued", "plan": "planned", "change": "requested", "cancel": "cancelled"},
    "queued": {"plan": "planned", "change": "queued", "cancel": "cancelled"},
    "planned": {
        "replan": "planned", "change": "planned", "start": "under_way", "unassign": "unassigned", "cancel": "cancelled",
    },
    "unassigned": {"plan": "planned", "change": "unassigned", "cancel": "cancelled"},
    "under_way": {"complete": "completed", "unassign": "unassigned", "cancel": "cancelled"},
    "completed": _ENDED,
    "cancelled": _ENDED,
}  # fmt: skip

RUN: Table = {
    "planned": {"open": "open", "replan": "planned", "drop": "dropped"},
    "open": {"close": "closed"},
    "closed": {"at_base": "closed"},
    "dropped": _ENDED,
}

DUTY: Table = {
    "off_duty": {"on_duty": "on_duty", "out_of_service": "out_of_service"},
    "on_duty": {"off_duty": "off_duty", "out_of_service": "out_of_service"},
    "out_of_service": {"on_duty": "on_duty", "off_duty": "off_duty"},
}

CLEANLINESS: Table = {
    "clean": {"contaminate": "contaminated"},
    "contaminated": {"contaminate": "contaminated", "disinfect": "clean"},
}

TABLES: Mapping[Of, Table] = {
    "trip": TRIP, "run": RUN, "assignment": ASSIGNMENT, "duty": DUTY, "cleanliness": CLEANLINESS,
}  # fmt: skip
STATUS_LISTS: Mapping[Of, str] = {
    "trip": "trip_status", "run": "run_status", "assignment": "assignment_status", "duty": "duty",
    "cleanliness": "cleanliness",
}  # fmt: skip
FIELDS: Mapping[Of, str] = {
    "trip": "status", "run": "status", "assignment": "step", "duty": "duty", "cleanliness": "cleanliness",
}  # fmt: skip
"""The field a caller must correct when something happens out of order."""

ONCE = {"at_base"}
"""Stamps that leave the status as it is, and so need a look at the stamps to happen only once."""

REASONS: Mapping[tuple[Of, str], str] = {
    ("assignment", "release"): "reason_release",
    ("assignment", "correct"): "reason_correction",
    ("trip", "cancel"): "reason_cancel",
    ("duty", "out_of_service"): "reason_out_of_service",
}
"""Acts that need a coded reason, and the list it comes from. A decline may carry one: LINE's button does not ask."""

BY_THE_DESK = {"order": "สั่งการ", "offer": "เสนองาน", "expire": "หมดเวลาตอบรับ", "release": "ถอนหน่วย"}
"""What befalls an assignment and is no step of its crew, in Thai; the English word is the code."""
HANDED_UP = "handed_up"
NOT_TRANSPORTED = frozenset(
    {"handed_up", "treated_on_scene", "died_on_scene", "refused_treatment", "cancelled", "not_found",
     "dead_before_arrival", "hazard_cleared", "no_show"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it. ``id`` is opaque (a crew member's id, a service's name), never a person's name."""

    kind: Literal["person", "system"]
    id: str


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that is said to have happened ``at`` an instant, and reached us at ``recorded_at`` (both aware).

    ``correction_of`` names the stamp that ``what="correct"`` moves to ``at``. ``unfinished`` counts the open
    assignments of a run that is to be closed, or the open runs of a unit that is to go off duty.
    """

    what: str
    at: datetime
    recorded_at: datetime
    by: Actor
    reason: str | None = None
    outcome: str | None = None
    correction_of: str | None = None
    unfinished: int = 0


@dataclass(frozen=True, slots=True)
class Correction:
    stamp: str
    was: datetime
    now: datetime
    reason: str
    by: Actor
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Life:
    """Where something is in its life. ``stamps`` holds when each thing happened last; ``previous`` the status before.

    ``transport`` is False for assignments without a patient to bring somewhere (hazards, support units).
    """

    of: Of
    status: str
    stamps: Mapping[str, datetime] = field(default_factory=dict)
    previous: str | None = None
    by: Actor | None = None
    reason: str | None = None
    outcome: str | None = None
    transport: bool = True
    corrections: tuple[Correction, ...] = ()

    @property
    def ended(self) -> bool:
        return self.status == "cleared" or not TABLES[self.of][self.status]


def advance(state: Life, event: Happening) -> Life | Refusal:
    """The next state, or why not. Never raises for what a caller can get wrong, and never changes ``state``."""
    if event.what == "correct":
        return _correct(state, event)
    following = TABLES[state.of][state.status].get(event.what)
    if following is None or (event.what in ONCE and event.what in state.stamps):
        return _out_of_order(state, event.what)
    for guard in (_reason_is_coded, _outcome_fits, _nothing_is_open):
        if refusal := guard(state, event):
            return refusal
    at = _possible_time(event, after=max(state.stamps.values(), default=None))
    if isinstance(at, Refusal):
        return at
    return replace(
        state,
        status=following,
        previous=state.status,
        stamps={**state.stamps, event.what: at},
        by=event.by,
        reason=event.reason,
        outcome=event.outcome or state.outcome,
    )


def possible(state: Life) -> tuple[str, ...]:
    """What may happen next, in the table's order."""
    carries = state.of == "assignment" and state.status == "left_scene" and not _handed_up(state)
    return tuple(
        what
        for what in TABLES[state.of][state.status]
        if not (what in ONCE and what in state.stamps) and not (carries and what == "clear")
    )


def _correct(state: Life, event: Happening) -> Life | Refusal:
    """Another time for a stamp that exists, between its neighbours, with a reason. The status stays."""
    stamp = event.correction_of
    was = state.stamps.get(stamp) if stamp is not None else None
    if stamp is None or was is None:
        return Refusal("no_such_stamp", "correction_of", "ยังไม่มีเวลานี้ให้แก้ไข", "there is no such stamp to correct")
    if refusal := _reason_is_coded(state, event):
        return refusal
    order = sorted(state.stamps, key=lambda name: state.stamps[name])
    place = order.index(stamp)
    before = state.stamps[order[place - 1]] if place else None
    after = state.stamps[order[place + 1]] if place + 1 < len(order) else None
    at = _possible_time(event, after=before)
    if isinstance(at, Refusal):
        return at
    if after is not None and at > after:
        return Refusal("after_next", "at", "เวลานี้อยู่หลังขั้นตอนถัดไป", "this time lies after the next step's")
    made = Correction(stamp, was, at, event.reason or "", event.by, event.recorded_at)
    return replace(state, stamps={**state.stamps, stamp: at}, corrections=(*state.corrections, made))


def _possible_time(event: Happening, after: datetime | None) -> datetime | Refusal:
    if event.at.tzinfo is None or event.at.utcoffset() is None:
        return Refusal("no_time_zone", "at", "เวลาต้องระบุเขตเวลา เช่น +07:00", "the time needs a zone, e.g. +07:00")
    if event.at > event.recorded_at + CLOCK_SKEW:
        return Refusal("in_the_future", "at", "เวลานี้ยังมาไม่ถึง", "this time lies in the future")
    if after is not None and event.at < after - CLOCK_SKEW:
        return Refusal("before_previous", "at", "เวลานี้อยู่ก่อนขั้นตอนก่อนหน้า", "this time lies before the step before it")
    at = min(event.at, event.recorded_at)
    return at if after is None else max(at, after)


def _reason_is_coded(state: Life, event: Happening) -> Refusal | None:
    optional = "reason_decline" if event.what == "decline" else None
    list_id = REASONS.get((state.of, event.what), optional)
    if event.reason is None:
        if list_id is None or list_id == optional:
            return None
        known = ", ".join(code_list(list_id).codes)
        return Refusal("reason_missing", "reason", f"ต้องระบุเหตุผล: {known}", f"a reason is needed, one of: {known}")
    if list_id is not None and event.reason not in code_list(list_id).codes:
        known = ", ".join(code_list(list_id).codes)
        return Refusal("unknown_code", "reason", f"ไม่มีรหัสเหตุผลนี้ ใช้ได้: {known}", f"no such reason; known are: {known}")
    return None


def _handed_up(state: Life) -> bool:
    return state.outcome == HANDED_UP


def _outcome_fits(state: Life, event: Happening) -> Refusal | None:
    if event.outcome is not None:
        lists = ("mission_outcome", "trip_outcome")
        if not any(event.outcome in code_list(list_id).codes for list_id in lists):
            return Refusal("unknown_code", "outcome", "ไม่มีรหัสผลการปฏิบัติงานนี้", "no such outcome")
    if state.of == "trip" and event.what == "complete" and event.outcome is None:
        return Refusal("outcome_missing", "outcome", "ต้องระบุผลการเดินทาง", "the outcome of the trip is needed")
    if state.of == "assignment" and event.what == "clear" and state.status == "left_scene" and not _handed_up(state):
        return Refusal(
            "patient_on_board", "step", "มีผู้ป่วยบนรถ ต้องถึงปลายทาง หรือส่งมอบให้ชุดระดับสูงกว่าก่อน",
            "a patient is on board: reach the destination, or hand over to a unit of higher level first",
        )  # fmt: skip
    ends_at_scene = state.of == "assignment" and event.what == "clear" and state.status == "at_scene"
    if ends_at_scene and state.transport and event.outcome not in NOT_TRANSPORTED:
        return Refusal(
            "outcome_missing", "outcome", "ไม่ได้นำส่ง ต้องระบุผลการปฏิบัติงาน",
            "nobody was transported: say why in the outcome",
        )  # fmt: skip
    return None


def _nothing_is_open(state: Life, event: Happening) -> Refusal | None:
    if event.unfinished and (state.of, event.what) == ("run", "close"):
        return Refusal("assignments_open", "status", "ยังมีงานที่ไม่เสร็จในเที่ยวนี้", "the run still has unfinished assignments")
    if event.unfinished and (state.of, event.what) == ("duty", "off_duty"):
        return Refusal("run_open", "duty", "ยังมีงานค้างอยู่ ออกเวรไม่ได้", "the unit still has an open run")
    return None


def _out_of_order(state: Life, what: str) -> Refusal:
    status, steps = code_list(STATUS_LISTS[state.of]), code_list("step")
    now_th, now_en = status.label(state.status), status.label(state.status, "en")
    then = possible(state)
    th = ", ".join(BY_THE_DESK.get(step) or steps.label(step) for step in then) or "ไม่มี (จบแล้ว)"
    en = ", ".join(steps.label(step, "en") for step in then) or "nothing, it has ended"
    repeated = state.of == "assignment" and what in state.stamps
    return Refusal(
        "already_done" if repeated else "out_of_order", FIELDS[state.of],
        f"ทำขั้นตอนนี้ไม่ได้ สถานะตอนนี้คือ {now_th} ขั้นต่อไปที่ทำได้: {th}",
        f"not possible now: the status is {now_en}; possible next: {en}",
    )  # fmt: skip
