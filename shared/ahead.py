"""What was heard and is not applied yet: the most urgent matter goes first, each in its own order.

In a flood a red call must not wait behind hundreds of others. The broker gives a stream in its order; a service needs
less: the events of one aggregate in order, and what grows from one call after the call (its cursors and handlers stand
on that). So messages wait in lines, one per matter, and the lines of the most urgent are taken first. The oldest is in
every group, so nobody waits for ever. Decision 0015.
"""

from __future__ import annotations

import heapq
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

import orjson

T = TypeVar("T")

RANKS: Final = {"red": 0, "pink": 1, "yellow": 2, "green": 3, "white": 4, "black": 4}
UNKNOWN_RANK: Final = 0
"""Of what grows from no call: a unit on duty, a crew, a setting. Calls stand on it, so none overtakes it."""
LEAST_RANK: Final = max(RANKS.values())
REMEMBERED: Final = 10_000


class Urgencies:
    """How urgent the latest calls are, by the id of the call. What grows from a call is as urgent as the call."""

    def __init__(self) -> None:
        self._ranks: OrderedDict[str, int] = OrderedDict()

    def rank(self, root: str, data: Any) -> int:
        """Of an event that grows from ``root``; its own severity counts, and is remembered for what follows."""
        said = RANKS.get(data.get("severity", "")) if isinstance(data, dict) else None
        if said is None:
            return self._ranks.get(root, UNKNOWN_RANK)
        self._ranks[root] = said
        self._ranks.move_to_end(root)
        while len(self._ranks) > REMEMBERED:
            self._ranks.popitem(last=False)
        return said


@dataclass(slots=True, eq=False)
class Line(Generic[T]):
    """One matter: its messages with the numbers of their coming, and by what it is found."""

    rank: int
    waiting: deque[tuple[int, T]] = field(default_factory=deque)
    keys: set[str] = field(default_factory=set)

    @property
    def since(self) -> int:
        return self.waiting[0][0]


class Ahead(Generic[T]):
    """Messages of one stream that wait here."""

    def __init__(self, urgencies: Urgencies) -> None:
        self._urgencies = urgencies
        self._lines: dict[str, Line[T]] = {}
        self._came = 0
        self._waiting = 0

    def __len__(self) -> int:
        return self._waiting

    def put(self, item: T, body: bytes) -> None:
        """Let ``item`` wait behind all of its own call and aggregate. An unreadable body is a matter of its own."""
        self._came += 1
        self._waiting += 1
        aggregate, root, data = _matter(body, self._came)
        line = self._line(aggregate, root)
        line.rank = min(line.rank, self._urgencies.rank(root, data))
        line.waiting.append((self._came, item))

    def take(self, limit: int) -> list[T]:
        """At most ``limit``: the first message of the matter that waits longest, then of the most urgent matters."""
        lines = {id(line): line for line in self._lines.values()}.values()
        if not lines:
            return []
        oldest = min(lines, key=lambda line: line.since)
        urgent = heapq.nsmallest(limit, lines, key=lambda line: (line.rank, line.since))
        taken = [oldest.waiting.popleft()[1]]
        for line in urgent:
            while line.waiting and len(taken) < limit:
                taken.append(line.waiting.popleft()[1])
        for line in (oldest, *urgent):
            if not line.waiting:
                self._forget(line)
        self._waiting -= len(taken)
        return taken

    def _line(self, *keys: str) -> Line[T]:
        """The line in which this matter waits; those of what turns out to be one matter become one."""
        found = {id(line): line for key in keys if (line := self._lines.get(key))}.values()
        line, *others = found or [Line[T](LEAST_RANK)]
        for other in others:
            line.rank = min(line.rank, other.rank)
            line.waiting = deque(heapq.merge(line.waiting, other.waiting, key=lambda pair: pair[0]))
            line.keys |= other.keys
        line.keys.update(keys)
        for key in line.keys:
            self._lines[key] = line
        return line

    def _forget(self, line: Line[T]) -> None:
        for key in line.keys:
            self._lines.pop(key, None)


def _matter(body: bytes, number: int) -> tuple[str, str, Any]:
    """Aggregate, call (or what else it grows from) and data of a message; what is unreadable is known by its number."""
    try:
        read = orjson.loads(body)
        return f"{read['subject']}", f"{read['correlationid']}", read.get("data")
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return f"?{number}", f"?{number}", None
