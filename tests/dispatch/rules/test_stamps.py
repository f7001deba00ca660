"""Intervals between the seven stamps."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dispatch.rules.stamps import INTERVALS, STAMPS, intervals, percentile, summarise
from shared.codes.codes import code_list

START = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
FULL = {
    stamp: START + timedelta(minutes=minute) for stamp, minute in zip(STAMPS, (0, 1, 3, 9, 21, 33, 60), strict=True)
}


def test_the_stamps_are_those_of_the_form():
    assert code_list("stamp").codes == STAMPS


def test_each_interval_has_one_definition():
    found = intervals(FULL)
    assert found.seconds == {
        "call_handling_s": 60, "turnout_s": 120, "travel_s": 360, "response_s": 540, "on_scene_s": 720,
        "transport_s": 720, "return_s": 1620, "mission_s": 3600,
    }  # fmt: skip
    assert found.missing_stamps == found.wrong == ()


def test_a_missing_stamp_makes_its_intervals_missing_not_zero():
    found = intervals({**FULL, "at_scene": None})
    assert found.missing_stamps == ("at_scene",)
    assert {"response_s", "travel_s", "on_scene_s"} & set(found.seconds) == set()


def test_who_is_not_transported_misses_no_transport_stamps():
    stamps = {stamp: at for stamp, at in FULL.items() if stamp not in {"left_scene", "at_destination"}}
    assert intervals(stamps, transported=False).missing_stamps == ()
    assert intervals(stamps).missing_stamps == ("left_scene", "at_destination")


def test_stamps_in_the_wrong_order_are_counted_as_wrong():
    found = intervals({**FULL, "at_scene": START - timedelta(minutes=5)})
    assert "response_s" in found.wrong
    assert "response_s" not in found.seconds


@given(
    st.lists(
        st.dictionaries(st.sampled_from(STAMPS), st.integers(-60, 600).map(lambda m: START + timedelta(minutes=m)))
    )
)
def test_every_mission_is_known_missing_or_wrong(missions):
    each = [intervals(stamps) for stamps in missions]
    for name in INTERVALS:
        summary = summarise(each, name, target_s=480)
        assert summary.known + summary.missing + summary.wrong == len(missions)
        assert (summary.mean_s is None) == (summary.known == 0)
        assert summary.within_target is None or 0 <= summary.within_target <= 1


@pytest.mark.parametrize(("percent", "value"), [(50, 5), (90, 9), (100, 10), (0, 1)])
def test_percentiles_are_values_that_occurred(percent, value):
    assert percentile([float(n) for n in range(1, 11)], percent) == value
    assert percentile([], percent) is None
