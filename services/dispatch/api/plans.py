"""What-if for a day of booked rides: a plan for these vehicles and trips. Nothing is touched and nothing is kept."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any

import orjson
import structlog
from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from pydantic_core import from_json

from services.dispatch.api.common import MayPreview, runtime_of
from services.dispatch.api.plans_models import PlanBody, PlanOut
from services.dispatch.api.plans_problem import problem_of
from services.dispatch.api.travel import homes_of, invalid, names_of
from services.dispatch.engine.pool import MOST_EACH, PREVIEWS, Busy, Engine, Lost, NotReady
from services.dispatch.planning.checker import Verdict, check
from services.dispatch.planning.problem import Plan, Problem
from services.dispatch.planning.reasons import reason_of
from services.dispatch.policy import policy_of
from services.dispatch.travel.kept import KEPT
from services.dispatch.travel.matrix import Matrix, read_matrix, refuse_crowd
from services.dispatch.travel.places import Place, Said, refuse_others
from shared.auth import OUTSIDERS, Caller
from shared.errors import Refused, refuse
from shared.openapi import problems
from shared.refusal import Refusal

log = structlog.get_logger()
MOST_NAMES = 200_000
"""Of fields and kinds in a body: several times what the greatest day needs."""


class _Aside(Request):
    """A body that is unpacked in a thread."""

    async def json(self) -> Any:
        return await asyncio.to_thread(_unpacked, await self.body())


def _unpacked(body: bytes) -> Any:
    try:
        return from_json(body)
    except ValueError as problem:
        raise json.JSONDecodeError(str(problem), "", 0) from None


class ReadAside(APIRoute):
    """Large bodies are looked at before they are unpacked, so that an emergency is not kept waiting by one."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def looked_at(request: Request) -> Response:
            aside = _Aside(request.scope, request.receive)
            body = await aside.body()
            if body.count(b":") > MOST_NAMES:
                raise refuse("too_large", field="body")
            try:
                refuse_crowd(body, "matrix", beside=MOST_NAMES)
            except Refusal as problem:
                raise invalid(problem) from None
            return await handle(aside)

        return looked_at


router = APIRouter(tags=["what-if"], route_class=ReadAside)

LOOK_AGAIN_S = 0.2
NOT_READY = (503, "planner_not_ready", "ตัววางแผนกำลังเริ่มทำงาน กรุณาลองใหม่", "the planner is starting, try again")
BUSY = (503, "planner_busy", "ตัววางแผนกำลังทำแผนอื่นเต็มจำนวน กรุณาลองใหม่", "the planner has its hands full, try again")
UNPROVED = (503, "plan_not_proved", "แผนที่ได้ไม่ผ่านการตรวจ กรุณาลองใหม่", "the plan found did not pass its check, try again")

Answer = dict[str, Any]


@router.post("/v1/plans/preview", response_model=PlanOut, responses=problems(400, 401, 403, 413))
async def preview(request: Request, caller: MayPreview, body: PlanBody) -> Response:
    """ลองวางแผน | The best plan found in ``time_limit_s``, checked, with a reason for each trip that found no place."""
    started = time.monotonic()
    try:
        problem, source = await _problem(request, caller, body)
    except Refusal as problem_:
        raise invalid(problem_) from None
    # What is left for the search when packing, checking and writing have had their part.
    reserve_s = min(0.03 + 0.0002 * (len(body.trips) + len(body.vehicles)), 0.3 * body.time_limit_s)
    within_s = max(body.time_limit_s - reserve_s - (time.monotonic() - started), 0.01)
    plan = await _searched(request, caller, problem, within_s, body.seed)
    answer = await asyncio.to_thread(_answer, body, problem, plan, source, started)
    return Response(answer, media_type="application/json")


