"""Figures of one measurement: quantiles of durations, and what processes cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from statistics import median

import psutil

NS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class Spread:
    """Quantiles of durations in milliseconds."""

    p50: float
    p95: float
    p99: float
    count: int

    def over(self, other: Spread) -> Spread:
        """Each quantile as a multiple of the other's."""
        return Spread(self.p50 / other.p50, self.p95 / other.p95, self.p99 / other.p99, self.count)

    def text(self, digits: int = 1) -> str:
        return f"{self.p50:.{digits}f} / {self.p95:.{digits}f} / {self.p99:.{digits}f}"


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which ``share`` of the others lie (nearest rank)."""
    if not values:
        return float("nan")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def spread(values_ms: Sequence[float]) -> Spread:
    return Spread(quantile(values_ms, 0.5), quantile(values_ms, 0.95), quantile(values_ms, 0.99), len(values_ms))


def middle(spreads: Sequence[Spread]) -> Spread:
    """The median round, quantile by quantile."""
    count = sum(each.count for each in spreads)
    return Spread(
        median(each.p50 for each in spreads),
        median(each.p95 for each in spreads),
        median(each.p99 for each in spreads),
        count,
    )


def ms(later_ns: float, earlier_ns: float) -> float:
    return (later_ns - earlier_ns) / NS_PER_MS


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds (user and system) a group of processes has used with its children, and resident bytes now."""

    cpu_s: float
    rss_bytes: int
    processes: int
    children_rss_bytes: int = 0
    """Of ``rss_bytes``: what the processes' children hold."""

    def since(self, before: Cost) -> Cost:
        return replace(self, cpu_s=self.cpu_s - before.cpu_s)

    @property
    def rss_mb(self) -> float:
        return self.rss_bytes / 1e6


def cost(pids: Iterable[int]) -> Cost:
    """What these processes and their children cost so far; children that have ended are in their parent's times."""
    cpu_s, rss, of_children, count = 0.0, 0, 0, 0
    for pid in pids:
        with suppress(psutil.NoSuchProcess):
            parent = psutil.Process(pid)
            ended = parent.cpu_times()
            cpu_s += ended.children_user + ended.children_system
            for process in (parent, *parent.children(recursive=True)):
                with suppress(psutil.NoSuchProcess):
                    times = process.cpu_times()
                    cpu_s += times.user + times.system
                    held = process.memory_info().rss
                    rss += held
                    of_children += held if process is not parent else 0
                    count += 1
    return Cost(cpu_s, rss, count, of_children)


def costs(groups: Mapping[str, Sequence[int]]) -> dict[str, Cost]:
    return {name: cost(pids) for name, pids in groups.items()}
