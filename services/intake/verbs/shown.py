"""Rows as answers: the same shapes for every route, and for the topic."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.intake import answers
from services.intake.rules import refusals
from services.intake.rules.barriers import action_for
from services.intake.rules.service_area import Verdict
from services.intake.rules.services import Asked, Offered, service_for
from services.intake.rules.triage import Question, Tree, Triage, trees
from services.intake.state import Row
from shared.pack_parts import Pack
from shared.refusal import Refusal


def warning_out(warning: Refusal) -> answers.WarningOut:
    return answers.WarningOut(field=warning.field, code=warning.code, th=warning.th, en=warning.en)


def question_out(question: Question) -> answers.QuestionOut:
    return answers.QuestionOut(
        id=question.id, severity=question.severity, red_flag=question.red_flag, th=question.th, en=question.en
    )


def triage_out(judged: Triage, *, somebody_goes: bool = True) -> answers.TriageOut:
    return answers.TriageOut(
        severity=judged.severity,
        severity_scheme=judged.severity_scheme,
        lane=judged.lane,
        idc=judged.idc,
        advice=list(judged.advice if somebody_goes else judged.first_aid),
        red_flags=[question_out(question) for question in judged.red_flags],
        missing=[question_out(question) for question in judged.missing],
        hand_over_1669=judged.hand_over_1669,
        reasons=list(judged.reasons),
        suggested_group=judged.suggested_group,
        unknown_answers=list(judged.unknown_answers),
        mark=judged.mark,
        version=judged.version,
        approved_by=judged.approved_by,
    )


def tree_out(criteria_group: int | None, kind: str, questions: Sequence[Question], tree: Tree) -> answers.TreeOut:
    data = trees()
    return answers.TreeOut(
        criteria_group=criteria_group,
        kind=kind,
        questions=[question_out(question) for question in questions],
        advice=list(tree.advice),
        mark=data.mark,
        version=data.version,
        approved_by=tree.approved_by or data.approved_by,
    )


def _pick(row: Row, *names: str) -> dict[str, Any]:
    return {name: row[name] for name in names}


_LINE = (
    "id", "number", "area", "version", "status", "stage", "kind", "lane", "channel", "severity", "severity_scheme",
    "amphoe", "patient_count", "served", "back_entry", "exercise", "received_at", "answered_at", "ended_at",
    "appointment_at", "alarmed",
)  # fmt: skip


def line_out(call: Row) -> answers.CallLine:
    return answers.CallLine(**_pick(call, *_LINE))


def caller_out(call: Row) -> answers.CallerOut:
    return answers.CallerOut(
        name=call["caller_name"],
        phone=call["caller_phone"],
        phone_as_typed=call["caller_phone_typed"],
        relation=call["caller_relation"],
        line_user_id=call["caller_line_user_id"],
        language=call["caller_language"],
    )


def location_out(call: Row) -> answers.LocationOut:
    places = ("lat", "lon", "address", "landmark", "tambon_code", "community")
    codes = list(call["area_codes"] or ())
    return answers.LocationOut(**_pick(call, *places), point_as_typed=call["point_typed"], area_codes=codes)


def patient_out(patient: Row) -> answers.PatientOut:
    told = _pick(patient, *answers.PatientOut.model_fields)
    return answers.PatientOut(**told | {"person_presumed": bool(patient["person_presumed"])})


def search_out(call: Row, patients: Sequence[Row]) -> answers.SearchLine:
    return answers.SearchLine(
        **_pick(call, *_LINE),
        caller=caller_out(call),
        patients=[patient_out(patient) for patient in patients],
        location=location_out(call),
        complaint=call["complaint"],
    )


ACTION_CODES = {
    "money": "ride_or_fund",
    "people": "lift_team_and_escort",
    "time": "escort_stays",
    "knowledge": "guidance_card",
    "vehicle": "matched_unit",
    "equipment": "loan",
}
"""Barrier → the code of its action; its text and owner are data (``data/barriers.toml``)."""


def barrier_out(barrier: Row) -> answers.BarrierOut:
    action = action_for(barrier["barrier"])
    own = {name for name in answers.BarrierOut.model_fields if name not in {"action_text", "due_at"}}
    due_at = barrier["opened_at"] + timedelta(hours=action.due_h)
    return answers.BarrierOut(**_pick(barrier, *own), action_text=action.action, due_at=due_at)


def area_out(verdict: Verdict) -> answers.AreaOut:
    return answers.AreaOut(status=verdict.status, by=verdict.by, ask=list(verdict.ask))


def service_out(offered: Offered) -> answers.ServiceOut:
    service = offered.service
    return answers.ServiceOut(
        code=service.code, name=service.name, legal_basis=list(service.legal_basis), beyond=list(offered.beyond)
    )


def visit_out(call: Row) -> answers.VisitOut:
    return answers.VisitOut(**_pick(call, *answers.VisitOut.model_fields))


def stand_out(call: Row, warnings: Sequence[Refusal] = ()) -> answers.StandOut:
    same = ("id", "number", "version", "status", "stage", "severity", "severity_scheme", "lane")
    return answers.StandOut(**_pick(call, *same), warnings=[warning_out(each) for each in warnings])


def link_out(link: Row, call_id: UUID) -> answers.LinkOut:
    """The link as seen from ``call_id``."""
    outgoing = link["call_id"] == call_id
    return answers.LinkOut(
        other_call_id=link["other_call_id"] if outgoing else link["call_id"],
        other_number=link["other_number"] if outgoing else link["call_number"],
        link=link["link"],
        leading=outgoing and link["link"] == "duplicate",
        linked_at=link["linked_at"],
    )


_WHOLE = (
    "criteria_group", "idc", "rc", "answers", "hazard", "requirements", "destination", "appointment", "series_of",
    "occurrence", "companions", "external_refs", "notes", "tracking_code", "outcome", "reason", "reason_text",
    "updated_at", "erased_at",
)  # fmt: skip


def refusal_out(call: Row, pack: Pack | None) -> answers.RefusalOut | None:
    """The refusal of a call that was refused, with every law it stands on."""
    if call["outcome"] != "refused" or pack is None:
        return None
    # An erased call has lost its sentence; the code and its legal basis stay.
    refusal = refusals.refuse(call["reason"], call["reason_text"] or "-", pack, call["tambon_code"])
    service = service_for(pack, Asked(call["kind"], call["lane"])).service
    return answers.RefusalOut(
        code=refusal.code,
        reason=refusal.reason,
        text=call["reason_text"],
        service=service.code,
        legal_basis=[refusal.legal_basis, *service.legal_basis],
    )


def call_out(
    call: Row, patients: Sequence[Row], pack: Pack | None, similar: list[answers.DuplicateOut], **lists: Sequence[Row]
) -> answers.CallOut:
    """The whole call. ``lists``: barriers, links, hand_overs, trips, ratings, series."""
    return answers.CallOut(
        **search_out(call, patients).model_dump(),
        **_pick(call, *_WHOLE),
        refusal=refusal_out(call, pack),
        barriers=[barrier_out(row) for row in lists["barriers"]],
        links=[link_out(row, call["id"]) for row in lists["links"]],
        hand_overs=[answers.HandOverOut(**_pick(r, *answers.HandOverOut.model_fields)) for r in lists["hand_overs"]],
        trips=[answers.TripOut(**_pick(row, *answers.TripOut.model_fields)) for row in lists["trips"]],
        ratings=[answers.RatingOut(**_pick(row, *answers.RatingOut.model_fields)) for row in lists["ratings"]],
        series=[visit_out(row) for row in lists["series"]],
        possible_duplicates=similar,
    )


def alarm_out(alarm: Row, pack: Pack | None, now: datetime) -> answers.AlarmOut:
    same = (
        "id", "kind", "call_id", "number", "area", "raised_at", "answered_at", "acknowledged_at", "status", "stage",
        "call_kind", "severity", "severity_scheme", "received_at", "exercise", "caller_name", "caller_phone",
    )  # fmt: skip
    waited = (alarm["answered_at"] or now) - alarm["received_at"]
    return answers.AlarmOut(
        **_pick(alarm, *same),
        waited_s=max(0, int(waited.total_seconds())),
        location=location_out(alarm),
        ring=ring_first(pack, alarm["kind"], alarm["tambon_code"]),
    )


def ringing_out(ringing: Row, calls: Sequence[Row]) -> answers.RingingOut:
    line = ("id", "number", "status", "stage", "kind", "lane", "severity", "severity_scheme", "received_at")
    return answers.RingingOut(
        **_pick(ringing, "id", "area", "phone", "rang_at"), calls=[_pick(call, *line) for call in calls]
    )


def ring_first(pack: Pack | None, kind: str, tambon_code: str | None) -> list[dict[str, str]]:
    """Whom the desk rings: who takes over outside the area, else our own centre and who takes medical emergencies."""
    if pack is None:
        return []
    partners = pack.partners_for("outside_area" if kind == "hand_over" else "red_flag", tambon_code)
    numbers = [{"th": each.name.th, "en": each.name.en, "phone": each.phone} for each in partners]
    if kind == "hand_over":
        return numbers
    return [{"th": pack.area.desk.th, "en": pack.area.desk.en, "phone": pack.area.short_number}, *numbers]
