"""A call as it is about to be taken: read, judged and placed, before anything is written.

No I/O: the clock, the packs and the random numbers come in, a draft or a refusal goes out. So a triage without a call
and the real one go the same way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from services.intake.bodies import AppointmentBody, CallBody
from services.intake.desk import Desk, Taker
from services.intake.rules import appointments, kinds, reading, service_area, services
from services.intake.rules.protection import is_protected
from services.intake.rules.service_area import Verdict, lies_in
from services.intake.rules.triage import PatientFacts, Triage, triage
from services.intake.verbs.common import INVALID, refused
from shared.geo import Point
from shared.pack_parts import Pack, Partner
from shared.refusal import Refusal
from shared.thai.dates import local_day

Doc = dict[str, Any]

SURE = {"inside": 0, "undecided": 1, "outside": 3}
AREA_GUESSED = Refusal(
    "area_guessed", "location", "ไม่มีข้อมูลสถานที่ จึงไม่ทราบว่าเป็นพื้นที่ใด กรุณาตรวจสอบ",
    "nothing tells where it is, so the municipality is a guess: please check",
)  # fmt: skip
AREA_UNDECIDED = Refusal(
    "area_undecided", "location", "ยังไม่แน่ใจว่าอยู่ในเขตหรือไม่ รับไว้ก่อน กรุณาถามชุมชนหรือพิกัด",
    "it is not certain that the place is ours; it is served, please ask for the community or a point",
)  # fmt: skip


@dataclass(slots=True)
class Draft:
    """One call, and the moments of the visits that follow it. ``columns`` are those of table ``call``."""

    pack: Pack
    verdict: Verdict
    judged: Triage
    columns: Doc
    patients: list[Doc]
    hazard: kinds.Hazard | None = None
    visits: list[datetime] = field(default_factory=list)
    warnings: list[Refusal] = field(default_factory=list)

    @property
    def service(self) -> services.Offered:
        columns = self.columns
        appointment_at: datetime | None = columns["appointment_at"]
        notice = (appointment_at - columns["received_at"]) if appointment_at else None
        asked = services.Asked(
            columns["kind"],
            columns["lane"],
            notice_h=notice / timedelta(hours=1) if notice is not None else None,
            companions=columns["companions"],
        )
        return services.service_for(self.pack, asked)

    @property
    def told_as_well(self) -> Iterator[tuple[str, Partner]]:
        """Who else must hear of a hazard: what for, and who."""
        for what in self.hazard.tell if self.hazard else ():
            for partner in self.pack.partners_for(what, self.columns["tambon_code"])[:1]:
                yield what, partner


def draft(desk: Desk, taker: Taker, body: CallBody, now: datetime) -> Draft:
    """Read and judge a call without touching anything.

    Raises:
        Refused: 422, every field that is wrong is named.

    """
    notes, today = reading.Notes(), local_day(now)
    kind = str(body.kind or ("transfer" if body.appointment else "medical"))
    where = "patient" if body.patient is not None else "patients"
    patients = reading.read_people(body.people, body.patient_count, kind, where, today, notes)
    hazard = kinds.recognise(body.complaint) if kind == "hazard" else None
    judged = judge(body, kind, patients, hazard, today, notes)
    near = partial(desk.near, taker.areas)
    columns: Doc = {
        **reading.read_caller(body.caller, notes),
        **reading.read_place(body.location, notes, near),
        "destination": reading.read_destination(body.destination, notes, near),
        "received_at": reading.read_received(body.received_at, now, notes),
    }
    reading.check_findable(columns, notes)
    pack, verdict = place(desk, taker, columns)
    columns["community"] = community_code(pack, columns)
    columns["area_codes"] = lies_in(pack, columns)
    visits = read_visits(body.appointment, pack, now, notes, back_entry=body.back_entry)
    if errors := notes.errors_of(judged.lane):
        raise refused(INVALID, errors)
    columns |= (
        judged_columns(judged, hazard)
        | plain_columns(body, kind, taker)
        | {
            "area": pack.area.slug,
            "served": verdict.served,
            "amphoe": amphoe_of(pack, columns),
            "patient_count": len(patients),
            "protected": is_protected(
                judged_group(body), (group for patient in patients for group in patient["groups"])
            ),
            "appointment_at": visits[0] if visits else None,
        }
    )
    made = Draft(pack, verdict, judged, columns, patients, hazard, visits[1:], notes.warnings_of(judged.lane))
    made.warnings += place_warnings(taker, verdict)
    return made


def judge(
    body: Any, kind: str, patients: Sequence[Doc], hazard: kinds.Hazard | None, today: date, notes: reading.Notes
) -> Triage:
    """Severity and lane. Answers that cannot be read count as not given; a booked ride is refused for them."""
    asked = body.triage
    once = partial(
        triage,
        kind=kind,
        patients=[PatientFacts(reading.age_of(patient, today)) for patient in patients],
        lane=str(body.lane) if body.lane else None,  # type: ignore[arg-type]  # the two words of Lane
        patient_count=len(patients),
        appointment=getattr(body, "appointment", None) is not None,
        floor=hazard.severity if hazard else None,
    )
    try:
        judged = once(asked.criteria_group if asked else None, (asked.answers or None) if asked else None)
    except Refusal as refusal:
        notes.doubt(refusal)
        judged = once(None, None)
    return replace(judged, advice=(hazard.advice, *judged.advice)) if hazard else judged


def place(desk: Desk, taker: Taker, columns: Doc) -> tuple[Pack, Verdict]:
    """The municipality in which the place lies, among those the taker serves; else the taker's own."""
    point = Point(columns["lon"], columns["lat"]) if columns["lat"] is not None else None
    packs = [desk.packs[area] for area in taker.areas]
    found = [
        (pack, service_area.check(
            pack, point=point, community=columns["community"], tambon_code=columns["tambon_code"],
        ))
        for pack in packs
    ]  # fmt: skip
    return min(found, key=lambda pair: SURE[pair[1].status] + (pair[1].by == "nothing"))


