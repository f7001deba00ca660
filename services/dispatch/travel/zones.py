"""A job beside the service: asks the OSRM server that the operator names for the ways between each town's zones."""

from __future__ import annotations

import asyncio
from uuid import UUID

import structlog
from prometheus_client import Gauge

from services.dispatch.policy import policies, travel_by
from services.dispatch.store import resources
from services.dispatch.travel import osrm
from services.dispatch.travel.osrm import ByZones, Unusable
from shared.database import AWAY
from shared.geo import Point
from shared.service import Runtime

log = structlog.get_logger()

EVERY_S = 6 * 3600.0
"""Roads change seldom, stations now and then."""
AGAIN_S = 60.0
WITHIN_S = 10.0
FEWEST = 2
FIRST = UUID(int=0)
NOUNS = ("station", "facility")
SPEAKS = Gauge("karuna_osrm_speaks", "1 while the last round of questions to the OSRM server was answered")


async def ask_osrm(runtime: Runtime) -> None:
    """Ask for every municipality, now and then. What was known before stays while the server is away."""
    url: str = runtime.settings.osrm_url
    while not runtime.stopping:
        answered = not url or await ask_once(runtime, url)
        SPEAKS.set(1 if url and answered else 0)
        await asyncio.sleep(EVERY_S if answered else AGAIN_S)


async def ask_once(runtime: Runtime, url: str) -> bool:
    """Whether the server answered for all of them."""
    import aiohttp  # noqa: PLC0415 only where a server is named

    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=WITHIN_S)) as client:
            for area, policy in policies().items():
                places = [*policy.demand, *await _stations_and_facilities(runtime, area)]
                if len(places) < FEWEST:
                    continue
                zones = await osrm.ask(client, url, list(dict.fromkeys(places)))
                now = policy.travel_times
                beyond = now.beyond if isinstance(now, ByZones) else now
                travel_by(area, ByZones(zones, beyond, policy.beyond_roads))
                log.info("osrm.asked", area=area, zones=len(zones.points))
    except (aiohttp.ClientError, TimeoutError, ValueError, Unusable, *AWAY) as problem:
        log.warning("osrm.away", reason=type(problem).__name__)
        return False
    return True


async def _stations_and_facilities(runtime: Runtime, area: str) -> list[Point]:
    found = [await resources.page(runtime.pool, noun, [area], FIRST, osrm.MOST_ZONES) for noun in NOUNS]
    return [Point(row["lon"], row["lat"]) for rows in found for row in rows]
