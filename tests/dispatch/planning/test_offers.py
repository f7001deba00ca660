"""A promise is found wherever there is one, is the cheapest for its vehicle, and breaks none that was given."""

from __future__ import annotations

from hypothesis import given, settings

from services.dispatch.planning.checker import check
from services.dispatch.planning.offers import MOST, offers
from services.dispatch.planning.problem import Problem
from tests.dispatch.planning.cases import problems, solved

QUIET = settings(max_examples=60, deadline=None, derandomize=True, database=None)


def by_trying_all(problem: Problem, plan: list[list[tuple[int, bool]]], number: int) -> dict[int, float]:
    """Vehicle → what the cheapest feasible insertion costs more."""
    base = check(problem, plan).cost
    found: dict[int, float] = {}
    for v, route in enumerate(plan):
        for p in range(len(route) + 1):
            for q in range(p, len(route) + 1):
                made = [*route[:p], (number, True), *route[p:q], (number, False), *route[q:]]
                verdict = check(problem, [*plan[:v], made, *plan[v + 1 :]])
                if verdict.feasible:
                    found[v] = min(found.get(v, 1e9), verdict.cost - base)
    return found


@given(problem=problems(most_trips=6))
@QUIET
def test_offers_are_the_cheapest_of_each_vehicle_and_none_is_missed(problem: Problem) -> None:
    whole = solved(problem, looks=60).plan
    number = 0
    plan = [[visit for visit in route if visit[0] != number] for route in whole]
    expected = by_trying_all(problem, plan, number)
    found = offers(problem, plan, number)
    assert {offer.vehicle for offer in found} <= set(expected)
    assert len(found) == min(len(expected), MOST)
    assert [round(offer.extra, 6) for offer in found] == [round(cost, 6) for cost in sorted(expected.values())[:MOST]]
    for offer in found:
        verdict = check(problem, [*plan[: offer.vehicle], offer.route, *plan[offer.vehicle + 1 :]])
        assert verdict.feasible
        window = problem.trips[number].pickup.window
        assert window[0] <= offer.pickup_s <= window[1]
