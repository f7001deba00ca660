"""What follows when a channel has spoken: the attempt's next state, and whether the next way is tried at once.

Emergency: at least once, so doubt means again, and the other way as well. Routine: at most once, so a doubt that does
not go away is shown to a person and no other way is taken. LINE's push may be repeated in both classes, because its
key makes the repetition harmless; a time-out there still leaves a doubt as to any *other* way.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.notify.channels.base import Accepted, GiveUp, Outcome, Reason, TryLater, Unknown

PAUSES_S = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0)
"""Emergencies begin with the first pause, routine messages with the third."""
ROUTINE_SKIPS = 2
SWITCH_AFTER_TRIES = 2
"""So many failures of one way, and the next is tried too, whatever its own time was."""
LONGEST_RETRY = timedelta(hours=20)
DOUBTFUL = frozenset({Reason.NO_ANSWER, Reason.LINK_LOST, Reason.SERVER_ERROR, Reason.STRANGE_ANSWER})
"""After these it may have been taken all the same."""


@dataclass(frozen=True, slots=True)
class Tried:
    """The attempt as it stood. ``tries`` counts the one just made; ``doubt``: an earlier one may have been taken."""

    emergency: bool
    tries: int
    first_try_at: datetime
    expires_at: datetime
    other_way: bool
    """Another attempt of the message can still be made."""
    must_answer: bool
    doubt: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """``state``: accepted, ready (again, at ``due_at``), failed, unknown. ``bring_next``: try the next way now."""

    state: str
    due_at: datetime | None = None
    bring_next: bool = False
    doubt: bool = False
    reason: Reason | None = None
    code: str | None = None


def judge(tried: Tried, outcome: Outcome, now: datetime, *, breaker_open: bool = False) -> Verdict:
    """What becomes of an attempt."""
    if isinstance(outcome, Accepted):
        return Verdict("accepted")
    doubt = tried.doubt or isinstance(outcome, Unknown) or outcome.reason in DOUBTFUL
    if isinstance(outcome, TryLater):
        return _again(tried, outcome, outcome.after_s, now, doubt=doubt, switch=breaker_open)
    if isinstance(outcome, GiveUp):
        if outcome.reason is Reason.REPLY_TOKEN_SPENT:  # the same words once more, as an ordinary push
            return Verdict("ready", now, doubt=tried.doubt, reason=outcome.reason, code=outcome.code)
        return _end(tried, outcome, doubt=tried.doubt)
    if tried.emergency:
        return _again(tried, outcome, None, now, doubt=True, switch=True)
    return _end(tried, outcome, doubt=True)


def _again(
    tried: Tried, outcome: TryLater | Unknown, after_s: float | None, now: datetime, *, doubt: bool, switch: bool
) -> Verdict:
    step = tried.tries - 1 + (0 if tried.emergency else ROUTINE_SKIPS)
    due_at = now + timedelta(seconds=max(after_s or 0.0, PAUSES_S[min(step, len(PAUSES_S) - 1)]))
    if due_at >= tried.expires_at or due_at - tried.first_try_at > LONGEST_RETRY:
        return _end(tried, outcome, doubt=doubt)
    wants_other = switch or tried.tries >= SWITCH_AFTER_TRIES
    bring_next = tried.other_way and wants_other and (tried.emergency or not doubt)
    if bring_next and not tried.must_answer:  # one way is enough; both might arrive
        return _end(tried, outcome, doubt=doubt)
    return Verdict("ready", due_at, bring_next, doubt, outcome.reason, outcome.code)


def _end(tried: Tried, outcome: TryLater | GiveUp | Unknown, *, doubt: bool) -> Verdict:
    if doubt and not tried.emergency:
        return Verdict("unknown", doubt=True, reason=outcome.reason, code=outcome.code)
    return Verdict("failed", bring_next=True, doubt=doubt, reason=outcome.reason, code=outcome.code)
