"""Rests of crews: when they are due, and that no plan, offer or search is without one."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from datetime import time as clock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from services.dispatch.day.model import Model, Rider, Told, Van, later, model_of, sheet_of
from services.dispatch.day.plan import Day, better, day_of, filled, offers, proved, rested
from services.dispatch.day.timetable import Tour
from services.dispatch.day.ways import Ways
from services.dispatch.planning.problem import compact
from services.dispatch.planning.search import Search
from services.dispatch.rules.ranking import GreatCircle
from services.dispatch.rules.rests import Rest, due, still_due
from shared.geo import Point
from shared.pack_parts import DispatchPolicies
from shared.thai.dates import BANGKOK
from tests.dispatch.rules.test_day import CLINIC, KM, MIN, NINE, UNITS, ZERO, places, promised, rider

HOUR = 60 * MIN
ON = date(2026, 11, 23)
SHIFT = (NINE - 4 * HOUR, NINE + 5 * HOUR)
LAW = DispatchPolicies(rest_min=60)
HOME = Point(103.5, 16.44)

people = st.lists(
    st.tuples(places, st.integers(0, 150), st.sampled_from(("walking", "wheelchair")), st.booleans()), min_size=1, max_size=6
)  # fmt: skip


def thai(hour: float, on: date = ON) -> datetime:
    return datetime.combine(on, clock(), BANGKOK) + hour * HOUR


def rest(unit: str, begins: tuple[datetime, datetime] = (NINE - HOUR, NINE + HOUR), minutes: int = 60) -> Rest:
    return Rest(f"rest:{unit}:0", begins, minutes * MIN, SHIFT)


def model(*who: Rider, rests: bool = True, units: tuple[str, ...] = UNITS, burdens: dict[str, float] | None = None,
          begins: tuple[datetime, datetime] = (NINE - HOUR, NINE + HOUR)) -> Model:  # fmt: skip
    vans = [
        Van(name, name, HOME, {"seat": 3, "wheelchair": 2}, frozenset(), SHIFT, (burdens or {}).get(name, 0.0),
            (rest(name, begins),) if rests else ())
        for name in units
    ]  # fmt: skip
    return model_of(ZERO, who, vans, GreatCircle())


def assert_rested(made: Model, day: Day) -> None:
    """Every crew has its hour, when it is due, and drives nobody and nowhere then."""
    assert sorted(each.unit_id for each in day.rests) == sorted(van.id for van in made.vans)
    for each in day.rests:
        assert each.resting.stands == "planned"
        assert each.span is not None
        begins, ends = each.span
        assert ends - begins >= each.resting.rest.length
        assert each.resting.rest.begins[0] <= begins <= each.resting.rest.begins[1]
        for tour in day.tours.get(each.unit_id, ()):
            assert tour.ends_at <= begins or tour.starts_at >= ends
            assert all(halt.rider.rest is None for halt in tour.halts)


def leaves_rest(tours: Sequence[Tour], asked: Rest) -> bool:
    at = asked.begins[0]
    for tour in sorted(tours, key=lambda tour: tour.starts_at):
        if at <= asked.begins[1] and tour.starts_at - at >= asked.length:
            return True
        at = max(at, tour.ends_at)
    return at <= asked.begins[1]


@settings(deadline=None, max_examples=25)
@given(first=people, then=people)
def test_every_crew_rests_and_no_promise_is_broken_by_it(first: list, then: list) -> None:  # type: ignore[type-arg]
    before = model(*[rider(f"a{n}", *each[:3], alone=each[3]) for n, each in enumerate(first)])
    day = day_of(before, filled(before, before.standing), {})
    assert_rested(before, day)
    told = promised(day)
    known = [replace(each, told=told[each.id]) for each in before.riders if each.id in told]
    after = model(*known, *[rider(f"b{n}", *each[:3], alone=each[3]) for n, each in enumerate(then)])
    assert after.by_hand == frozenset()
    for each in after.riders:
        if each.is_new:  # what is offered at once leaves the rest, too
            for offer in offers(after, after.standing, each.id):
                assert leaves_rest(offer.tours, after.vans[0].rests[0])
    plan = filled(after, after.standing)
    assert proved(after, plan).feasible
    now = day_of(after, plan, {})
    assert_rested(after, now)
    for trip_id, was in told.items():
        assert promised(now)[trip_id].unit_id == was.unit_id
        assert timedelta() <= promised(now)[trip_id].at - was.at <= 10 * MIN


def test_a_plan_without_the_rest_that_is_due_is_no_plan() -> None:
    made = model(rider("a"), rider("b", late_min=90))
    plan = filled(made, made.standing)
    assert proved(made, plan).feasible
    without = [[visit for visit in route if made.riders[visit[0]].rest is None] for route in plan]
    assert [fault.code for fault in proved(made, without).faults] == ["rest"] * sum(1 for route in without if route)
    assert better(made, without, plan) == plan, "however much cheaper"
    again = rested(made, without)
    assert proved(made, again).feasible, "what was kept from before the rest was due gets it"
    home = [[], []]
    assert proved(made, home).feasible, "who stays at home rests"


def test_the_search_never_loses_a_rest() -> None:
    who = [rider(f"a{n}", Point(103.5, 16.43 + n * 3 * KM), late_min=12 * n) for n in range(10)]
    made = model(*who)
    start = filled(made, made.standing)
    found = Search(compact(made.problem), 1).run(time.perf_counter() + 1.0, time.perf_counter)
    for plan in (better(made, start, found.plan), start):
        assert proved(made, plan).feasible
        assert_rested(made, day_of(made, plan, {}))
    assert proved(made, found.plan).feasible, "it is a trip like others to it, and weighs more"


def test_whoever_has_given_much_goes_last_with_a_rest_as_without() -> None:
    who, burdens = rider("a"), {"one": 900.0}
    for rests in (True, False):
        made = model(who, rests=rests, burdens=burdens)
        assert offers(made, made.standing, "a")[0].tour.unit_id == "two"
        day = day_of(made, filled(made, made.standing), {})
        assert [unit for unit, tours in day.tours.items() if tours] == ["two"]


def told_at(name: str, at: datetime, minutes: int = 20) -> Rider:
    made = rider(name)
    return replace(
        made, window=(at, at), by_at=None, told=Told("one", f"run {name}", name, at, at, at + minutes * MIN),
        fits=frozenset({"one"}),
    )  # fmt: skip


def test_promises_put_a_rest_off_or_take_it_and_then_nobody_more_is_taken() -> None:
    """A ride every half an hour from the time when the rest is due."""

    def day(count: int, *more: Rider) -> tuple[Model, Day]:
        who = [told_at(f"t{n}", NINE - HOUR + n * 30 * MIN) for n in range(count)]
        made = model(*who, *more, units=("one",))
        return made, day_of(made, filled(made, made.standing), {})

    made, found = day(6)
    [late] = found.rests
    assert (late.resting.stands, made.by_hand, made.tired) == ("late", frozenset(), frozenset())
    assert late.span is not None
    assert NINE + HOUR < late.span[0] <= NINE + 2 * HOUR, "as little later as can be"
    made, found = day(12, replace(rider("new", late_min=280), by_at=None))
    [lost] = found.rests
    assert (lost.resting.stands, lost.span, made.tired) == ("lost", None, {"one"})
    assert [(each.trip_id, each.code) for each in found.unserved] == [("new", "rest_due")]
    assert len(promised(found)) == 12, "what was promised is kept all the same"


def test_a_crew_that_rests_now_goes_on_resting_where_promises_let_it() -> None:
    begun = rest("one", (NINE - HOUR, NINE))
    resting = replace(begun, begun_at=NINE - 10 * MIN)
    van = Van("one", "one", HOME, {"seat": 3}, frozenset(), (NINE + 12 * MIN, SHIFT[1]), rests=(resting,))
    ways = Ways([CLINIC, HOME], GreatCircle())
    free = sheet_of(ZERO, van, [], ways)
    assert [each.stands for each in free.restings] == ["going_on"]
    assert free.van.shift[0] == NINE + 50 * MIN, "nobody is fetched before it is over"
    soon = told_at("a", NINE + 20 * MIN)
    bound = sheet_of(ZERO, van, [soon], ways)
    assert [each.stands for each in bound.restings] == ["late"], "who was promised a ride gets it, the crew rests after"
    assert bound.known is not None
    gone = later(free, replace(van, shift=(NINE + 13 * MIN, SHIFT[1])), ways)
    assert gone.restings == free.restings


@pytest.mark.parametrize(
    ("pack", "shifts", "begins"),
    [
        ({"rest_min": 0}, [(8, 17)], []),
        ({}, [(8, 12)], []),
        ({}, [(8, 13)], []),  # five hours and no longer
        ({}, [(8, 17)], [(11, 13)]),  # after it, no more than four to five hours are left
        ({}, [(8, 20)], [(12, 13)]),
        ({}, [(8, 14)], [(10.5, 13)]),
        ({}, [(0, 12), (12, 24)], [(4, 5), (16, 17)]),
        ({"rest_from": "12:00", "rest_until": "13:30"}, [(8, 17)], [(12, 12.5)]),
        ({"rest_from": "12:00", "rest_until": "13:30"}, [(6, 15)], [(9, 11)]),  # the law goes before the clock
        ({"rest_from": "12:00", "rest_until": "13:30"}, [], [(12, 12.5)]),
        ({"rest_min": 60, "rest_parts": 2}, [(8, 17)], [(11.5, 13), (13.5, 16.5)]),
    ],
)
def test_when_a_rest_is_due(pack: dict, shifts: list, begins: list) -> None:  # type: ignore[type-arg]
    """An hour a day after no more than five hours of work (Labour Protection Act, section 27)."""
    rules = DispatchPolicies.model_validate({"rest_min": 60, **pack})
    found = due(rules, "u", [(thai(a), thai(b)) for a, b in shifts], ON, on_duty=True)
    assert [each.begins for each in found] == [(thai(a), thai(b)) for a, b in begins]
    for each in found:
        assert each.begins[1] - each.shift[0] <= timedelta(hours=5) or rules.rest_parts > 1 or not shifts
    if not shifts:
        assert due(rules, "u", [], ON, on_duty=False) == []


@pytest.mark.parametrize(
    ("busy", "now", "left"),
    [
        ([], 10, [None]),  # not due yet
        ([], 11.5, [11.0]),  # free since it was due
        ([], 12.0, []),  # and had it
        ([(9, 11.5)], 12, [11.5]),
        ([(9, 11.5)], 12.5, []),
        ([(9, 11.2), (11.9, 12.5)], 12.6, [12.5]),  # forty minutes are not an hour
        ([(9, 14)], 14, [None]),  # overdue
        ([(9, 14)], 14.5, [14.0]),
        ([(9, 14)], 15, []),  # late, and had all the same
    ],
)
def test_whoever_was_free_for_an_hour_has_rested(busy: list, now: float, left: list) -> None:  # type: ignore[type-arg]
    [one] = due(LAW, "u", [(thai(8), thai(17))], ON, on_duty=True)
    found = still_due([one], [(thai(a), thai(b)) for a, b in busy], thai(now))
    assert [each.begun_at for each in found] == [None if at is None else thai(at) for at in left]


def test_half_a_lunch_break_is_refused() -> None:
    for wrong in ({"rest_from": "12:00"}, {"rest_from": "13:00", "rest_until": "12:00"}, {"rest_min": 300}):
        with pytest.raises(ValidationError, match="rest_"):
            DispatchPolicies.model_validate(wrong)
