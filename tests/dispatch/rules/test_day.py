"""The day's plan, whatever is asked of it: promises are kept, tours begin and end empty, nobody is left without a reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from services.dispatch.day.model import Model, Rider, Told, Van, model_of
from services.dispatch.day.plan import Day, better, day_of, filled, offers, proved
from services.dispatch.rules.ranking import GreatCircle
from shared.geo import Point

MIN = timedelta(minutes=1)
ZERO = datetime(2026, 11, 22, 11, tzinfo=UTC)
NINE = datetime(2026, 11, 23, 2, tzinfo=UTC)
"""Nine o'clock in Thailand."""
UNITS = ("one", "two")
CLINIC = Point(103.53, 16.45)
KM = 1 / 111.2

places = st.integers(0, 40).map(lambda tenth: Point(103.5, 16.43 + tenth / 10 * KM))
riders = st.lists(
    st.tuples(places, st.integers(0, 120), st.sampled_from(("walking", "wheelchair")), st.booleans()), min_size=1, max_size=6
)  # fmt: skip


def rider(name: str, at: Point = CLINIC, late_min: int = 0, mobility: str = "walking", *, alone: bool = False) -> Rider:
    """To be fetched within the hour before nine and ``late_min``."""
    latest = NINE + late_min * MIN
    load = {"wheelchair": 1.0} if mobility == "wheelchair" else {"seat": 1.0}
    return Rider(
        name, at, CLINIC, (latest - 60 * MIN, latest), latest + 45 * MIN, mobility, load, frozenset(UNITS), alone=alone
    )  # fmt: skip


def model(*who: Rider, shift: tuple[datetime, datetime] = (ZERO, ZERO + timedelta(hours=30))) -> Model:
    vans = [Van(name, name, Point(103.5, 16.44), {"seat": 3, "wheelchair": 2}, frozenset(), shift) for name in UNITS]
    return model_of(ZERO, who, vans, GreatCircle())


def promised(day: Day) -> dict[str, Told]:
    """What everybody of the day has been told once it is published."""
    return {
        each.id: Told(unit_id, f"{unit_id}{number}", each.id, tour.pickup_of(each.id), tour.pickup_of(each.id),
                      tour.dropoff_of(each.id))
        for unit_id, tours in day.tours.items()
        for number, tour in enumerate(tours)
        for each in tour.riders
    }  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(first=riders, then=riders)
def test_who_was_told_a_time_is_fetched_then_or_ten_minutes_later_by_the_same_unit(first: list, then: list) -> None:  # type: ignore[type-arg]
    before = model(*[rider(f"a{n}", *each[:3], alone=each[3]) for n, each in enumerate(first)])
    told = promised(day_of(before, filled(before, before.standing), {}))
    known = [replace(each, told=told[each.id]) for each in before.riders if each.id in told]
    after = model(*known, *[rider(f"b{n}", *each[:3], alone=each[3]) for n, each in enumerate(then)])
    assert after.by_hand == frozenset(), "what was planned can be kept"
    plan = filled(after, after.standing)
    assert proved(after, plan).feasible
    now = promised(day_of(after, plan, {}))
    for trip_id, was in told.items():
        assert now[trip_id].unit_id == was.unit_id
        assert timedelta() <= now[trip_id].at - was.at <= 10 * MIN


@settings(deadline=None, max_examples=60)
@given(who=riders)
def test_a_tour_is_whole_and_whoever_has_no_place_has_a_reason(who: list) -> None:  # type: ignore[type-arg]
    made = model(*[rider(f"a{n}", *each[:3], alone=each[3]) for n, each in enumerate(who)])
    day = day_of(made, filled(made, made.standing), {})
    seen = [each.trip_id for each in day.unserved]
    for tours in day.tours.values():
        for tour, following in zip(tours, [*tours[1:], None], strict=True):
            seen += [each.id for each in tour.riders]
            assert len(tour.halts) == 2 * len(tour.riders)
            assert all(tour.starts_at <= halt.at <= tour.ends_at and halt.at.second == 0 for halt in tour.halts)
            assert following is None or following.starts_at >= tour.ends_at
            assert len(tour.riders) == 1 or not any(each.alone for each in tour.riders)
            for each in tour.riders:
                assert each.window[0] <= tour.pickup_of(each.id) <= each.window[1]
                assert each.by_at is None or tour.dropoff_of(each.id) <= each.by_at
    assert sorted(seen) == sorted(each.id for each in made.riders)


