"""From what was typed to what is kept: phones, points, births, moments, and who must not be refused.

Booked rides are read strictly: what cannot be read is refused, each field named. Emergencies are read kindly: a phone
number or a point that cannot be read is set aside as it was typed, with a warning, and the call is taken. What is
impossible in itself (an age of 200, a birth next year) is refused in both, since it says nothing that could help.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Protocol, TypeVar
from uuid import UUID

from shared.geo import Point, read_point
from shared.refusal import Refusal
from shared.thai import areas, dates, identifiers
from shared.thai.names import name_key
from shared.thai.phones import read_phone
from shared.thai.text import arabic_digits, tidy

T = TypeVar("T")
Doc = dict[str, Any]

FUTURE_LEEWAY = timedelta(seconds=30)
APPOINTMENT_AHEAD = timedelta(days=2 * 366)

NOWHERE = Refusal(
    "nobody_to_find", "location",
    "ต้องมีอย่างน้อยหนึ่งอย่างที่ใช้หาตัวผู้แจ้งหรือสถานที่ได้ เช่น เบอร์โทรศัพท์ จุดสังเกต หรือพิกัด",
    "give at least one way to find the caller or the place: a phone number, a landmark, a point",
)  # fmt: skip
HALF_POINT = Refusal(
    "point_incomplete", "location", "พิกัดต้องมีทั้งละติจูดและลองจิจูด", "a point needs both latitude and longitude"
)
IN_FUTURE = Refusal(
    "in_the_future", "received_at", "เวลารับแจ้งอยู่ในอนาคต ตรวจนาฬิกาของเครื่อง",
    "the time of receipt lies in the future: check the clock",
)  # fmt: skip
APPOINTMENT_PAST = Refusal("appointment_past", "appointment.at", "เวลานัดผ่านไปแล้ว", "the appointment is over")
APPOINTMENT_FAR = Refusal(
    "appointment_far", "appointment.at", "เวลานัดไกลเกินสองปี", "the appointment is more than two years away"
)
POINT_TURNED = Refusal(
    "point_turned", "location", "ละติจูดกับลองจิจูดสลับกัน ระบบสลับกลับให้แล้ว กรุณาตรวจสอบกับผู้แจ้ง",
    "latitude and longitude were exchanged; we turned them, check with the caller",
)  # fmt: skip


class CallerFields(Protocol):
    name: str | None
    phone: str | None
    relation: str | None
    line_user_id: str | None
    language: Any


class PersonFields(Protocol):
    id: UUID | None
    name: str | None
    national_id: str | None
    birth_date: str | None
    birth_year: int | None
    age: int | None
    sex: Any
    mobility: Any
    needs: list[Any]
    groups: list[str]


class PlaceFields(Protocol):
    lat: float | None
    lon: float | None
    address: str | None
    landmark: str | None
    tambon_code: str | None
    community: str | None


@dataclass(slots=True)
class Notes:
    """What was found while reading. ``errors`` refuse every call; ``doubts`` refuse a booked ride and are told as

    warnings with an emergency, for some of them in other words.
    """

    errors: list[Refusal] = field(default_factory=list)
    doubts: list[tuple[Refusal, Refusal]] = field(default_factory=list)
    remarks: list[Refusal] = field(default_factory=list)

    def refuse(self, refusal: Refusal) -> None:
        self.errors.append(refusal)

    def doubt(self, refusal: Refusal, warning: Refusal | None = None) -> None:
        self.doubts.append((refusal, warning or refusal))

    def remark(self, warning: Refusal) -> None:
        """Told with the answer, whatever the lane."""
        self.remarks.append(warning)

    def try_(self, read: Callable[[], T], *, kind: bool) -> T | None:
        """What ``read`` gives; None and a note where it refuses. ``kind``: only doubtful, not impossible."""
        try:
            return read()
        except Refusal as refusal:
            (self.doubt if kind else self.refuse)(refusal)
            return None

    def errors_of(self, lane: str) -> list[Refusal]:
        """Why a call of that lane cannot be taken."""
        return self.errors + ([refusal for refusal, _ in self.doubts] if lane == "booked" else [])

    def warnings_of(self, lane: str) -> list[Refusal]:
        """What goes with the answer to a call of that lane."""
        return self.remarks + ([] if lane == "booked" else [warning for _, warning in self.doubts])


def read_caller(caller: CallerFields | None, notes: Notes) -> Doc:
    """Columns of the caller. An unreadable number of an emergency is kept in ``caller_phone_typed``."""
    if caller is None:
        return dict.fromkeys(CALLER_COLUMNS)
    typed = caller.phone
    phone = notes.try_(lambda: read_phone(typed, "caller.phone"), kind=True) if typed else None
    name = tidy(caller.name) or None if caller.name else None
    return {
        "caller_name": name,
        "caller_name_key": name_key(name).text or None if name else None,
        "caller_phone": phone.e164 or phone.short if phone else None,
        "caller_phone_typed": typed if typed and phone is None else None,
        "caller_relation": caller.relation,
        "caller_line_user_id": caller.line_user_id,
        "caller_language": str(caller.language) if caller.language else None,
    }


CALLER_COLUMNS = (
    "caller_name", "caller_name_key", "caller_phone", "caller_phone_typed", "caller_relation", "caller_line_user_id",
    "caller_language",
)  # fmt: skip
PLACE_COLUMNS = ("lat", "lon", "point_typed", "address", "landmark", "tambon_code", "community")


def read_place(place: PlaceFields | None, notes: Notes, near: Callable[[Point], bool]) -> Doc:
    """Columns of the place. ``near``: the point lies in or near the municipality, wherever on earth that is."""
    if place is None:
        return dict.fromkeys(PLACE_COLUMNS)
    point, point_typed = _read_point(place, notes, near)
    code = place.tambon_code
    tambon = notes.try_(lambda: areas.tambon(code, "location.tambon_code"), kind=True) if code else None
    return {
        "lat": point.lat if point else None,
        "lon": point.lon if point else None,
        "point_typed": point_typed,
        "address": tidy(place.address) or None if place.address else None,
        "landmark": tidy(place.landmark) or None if place.landmark else None,
        "tambon_code": tambon.code if tambon else None,
        "community": tidy(place.community) or None if place.community else None,
    }


def _read_point(place: PlaceFields, notes: Notes, near: Callable[[Point], bool]) -> tuple[Point | None, str | None]:
    """The point, or the text of one that cannot be."""
    if place.lat is None and place.lon is None:
        return None, None
    typed = f"{place.lat}, {place.lon}"
    if place.lat is None or place.lon is None:
        notes.doubt(HALF_POINT)
        return None, typed
    plain = Point(place.lon, place.lat)
    if near(plain):
        return plain, None
    try:
        return read_point(place.lon, place.lat), None
    except Refusal as refusal:
        if refusal.code == "point_swapped":
            notes.doubt(refusal, POINT_TURNED)
            return Point(place.lat, place.lon), typed
        notes.doubt(refusal)
        return None, typed


def read_destination(destination: Any, notes: Notes, near: Callable[[Point], bool]) -> Doc | None:
    """Where to. A bad point is never taken for a place; the address beside it stays."""
    if destination is None:
        return None
    found: Doc = {
        "facility_id": str(destination.facility_id) if destination.facility_id else None,
        "lat": None,
        "lon": None,
        "address": destination.address,
    }
    if destination.lat is None and destination.lon is None:
        return found
    if destination.lat is None or destination.lon is None:
        notes.doubt(HALF_POINT.at("destination"))
        return found
    point = Point(destination.lon, destination.lat)
    if not near(point):
        read = notes.try_(lambda: read_point(destination.lon, destination.lat, "destination"), kind=True)
        if read is None:
            return found
    return {**found, "lat": point.lat, "lon": point.lon}


def read_person(person: PersonFields, position: int, where: str, today: date, notes: Notes) -> Doc:
    """Columns of one patient but its id and call. ``where`` is the field's path, e.g. ``patients.0``."""
    years = dates.Years.of_birth(today)
    typed = person.birth_date
    birth_on = notes.try_(lambda: dates.read_day(typed, years, f"{where}.birth_date"), kind=False) if typed else None
    if birth_on is not None and birth_on > today:
        notes.refuse(Refusal("born_later", f"{where}.birth_date", "วันเกิดอยู่ในอนาคต", "the birth lies in the future"))
    year = person.birth_year
    birth_year = (
        notes.try_(lambda: dates.read_year(year, years, f"{where}.birth_year"), kind=False)
        if year is not None
        else None
    )
    _tell_of_era(typed, birth_on.year if birth_on else None, f"{where}.birth_date", notes)
    _tell_of_era(year, birth_year, f"{where}.birth_year", notes)
    number = person.national_id
    field_name = f"{where}.national_id"
    identifier = notes.try_(lambda: identifiers.read_identifier(number, field_name), kind=True) if number else None
    name = tidy(person.name) or None if person.name else None
    return {
        "position": position,
        "person_id": None,
        "name": name,
        "name_key": name_key(name).text or None if name else None,
        "national_id": identifier.value or None if identifier else None,
        "birth_on": birth_on.isoformat() if birth_on else None,
        "birth_year": birth_year,
        "age": person.age,
        "sex": str(person.sex) if person.sex else None,
        "mobility": str(person.mobility) if person.mobility else None,
        "needs": [str(need) for need in dict.fromkeys(person.needs)],
        "groups": list(dict.fromkeys(person.groups)),
    }


