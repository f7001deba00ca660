"""One invented day in Kalasin, from which the golden messages and the examples are made.

Every field has one value by its name; where an event needs another one it stands in ``SPECIAL``. Nothing here
belongs to anybody: names are invented, telephone numbers and ids are made up, the place is a public square.
"""

from __future__ import annotations

import typing
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zlib import crc32

from pydantic import BaseModel

from karuna.contracts.catalogue import event_name, events
from shared.events.base import Event, Origin
from shared.events.envelope import encode

DAY: Final = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
"""22 November 2569 (พ.ศ.), 10:00 in Kalasin."""
AREA: Final = "kalasin"
TRACEPARENT: Final = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def sample_id(what: str) -> UUID:
    """A UUIDv7 of that day; the same word gives the same id."""
    mark = crc32(what.encode())
    milliseconds = int(DAY.timestamp() * 1000) - mark % 1_000_000
    return UUID(int=(milliseconds << 80) | (0x7 << 76) | (0x2 << 62) | mark)


def after(minutes: float) -> datetime:
    return DAY + timedelta(minutes=minutes)


VALUES: Final[dict[str, Any]] = {
    "leading_call_id": sample_id("other_call_id"), "correction_of": sample_id("stamp"),
    "trip_ids": (sample_id("trip_id"),), "run_ids": (sample_id("run_id"),),
    "crew_ids": (sample_id("crew_id"), sample_id("second_crew")), "officer_ids": (sample_id("crew_id"),),
    "coordinator_ids": (sample_id("coordinator"),),
    "from_crew_id": sample_id("crew_id"), "to_crew_id": sample_id("second_crew"), "recipient_id": sample_id("crew_id"),
    "by_crew_id": sample_id("crew_id"),
    "assignee_id": sample_id("crew_id"), "agency_ids": (sample_id("agency_id"), sample_id("second_agency")),
    "from_facility_id": sample_id("facility_id"), "to_facility_id": sample_id("other_facility_id"),
    "series_of": sample_id("first_call"), "along_with_id": sample_id("visit"),
    "carried_from": sample_id("earlier_barrier"),

    "at": after(2), "received_at": after(0), "opened_at": after(2), "respond_by_at": after(2.5),
    "start_at": after(30), "pickup_at": after(45), "dropoff_at": after(65), "previous_pickup_at": after(40),
    "pickup_earliest_at": after(40), "pickup_latest_at": after(55), "arrive_by_at": after(80),
    "ready_at": after(180), "previous_at": after(9), "from_at": after(0), "until_at": after(480),
    "expected_at": after(25), "promised_at": after(45),
    "expires_at": after(120), "send_at": after(2), "acknowledge_by_at": after(3), "depart_by_at": after(4.2),
    "circle": 2, "plan_on": date(2026, 11, 23), "due_on": date(2026, 12, 1), "valid_from_on": date(2026, 10, 1),
    "valid_until_on": date(2027, 9, 30), "from_on": date(2026, 11, 22), "until_on": date(2027, 11, 21),
    "expires_on": date(2034, 11, 21), "month_on": date(2026, 11, 1), "waited_s": 60,

    "number": "6911-4601-0042", "status": "open", "kind": "medical", "lane": "emergency", "severity": "red",
    "severity_scheme": "cbd", "previous_severity": "yellow", "previous_lane": "booked", "channel": "phone",
    "amphoe": "4601", "patient_count": 1, "back_entry": False, "served": True, "by": "person",
    "link": "duplicate", "ends_call": False, "leg": "outbound", "waits_for_ready": False, "role": "primary",
    "whole_series": True, "previous_status": "accepted", "attempt": 1, "step": "at_scene", "level": "bls",
    "on_the_way": False,
    "with_areas": ("khon-kaen",), "active": True, "version": 3, "trip_count": 18, "unplanned_count": 1,
    "turn": 1, "presumed": True,
    "feature_count": 240, "recipient_kind": "crew", "message_class": "emergency", "final": False,
    "answer": "accept", "risk": "late",

    "name": "สมมุติ นามสมมุติ", "phone": "+66812345678", "phone_as_typed": "๐๘๑-๒๓๔", "relation": "neighbour",
    "line_user_id": "U00000000000000000000000000000042", "language": "th", "national_id": "0000000000019",
    "birth_on": date(1948, 5, 1), "birth_year": 1948, "age": 78, "sex": "female", "mobility": "stretcher",
    "needs": ("oxygen", "lift_team"), "groups": ("bedridden",), "organisation": "เทศบาลเมืองกาฬสินธุ์",
    "skills": ("emt_b", "emergency_driving"), "quiet_from": "21:00", "quiet_until": "06:00",
    "may_be_texted": True, "warnings": ("oxygen_at_home",), "disclosure": "restricted",

    "lat": 16.4322, "lon": 103.5061, "address": "ลานหน้าศาลากลาง", "landmark": "ใกล้หอนาฬิกา",
    "tambon_code": "460101", "community": "ชุมชนตัวอย่าง", "point_as_typed": "103.5061, 16.4322",
    "area_codes": ("46010103", "kalasin:rimpao"),
    "complaint": "หายใจลำบาก ปากเขียว", "criteria_group": 5, "idc": "5 แดง 1", "rc": "red", "hazard": "snake",
    "requirements": ("oxygen_set",), "barrier": "people", "barriers": ("money", "people"), "action": "lift_team",
    "owner": "dispatcher", "clinic": "คลินิกโรคปอด", "duration_min": 45, "return_trip": True,
    "recurrence": "FREQ=WEEKLY;BYDAY=MO,WE,FR;COUNT=12", "occurrence": 1, "companions": 1, "system": "1669",
    "notes": "บ้านอยู่ท้ายซอย รถใหญ่เข้าไม่ได้", "tracking_code": "K7M4-92QX",
    "changed": ("location.landmark",), "written": ("name", "addresses"), "went": ("visit",), "stayed": ("consent",),

    "reason": "other", "reasons": ("nobody_free",), "override_reason": "local_knowledge",
    "outcome": "transported", "receiver": "centre_1669", "odometer_km": 48210.5, "distance_m": 9400,
    "method": "name_birth", "call_sign": "กู้ชีพตัวอย่าง 1", "bags": 2, "weight_g": 1800, "sealed": True,
    "template": "crew_order", "score": 5,

    "group": "bedridden", "source": "volunteer", "accuracy_m": 12, "result": "home", "instrument": "barthel_adl",
    "band": "bed_bound", "need": "wheelchair", "task": "home_visit", "purpose": "care", "form": "disability_card",
    "amount_satang": 80000, "item": "adult_diapers", "quantity": 10, "condition": "good",
    "root_cause": "no_spare_oxygen",
}  # fmt: skip