def test_nobody_is_fetched_sooner_than_needed_and_who_goes_home_not_later() -> None:
    out = rider("out", Point(103.5, 16.43))
    home = replace(out, id="home", pickup=CLINIC, drop=out.pickup, by_at=None, expected=True)
    one, other = model(out), model(home)
    [late] = offers(one, one.standing, "out")[0].tours
    assert timedelta() <= out.window[1] - late.pickup_of("out") < MIN
    [soon] = offers(other, other.standing, "home")[0].tours
    assert soon.pickup_of("home") == home.window[0]


def test_every_reason_is_the_right_one() -> None:
    def why(made: Model, lacks: dict[str, tuple[str, ...]] | None = None) -> list[tuple[str, tuple[str, ...]]]:
        left = day_of(made, filled(made, made.standing), lacks or {}).unserved
        return [(each.code, each.lacking) for each in left]

    alone = rider("x")
    assert why(model(alone)) == []
    assert why(model(replace(alone, fits=frozenset())), {"x": ("stretcher",)}) == [("nobody_fits", ("stretcher",))]
    assert why(model(replace(alone, fits=frozenset()))) == [("nobody_willing", ())]
    assert why(model(alone, shift=(NINE + 30 * MIN, NINE + 300 * MIN))) == [("too_late", ())]
    assert why(model(alone, shift=(ZERO, NINE - 120 * MIN))) == [("off_shift", ())]
    ill = [rider(f"i{n}", late_min=0, alone=True) for n in range(5)]
    assert {code for code, _ in why(model(*ill))} == {"all_bound"}


def test_who_comes_again_and_again_is_planned_before_single_visits() -> None:
    def left(*who: Rider) -> set[str]:
        made = model(*who)
        return {each.trip_id for each in day_of(made, filled(made, made.standing), {}).unserved}

    ill = [rider(f"i{n}", alone=True) for n in range(5)]
    without = left(*ill)
    assert without
    dialysis = [replace(each, recurring=each.id in without) for each in ill]
    assert not left(*dialysis) & without


def test_a_unit_booked_against_the_rules_is_left_to_people() -> None:
    """Two at one time at two ends of the town: no plan can keep that, and none touches it."""
    told = [Told("one", f"r{n}", f"a{n}", NINE, NINE, NINE + 20 * MIN) for n in range(2)]
    far = [replace(rider(f"t{n}", Point(103.5, 16.43 + n * 20 * KM)), told=each) for n, each in enumerate(told)]
    made = model(*far, rider("new"))
    assert made.by_hand == {"one"}
    day = day_of(made, filled(made, made.standing), {})
    assert {unit_id: [each.id for tour in tours for each in tour.riders] for unit_id, tours in day.tours.items()} == {
        "two": ["new"]
    }


def test_of_two_plans_none_that_breaks_a_promise_is_better() -> None:
    was = model(rider("a"))
    told = promised(day_of(was, filled(was, was.standing), {}))["a"]
    made = model(replace(rider("a"), told=told), rider("b", late_min=90))
    kept = filled(made, made.standing)
    without = [[visit for visit in route if made.riders[visit[0]].told is None] for route in kept]
    assert better(made, without, kept) == kept
    assert better(made, made.standing, kept) == kept, "one rider more"
    assert not proved(made, kept[::-1]).feasible, "nobody changes the unit that was promised"
    lonely = model(replace(rider("a"), told=told))
    assert promised(day_of(lonely, lonely.standing, {}))["a"].at == told.at, "on time, where nothing holds the van up"
