"""What passes from a committed transaction to the senders of the same process: a ring of the bell, or work in hand.

An attempt that is born ``sending`` needs no claim and no second commit: its lease was written with it. Where no
sender here is free it is born ``ready``, and any process takes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol


class Hands(Protocol):
    """A sender of one channel."""

    channel: str

    @property
    def room(self) -> int:
        """How many calls more it can make now."""

    def wake(self) -> None: ...

    def start(self, rows: Sequence[Any]) -> None:
        """Call for these leased attempts, or give back those that find no room."""


_senders: list[Hands] = []


def join(sender: Hands) -> None:
    _senders.append(sender)


def leave(sender: Hands) -> None:
    _senders.remove(sender)


def free(channel: str) -> bool:
    """Whether an attempt of this channel may be born in hand."""
    return any(sender.channel == channel and sender.room > 0 for sender in _senders)


def ring() -> None:
    """There is something to claim."""
    for sender in _senders:
        sender.wake()


def give(rows: Sequence[Any]) -> None:
    """New attempts: those born in hand to whoever has the most room, for the others the bell."""
    born = [row for row in rows if row["state"] == "sending"]
    for row in born:
        fitting = [sender for sender in _senders if sender.channel == row["channel"]]
        if fitting:
            max(fitting, key=lambda sender: sender.room).start([row])
    if len(born) < len(rows):
        ring()
