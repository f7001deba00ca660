"""When the crew of a unit rests: what is due to it, and what it has had. Pure.

Labour Protection Act B.E. 2541 (1998), section 27: no less than an hour a day, after no more than five hours of work;
the two sides may agree on shorter rests that come to an hour together. What was agreed is a setting of the municipality
(``rest_min``, ``rest_parts``, ``rest_after_h``; off where it says nothing). Whoever was free for so long when it was
due has rested.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Protocol

from shared.thai.dates import BANGKOK

EASE = timedelta(hours=1)
"""A rest may begin at any time of at least so long, where the law leaves it."""
Span = tuple[datetime, datetime]


class Rules(Protocol):
    """The municipality's, as its settings pack has them."""

    @property
    def rest_min(self) -> float: ...
    @property
    def rest_parts(self) -> int: ...
    @property
    def rest_after_h(self) -> float: ...
    @property
    def rest_from(self) -> time | None: ...
    @property
    def rest_until(self) -> time | None: ...


@dataclass(frozen=True, slots=True)
class Rest:
    """Begins within ``begins``, and in the ``shift``. ``begun_at``: the unit has been free since then, and still is."""

    id: str
    begins: Span
    length: timedelta
    shift: Span
    begun_at: datetime | None = None


def due(rules: Rules, unit_id: str, shifts: Sequence[Span], on: date, *, on_duty: bool) -> list[Rest]:
    """The rests of a unit's day: in each shift longer than ``rest_after_h``; without any, by the clock alone."""
    if not rules.rest_min:
        return []
    found = list[tuple[Span, Span]]()
    for shift in shifts:
        if shift[1] - shift[0] > timedelta(hours=rules.rest_after_h):
            found += [(begins, shift) for begins in _parts(rules, shift, on)]
    clock = _clock(rules, on)
    if not shifts and on_duty and clock is not None:
        part = _part(rules)
        step = (clock[1] - clock[0]) / rules.rest_parts
        edges = [clock[0] + step * number for number in range(rules.rest_parts)]
        found += [((edge, max(edge + step - part, edge)), clock) for edge in edges]
    return [
        Rest(f"rest:{unit_id}:{number}", begins, _part(rules), shift) for number, (begins, shift) in enumerate(found)
    ]


def _part(rules: Rules) -> timedelta:
    return timedelta(minutes=rules.rest_min) / rules.rest_parts


def _parts(rules: Rules, shift: Span, on: date) -> Iterator[Span]:
    """When each part may begin: the first by ``rest_after_h``, the others no later than that after it."""
    part, after = _part(rules), timedelta(hours=rules.rest_after_h)
    latest = min(shift[0] + after, shift[1] - part)
    # So late that what follows is no longer than what came before, and so early that there is a choice.
    earliest = max(min(max(shift[0] + after / 2, shift[1] - after - part), latest - EASE), shift[0])
    clock = _clock(rules, on)
    if clock is not None and clock[0] <= latest and clock[1] - part >= shift[0] and clock[1] - clock[0] >= part:
        earliest, latest = max(clock[0], shift[0]), min(clock[1] - part, latest)
    yield earliest, latest
    for number in range(1, rules.rest_parts):
        earliest = latest + part
        latest = max(min(earliest + after, shift[1] - part * (rules.rest_parts - number)), earliest)
        yield earliest, latest


def _clock(rules: Rules, on: date) -> Span | None:
    if rules.rest_from is None or rules.rest_until is None:
        return None
    return datetime.combine(on, rules.rest_from, BANGKOK), datetime.combine(on, rules.rest_until, BANGKOK)


def still_due(rests: Iterable[Rest], busy: Sequence[Span], now: datetime) -> list[Rest]:
    """Those that were not had yet; where the unit is free now, and has been since a rest was due, that is said.

    ``busy``: when the unit was on its runs, in any order; a run that goes on ends with ``now``.
    """
    left, used = list[Rest](), now - timedelta(days=2)
    for rest in rests:
        since = max(rest.begins[0], used)
        gaps = list(_gaps(busy, since, min(now, rest.shift[1])))
        had = next((gap for gap in gaps if gap[1] - gap[0] >= rest.length), None)
        if had is not None:
            used = had[0] + rest.length
            continue
        goes_on = gaps[-1][0] if gaps and gaps[-1][1] == now else None
        left.append(rest if goes_on is None or left else Rest(rest.id, rest.begins, rest.length, rest.shift, goes_on))
    return left


def _gaps(busy: Sequence[Span], since: datetime, until: datetime) -> Iterator[Span]:
    at = since
    for begins, ends in sorted(busy):
        if at < min(begins, until):
            yield at, min(begins, until)
        at = max(at, ends)
    if at < until:
        yield at, until
