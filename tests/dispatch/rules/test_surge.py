"""A surge is served all at once: never fewer, and never later in sum for the most urgent, than one after the other."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.dispatch.emergencies.surge import AGED_S, Waiting, assign

SEVERITIES = ("red", "pink", "yellow", "green", "white")
INF = math.inf


def greedy(waiting, seconds):
    """In the order of the queue each takes the soonest unit that is left."""
    order = sorted(range(len(waiting)), key=lambda n: (-waiting[n].urgency, -waiting[n].waited_s, n))
    found, left = {}, set(range(seconds.shape[1]))
    for call in order:
        best = min(left, key=lambda unit: (seconds[call, unit], unit), default=None)
        if best is not None and math.isfinite(seconds[call, best]):
            found[call] = best
            left.remove(best)
    return found


@st.composite
def surges(draw):
    calls, units = draw(st.integers(1, 8)), draw(st.integers(1, 8))
    waits = st.floats(0, 2000)
    waiting = [Waiting(draw(st.sampled_from(SEVERITIES)), draw(waits)) for _ in range(calls)]
    cell = st.one_of(st.floats(10, 3000), st.just(INF))
    return waiting, np.array([[draw(cell) for _ in range(units)] for _ in range(calls)])


@given(surges())
def test_nobody_goes_twice_and_only_where_they_may(surge):
    waiting, seconds = surge
    found = assign(waiting, seconds)
    assert len(set(found.values())) == len(found)
    assert all(math.isfinite(seconds[call, unit]) for call, unit in found.items())


@given(surges())
def test_for_the_most_urgent_never_fewer_and_never_later_in_sum_than_one_after_the_other(surge):
    waiting, seconds = surge
    top = max(each.urgency for each in waiting)
    mine, theirs = (
        {call: unit for call, unit in found.items() if waiting[call].urgency == top}
        for found in (assign(waiting, seconds), greedy(waiting, seconds))
    )
    assert len(mine) >= len(theirs)
    if set(mine) == set(theirs):
        later = sum(seconds[c, u] for c, u in mine.items()) - sum(seconds[c, u] for c, u in theirs.items())
        assert later <= 1e-6


@given(surges())
def test_who_is_less_urgent_changes_nothing_for_the_most_urgent(surge):
    waiting, seconds = surge
    top = max(each.urgency for each in waiting)
    urgent = [number for number, each in enumerate(waiting) if each.urgency == top]
    alone = assign([waiting[number] for number in urgent], seconds[urgent])
    together = assign(waiting, seconds)
    assert {call: together.get(call) for call in urgent} == {urgent[n]: alone.get(n) for n in range(len(urgent))}


def test_two_who_would_take_the_same_unit_are_both_reached_soon():
    waiting = [Waiting("red", 60), Waiting("red", 50)]
    seconds = np.array([[100.0, 150.0], [120.0, 900.0]])
    assert greedy(waiting, seconds) == {0: 0, 1: 1}
    assert assign(waiting, seconds) == {0: 1, 1: 0}


def test_who_waited_long_moves_up_but_not_among_those_in_danger():
    one_unit = np.array([[60.0], [300.0]])
    assert assign([Waiting("green", 0), Waiting("white", AGED_S)], one_unit) == {1: 0}
    assert assign([Waiting("pink", 0), Waiting("yellow", 10 * AGED_S)], one_unit) == {0: 0}
