"""The day as the planner takes it: riders, vans and what they have promised, turned into one problem. Pure.

The plan's zero is midnight in Bangkok, its unit the whole minute: ways are rounded up and windows inwards, so that what
people are told can be kept as it was said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from services.dispatch.day.ways import Ways, down, up
from services.dispatch.planning.checker import check
from services.dispatch.planning.offers import Known, known_of, offers
from services.dispatch.planning.problem import Objective, Plan, Problem, Route, Stop, Trip, Vehicle, Visit
from services.dispatch.planning.problem import Rest as DueRest
from services.dispatch.rules.ranking import TravelTimes
from services.dispatch.rules.rests import Rest
from services.dispatch.rules.windows import BOARDING
from shared.geo import Point

DAY_S = 86_400.0
LATE_MOST = timedelta(minutes=10)
"""A promise: fetched from the told time on, at most this much later. The plan may use it for one more rider."""
EXPECTED_WITHIN = timedelta(minutes=60)
"""So long after the visit's end somebody is expected to want to go home: planned for, not promised."""
CLEANING = timedelta(minutes=30)
"""A unit that carried an infection is cleaned before its next rider."""
LATER = timedelta(minutes=15)
"""By so much at a time a rest that finds no place when it is due is put off."""
DETOUR, LEAST_DETOUR_S, MOST_DETOUR_S = 0.5, 900.0, 2700.0
"""Nobody rides longer than straight there and half as long again: 15 minutes more at the least, 45 at the most."""
SHARE = 0.01
"""What counts room but weighs nothing beside people: being alone, a piece of equipment that serves one at a time."""
EXPECTED, NEW, RECURRING, HELD = 0, 1, 2, 8
"""Priorities: who is expected to go home, who waits to be planned, who comes again and again, who has a promise."""


@dataclass(frozen=True, slots=True)
class Told:
    """What was promised: by which unit, in which run, and when its tour stops; ``at``: what the rider heard."""

    unit_id: str
    run_id: str
    assignment_id: str
    at: datetime
    pickup_at: datetime
    dropoff_at: datetime | None


@dataclass(frozen=True, slots=True)
class Rider:
    """One trip. ``window`` of the pickup, ``by_at``: the drop-off has begun; ``fits``: units that may take it.

    ``told``: it has a promise and is not moved. ``expected``: the way home, whose time nobody knows yet. ``rest``:
    nobody rides, the crew of the only unit that fits rests at its base. ``recurring``: one of a series of visits,
    such as dialysis, which nobody can do without: planned before single ones.
    """

    id: str
    pickup: Point | None
    drop: Point | None
    window: tuple[datetime, datetime]
    by_at: datetime | None
    mobility: str | None
    load: Mapping[str, float]
    fits: frozenset[str]
    equipment: frozenset[str] = frozenset()
    alone: bool = False
    told: Told | None = None
    expected: bool = False
    rest: Rest | None = None
    recurring: bool = False

    @property
    def boarding(self) -> timedelta:
        return BOARDING.get(self.mobility, BOARDING[None])

    @property
    def is_new(self) -> bool:
        """Somebody to whom nothing is promised yet, and who is to be told when they are fetched."""
        return self.told is None and not self.expected and self.rest is None


@dataclass(frozen=True, slots=True)
class Van:
    """A unit for the day: ``shift`` bounds leaving its base and being back. ``burden_s``: others first, by so much.

    ``rests``: what is still due to its crew.
    """

    id: str
    call_sign: str
    home: Point | None
    places: Mapping[str, int]
    equipment: frozenset[str]
    shift: tuple[datetime, datetime]
    burden_s: float = 0.0
    rests: tuple[Rest, ...] = ()


@dataclass(frozen=True, slots=True)
class Resting:
    """How a rest stands: ``planned``, ``late`` (after it was due; promises leave nothing better), ``going_on`` (from

    ``rest.begun_at``), ``lost`` (promises leave no time for it at all). ``begins``: when it may begin by this plan.
    """

    rest: Rest
    stands: Literal["planned", "late", "going_on", "lost"]
    begins: tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Model:
    """``standing``: the promised routes as they are, with every rest in them, and what is ``known`` of them; vans

    whose promises contradict each other are ``by_hand``. ``restings`` of each van; who has lost one is ``tired``, and
    takes nobody more.
    """

    zero: datetime
    riders: Sequence[Rider]
    vans: Sequence[Van]
    problem: Problem
    standing: Plan
    by_hand: frozenset[str]
    sources: tuple[str, ...]
    number: Mapping[str, int] = field(default_factory=dict)
    known: Sequence[Known | None] = ()
    restings: Mapping[str, Sequence[Resting]] = field(default_factory=dict)
    tired: frozenset[str] = frozenset()

    def at(self, seconds: float) -> datetime:
        return self.zero + timedelta(seconds=round(seconds))


