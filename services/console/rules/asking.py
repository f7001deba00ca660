"""From a form that anybody may fill in to the body of ``POST /v1/calls``: what is missing is said at its field."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from services.console.texts import teller
from shared.refusal import Refusal
from shared.thai.dates import Years, read_age, read_day
from shared.thai.phones import read_phone
from shared.thai.text import arabic_digits

KINDS = frozenset({"medical", "welfare", "hazard", "other"})
MOBILITY = frozenset({"walking", "assisted", "wheelchair", "stretcher"})
FIELDS = {
    "caller.phone": "phone", "caller.name": "name", "location.landmark": "landmark", "location.address": "landmark",
    "location": "landmark", "complaint": "complaint", "appointment.at": "on", "patients.0.age": "age",
    "patient.age": "age", "destination": "destination", "destination.address": "destination",
}  # fmt: skip
"""Field of the contract → field of the form."""
BANGKOK = timezone(timedelta(hours=7))


class Wrong(Exception):
    """``fields``: (field, text of ``public.toml``) of everything that is missing or cannot be read."""

    def __init__(self, fields: list[tuple[str | None, str]]) -> None:
        super().__init__(fields)
        self.fields = fields


def sentence(code: str, lang: str, **facts: object) -> str:
    return teller(lang)(f"public.{code}", **facts)


def track_problem(status: int, said: str, lang: str) -> str:
    """Why nothing is shown. Not found says the same for a wrong code and a wrong number."""
    known = {404: "track_not_found", 429: "track_too_many"}
    return sentence(known[status], lang) if status in known else said


def call_of(what: str, typed: Mapping[str, str], now: datetime) -> dict[str, Any]:
    """The body of a call; ``what`` is ``help`` or ``ride``.

    Help is asked for with a telephone and a word of what is the matter: the desk rings back and asks for the rest.

    Raises:
        Wrong: with every field that is missing or cannot be read.

    """
    text = {name: value.strip() for name, value in typed.items() if value.strip()}
    wrong: list[tuple[str | None, str]] = []
    body: dict[str, Any] = {
        "channel": "web",
        "caller": {"name": text.get("name"), "phone": text.get("phone")},
        "location": {"landmark": text.get("landmark"), "community": text.get("community"), **_point(text)},
        "complaint": text.get("complaint"),
    }
    if not _rings(text.get("phone", "")):
        wrong.append(("phone", "phone_missing"))
    patient = _patient(text)
    if what == "ride":
        if "landmark" not in text and "community" not in text and "lat" not in body["location"]:
            wrong.append(("landmark", "place_missing"))
        if "age" in text and "age" not in patient:
            wrong.append(("age", "age_wrong"))
        body |= {"kind": "transfer", "lane": "booked", "appointment": _appointment(text, now, wrong)}
        body["destination"] = {"address": text.get("destination")}
        if "destination" not in text:
            wrong.append(("destination", "destination_missing"))
    else:
        body["kind"] = text["kind"] if text.get("kind") in KINDS else "other"
        if "complaint" not in text:
            wrong.append(("complaint", "complaint_missing"))
        elif "age" in text and not patient.get("age"):  # months of an infant, or what only a person can read
            body["complaint"] += f" (อายุตามที่บอก: {text['age']})"
    if body["kind"] != "hazard":
        body["patient"] = patient
    if wrong:
        raise Wrong(wrong)
    return body


def _rings(typed: str) -> bool:
    """Whether somebody can be rung there: the form can still be corrected, a call at the desk is taken as it is."""
    try:
        read_phone(typed, short_codes=False)
    except Refusal:
        return False
    return True


def _patient(text: Mapping[str, str]) -> dict[str, Any]:
    patient: dict[str, Any] = {"name": text.get("patient") or (text.get("name") if text.get("self") else None)}
    if text.get("mobility") in MOBILITY:
        patient["mobility"] = text["mobility"]
    if "age" in text and (age := read_age(text["age"])) is not None:
        patient["age"] = age
    return patient


def _point(text: Mapping[str, str]) -> dict[str, float]:
    """Where the phone said it is: only what can be a point."""
    try:
        lat, lon = float(text.get("lat", "")), float(text.get("lon", ""))
    except ValueError:
        return {}
    return {"lat": lat, "lon": lon} if -90 <= lat <= 90 and -180 <= lon <= 180 else {}  # noqa: PLR2004 degrees


def _appointment(text: Mapping[str, str], now: datetime, wrong: list[tuple[str | None, str]]) -> dict[str, Any]:
    """Day in either era and time of day, by Thai time."""
    at = None
    try:
        day = read_day(text.get("on", ""), Years.of_appointment(now.astimezone(BANGKOK).date()), "on")
        clock = datetime.strptime(arabic_digits(text.get("time", "")).replace(".", ":"), "%H:%M").time()  # noqa: DTZ007
        at = datetime.combine(day, clock, BANGKOK)
    except Refusal:
        wrong.append(("on", "day_wrong"))
    except ValueError:
        wrong.append(("time", "time_wrong"))
    if at is not None and at <= now:
        wrong.append(("on", "day_past"))
    return {"at": at.astimezone(UTC).isoformat() if at else None, "return_trip": bool(text.get("back"))}