def _tell_of_era(typed: str | int | None, year: int | None, field_name: str, notes: Notes) -> None:
    """A birth's year in the Buddhist era is certain, for the eras never meet; but it is not turned in silence."""
    if year is not None and str(year + dates.BE_OFFSET) in arabic_digits(str(typed)):
        notes.remark(Refusal(
            "read_in_buddhist_era", field_name,
            f"อ่านปี {year + dates.BE_OFFSET} เป็น พ.ศ. คือ ค.ศ. {year}",
            f"the year {year + dates.BE_OFFSET} is read in the Buddhist era: {year}",
        ))  # fmt: skip


NOBODY_KNOWN: Doc = {
    "person_id": None, "name": None, "name_key": None, "national_id": None, "birth_on": None, "birth_year": None,
    "age": None, "sex": None, "mobility": None, "needs": [], "groups": [],
}  # fmt: skip


def read_people(people: list[Any], count: int | None, kind: str, where: str, today: date, notes: Notes) -> list[Doc]:
    """One entry per person expected: those told of, and nameless ones up to ``count``. Hazards may have none."""
    found = [
        read_person(person, place + 1, f"{where}.{place}" if where == "patients" else where, today, notes)
        for place, person in enumerate(people)
    ]
    least = 0 if kind == "hazard" else 1
    nameless = range(len(found) + 1, max(count or 0, least) + 1)
    return found + [{**NOBODY_KNOWN, "position": position} for position in nameless]