@dataclass(frozen=True, slots=True)
class Sheet:
    """What one van has promised: its own part of the day, good for as long as van and promises stay as they are.

    ``riders``: who is promised a ride, and the rests beside them. ``route`` counts the riders of this sheet; ``known``
    is None where the promises contradict each other.
    """

    zero: datetime
    van: Van
    riders: Sequence[Rider]
    trips: Sequence[Trip]
    route: Route
    known: Known | None
    restings: Sequence[Resting] = ()

    @property
    def tired(self) -> bool:
        return any(resting.stands == "lost" for resting in self.restings)


@dataclass(frozen=True, slots=True)
class Promised:
    """What all vans of a day have promised, put together: good for as long as every sheet stays as it is.

    ``sheets`` of all vans; all else is of those whose promises do not contradict each other.
    """

    sheets: Sequence[Sheet] = ()
    vans: Sequence[Van] = ()
    vehicles: Sequence[Vehicle] = ()
    riders: Sequence[Rider] = ()
    trips: Sequence[Trip] = ()
    standing: Plan = ()
    number: Mapping[str, int] = field(default_factory=dict)
    known: Sequence[Known | None] = ()


def sheet_of(zero: datetime, van: Van, riders: Sequence[Rider], ways: Ways) -> Sheet:
    """The promises of ``van``, checked, and its rests beside them. ``ways`` knows all places."""
    sheet = _promises(zero, van, [rider for rider in riders if rider.rest is None], ways)
    for rest in van.rests:
        sheet = _with_rest(sheet, rest, ways)
    return sheet


def _promises(zero: datetime, van: Van, riders: Sequence[Rider], ways: Ways) -> Sheet:
    trips = [trip_of(zero, rider, ways) for rider in riders]
    route = _standing(riders)
    own = frozenset(rider.id for rider in riders)
    vehicle = vehicle_of(zero, van, own, van.equipment, ways)
    problem = Problem([vehicle], trips, ways.duration_s, ways.duration_s, Objective.SERVICE)
    [known] = [None] if check(problem, [route]).faults else known_of(problem, [route])
    return Sheet(zero, van, riders, trips, route, known)


def _with_rest(sheet: Sheet, rest: Rest, ways: Ways) -> Sheet:
    """As it is due; else as it goes on; else as little later as what is promised allows; else it is lost."""
    if sheet.known is not None:
        if (made := _placed(sheet, Resting(rest, "planned", rest.begins), ways)) or (
            made := _going_on(sheet, rest, ways)
        ):
            return made
        last = rest.shift[1] - rest.length
        until = rest.begins[1]
        while until < last:
            until = min(max(until, sheet.van.shift[0]) + LATER, last)
            if made := _placed(sheet, Resting(rest, "late", (rest.begins[0], until)), ways):
                return made
    return replace(sheet, restings=[*sheet.restings, Resting(rest, "lost", rest.begins)])


def _placed(sheet: Sheet, resting: Resting, ways: Ways) -> Sheet | None:
    """Where it costs the least way; None where nothing is left."""
    rest, van, number = resting.rest, sheet.van, len(sheet.riders)
    rider = Rider(
        rest.id, van.home, van.home, resting.begins, None, None, {}, frozenset({van.id}), alone=True, rest=rest
    )
    riders, trips = [*sheet.riders, rider], [*sheet.trips, trip_of(sheet.zero, rider, ways)]
    if trips[-1].pickup.window[0] > down(_second(sheet.zero, resting.begins[1])):
        return None
    due = [*sheet.restings, resting]
    able = frozenset(each.id for each in riders)
    vehicle = vehicle_of(sheet.zero, van, able, van.equipment, ways, due)
    problem = Problem([vehicle], trips, ways.duration_s, ways.duration_s, Objective.SERVICE)
    found = offers(problem, [sheet.route], number)
    if not found or check(problem, [found[0].route]).faults:
        return None
    [known] = known_of(problem, [found[0].route])
    return replace(sheet, riders=riders, trips=trips, route=found[0].route, known=known, restings=due)