def place_warnings(taker: Taker, verdict: Verdict) -> list[Refusal]:
    if verdict.by == "nothing":
        return [AREA_GUESSED] if len(taker.areas) > 1 else []
    return [AREA_UNDECIDED] if verdict.status == "undecided" else []


def community_code(pack: Pack, columns: Doc) -> str | None:
    """The community by its code in the area tree, as in the register; as it was told where it is in no list."""
    return pack.community_code(columns["community"]) if columns["community"] else None


def amphoe_of(pack: Pack, columns: Doc) -> str | None:
    """The district as far as is known: of the tambon, of the community, or of a municipality within one district."""
    community = pack.community(columns["community"]) if columns["community"] else None
    tambon = columns["tambon_code"] or (community.tambon_code if community else None)
    if tambon:
        return str(tambon)[:4]
    districts = {code[:4] for code in (*pack.area.whole_tambons, *pack.area.partial_tambons)}
    return districts.pop() if len(districts) == 1 else None


def read_visits(
    appointment: AppointmentBody | None, pack: Pack, now: datetime, notes: reading.Notes, *, back_entry: bool
) -> list[datetime]:
    """The moments of all visits that are made into calls now, the first one foremost."""
    if appointment is None:
        return []
    reading.check_appointment(appointment.at, now, notes, back_entry=back_entry)
    policy = pack.policies.intake
    horizon = timedelta(days=policy.occurrence_days)
    try:
        return appointments.occurrences(
            appointment.at, appointment.recurrence, now=now, most=policy.occurrences, horizon=horizon
        )
    except Refusal as refusal:
        notes.doubt(refusal)
        return [appointment.at]


def judged_group(body: Any) -> int | None:
    return body.triage.criteria_group if body.triage else None


def judged_columns(judged: Triage, hazard: kinds.Hazard | None) -> Doc:
    return {
        "lane": judged.lane,
        "severity": judged.severity,
        "severity_scheme": judged.severity_scheme,
        "idc": judged.idc,
        "hazard": hazard.code if hazard else None,
        "requirements": list(hazard.skills) if hazard else [],
    }


def plain_columns(body: CallBody, kind: str, taker: Taker) -> Doc:
    """Columns that are kept as they came."""
    appointment = body.appointment
    return {
        "kind": kind,
        "channel": str(body.channel or taker.channel),
        "criteria_group": judged_group(body),
        "back_entry": body.back_entry,
        "exercise": body.exercise,
        "taken_by": taker.actor,
        "complaint": body.complaint,
        "answers": body.triage.answers if body.triage else None,
        "appointment": appointment.model_dump(mode="json") if appointment else None,
        "companions": body.companions or 0,
        "external_refs": [ref.model_dump() for ref in body.external_refs or []],
        "notes": body.notes,
    }
