"""Changing a call: what is given is read and judged like at the taking, what is not given stays."""

from __future__ import annotations

import re
from datetime import datetime
from functools import partial
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import asyncpg

from services.intake.bodies import AppointmentBody, PatchBody
from services.intake.desk import Desk
from services.intake.draft import amphoe_of, community_code, judge, judged_columns
from services.intake.rules import kinds, life, reading
from services.intake.rules.appointments import occurrences
from services.intake.rules.protection import is_protected
from services.intake.rules.service_area import check, lies_in
from services.intake.store import calls as store
from services.intake.store import progress as progress_store
from services.intake.verbs.barriers import open_more
from services.intake.verbs.common import CONFLICT, INVALID, Row, next_status, refused, say_triaged, say_updated
from services.intake.verbs.series import Ahead, go_on
from services.intake.verbs.watch import unwatch, watch, watched
from shared.errors import Refused
from shared.geo import Point
from shared.refusal import Refusal
from shared.thai.dates import local_day
from shared.work import Work, new_id

Doc = dict[str, Any]
ETAG = re.compile(r'^(?:W/)?"?(\d{1,9})"?$')

NO_VERSION = (
    "version_missing", "ต้องบอกรุ่นของข้อมูลที่อ่านมา (If-Match หรือ version)",
    "say which version was read (If-Match or version)",
)  # fmt: skip
CHANGED_MEANWHILE = (
    "changed_meanwhile", "มีผู้แก้ไขสายนี้ไปก่อนแล้ว กรุณาอ่านใหม่", "the call was changed meanwhile: read it again",
)  # fmt: skip
RECURRENCE_FIXED = Refusal(
    "recurrence_fixed", "appointment.recurrence",
    "แก้รูปแบบการนัดซ้ำไม่ได้ ให้ยกเลิกทั้งชุดแล้วนัดใหม่",
    "a recurrence cannot be changed: withdraw the whole series and book anew",
)  # fmt: skip
UNKNOWN_PATIENT = Refusal("unknown_patient", "patients", "ไม่มีผู้ป่วยรหัสนี้ในสายนี้", "the call has no patient with this id")
PLACE_OUTSIDE = Refusal(
    "place_outside", "location", "สถานที่ใหม่อยู่นอกเขต พิจารณาส่งต่อหน่วยงานในพื้นที่",
    "the new place lies outside the area: consider handing over",
)  # fmt: skip

JUDGED_BY = {"triage", "kind", "lane", "patients", "patient_count"}


def wanted_version(if_match: str | None, body: PatchBody) -> int:
    """The version that was read.

    Raises:
        Refused: 422, it is not said or cannot be read.

    """
    found = ETAG.match(if_match.strip()) if if_match else None
    if found:
        return int(found[1])
    if body.version is None:
        raise Refused(INVALID, *NO_VERSION, field="If-Match" if if_match else "version")
    return body.version


async def change(work: Work, desk: Desk, call: Row, body: PatchBody, version: int) -> tuple[Row, list[Refusal]]:
    """Change a call; returns it as it stands now, and what a person should look at.

    Raises:
        Refused: 409, it was changed meanwhile or is over; 422, fields that are wrong.

    """
    next_status(call, "change")
    if call["version"] != version:
        raise Refused(CONFLICT, *CHANGED_MEANWHILE, version=call["version"])
    given = body.model_fields_set - {"version"}
    notes = reading.Notes()
    known = await store.read_patients(work.db, [call["id"]])
    patients = _patients(body, given, call, known, work.now, notes)
    changes = _read(desk, call, body, given, work.now, notes)
    if given & JUDGED_BY or ("complaint" in given and call["kind"] == "hazard"):
        changes |= _judged(call, body, given, patients, work.now, notes)
    lane = changes.get("lane", call["lane"])
    if errors := notes.errors_of(lane):
        raise refused(INVALID, errors)
    changes = {name: value for name, value in changes.items() if not _same(call[name], value)}
    replaced = bool(given & {"patients", "patient_count"})
    if replaced:
        await store.put_patients(work.db, call["id"], patients)
        changes["patient_count"] = len(patients)
    opened = await open_more(work, call, patients, body.barriers or ())
    if call["lane"] == "booked" and lane == "emergency" and not await _somebody_comes(work, call):
        changes["answered_at"] = None
    more = {"patients"} if replaced else set()
    more |= {"barriers"} if opened else set()
    if not changes and not more:
        return call, notes.warnings_of(lane)
    after = await store.change_call(work.db, call["id"], changes, work.now)
    await _tell(work, desk, call, after, changes, more)
    pack = desk.pack(call["area"])
    if "occurrence" in changes and pack is not None:
        await go_on(work, call["id"], Ahead.of(pack))
    return after, notes.warnings_of(lane)


