"""Cards that were filled in by hand while the system was away: reading their day and times, pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from shared.refusal import Refusal
from shared.thai.dates import BANGKOK, Years, read_day
from shared.thai.text import arabic_digits, tidy

STAMPS = ("received", "ordered", "accept", "en_route", "at_scene", "left_scene", "at_destination", "clear", "at_base")
STEPS = STAMPS[2:]
MOST_BACK = timedelta(hours=12)
"""A time that seems to lie so much before the one above it belongs to the next day."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """A field that cannot be used, and the text that says why (``board.paper_<code>``)."""

    field: str
    code: str


def read_clock(text: str) -> time | None:
    """``14:30``, ``14.30``, ``1430``, ``๑๔:๓๐``; None where it is no time of day."""
    digits = "".join(each for each in arabic_digits(tidy(text)) if each.isdigit())
    if len(digits) not in {3, 4}:
        return None
    hour, minute = int(digits[:-2]), int(digits[-2:])
    return time(hour, minute) if hour < 24 and minute < 60 else None  # noqa: PLR2004 a clock


def read_card(day: str, typed: Mapping[str, str], now: datetime) -> tuple[dict[str, datetime], list[Wrong]]:
    """The stamps of a card as instants. Times run on over midnight; none may lie in the future.

    An empty ``accept`` is the time of the order or of setting out: on paper nobody writes it down.
    """
    try:
        on = read_day(day, Years.of_appointment(now.date()), "day")
    except Refusal:
        return {}, [Wrong("day", "day_wrong")]
    found: dict[str, datetime] = {}
    wrong: list[Wrong] = []
    last: datetime | None = None
    for name in STAMPS:
        text = typed.get(name, "").strip()
        if not text:
            continue
        clock = read_clock(text)
        if clock is None:
            wrong.append(Wrong(name, "time"))
            continue
        at = _after(on, clock, last)
        if last is not None and at < last:
            wrong.append(Wrong(name, "order"))
        elif at > now:
            wrong.append(Wrong(name, "future"))
        else:
            found[name] = last = at
    if "received" not in found and not any(each.field == "received" for each in wrong):
        wrong.append(Wrong("received", "time"))
    return _whole(found), wrong


def _after(on: date, clock: time, last: datetime | None) -> datetime:
    at = datetime.combine(on, clock, BANGKOK)
    while last is not None and last - at > MOST_BACK:
        at += timedelta(days=1)
    return at


UNWRITTEN = (
    ("en_route", ("at_scene", "left_scene", "at_destination", "clear", "at_base"), "accept"),
    ("clear", ("at_base",), "at_base"),
    ("left_scene", ("at_destination",), "at_destination"),
    ("at_scene", ("left_scene", "at_destination", "clear"), "left_scene"),
)
"""A step nobody wrote down, what shows that it was made, and whose time it gets: the next known one for arrivals."""


def _whole(found: dict[str, datetime]) -> dict[str, datetime]:
    steps = [name for name in STEPS if name in found]
    if steps and "ordered" not in found:
        found["ordered"] = found["received"] if "received" in found else found[steps[0]]
    if steps and "accept" not in found:
        found["accept"] = found["ordered"]
    for step, shown_by, like in UNWRITTEN:
        later = [name for name in shown_by if name in found]
        if later and step not in found:
            found[step] = found.get(like, found[later[0]])
    return {name: found[name] for name in STAMPS if name in found}
