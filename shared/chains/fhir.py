"""An audit row as FHIR R4 AuditEvent (http://hl7.org/fhir/R4/auditevent.html), one JSON object a line."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from typing import Any, Final

from shared.codes.codes import code_list

SYSTEM: Final = "https://karuna.example/codes"
TYPES: Final = "http://terminology.hl7.org/CodeSystem/audit-event-type"
REASONS: Final = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
_ACTS: Final = {
    "C": """register open open_case give found assign invite propose open_need plan_visit observe assess visit
            add_contact add_action add_picture ask_disclosure put_community put_group import import_areas import_people
            break_glass make_link_code ringing resend_message make import_map add_identifier
            take assign_unit ask_backup alert ask_swap put_shift publish_plan""",
    "U": """sign close withdraw put review review_glass acknowledge change join_group leave_group link unlink
            unmatch confirm_match undo_import
            move_in move_out meet_need answer approve decide decide_correction decide_disclosure decide_group done end
            end_community write cancel_visit requeue hand_over barrier_met barrier_unmet acknowledge_message correct
            set_preferences reset_password second_factor_off revoke_device ready cancel_trip stand_down step release
            answer_swap set_duty answer_alert end_identifier correct_identifier end_contact correct_contact
            change_password second_factor_on""",
    "D": "erase drop_picture drop_shift",
    "E": "search search_community near ask_why sign_in sign_in_refused",
}
ACTIONS: Final = {act: action for action, acts in _ACTS.items() for act in acts.split()}
"""Act → C, R, U, D, E (execute); whatever is not here reads."""
REASON_OF: Final = {"emergency": "ETREAT", "care": "TREAT"}
RESOURCE_OF: Final = {"person": "Patient", "agency": "Organization", "consent": "Consent"}
DENIED, DONE = "4", "0"
"""Outcomes: a minor failure, and success."""


def audit_event(row: Mapping[str, Any], service: str) -> dict[str, Any]:
    """The resource as ``service`` saw it; empty elements are left out, as FHIR wants it."""
    act = row["act"]
    event = {
        "resourceType": "AuditEvent",
        "id": f"audit-{row['id']}",
        "type": {"system": TYPES, "code": "rest", "display": "RESTful Operation"},
        "subtype": [{"system": f"{SYSTEM}/audit_act", "code": act}],
        "action": ACTIONS.get(act, "R"),
        "recorded": row["at"].astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "outcome": DENIED if act.endswith("refused") else DONE,
        "purposeOfEvent": _purpose(row["purpose"]),
        "agent": [_agent(row)],
        "source": {"observer": {"display": f"karuna {service}"}},
        "entity": _entity(row),
    }
    return {name: value for name, value in event.items() if value}


def _purpose(purpose: str | None) -> list[dict[str, Any]]:
    if not purpose:
        return []
    codes = code_list("purpose")
    known = purpose in codes.codes
    coding = [{"system": f"{SYSTEM}/purpose", "code": purpose} | ({"display": codes.label(purpose)} if known else {})]
    if purpose in REASON_OF:
        coding.append({"system": REASONS, "code": REASON_OF[purpose]})
    return [{"coding": coding}]


def _agent(row: Mapping[str, Any]) -> dict[str, Any]:
    agency = row["detail"].get("agency_id")
    agent: dict[str, Any] = {
        "role": [{"coding": [{"system": f"{SYSTEM}/role", "code": row["role"]}]}],
        "who": {"identifier": {"system": f"{SYSTEM}/caller", "value": row["caller"]}},
        "requestor": True,
    }
    if agency:
        agent["policy"] = [f"urn:uuid:{each}" for each in (row["detail"].get("agreement_id"),) if each]
        agent["extension"] = [{"url": f"{SYSTEM}/agency", "valueReference": {"reference": f"Organization/{agency}"}}]
    return {name: value for name, value in agent.items() if value}


def _entity(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    said = [{"type": name, "valueString": _plain(value)} for name, value in sorted(row["detail"].items())]
    if row["subject_id"] is None and not said:
        return []
    entity: dict[str, Any] = {"type": {"system": f"{SYSTEM}/noun", "code": row["noun"]}}
    if row["subject_id"] is not None:
        kind = RESOURCE_OF.get(row["noun"])
        reference = f"{kind}/{row['subject_id']}" if kind else f"urn:uuid:{row['subject_id']}"
        entity["what"] = {"reference": reference}
    if said:
        entity["detail"] = said
    return [entity]


def _plain(value: Any) -> str:
    """FHIR wants texts, and none of them empty."""
    if isinstance(value, list):
        return ",".join(map(str, value)) or "-"
    return str(value) or "-"
