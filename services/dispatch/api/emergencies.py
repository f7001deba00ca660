"""What-if for an emergency: who would be sent, and why. Nothing is touched and nothing is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any, Literal

import numpy as np
import orjson
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.dispatch.api.common import MayPreview, runtime_of
from services.dispatch.api.travel import homes_of, invalid, names_of
from services.dispatch.emergencies.choice import Choice, Demand, Policy, Status, Unit, choose
from services.dispatch.emergencies.coverage import AT_ONCE
from services.dispatch.emergencies.sentences import REASONS, SHORTFALLS, say
from services.dispatch.policy import Policy as MunicipalPolicy
from services.dispatch.policy import policy_of
from services.dispatch.rules.ranking import TravelTimes
from services.dispatch.travel.kept import KEPT
from services.dispatch.travel.matrix import Matrix
from services.dispatch.travel.places import SOURCES, Id, Metric, Place, Said, durations, refuse_others
from shared.auth import Caller
from shared.geo import Point
from shared.http import Body
from shared.openapi import problems
from shared.refusal import Refusal

router = APIRouter(tags=["what-if"])
ASIDE = ThreadPoolExecutor(1, "what-if")
"""One after the other: whoever asks about more than a municipality may wait, and an emergency may not."""

Severity = Literal["red", "pink", "yellow", "green", "white", "black"]
Level = Literal["transport", "fr", "bls", "ils", "als"]
Second = Annotated[float, Field(ge=-1e11, le=1e11)]


class UnitIn(Body):
    """``place``: where it is now. ``to``, ``severity``, ``call``: what it drives to. Driving without either: home.

    ``bumps``: how often the call it drives to has lost a unit already; such a call keeps its unit.
    """

    id: Id
    level: Level = "bls"
    place: Place
    status: Status
    to: Place | None = None
    severity: Severity | None = None
    call: Id | None = None
    free_at_s: Second | None = None
    home: Place | None = None
    bumps: Annotated[int, Field(ge=0, le=1000)] = 0


class CallIn(Body):
    place: Place
    severity: Severity
    level: Level | None = None


class DemandIn(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    place: Place
    weight: Annotated[float, Field(ge=0, le=1e9)]


class EmergencyBody(Body):
    """``metric`` left out: by ``matrix_id``, else by the kind of the call's place. ``demand`` left out: every place of

    the matrix alike; without a matrix coverage has no say.
    """

    now_s: Second
    policy: Policy = "full"
    matrix_id: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    metric: Metric | None = None
    units: Annotated[list[UnitIn], Field(max_length=1000)]
    call: CallIn
    demand: Annotated[list[DemandIn], Field(max_length=2000)] | None = None


class ReasonOut(BaseModel):
    code: str
    th: str
    en: str


class ChoiceOut(BaseModel):
    """``score``: seconds, the least first. ``reassigned_from``: the call that would lose this unit; else left out."""

    unit: str | int
    eta_s: float
    score: float
    reasons: list[ReasonOut]
    reassigned_from: str | int | None = None


class EmergencyOut(BaseModel):
    """``travel_times``: who says how long a drive takes."""

    choices: list[ChoiceOut]
    shortfalls: list[ReasonOut]
    travel_times: Said


Answer = dict[str, Any]


@router.post("/v1/emergencies/preview", response_model=EmergencyOut, responses=problems(400, 401, 403, 413))
async def preview(request: Request, caller: MayPreview, body: EmergencyBody) -> Response:
    """ถ้ามีเหตุ ใครควรไป | Who would go, the best first, with reasons; what is missing."""
    try:
        said = await _preview(request, caller, body)
    except Refusal as problem:
        raise invalid(problem) from None
    # Written as it is: making hundreds of models of it again would take longer than the choice.
    return Response(orjson.dumps(said), media_type="application/json")


async def _preview(request: Request, caller: Caller, body: EmergencyBody) -> Answer:
    metric = body.metric or ("matrix" if body.matrix_id else body.call.place.metric or "road")
    if metric == "matrix" and body.matrix_id is None:
        raise Refusal("missing", "matrix_id", "ต้องระบุเมทริกซ์", "a matrix must be named")
    matrix = None
    if metric == "matrix" and body.matrix_id:
        matrix = await KEPT.get(runtime_of(request).pool, homes_of(caller), names_of(caller, body.matrix_id))
    refuse_others(_fields(body), metric, matrix)
    if len({f"{unit.id}" for unit in body.units}) < len(body.units):
        raise Refusal("duplicate", "units", "มีรหัสหน่วยซ้ำ", "an id stands there twice")
    policy = policy_of(homes_of(caller)[0])
    places = len(body.demand) if body.demand is not None else matrix.places if matrix is not None else 0
    if len(body.units) * places <= AT_ONCE:  # as every municipality's
        return answer(body, metric, matrix, policy)
    return await asyncio.get_running_loop().run_in_executor(ASIDE, answer, body, metric, matrix, policy)


def _fields(body: EmergencyBody) -> list[tuple[str, Place]]:
    found = [("call.place", body.call.place)]
    for number, unit in enumerate(body.units):
        found.append((f"units.{number}.place", unit.place))
        found += [(f"units.{number}.to", unit.to)] if unit.to else []
        found += [(f"units.{number}.home", unit.home)] if unit.home else []
    return found + [(f"demand.{number}.place", each.place) for number, each in enumerate(body.demand or ())]


def answer(body: EmergencyBody, metric: Metric, matrix: Matrix | None, policy: MunicipalPolicy) -> Answer:
    """The whole of it without I/O, in the shape of :class:`EmergencyOut`. On the earth the municipality's own travel

    times count; what the rest of the town keeps is measured by straight lines there, for it is asked of every place.
    """
    origins = [unit.place for unit in body.units]
    drives = _drives(body, origins, metric, matrix, policy.travel_times)
    units = [
        Unit(f"{each.id}", each.level, each.status, eta_s, each.severity, _name(each.call), each.free_at_s, each.bumps)
        for each, (eta_s, _) in zip(body.units, drives, strict=True)
    ]
    line = policy.beyond_roads
    demand = _demand(body, origins, (metric, matrix, line.factor, line.urgent_m_s))
    choices = choose(units, body.call.severity, body.call.level, body.policy, demand)
    given = {f"{each.id}": (each, source) for each, (_, source) in zip(body.units, drives, strict=True)}
    spoke = {source for _, source in given.values()}
    return {
        "choices": [_said(choice, *given[choice.unit.id], choices[0]) for choice in choices],
        "shortfalls": _missing(units, choices, body),
        "travel_times": "great_circle" if "great_circle" in spoke else next(iter(spoke), SOURCES[metric]),
    }


def _name(said: str | int | None) -> str | None:
    return None if said is None else f"{said}"


def _drives(
    body: EmergencyBody, origins: Sequence[Place], metric: Metric, matrix: Matrix | None, known: TravelTimes
) -> list[tuple[float, Said]]:
    """Each unit's drive to the call in seconds, and who says so."""
    if metric != "road":
        etas, source = durations(origins, [body.call.place], metric, matrix, 1.0, 1.0)
        return [(eta_s, source) for eta_s in etas[:, 0].tolist()]
    points = [Point(place.lon or 0.0, place.lat or 0.0) for place in (*origins, body.call.place)]
    return [(travel.duration_s, travel.source) for travel in known.to(points[:-1], points[-1], urgent=True)]


