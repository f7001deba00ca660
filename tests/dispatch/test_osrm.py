"""An OSRM server that the operator names: asked beforehand, by zones, and never waited for."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from services.dispatch.app import SERVICE
from services.dispatch.policy import load_policies, policy_of
from services.dispatch.rules.ranking import GreatCircle
from services.dispatch.travel.osrm import ByZones, Unusable, ask
from services.dispatch.travel.zones import ask_once
from shared.geo import Point
from tests.dispatch.osrm import Osrm, osrm
from tests.dispatch.rules.test_roads import BEYOND, at, town
from tests.harness import Running, service_running
from tests.platform_fixtures import MakeDatabase

AREA = "kalasin"
AREAS = Path(__file__).parents[2] / "deploy" / "areas"


@pytest_asyncio.fixture
async def server() -> AsyncIterator[Osrm]:
    async with osrm(town(12)) as made:
        yield made


async def by_zones(server: Osrm, points: list[Point], beyond: GreatCircle = BEYOND) -> ByZones:
    async with aiohttp.ClientSession() as client:
        return ByZones(await ask(client, server.url, points), beyond, beyond)


async def test_a_drive_between_zones_is_what_the_server_says(server: Osrm) -> None:
    zones = [at(column, row) for column in range(12) for row in range(12)]
    times = await by_zones(server, zones)
    assert server.asked == 9, "144 zones, fifty on either side"
    [known] = server.roads.to([at(0, 0)], at(7, 5), urgent=False)
    [told] = times.to([at(0, 0)], at(7, 5), urgent=False)
    assert (told.duration_s, told.distance_m) == pytest.approx((known.duration_s, known.distance_m), rel=1e-3)
    assert told.source == "osrm"
    [lights] = times.to([at(0, 0)], at(7, 5), urgent=True)
    assert lights.duration_s == pytest.approx(told.duration_s * 35 / 50)


async def test_near_a_zone_the_drive_is_as_much_longer_as_the_straight_line(server: Osrm) -> None:
    times = await by_zones(server, [at(0, 0), at(8, 0)])
    [whole] = times.to([at(0, 0)], at(8, 0), urgent=False)
    [shorter] = times.to([at(0, 0)], Point(at(6, 0).lon, at(6, 0).lat), urgent=False)
    assert shorter.source == "osrm"
    assert shorter.duration_s == pytest.approx(whole.duration_s * 6 / 8, rel=1e-3)


async def test_where_zones_say_nothing_the_straight_line_does_and_says_so(server: Osrm) -> None:
    server.islands = {at(8, 8)}
    times = await by_zones(server, [at(0, 0), at(8, 0), at(8, 8)])
    within_one_zone = times.to([at(0, 0)], at(1, 0), urgent=True)
    no_way = times.to([at(0, 0)], at(8, 8), urgent=True)
    far_away = times.to([at(0, 0)], Point(at(0, 0).lon + 0.5, at(0, 0).lat), urgent=True)
    for asked, end in ((within_one_zone, at(1, 0)), (no_way, at(8, 8))):
        assert asked == BEYOND.to([at(0, 0)], end, urgent=True)
    assert [each.source for each in (*within_one_zone, *no_way, *far_away)] == ["great_circle"] * 3


async def test_a_table_says_what_each_question_would(server: Osrm) -> None:
    times = await by_zones(server, [at(0, 0), at(8, 0), at(8, 8), at(0, 8)])
    points = [at(0, 0), at(7, 0), at(8, 7), at(1, 1)]
    table = times.table(points, urgent=False)
    for column, end in enumerate(points):
        asked = times.to(points, end, urgent=False)
        assert table.duration_s[:, column] == pytest.approx([each.duration_s for each in asked])
        assert table.distance_m[:, column] == pytest.approx([each.distance_m for each in asked])
    assert table.sources == {"osrm", "great_circle"}
    assert times.table(points[:3], urgent=False).sources == {"osrm"}


@pytest.mark.parametrize(
    "answer",
    [{"code": "NoSegment"}, {"code": "Ok"}, {"code": "Ok", "durations": [[1]], "distances": [[1]]},
     {"code": "Ok", "durations": [[0, -1], [1, 0]], "distances": [[0, 1], [1, 0]]},
     {"code": "Ok", "durations": [["x", 1], [1, 0]], "distances": [[0, 1], [1, 0]]}],
)  # fmt: skip
async def test_an_answer_that_is_no_table_is_not_believed(server: Osrm, answer: dict[str, object]) -> None:
    server.broken = answer
    with pytest.raises(Unusable):
        await by_zones(server, [at(0, 0), at(8, 0)])


@pytest_asyncio.fixture
async def running(database: MakeDatabase, tmp_path: Path) -> AsyncIterator[Running]:
    shutil.copytree(AREAS / AREA, tmp_path / "areas" / AREA)
    async with service_running(SERVICE, (await database("dispatch")).dsn, tmp_path) as made:
        load_policies(tmp_path / "areas")
        yield made


async def test_the_service_asks_for_every_municipality_and_keeps_what_it_knew(running: Running) -> None:
    """Its communities are zones; a server that has gone takes nothing away."""
    places = policy_of(AREA).demand
    async with osrm(GreatCircle(2.0, 10, 10)) as server:
        assert await ask_once(running.runtime, server.url)
        assert server.asked == 1
    assert not await ask_once(running.runtime, server.url), "it is away"
    times = policy_of(AREA).travel_times
    assert isinstance(times, ByZones)
    [travel] = times.to([places[0]], places[-1], urgent=False)
    assert travel.source == "osrm"
    assert travel.duration_s == pytest.approx(travel.distance_m / 10, rel=1e-6)
    async with osrm(GreatCircle(2.0, 10, 10)) as server:
        assert await ask_once(running.runtime, server.url)
    again = policy_of(AREA).travel_times
    assert isinstance(again, ByZones)
    assert not isinstance(again.beyond, ByZones), "one does not pile up on the other"
