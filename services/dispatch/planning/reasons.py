"""Why a trip found no place, and what would help, in words that a person understands. Pure.

Asked in this order: whether any vehicle could ever, whether the trip is possible at all, whether a vehicle could if it
had nothing else to do. What remains is that all are busy with others.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from services.dispatch.planning.checker import TOLERANCE, times_of
from services.dispatch.planning.problem import Problem, Trip, Vehicle

KINDS: Mapping[str, tuple[str, str]] = {
    "seat": ("ที่นั่ง", "seat"),
    "wheelchair": ("ที่สำหรับรถเข็น", "wheelchair place"),
    "stretcher": ("ที่สำหรับเปล", "stretcher place"),
    "companion": ("ที่นั่งผู้ติดตาม", "companion's seat"),
    "oxygen": ("ออกซิเจน", "oxygen place"),
}


@dataclass(frozen=True, slots=True)
class Reason:
    """``code`` for programs; what is so, and what would help, for people."""

    code: str
    th: str
    en: str
    help_th: str
    help_en: str


# code → what is so (Thai, English), what would help (Thai, English); words in {} come from the trip.
SENTENCES: Mapping[str, tuple[str, str, str, str]] = {
    "no_vehicles": (
        "ไม่มีรถเลย", "there are no vehicles", "จัดรถอย่างน้อยหนึ่งคัน", "at least one vehicle",
    ),
    "skills": (
        "ไม่มีรถคันใดมีทักษะหรืออุปกรณ์ที่ต้องใช้: {skills}", "no vehicle has what the trip needs: {skills}",
        "จัดรถหรือทีมที่มี {skills}", "a vehicle or crew with {skills}",
    ),
    "places": (
        "ไม่มีรถคันใดมีที่พอ: {places_th}", "no vehicle has room enough: {places_en}",
        "จัดรถที่มี {places_th} หรือแยกเดินทาง", "a vehicle with {places_en}, or travelling apart",
    ),
    "skills_and_places": (
        "ไม่มีรถคันใดมีทั้ง {skills} และที่พอ ({places_th})", "no vehicle has both {skills} and room ({places_en})",
        "ย้าย {skills} ไปไว้กับรถที่มี {places_th}", "put {skills} into a vehicle with {places_en}",
    ),
    "unreachable": (
        "ไม่มีทางให้รถที่เหมาะสมไปจุดรับ ไปจุดส่ง แล้วกลับ",
        "no suitable vehicle has a way to the pickup, on to the drop-off and home",
        "ตรวจตำแหน่งของจุดรับ จุดส่ง และที่จอดรถ", "check where the two places and the vehicles' homes lie",
    ),
    "ride_limit": (
        "ขับตรงไปก็นานกว่าเวลานั่งรถที่กำหนด", "even the direct drive is longer than the ride limit",
        "เพิ่มเวลานั่งรถได้สูงสุดเป็นอย่างน้อย {direct_min} นาที", "a ride limit of {direct_min} minutes at least",
    ),
    "windows": (
        "ช่วงเวลารับกับช่วงเวลาส่งเข้ากันไม่ได้", "the times for pickup and drop-off do not go together",
        "ขยายช่วงเวลารับหรือส่งอีกอย่างน้อย {short_min} นาที", "widen one of the windows by {short_min} minutes at least",
    ),
    "shifts": (
        "ไม่มีรถที่เหมาะสมคันใดทำได้ในช่วงเวลาทำงาน แม้ไม่มีงานอื่น",
        "no suitable vehicle can do it within its shift, even with nothing else to do",
        "จัดกะรถให้ครอบคลุม {from_} ถึง {to} หรือย้ายเวลานัด", "a shift that covers {from_} to {to}, or another time",
    ),
    "busy": (
        "รถที่เหมาะสมทุกคันติดงานอื่นในช่วงนั้น", "every suitable vehicle is busy with others at that time",
        "เพิ่ม {places_th} ระหว่าง {from_} ถึง {to} หรือขยายช่วงเวลา",
        "one more vehicle with {places_en} between {from_} and {to}, or wider times",
    ),
}  # fmt: skip


def reason_of(problem: Problem, number: int) -> Reason:
    """Why trip ``number`` is not in the plan."""
    trip = problem.trips[number]
    for code, holds in ASKED:
        if holds(problem, trip, number):
            return _said(code, problem, trip)
    return _said("busy", problem, trip)


def _nobody(problem: Problem, _: Trip, __: int) -> bool:
    return not problem.vehicles


def _no_skills(problem: Problem, trip: Trip, _: int) -> bool:
    return not any(trip.skills <= vehicle.skills for vehicle in problem.vehicles)


def _no_places(problem: Problem, trip: Trip, _: int) -> bool:
    return not any(_holds(vehicle, trip) for vehicle in problem.vehicles)


def _not_both(problem: Problem, trip: Trip, _: int) -> bool:
    return not _suitable(problem, trip)


def _no_way(problem: Problem, trip: Trip, _: int) -> bool:
    way, p, d = problem.duration_s, trip.pickup.place, trip.dropoff.place
    return not any(math.isfinite(way[v.start, p] + way[p, d] + way[d, v.end]) for v in _suitable(problem, trip))


def _too_long(problem: Problem, trip: Trip, _: int) -> bool:
    longest = max(min(trip.max_ride_s, vehicle.max_ride_s) for vehicle in _suitable(problem, trip))
    return _direct(problem, trip) > longest + TOLERANCE


def _apart(problem: Problem, trip: Trip, _: int) -> bool:
    return _short(problem, trip) > TOLERANCE


def _out_of_shift(problem: Problem, trip: Trip, number: int) -> bool:
    alone = [(number, True), (number, False)]
    return not any(times_of(problem, vehicle, alone) for vehicle in _suitable(problem, trip))


ASKED: Sequence[tuple[str, Callable[[Problem, Trip, int], bool]]] = (
    ("no_vehicles", _nobody),
    ("skills", _no_skills),
    ("places", _no_places),
    ("skills_and_places", _not_both),
    ("unreachable", _no_way),
    ("ride_limit", _too_long),
    ("windows", _apart),
    ("shifts", _out_of_shift),
)


def _holds(vehicle: Vehicle, trip: Trip) -> bool:
    return all(count <= vehicle.capacity.get(kind, 0.0) + TOLERANCE for kind, count in trip.load.items())


def _suitable(problem: Problem, trip: Trip) -> list[Vehicle]:
    return [vehicle for vehicle in problem.vehicles if trip.skills <= vehicle.skills and _holds(vehicle, trip)]


def _direct(problem: Problem, trip: Trip) -> float:
    return float(problem.duration_s[trip.pickup.place, trip.dropoff.place])


def _short(problem: Problem, trip: Trip) -> float:
    """Seconds by which the windows miss each other: too early a drop-off, or one so late that the ride gets long."""
    gone = trip.pickup.service_s + _direct(problem, trip)
    late = trip.pickup.window[0] + gone - trip.dropoff.window[1]
    early = trip.dropoff.window[0] - (trip.pickup.window[1] + trip.pickup.service_s + trip.max_ride_s)
    return max(late, early)


def _said(code: str, problem: Problem, trip: Trip) -> Reason:
    places = [(count, KINDS.get(kind, (kind, kind))) for kind, count in sorted(trip.load.items()) if count > 0]
    direct, short = _direct(problem, trip), _short(problem, trip)
    words = {
        "skills": ", ".join(sorted(trip.skills)),
        "places_th": " ".join(f"{th} {count:g}" for count, (th, _) in places) or "ที่นั่ง",
        "places_en": ", ".join(f"{count:g} {en}" for count, (_, en) in places) or "a seat",
        "direct_min": str(math.ceil(direct / 60)) if math.isfinite(direct) else "",
        "short_min": str(math.ceil(max(short, 0.0) / 60)) if math.isfinite(short) else "",
        "from_": _clock(_earliest(problem, trip)),
        "to": _clock(trip.dropoff.window[1]),
    }
    return Reason(code, *(sentence.format_map(words) for sentence in SENTENCES[code]))


def _earliest(problem: Problem, trip: Trip) -> float:
    """When the pickup may begin at the earliest, given when the drop-off opens."""
    ride = min(trip.max_ride_s, _direct(problem, trip) + 3600)
    earliest = trip.dropoff.window[0] - ride - trip.pickup.service_s
    return max(trip.pickup.window[0], earliest) if math.isfinite(earliest) else trip.pickup.window[0]


def _clock(at_s: float) -> str:
    """Hours and minutes from the plan's zero, which is midnight where a day is planned."""
    minutes = int(max(at_s, 0.0) // 60)
    return f"{minutes // 60}:{minutes % 60:02d}"