SPECIAL: Final[dict[str, dict[str, Any]]] = {
    "dispatch.assignment.proposed": {"previous_status": None, "crew_id": None, "by": "system"},
    "dispatch.assignment.ordered": {"previous_status": "proposed", "crew_id": None, "kind": "flood", "level": "high"},
    "dispatch.assignment.offered": {
        "previous_status": None,
        "crew_id": None,
        "by": "system",
        "kind": "flood",
        "level": "high",
    },
    "dispatch.assignment.accepted": {"previous_status": "ordered", "at": after(2.2)},
    "dispatch.assignment.declined": {"previous_status": "offered", "at": after(2.3), "reason": "too_far"},
    "dispatch.assignment.delayed": {"previous_status": "accepted", "at": after(4.2), "by": "system", "crew_id": None},
    "dispatch.assignment.expired": {"previous_status": "ordered", "at": after(2.5), "by": "system", "crew_id": None},
    "dispatch.assignment.en_route": {"previous_status": "accepted", "at": after(3)},
    "dispatch.assignment.at_scene": {"previous_status": "en_route", "at": after(9)},
    "dispatch.assignment.left_scene": {"previous_status": "at_scene", "at": after(17)},
    "dispatch.assignment.at_destination": {"previous_status": "left_scene", "at": after(26)},
    "dispatch.assignment.cleared": {"previous_status": "at_destination", "at": after(34)},
    "dispatch.assignment.at_base": {"previous_status": "cleared", "at": after(50)},
    "dispatch.assignment.corrected": {"previous_status": "cleared", "at": after(8), "reason": "pressed_late"},
    "dispatch.assignment.crew_changed": {"previous_status": "accepted", "status": "accepted", "crew_id": None},
    "dispatch.assignment.released": {"previous_status": "ordered", "by": "system", "reason": "another_accepted"},
    "dispatch.assignment.backup_requested": {"previous_status": "at_scene", "at": after(10)},
    "dispatch.trip.changed": {"leg": "return", "waits_for_ready": True, "reason": "appointment_moved"},
    "dispatch.trip.at_risk": {"at": after(60), "expected_at": after(70)},
    "dispatch.trip.completed": {"at": after(34), "outcome": "completed"},
    "dispatch.trip.cancelled": {"reason": "went_alone"},
    "dispatch.trip.queued": {"by": "system"},
    "dispatch.trip.replanned": {"reason": "more_urgent"},
    "dispatch.trip.unassigned": {"reason": "vehicle_fault"},
    "dispatch.run.closed": {"at": after(34)},
    "dispatch.unit.out_of_service": {"reason": "repair"},
    "dispatch.unit.contaminated": {"at": after(34), "reason": "infection_precaution"},
    "dispatch.unit.disinfected": {"at": after(60), "method": "wiped_down"},
    "dispatch.crew.registered": {"kind": "staff"},
    "dispatch.crew.changed": {"kind": "volunteer"},
    "dispatch.shift.planned": {"kind": "emergency"},
    "dispatch.crew.certificate_ending": {"skill": "paramedic", "last_on": date(2026, 12, 22)},
    "dispatch.swap.answered": {"previous_status": "asked", "status": "agreed"},
    "dispatch.facility.refused": {"reason": "no_bed"},
    "dispatch.bed.held": {"kind": "waiting"},
    "dispatch.bed.released": {"reason": "expired", "by": "system"},
    "dispatch.waste.handed_over": {"receiver": "hospital"},
    "dispatch.layer.published": {"kind": "hydrants"},
    "dispatch.patient.handed_over": {"at": after(30), "receiver": "hospital"},
    "intake.call.handed_over": {"reason": "red_flag"},
    "intake.call.withdrawn": {"reason": "went_alone"},
    "intake.call.closed": {"outcome": "done", "at": after(60)},
    "intake.barrier.unmet": {"reason": "crew_short"},
    "registry.person.linked": {"reason": "same_identifier"},
    "registry.person.unmatched": {"reason": "papers"},
    "registry.person.unlinked": {"reason": "opened_in_error"},
    "registry.agreement.changed": {"status": "in_force"},
    "registry.visit.recorded": {"kind": "home_visit"},
    "registry.location.verified": {"method": "two_sources"},
    "registry.case.closed": {"outcome": "normal"},
    "registry.task.done": {"outcome": "done"},
    "registry.need.met": {"outcome": "lent"},
    "registry.card.issued": {"kind": "disability"},
    "registry.entitlement.granted": {"kind": "disability_allowance"},
    "registry.entitlement.paid": {"kind": "disability_allowance"},
    "registry.device.requested": {"kind": "hand_left"},
    "registry.device.routed": {"kind": "hand_left", "station_id": sample_id("print_station")},
    "registry.device.delivered": {"kind": "hand_left"},
    "registry.referral.made": {"level": "secondary"},
    "registry.referral.answered": {"answer": "accepted"},
    "notify.message.failed": {"reason": "unreachable"},
    "notify.message.cancelled": {"reason": "assignment_over"},
    **{f"notify.message.{name}": {"channel": "line"} for name in ("planned", "accepted", "acknowledged")},
    "notify.message.delivered": {"channel": "sms", "attempt": 2},
    "notify.reply.received": {"channel": "line"},
}

