"""A breaker per provider: after some failures in a row it is left alone, and probed until it answers again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from services.notify.channels.base import Accepted, Blame, GiveUp, Outcome, Reason, TryLater

FAILURES = 5
FIRST_PAUSE_S = 2.0
LONGEST_PAUSE_S = 60.0
THEIRS = frozenset({Reason.UNREACHABLE, Reason.NO_ANSWER, Reason.LINK_LOST, Reason.SERVER_ERROR, Reason.STRANGE_ANSWER})


@dataclass(slots=True)
class Breaker:
    """Times are those of a monotonic clock, in seconds."""

    failures: int = 0
    pause_s: float = FIRST_PAUSE_S
    open_until_s: float | None = None
    probing: bool = False

    @property
    def is_open(self) -> bool:
        return self.open_until_s is not None

    def wait_s(self, now_s: float) -> float | None:
        """None: go on, :meth:`trying`. Else so long nobody should try."""
        if self.open_until_s is None:
            return None
        if now_s < self.open_until_s:
            return self.open_until_s - now_s
        return FIRST_PAUSE_S if self.probing else None

    @contextmanager
    def trying(self) -> Iterator[None]:
        """Somebody calls the provider now. Where it was left alone this is the probe, until it ends in whatever way."""
        probe = self.is_open
        if probe:
            self.probing = True
        try:
            yield
        finally:
            if probe:
                self.probing = False

    def learn(self, outcome: Outcome, now_s: float) -> None:
        """Take note of what the provider said."""
        if not counts(outcome):
            if isinstance(outcome, Accepted | GiveUp):  # it speaks to us
                self.failures, self.pause_s, self.open_until_s = 0, FIRST_PAUSE_S, None
            return
        self.failures += 1
        if self.failures >= FAILURES:
            self.pause_s = min(self.pause_s * 2, LONGEST_PAUSE_S) if self.is_open else FIRST_PAUSE_S
            self.open_until_s = now_s + self.pause_s


def counts(outcome: Outcome) -> bool:
    """Whether the failure lies with the provider or our account there, not with one message."""
    if isinstance(outcome, Accepted):
        return False
    if isinstance(outcome, GiveUp):
        return outcome.blame is Blame.CHANNEL
    if isinstance(outcome, TryLater):
        return outcome.reason in THEIRS
    return True
