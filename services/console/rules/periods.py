"""The time a report speaks of: months, the Thai fiscal year (1 October to 30 September), or days that were typed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from shared.refusal import Refusal
from shared.thai.dates import Years, day_bounds, read_day

OCTOBER = 10
CHOICES = ("month", "last_month", "fiscal", "last_fiscal", "year", "days")
EARLIEST_YEAR = 2020


@dataclass(frozen=True, slots=True)
class Period:
    """From the first day to the last, both included, in Thailand's calendar."""

    choice: str
    from_on: date
    to_on: date

    @property
    def bounds(self) -> tuple[datetime, datetime]:
        """``start <= at < end`` in UTC."""
        return day_bounds(self.from_on)[0], day_bounds(self.to_on)[1]


def fiscal_year(day: date) -> tuple[date, date]:
    """The fiscal year of a day: that of 2569 began on 1 October 2568 (2025)."""
    first = day.year if day.month >= OCTOBER else day.year - 1
    return date(first, OCTOBER, 1), date(first + 1, OCTOBER, 1) - timedelta(days=1)


def _month(day: date) -> tuple[date, date]:
    first = day.replace(day=1)
    return first, (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)


def period(choice: str, today: date, typed_from: str = "", typed_to: str = "") -> Period:
    """What was chosen; ``days`` are two days as people type them, in either era.

    Raises:
        Refusal: what was typed is no day, or the last lies before the first.

    """
    spans = {
        "month": _month(today),
        "last_month": _month(today.replace(day=1) - timedelta(days=1)),
        "fiscal": fiscal_year(today),
        "last_fiscal": fiscal_year(fiscal_year(today)[0] - timedelta(days=1)),
        "year": (date(today.year, 1, 1), date(today.year, 12, 31)),
    }
    if choice != "days":
        known = choice if choice in spans else "fiscal"
        return Period(known, *spans[known])
    years = Years(EARLIEST_YEAR, today.year + 1)
    from_on, to_on = read_day(typed_from, years, "from"), read_day(typed_to, years, "to")
    if to_on < from_on:
        raise Refusal("days_reversed", "to", "วันสิ้นสุดต้องไม่ก่อนวันเริ่ม", "the last day lies before the first")
    return Period("days", from_on, to_on)
