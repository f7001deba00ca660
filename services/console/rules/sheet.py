"""The desk's sheet, as typed, and the call it means. Field names are the paths of ``POST /v1/calls``, so that a
refusal of intake finds its field; what people type more freely (years, days, places) is read here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from services.console.rules.places import read_place
from services.console.rules.recurrence import rule_of
from shared.geo import Point
from shared.refusal import Refusal
from shared.thai.dates import BANGKOK, Years, read_age, read_day, read_year
from shared.thai.text import arabic_digits

Sheet = Mapping[str, Any]
Doc = dict[str, Any]

CLOCK = re.compile(r"(\d{1,2})[:.]?(\d{2})?")
PATIENT = re.compile(r"patients\.(\d+)\.(\w+)")
LISTS = re.compile(r"(^barriers|\.days|\.needs|\.groups)$")
ONE_WORD = ("kind", "lane", "complaint", "notes")
WORDS_OF_PATIENT = ("id", "name", "national_id", "sex", "mobility")
MOST_PATIENTS = 100
AHEAD = {"วันนี้": 0, "today": 0, "พรุ่งนี้": 1, "tomorrow": 1, "มะรืน": 2, "มะรืนนี้": 2}
LAST_HOUR, LAST_MINUTE = 23, 59
NOT_A_TIME = Refusal("not_a_time", "appointment.time", "อ่านเวลาไม่ออก ตัวอย่าง 8:30", "not a time of day; write 8:30")
DAY_NEEDED = Refusal("day_needed", "appointment.on", "ต้องมีวันนัด", "the day of the appointment is missing")
ENDS_BEFORE = Refusal(
    "ends_before_it_begins",
    "recurrence.until",
    "วันสุดท้ายของนัดซ้ำอยู่ก่อนนัดครั้งแรก",
    "the last day lies before the first visit",
)
NOT_A_NUMBER = ("not_a_number", "ต้องเป็นตัวเลข", "this is a number")
BORN = Refusal(
    "not_born", "born", "พิมพ์อายุ ปีเกิด หรือวันเกิด เช่น 72, 8 เดือน, 2497, 12/3/2497",
    "an age, a year or a day of birth: 72, 8 months, 1954, 12/3/1954",
)  # fmt: skip
WHERE_TO = Refusal("where_to", "destination.facility_id", "ยังไม่มีปลายทาง ไปที่ไหน", "no destination: where to?")
WHO_GOES = Refusal("who_goes", "patients.0.name", "ยังไม่มีชื่อผู้โดยสาร ใครจะไป", "no passenger's name: who goes?")
ALIASES = {
    "appointment.at": "appointment.time", "appointment.recurrence": "recurrence.days", "location": "location.landmark",
    "location.lat": "location.point", "location.lon": "location.point", "external_refs.0.number": "ref_1669",
    "triage.criteria_group": "group",
}  # fmt: skip
"""Paths that the sheet shows under another name."""


def call_of(sheet: Sheet, near: Point, today: date) -> tuple[Doc, list[Refusal]]:
    """The body for intake, and what could not be read. Empty fields are left out."""
    refusals: list[Refusal] = []
    body: Doc = {name: said for name in ONE_WORD if (said := _text(sheet, name))}
    parts = {
        "caller": _group(sheet, "caller"),
        "location": _location(sheet, near),
        "destination": _destination(sheet, near),
        "triage": _triage(sheet),
        "appointment": _appointment(sheet, today, refusals),
        "patients": _patients(sheet, today, refusals),
        "barriers": _list(sheet, "barriers"),
    }
    body |= {name: part for name, part in parts.items() if part}
    for name in ("patient_count", "companions"):
        if (number := _number(sheet, name, refusals)) is not None:
            body[name] = number
    if told := _births_as_said(sheet, today):
        body["notes"] = "\n".join(filter(None, (body.get("notes"), *told)))
    if ref := _text(sheet, "ref_1669"):
        body["external_refs"] = [{"system": "1669", "number": ref}]
    return body, refusals


def asks_of(sheet: Sheet) -> list[Refusal]:
    """What a ride lacks, to be asked once while the caller is there. It is taken without where nobody knows.

    Nothing of an emergency, nor of what an answer may make one.
    """
    answers = sheet.get("answers")
    urgent = _text(sheet, "lane") == "emergency" or (isinstance(answers, dict) and "yes" in answers.values())
    if urgent or not _can_wait(sheet):
        return []
    goes = any(_text(sheet, f"patients.{n}.{name}") for n in range(_many(sheet)) for name in ("name", "id"))
    where = any(_text(sheet, f"destination.{name}") for name in ("facility_id", "address"))
    return [ask for ask, known in ((WHERE_TO, where), (WHO_GOES, goes)) if not known]


def sheet_of_form(fields: Iterable[tuple[str, str]]) -> Doc:
    """The sheet of a plain form: of what is asked twice the last that says something; lists as lists."""
    sheet: Doc = {}
    for name, value in fields:
        if LISTS.search(name):
            sheet.setdefault(name, []).append(value)
        elif value.strip():
            sheet[name] = value
    return sheet


def shown_at(path: str) -> str:
    """The sheet's field for a path of intake's."""
    if path in ALIASES:
        return ALIASES[path]
    if found := PATIENT.fullmatch(path):
        born = found[2] in {"age", "birth_year", "birth_date"}
        return f"patients.{found[1]}.{'born' if born else found[2]}"
    if path.startswith("triage.answers"):
        return "group"
    return path


def problems_of(problem: Mapping[str, Any], refusals: Iterable[Refusal] = ()) -> list[Doc]:
    """What is wrong, field by field: ``{field, th, en}``; ``field`` is empty where it is the whole."""
    ours = [{"field": each.field, "th": each.th, "en": each.en} for each in refusals]
    errors = problem.get("errors") or ([problem] if problem.get("th") else [])
    theirs = [
        {"field": shown_at(str(each.get("field", ""))), "th": each.get("th", ""), "en": each.get("en", "")}
        for each in errors
    ]
    return ours + theirs


def _text(sheet: Sheet, name: str) -> str:
    value = sheet.get(name)
    return value.strip() if isinstance(value, str) else ""


def _list(sheet: Sheet, name: str) -> list[str]:
    value = sheet.get(name) or []
    return [value] if isinstance(value, str) else [str(each) for each in value]


def _group(sheet: Sheet, prefix: str) -> Doc:
    """All texts under ``prefix.``."""
    start = f"{prefix}."
    names = (name for name in sheet if name.startswith(start) and name.count(".") == 1)
    return {name.removeprefix(start): said for name in names if (said := _text(sheet, name))}


def _number(sheet: Sheet, name: str, refusals: list[Refusal]) -> int | None:
    typed = arabic_digits(_text(sheet, name))
    if not typed:
        return None
    if not typed.isdigit():
        code, th, en = NOT_A_NUMBER
        refusals.append(Refusal(code, name, th, en))
        return None
    return int(typed[:9])


def _location(sheet: Sheet, near: Point) -> Doc:
    """Where it is. A point that cannot be read stays as words: an emergency is never stopped by it."""
    place = _group(sheet, "location")
    typed = place.pop("point", "")
    if not typed:
        return place
    found = read_place(typed, near)
    if found:
        return {**place, "lat": found.point.lat, "lon": found.point.lon}
    return {**place, "landmark": " ".join(filter(None, (place.get("landmark"), typed)))}


def _destination(sheet: Sheet, near: Point) -> Doc:
    place = _group(sheet, "destination")
    found = read_place(place.get("address", ""), near)
    return {**place, "lat": found.point.lat, "lon": found.point.lon} if found else place


def _triage(sheet: Sheet) -> Doc:
    answers = sheet.get("answers")
    triage: Doc = {"answers": answers} if isinstance(answers, dict) and answers else {}
    group = _text(sheet, "triage.criteria_group")
    return {**triage, "criteria_group": int(group)} if group.isdigit() else triage


def _patients(sheet: Sheet, today: date, refusals: list[Refusal]) -> list[Doc]:
    """Everybody told of; lines that say nothing about anybody stay, so that refusals find theirs."""
    people = [_patient(sheet, number, today, refusals) for number in range(_many(sheet))]
    while people and not people[-1]:
        people.pop()
    return people


def _many(sheet: Sheet) -> int:
    last = max((int(found[1]) for name in sheet if (found := PATIENT.fullmatch(name))), default=-1)
    return min(last + 1, MOST_PATIENTS)


def _patient(sheet: Sheet, number: int, today: date, refusals: list[Refusal]) -> Doc:
    where = f"patients.{number}"
    person: Doc = {name: said for name in WORDS_OF_PATIENT if (said := _text(sheet, f"{where}.{name}"))}
    person |= {name: ticked for name in ("needs", "groups") if (ticked := _list(sheet, f"{where}.{name}"))}
    if typed := _text(sheet, f"{where}.born"):
        try:
            person |= _born(typed, today)
        except Refusal as refusal:
            if _can_wait(sheet):
                refusals.append(refusal.at(f"{where}.born"))
    return person


def _births_as_said(sheet: Sheet, today: date) -> list[str]:
    """What was said of ages and births and has no field of its own: months of an infant, and what cannot be read.

    An emergency is never stopped by it.
    """
    if _can_wait(sheet):
        return []
    said = ((number + 1, _text(sheet, f"patients.{number}.born")) for number in range(_many(sheet)))
    return [f"ผู้ป่วย {number} อายุหรือวันเกิดตามที่บอก: {typed}" for number, typed in said if typed and _loses(typed, today)]


def _can_wait(sheet: Sheet) -> bool:
    return _text(sheet, "lane") == "booked" or bool(_text(sheet, "appointment.on"))


def _loses(typed: str, today: date) -> bool:
    try:
        return _born(typed, today) == {"age": 0}
    except Refusal:
        return True


def _born(typed: str, today: date) -> Doc:
    """An age, a year or a day: ``72 ปี``, ``2497``, ``12/3/2497``, ``12 มี.ค. 2497``. Intake turns the era.

    Raises:
        Refusal: it is none of them.

    """
    years = Years.of_birth(today)
    if (age := read_age(typed)) is not None:
        return {"age": age}
    plain = arabic_digits(typed)
    if len(plain) == 4 and plain.isdecimal():  # noqa: PLR2004 a year
        read_year(int(plain), years)
        return {"birth_year": int(plain)}
    if plain.isdecimal():
        raise BORN
    read_day(plain, years)
    return {"birth_date": plain}


def _appointment(sheet: Sheet, today: date, refusals: list[Refusal]) -> Doc:
    """The appointment, its day in either era, its time in Thailand."""
    on, at = _text(sheet, "appointment.on"), _text(sheet, "appointment.time")
    recurrence = _recurrence(sheet, today, refusals)
    more = {"clinic": _text(sheet, "appointment.clinic"), "recurrence": recurrence}
    duration = _number(sheet, "appointment.duration_min", refusals)
    if not on and not at:
        if recurrence or more["clinic"]:
            refusals.append(DAY_NEEDED)
        return {}
    try:
        moment = read_moment(on, at, today)
    except Refusal as refusal:
        refusals.append(refusal)
        return {}
    if (found := re.search(r"UNTIL=(\d{8})", recurrence)) and found[1] < f"{moment:%Y%m%d}":
        refusals.append(ENDS_BEFORE)
    return {
        "at": moment.isoformat(),
        **{name: said for name, said in more.items() if said},
        **({"duration_min": duration} if duration is not None else {}),
        "return_trip": bool(sheet.get("appointment.return_trip")),
    }


def read_moment(on: str, at: str, today: date) -> datetime:
    """A day of either era and a time of day in Thailand.

    Raises:
        Refusal: one of them is missing or cannot be read.

    """
    if not on:
        raise DAY_NEEDED
    found = CLOCK.fullmatch(arabic_digits(at).removesuffix("น.").strip())
    hour, minute = (int(found[1]), int(found[2] or 0)) if found else (99, 0)
    if hour > LAST_HOUR or minute > LAST_MINUTE:
        raise NOT_A_TIME
    ahead = AHEAD.get(on.strip().casefold())
    day = read_day(on, Years.of_appointment(today), "appointment.on") if ahead is None else today + timedelta(ahead)
    return datetime.combine(day, time(hour, minute), BANGKOK)


def _recurrence(sheet: Sheet, today: date, refusals: list[Refusal]) -> str:
    """The rule of a repeated visit, or nothing."""
    every, count = (_number(sheet, f"recurrence.{name}", refusals) for name in ("every", "count"))
    try:
        return rule_of(_list(sheet, "recurrence.days"), every, count, _text(sheet, "recurrence.until"), today)
    except Refusal as refusal:
        refusals.append(refusal)
        return ""
