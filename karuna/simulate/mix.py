"""What a municipality is called for: invented calls of invented people, in the proportions of published figures.

Emergencies follow Thailand's 8,116,969 calls of 2016 to 2020 (J EMS Med 2023;2(2):45): traffic 25.6 %, unknown 20.4 %,
abdominal pain 10.6 %, falls 8 %, dyspnoea 7.8 %; 87 % of level I or II; Fridays 14.7 %; 36.5 % in the afternoon. What
these leave open (the other complaints, hazards, rides, what callers leave out) is our own guess.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from karuna.seed import PEOPLE, line_user, person_body
from services.intake.rules.triage import answers_giving
from shared.geo import METRES_PER_DEGREE, Point, inside
from shared.pack_parts import Pack
from shared.thai.dates import BANGKOK

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Complaint:
    """``share`` in percent of emergencies; ``group`` of the 25 criteria groups."""

    share: float
    group: int
    words: tuple[str, ...]


COMPLAINTS = (
    Complaint(25.6, 25, ("รถจักรยานยนต์ล้ม มีคนเจ็บ", "รถชนกัน คนเจ็บอยู่ข้างถนน", "รถเฉี่ยวชนคนข้ามถนน")),
    Complaint(20.4, 17, ("มีคนป่วย ไม่ทราบอาการ", "อ่อนเพลียมาก ลุกไม่ไหว", "เป็นลม หน้าซีด")),
    Complaint(10.6, 1, ("ปวดท้องมาก", "ปวดท้องด้านขวา อาเจียน")),
    Complaint(8.0, 24, ("ล้มในห้องน้ำ ลุกไม่ได้", "ตกบันได ปวดสะโพก", "ตกต้นไม้")),
    Complaint(7.8, 5, ("หายใจลำบาก", "หอบเหนื่อย พูดเป็นคำ ๆ", "หอบหืดกำเริบ")),
    Complaint(5.5, 7, ("เจ็บแน่นหน้าอก", "แน่นหน้าอก เหงื่อออก")),
    Complaint(4.6, 18, ("แขนขาอ่อนแรงข้างเดียว", "ปากเบี้ยว พูดไม่ชัด")),
    Complaint(3.6, 19, ("ปลุกไม่ตื่น", "หมดสติ")),
    Complaint(3.1, 16, ("ชัก เกร็ง",)),
    Complaint(2.6, 9, ("น้ำตาลต่ำ ซึม",)),
    Complaint(2.2, 20, ("เด็กไข้สูง ซึม", "เด็กหายใจเร็ว")),
    Complaint(1.8, 13, ("คลุ้มคลั่ง พูดคนเดียว",)),
    Complaint(1.5, 15, ("เจ็บท้องใกล้คลอด",)),
    Complaint(1.2, 3, ("งูกัด", "หมากัด")),
    Complaint(0.8, 21, ("ถูกทำร้ายร่างกาย",)),
    Complaint(0.4, 6, ("หยุดหายใจ กำลังปั๊มหัวใจ",)),
    Complaint(0.3, 23, ("ตกน้ำ",)),
)
SEVERITIES = {"red": 32, "yellow": 55, "green": 11, "white": 2}
"""Level I and II together 87 %; how they divide is a guess."""
HAZARDS = (
    (38, "งูเข้าบ้าน"), (14, "ต้นไม้ล้มขวางถนน"), (12, "รังต่อ แตน"), (10, "ไฟไหม้หญ้า"),
    (8, "สัตว์ติดในท่อ"), (7, "สายไฟขาด"), (6, "น้ำท่วมขังในบ้าน"), (5, "พายุพัดหลังคาบ้านเสียหาย"),
)  # fmt: skip
HOURS = (
    *(2.0, 1.7, 1.5, 1.5, 1.7, 2.4, 3.6, 4.6, 5.0, 4.9, 4.6, 4.6),
    *(5.7, 6.0, 6.2, 6.3, 6.4, 5.9, 5.4, 4.9, 4.4, 4.0, 3.5, 3.2),
)
"""Weight of each hour; 12 to 18 together 36.5 %."""
WEEKDAYS = (14.3, 14.1, 14.1, 14.2, 14.7, 14.5, 14.1)
A_DAY = 5.3
"""The municipality of Kalasin served 1,918 people a year."""
KINDS = {"emergency": 62, "ride": 27, "hazard": 11}
DUPLICATE = 0.05
"""Share of emergencies of which a second person calls as well."""
SERIES = 0.25
"""Share of rides that are a dialysis series."""
CLINICS = ("อายุรกรรม", "คลินิกไตเทียม", "ศัลยกรรมกระดูก", "กายภาพบำบัด")
RELATIONS = ("self", "child", "spouse", "neighbour", "relative", "health_volunteer", "passer_by")
DIALYSIS = "FREQ=WEEKLY;BYDAY=MO,WE,FR;COUNT=4"
RIDE_LEAD_MIN = 90
"""A compressed day cannot wait for tomorrow: an appointment lies so far ahead that its ride may begin at once."""
NEAR_M = 450.0


def moments(days: float, a_day: float, start: datetime, dice: random.Random) -> list[datetime]:
    """When calls come: independent of each other, by hour of the day and day of the week."""
    found: list[datetime] = []
    top = max(HOURS) / (100 / 24) * max(WEEKDAYS) / (100 / 7)
    at, end = start, start + timedelta(days=days)
    while True:  # thinning of a Poisson process at its highest rate
        at += timedelta(days=dice.expovariate(a_day * top))
        if at >= end:
            return found
        rate = HOURS[at.hour] / (sum(HOURS) / 24) * WEEKDAYS[at.weekday()] / (sum(WEEKDAYS) / 7)
        if dice.random() < rate / top:
            found.append(at)


def dated(ride: Body) -> Body:
    """The ride with its appointment counted from now."""
    appointment = dict(ride["appointment"])
    at = datetime.now(BANGKOK) + timedelta(minutes=appointment.pop("in_min"))
    return {**ride, "appointment": {**appointment, "at": at.isoformat()}}


class Town:
    """The people and places calls come from."""

    def __init__(self, pack: Pack, facilities: Sequence[str], dice: random.Random) -> None:
        """``facilities``: ids of places people have appointments at."""
        self._pack, self._facilities, self._dice = pack, facilities, dice

    def matter(self) -> list[Callable[[], Body]]:
        """One matter: its call, and a second one where somebody else calls as well; made when they are sent."""
        kind = self._weighted(KINDS)
        if kind == "ride":
            ride = self.ride()
            return [lambda: dated(ride)]
        body = self.hazard() if kind == "hazard" else self.emergency()
        if self._dice.random() >= DUPLICATE:
            return [lambda: body]
        again = self.again(body)
        return [lambda: body, lambda: again]

    def emergency(self) -> Body:
        """A medical emergency, with what callers leave out left out."""
        dice, number = self._dice, self._dice.randrange(PEOPLE)
        complaint = dice.choices(COMPLAINTS, [each.share for each in COMPLAINTS])[0]
        body: Body = {
            "channel": dice.choices(["phone", "line", "centre_1669"], [80, 8, 12])[0],
            "kind": "medical",
            "complaint": dice.choice(complaint.words),
            "caller": {"phone": self._phone(number), "relation": dice.choice(RELATIONS)},
            "location": self._place(),
            "triage": {"criteria_group": complaint.group, "answers": self._answers(complaint.group)},
        }
        if dice.random() < 0.6:
            body["patient"] = self._patient(number)
            body["caller"]["name"] = f"ญาติของ {body['patient']['name']}"
            if dice.random() < 0.08:
                body["patient"]["needs"] = ["infection_precaution"]
        elif complaint.group == 25 and dice.random() < 0.25:
            body["patient_count"] = 2
        if dice.random() < 0.06:  # in a hurry: nobody answered anything
            body["triage"]["answers"] = {}
        return body

    def hazard(self) -> Body:
        words = self._dice.choices([word for _, word in HAZARDS], [share for share, _ in HAZARDS])[0]
        return {
            "channel": "phone",
            "kind": "hazard",
            "complaint": words,
            "caller": {"phone": self._phone(self._dice.randrange(PEOPLE))},
            "location": self._place(),
        }

    def ride(self) -> Body:
        """A ride to an appointment, there and back; some are series. :func:`dated` says when."""
        dice, number = self._dice, self._dice.randrange(PEOPLE)
        patient = self._patient(number)
        caller: Body = {"phone": self._phone(number), "name": patient["name"], "relation": "self"}
        if number % 3 == 0:
            caller["line_user_id"] = line_user(self._pack.area.slug, f"person-{number}")
        return {
            "channel": "phone",
            "lane": "booked",
            "kind": "transfer",
            "complaint": "ไปพบแพทย์ตามนัด",
            "caller": caller,
            "patient": patient,
            "location": self._place(sure=True),
            "destination": {"facility_id": dice.choice(self._facilities)},
            "appointment": {
                "in_min": RIDE_LEAD_MIN + dice.randrange(20),
                "clinic": dice.choice(CLINICS),
                "duration_min": 90,
                "return_trip": dice.random() < 0.8,
                "recurrence": DIALYSIS if dice.random() < SERIES else None,
            },
            "barriers": ["vehicle"],
            "companions": dice.choice([0, 1, 1]),
        }

    def again(self, body: Body) -> Body:
        """Another person who saw the same."""
        place = dict(body["location"])
        if "lat" in place:
            shaken = self._shaken(Point(place["lon"], place["lat"]), 80)
            place |= {"lon": shaken.lon, "lat": shaken.lat}
        kept: Body = {name: body[name] for name in ("kind", "complaint", "triage") if name in body}
        caller = {"phone": self._phone(self._dice.randrange(PEOPLE)), "relation": "passer_by"}
        return {**kept, "channel": "phone", "caller": caller, "location": place}

    # --- people and places ------------------------------------------------------------------------------------

    def _phone(self, number: int) -> str:
        return f"090100{number:04}"

    def _patient(self, number: int) -> Body:
        person = person_body(self._pack.area.slug, number)
        return {name: person[name] for name in ("name", "birth_year", "sex", "mobility", "needs", "groups")}

    def _answers(self, group: int) -> Body:
        for severity in self._drawn(SEVERITIES):
            if (answers := answers_giving(severity, group)) is not None:
                return dict(answers)
        return {}

    def _place(self, *, sure: bool = False) -> Body:
        """A point near a ชุมชน; sometimes only the ชุมชน, or only words."""
        dice = self._dice
        community = dice.choice(self._pack.area.community)
        point = self._shaken(community.point, NEAR_M)
        seen = dice.random()
        if not sure and seen < 0.05:
            return {"landmark": f"หน้าวัดใกล้{community.name.th}"}
        if not sure and seen < 0.12:
            return {"community": community.code, "landmark": "ข้างศาลากลางบ้าน"}
        return {
            "lat": point.lat,
            "lon": point.lon,
            "community": community.code,
            "address": f"บ้านสมมติ {community.name.th}",
        }

    def _shaken(self, point: Point, metres: float) -> Point:
        """Somewhere near, inside the municipality."""
        spread = metres / METRES_PER_DEGREE
        for _ in range(8):
            near = Point(
                round(point.lon + self._dice.uniform(-spread, spread), 6),
                round(point.lat + self._dice.uniform(-spread, spread), 6),
            )
            if inside(near, self._pack.boundary):
                return near
        return point

    def _weighted(self, weights: dict[str, int]) -> str:
        return self._dice.choices(list(weights), list(weights.values()))[0]

    def _drawn(self, weights: dict[str, int]) -> list[str]:
        """The drawn one first, then the others."""
        first = self._weighted(weights)
        return [first, *(each for each in weights if each != first)]