async def _somebody_comes(work: Work, call: Row) -> bool:
    """Whether the unit that took the booked ride comes now: it accepted another hour, perhaps another day."""
    return life.on_the_way(await progress_store.assignments_of_call(work.db, call["id"]))


async def _tell(work: Work, desk: Desk, before: Row, after: Row, changes: Doc, more: set[str]) -> None:
    """Say what changed; ``more``: what is kept in rows of its own."""
    judged_anew = {"severity", "severity_scheme", "lane", "idc"} & set(changes)
    if judged_anew:
        await say_triaged(work, before, after)
    others = sorted((set(changes) - JUDGED_COLUMNS - {"answered_at", "occurrence"}) | more)
    if others or not judged_anew:
        await say_updated(work, after, others)
    if not watched(after):
        await unwatch(work, after["id"])
    elif not watched(before):
        await watch(work, after, desk.watchdog_s(after["area"]), since=work.now)


JUDGED_COLUMNS = {"severity", "severity_scheme", "lane", "idc", "criteria_group", "answers", "protected"}


def _read(desk: Desk, call: Row, body: PatchBody, given: set[str], now: datetime, notes: reading.Notes) -> Doc:
    near = partial(desk.near, (call["area"],))
    changes: Doc = {}
    if "caller" in given:
        changes |= reading.read_caller(body.caller, notes)
    if "location" in given:
        changes |= reading.read_place(body.location, notes, near)
        changes |= _placed(desk, call, changes, notes)
    if "destination" in given:
        changes["destination"] = reading.read_destination(body.destination, notes, near)
    if "appointment" in given:
        changes |= _appointment(call, body, now, notes)
    for name in {"complaint", "notes"} & given:
        changes[name] = getattr(body, name)
    if "companions" in given:
        changes["companions"] = body.companions or 0
    if "external_refs" in given:
        changes["external_refs"] = [ref.model_dump() for ref in body.external_refs or []]
    if {"caller", "location"} & given:
        reading.check_findable(_merged(call, changes), notes)
    return changes


def _placed(desk: Desk, call: Row, place: Doc, notes: reading.Notes) -> Doc:
    """The district of the new place. The municipality of a call never changes; outside it a person is asked."""
    pack = desk.pack(call["area"])
    if pack is None:
        return {}
    point = Point(place["lon"], place["lat"]) if place["lat"] is not None else None
    verdict = check(pack, point=point, community=place["community"], tambon_code=place["tambon_code"])
    if not verdict.served:
        notes.remark(PLACE_OUTSIDE)
    community = community_code(pack, place)
    codes = lies_in(pack, {**place, "community": community})
    return {"amphoe": amphoe_of(pack, place), "community": community, "area_codes": codes}


