"""Write down what the channels said: many outcomes in one transaction, each with what follows from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from prometheus_client import Counter

from services.notify.channels.base import Accepted, Outcome, Reason, Unknown
from services.notify.rules.outcome import Tried, Verdict, judge
from services.notify.sending import hands
from services.notify.store import attempts, messages
from services.notify.store.attempts import PartRow, Result
from services.notify.store.messages import Move
from services.notify.verbs.receipts import match_kept
from services.notify.verbs.say import facts_of, origin_of, say_failed
from shared.events.notify import MessageAccepted
from shared.events.words import MessageChannel
from shared.work import Cause, Work

CAN_STILL = {"waiting", "ready", "sending"}
HAS_ARRIVED = {"accepted", "delivered"}
OUTCOMES = Counter("karuna_notify_outcomes_total", "What channels answered", ["channel", "state", "reason"])


@dataclass(frozen=True, slots=True)
class Spoken:
    """An outcome on its way into the table. ``provider`` names who gave the ids of the parts."""

    attempt_id: UUID
    message_id: UUID
    provider: str
    outcome: Outcome
    breaker_open: bool = False


@dataclass(slots=True)
class _Batch:
    """What one transaction will write."""

    results: list[Result] = field(default_factory=list)
    parts: list[PartRow] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)
    stop: list[UUID] = field(default_factory=list)
    next: list[tuple[UUID, int]] = field(default_factory=list)


async def record(work: Work, spoken: Sequence[Spoken]) -> None:
    """Apply the outcomes. Messages are locked first, then their attempts, everywhere in this order."""
    rows = {row["id"]: row for row in await messages.lock(work.db, [one.message_id for one in spoken])}
    siblings: dict[UUID, dict[UUID, Any]] = {}
    for row in await attempts.to_record(work.db, list(rows)):
        siblings.setdefault(row["message_id"], {})[row["id"]] = row
    batch = _Batch()
    for one in spoken:
        _apply(work, batch, one, rows[one.message_id], siblings[one.message_id])
    await _write(work, batch)


def _apply(work: Work, batch: _Batch, one: Spoken, message: Any, siblings: dict[UUID, Any]) -> None:
    attempt = siblings[one.attempt_id]
    accepted = isinstance(one.outcome, Accepted)
    if attempt["state"] != "sending" and not (accepted and attempt["state"] not in HAS_ARRIVED):
        return  # another process has taken it over since, and knows better
    others = [row for row in siblings.values() if row["number"] > attempt["number"] and row["state"] in CAN_STILL]
    tried = Tried(
        emergency=attempt["class"] == "emergency",
        tries=attempt["tries"],
        first_try_at=attempt["first_try_at"],
        expires_at=attempt["expires_at"],
        other_way=bool(others),
        must_answer=message["wants_answer"],
        doubt=attempt["doubt"],
    )
    verdict = judge(tried, one.outcome, work.now, breaker_open=one.breaker_open)
    OUTCOMES.labels(attempt["channel"], verdict.state, verdict.reason or "").inc()
    if attempt["channel"] == "sms":  # LINE has no receipts
        batch.parts += [
            PartRow(attempt["id"], part.number, part.of, one.provider, part.provider_id) for part in one.outcome.parts
        ]
    part_count = max((part.of for part in one.outcome.parts), default=None)
    batch.results.append(_result(attempt, verdict, part_count, message))
    speaker = work.because_of(Cause(work.cause.actor, None, message["traceparent"]))
    _follow(speaker, batch, message, attempt, verdict, siblings)


def _result(attempt: Any, verdict: Verdict, part_count: int | None, message: Any) -> Result:
    """A message that has ended meanwhile gets no further try."""
    ended = verdict.state == "ready" and message["status"] in {"acknowledged", "cancelled", "expired"}
    state = "cancelled" if ended else verdict.state
    due_at = None if ended else verdict.due_at
    return Result(attempt["id"], state, due_at, verdict.reason, verdict.code, verdict.doubt, part_count)


def _follow(work: Work, batch: _Batch, message: Any, attempt: Any, verdict: Verdict, siblings: dict[UUID, Any]) -> None:
    """What the outcome means for the message, and for its other ways."""
    channel, number = MessageChannel(attempt["channel"]), attempt["number"]
    if verdict.state == "accepted":
        event = MessageAccepted(
            **facts_of(message, work.now), channel=channel, attempt=number,
            private=MessageAccepted.Private(template=message["template"]),
        )  # fmt: skip
        work.say(message["id"], event, origin_of(message))
        batch.moves.append(Move(message, "accepted"))
        if not message["wants_answer"]:
            batch.stop.append(message["id"])
        return
    if verdict.bring_next:
        batch.next.append((message["id"], number))
    if verdict.state in {"failed", "unknown"}:
        left = [row for row in siblings.values() if row["id"] != attempt["id"]]
        # In doubt whether it was told, nothing else may tell it.
        final = verdict.state == "unknown" or not any(row["state"] in CAN_STILL | HAS_ARRIVED for row in left)
        reason = "unknown" if verdict.state == "unknown" else (verdict.reason or Reason.REFUSED).value
        say_failed(work, message, channel, number, reason, final=final)
        if final:
            batch.moves.append(Move(message, verdict.state, reason))
            batch.stop.append(message["id"])


async def _write(work: Work, batch: _Batch) -> None:
    if batch.results:
        await attempts.record(work.db, batch.results, work.now)
    if batch.parts:
        await attempts.put_parts(work.db, batch.parts)
    if batch.stop:
        await messages.stop_attempts(work.db, batch.stop)
    if batch.next:
        await messages.bring_next(work.db, batch.next, work.now)
        work.then(hands.ring)
    if batch.moves:
        await messages.move(work.db, batch.moves, work.now)
    if batch.parts:
        await match_kept(work, sorted({(part.provider, part.provider_id) for part in batch.parts}))


async def recover(work: Work) -> int:
    """Take up what a process left behind when it died between claim and record; returns how much.

    Where repeating is harmless (LINE's key) or better than silence (emergencies) it is sent again; a routine SMS is
    shown as unknown.
    """
    rows = await attempts.lost(work.db)
    repeat = [row["id"] for row in rows if row["class"] == "emergency" or row["channel"] == "line"]
    if repeat:
        await attempts.again(work.db, repeat)
        work.then(hands.ring)
    doubtful = [row for row in rows if row["id"] not in set(repeat)]
    if doubtful:
        await record(work, [Spoken(row["id"], row["message_id"], "", Unknown(Reason.LINK_LOST)) for row in doubtful])
    return len(rows)
