"""``POST /v1/plans/preview``: the bodies as published, the limits, and one clear answer to whatever is wrong."""

from __future__ import annotations

import asyncio
import math
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import pytest_asyncio

from services.dispatch.app import SERVICE
from services.dispatch.engine import pool
from services.dispatch.engine.pool import Engine
from tests.dispatch.engine import planning
from tests.harness import Running, bearer, problem_of, service_running
from tests.patience import PATIENCE_S
from tests.platform_fixtures import MakeDatabase

PATH = "/v1/plans/preview"
HOME = {"x": 0, "y": 0}
VAN = {"id": "van", "start": HOME, "end": HOME, "capacity": {"seat": 3, "wheelchair": 1}, "shift": [0, 500]}
TRIP = {
    "id": "a", "load": {"seat": 1}, "max_ride_s": 30,
    "pickup": {"x": 3, "y": 4, "window": [0, 500], "service_s": 2},
    "dropoff": {"x": 3, "y": 14, "window": [100, 120], "service_s": 2},
}  # fmt: skip
WHOLE: dict[str, Any] = {
    "metric": "euclidean", "objective": "distance", "time_limit_s": 0.3, "seed": 1, "vehicles": [VAN], "trips": [TRIP],
}  # fmt: skip


@pytest_asyncio.fixture
async def running(database: MakeDatabase, tmp_path: Path) -> AsyncIterator[Running]:
    async with service_running(SERVICE, (await database("dispatch")).dsn, tmp_path) as made:
        yield made


async def ask(running: Running, role: str = "dispatcher", **changes: Any) -> httpx.Response:
    body = orjson.dumps({**WHOLE, **changes})
    return await running.client.post(PATH, content=body, headers={**bearer(role), "content-type": "application/json"})


def engine_of(running: Running) -> Engine:
    engine: Engine = running.runtime.parts["engine"]
    return engine


# Starting an engine takes seconds: what needs one is asked of one.
async def test_the_bodies_are_as_published_and_the_plan_holds(running: Running) -> None:
    cold = problem_of(await ask(running))
    assert (cold["status"], cold["code"]) == (503, "planner_not_ready")
    async with planning(running) as engine:
        await answers_as_published(running)
        await numbers_are_ids_too(running)
        await everybody_who_may(running)
        await each_trip_left_has_a_reason(running)
        await matrices_do_as_well(running)
        the_engine_holds_its_compiler_and_no_linear_algebra(engine)
        await a_gone_caller_takes_the_search_along(running, engine)
        await a_lost_engine_is_a_clear_answer_and_comes_back(running, engine)


async def answers_as_published(running: Running) -> None:
    started = time.monotonic()
    answer = await ask(running)
    took_s = time.monotonic() - started
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert set(said) == {"cost", "vehicles_used", "feasible", "routes", "unserved", "elapsed_s", "travel_times"}
    assert (said["feasible"], said["vehicles_used"], said["unserved"]) == (True, 1, [])
    assert said["cost"] == pytest.approx(5 + 10 + math.hypot(3, 14))
    assert 0 < said["elapsed_s"] <= took_s
    [route] = said["routes"]
    assert (route["vehicle"], route["cost"]) == ("van", pytest.approx(said["cost"]))
    assert [(stop["trip"], stop["kind"]) for stop in route["stops"]] == [("a", "pickup"), ("a", "dropoff")]
    assert all(set(stop) == {"trip", "kind", "arrive_s", "begin_s", "depart_s"} for stop in route["stops"])
    pickup, dropoff = route["stops"]
    assert 100 <= dropoff["begin_s"] <= 120
    assert dropoff["begin_s"] - pickup["depart_s"] <= 30 + 1e-6
    assert dropoff["arrive_s"] == pytest.approx(pickup["depart_s"] + 10)


async def numbers_are_ids_too(running: Running) -> None:
    """As published cases have them; answered as they were given, and a number and its text are one."""
    never = {**TRIP, "id": 2, "skills": ["lift"]}
    said = (await ask(running, vehicles=[{**VAN, "id": 7}], trips=[{**TRIP, "id": 1}, never])).json()
    [route] = said["routes"]
    assert (route["vehicle"], {stop["trip"] for stop in route["stops"]}) == (7, {1})
    assert [each["trip"] for each in said["unserved"]] == [2]
    twice = problem_of(await ask(running, trips=[{**TRIP, "id": 1}, {**TRIP, "id": "1"}]))
    assert twice["errors"][0]["field"] == "trips.1.id"