def age_of(person: Doc, on: date) -> int | None:
    """The age in years as far as it is known: told, or from the birth."""
    if person["age"] is not None:
        return int(person["age"])
    birth_on = date.fromisoformat(person["birth_on"]) if person["birth_on"] else None
    try:
        known = dates.age(on, birth_date=birth_on, birth_year=person["birth_year"])
    except Refusal:
        return None
    return known.years if known else None


def read_received(received_at: datetime | None, now: datetime, notes: Notes) -> datetime:
    """รับแจ้ง: never later than now; half a minute of a foreign clock is forgiven."""
    if received_at is None:
        return now
    if received_at > now + FUTURE_LEEWAY:
        notes.refuse(IN_FUTURE)
    return min(received_at, now)


def check_appointment(at: datetime, now: datetime, notes: Notes, *, back_entry: bool) -> None:
    """An appointment lies ahead, unless paper is entered afterwards."""
    if at < now and not back_entry:
        notes.doubt(APPOINTMENT_PAST)
    if at > now + APPOINTMENT_AHEAD:
        notes.doubt(APPOINTMENT_FAR)


def check_findable(columns: Doc, notes: Notes) -> None:
    """The one thing nobody can do without: a way to the caller or to the place."""
    ways = ("caller_phone", "caller_phone_typed", "caller_line_user_id", "point_typed", "lat", "address", "landmark",
            "tambon_code", "community")  # fmt: skip
    if not any(columns[way] is not None for way in ways):
        notes.refuse(NOWHERE)
