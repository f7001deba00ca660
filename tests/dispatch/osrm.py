"""A simulator of OSRM's table service: real HTTP, answers from a graph of roads, with a server's own limit and refusals."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from services.dispatch.rules.ranking import TravelTimes
from shared.geo import Point

MOST = 100
"""Places in one question, as a server takes them by default."""


@dataclass(slots=True)
class Osrm:
    """``islands``: places to which it finds no way; ``broken``: what it answers in place of a table."""

    roads: TravelTimes
    url: str = ""
    asked: int = 0
    islands: set[Point] = field(default_factory=set)
    broken: dict[str, Any] | None = None

    async def table(self, request: web.Request) -> web.Response:
        self.asked += 1
        places = [Point(*map(float, each.split(","))) for each in request.match_info["places"].split(";")]
        if len(places) > MOST:
            return web.json_response({"code": "TooBig", "message": "Too many table coordinates"}, status=400)
        if self.broken is not None:
            return web.json_response(self.broken)
        starts, ends = (
            [places[int(at)] for at in request.query[name].split(";")] for name in ("sources", "destinations")
        )
        lost = {_place(each) for each in self.islands}
        found = [self.roads.to(starts, end, urgent=False) for end in ends]
        tables = {
            name: [
                [
                    None if {_place(start), _place(end)} & lost else way[row][part]
                    for end, way in zip(ends, found, strict=True)
                ]
                for row, start in enumerate(starts)
            ]
            for part, name in enumerate(("durations", "distances"))
        }
        assert request.query["annotations"] == "duration,distance"
        return web.json_response({"code": "Ok", **tables})


def _place(point: Point) -> tuple[float, float]:
    """As the question names it: six decimals."""
    return round(point.lon, 6), round(point.lat, 6)


@asynccontextmanager
async def osrm(roads: TravelTimes) -> AsyncIterator[Osrm]:
    made = Osrm(roads)
    app = web.Application()
    app.router.add_get("/table/v1/driving/{places}", made.table)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield made
    finally:
        await runner.cleanup()
