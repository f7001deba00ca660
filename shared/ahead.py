"""What was heard and is not applied yet: the most urgent matter goes first, each in its own order.

In a flood a red call must not wait behind hundreds of others. The broker gives a stream in its order; a service needs
less: the events of one aggregate in order, what grows from one call after the call, and what is said of one person
(its cursors and handlers stand on that). So messages wait in lines, one per matter, and those of the most urgent are
taken first. The oldest is in every group, so nobody waits for ever. Decision 0015.
"""

from __future__ import annotations

import heapq
from collections import Counter, OrderedDict
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

    def rank(self, root: str, data: Any, *, of_call: bool) -> int:
        """Of an event that grows from ``root``; its own severity counts, and is remembered for what follows.

        The call itself says how urgent it is now; of what grows from it (one trip of several) the most urgent counts.
        """
        severity = data.get("severity") if isinstance(data, dict) else None
        said = RANKS.get(severity) if isinstance(severity, str) else None
        known = self._ranks.get(root)
        if said is None:
            return UNKNOWN_RANK if known is None else known
        self._ranks[root] = said if of_call or known is None else min(said, known)
        self._ranks.move_to_end(root)
        while len(self._ranks) > REMEMBERED:
            self._ranks.popitem(last=False)
        return said


@dataclass(slots=True, eq=False)
class Line(Generic[T]):
    """One matter: its messages with the numbers of their coming, and how many of them are known by each key."""

    rank: int
    waiting: list[tuple[int, T, tuple[str, ...]]] = field(default_factory=list)
    """Few in most lines, and there are many lines: the smallest deque takes as much as all its messages' keys."""
    keys: Counter[str] = field(default_factory=Counter)

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
        """Let ``item`` wait behind all of its own call, aggregate and person; what is unreadable is its own matter."""
        self._came += 1
        self._waiting += 1
        keys, root, data = _matter(body, self._came)
        line = self._line(keys)
        line.rank = min(line.rank, self._urgencies.rank(root, data, of_call=keys[0].startswith("call/")))
        line.waiting.append((self._came, item, keys))

    def take(self, limit: int) -> list[T]:
        """At most ``limit``: the first message of the matter that waits longest, then of the most urgent matters.

        Message by message: of matters that are equally urgent the older message goes first.
        """
        lines = {id(line): line for line in self._lines.values()}.values()
        if not lines:
            return []
        taken = [self._next(min(lines, key=lambda line: line.since))]
        heads = [(line.rank, line.since, line) for line in lines if line.waiting]
        heapq.heapify(heads)
        while heads and len(taken) < limit:
            line = heads[0][2]
            taken.append(self._next(line))
            if line.waiting:
                heapq.heapreplace(heads, (line.rank, line.since, line))
            else:
                heapq.heappop(heads)
        return taken

    def _next(self, line: Line[T]) -> T:
        _, item, keys = line.waiting.pop(0)
        self._waiting -= 1
        for key in keys:
            line.keys[key] -= 1
            if not line.keys[key]:
                del line.keys[key], self._lines[key]
        return item

    def _line(self, keys: tuple[str, ...]) -> Line[T]:
        """The line in which this matter waits; those of what turns out to be one matter become one."""
        found = {id(line): line for key in keys if (line := self._lines.get(key))}.values()
        line, *others = sorted(found, key=lambda line: -len(line.waiting)) or [Line[T](LEAST_RANK)]
        for other in others:
            line.rank = min(line.rank, other.rank)
            line.waiting = list(heapq.merge(line.waiting, other.waiting, key=lambda each: each[0]))
            line.keys += other.keys
            self._lines |= dict.fromkeys(other.keys, line)
        line.keys.update(keys)
        self._lines |= dict.fromkeys(keys, line)
        return line


def _matter(body: bytes, number: int) -> tuple[tuple[str, ...], str, Any]:
    """By what a message is known (aggregate, root, the person it is about), its root, its data.

    What is unreadable is known by its number.
    """
    try:
        read = orjson.loads(body)
        aggregate, root, data = f"{read['subject']}", f"{read['correlationid']}", read.get("data")
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return (f"?{number}",), f"?{number}", None
    person = data.get("person_id") if isinstance(data, dict) else None
    keys = (aggregate, root) if person is None else (aggregate, root, f"person/{person}")
    return tuple(dict.fromkeys(keys)), root, data
