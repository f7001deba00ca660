"""What was heard and is not applied yet: the most urgent matter goes first, each in its own order.

In a flood a red call must not wait behind hundreds of others. The broker gives a stream in its order; a service needs
less: the events of one aggregate in order, what grows from one call after the call, and what is said of one person
(its cursors and handlers stand on that). So messages wait in lines, one per matter, and those of the most urgent are
taken first: what is red by itself, all else with the oldest in every group, so nobody waits for ever. Decision 0015.
"""

from __future__ import annotations

import heapq
from bisect import insort
from collections import Counter, OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, Final, Generic, NamedTuple, TypeVar

import orjson

from shared.events.envelope import TYPE_PREFIX

T = TypeVar("T")

RED: Final = 0
UNKNOWN_RANK: Final = 1
"""Of what grows from no call: a unit on duty, a crew, a setting. Calls stand on it, so none overtakes it."""
AFTER_RED: Final = 2
"""Of what grows from a red call and nobody waits for: the times of a crew at work, receipts."""
RANKS: Final = {"red": RED, "pink": 3, "yellow": 4, "green": 5, "white": 6, "black": 6}
REMEMBERED: Final = 10_000
ALONE: Final = 4
"""So many groups in a row may be of what is red alone."""


class Urgencies:
    """How urgent the latest calls are, by the id of the call. What grows from a call is as urgent as the call.

    ``waited_for``: types of events for whose effect somebody waits here; None: for all.
    """

    def __init__(self, waited_for: frozenset[str] | None = None) -> None:
        self._ranks: OrderedDict[str, int] = OrderedDict()
        self._waited_for = waited_for
        self.pressing = 0
        """How many red messages wait, at whichever ear of the service."""

    def rank(self, root: str, data: Any, *, of_call: bool, kind: str = "") -> int:
        """Of an event of the type ``kind`` that grows from ``root``.

        Its own severity counts, and is remembered for what follows. The call itself says how urgent it is now; of what
        grows from it (one trip of several) the most urgent counts.
        """
        rank = self._rank(root, data, of_call=of_call)
        return rank if self._waited_for is None or kind in self._waited_for else max(rank, AFTER_RED)

    def _rank(self, root: str, data: Any, *, of_call: bool) -> int:
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


class Waiting(NamedTuple, Generic[T]):
    """A message with the number of its coming, by what it is known, and how urgent it is."""

    came: int
    item: T
    keys: tuple[str, ...]
    rank: int


@dataclass(slots=True, eq=False)
class Line(Generic[T]):
    """One matter: what waits of it, and how many of that are known by each key."""

    waiting: list[Waiting[T]] = field(default_factory=list)
    """Few in most lines, and there are many lines: the smallest deque takes as much as all its messages' keys."""
    keys: Counter[str] = field(default_factory=Counter)

    @property
    def since(self) -> int:
        return self.waiting[0].came

    @property
    def turn(self) -> int:
        """As the most urgent that waits in it, which cannot overtake what stands before it."""
        rank = min(each.rank for each in self.waiting)
        return RED if rank == UNKNOWN_RANK else rank


class Ahead(Generic[T]):
    """Messages of one stream that wait here."""

    def __init__(self, urgencies: Urgencies) -> None:
        self._urgencies = urgencies
        self._lines: dict[str, Line[T]] = {}
        self._came = 0
        self._waiting = 0
        self._pressing = 0
        self._alone = 0
        """How many groups in a row were of what is red alone."""

    def __len__(self) -> int:
        return self._waiting

    @property
    def red_alone(self) -> bool:
        """Whether the group taken last was of what is red alone."""
        return self._alone > 0

    def put(self, item: T, body: bytes) -> None:
        """Let ``item`` wait behind all of its own call, aggregate and person; what is unreadable is its own matter."""
        self._came += 1
        keys, root, kind, data = _matter(body, self._came)
        rank = self._urgencies.rank(root, data, of_call=keys[0].startswith("call/"), kind=kind)
        self._put(Waiting(self._came, item, keys, rank))

    def back(self, taken: Iterable[Waiting[T]]) -> None:
        """Let what was taken and not applied wait again where it stood."""
        for each in taken:
            self._put(each)

    def leave(self) -> None:
        """Nobody listens here any more: what waits here presses nobody."""
        self._urgencies.pressing -= self._pressing
        self._lines.clear()
        self._waiting = self._pressing = 0

    def take(self, limit: int) -> list[Waiting[T]]:
        """At most ``limit``: of what is red; else, and at times, what waits longest, then of the most urgent matters.

        Message by message: of matters that are equally urgent the older message goes first.
        """
        lines = list({id(line): line for line in self._lines.values()}.values())
        if not lines:
            return []
        if self._pressing and self._alone < ALONE:
            self._alone += 1
            return self._most_urgent([line for line in lines if line.turn == RED], limit, least=RED)
        self._alone = 0
        oldest = self._next(min(lines, key=lambda line: line.since))
        return [oldest, *self._most_urgent(lines, limit - 1, least=max(RANKS.values()))]

    def _most_urgent(self, lines: Iterable[Line[T]], limit: int, *, least: int) -> list[Waiting[T]]:
        taken: list[Waiting[T]] = []
        heads = [(line.turn, line.since, line) for line in lines if line.waiting]
        heapq.heapify(heads)
        while heads and len(taken) < limit:
            line = heads[0][2]
            taken.append(self._next(line))
            if line.waiting and (turn := line.turn) <= least:
                heapq.heapreplace(heads, (turn, line.since, line))
            else:
                heapq.heappop(heads)
        return taken

    def _put(self, each: Waiting[T]) -> None:
        insort(self._line(each.keys).waiting, each, key=itemgetter(0))
        self._count(each, 1)

    def _next(self, line: Line[T]) -> Waiting[T]:
        each = line.waiting.pop(0)
        self._count(each, -1)
        for key in each.keys:
            line.keys[key] -= 1
            if not line.keys[key]:
                del line.keys[key], self._lines[key]
        return each

    def _count(self, each: Waiting[T], more: int) -> None:
        self._waiting += more
        if each.rank == RED:
            self._pressing += more
            self._urgencies.pressing += more

    def _line(self, keys: tuple[str, ...]) -> Line[T]:
        """The line in which this matter waits; those of what turns out to be one matter become one."""
        found = {id(line): line for key in keys if (line := self._lines.get(key))}.values()
        line, *others = sorted(found, key=lambda line: -len(line.waiting)) or [Line[T]()]
        for other in others:
            line.waiting = list(heapq.merge(line.waiting, other.waiting, key=itemgetter(0)))
            line.keys += other.keys
            self._lines |= dict.fromkeys(other.keys, line)
        line.keys.update(keys)
        self._lines |= dict.fromkeys(keys, line)
        return line


def _matter(body: bytes, number: int) -> tuple[tuple[str, ...], str, str, Any]:
    """By what a message is known (aggregate, root, the person it is about), its root, its type, its data.

    What is unreadable is known by its number.
    """
    try:
        read = orjson.loads(body)
        aggregate, root, data = f"{read['subject']}", f"{read['correlationid']}", read.get("data")
        kind = f"{read.get('type')}".removeprefix(TYPE_PREFIX)
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return (f"?{number}",), f"?{number}", "", None
    person = data.get("person_id") if isinstance(data, dict) else None
    keys = (aggregate, root) if person is None else (aggregate, root, f"person/{person}")
    return tuple(dict.fromkeys(keys)), root, kind, data
