"""Appointments that come again, and the trips that each of them needs.

A recurrence is an RRULE of RFC 5545, read in Asia/Bangkok, where clocks are never changed: Monday 08:00 stays Monday
08:00. What is made ahead is bounded: at most 60 occurrences within 120 days; the rest follows when those have passed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Literal

from dateutil.rrule import rrule, rrulestr

from shared.refusal import Refusal
from shared.thai.dates import BANGKOK, local

MOST = 60
HORIZON = timedelta(days=120)
LONGEST_PAUSE = timedelta(days=3660)
"""Who comes again later than in ten years books anew."""
LONGEST_RULE = 300
FIELD = "appointment.recurrence"

FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
PARTS = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS", "WKST"}
PART = re.compile(r"([A-Z]+)=([A-Z0-9,+\-]+)")
UNTIL = re.compile(r"(\d{4})(\d{2})(\d{2})(?:T(\d{2})(\d{2})(\d{2})(Z?))?")
LARGEST_NUMBER = 999
LAST_YEAR, CYCLE_YEARS, CYCLE = 9999, 400, timedelta(days=146_097)


@dataclass(frozen=True, slots=True)
class Trip:
    """One leg. ``due_at``: be at the clinic by then (outbound), or None: the person calls when ready (return)."""

    leg: Literal["outbound", "return"]
    due_at: datetime | None
    expected_ready_at: datetime | None = None

    @property
    def call_when_ready(self) -> bool:
        return self.due_at is None


def occurrences(
    first_at: datetime, recurrence: str | None, *, now: datetime, most: int = MOST, horizon: timedelta = HORIZON
) -> list[datetime]:
    """The first appointment and those that follow, in order, in the time zone of Thailand.

    The first is always among them, whether or not the rule would name it, and counts as one of ``COUNT``. Nothing lies
    further ahead than ``horizon`` from the later of ``now`` and the first.

    Raises:
        Refusal: the rule cannot be read or never comes again; names ``appointment.recurrence``.

    """
    start = local(first_at)
    if recurrence is None or not recurrence.strip():
        return [start]
    parts = _parts(recurrence)
    end = max(now, first_at) + horizon
    if "UNTIL" in parts:
        end = min(end, _until(parts["UNTIL"]))
    most = min(most, _number(parts, "COUNT", most))
    text = ";".join(f"{name}={value}" for name, value in parts.items() if name not in {"COUNT", "UNTIL"})
    later = _series(text, start.replace(tzinfo=None), local(end).replace(tzinfo=None))
    return [start, *(each.replace(tzinfo=BANGKOK) for each in islice(later, most - 1))]


def following(first_at: datetime, recurrence: str | None, last_at: datetime, occurrence: int) -> datetime | None:
    """The appointment after ``last_at``, which was the ``occurrence``-th, however far ahead; None: that was the last.

    Raises:
        Refusal: the rule cannot be read.

    """
    found = occurrences(first_at, recurrence, now=last_at, most=occurrence + 1, horizon=LONGEST_PAUSE)
    return next((at for at in found if at > last_at), None)


def trips(
    at: datetime, *, return_trip: bool, duration_min: int | None = None, due_before_min: float = 60
) -> list[Trip]:
    """The legs of one appointment: there, due an hour before by default, and back when the person is ready."""
    there = Trip("outbound", at - timedelta(minutes=due_before_min))
    if not return_trip:
        return [there]
    expected = at + timedelta(minutes=duration_min) if duration_min is not None else None
    return [there, Trip("return", None, expected)]


def _parts(recurrence: str) -> dict[str, str]:
    text = recurrence.strip().upper().removeprefix("RRULE:")
    if len(text) > LONGEST_RULE:
        raise _unreadable()
    parts: dict[str, str] = {}
    for piece in text.rstrip(";").split(";"):
        found = PART.fullmatch(piece.strip())
        if found is None or found[1] not in PARTS or found[1] in parts:
            raise _unreadable()
        parts[found[1]] = found[2]
    if parts.get("FREQ") not in FREQUENCIES:
        raise Refusal(
            "recurrence_frequency",
            FIELD,
            f"FREQ ต้องเป็น {', '.join(FREQUENCIES)}",
            f"FREQ is one of {', '.join(FREQUENCIES)}",
        )
    if "COUNT" in parts and "UNTIL" in parts:
        raise Refusal("recurrence_two_ends", FIELD, "ใช้ COUNT หรือ UNTIL อย่างใดอย่างหนึ่ง", "give COUNT or UNTIL, not both")
    _number(parts, "INTERVAL", 1)
    return parts


def _series(rule: str, start: datetime, end: datetime) -> Iterator[datetime]:
    """What follows the start, by wall clock.

    dateutil looks for the next match until the year 9999 before it gives up: nine seconds for a rule that never
    comes again (30 February, every day). The calendar repeats every 400 years to the weekday, so the search is moved
    by whole cycles to where few years are left.
    """
    cycles = (LAST_YEAR - 1 - start.year) // CYCLE_YEARS
    start, end = start + cycles * CYCLE, end + cycles * CYCLE
    try:
        series = rrulestr(rule, dtstart=start)
        assert isinstance(series, rrule)  # noqa: S101 sets need several lines, which _parts does not let through
        series = series.replace(until=end)
    except (ValueError, TypeError, AttributeError):
        raise _unreadable() from None
    return (each - cycles * CYCLE for each in series if each > start)


def _number(parts: Mapping[str, str], name: str, default: int) -> int:
    """INTERVAL=0 would never come to an end, so it is caught here."""
    text = parts.get(name)
    if text is None:
        return default
    if not text.isdigit() or not 1 <= int(text) <= LARGEST_NUMBER:
        raise Refusal(
            "recurrence_number", FIELD, f"{name} ต้องเป็น 1 ถึง {LARGEST_NUMBER}", f"{name} is 1 to {LARGEST_NUMBER}"
        )
    return int(text)


def _until(text: str) -> datetime:
    """The end as an instant: a day means the whole day in Thailand, a time without Z is Thai time."""
    found = UNTIL.fullmatch(text)
    if found is None:
        raise _unreadable()
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    try:
        last_day = date(year, month, day)
        clock = time.max if found[4] is None else time(hour, minute, second)
    except ValueError:
        raise _unreadable() from None
    return datetime.combine(last_day, clock, UTC if found[7] else BANGKOK)


def _unreadable() -> Refusal:
    return Refusal(
        "recurrence_unreadable", FIELD, "อ่านรูปแบบการนัดซ้ำไม่ได้ ตัวอย่าง FREQ=WEEKLY;BYDAY=MO,WE,FR",
        "the recurrence cannot be read; an example: FREQ=WEEKLY;BYDAY=MO,WE,FR",
    )  # fmt: skip
