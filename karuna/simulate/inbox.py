"""What the simulated people received, newest first, bounded, and a way to wait for more."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

KEPT = 5_000


@dataclass(slots=True)
class Entry:
    """One message as its receiver sees it. ``number`` grows by one with every entry, from 1."""

    number: int
    at: datetime
    via: Literal["line", "smpp", "http"]
    sender: str
    to: str
    text: str
    state: str
    buttons: list[dict[str, str]] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "at": self.at.isoformat(),
            "via": self.via,
            "from": self.sender,
            "to": self.to,
            "text": self.text,
            "state": self.state,
            "buttons": self.buttons,
            **self.details,
        }


class Inbox:
    """Belongs to one event loop."""

    def __init__(self, kept: int = KEPT) -> None:
        self._entries: deque[Entry] = deque(maxlen=kept)
        self._changed = asyncio.Event()
        self.total = 0

    def add(self, via: Literal["line", "smpp", "http"], sender: str, to: str, text: str, state: str) -> Entry:
        self.total += 1
        entry = Entry(self.total, datetime.now(UTC), via, sender, to, text, state)
        self._entries.append(entry)
        self.changed()
        return entry

    def changed(self) -> None:
        """Wake those who wait: an entry came or changed."""
        self._changed.set()
        self._changed = asyncio.Event()

    def after(self, number: int) -> list[Entry]:
        """Oldest first, those that came after ``number`` and are still kept."""
        return [entry for entry in self._entries if entry.number > number]

    def newest_first(self) -> list[Entry]:
        return list(reversed(self._entries))

    def clear(self) -> None:
        self._entries.clear()
        self.changed()

    async def wait(self, enough: Callable[[Inbox], bool], within_s: float = 5.0) -> None:
        """Until ``enough(inbox)``.

        Raises:
            TimeoutError: not within ``within_s``.

        """
        async with asyncio.timeout(within_s):
            while not enough(self):
                await self._changed.wait()


def newest_of(inboxes: Iterable[Inbox], limit: int) -> list[Entry]:
    """The newest entries of several inboxes, newest first."""
    entries = [entry for inbox in inboxes for entry in inbox.newest_first()[:limit]]
    return sorted(entries, key=lambda entry: entry.at, reverse=True)[:limit]
