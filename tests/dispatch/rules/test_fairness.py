"""Booked rides are shared out among volunteers; an emergency gets whoever is soonest there."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.dispatch.rules.eligibility import UnitFacts
from services.dispatch.rules.fairness import MOST_S, burdens
from services.dispatch.rules.ranking import GreatCircle, rank
from services.dispatch.rules.requirements import Requirements
from shared.geo import Point

NOW = datetime(2026, 11, 23, 2, tzinfo=UTC)
HOUR_S = 3600.0


@pytest.mark.parametrize(
    ("given_h", "expected_s"),
    [
        ({}, {}),
        ({"a": 40.0}, {"a": 0.0}),
        ({"a": 2.0, "b": 2.0}, {"a": 0.0, "b": 0.0}),
        ({"a": 1.0, "b": 3.0}, {"a": 0.0, "b": 360.0}),
        ({"a": 0.0, "b": 90.0}, {"a": 0.0, "b": MOST_S}),
    ],
)
def test_hours_count_against_those_of_who_gave_least(given_h: dict[str, float], expected_s: dict[str, float]) -> None:
    assert burdens({unit: hours * HOUR_S for unit, hours in given_h.items()}) == expected_s


def test_who_gave_more_comes_later_and_the_reason_says_so() -> None:
    place = Point(103.5, 16.43)
    near = UnitFacts("near", "van", None, "on_duty", station=Point(103.5, 16.44), burden_s=600.0)
    far = UnitFacts("far", "van", None, "on_duty", station=Point(103.5, 16.45))
    first, second = rank([near, far], Requirements(), place, NOW, GreatCircle())
    assert (first.unit_id, second.unit_id) == ("far", "near")
    assert second.score_s - (second.duration_s or 0) >= 600.0
    assert [text.en for text in second.reasons if "gave more" in text.en]
    assert not [text.en for text in first.reasons if "gave more" in text.en]
