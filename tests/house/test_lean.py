"""A service holds in memory what it uses: what libraries load by the way stays out."""

from __future__ import annotations

import subprocess
import sys

import pytest

from services.intake.app import SERVICE
from shared.service import _jobs, build
from shared.streams import LISTENERS
from shared.trim import _malloc_trim, give_back

UNUSED = {"aiohttp", "rich", "httpx", "scipy", "greenlet", "pydantic.v1", "geothai", "click", "multiprocessing"}
USED = {"notify": {"aiohttp"}, "console": {"aiohttp"}}
STARTED = """
import services.{service}.__main__ as service
from shared.packs import load_all
from shared.service import create_app
load_all("deploy/areas")
settings = service.SERVICE.settings
known = dict(database_url="", field_key="", secure_cookies=False, demo=True)
create_app(service.SERVICE, settings.model_construct(**known)).openapi()
"""
"""What a service does before it serves, and every route made ready, as its document has them all."""
SURGE = """
import math
import numpy as np
from services.dispatch.emergencies.surge import Waiting, assign
assert assign([Waiting("red", 0), Waiting("red", 0)], np.array([[1, 2], [1, math.inf]])) == {{0: 1, 1: 0}}
"""
"""Several calls and several units at once."""

ROADS = """
from services.dispatch.rules.ranking import GreatCircle
from services.dispatch.travel.road_files import Segment
from services.dispatch.travel.roads import build
from shared.geo import Point
road = Segment(Point(103.5, 16.4), Point(103.51, 16.4), 60, 90, False)
assert build([road], GreatCircle(10, 15, 1.3)).to([road.start], road.end, urgent=True)[0].source == "roads"
"""
WHOLE = """
import numpy
from scipy.sparse.linalg import LinearOperator
assert LinearOperator is not object and numpy.f2py.__name__
"""
FLOOD = """
import os
from pathlib import Path
from shared.trim import trim
def resident_mb():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
flood = [bytes(1000) for _ in range(40_000)]
kept = flood[::100]
del flood
before = resident_mb()
trim()
assert before - resident_mb() > 20, (before, resident_mb())
"""
"""Forty MB, of which every hundredth piece stays: the heap's end cannot be given back by itself."""
HEAVY = {"scipy.linalg", "scipy.special", "scipy.spatial", "scipy.optimize", "numpy.f2py", "charset_normalizer"}


def loaded(code: str) -> set[str]:
    """The names of the modules a process has loaded when it has done this."""
    told = code + "\nimport sys\nprint(*[name for name, module in sys.modules.items() if module is not None])"
    return set(subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize("service", LISTENERS)
def test_a_service_does_not_load_what_it_never_uses(service: str) -> None:
    modules = loaded(STARTED.format(service=service) + (SURGE.format() if service == "dispatch" else ""))
    assert not (UNUSED - USED.get(service, set())) & modules
    assert "nats.aio.transport" in modules


@pytest.mark.skipif(_malloc_trim is None, reason="another C library than glibc: nothing to trim")
def test_what_a_flood_held_goes_back_to_the_machine() -> None:
    loaded(FLOOD)


async def test_every_service_gives_back_what_it_does_not_use() -> None:
    runtime = await build(SERVICE, SERVICE.settings(database_url="postgresql://nobody@localhost/none"))
    assert _jobs(runtime)["trim"] is give_back


def test_roads_load_of_scipy_their_search_alone_and_the_rest_can_still_be_had() -> None:
    assert not HEAVY & loaded(STARTED.format(service="dispatch") + ROADS)
    assert {"scipy.linalg", "numpy.f2py"} < loaded(ROADS + WHOLE)
