"""Receipts of SMS, part by part: a message is delivered when every part is, and failed when one is not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from services.notify.channels.base import Receipt
from services.notify.sending import hands
from services.notify.store import messages, receipts
from services.notify.store.messages import Move
from services.notify.verbs.say import facts_of, origin_of, say_failed
from shared.events.notify import MessageDelivered
from shared.events.words import MessageChannel
from shared.work import Cause, Work

Id = tuple[str, str]


Came = tuple[str, Receipt]
"""A provider's name and what it said."""


async def receive(work: Work, came: Sequence[Came]) -> None:
    """Keep the receipts, and apply those whose part is known. The others wait: the provider's answer is slower."""
    if not came:
        return
    await receipts.keep(
        work.db, [(name, one.provider_id, one.state.value, one.code, one.said_at) for name, one in came], work.now
    )
    await match_kept(work, sorted({(name, one.provider_id) for name, one in came}))


async def match_kept(work: Work, ids: Sequence[Id] | None) -> int:
    """Apply kept receipts whose part is known by now; ``None``: whichever. Returns how many."""
    rows = await receipts.matching(work.db, ids)
    if not rows:
        return 0
    locked = {row["id"]: row for row in await messages.lock(work.db, sorted({row["message_id"] for row in rows}))}
    await receipts.set_parts(work.db, rows)
    await receipts.drop(work.db, [row["receipt_id"] for row in rows])
    by_attempt: dict[UUID, list[Any]] = {}
    for part in await receipts.parts_of(work.db, sorted({row["attempt_id"] for row in rows})):
        by_attempt.setdefault(part["attempt_id"], []).append(part)
    await _fold(work, locked, by_attempt)
    return len(rows)


def folded(states: Sequence[str], of_parts: int) -> str | None:
    """What the parts' states make of the attempt; None while nothing is certain."""
    if "undelivered" in states:
        return "undelivered"
    return "delivered" if len(states) == of_parts and set(states) == {"delivered"} else None


async def _fold(work: Work, locked: dict[UUID, Any], by_attempt: dict[UUID, list[Any]]) -> None:
    """Each attempt becomes what its parts make of it, and its message with it."""
    told: dict[UUID, tuple[str, str | None]] = {}
    for attempt_id, parts in by_attempt.items():
        state = folded([part["state"] for part in parts], parts[0]["of_parts"])
        if state is not None and state != parts[0]["attempt_state"]:
            told[attempt_id] = state, next((p["code"] for p in parts if p["state"] == state and p["code"]), None)
    if not told:
        return
    changed = await receipts.fold(work.db, [(id_, *said) for id_, said in told.items()])
    arrived = []
    for attempt_id in [id_ for id_ in told if id_ in changed]:
        part = by_attempt[attempt_id][0]
        message, channel = locked[part["message_id"]], MessageChannel(part["channel"])
        speaker = work.because_of(Cause(work.cause.actor, None, message["traceparent"]))
        if told[attempt_id][0] == "delivered":
            _say_delivered(speaker, message, channel, part["attempt"])
            arrived.append(Move(message, "delivered"))
        else:
            await _undelivered(speaker, message, channel, part)
    await messages.move(work.db, arrived, work.now)


def _say_delivered(work: Work, message: Any, channel: MessageChannel, attempt: int) -> None:
    private = MessageDelivered.Private(template=message["template"])
    event = MessageDelivered(**facts_of(message, work.now), channel=channel, attempt=attempt, private=private)
    work.say(message["id"], event, origin_of(message))


async def _undelivered(work: Work, message: Any, channel: MessageChannel, part: Any) -> None:
    """Another way is tried where there is one, else a person must see to it."""
    others = [row for row in await messages.attempts_of(work.db, [message["id"]]) if row["id"] != part["attempt_id"]]
    hope = any(row["state"] in {"waiting", "ready", "sending", "accepted", "delivered"} for row in others)
    say_failed(work, message, channel, part["attempt"], "undelivered", final=not hope)
    if hope:
        await messages.bring_next(work.db, [(message["id"], part["attempt"])], work.now)
        work.then(hands.ring)
    else:
        await messages.move(work.db, [Move(message, "failed", "undelivered")], work.now)
