"""A call of intake's as the desk's sheet, to be corrected, and the corrected sheet as a change. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.console.rules import days
from shared.thai.dates import BE_OFFSET, local

Doc = dict[str, Any]
PARTS = (
    "kind", "lane", "caller", "patients", "location", "destination", "complaint", "appointment", "companions", "notes",
    "triage",
)  # fmt: skip
"""What the form for correcting shows; objects are replaced whole."""
EMPTY: Mapping[str, Any] = {"patients": [], "companions": 0, "caller": {}, "location": {}}

# Outcomes are those of intake's barriers.toml; its labels come with the barrier once it is settled.
MET = {
    "money": ("free_ride", "fund_paid", "donor_paid"),
    "people": ("lift_team_sent", "escort_sent", "neighbour_helped"),
    "time": ("escort_stayed", "medicine_brought", "visit_moved"),
    "knowledge": ("card_sent", "explained", "visit_made"),
    "vehicle": ("unit_matched", "partner_drove"),
    "equipment": ("item_lent", "item_given", "item_repaired"),
}
UNMET = ("nobody_available", "no_funds", "not_in_stock", "no_vehicle_fits", "declined", "not_reached", "too_late")


def met_choices(barrier: str) -> tuple[str, ...]:
    return MET.get(barrier, ())


def unmet_choices() -> tuple[str, ...]:
    return UNMET


def sheet_of(call: Mapping[str, Any], lang: str = "th") -> Doc:
    """The sheet's fields, as far as they are known; days as whoever reads ``lang`` writes them."""
    sheet: Doc = {name: call[name] for name in ("kind", "lane", "complaint", "notes")}
    caller = call["caller"]
    sheet |= {f"caller.{name}": caller[name] for name in ("name", "relation")}
    sheet["caller.phone"] = caller["phone"] or caller["phone_as_typed"]
    place = call["location"]
    sheet |= {f"location.{name}": place[name] for name in ("landmark", "community", "tambon_code", "address")}
    if place["lat"] is not None:
        sheet["location.point"] = f"{place['lat']}, {place['lon']}"
    elif place["point_as_typed"]:
        sheet["location.point"] = place["point_as_typed"]
    for number, patient in enumerate(call["patients"]):
        sheet |= {f"patients.{number}.{name}": said for name, said in _patient(patient, lang).items()}
    sheet["triage.criteria_group"] = str(call["criteria_group"] or "")
    sheet["companions"] = str(call["companions"] or "")
    sheet |= _appointment(call, lang)
    return {name: said for name, said in sheet.items() if said}


def _patient(patient: Mapping[str, Any], lang: str) -> Doc:
    age, year = patient["age"], patient["birth_year"]
    shown_year = year + BE_OFFSET if year and lang == "th" else year
    born = days.in_field(patient["birth_on"], lang) or shown_year or ("" if age is None else age)
    names = ("id", "name", "national_id", "sex", "mobility", "needs", "groups")
    return {**{name: patient[name] for name in names}, "born": str(born)}


def _appointment(call: Mapping[str, Any], lang: str) -> Doc:
    destination = call["destination"] or {}
    sheet = {f"destination.{name}": destination.get(name) for name in ("facility_id", "address")}
    if not sheet["destination.address"] and destination.get("lat") is not None:
        sheet["destination.address"] = f"{destination['lat']}, {destination['lon']}"
    if appointment := call["appointment"]:
        at = local(datetime.fromisoformat(appointment["at"]))
        sheet |= {
            "appointment.on": days.written(at.date(), lang),
            "appointment.time": f"{at:%H:%M}",
            "appointment.clinic": appointment.get("clinic"),
            "appointment.duration_min": str(appointment.get("duration_min") or ""),
            "appointment.return_trip": "yes" if appointment.get("return_trip") else "",
        }
    return sheet


def patch_of(call: Mapping[str, Any], sheet: Mapping[str, Any], told: Mapping[str, Any], lang: str = "th") -> Doc:
    """The change: the parts whose fields differ from what was read, each whole, with the version that was read.

    What was emptied is said empty; what the form does not show (a LINE account, a language) stays.
    """
    before = sheet_of(call, lang)
    patch: Doc = {part: told.get(part, EMPTY.get(part)) for part in PARTS if _part(before, part) != _part(sheet, part)}
    if told.get("barriers"):  # only those that the call did not have are offered
        patch["barriers"] = told["barriers"]
    if rule := (told.get("appointment") or {}).get("recurrence"):
        patch["appointment"] = told["appointment"]
    if "caller" in patch:
        hidden = {name: call["caller"][name] for name in ("line_user_id", "language") if call["caller"][name]}
        patch["caller"] = {**hidden, **patch["caller"]}
    if patch.get("appointment") and call["appointment"] and not rule:
        patch["appointment"]["recurrence"] = call["appointment"].get("recurrence")
    if not patch.get("triage"):
        patch.pop("triage", None)  # a group is put right, never taken away
    return {**patch, "version": int(sheet.get("version") or 0)}


def _part(sheet: Mapping[str, Any], part: str) -> Doc:
    """The fields of one part that say something."""
    return {name: said for name, said in sheet.items() if said and (name == part or name.startswith(f"{part}."))}
