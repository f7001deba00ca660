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
    for parts in by_attempt.values():
        await _fold(work, locked[parts[0]["message_id"]], parts)
    return len(rows)


def folded(states: Sequence[str], of_parts: int) -> str | None:
    """What the parts' states make of the attempt; None while nothing is certain."""
    if "undelivered" in states:
        return "undelivered"
    return "delivered" if len(states) == of_parts and set(states) == {"delivered"} else None


async def _fold(work: Work, message: Any, parts: Sequence[Any]) -> None:
    first = parts[0]
    state = folded([part["state"] for part in parts], first["of_parts"])
    if state is None or state == first["attempt_state"]:
        return
    code = next((part["code"] for part in parts if part["state"] == state and part["code"]), None)
    if not await receipts.fold(work.db, first["attempt_id"], state, code):
        return
    speaker = work.because_of(Cause(work.cause.actor, None, message["traceparent"]))
    channel = MessageChannel(first["channel"])
    if state == "delivered":
        event = MessageDelivered(
            **facts_of(message, work.now), channel=channel, attempt=first["attempt"],
            private=MessageDelivered.Private(template=message["template"]),
        )  # fmt: skip
        speaker.say(message["id"], event, origin_of(message))
        await messages.move(work.db, [Move(message, "delivered")], work.now)
        return
    await _undelivered(speaker, message, channel, first)


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
