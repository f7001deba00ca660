"""Buttons that came to people by LINE, and those who wait for them."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Any

Data = dict[str, str]
"""answer → what stands behind its button."""


def answers_of(entry: dict[str, Any]) -> Data:
    """The answers a message asks for (``k1.<id>.<answer>``); empty where it asks for none."""
    found = {}
    for button in entry.get("buttons", []):
        version, _, rest = str(button["data"]).partition(".")
        if version == "k1":
            found[rest.rpartition(".")[2]] = button["data"]
    return found


@dataclass(slots=True)
class Expected:
    """Somebody waits for the button ``answer`` to come to ``line_user``."""

    line_user: str
    answer: str
    future: asyncio.Future[Data]


class Buttons:
    """Who waits gets the next message that asks the person for this answer; messages nobody waits for are dropped."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[str, str], deque[Expected]] = {}

    def expect(self, line_user: str, answer: str) -> Expected:
        """Ask before the thing is done that brings the message, and :meth:`forget` in the end."""
        expected = Expected(line_user, answer, asyncio.get_running_loop().create_future())
        self._waiting.setdefault((line_user, answer), deque()).append(expected)
        return expected

    @property
    def waiting(self) -> int:
        """How many wait."""
        return sum(len(queue) for queue in self._waiting.values())

    def came(self, line_user: str, answers: Data) -> bool:
        """Hand a message to who waits longest for one of its answers."""
        for answer in answers:
            for expected in self._waiting.get((line_user, answer), ()):
                if not expected.future.done():
                    expected.future.set_result(answers)
                    return True
        return False

    def forget(self, expected: Expected) -> None:
        """Nobody waits any more."""
        expected.future.cancel()
        queue = self._waiting.get((expected.line_user, expected.answer))
        if queue is not None and expected in queue:
            queue.remove(expected)
            if not queue:
                del self._waiting[expected.line_user, expected.answer]
