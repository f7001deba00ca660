"""Faults to order: the next so many, or a share of all, fail in a named way. Queued by tests and by hand."""

from __future__ import annotations

import random
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Fault:
    """``times`` left (``None``: until cleared), hit with probability ``share``, only for ``to`` if given."""

    kind: str
    times: int | None = 1
    share: float = 1.0
    to: str | None = None
    delay_s: float = 0.0


class Faults:
    def __init__(self, kinds: Collection[str], seed: int = 1) -> None:
        self.kinds = frozenset(kinds)
        self._random = random.Random(seed)
        self._queue: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Queue one.

        Raises:
            ValueError: no such kind, or figures that make no sense; the message names what there is.

        """
        if fault.kind not in self.kinds:
            raise ValueError(f"fault must be one of {', '.join(sorted(self.kinds))}")
        if not 0 < fault.share <= 1 or (fault.times is not None and fault.times < 1) or fault.delay_s < 0:
            raise ValueError("share is in (0, 1], times is at least 1, delay_s is not negative")
        self._queue.append(fault)

    def take(self, to: str | None = None, kinds: Collection[str] | None = None) -> Fault | None:
        """The fault (of ``kinds``, else any) that hits this request, if any; it is used up by one."""
        for fault in self._queue:
            if kinds is not None and fault.kind not in kinds:
                continue
            if fault.to not in {None, to} or self._random.random() >= fault.share:
                continue
            if fault.times is not None:
                fault.times -= 1
                if fault.times == 0:
                    self._queue.remove(fault)
            return fault
        return None

    def clear(self) -> None:
        self._queue.clear()

    def __len__(self) -> int:
        return len(self._queue)


def fault_from(body: dict[str, Any]) -> Fault:
    """``{"fault", "times"?, "share"?, "to"?, "delay_s"?}`` as a control endpoint takes it.

    Raises:
        ValueError: a field is missing, unknown or of the wrong kind.

    """
    known = {"fault", "times", "share", "to", "delay_s"}
    if unknown := set(body) - known:
        raise ValueError(f"unknown fields: {', '.join(sorted(unknown))}")
    try:
        times = body.get("times", 1)
        return Fault(
            str(body["fault"]),
            None if times is None else int(times),
            float(body.get("share", 1)),
            None if body.get("to") is None else str(body["to"]),
            float(body.get("delay_s", 0)),
        )
    except (KeyError, TypeError) as problem:
        raise ValueError("a fault has a kind, and figures where figures belong") from problem
