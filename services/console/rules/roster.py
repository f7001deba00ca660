"""A week of shifts as people read it, and what a form of a shift says. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from shared.thai.dates import BANGKOK, local_day

Doc = Mapping[str, Any]
WEEK = 7
ACTS: Mapping[str, tuple[str, ...]] = {
    "asked": ("agree", "decline", "withdraw"),
    "agreed": ("approve", "refuse", "withdraw"),
}
"""What may be done with a swap that stands so."""
ACTS_OF_GIVER: Mapping[str, tuple[str, ...]] = {"asked": ("withdraw",), "agreed": ("withdraw",)}
ACTS_OF_TAKER: Mapping[str, tuple[str, ...]] = {"asked": ("agree", "decline")}
"""What the two members themselves may do."""


@dataclass(frozen=True, slots=True)
class Duty:
    """A shift in the week. ``crew``: names; ``continues``: it began the day before."""

    shift: Doc
    call_sign: str
    crew: tuple[str, ...]
    continues: bool = False


def monday(on: date) -> date:
    """The first day of the week in which a day lies."""
    return on - timedelta(days=on.weekday())


def week(
    first: date, shifts: Sequence[Doc], signs: Mapping[str, str], names: Mapping[str, str],
    order: Callable[[str], Any] = str,
) -> list[tuple[date, list[Duty]]]:  # fmt: skip
    """Seven days, each with the shifts that begin on it; the first one also with those that began before.

    ``order``: what call signs are sorted by where shifts begin together.
    """
    days: list[tuple[date, list[Duty]]] = [(first + timedelta(days=ahead), []) for ahead in range(WEEK)]
    for shift in sorted(shifts, key=lambda each: (each["from_at"], order(signs.get(each["unit_id"], "")))):
        crew = tuple(names.get(member, "–") for member in shift["crew_ids"])
        begins = local_day(instant(shift["from_at"]))
        ahead = max(0, (begins - first).days)
        days[ahead][1].append(Duty(shift, signs.get(shift["unit_id"], "–"), crew, begins < first))
    return days


def span(on: date, begins: time, ends: time) -> tuple[datetime, datetime]:
    """The two instants of a shift typed as a day and two times; an end not after the beginning is on the next day."""
    start = datetime.combine(on, begins, BANGKOK)
    end = datetime.combine(on, ends, BANGKOK)
    return start, end if end > start else end + timedelta(days=1)


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def hours(served_s: float) -> str:
    """``12:30``: hours and minutes."""
    minutes = round(served_s / 60)
    return f"{minutes // 60}:{minutes % 60:02}"