async def everybody_who_may(running: Running) -> None:
    statuses = {role: (await ask(running, role, trips=[])).status_code for role in ("partner", "supervisor", "crew")}
    assert statuses == {"partner": 200, "supervisor": 200, "crew": 403}
    assert (await ask(running, trips=[], vehicles=[])).json()["cost"] == 0


async def each_trip_left_has_a_reason(running: Running) -> None:
    def trip(name: str, **changes: Any) -> dict[str, Any]:
        return {**TRIP, "id": name, **changes}

    late = {**TRIP["dropoff"], "window": [495, 500]}
    trips = [
        trip("skills", skills=["lift"]),
        trip("places", load={"stretcher": 1}),
        trip("skills_and_places", skills=["oxygen"], load={"wheelchair": 1}),
        trip("ride_limit", max_ride_s=9),
        trip("windows", pickup={**TRIP["pickup"], "window": [200, 210]}),
        trip("shifts", dropoff=late),
        trip("busy1", load={"seat": 3}),
        trip("busy2", load={"seat": 3}),
    ]
    other = {**VAN, "id": "car", "capacity": {"seat": 1}, "skills": ["oxygen"], "shift": [400, 401]}
    said = (await ask(running, trips=trips, vehicles=[VAN, other])).json()
    assert said["feasible"] is True
    reasons = {each["trip"]: each["reason"] for each in said["unserved"]}
    [busy] = {"busy1", "busy2"} & set(reasons)
    assert reasons.pop(busy) == "busy"
    assert reasons == {name: name for name in reasons}
    assert len(reasons) == 6
    for each in said["unserved"]:
        assert set(each) == {"trip", "reason", "th", "en", "help_th", "help_en"}
        assert each["en"].isascii()
        assert each["help_en"].isascii()
        assert any("ก" <= char <= "๙" for char in each["th"] + each["help_th"])
    nobody = (await ask(running, vehicles=[])).json()
    assert [each["reason"] for each in nobody["unserved"]] == ["no_vehicles"]


async def matrices_do_as_well(running: Running) -> None:
    matrix = {"duration_s": [[0, 5, 9], [5, 0, 7], [9, 7, 0]], "distance_m": [[0, 50, 90], [50, 0, 70], [90, 70, 0]]}
    by_index = {
        "metric": "matrix",
        "vehicles": [{**VAN, "start": {"index": 0}, "end": {"index": 0}}],
        "trips": [{**TRIP, **{end: {**place(TRIP[end]), "index": at} for end, at in (("pickup", 1), ("dropoff", 2))}}],
    }
    inline = (await ask(running, **by_index, matrix=matrix)).json()
    assert (inline["cost"], inline["travel_times"]) == (210, "matrix")
    put = await running.client.put("/v1/travel-matrices/the-town", json=matrix, headers=bearer("dispatcher"))
    assert put.status_code == 201
    named = (await ask(running, **by_index, matrix_id="the-town")).json()
    assert (named["cost"], named["routes"]) == (inline["cost"], inline["routes"])
    large = b'{"duration_s": [' + b",".join([b"[" + b"0," * 1499 + b"0]"] * 1500) + b"]}"
    headers = {**bearer("dispatcher"), "content-type": "application/json"}
    put = await running.client.put("/v1/travel-matrices/the-region", content=large, headers=headers)
    assert put.json()["places"] == 1500
    at_the_end = [{**VAN, "start": {"index": 1499}, "end": {"index": 1499}}]
    assert (await ask(running, **{**by_index, "vehicles": at_the_end}, matrix_id="the-region")).json()["cost"] == 0
    no_way = {"duration_s": [[0, None, None], [None, 0, None], [None, None, 0]]}
    left = (await ask(running, **by_index, matrix=no_way)).json()
    assert [each["reason"] for each in left["unserved"]] == ["unreachable"]
    cut_off = {"duration_s": [[0, None, 9], [5, 0, 7], [9, 7, 0]]}
    left = (await ask(running, **by_index, matrix=cut_off)).json()
    assert [each["reason"] for each in left["unserved"]] == ["unreachable"], "no vehicle comes to the pickup"
    on_earth = (await ask(running, metric="road", vehicles=[], trips=[])).json()
    assert on_earth["travel_times"] == "great_circle"


