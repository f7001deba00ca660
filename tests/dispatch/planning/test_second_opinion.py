"""The second opinion keeps every rule, and stands beside the service's own plan in one table."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from hypothesis import given, settings

from bench import engine_cases
from bench.engine import problem_of
from bench.peers import PEERS, asked_of
from karuna.plan import compare, table
from karuna.second_opinion import second_opinion
from services.dispatch.app import SERVICE
from services.dispatch.planning.checker import check
from services.dispatch.planning.problem import Problem
from tests.dispatch.engine import planning
from tests.dispatch.planning.cases import problems, solved
from tests.harness import bearer, service_running
from tests.platform_fixtures import MakeDatabase

BODY = {**engine_cases.dial_a_ride(3, 12, 2), "time_limit_s": 0.5, "seed": 1}
LIMITS_S = (0.5, 5.0, 25.0)
"""Both search by the clock: where the machine is busy they get as far in more of it."""


@settings(max_examples=25, deadline=None)
@given(problems())
def test_whatever_it_plans_passes_the_checker(problem: Problem) -> None:
    plan = second_opinion(problem, 0.05)
    assert plan is None or check(problem, plan).faults == []


def test_on_a_small_day_both_find_the_same_cost() -> None:
    problem = problem_of(engine_cases.dial_a_ride(1, 6, 2))
    ours = check(problem, solved(problem).plan)
    for within_s in LIMITS_S:
        plan = second_opinion(problem, within_s)
        other = check(problem, plan) if plan is not None else None
        if other is not None and other.cost == pytest.approx(ours.cost, rel=1e-4):
            break
    assert other is not None
    assert (other.unserved, ours.unserved) == ([], [])
    assert other.cost == pytest.approx(ours.cost, rel=1e-4)


@pytest.mark.parametrize("peer", ["VROOM", "PyVRP"])
def test_what_the_engine_is_measured_beside_is_judged_by_the_same_checker(peer: str) -> None:
    """Goods, as few vehicles as can be: small enough that all find the same."""
    problem = problem_of(engine_cases.pickup_and_delivery(4, 9, vehicles=5))
    plan, ours = PEERS[peer](problem, 1.0), check(problem, solved(problem).plan)
    assert asked_of(peer, problem)
    assert plan is not None
    theirs = check(problem, plan)
    assert (theirs.faults, theirs.unserved, theirs.vehicles_used) == ([], [], ours.vehicles_used)
    assert theirs.cost == pytest.approx(ours.cost, rel=1e-4)


def test_who_knows_no_ride_limit_is_not_asked_for_people() -> None:
    problem = problem_of(engine_cases.dial_a_ride(1, 6, 2))
    assert [peer for peer in PEERS if asked_of(peer, problem)] == ["OR-Tools"]


async def test_both_stand_in_one_table(database: MakeDatabase, tmp_path: Path) -> None:
    async with service_running(SERVICE, (await database("dispatch")).dsn, tmp_path) as running, planning(running):
        running.client.headers.update(bearer("dispatcher"))
        for limit_s in LIMITS_S:
            ours, other = await compare(running.client, {**BODY, "time_limit_s": limit_s})
            if other.verdict is not None and ours.verdict is not None and not ours.verdict.unserved:
                break
    assert ours.verdict is not None
    assert other.verdict is not None
    assert ours.verdict.feasible
    assert other.verdict.feasible
    assert not ours.verdict.unserved
    assert other.verdict.unserved or ours.verdict.cost <= other.verdict.cost + 1e-6
    assert [row[0] for row in table([ours, other])] == ["", "karuna", "OR-Tools"]


async def test_a_matrix_that_only_the_service_knows_is_refused_before_anything_is_asked() -> None:
    place = {"index": 0}
    body = {**BODY, "metric": "matrix", "matrix_id": "town", "vehicles": [], "trips": []}
    async with httpx.AsyncClient(base_url="http://127.0.0.1:1") as nobody:
        with pytest.raises(LookupError, match="matrix_id"):
            await compare(nobody, body | {"vehicles": [{**BODY["vehicles"][0], "start": place, "end": place}]})
