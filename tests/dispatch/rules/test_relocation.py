"""Relocation: coverage gained at another station, net of the drive; nothing where nothing is gained."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from services.dispatch.emergencies.coverage import Reach, losses
from services.dispatch.emergencies.relocation import Worth, added, best_station, proposals

REACH = Reach(240.0, 420.0)
FAR, NEAR = 2000.0, 60.0


def town(*rows):
    return np.array(rows, dtype=float)


@given(arrays(float, (4, 5), elements=st.floats(0, 900)), st.floats(0.1, 0.9))
def test_what_a_unit_adds_is_what_the_town_loses_when_it_leaves(drive_s, busy):
    weight = np.ones(5)
    lost = losses(drive_s, weight, busy, REACH)
    for unit in range(4):
        [gain] = added(np.delete(drive_s, unit, axis=0), drive_s[[unit]], weight, busy, REACH)
        assert abs(gain - lost[unit]) < 1e-9


def test_two_at_one_station_and_one_is_asked_to_stand_where_nobody_is():
    stations = town([NEAR, FAR], [FAR, NEAR])
    units = town([NEAR, FAR], [NEAR, FAR])
    [move] = proposals(units, stations, town([0, 300], [0, 300]), np.ones(2), 0.3)
    assert (move.station, move.drive_s) == (1, 300)
    assert move.gain > 0.2


def test_where_all_stand_well_or_the_way_is_too_long_nothing_is_proposed():
    stations = town([NEAR, FAR], [FAR, NEAR])
    spread = town([NEAR, FAR], [FAR, NEAR])
    assert proposals(spread, stations, town([0, 300], [300, 0]), np.ones(2), 0.3) == []
    crowded = town([NEAR, FAR], [NEAR, FAR])
    assert proposals(crowded, stations, town([0, 90_000], [0, np.inf]), np.ones(2), 0.3) == []


@given(arrays(float, (4, 6), elements=st.floats(0, 900)), arrays(float, (3, 6), elements=st.floats(0, 900)))
def test_each_proposed_move_brings_more_than_it_costs_and_no_unit_moves_twice(units, stations):
    worth = Worth()
    made = proposals(units, stations, np.full((4, 3), 120.0), np.ones(6), 0.4, worth)
    assert len({move.unit for move in made}) == len(made)
    assert all(move.gain >= worth.least + 120 * worth.drive_share_per_s - 1e-12 for move in made)


def test_a_unit_that_has_become_free_goes_where_nobody_stands():
    stations = town([NEAR, FAR], [FAR, NEAR])
    assert best_station(town([NEAR, FAR]), stations, np.array([60.0, 60.0]), np.ones(2), 0.3) == 1
    assert best_station(town([FAR, NEAR]), stations, np.array([60.0, 60.0]), np.ones(2), 0.3) == 0
