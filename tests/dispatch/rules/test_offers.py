"""Booked rides into the gaps of the units: as late as possible, never two at once, and a reason for who is left."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from services.dispatch.rules.offers import Candidate, Wish, offers, plan_day, why_not

NINE = datetime(2026, 11, 23, 9, tzinfo=UTC)
MIN = timedelta(minutes=1)


def wish(latest: datetime = NINE, early_min: int = 60, name: str = "t") -> Wish:
    return Wish(name, latest - early_min * MIN, latest, 20 * MIN, "walking")


def unit(name: str = "u", approach_min: int = 10, *bound: tuple[int, int], lacks: tuple[str, ...] = ()) -> Candidate:
    """``bound``: minutes from nine o'clock."""
    spans = tuple((NINE + begins * MIN, NINE + ends * MIN) for begins, ends in bound)
    return Candidate(name, approach_min * MIN, spans, lacks)


LONG_AGO = NINE - timedelta(days=1)


def test_a_free_unit_comes_as_late_as_it_may() -> None:
    [offer] = offers(wish(), [unit()], LONG_AGO)
    assert (offer.tour.pickup_at, offer.tour.start_at, offer.early) == (NINE, NINE - 10 * MIN, timedelta())
    assert offer.tour.end_at == NINE + 30 * MIN, "boarding 5, ride 20, leaving 5"


def test_a_bound_unit_comes_earlier_where_it_can_and_not_at_all_where_it_cannot() -> None:
    [offer] = offers(wish(), [unit("u", 10, (0, 60))], LONG_AGO)
    assert (offer.tour.end_at, offer.early) == (NINE, 30 * MIN)
    assert offers(wish(), [unit("u", 10, (-25, 60))], LONG_AGO)[0].early == 55 * MIN
    assert offers(wish(), [unit("u", 10, (-35, 60))], LONG_AGO) == []
    assert offers(wish(), [unit("u", 10, (-90, -50), (-20, 60))], LONG_AGO) == [], "neither between the two nor before"


def test_no_unit_is_offered_that_lacks_something_or_could_not_set_out_in_time() -> None:
    assert offers(wish(), [unit(lacks=("stretcher",))], LONG_AGO) == []
    assert offers(wish(), [unit()], NINE - 11 * MIN) == []
    assert why_not(wish(), [unit()], NINE - 11 * MIN).code == "too_late"
    lacking = why_not(wish(), [unit(lacks=("stretcher", "als")), unit("v", lacks=("oxygen",))], LONG_AGO)
    assert (lacking.code, lacking.lacking) == ("nobody_fits", ("oxygen",))
    bound = why_not(wish(), [unit("u", 10, (-200, 200))], LONG_AGO)
    assert (bound.code, bound.between) == ("all_bound", (NINE - 10 * MIN, NINE + 30 * MIN))


def test_the_three_best_are_offered_near_ones_and_those_with_little_work_first() -> None:
    found = offers(wish(), [unit("far", 20), unit("near", 5), unit("busy", 5, (200, 300)), unit("d", 40)], LONG_AGO)
    assert [offer.unit_id for offer in found] == ["near", "busy", "far"]


def test_a_ride_with_one_way_to_go_is_served_before_one_with_two() -> None:
    van, car = unit("van", 5), unit("car", 20)
    stretcher, walker = wish(name="stretcher"), wish(NINE - 5 * MIN, name="walker")
    both = {"walker": [van, car], "stretcher": [van, unit("car", 20, lacks=("stretcher",))]}
    day = plan_day([walker, stretcher], both, LONG_AGO)
    assert {trip: offer.unit_id for trip, offer in day.planned.items()} == {"stretcher": "van", "walker": "car"}
    assert day.unserved == []


spans = st.lists(st.tuples(st.integers(-300, 300), st.integers(1, 120)), max_size=4)


@given(
    rides=st.lists(st.tuples(st.integers(-120, 120), st.integers(0, 90)), min_size=1, max_size=7),
    fleet=st.lists(st.tuples(st.integers(0, 40), spans), min_size=1, max_size=4),
)
@settings(max_examples=150, deadline=None, derandomize=True)
def test_no_unit_is_ever_in_two_places_and_nobody_is_fetched_outside_the_window(
    rides: list[tuple[int, int]], fleet: list[tuple[int, list[tuple[int, int]]]]
) -> None:
    wishes = [wish(NINE + at * MIN, early, f"t{number}") for number, (at, early) in enumerate(rides)]
    units = [
        unit(f"u{number}", approach, *((begins, begins + length) for begins, length in bound))
        for number, (approach, bound) in enumerate(fleet)
    ]
    day = plan_day(wishes, {each.trip_id: units for each in wishes}, LONG_AGO)
    assert {*day.planned, *(each.trip_id for each in day.unserved)} == {each.trip_id for each in wishes}
    for each in wishes:
        if each.trip_id in day.planned:
            assert each.earliest_at <= day.planned[each.trip_id].tour.pickup_at <= each.latest_at
    for member in units:
        own = [(o.tour.start_at, o.tour.end_at) for o in day.planned.values() if o.unit_id == member.unit_id]
        for number, (begins, ends) in enumerate(own):
            for other in (*member.bound, *own[number + 1 :]):
                assert ends <= other[0] or other[1] <= begins
