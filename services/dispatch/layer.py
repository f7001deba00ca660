"""The planner that works by itself: who waits for a ride gets a place in the day, today's and, by night, tomorrow's.

Nothing is kept here but what was tried last. What a round finds is a proposal like a person's: written route by route,
each if its unit is what it was, under the area's lease. So a process that ends in mid-search leaves nothing behind, and
the next one begins with the day as it stands.
"""

from __future__ import annotations

import asyncio
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

import structlog

from services.dispatch import daybook, planner
from services.dispatch.engine.pool import Engine
from services.dispatch.policy import Policy, policies, policy_of
from services.dispatch.store import plans, trips
from services.dispatch.store.plans import Kept
from shared.database import AWAY, COLLISION
from shared.errors import Refused
from shared.events.words import By
from shared.service import Runtime
from shared.thai.dates import BANGKOK
from shared.work import Cause, now_utc

log = structlog.get_logger()

EVERY_S = 60.0
BY_DAY_S, BY_NIGHT_S = 5.0, 30.0
"""How long is searched for today's plan, and for tomorrow's."""
MOST_SHIFTED = 4
"""So many riders of a unit may be fetched at another minute than its tour had (never beyond what they were told), that

somebody new finds a place in it; where it would be more, a person decides.
"""
CAUSE = Cause("system:dispatch")
AGAIN = timedelta(minutes=15)
"""A day for which nothing was found is tried again then, though nothing has changed but the clock and the roster."""
Tried = dict[tuple[str, date], tuple[str, datetime]]


async def plan_days(runtime: Runtime) -> None:
    """For ever, in one of the service's processes."""
    await runtime.leadership.hold("day_planner", partial(_rounds, runtime))


async def _rounds(runtime: Runtime, _: Any) -> None:
    tried: Tried = {}
    while not runtime.stopping:
        for area, policy in policies().items():
            for on in days_of(policy, now_utc()):
                try:
                    await look(runtime, area, on, now_utc(), tried)
                except (Refused, *AWAY, *COLLISION) as problem:
                    log.warning("day_planner.later", area=area, reason=type(problem).__name__)
        await asyncio.sleep(EVERY_S)


def days_of(policy: Policy, now: datetime) -> list[date]:
    """The days that are planned at this moment: today, and tomorrow from the evening on. None where nobody wants it."""
    here = now.astimezone(BANGKOK)
    if policy.pack.day_plan == "off":
        return []
    by_night = here.time() >= policy.pack.night_plan_at
    return [here.date(), here.date() + timedelta(days=1)] if by_night else [here.date()]


async def look(runtime: Runtime, area: str, on: date, now: datetime, tried: Tried) -> Kept | None:
    """Plan one day, where somebody waits and nobody else plans one; what was proposed, or None.

    People who wait are the only ones who are moved. Who has a promise is fetched as told, and a plan is published only
    where it serves somebody whom nobody serves yet, so it is better than the day as it stands.
    """
    engine: Engine = runtime.parts["engine"]
    if not await trips.unplanned(runtime.pool, area, on):
        return None
    if engine.planning:
        log.info("day_planner.waits", area=area)
        return None
    made_of = daybook.made_of(await daybook.read(runtime.pool, area, on, now))
    last = tried.get((area, on))
    if last is not None and last[0] == made_of and now - last[1] < AGAIN:
        return None
    before = await plans.proposed(runtime.pool, area, on)
    if before is None or before.body["of"] != made_of:
        search_s = BY_DAY_S if on == now.astimezone(BANGKOK).date() else BY_NIGHT_S
        found = await planner.draft(runtime.pool, engine, area, on, now, search_s=search_s, by=By.SYSTEM)
        before = found if found.body["answer"]["planned"] else None
        if before is not None:
            await plans.keep(runtime.pool, before)
    if before is not None and _publishes(policy_of(area)):
        done = await planner.publish(runtime, before, CAUSE, most_shifted=MOST_SHIFTED)
        log.info("day_planner.published", area=area, booked=done.published, left=len(done.unserved))
    tried[area, on] = (made_of, now)
    return before


def _publishes(policy: Policy) -> bool:
    return policy.pack.day_plan == "publish" and policy.pack.booked_mode == "auto"