def place(stop: Any) -> dict[str, Any]:
    return {name: value for name, value in stop.items() if name not in {"x", "y"}}


def many(count: int = 40) -> list[dict[str, Any]]:
    return [
        {**TRIP, "id": f"t{i}", "dropoff": {**TRIP["dropoff"], "y": i % 7, "window": [20 + 9 * i, 60 + 9 * i]}}
        for i in range(count)
    ]


async def a_gone_caller_takes_the_search_along(running: Running, engine: Engine) -> None:
    asked = asyncio.ensure_future(ask(running, trips=many(), vehicles=[{**VAN, "id": f"v{i}"} for i in range(5)],
                                      time_limit_s=100))  # fmt: skip
    while not engine.searching:
        await asyncio.sleep(0.01)
    asked.cancel()
    async with asyncio.timeout(PATIENCE_S):
        while engine.searching:
            await asyncio.sleep(0.01)
    # The cores are free again: the engine itself says so by sleeping.
    async with asyncio.timeout(PATIENCE_S):
        while (before := cpu_of(engine)) != await later(engine):
            assert before


async def later(engine: Engine) -> int:
    await asyncio.sleep(0.3)
    return cpu_of(engine)


def cpu_of(engine: Engine) -> int:
    """Clock ticks the engine has worked."""
    fields = Path(f"/proc/{engine.pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def the_engine_holds_its_compiler_and_no_linear_algebra(engine: Engine) -> None:
    mapped = Path(f"/proc/{engine.pid}/maps").read_text()
    assert "llvmlite" in mapped
    assert "/scipy/" not in mapped


async def a_lost_engine_is_a_clear_answer_and_comes_back(running: Running, engine: Engine) -> None:
    fleet = [{**VAN, "id": f"v{i}"} for i in range(5)]
    asked = [
        asyncio.ensure_future(ask(running, trips=many(), vehicles=fleet, time_limit_s=60)) for _ in range(pool.PREVIEWS)
    ]
    while engine.searching < pool.PREVIEWS:
        await asyncio.sleep(0.01)
    full = await ask(running)
    assert (problem_of(full)["code"], full.headers["retry-after"]) == ("planner_busy", "5")
    assert engine.pid is not None
    os.kill(engine.pid, signal.SIGKILL)
    lost = await asyncio.gather(*asked)
    assert {(answer.status_code, answer.headers["retry-after"]) for answer in lost} == {(503, "10")}
    assert problem_of(lost[0])["code"] == "planner_not_ready"
    async with asyncio.timeout(120):
        while not engine.ready:
            await asyncio.sleep(0.05)
    assert (await ask(running)).status_code == 200


def but(value: Any, **changes: Any) -> list[dict[str, Any]]:
    return [{**value, **changes}]


STOP = TRIP["pickup"]
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "window inverted": ({"trips": but(TRIP, pickup={**STOP, "window": [9, 5]})}, "trips.0.pickup.window"),
    "window negative": ({"trips": but(TRIP, pickup={**STOP, "window": [-5, 5]})}, "trips.0.pickup.window.0"),
    "window of three": ({"trips": but(TRIP, pickup={**STOP, "window": [1, 2, 3]})}, "trips.0.pickup.window"),
    "service negative": ({"trips": but(TRIP, pickup={**STOP, "service_s": -1})}, "trips.0.pickup.service_s"),
    "shift inverted": ({"vehicles": but(VAN, shift=[9, 5])}, "vehicles.0.shift"),
    "two trips of a name": ({"trips": [TRIP, TRIP]}, "trips.1.id"),
    "two vehicles of a name": ({"vehicles": [VAN, VAN]}, "vehicles.1.id"),
    "half a place": ({"vehicles": but(VAN, start={"x": 1})}, "vehicles.0.start"),
    "another metric's place": ({"vehicles": but(VAN, end={"lon": 103, "lat": 16})}, "vehicles.0.end"),
    "a stop of another metric": ({"metric": "road", "vehicles": []}, "trips.0.pickup"),
    "no load": ({"trips": but(TRIP, load={"seat": 0})}, "trips.0.load"),
    "negative load": ({"trips": but(TRIP, load={"seat": -1})}, "trips.0.load.seat"),
    "no such objective": ({"objective": "fun"}, "objective"),
    "no such field": ({"colour": "red"}, "colour"),
    "too long": ({"time_limit_s": 121}, "time_limit_s"),
    "no time": ({"time_limit_s": 0}, "time_limit_s"),
    "too many vehicles": ({"vehicles": [{**VAN, "id": str(i)} for i in range(201)]}, "vehicles"),
    "too many trips": ({"trips": [{**TRIP, "id": str(i)} for i in range(1001)]}, "trips"),
    "far too many trips": ({"trips": [{"id": str(i)} for i in range(100_000)]}, "trips"),
    "matrix missing": ({"metric": "matrix", "trips": [], "vehicles": []}, "matrix"),
    "matrix for a plane": ({"matrix": {"duration_s": [[0]]}}, "matrix"),
    "matrix of a wrong shape": (
        {"metric": "matrix", "matrix": {"duration_s": [[0, 1], [0]]}, "trips": [], "vehicles": []}, "matrix.duration_s",
    ),
    "matrix of a drive without its distance": (
        {"metric": "matrix", "matrix": {"duration_s": [[0, 1], [1, 0]], "distance_m": [[0, None], [1, 0]]},
         "trips": [], "vehicles": []},
        "matrix.distance_m",
    ),
    "matrix of endless seconds": (
        {"metric": "matrix", "matrix": {"duration_s": [[0, 1e308], [1, 0]]}, "trips": [], "vehicles": []},
        "matrix.duration_s",
    ),
    "matrix of endless metres": (
        {"metric": "matrix", "matrix": {"duration_s": [[0, 1], [1, 0]], "distance_m": [[0, 1e308], [1, 0]]},
         "trips": [], "vehicles": []},
        "matrix.distance_m",
    ),
    "matrix unknown": ({"metric": "matrix", "matrix_id": "x", "trips": [], "vehicles": []}, "matrix_id"),
    "index outside": (
        {"metric": "matrix", "matrix": {"duration_s": [[0]]}, "trips": [],
         "vehicles": but(VAN, start={"index": 1}, end={"index": 0})},
        "vehicles.0.start.index",
    ),
}  # fmt: skip