def _appointment(call: Row, body: PatchBody, now: datetime, notes: reading.Notes) -> Doc:
    appointment = body.appointment
    if appointment is None:
        return {"appointment": None, "appointment_at": None}
    before = (call["appointment"] or {}).get("recurrence")
    begins = appointment.recurrence and before is None and call["series_of"] is None
    if begins:
        _check_rule(appointment, now, notes)
    elif appointment.recurrence not in (None, before):
        notes.refuse(RECURRENCE_FIXED)
    reading.check_appointment(appointment.at, now, notes, back_entry=call["back_entry"])
    kept = {**appointment.model_dump(mode="json"), "recurrence": appointment.recurrence if begins else before}
    changes = {"appointment": kept, "appointment_at": appointment.at}
    return {**changes, "occurrence": 1} if begins else changes


def _check_rule(appointment: AppointmentBody, now: datetime, notes: reading.Notes) -> None:
    """Refuse a rule that cannot be read: later nobody would see why no visit came of it."""
    try:
        occurrences(appointment.at, appointment.recurrence, now=now, most=1)
    except Refusal as refusal:
        notes.refuse(refusal)


def _patients(
    body: PatchBody, given: set[str], call: Row, known: list[asyncpg.Record], now: datetime, notes: reading.Notes
) -> list[Doc]:
    """The patients as they will be: who was known keeps their id and person."""
    before = {row["id"]: _as_document(row) for row in known}
    if not given & {"patients", "patient_count"}:
        return list(before.values())
    people = body.patients if "patients" in given else None
    if people is None:
        kept = list(before.values())
        count = max(body.patient_count or 0, len(kept))
        nameless = [{**reading.NOBODY_KNOWN, "position": place} for place in range(len(kept) + 1, count + 1)]
        return kept + [_new_patient(call["id"], each) for each in nameless]
    kind = str(body.kind or call["kind"])
    read = reading.read_people(people, body.patient_count, kind, "patients", local_day(now), notes)
    found: list[Doc] = []
    for place, each in enumerate(read):
        patient_id: UUID | None = people[place].id if place < len(people) else None
        if patient_id is None:
            found.append(_new_patient(call["id"], each))
        elif patient_id in before:
            same = {"id": patient_id, "call_id": call["id"], "person_id": before[patient_id]["person_id"]}
            found.append({**each, **same})
        else:
            notes.refuse(UNKNOWN_PATIENT.at(f"patients.{place}.id"))
    return found


def _new_patient(call_id: UUID, patient: Doc) -> Doc:
    return {**patient, "id": new_id(), "call_id": call_id}


def _as_document(row: asyncpg.Record) -> Doc:
    document = dict(row.items())
    document["birth_on"] = row["birth_on"].isoformat() if row["birth_on"] else None
    return document


def _judged(
    call: Row, body: PatchBody, given: set[str], patients: list[Doc], now: datetime, notes: reading.Notes
) -> Doc:
    """Severity and lane anew. An emergency stays one unless somebody says that it is booked."""
    kind = str(body.kind or call["kind"]) if "kind" in given else call["kind"]
    triage = body.triage if "triage" in given else None
    asked = SimpleNamespace(
        lane=body.lane or call["lane"],
        appointment=body.appointment if "appointment" in given else call["appointment"],
        triage=triage or SimpleNamespace(criteria_group=call["criteria_group"], answers=call["answers"] or {}),
    )
    complaint = body.complaint if "complaint" in given else call["complaint"]
    hazard = kinds.recognise(complaint) if kind == "hazard" else None
    judged = judge(asked, kind, patients, hazard, local_day(now), notes)
    groups = (group for patient in patients for group in patient["groups"])
    return judged_columns(judged, hazard) | {
        "kind": kind,
        "criteria_group": asked.triage.criteria_group,
        "answers": asked.triage.answers or None,
        "protected": call["protected"] or is_protected(asked.triage.criteria_group, groups),
    }


def _merged(call: Row, changes: Doc) -> Doc:
    names = (*reading.CALLER_COLUMNS, *reading.PLACE_COLUMNS)
    return {name: changes.get(name, call[name]) for name in names}


def _same(before: Any, after: Any) -> bool:
    return bool(before == after)
