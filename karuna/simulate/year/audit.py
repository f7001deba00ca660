"""Can the year have been so? An exact check of the journal, which knows nothing of the simulation but what it wrote.

Units are where one can drive, one run at a time; who is fetched is fetched where they are, by one unit, and brought;
nobody is carried beyond the places of the vehicle; a plan never departs from what the rider was told; and everybody who
asked was served, cancelled or refused with a reason.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from karuna.simulate.year.journal import Asked, Ended, Journal, Placed, Promise, Seen, Step, Tour
from services.dispatch.rules.requirements import LYING, ON_WHEELS
from shared.geo import distance_m

FASTEST_M_S = 110 / 3.6
"""In a straight line: roads are longer, and no vehicle of the year drives so fast."""
NEAR_M = 50.0
LATE_MOST = timedelta(minutes=10)
"""The promise is a window: fetched from the told time on, at most this much later by the plan."""
ABOARD = ("left_scene", "at_destination")


Kind = TypeVar("Kind")


@dataclass(frozen=True, slots=True)
class Fault:
    """``code``: two_places, two_runs, two_units, elsewhere, not_brought, too_full, promise_moved, not_told,

    left_behind, no_reason, no_end.
    """

    code: str
    who: str
    at: datetime | None = None


def audit(journal: Journal) -> list[Fault]:
    """All that cannot be, or must not."""
    found: list[Fault] = []
    for check in (_places, _runs, _journeys, _room, _promises, _ends):
        found += check(journal)
    return found


def _of(journal: Journal, kind: type[Kind]) -> Iterator[Kind]:
    return (entry for entry in journal.entries if isinstance(entry, kind))


def _places(journal: Journal) -> Iterator[Fault]:
    """Nobody is in two places: from where a unit was seen to where it is seen next one can drive."""
    seen: dict[str, Seen] = {}
    for entry in _of(journal, Seen):
        before = seen.get(entry.unit)
        if before is not None:
            way_m = distance_m(before.point, entry.point) - NEAR_M
            if way_m > FASTEST_M_S * (entry.at - before.at).total_seconds() or entry.at < before.at:
                yield Fault("two_places", entry.unit, entry.at)
        seen[entry.unit] = entry


def _runs(journal: Journal) -> Iterator[Fault]:
    """One run at a time."""
    open_run: dict[str, int] = {}
    for entry in _of(journal, Tour):
        if entry.opens == (entry.unit in open_run):
            yield Fault("two_runs", entry.unit, entry.at)
        if entry.opens:
            open_run[entry.unit] = entry.run
        else:
            open_run.pop(entry.unit, None)


def _steps(journal: Journal) -> dict[str, list[Step]]:
    found = defaultdict[str, list[Step]](list)
    for entry in _of(journal, Step):
        if not entry.support:
            found[entry.trip].append(entry)
    return found


def _journeys(journal: Journal) -> Iterator[Fault]:
    """Each trip is driven by one unit at a time, which stood where the patient was and then where they were going."""
    asked = {entry.trip: entry for entry in _of(journal, Asked)}
    stood = {(entry.unit, entry.at): entry.point for entry in _of(journal, Seen)}
    for trip, steps in _steps(journal).items():
        holder: str | None = None
        for step in steps:
            if step.what in {"en_route", "at_scene", *ABOARD, "cleared"} and holder not in {None, step.unit}:
                yield Fault("two_units", trip, step.at)
            if step.what == "en_route":
                holder = step.unit
            elif step.what in {"released", "declined", "cleared", "expired"} and step.unit == holder:
                holder = None
            ends = {"at_scene": asked[trip].pickup, "at_destination": asked[trip].drop}
            place, there = ends.get(step.what), stood.get((step.unit, step.at))
            if place is not None and (there is None or distance_m(place, there) > NEAR_M):
                yield Fault("elsewhere", trip, step.at)
        aboard = [step for step in steps if step.what in ABOARD]
        if [step.what for step in aboard] not in ([], list(ABOARD)) or len({step.unit for step in aboard}) > 1:
            yield Fault("not_brought", trip, steps[-1].at)


def _room(journal: Journal) -> Iterator[Fault]:
    """Never more riders than places; whoever had to lie down takes a stretcher, or the place for the chair."""
    load = {entry.trip: entry.load for entry in _of(journal, Asked)}
    aboard = defaultdict[str, Counter[str]](Counter)
    for entry in _of(journal, Step):
        if entry.support or entry.what not in {"left_scene", "cleared"} or not load[entry.trip]:
            continue
        sign = 1 if entry.what == "left_scene" else -1
        for asked, count in load[entry.trip].items():
            lies = asked == ON_WHEELS and entry.trip in journal.lying and not journal.places[entry.unit].get(asked)
            kind = LYING if lies else asked
            aboard[entry.unit][kind] += sign * int(count)
            if aboard[entry.unit][kind] > journal.places[entry.unit].get(kind, 0):
                yield Fault("too_full", entry.unit, entry.at)


def _promises(journal: Journal) -> Iterator[Fault]:
    """What the plan has is what the rider was told, with the same unit; and who is fetched was told a time."""
    told: dict[str, Promise] = {}
    booked = {entry.trip for entry in _of(journal, Asked) if entry.lane == "booked"}
    for entry in journal.entries:
        if isinstance(entry, Promise):
            told[entry.trip] = entry
        elif isinstance(entry, Placed):
            promise = told.get(entry.trip)
            fits = promise is not None and promise.unit == entry.unit
            if promise is None or not fits or not timedelta() <= entry.pickup_at - promise.pickup_at <= LATE_MOST:
                yield Fault("promise_moved", entry.trip, entry.at)
        elif isinstance(entry, Step) and entry.what == "at_scene" and entry.trip in booked:
            promise = told.get(entry.trip)
            if promise is None or promise.unit != entry.unit:
                yield Fault("not_told", entry.trip, entry.at)


def _ends(journal: Journal) -> Iterator[Fault]:
    """Everybody who asked has an end, and a refusal its reason; who was brought and is ready is brought home."""
    ended = {entry.trip: entry for entry in _of(journal, Ended)}
    ready = {step.trip for steps in _steps(journal).values() for step in steps if step.what == "ready"}
    for entry in _of(journal, Asked):
        end = ended.get(entry.trip)
        if end is None:
            yield Fault("left_behind" if entry.trip in ready else "no_end", entry.trip, entry.at)
        elif end.how == "refused" and not end.code:
            yield Fault("no_reason", entry.trip, end.at)
        elif entry.trip in ready and end.how != "done":
            yield Fault("left_behind", entry.trip, end.at)


def counted(faults: Sequence[Fault]) -> dict[str, int]:
    return dict(Counter(fault.code for fault in faults))
