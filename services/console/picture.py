"""Hearing the open tree: every fact is written down once and folded into the picture, in one transaction."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import structlog

from services.console.rules.picture import Seen, ends, step
from services.console.store import desks, facts
from shared.database import AWAY, COLLISION
from shared.heard import Message
from shared.service import Runtime
from shared.work import Work, now_utc

log = structlog.get_logger()

NOT_SHOWN = frozenset({"person", "case", "group", "location", "visit", "assessment", "need", "consent"})
"""Nouns that no live page shows; their screens ask the registry."""
FACTS_KEPT = timedelta(days=2)
THINGS_KEPT = timedelta(days=14)
DESKS_KEPT = timedelta(hours=2)
"""Who had taken which line and wrote which sheet is of use for minutes."""


async def note(work: Work, message: Message) -> None:
    """One open fact: its row, and what its aggregate looks like now."""
    envelope = message.envelope
    if envelope.noun in NOT_SHOWN:
        return
    name = envelope.short_type.split(".")[2]
    seen = Seen(envelope.noun, name, envelope.time, envelope.data)
    subject = (envelope.noun, envelope.aggregate_id, envelope.area, envelope.correlationid)
    await facts.in_order(work.db)
    state = step(await facts.state_of(work.db, envelope.noun, envelope.aggregate_id), seen)
    position = await facts.add(
        work.db, *subject, envelope.short_type, envelope.time, envelope.data, exercise=envelope.exercise
    )
    ended_at = envelope.time if ends(seen) else None
    await facts.put(work.db, *subject, state, envelope.time, ended_at, position, exercise=envelope.exercise)


async def forget_old(runtime: Runtime) -> None:
    """A job beside the console: what no page can ask for any more is dropped, an hour apart."""
    while not runtime.stopping:
        now = now_utc()
        try:
            await facts.drop_before(runtime.pool, now - FACTS_KEPT, now - THINGS_KEPT)
            await desks.drop_before(runtime.pool, now - DESKS_KEPT)
        except (*AWAY, *COLLISION) as problem:
            log.warning("picture.tidy_interrupted", reason=type(problem).__name__)
        await asyncio.sleep(3600)