def _demand(
    body: EmergencyBody, origins: Sequence[Place], way: tuple[Metric, Matrix | None, float, float]
) -> Demand | None:
    if body.demand:
        drive_s, _ = durations(origins, [each.place for each in body.demand], *way)
        return Demand(drive_s, np.array([each.weight for each in body.demand]))
    if way[1] is None or body.demand is not None:
        return None
    rows = [place.index or 0 for place in origins]
    return Demand(way[1].duration_s[rows, :], np.ones(way[1].places))


def _said(choice: Choice, unit: UnitIn, source: str, first: Choice) -> Answer:
    found = [("eta", choice.unit.eta_s), *choice.reasons]
    if choice is first and choice.further:
        found.append(("coverage_kept", 0.0))
    if source == "great_circle":
        found.append(("straight_line", 0.0))
    said: Answer = {
        "unit": unit.id, "eta_s": choice.unit.eta_s, "score": choice.score_s,
        "reasons": [say(REASONS, code, figure) for code, figure in found],
    }  # fmt: skip
    return said if choice.reassigned_from is None else {**said, "reassigned_from": unit.call}


def _missing(units: Sequence[Unit], choices: Sequence[Choice], body: EmergencyBody) -> list[dict[str, str]]:
    found: list[tuple[str, float, str]] = []
    level = body.call.level
    if not units:
        found.append(("no_units", 0.0, ""))
    elif not choices:
        found.append(("nobody_free" if not any(unit.idle for unit in units) else "no_way", 0.0, ""))
        soon = [(unit.free_at_s, unit.id) for unit in units if unit.free_at_s is not None]
        if soon:
            at_s, name = min(soon)
            found.append(("free_next", max(0.0, at_s - body.now_s), name))
    elif level and choices[0].below_level:
        found.append(("level", 0.0, level.upper()))
    return [say(SHORTFALLS, *each) for each in found]
