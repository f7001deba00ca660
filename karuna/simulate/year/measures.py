"""What came of a year: each figure beside its goal, read from the journal alone."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from karuna.simulate.policies_report import NATIONAL_IN_TIME
from karuna.simulate.year.audit import LATE_MOST, audit, counted
from karuna.simulate.year.guesses import NO_ANSWER_HERE
from karuna.simulate.year.journal import Asked, Ended, Journal, Lent, Promise, Step

URGENT = frozenset({"red", "pink"})
RED_S, ACCEPTED_S, WINDOW_S, HOME_S = 480.0, 60.0, 900.0, 1800.0
DIGITS = 1


@dataclass(frozen=True, slots=True)
class Journey:
    """A trip with its stamps: seconds from the telephone, or None; ``ready_s``: ready → fetched."""

    asked: Asked
    accepted_s: float | None
    ordered_s: float | None
    scene_s: float | None
    late_s: float | None
    """Fetched later (or sooner, below 0) than the last time that was told."""
    early_enough: bool | None
    """At the destination before the appointment."""
    home_s: float | None
    end: str
    code: str
    moved: bool


def journeys(journal: Journal) -> list[Journey]:
    """Every trip that was asked for."""
    steps: dict[str, dict[str, Step]] = {}
    promises: dict[str, list[Promise]] = {}
    ends = {entry.trip: entry for entry in journal.entries if isinstance(entry, Ended)}
    for entry in journal.entries:
        if isinstance(entry, Step) and not entry.support:
            first = steps.setdefault(entry.trip, {})
            if entry.what in {"ordered", "accepted", "ready"}:
                first.setdefault(entry.what, entry)
            else:
                first[entry.what] = entry
        elif isinstance(entry, Promise):
            promises.setdefault(entry.trip, []).append(entry)
    return [
        _journey(entry, steps.get(entry.trip, {}), promises.get(entry.trip, []), ends.get(entry.trip))
        for entry in journal.entries
        if isinstance(entry, Asked)
    ]


def _journey(asked: Asked, steps: dict[str, Step], told: Sequence[Promise], end: Ended | None) -> Journey:
    def since(what: str, start: str | None = None) -> float | None:
        begin = asked.at if start is None else steps[start].at if start in steps else None
        return (steps[what].at - begin).total_seconds() if what in steps and begin is not None else None

    scene, there = steps.get("at_scene"), steps.get("at_destination")
    late_s = (scene.at - told[-1].pickup_at).total_seconds() if scene and told else None
    in_time = there.at <= asked.arrive_by_at if there and asked.arrive_by_at else None
    moved = len({(promise.pickup_at, promise.unit) for promise in told}) > 1
    return Journey(
        asked, since("accepted"), since("ordered"), since("at_scene"), late_s, in_time, since("at_scene", "ready"),
        end.how if end else "", end.code if end else "", moved,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Measure:
    """A row of the table. ``met`` None: no goal."""

    key: str
    th: str
    en: str
    found: str
    goal: str = ""
    met: bool | None = None


def measures(journal: Journal, all_of: Sequence[Journey] | None = None) -> list[Measure]:
    """The table."""
    them = all_of if all_of is not None else journeys(journal)
    red = [each for each in them if each.asked.lane == "emergency" and each.asked.severity in URGENT]
    patients = [each for each in red if each.asked.medical]
    out = [each for each in them if each.asked.lane == "booked" and each.asked.leg == "outbound"]
    driven = [each for each in out if each.late_s is not None]
    home = [each for each in them if each.asked.leg == "return" and each.home_s is not None]
    calls = [each for each in them if each.asked.lane == "emergency"]
    faults = counted(audit(journal))
    refused = [each for each in them if each.end == "refused"]
    answered = sorted(each.accepted_s for each in red if each.accepted_s is not None)
    reached = [each.scene_s is not None and each.scene_s <= RED_S for each in patients]
    waits = sorted(each.home_s for each in home if each.home_s is not None)
    within = [abs(each.late_s or 0.0) <= WINDOW_S for each in driven]
    on_time = [bool(each.early_enough) for each in driven if each.early_enough is not None]
    forgotten = sum(wait > NO_ANSWER_HERE.total_seconds() for wait in waits) + faults.get("left_behind", 0)
    places = sum(faults.get(code, 0) for code in ("two_places", "two_runs", "two_units", "elsewhere"))
    moved = sum(faults.get(code, 0) for code in ("promise_moved", "not_told"))
    others = sum(faults.get(code, 0) for code in ("not_brought", "too_full", "no_end"))
    return [
        Measure("asked", "คำขอทั้งหมด", "trips asked for", f"{len(them):,}"),
        _at_most(
            "accepted",
            "แดง: รับสาย → ทีมรับงาน p90 วินาที",
            "red: answered → crew accepted, p90, s",
            answered,
            0.9,
            ACCEPTED_S,
        ),
        Measure(
            "parts", "แดง: พิมพ์ และ สั่ง → รับงาน p90 วินาที", "of that typing, and ordered → accepted, p90, s", _parts(red)
        ),
        _share(
            "reached",
            "แดง: ถึงใน 8 นาที",
            f"red at the scene within 8 min (national {100 * NATIONAL_IN_TIME:.0f} %)",
            reached,
            NATIONAL_IN_TIME,
        ),
        _share("window", "นัด: รับในช่วง ±15 นาที", "booked pickups within ±15 min", within, 0.95),
        _share("clinic", "ถึงคลินิกก่อนเวลานัด", "at the clinic on time", on_time, 0.98),
        _at_most(
            "home", "รอรถกลับ p90 นาที", "wait for the way home, p90, min", [w / 60 for w in waits], 0.9, HOME_S / 60
        ),
        _none("left_behind", "ถูกทิ้งไว้", "left behind", forgotten),
        _share("unmet", "นัดที่ไม่มีรถให้", "rides that found no unit", [e.end == "refused" for e in out], None),
        _share(
            "unanswered", "เหตุที่ไม่มีใครไป", "calls to which nobody could go", [e.end == "refused" for e in calls], None
        ),
        _none("no_reason", "ปฏิเสธโดยไม่มีเหตุผล", "refused without a reason", faults.get("no_reason", 0)),
        _none("two_places", "รถอยู่สองที่พร้อมกัน", "a unit in two places", places),
        _none("promise", "เลื่อนคำสัญญาโดยไม่บอก", "promises moved without a word", moved),
        _share(
            "late",
            "รับช้ากว่าที่บอกเกิน 10 นาที ไม่มีใครแจ้ง",
            "fetched over 10 min after the told time, with no new word",
            [(each.late_s or 0.0) > LATE_MOST.total_seconds() for each in driven],
            None,
        ),
        _none("impossible", "อื่น ๆ ที่เป็นไปไม่ได้", "anything else that cannot be", others),
        Measure("retold", "นัดที่แจ้งเวลาใหม่", "rides told another time or unit", _percent(e.moved for e in out)),
        Measure("by_hand", "ส่งข้ามสิ่งที่ขาด", "sent by hand over a shortfall", str(len(journal.by_hand))),
        Measure("rung", "ทีมที่โทรเรียกจากบ้าน", "ways home for which a crew was rung at home", str(len(journal.rung))),
        Measure(
            "lying",
            "กลับบ้านบนเปลแทนรถเข็น",
            "ways home on a stretcher, for want of a place for the chair",
            str(len(journal.lying)),
        ),
        Measure("lent", "หน่วยที่ยืมมา", "units lent", str(_lent(journal))),
        Measure("why", "เหตุที่ปฏิเสธ", "refused, and why", _why(refused)),
    ]


def _parts(red: Iterable[Journey]) -> str:
    both = [(each.ordered_s, each.accepted_s) for each in red if each.ordered_s and each.accepted_s]
    typing = quantile(sorted(ordered for ordered, _ in both), 0.9)
    answers = quantile(sorted(accepted - ordered for ordered, accepted in both), 0.9)
    return f"{typing:.{DIGITS}f}, {answers:.{DIGITS}f}"


def _lent(journal: Journal) -> int:
    return sum(isinstance(each, Lent) and not each.unit.startswith(f"{each.area}/") for each in journal.entries)


def _why(refused: Iterable[Journey]) -> str:
    counts = Counter(each.code for each in refused)
    return ", ".join(f"{code} {count}" for code, count in counts.most_common()) or "–"


def quantile(found: Sequence[float], share: float) -> float:
    """The least of the (sorted) values that ``share`` of them do not exceed; nan of none."""
    return found[max(0, math.ceil(share * len(found)) - 1)] if found else math.nan


def _at_most(key: str, th: str, en: str, found: Sequence[float], share: float, goal: float) -> Measure:
    value = quantile(sorted(found), share)
    return Measure(key, th, en, f"{value:.{DIGITS}f} (n {len(found):,})", f"≤ {goal:.0f}", value <= goal)


def _percent(them: Iterable[bool]) -> str:
    all_of = list(them)
    return f"{100 * sum(all_of) / len(all_of):.{DIGITS}f} % ({sum(all_of)}/{len(all_of):,})" if all_of else "–"


def _share(key: str, th: str, en: str, them: Sequence[bool], goal: float | None) -> Measure:
    met = None if goal is None or not them else sum(them) / len(them) >= goal
    return Measure(key, th, en, _percent(them), "" if goal is None else f"≥ {100 * goal:.0f} %", met)


def _none(key: str, th: str, en: str, count: int) -> Measure:
    return Measure(key, th, en, str(count), "0", count == 0)
