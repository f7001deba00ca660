"""Dispatch: who goes, when, and how far they are. This is its table of contents."""

from __future__ import annotations

import asyncio

from services.dispatch import positions, trail
from services.dispatch.api import (
    assignments,
    attendance,
    day,
    emergencies,
    facilities,
    layers,
    own_duty,
    plans,
    relocations,
    reports,
    resources,
    rosters,
    shares,
    stock,
    trackers,
    travel,
    trips,
    units,
    waste,
)
from services.dispatch.api import positions as positions_api
from services.dispatch.engine.pool import PREVIEWS, Engine
from services.dispatch.handlers import HEARS
from services.dispatch.layer import plan_days
from services.dispatch.policy import load_policies
from services.dispatch.settings import DispatchSettings
from services.dispatch.timers import DUE
from services.dispatch.travel.zones import ask_osrm
from shared.ask import Question, asking
from shared.erasure import shred
from shared.http import Room
from shared.service import Runtime, Service
from shared.tidy import tidy

MIB = 1024 * 1024


async def prepare(runtime: Runtime) -> None:
    """Read the municipalities' packs; what is wrong in one is said before anything starts."""
    load_policies(runtime.settings.areas_dir)
    runtime.parts["engine"] = Engine(runtime.settings.engine_cache_dir)


async def planner(runtime: Runtime) -> None:
    """Keep the engine alive. It warms up beside everything else: calls never wait for it."""
    engine: Engine = runtime.parts["engine"]
    await asyncio.sleep(runtime.settings.engine_after_s)
    await engine.run()


QUESTIONS = (
    Question("trips_search", "POST", "/v1/trips/search"),
    Question("trips", "GET", "/v1/trips"),
    Question("units", "GET", "/v1/units"),
    Question("queue", "GET", "/v1/queue"),
    Question("codes", "GET", "/v1/codes"),
)
"""What may be asked on ``karuna.<area>.ask.dispatch.<question>``."""

SERVICE = Service(
    name="dispatch",
    settings=DispatchSettings,
    routers=[
        resources.router,
        units.router,
        rosters.router,
        own_duty.router,
        attendance.router,
        facilities.router,
        waste.router,
        stock.router,
        layers.router,
        trips.router,
        assignments.router,
        shares.router,
        relocations.router,
        positions_api.router,
        trackers.router,
        reports.router,
        travel.router,
        emergencies.router,
        day.router,
        plans.router,
    ],
    hears=HEARS,
    due=DUE,
    beside=[positions.listen, trail.keep, shred, asking(QUESTIONS), tidy, planner, plan_days, ask_osrm],
    # Calls at once, and a crew's answer nearly so; who the patient was may come a little later.
    patience_s={"registry": 0.25, "notify": 0.1},
    rooms={
        "/v1/plans/day": Room(body_bytes=MIB, timeout_s=90),
        "/v1/plans/preview": Room(body_bytes=16 * MIB, timeout_s=150, large=PREVIEWS),
        "/v1/plans/*/publish": Room(body_bytes=MIB, timeout_s=90),
        "/v1/plans/*/try": Room(body_bytes=MIB, timeout_s=90),
        "/v1/layers/": Room(body_bytes=8 * MIB, timeout_s=30, large=2),
        "/v1/travel-matrices/": Room(body_bytes=64 * MIB, timeout_s=60, large=1),
    },
    prepare=prepare,
)