SPECIAL["notify.message.failed"] |= {"channel": "line"}

AGGREGATES: Final = {
    "call": "call_id", "barrier": "barrier_id", "trip": "trip_id", "run": "run_id", "assignment": "assignment_id",
    "patient": "patient_id", "unit": "unit_id", "crew": "crew_id", "waste": "waste_log", "facility": "alert",
    "bed": "hold", "shift": "shift_id", "swap": "swap", "plan": "plan_id", "layer": "layer",
    "person": "person_id", "group": "membership",
    "location": "observation", "visit": "visit_id", "assessment": "assessment", "need": "need", "case": "case_id",
    "task": "task_id", "team": "team_member", "agreement": "agreement", "consent": "consent",
    "coordinator": "coordinator",
    "application": "application",
    "card": "card", "entitlement": "entitlement", "item": "item", "device": "device", "referral": "referral",
    "review": "review", "message": "message_id", "reply": "reply", "rating": "rating",
}  # fmt: skip
ROOT_OF: Final = {
    "registry": "person_id", "crew": "crew_id", "unit": "unit_id", "shift": "shift_id", "swap": "swap",
    "plan": "plan_id", "layer": "layer",
}  # fmt: skip
"""What correlates where it is not the call."""


def sample(event: type[Event]) -> Event:
    """The event with every field filled."""
    return event.model_validate(_filled(event, SPECIAL.get(event_name(event), {})))


def message(event: type[Event], *, internal: bool) -> bytes:
    """The sample as it travels, on the internal or on the open tree."""
    name = event_name(event)
    said = sample(event)
    aggregate = sample_id(AGGREGATES[event.NOUN])
    root = ROOT_OF.get(event.NOUN) or ROOT_OF.get(event.SERVICE, "call_id")
    return encode(
        id=sample_id(name),
        short_type=event.short_type(),
        aggregate_id=aggregate,
        aggregateseq=1 + [other for other in events() if other.NOUN == event.NOUN].index(event),
        time=max(getattr(said, "at", DAY), DAY) + timedelta(milliseconds=250),
        origin=Origin(AREA, sample_id(root)),
        causation_id=None if event.NAME in {"received", "published"} else sample_id(f"cause of {name}"),
        traceparent=TRACEPARENT,
        data=said.full() if internal else said.open(),
        internal=internal,
    )


def _filled(model: type[BaseModel], special: dict[str, Any]) -> dict[str, Any]:
    return {name: _value(name, info.annotation, special) for name, info in model.model_fields.items()}


def _value(name: str, annotation: Any, special: dict[str, Any]) -> Any:
    inner = _model_in(annotation)
    if inner is not None:
        filled = _filled(inner, special)
        several = any(typing.get_origin(each) is tuple for each in (annotation, *typing.get_args(annotation)))
        return (filled,) if several else filled
    if name in special:
        return special[name]
    return VALUES[name] if name in VALUES else _id(name)


def _id(name: str) -> UUID:
    if not name.endswith("_id"):
        raise KeyError(f"no sample value for {name}")
    return sample_id(name)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model behind an annotation, through ``| None`` and ``tuple[…, ...]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for each in typing.get_args(annotation) if (found := _model_in(each))), None)
