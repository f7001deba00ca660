"""How messages end: acknowledged, cancelled, expired. Whatever is still pending ends in the same transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from services.notify.store import messages
from services.notify.store.messages import Move
from services.notify.verbs.say import say_acknowledged, say_cancelled, say_expired
from shared.events.words import MessageChannel
from shared.work import Work

OPEN = ("planned", "accepted", "delivered")


async def acknowledge(
    work: Work, locked: Sequence[Any], channel: MessageChannel, *, at: datetime, answer: str | None = None
) -> list[UUID]:
    """The recipient has seen it: silence from now on. Returns the messages for which that was news."""
    moved = await messages.move(work.db, [Move(row, "acknowledged", None, answer) for row in locked], work.now)
    ids = [step.message["id"] for step in moved]
    await messages.stop_attempts(work.db, ids)
    for step in moved:
        say_acknowledged(work, step.message, channel, at)
    return ids


async def cancel(work: Work, locked: Sequence[Any], reason: str) -> list[UUID]:
    """It became pointless."""
    moved = await messages.move(work.db, [Move(row, "cancelled", reason) for row in locked], work.now)
    ids = [step.message["id"] for step in moved]
    await messages.stop_attempts(work.db, ids)
    for step in moved:
        say_cancelled(work, step.message, reason)
    return ids


async def expire(work: Work) -> int:
    """Their time is over: what was never sent is not sent any more, what was never answered is told as such.

    The message's own row says when: a row of ``due`` for each of thousands would say nothing more.
    """
    rows = await messages.expired(work.db)
    moved = await messages.move(work.db, [Move(row, "expired", "too_late") for row in rows], work.now)
    await messages.stop_attempts(work.db, [step.message["id"] for step in moved])
    for step in moved:
        say_expired(work, step.message)
    await messages.stop_expired(work.db)
    return len(moved)