def _going_on(sheet: Sheet, rest: Rest, ways: Ways) -> Sheet | None:
    """The crew rests now: its van sets out when that is over, where every promise can be kept so."""
    if rest.begun_at is None:
        return None
    begins = max(sheet.van.shift[0], rest.begun_at + rest.length)
    van = replace(sheet.van, shift=(begins, max(begins, sheet.van.shift[1])))
    resting = Resting(rest, "going_on", (rest.begun_at, rest.begun_at))
    made = _promises(sheet.zero, van, sheet.riders, ways)
    if made.known is None or begins > sheet.van.shift[1]:
        return None
    return replace(made, restings=[resting])


def later(sheet: Sheet, van: Van, ways: Ways) -> Sheet:
    """The sheet once time has gone on, and the van can set out only later than before. All else is as it was."""
    known, opens = sheet.known, up(max(_second(sheet.zero, van.shift[0]), 0.0))
    if known is not None and sheet.route:
        first, pickup = sheet.route[0]
        stop = sheet.trips[first].pickup if pickup else sheet.trips[first].dropoff
        in_time = opens + float(ways.duration_s[known.places[0], stop.place]) <= known.free[1] - stop.service_s
    else:
        in_time = known is not None
    if known is None or not in_time or opens > down(_second(sheet.zero, van.shift[1])):
        return sheet_of(sheet.zero, van, sheet.riders, ways)
    free = known.free.copy()
    free[0] = opens
    return replace(sheet, van=van, known=replace(known, free=free))


def model_of(zero: datetime, riders: Sequence[Rider], vans: Sequence[Van], times: TravelTimes) -> Model:
    """The problem of this day. A promise's unit must be among ``vans``, or the promise is left as it stands."""
    ways = Ways(places_of(riders, vans), times)
    held: dict[str, list[Rider]] = {van.id: [] for van in vans}
    for rider in riders:
        if rider.told is not None and rider.told.unit_id in held:
            held[rider.told.unit_id].append(rider)
    sheets = [sheet_of(zero, van, held[van.id], ways) for van in vans]
    return together(zero, promised_of(zero, sheets, ways), [rider for rider in riders if rider.told is None], ways)


def places_of(riders: Iterable[Rider], vans: Iterable[Van]) -> list[Point | None]:
    return [end for rider in riders for end in (rider.pickup, rider.drop)] + [van.home for van in vans]


def promised_of(zero: datetime, sheets: Sequence[Sheet], ways: Ways) -> Promised:
    """What these vans have promised together. ``ways`` knows all places."""
    good = [sheet for sheet in sheets if sheet.known is not None]
    riders, trips, standing = list[Rider](), list[Trip](), list[Route]()
    for sheet in good:
        first = len(riders)
        standing.append([(first + number, pickup) for number, pickup in sheet.route])
        riders += sheet.riders
        trips += sheet.trips
    pieces = frozenset[str]().union(*(rider.equipment for rider in riders))
    vehicles = [
        vehicle_of(zero, sheet.van, frozenset(rider.id for rider in sheet.riders), pieces, ways, sheet.restings)
        for sheet in good
    ]
    return Promised(
        sheets, [sheet.van for sheet in good], vehicles, riders, trips, standing,
        {rider.id: at for at, rider in enumerate(riders)}, [sheet.known for sheet in good],
    )  # fmt: skip


def together(zero: datetime, promised: Promised, others: Sequence[Rider], ways: Ways) -> Model:
    """The day of all these vans, and of riders to whom nothing is promised yet. ``ways`` knows all places.

    A unit that was booked by hand against the rules is left to people.
    """
    vans, first = promised.vans, len(promised.riders)
    trips = [*promised.trips, *(trip_of(zero, rider, ways) for rider in others)]
    pieces = frozenset[str]().union(*(rider.equipment for rider in others))
    tired = frozenset(sheet.van.id for sheet in promised.sheets if sheet.known is not None and sheet.tired)
    more: dict[str, list[str]] = {van.id: [] for van in vans}
    for rider in others:
        for unit_id in rider.fits & more.keys() - tired:
            more[unit_id].append(rider.id)
    vehicles = [
        _beside(vehicle, van, more[van.id], pieces) for vehicle, van in zip(promised.vehicles, vans, strict=True)
    ]
    drives = ways.duration_s  # one table, for who passes the problem on
    problem = Problem(vehicles, trips, drives, drives, Objective.SERVICE)
    by_hand = frozenset(sheet.van.id for sheet in promised.sheets if sheet.known is None)
    number = {**promised.number, **{rider.id: at for at, rider in enumerate(others, start=first)}}
    restings = {sheet.van.id: sheet.restings for sheet in promised.sheets if sheet.restings}
    riders = [*promised.riders, *others]
    return Model(
        zero, riders, vans, problem, promised.standing, by_hand, ways.sources, number, promised.known, restings, tired
    )


