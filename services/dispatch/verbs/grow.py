"""Trips as a call asks for them: one per person and leg, or one for a job. Built here, nothing is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from services.dispatch.policy import policy_of
from services.dispatch.rules import cards, windows
from services.dispatch.store import resources
from services.dispatch.store.trips import Trip
from services.dispatch.verbs.needs import need_of
from shared.events.base import Origin
from shared.events.intake import CallFacts, CallPrivate, Patient
from shared.events.words import Lane, Leg
from shared.geo import Point
from shared.thai.dates import local_day
from shared.work import Work, new_id


def people(private: CallPrivate) -> Sequence[Patient | None]:
    """One trip each; a job without a patient has one trip of its own."""
    return private.patients or (None,)


def trips_for(
    work: Work, call_id: UUID, call: CallFacts, patient: Patient | None, origin: Origin,
    drop: tuple[float, float] | None,
) -> Iterator[Trip]:  # fmt: skip
    outbound = _outbound(work, call_id, call, patient, origin, drop)
    yield outbound
    private: CallPrivate = call.private  # type: ignore[attr-defined]
    if private.appointment is not None and private.appointment.return_trip:
        yield _return_of(outbound, private)


def _outbound(
    work: Work, call_id: UUID, call: CallFacts, patient: Patient | None, origin: Origin,
    drop: tuple[float, float] | None,
) -> Trip:  # fmt: skip
    private: CallPrivate = call.private  # type: ignore[attr-defined]
    place = private.location
    trip = Trip(
        id=new_id(), call_id=call_id, patient_id=patient.patient_id if patient else None,
        person_id=patient.person_id if patient else None, leg=Leg.OUTBOUND.value, outbound_id=None, area=origin.area,
        amphoe=call.amphoe, protected=origin.protected, exercise=origin.exercise, back_entry=call.back_entry,
        kind=call.kind.value, lane=call.lane.value, severity=call.severity.value,
        severity_scheme=call.severity_scheme.value, status="requested", received_at=call.received_at,
        on_day=local_day(call.received_at), pickup_earliest_at=None, pickup_latest_at=None, arrive_by_at=None,
        now_at=None, need=_need(private, patient, _units(call, patient, origin.area)),
        details=_details(private, patient), pickup_lon=place.lon,
        pickup_lat=place.lat, drop_lon=drop[0] if drop else None, drop_lat=drop[1] if drop else None,
        facility_id=private.destination.facility_id if private.destination else None,
    )  # fmt: skip
    if trip.lane == "emergency":
        trip.now_at = min(call.received_at, work.now)
    elif private.appointment is not None:
        window = windows.to_appointment(private.appointment.at, ride(trip), trip.need.get("mobility"))
        trip.on_day = local_day(private.appointment.at)
        trip.pickup_earliest_at, trip.pickup_latest_at = window.pickup_earliest_at, window.pickup_latest_at
        trip.arrive_by_at = window.arrive_by_at
    else:
        trip.pickup_earliest_at = call.received_at
    return trip


def _return_of(outbound: Trip, private: CallPrivate) -> Trip:
    """Home again, when the person says so."""
    appointment = private.appointment
    over_at = None
    if appointment is not None:
        over_at = appointment.at + timedelta(minutes=appointment.duration_min or 60)
    return replace(
        outbound, id=new_id(), leg=Leg.RETURN.value, outbound_id=outbound.id, status="awaiting_ready", lane="booked",
        now_at=None, pickup_earliest_at=over_at, pickup_latest_at=None, arrive_by_at=None,
        pickup_lon=outbound.drop_lon, pickup_lat=outbound.drop_lat, drop_lon=outbound.pickup_lon,
        drop_lat=outbound.pickup_lat, facility_id=outbound.facility_id,
    )  # fmt: skip


def _units(call: CallFacts, patient: Patient | None, area: str) -> tuple[str, ...]:
    """What the municipality's run card sends together; of several patients the first one's trip carries it."""
    private: CallPrivate = call.private  # type: ignore[attr-defined]
    if call.lane is not Lane.EMERGENCY or (patient is not None and patient != private.patients[0]):
        return ()
    flags = {call.kind.value, private.hazard or "", *private.requirements}
    for each in private.patients:
        flags.update((*(need.value for need in each.needs), *each.groups))
    card = cards.card_for(policy_of(area).cards, call.severity.value, private.criteria_group, flags)
    return cards.slots_of(card) if card else ()


def _need(private: CallPrivate, patient: Patient | None, units: tuple[str, ...]) -> dict[str, Any]:
    hazard = private.hazard if patient is None else None
    need = need_of(
        mobility=patient.mobility.value if patient and patient.mobility else None,
        needs=tuple(need.value for need in patient.needs) if patient else (),
        groups=patient.groups if patient else (),
        companions=private.companions,
        hazard=hazard,
        codes=private.requirements,
        barriers=tuple(barrier.value for barrier in private.barriers),
        units=units,
    )
    visit = private.appointment
    if visit is not None and (visit.recurrence or visit.series_of):
        need["recurring"] = True
    return need


def _details(private: CallPrivate, patient: Patient | None) -> dict[str, Any]:
    """The personal half, as the crew will need it at the door. It stays here, and erasure blanks it."""
    person = patient.model_dump(mode="json", exclude_none=True, exclude={"national_id"}) if patient else None
    full = {
        "patient": person,
        "caller": private.caller.model_dump(mode="json", exclude_none=True, exclude={"line_user_id"}),
        "location": private.location.model_dump(mode="json", exclude_none=True),
        "destination": private.destination.model_dump(mode="json", exclude_none=True) if private.destination else None,
        "complaint": private.complaint,
        "clinic": private.appointment.clinic if private.appointment else None,
        "appointment_at": private.appointment.at.isoformat() if private.appointment else None,
        "hazard": private.hazard,
        "notes": private.notes,
    }
    return {key: value for key, value in full.items() if value}


async def drop_point(work: Work, private: CallPrivate) -> tuple[float, float] | None:
    """Where to, as ``(lon, lat)``: given, or the facility's."""
    to = private.destination
    if to is None:
        return None
    if to.lon is not None and to.lat is not None:
        return to.lon, to.lat
    return await resources.facility_point(work.db, to.facility_id) if to.facility_id else None


def ride(trip: Trip) -> timedelta | None:
    """How long the ride takes, as far as both ends are known."""
    if trip.pickup is None or trip.drop is None:
        return None
    times = policy_of(trip.area).travel_times
    [travel] = times.to([Point(*trip.pickup)], Point(*trip.drop), urgent=False)
    return timedelta(seconds=travel.duration_s)
