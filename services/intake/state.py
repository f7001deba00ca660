"""A call's row as what we say of it: open facts, the private half, and its origin."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from shared.events.base import Origin
from shared.events.intake import Appointment, BarrierOpened, Caller, CallLinked, Destination, Location, Patient
from shared.events.words import By, CallLink, ExternalRef
from shared.work import Work


class Row(Protocol):
    """A row of ``call``, ``patient`` or ``barrier``: from the database, or the document it is about to become."""

    def __getitem__(self, column: str, /) -> Any: ...


def origin_of(call: Row) -> Origin:
    """What everything of this call, and all that grows from it, inherits."""
    return Origin(call["area"], call["id"], protected=call["protected"], exercise=call["exercise"])


def facts_of(call: Row) -> dict[str, Any]:
    """The fields of ``CallFacts``."""
    names = (
        "number", "status", "kind", "lane", "severity", "severity_scheme", "channel", "received_at", "amphoe",
        "patient_count", "back_entry", "served",
    )  # fmt: skip
    return {name: call[name] for name in names}


def private_of(call: Row, patients: Iterable[Row], barriers: Iterable[str]) -> dict[str, Any]:
    """The fields of ``CallPrivate``: the call's personal half, complete. ``barriers`` are their codes."""
    return {
        "caller": caller_of(call),
        "patients": tuple(patient_of(patient) for patient in patients),
        "location": location_of(call),
        "destination": Destination(**call["destination"]) if call["destination"] else None,
        "complaint": call["complaint"],
        "criteria_group": call["criteria_group"],
        "idc": call["idc"],
        "hazard": call["hazard"],
        "requirements": tuple(call["requirements"]),
        "barriers": tuple(barriers),
        "appointment": appointment_of(call),
        "companions": call["companions"],
        "external_refs": tuple(ExternalRef(**ref) for ref in call["external_refs"]),
        "notes": call["notes"],
        "tracking_code": call["tracking_code"],
    }


def caller_of(call: Row) -> Caller:
    return Caller(
        name=call["caller_name"],
        phone=call["caller_phone"],
        phone_as_typed=call["caller_phone_typed"],
        relation=call["caller_relation"],
        line_user_id=call["caller_line_user_id"],
        language=call["caller_language"],
    )


def location_of(call: Row) -> Location:
    return Location(
        lat=call["lat"],
        lon=call["lon"],
        address=call["address"],
        landmark=call["landmark"],
        tambon_code=call["tambon_code"],
        community=call["community"],
        point_as_typed=call["point_typed"],
        area_codes=tuple(call["area_codes"] or ()) or None,
    )


def patient_of(patient: Row) -> Patient:
    return Patient(
        patient_id=patient["id"],
        person_id=patient["person_id"],
        name=patient["name"],
        national_id=patient["national_id"],
        birth_on=patient["birth_on"],
        birth_year=patient["birth_year"],
        age=patient["age"],
        sex=patient["sex"],
        mobility=patient["mobility"],
        needs=tuple(patient["needs"]),
        groups=tuple(patient["groups"]),
    )


def appointment_of(call: Row) -> Appointment | None:
    """The appointment; which one of its series it is stands in the call's own columns."""
    if not call["appointment"]:
        return None
    return Appointment(**call["appointment"], series_of=call["series_of"], occurrence=call["occurrence"])


def opened_of(barrier: Row) -> BarrierOpened:
    return BarrierOpened(
        call_id=barrier["call_id"],
        patient_id=barrier["patient_id"],
        at=barrier["opened_at"],
        private=BarrierOpened.Private(
            barrier=barrier["barrier"],
            action=barrier["action"],
            owner=barrier["owner"],
            carried_from=barrier["carried_from"],
        ),
    )


def linked_of(work: Work, link: Row) -> CallLinked:
    """A link that the system made: nobody leads, each call has trips of its own."""
    return CallLinked(other_call_id=link["other_call_id"], link=CallLink(link["link"]), at=work.now, by=By.SYSTEM)
