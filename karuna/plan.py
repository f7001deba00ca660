"""``karuna plan compare``: the same day planned by the service and by OR-Tools, both judged by the exact checker."""

from __future__ import annotations

import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httpx

from karuna.words import refusal
from services.dispatch.api.plans_models import PlanBody
from services.dispatch.api.plans_problem import problem_of
from services.dispatch.planning.checker import Verdict, check
from services.dispatch.planning.problem import Plan, Problem
from services.dispatch.rules.ranking import GreatCircle
from services.dispatch.travel.matrix import read_matrix

LONGEST_S = 150.0


@dataclass(frozen=True, slots=True)
class Opinion:
    """``verdict`` None: no plan at all was found in ``took_s`` seconds."""

    name: str
    verdict: Verdict | None
    took_s: float


async def compare(client: httpx.AsyncClient, body: dict[str, Any]) -> list[Opinion]:
    """The service's plan and the second opinion, each with the body's own ``time_limit_s``, one after the other.

    Raises:
        LookupError: the service refused the body, in its words; or it names a matrix that only the service knows.
        httpx.HTTPStatusError: the service answered otherwise.

    """
    if body.get("matrix_id") is not None:
        raise LookupError("matrix_id: ให้ใส่ matrix ในไฟล์แทน (put the matrix itself into the file)")
    started = time.monotonic()
    answer = await client.post("/v1/plans/preview", json=body, timeout=LONGEST_S)
    if HTTPStatus.BAD_REQUEST <= answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
        raise LookupError(refusal(answer))
    answer.raise_for_status()
    took_s = time.monotonic() - started
    asked = PlanBody.model_validate(body)
    matrix = None if asked.matrix is None else read_matrix(asked.matrix, "matrix")
    problem, _ = problem_of(asked, matrix, GreatCircle())
    ours = Opinion("karuna", check(problem, _plan(problem, answer.json())), took_s)
    return [ours, _or_tools(problem, asked.time_limit_s)]


def _or_tools(problem: Problem, within_s: float) -> Opinion:
    from karuna.second_opinion import second_opinion

    started = time.monotonic()
    plan = second_opinion(problem, within_s)
    return Opinion("OR-Tools", None if plan is None else check(problem, plan), time.monotonic() - started)


def _plan(problem: Problem, answer: dict[str, Any]) -> Plan:
    """The service's routes, as anybody reads them from its answer."""
    trip = {each.id: number for number, each in enumerate(problem.trips)}
    routes = {route["vehicle"]: route["stops"] for route in answer["routes"]}
    return [
        [(trip[stop["trip"]], stop["kind"] == "pickup") for stop in routes.get(vehicle.id, [])]
        for vehicle in problem.vehicles
    ]


def table(opinions: list[Opinion]) -> list[tuple[str, ...]]:
    """Rows for a person: who, proved, vehicles, cost, trips left out, seconds."""
    rows: list[tuple[str, ...]] = [
        ("", "ผ่านการตรวจ (proved)", "รถ (vehicles)", "ต้นทุน (cost)", "ไม่มีที่ (left out)", "วินาที (s)")
    ]
    for each in opinions:
        took = f"{each.took_s:.1f}"
        if each.verdict is None:
            rows.append((each.name, "–", "–", "ไม่พบแผน (no plan)", "–", took))
            continue
        proved = "✓" if each.verdict.feasible else "✗ " + ", ".join(sorted({one.code for one in each.verdict.faults}))
        cost = f"{each.verdict.cost:.2f}"
        left = str(len(each.verdict.unserved))
        rows.append((each.name, proved, str(each.verdict.vehicles_used), cost, left, took))
    return rows