def _beside(vehicle: Vehicle, van: Van, more: Iterable[str], pieces: frozenset[str]) -> Vehicle:
    """The vehicle as it is for ``more`` riders, and for what ``pieces`` of equipment it has."""
    capacity = {**vehicle.capacity, **{f"piece:{piece}": SHARE for piece in pieces & van.equipment}}
    return replace(vehicle, skills=vehicle.skills.union(more), capacity=capacity)


def trip_of(zero: datetime, rider: Rider, ways: Ways) -> Trip:
    """A rider as the engine takes one."""
    boards = rider.boarding.total_seconds()
    pickup, drop = ways.row(rider.pickup), ways.row(rider.drop)
    direct = float(ways.duration_s[pickup, drop])
    opens, closes = (_second(zero, at) for at in rider.window)
    until = DAY_S * 2 if rider.by_at is None else down(_second(zero, rider.by_at))
    if rider.told is not None:
        opens = down(_second(zero, rider.told.at))
        closes = opens + LATE_MOST.total_seconds()
        until = max(until, opens + boards + direct)
    leaves = boards + (CLEANING.total_seconds() if rider.alone else 0.0)
    if rider.rest is not None:
        boards, leaves = max(up(rider.rest.length.total_seconds()) - direct, 0.0), 0.0
    longest = direct + min(max(DETOUR * direct, LEAST_DETOUR_S), MOST_DETOUR_S)
    room = {"room": 1.0 if rider.alone else SHARE, **{f"piece:{piece}": SHARE for piece in rider.equipment}}
    return Trip(
        id=rider.id, pickup=Stop(pickup, (up(opens), max(down(closes), up(opens))), boards),
        dropoff=Stop(drop, (0.0, max(until, 0.0)), leaves), load={**rider.load, **room}, max_ride_s=longest,
        skills=frozenset({rider.id}), rest=rider.rest is not None,
        priority=_priority(rider),
    )  # fmt: skip


def _priority(rider: Rider) -> int:
    if rider.told or rider.rest:
        return HELD
    if rider.expected:
        return EXPECTED
    return RECURRING if rider.recurring else NEW


def vehicle_of(
    zero: datetime, van: Van, able: frozenset[str], pieces: frozenset[str], ways: Ways, restings: Iterable[Resting] = ()
) -> Vehicle:
    """Who may ride in it is its skills: eligibility is decided by the rules, for each rider and unit.

    A van with a rest in its route is in use whoever rides: what makes others go first is counted with its riders
    (:func:`services.dispatch.day.plan.offers`).
    """
    due = [_due(zero, resting) for resting in restings if resting.stands in {"planned", "late"}]
    capacity = {**{kind: float(count) for kind, count in van.places.items()}, "room": 1.0}
    capacity |= {f"piece:{piece}": SHARE for piece in pieces & van.equipment}
    shift = (up(max(_second(zero, van.shift[0]), 0.0)), down(min(_second(zero, van.shift[1]), DAY_S * 2)))
    home = ways.row(van.home)
    return Vehicle(van.id, home, home, capacity, (shift[0], max(shift)), skills=able,
                   opening=0.0 if due else van.burden_s, rests=tuple(due))  # fmt: skip


def _due(zero: datetime, resting: Resting) -> DueRest:
    opens, closes = (_second(zero, at) for at in resting.begins)
    return DueRest((opens, closes), resting.rest.length.total_seconds())


def _standing(riders: Sequence[Rider]) -> list[Visit]:
    """The stops that these riders of one unit were promised, in their order."""
    stops: list[tuple[datetime, int, bool]] = []
    for number, rider in enumerate(riders):
        if rider.told is None:
            continue
        down = rider.told.dropoff_at or rider.told.pickup_at + rider.boarding
        stops += [(rider.told.pickup_at, number, True), (down, number, False)]
    return [(number, pickup) for _, number, pickup in sorted(stops, key=lambda stop: (stop[0], not stop[2], stop[1]))]


def _second(zero: datetime, at: datetime) -> float:
    return (at - zero).total_seconds()
