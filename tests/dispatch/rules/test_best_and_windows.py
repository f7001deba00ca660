"""The quick choice equals the first of the full ranking; windows and tours of booked rides."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.dispatch.emergencies.sparing import SPARED, best_spared, spare
from services.dispatch.rules import windows
from services.dispatch.rules.eligibility import CrewFacts, UnitFacts
from services.dispatch.rules.ranking import GreatCircle, Weights, best, rank
from services.dispatch.rules.requirements import Asked, requirements
from shared.geo import Point, distance_m, distances_m
from shared.thai.dates import BANGKOK
from shared.thai.quiet import next_allowed

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
points = st.builds(Point, st.floats(103.4, 103.7), st.floats(16.3, 16.6))


def unit(number: int, **facts: Any) -> UnitFacts:
    skills = dict.fromkeys(facts.pop("skills"), None)
    crew = tuple(CrewFacts(str(each), skills) for each in range(facts.pop("crew")))
    return UnitFacts(id=f"{number:03}", vehicle_kind="ambulance", crew=crew, **facts)


units = st.lists(
    st.fixed_dictionaries({
        "level": st.sampled_from(["transport", "fr", "bls", "ils", "als"]),
        "duty": st.sampled_from(["on_duty", "on_duty", "off_duty"]),
        "skills": st.sets(st.sampled_from(["first_aid", "emt_b", "paramedic", "driving", "lifting"])),
        "crew": st.integers(0, 3),
        "places": st.fixed_dictionaries({"stretcher": st.integers(0, 1), "seat": st.integers(0, 2)}),
        "equipment": st.frozensets(st.sampled_from(["aed", "oxygen_set"])),
        "position": st.none() | points,
        "position_at": st.none() | st.integers(0, 900).map(lambda s: NOW - timedelta(seconds=s)),
        "station": st.none() | points,
    }),
    max_size=12,
).map(lambda found: [unit(number, **facts) for number, facts in enumerate(found)])  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(
    units=units, place=st.none() | points, severity=st.sampled_from(["red", "yellow", "green", "white"]),
    mobility=st.none() | st.sampled_from(["walking", "stretcher"]),
)  # fmt: skip
def test_the_quick_choice_is_the_first_of_the_ranking(
    units: list[UnitFacts], place: Point | None, severity: str, mobility: str | None
) -> None:
    wanted = requirements(Asked(severity=severity, mobility=mobility))
    first = next(iter(rank(units, wanted, place, NOW, GreatCircle())), None)
    found = best(units, wanted, place, NOW, GreatCircle())
    assert found == (first if first is not None and first.eligible else None)


@settings(max_examples=200, deadline=None)
@given(
    units=units, place=points, severity=st.sampled_from(["red", "yellow", "green", "white"]),
    demand=st.lists(points, max_size=6),
)  # fmt: skip
def test_who_is_taken_for_the_towns_sake_may_go_is_known_to_be_somewhere_and_stands_first_in_the_list(
    units: list[UnitFacts], place: Point, severity: str, demand: list[Point]
) -> None:
    asked = (requirements(Asked(severity=severity)), place, NOW)
    ranked = rank(units, *asked, GreatCircle())
    found = best_spared(units, *asked, severity, demand, GreatCircle(), Weights())
    soonest = best(units, *asked, GreatCircle())
    listed = spare(ranked, units, *asked, severity, demand, GreatCircle(), Weights())
    assert sorted(each.unit_id for each in listed) == sorted(each.unit_id for each in ranked)
    if found is None or soonest is None:
        assert (found, listed) == (soonest, ranked)
        return
    assert listed[0] == found
    assert found.eligible
    if severity == "red" or len(demand) < 2:
        assert found == soonest
    if SPARED in found.reasons:
        assert found.lost == soonest.lost, "who is lost is not nearer for that"
        assert found.duration_s is not None
        assert found.score_s >= soonest.score_s
    else:
        assert found == soonest


@given(st.lists(points, max_size=5), points)
def test_distances_from_many_points_are_those_from_each(origins: list[Point], to: Point) -> None:
    assert distances_m(origins, to) == pytest.approx([distance_m(origin, to) for origin in origins], abs=0.01)


@pytest.mark.parametrize("mobility", ["walking", "assisted", "wheelchair", "stretcher", None])
def test_who_is_fetched_last_minute_still_reaches_the_clinic(mobility: str | None) -> None:
    appointment, ride = NOW + timedelta(hours=5), timedelta(minutes=12)
    window = windows.to_appointment(appointment, ride, mobility)
    assert window.pickup_earliest_at < window.pickup_latest_at < window.arrive_by_at < appointment
    start = windows.start_for(window.pickup_latest_at, timedelta(minutes=7))
    planned = windows.tour(start, timedelta(minutes=7), ride, mobility)
    assert planned.pickup_at == window.pickup_latest_at
    assert planned.dropoff_at <= window.arrive_by_at
    assert planned.end_at > planned.dropoff_at


def test_unknown_places_get_honest_defaults() -> None:
    window = windows.to_appointment(NOW, None, None)
    assert window.arrive_by_at - window.pickup_latest_at == windows.UNKNOWN_RIDE + 2 * windows.BOARDING[None]


def test_who_is_fetched_at_once_hears_when_the_vehicle_will_really_be_there() -> None:
    """Twenty minutes whatever the way: then the vehicle stood at the door a quarter of an hour before its time."""
    near, far = (windows.at_the_door(NOW, timedelta(seconds=way)) for way in (100, 1500))
    assert near - NOW == timedelta(minutes=5), "rounded up to the minute"
    assert far - NOW == timedelta(minutes=28)
    assert windows.at_the_door(NOW, None) - NOW == windows.UNKNOWN_APPROACH


@pytest.mark.parametrize(
    ("now", "pickup_at", "by"),
    [
        ((1, 14), (8, 9), (1, 16)),  # by day: two hours
        ((1, 2), (8, 9), (1, 9)),  # of next week by night: two hours from the morning on
        ((1, 22), (2, 9), (2, 8)),  # of tomorrow: in the morning, an hour before it at the latest
        ((1, 22), (2, 8), (2, 0)),  # too soon after the morning: by night
        ((1, 2), (1, 3), (1, 2)),  # at once
    ],
)
def test_who_sleeps_answers_in_the_morning_what_can_wait(
    now: tuple[int, int], pickup_at: tuple[int, int], by: tuple[int, int]
) -> None:
    asked, ride = (datetime(2026, 11, *each, tzinfo=BANGKOK) for each in (now, pickup_at))
    morning = next_allowed(asked, time(21), time(7))
    found = windows.answer_by(asked, morning, ride, timedelta(hours=2), timedelta(hours=1))
    assert found == max(datetime(2026, 11, *by, tzinfo=BANGKOK), asked + timedelta(minutes=5))
