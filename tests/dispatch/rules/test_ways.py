"""Drives that grow with the places of a day, and a van's promises while time goes on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from services.dispatch.day.model import Told, Van, later, sheet_of
from services.dispatch.day.ways import Ways
from services.dispatch.rules.ranking import GreatCircle
from tests.dispatch.rules.test_day import MIN, NINE, ZERO, rider
from tests.dispatch.rules.test_roads import at, town


@pytest.mark.parametrize("times", [GreatCircle(), town(5, east=True)], ids=["straight", "roads"])
def test_places_that_come_one_by_one_are_as_far_as_those_that_come_together(times: GreatCircle) -> None:
    points = [at(column, row) for column in range(5) for row in range(5)]
    whole = Ways(points, times)
    grown = Ways(points[:3], times)
    early = grown.duration_s
    grown._room = grown._room[:6, :6].copy()  # soon full: laid out anew on the way
    for point in points[3:]:
        grown.know([point, None])
    assert np.array_equal(grown.duration_s, whole.duration_s)
    assert np.array_equal(early, whole.duration_s[:4, :4]), "what was given out stays"
    part = whole.only([points[7], None, points[2]])
    rows = [0, whole.row(points[7]), whole.row(points[2])]
    assert np.array_equal(part.duration_s, whole.duration_s[np.ix_(rows, rows)])
    assert part.sources == whole.sources


def test_a_sheet_of_a_later_hour_is_what_a_new_one_would_be() -> None:
    told = replace(rider("a"), told=Told("v", "run", "it", NINE, NINE, NINE + 30 * MIN))
    base = Van("v", "V", at(1, 1), {"seat": 3}, frozenset(), (ZERO, ZERO + timedelta(hours=30)))
    ways = Ways([told.pickup, told.drop, base.home], GreatCircle())
    sheet = sheet_of(ZERO, base, [told], ways)
    for hours in (1, 9, 14, 14.8, 14.9, 14.95, 15, 15.5, 40):
        after = replace(base, shift=(ZERO + timedelta(hours=hours), base.shift[1]))
        one, other = later(sheet, after, ways), sheet_of(ZERO, after, [told], ways)
        assert (one.known is None) == (other.known is None), hours
        if one.known is not None and other.known is not None:
            assert one.known.free.tolist() == other.known.free.tolist()
            assert one.known.latest.tolist() == other.known.latest.tolist()