async def test_whatever_is_wrong_gets_one_clear_answer_that_names_the_field(running: Running) -> None:
    for name, (changes, field) in BAD.items():
        started = time.process_time()
        answer = await ask(running, **changes)
        said = problem_of(answer)
        assert answer.status_code == 422, (name, said)
        assert field in {error["field"] for error in said["errors"]}, (name, said["errors"])
        assert any("ก" <= char <= "๙" for char in said["errors"][0]["th"]), name
        assert said["errors"][0]["en"].isascii(), name
        assert time.process_time() - started < 2, name


async def test_the_contract_says_how_many_places_a_matrix_may_have(running: Running) -> None:
    contract = (await running.client.get("/openapi.json")).json()
    body = contract["components"]["schemas"]["PlanBody"]
    for most in body["properties"]["matrix"]["properties"].values():
        over = {"duration_s": [[]] * (most["maxItems"] + 1)}
        said = problem_of(await ask(running, metric="matrix", matrix=over, trips=[], vehicles=[]))
        assert said["errors"][0]["code"] == "matrix_size"
        assert f"{most['maxItems']:,} places" in body["description"]


async def test_numbers_that_are_none_are_refused(running: Running) -> None:
    headers = {**bearer("dispatcher"), "content-type": "application/json"}
    for number in ("NaN", "Infinity", "-Infinity", "1e999"):
        text = orjson.dumps(WHOLE).decode().replace('"x":3,', f'"x":{number},', 1)
        answer = await running.client.post(PATH, content=text, headers=headers)
        assert problem_of(answer)["errors"][0]["field"] == "trips.0.pickup.x", number


async def test_a_body_of_fifty_megabytes_is_refused_before_it_is_read(running: Running) -> None:
    answer = await running.client.post(PATH, content=b"[" * 50_000_000, headers=bearer("dispatcher"))
    assert (answer.status_code, problem_of(answer)["code"]) == (413, "too_large")


async def test_the_process_that_answers_calls_holds_no_compiler() -> None:
    code = "import services.dispatch.__main__, sys; print(*sys.modules)"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
    loaded = (await process.communicate())[0].decode().split()
    assert not {"numba", "llvmlite"} & set(loaded)
