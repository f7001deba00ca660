"""Write down what the channels said: many outcomes in one transaction, each with what follows from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from prometheus_client import Counter

from services.notify.channels.base import Accepted, Outcome, Reason, Unknown
from services.notify.rules.outcome import SWITCH_AFTER_TRIES, Tried, Verdict, judge
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
ENDED = {"acknowledged", "cancelled", "expired"}
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
    moves: dict[UUID, Move] = field(default_factory=dict)
    stop: list[UUID] = field(default_factory=list)
    next: list[tuple[UUID, int]] = field(default_factory=list)


@dataclass(slots=True)
class _Case:
    """One message with all its attempts, as they stand after what was applied so far."""

    message: dict[str, Any]
    attempts: dict[UUID, dict[str, Any]]

    @property
    def id(self) -> UUID:
        found: UUID = self.message["id"]
        return found

    @property
    def over(self) -> bool:
        return self.message["status"] in ENDED

    def others(self, attempt: dict[str, Any]) -> list[dict[str, Any]]:
        return [row for row in self.attempts.values() if row["id"] != attempt["id"]]


async def record(work: Work, spoken: Sequence[Spoken]) -> None:
    """Apply the outcomes. Messages are locked first, then their attempts, everywhere in this order."""
    locked = await messages.lock(work.db, [one.message_id for one in spoken])
    cases = {row["id"]: _Case(dict(row), {}) for row in locked}
    for row in await attempts.to_record(work.db, list(cases)):
        cases[row["message_id"]].attempts[row["id"]] = dict(row)
    batch = _Batch()
    for one in spoken:
        case = cases[one.message_id]
        speaker = work.because_of(Cause(work.cause.actor, None, case.message["traceparent"]))
        _apply(speaker, batch, case, one)
    await _write(work, batch)


def _apply(work: Work, batch: _Batch, case: _Case, one: Spoken) -> None:
    attempt = case.attempts[one.attempt_id]
    accepted = isinstance(one.outcome, Accepted)
    if attempt["state"] != "sending" and not (accepted and attempt["state"] not in HAS_ARRIVED):
        return  # another process has taken it over since, and knows better
    verdict = judge(_tried(case, attempt), one.outcome, work.now, breaker_open=one.breaker_open)
    if verdict.state == "ready" and case.over:  # it has ended meanwhile: no further try
        verdict = replace(verdict, state="cancelled", due_at=None, bring_next=False)
    OUTCOMES.labels(attempt["channel"], verdict.state, verdict.reason or "").inc()
    if attempt["channel"] == "sms":  # LINE has no receipts
        batch.parts += [
            PartRow(attempt["id"], part.number, part.of, one.provider, part.provider_id) for part in one.outcome.parts
        ]
    part_count = max((part.of for part in one.outcome.parts), default=None)
    batch.results.append(
        Result(attempt["id"], verdict.state, verdict.due_at, verdict.reason, verdict.code, verdict.doubt, part_count)
    )
    attempt["state"] = verdict.state
    if verdict.state == "accepted":
        _say_accepted(work, batch, case, attempt)
    elif not case.over:
        _follow(work, batch, case, attempt, verdict)


def _tried(case: _Case, attempt: dict[str, Any]) -> Tried:
    later = [row for row in case.others(attempt) if row["number"] > attempt["number"]]
    return Tried(
        emergency=attempt["class"] == "emergency",
        tries=attempt["tries"],
        first_try_at=attempt["first_try_at"],
        expires_at=attempt["expires_at"],
        other_way=any(row["state"] in CAN_STILL for row in later),
        must_answer=case.message["wants_answer"],
        doubt=attempt["doubt"],
    )


def _say_accepted(work: Work, batch: _Batch, case: _Case, attempt: dict[str, Any]) -> None:
    """A provider took it. True whatever has become of the message; its status moves only where it may."""
    event = MessageAccepted(
        **facts_of(case.message, work.now), channel=MessageChannel(attempt["channel"]), attempt=attempt["number"],
        private=MessageAccepted.Private(template=case.message["template"]),
    )  # fmt: skip
    work.say(case.id, event, origin_of(case.message))
    batch.moves[case.id] = Move(case.message, "accepted")
    if not case.message["wants_answer"]:
        batch.stop.append(case.id)


def _follow(work: Work, batch: _Batch, case: _Case, attempt: dict[str, Any], verdict: Verdict) -> None:
    """What a failure means for the message, and for its other ways."""
    if verdict.bring_next:
        batch.next.append((case.id, attempt["number"]))
    channel, number = MessageChannel(attempt["channel"]), attempt["number"]
    reason = (verdict.reason or Reason.REFUSED).value
    if verdict.state == "unknown":  # in doubt whether it was told, nothing else may tell it
        say_failed(work, case.message, channel, number, "unknown", final=True)
        batch.moves[case.id] = Move(case.message, "unknown", "unknown")
        batch.stop.append(case.id)
        return
    untold = case.message["status"] == "planned" and case.id not in batch.moves
    final = untold and all(_hopeless(row) for row in case.attempts.values())
    if verdict.state == "failed" or final:
        say_failed(work, case.message, channel, number, reason, final=final)
    if final:
        batch.moves[case.id] = Move(case.message, "failed", reason)


def _hopeless(attempt: dict[str, Any]) -> bool:
    """A way that ended without success, or failed so often that others must act; it goes on being tried."""
    if attempt["state"] in {"failed", "cancelled", "undelivered"}:
        return True
    return bool(attempt["state"] == "ready" and attempt["tries"] > SWITCH_AFTER_TRIES)


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
        await messages.move(work.db, list(batch.moves.values()), work.now)
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
