"""A plan is published: its version comes with the first route that is written, its word when all have been.

Whoever is killed in between leaves a due thing behind, by which it is said of what was written.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from services.dispatch.store import plans
from services.dispatch.store.plans import Kept
from services.dispatch.verbs.saying import by_of
from shared.due import Due
from shared.events.base import Origin
from shared.events.dispatch import PlanPublished
from shared.events.words import By
from shared.work import Work

SAY = "plan_published"
WITHIN = timedelta(minutes=3)
"""Longer than a publication may take."""
SHORTLY = timedelta(seconds=10)


async def begin(work: Work, kept: Kept) -> int | None:
    """With the first route: from now on the plan is published, and will be said to be. The caller holds the lease."""
    version = await plans.number(work.db, kept)
    await work.later(SAY, kept.id, work.now + WITHIN, Origin(kept.area, kept.id), data={"by": by_of(work).value})
    return version


async def say(work: Work, kept: Kept, version: int, booked: Collection[UUID], left: int, by: By) -> None:
    """What of the plan was booked, and how many riders it leaves."""
    run_ids = await plans.runs_of(work.db, sorted(booked))
    event = PlanPublished(
        plan_on=kept.on_day, version=version, run_ids=tuple(run_ids), trip_count=len(booked), unplanned_count=left,
        at=work.now, by=by,
    )  # fmt: skip
    work.say(kept.id, event, Origin(kept.area, kept.id))
    await work.cancel(SAY, kept.id)


async def say_late(work: Work, due: Due) -> None:
    """Nobody has said it: whoever published was killed, or is still at it."""
    if not await plans.lease(work.db, due.origin.area):
        await work.later(SAY, due.subject_id, work.now + SHORTLY, due.origin, fence=due.fence, data=due.data)
        return
    kept = await plans.read(work.db, due.subject_id)
    if kept is None or kept.version is None:
        return
    answer = kept.body["answer"]
    wanted = {(UUID(offer["trip_id"]), UUID(offer["unit_id"])) for offer in answer["planned"]}
    booked = wanted & await plans.booked(work.db, sorted(trip_id for trip_id, _ in wanted))
    left = len(answer["unserved"]) + len(wanted) - len(booked)
    await say(work, kept, kept.version, {trip_id for trip_id, _ in booked}, left, By(due.data["by"]))