async def _searched(request: Request, caller: Caller, problem: Problem, within_s: float, seed: int) -> Plan:
    """The engine's plan; a caller that has gone takes the search along."""
    engine: Engine = runtime_of(request).parts["engine"]
    if not problem.trips or not problem.vehicles:
        return [[] for _ in problem.vehicles]
    most = MOST_EACH if caller.role in OUTSIDERS else PREVIEWS
    search = asyncio.ensure_future(engine.plan(problem, within_s, seed, whose=caller.subject, most=most))
    gone = asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait({search, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not search.done():
            raise Refused(*BUSY)  # nobody reads it
        return search.result()
    except (NotReady, Lost):
        raise Refused(*NOT_READY, headers={"Retry-After": "10"}) from None
    except Busy:
        raise Refused(*BUSY, headers={"Retry-After": "5"}) from None
    finally:
        for task in (search, gone):
            task.cancel()
        with suppress(asyncio.CancelledError, NotReady, Busy, Lost):
            await search


async def _gone(request: Request) -> None:
    while not await request.is_disconnected():
        await asyncio.sleep(LOOK_AGAIN_S)


async def _problem(request: Request, caller: Caller, body: PlanBody) -> tuple[Problem, Said]:
    """The body as a problem, and who says how long a drive takes.

    Raises:
        Refusal: names the field.

    """
    for name in ("vehicles", "trips"):
        _refuse_twice(name, [f"{each.id}" for each in getattr(body, name)])
    matrix = await _matrix(request, caller, body)
    refuse_others(_fields(body), body.metric, matrix)
    known = policy_of(homes_of(caller)[0]).travel_times
    return await asyncio.to_thread(problem_of, body, matrix, known)


def _refuse_twice(name: str, ids: Sequence[str]) -> None:
    seen: set[str] = set()
    for number, each in enumerate(ids):
        if each in seen:
            raise Refusal("duplicate", f"{name}.{number}.id", "มีรหัสนี้แล้ว", "this id stands there twice")
        seen.add(each)


async def _matrix(request: Request, caller: Caller, body: PlanBody) -> Matrix | None:
    if body.metric != "matrix":
        for name in ("matrix", "matrix_id"):
            if getattr(body, name) is not None:
                raise Refusal("not_with_metric", name, "ใช้ได้กับ metric เป็น matrix เท่านั้น", "only with metric matrix")
        return None
    if (body.matrix is None) == (body.matrix_id is None):
        raise Refusal(
            "missing", "matrix", "ต้องมี matrix หรือ matrix_id อย่างใดอย่างหนึ่ง", "either matrix or matrix_id is needed"
        )
    if body.matrix_id is not None:
        return await KEPT.get(runtime_of(request).pool, homes_of(caller), names_of(caller, body.matrix_id))
    return await asyncio.to_thread(read_matrix, body.matrix, "matrix")


def _fields(body: PlanBody) -> list[tuple[str, Place]]:
    found: list[tuple[str, Place]] = []
    for number, vehicle in enumerate(body.vehicles):
        found += [(f"vehicles.{number}.start", vehicle.start), (f"vehicles.{number}.end", vehicle.end)]
    for number, trip in enumerate(body.trips):
        found += [(f"trips.{number}.pickup", trip.pickup), (f"trips.{number}.dropoff", trip.dropoff)]
    return found


def _answer(body: PlanBody, problem: Problem, plan: Plan, source: Said, started: float) -> bytes:
    verdict = check(problem, plan)
    if not verdict.feasible:
        log.error("plan.not_proved", faults=sorted({fault.code for fault in verdict.faults}))
        raise Refused(*UNPROVED, headers={"Retry-After": "1"})
    said = {
        "cost": verdict.cost, "vehicles_used": verdict.vehicles_used, "feasible": verdict.feasible,
        "routes": _routes(body, verdict),
        "unserved": [{"trip": body.trips[number].id, **_reason(problem, number)} for number in verdict.unserved],
        "elapsed_s": time.monotonic() - started, "travel_times": source,
    }  # fmt: skip
    return orjson.dumps(said)


def _routes(body: PlanBody, verdict: Verdict) -> list[Answer]:
    return [
        {
            "vehicle": vehicle.id, "cost": driven.cost,
            "stops": [
                {
                    "trip": body.trips[stop.trip].id, "kind": "pickup" if stop.pickup else "dropoff",
                    "arrive_s": stop.arrive_s, "begin_s": stop.begin_s, "depart_s": stop.depart_s,
                }
                for stop in driven.stops
            ],
        }
        for vehicle, driven in zip(body.vehicles, verdict.routes, strict=True)
        if driven
    ]  # fmt: skip


def _reason(problem: Problem, number: int) -> Answer:
    reason = reason_of(problem, number)
    return {
        "reason": reason.code, "th": reason.th, "en": reason.en, "help_th": reason.help_th, "help_en": reason.help_en,
    }  # fmt: skip
