"""Taking a call: read what was typed, triage, find the area, look for duplicates, number it, and say it."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from services.intake import state
from services.intake.answers import BarrierOut, TakenOut
from services.intake.bodies import CallBody
from services.intake.desk import Desk
from services.intake.rules import reading
from services.intake.rules.triage import PatientFacts, Triage, triage
from services.intake.store import calls as store
from services.intake.verbs.common import INVALID, refused
from services.intake.verbs.shown import triage_out, warning_out
from services.intake.verbs.watch import watch, watched
from shared.events.intake import CallReceived
from shared.events.words import Channel
from shared.packs import Pack
from shared.refusal import Refusal
from shared.thai.dates import be_year, local_day
from shared.work import Work, new_id

Doc = dict[str, Any]

CODE_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Letters and digits that are not mistaken for each other when read out."""
CODE_LENGTH = 8


@dataclass(frozen=True, slots=True)
class Taker:
    """Who takes the call: their actor, the municipalities they take calls for, and their usual channel."""

    actor: str
    areas: tuple[str, ...]
    channel: Channel


@dataclass(slots=True)
class Draft:
    """A call that has been read and judged, before it is written."""

    pack: Pack
    judged: Triage
    columns: Doc
    patients: list[Doc]
    barriers: list[Doc] = field(default_factory=list)
    hand_overs: list[Doc] = field(default_factory=list)
    warnings: list[Refusal] = field(default_factory=list)


def tracking_code() -> str:
    return "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))


def draft(desk: Desk, taker: Taker, body: CallBody, now: datetime) -> Draft:
    """Read and judge a call without touching anything.

    Raises:
        Refused: 422, every field that is wrong is named.

    """
    notes, today = reading.Notes(), local_day(now)
    kind = str(body.kind or ("transfer" if body.appointment else "medical"))
    where = "patient" if body.patient is not None else "patients"
    patients = reading.read_people(body.people, body.patient_count, kind, where, today, notes)
    judged = _judge(body, kind, patients, today, notes)
    columns: Doc = {
        **reading.read_caller(body.caller, notes),
        **reading.read_place(body.location, notes, lambda point: desk.near(taker.areas, point)),
        "destination": reading.read_destination(body.destination, notes, lambda point: desk.near(taker.areas, point)),
        "received_at": reading.read_received(body.received_at, now, notes),
    }
    reading.check_findable(columns, notes)
    if body.appointment is not None:
        reading.check_appointment(body.appointment.at, now, notes, back_entry=body.back_entry)
    if errors := notes.errors_of(judged.lane):
        raise refused(INVALID, errors)
    pack = desk.packs[taker.areas[0]]
    columns |= _judged_columns(judged) | _plain_columns(body, kind, taker, pack, patients, now)
    return Draft(pack, judged, columns, patients, warnings=notes.warnings_of(judged.lane))


def _judge(body: CallBody, kind: str, patients: Sequence[Doc], today: Any, notes: reading.Notes) -> Triage:
    """Severity and lane. Answers that cannot be read count as not given; a booked ride is refused for them."""
    asked = body.triage
    facts = [PatientFacts(reading.age_of(patient, today)) for patient in patients]
    lane: Any = str(body.lane) if body.lane else None
    judge = partial(
        triage,
        kind=kind,
        patients=facts,
        lane=lane,
        patient_count=len(patients),
        appointment=body.appointment is not None,
    )
    try:
        return judge(asked.criteria_group if asked else None, (asked.answers or None) if asked else None)
    except Refusal as refusal:
        notes.doubt(refusal)
        return judge(None, None)


def _judged_columns(judged: Triage) -> Doc:
    return {
        "lane": judged.lane,
        "severity": judged.severity,
        "severity_scheme": judged.severity_scheme,
        "idc": judged.idc,
    }


def _plain_columns(body: CallBody, kind: str, taker: Taker, pack: Pack, patients: Sequence[Doc], now: datetime) -> Doc:
    """Columns that are kept as they came, and those every new call begins with."""
    appointment = body.appointment
    return {
        "id": new_id(), "area": pack.area.slug, "number": "", "version": 1, "status": "open", "stage": "received",
        "kind": kind, "channel": str(body.channel or taker.channel), "rc": None, "hazard": None, "requirements": [],
        "criteria_group": body.triage.criteria_group if body.triage else None, "served": True,
        "back_entry": body.back_entry, "exercise": body.exercise, "protected": False, "amphoe": None,
        "patient_count": len(patients), "taken_at": now, "taken_by": taker.actor, "answered_at": None,
        "ended_at": None, "outcome": None, "reason": None, "updated_at": now, "erased_at": None, "series_of": None,
        "occurrence": None, "complaint": body.complaint, "answers": body.triage.answers if body.triage else None,
        "appointment": appointment.model_dump(mode="json") if appointment else None,
        "appointment_at": appointment.at if appointment else None, "companions": body.companions or 0,
        "external_refs": [ref.model_dump() for ref in body.external_refs or []], "notes": body.notes,
        "tracking_code": tracking_code(),
    }  # fmt: skip


async def take(work: Work, desk: Desk, taker: Taker, body: CallBody) -> TakenOut:
    """Take the call: write it with all that belongs to it, say it, and have the watchdog look after it.

    Raises:
        Refused: 422, every field that is wrong is named.

    """
    made = draft(desk, taker, body, work.now)
    call = made.columns
    patients = [{**patient, "id": new_id(), "call_id": call["id"]} for patient in made.patients]
    numbers = await store.take_calls(
        work.db,
        call["area"],
        be_month(call["received_at"]),
        f"{made.pack.area.case_prefix}-",
        [call],
        patients=patients,
    )
    call["number"] = numbers[call["id"]]
    private = CallReceived.Private(**state.private_of(call, patients, [each["barrier"] for each in made.barriers]))
    work.say(call["id"], CallReceived(**state.facts_of(call), private=private), state.origin_of(call))
    if watched(call):
        await watch(work, call, desk.watchdog_s(call["area"]))
    return answer_of(made)


def be_month(at: datetime) -> str:
    """``6911``: year of the Buddhist era and month, in Thailand."""
    day = local_day(at)
    return f"{be_year(day) % 100:02d}{day.month:02d}"


def answer_of(made: Draft) -> TakenOut:
    call = made.columns
    same = (
        "id", "number", "area", "version", "status", "kind", "lane", "severity", "severity_scheme", "served",
        "received_at", "tracking_code",
    )  # fmt: skip
    return TakenOut(
        **{name: call[name] for name in same},
        possible_duplicates=[],
        triage=triage_out(made.judged),
        barriers=[BarrierOut(**barrier) for barrier in made.barriers],
        warnings=[warning_out(warning) for warning in made.warnings],
        hand_over=None,
        series=[],
    )
