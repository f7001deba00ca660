"""Visits that come again: the rule of what was typed, and a rule in words. Pure. Source of rules: RFC 5545, 3.3.10."""

from __future__ import annotations

import re
from datetime import date, datetime

from services.console.texts import teller
from shared.refusal import Refusal
from shared.thai.dates import Years, read_day, show_day

WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
PLAIN = re.compile(
    r"FREQ=(?P<freq>DAILY|WEEKLY|MONTHLY)(?:;BYDAY=(?P<days>[A-Z]{2}(?:,[A-Z]{2})*))?(?:;INTERVAL=(?P<every>\d+))?"
    r"(?:;COUNT=(?P<count>\d+))?(?:;UNTIL=(?P<until>\d{8})(?:T\d{6}Z?)?)?"
)
TWO_ENDS = Refusal(
    "two_ends",
    "recurrence.count",
    "ใส่จำนวนครั้งหรือวันสุดท้าย อย่างใดอย่างหนึ่ง",
    "give a number of visits or a last day, not both",
)
ORDER = ("FREQ", "BYDAY", "INTERVAL", "COUNT", "UNTIL")


def rule_of(days: list[str], every: int | None, count: int | None, until: str, today: date) -> str:
    """The rule of a visit that comes every week, or every so many weeks; no days: nothing. It ends after
    ``count`` visits or on the day ``until``.

    Raises:
        Refusal: ``until`` is no day, or both ends are said.

    """
    wanted = [day for day in WEEKDAYS if day in days]
    if not wanted:
        return ""
    parts = ["FREQ=WEEKLY", f"BYDAY={','.join(wanted)}"]
    if every and every > 1:
        parts.append(f"INTERVAL={every}")
    if until and count:
        raise TWO_ENDS
    if count:
        parts.append(f"COUNT={count}")
    if until:
        parts.append(f"UNTIL={read_day(until, Years.of_appointment(today), 'recurrence.until'):%Y%m%d}")
    return ";".join(parts)


def in_words(rule: str, lang: str) -> str:
    """``every week on Mo We Fr, 12 times``. A rule that is more than plain is only said to be one: its visits
    are listed beside it.
    """
    t = teller(lang)
    found = PLAIN.fullmatch(_ordered(rule))
    days = (found["days"] or "").split(",") if found else []
    if found is None or not (days == [""] or (found["freq"] == "WEEKLY" and set(days) <= set(WEEKDAYS))):
        return t("desk.repeats")
    every = found["every"] or "1"
    said = t(f"desk.repeats_{found['freq'].lower()}{'' if every == '1' else '_n'}", every=every)
    said += "".join(f" {t(f'desk.{day.lower()}')}" for day in days if day)
    if found["count"]:
        said += " · " + t("desk.repeats_count", count=found["count"])
    try:
        end = datetime.strptime(found["until"], "%Y%m%d").date() if found["until"] else None  # noqa: DTZ007 a day
    except ValueError:
        return t("desk.repeats")
    return said + (" · " + t("desk.repeats_until", day=show_day(end, "en" if lang == "en" else "th")) if end else "")


def _ordered(rule: str) -> str:
    """Its parts in our order; those that we do not know last."""
    parts = rule.strip().upper().removeprefix("RRULE:").rstrip(";").split(";")
    return ";".join(sorted(parts, key=lambda part: (*ORDER, part.partition("=")[0]).index(part.partition("=")[0])))
