"""The tables of ``BENCH.md``: what was measured, the goal, and whether it was met. The machine stands in words."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

from bench.chain import BURST_CALLS, BURST_S, ROUND_S, Burst, Compared
from bench.core import BACKLOG, HOPS, ROUNDS, WRITERS, Drained, Hop, Saturated
from bench.positions import RATE_PER_S as FIXES_PER_S
from bench.positions import SECONDS as FIXES_FOR_S
from bench.positions import Way
from bench.screen import BROWSERS, CALLS, LISTENERS, MOVING, RATE_PER_S, Screen
from bench.town import CREW_OF_UNIT, UNITS
from karuna.local import ROOT

FILE = "BENCH.md"
MEMORY_MB = {"intake": 100, "dispatch": 120, "registry": 150, "notify": 100}
ALERT_RATIO, HOP_RATIO, SATURATED_RATIO, DRAIN_RATIO, CONSUMER_RATIO, FSYNCS = 2.0, 2.5, 0.5, 0.25, 2.0, 0.05
RED_MS = 1000
SCREEN_MS, CONSOLE_MB, FIRST_LOAD_KB = 150, 120, 250


@dataclass(frozen=True, slots=True)
class Table:
    """One part of the report."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""

    def text(self) -> str:
        lines = [f"\n## {self.title}\n", "| " + " | ".join(self.columns) + " |", "|---" * len(self.columns) + "|"]
        lines += ["| " + " | ".join(row) + " |" for row in self.rows]
        return "\n".join([*lines, "", self.note]) if self.note else "\n".join(lines)


Show = Callable[[Table], None]
GOALS = ("วัดอะไร (what)", "ได้ (measured)", "เป้า (goal)", "")


def met(value: float, goal: float, *, at_least: bool = False) -> str:
    return "✓" if (value >= goal if at_least else value <= goal) else "✗"


def hop(it: Hop) -> Table:
    busy = it.hop.p50 / it.floor_busy_ms
    rows = [
        ("event said → effect committed elsewhere, ms p50 / p95 / p99", it.hop.text(), "", ""),
        ("transaction of two inserts, ms", it.commit.text(2), "", ""),
        ("one publish, synced, ms", it.publish.text(2), "", ""),
        ("floor: 2 × transaction + publish, p50 ms", f"{it.floor_ms:.2f}", "", ""),
        ("**hop ÷ floor**", f"{it.ratio:.2f}", f"≤ {HOP_RATIO}", met(it.ratio, HOP_RATIO)),
        ("hop ÷ floor measured back to back (nothing ever sleeps)", f"{busy:.2f}", "", ""),
    ]
    note = f"{ROUNDS} rounds of {HOPS} events at 40/s, each beside 60 + 60 floor measurements at the same 40/s."
    return Table("ช่วงต่อเดียว · One hop", GOALS, rows, note)


def saturated(it: Saturated) -> Table:
    rows = [
        ("events through the whole hop, per s", f"{it.events_per_s:.0f}", "", ""),
        ("two-insert commits, per s", f"{it.commits_per_s:.0f}", "", ""),
        ("hop meanwhile, ms p50 / p95 / p99", it.hop.text(), "", ""),
        (
            "**hops ÷ commits**",
            f"{it.ratio:.2f}",
            f"≥ {SATURATED_RATIO}",
            met(it.ratio, SATURATED_RATIO, at_least=True),
        ),
    ]
    note = f"{WRITERS} writers in one process; the floor is {WRITERS} connections without broker and listener."
    return Table("เต็มกำลัง · Saturated", GOALS, rows, note)


def drained(it: Drained) -> Table:
    rows = [
        ("events sent and applied, per s", f"{it.events_per_s:.0f}", "", ""),
        ("rows in batches of 100 on one connection, per s", f"{it.rows_per_s:.0f}", "", ""),
        ("**events ÷ rows**", f"{it.ratio:.2f}", f"≥ {DRAIN_RATIO}", met(it.ratio, DRAIN_RATIO, at_least=True)),
    ]
    if it.fsyncs is None:
        rows.append(("syncs per event", "not counted: no strace here", f"≤ {FSYNCS}", ""))
    else:
        total = sum(it.fsyncs.values())
        parts = ", ".join(f"{name} {value:.3f}" for name, value in it.fsyncs.items())
        rows.append((f"**syncs per event** ({parts})", f"{total:.3f}", f"≤ {FSYNCS}", met(total, FSYNCS)))
    note = (
        f"{BACKLOG} events waited in the outbox; time runs from the moment relay and hearer may begin. Every event is "
        "two messages. Syncs are fsync and fdatasync calls of the two servers, counted by strace in a drain of its own."
    )
    return Table("งานค้าง · A backlog", GOALS, rows, note)


def consumer(it: Drained) -> Table:
    pure, whole = it.ours_us / it.raw_us, it.consumer_us / it.raw_us
    rows = [
        ("fetch, orjson, acknowledge with nats-py alone, µs", f"{it.raw_us:.0f}", "", ""),
        ("the same with our envelope and typed event, µs", f"{it.ours_us:.0f}", "", ""),
        ("our listener with its database work, µs", f"{it.consumer_us:.0f}", "", ""),
        ("**fetch, check, type ÷ raw**", f"{pure:.2f}", f"≤ {CONSUMER_RATIO}", met(pure, CONSUMER_RATIO)),
        (
            "whole listener (cursor, effect, commit) ÷ raw",
            f"{whole:.2f}",
            f"≤ {CONSUMER_RATIO}",
            met(whole, CONSUMER_RATIO),
        ),
    ]
    note = (
        "CPU of the listening process per event, the same backlog through three durables. The last line counts one "
        "insert per event and what keeps it exactly once, which the raw reader does not do at all."
    )
    return Table("ราคาของการฟัง · What hearing costs", GOALS, rows, note)


def compared(them: Sequence[Compared]) -> Table:
    columns = (
        *(
            "สาย/วินาที (calls/s)",
            "process ต่อ service",
            "ลูกทีมตอบระหว่างวัด",
            "POST ms",
            "POST → LINE ms",
            "เปล่า (bare) POST → LINE ms",
        ),
        *("÷ (p50 / p95 / p99)", f"เป้า p50, p99 ≤ {ALERT_RATIO:g}", "ไม่ถึง (missing)"),
    )
    rows = [
        (
            f"{it.rate:g}", str(it.processes), "✓" if it.crews_answer else "–", it.system.post.text(),
            it.system.alert.text(), it.bare.alert.text(), it.ratio.text(2),
            f"{met(it.ratio.p50, ALERT_RATIO)} {met(it.ratio.p99, ALERT_RATIO)}", str(it.system.missing),
        )
        for it in them
    ]  # fmt: skip
    note = (
        f"p50 / p95 / p99, median of the rounds: red calls for {ROUND_S} s a round, a round of the bare chain (three "
        f"plain processes that keep the same promises and know nothing) before each round of the system. {UNITS} units "
        f"of {CREW_OF_UNIT}; the first message to a crew counts. ลูกทีมตอบ: every crew presses accept in LINE at once, "
        "and all that follows from it runs on the same machine in the same seconds. Calls, crews and the simulated "
        "LINE live in the process of the bench."
    )
    return Table("จากสายถึงลูกทีม · From call to alert", columns, rows, note)


def cpu(them: Sequence[Compared]) -> Table:
    names = list(them[0].system.cpu_ms)
    rows = [
        (f"{it.rate:g}/s, {it.processes} per service{', crews answer' if it.crews_answer else ''}",
         *(f"{it.system.cpu_ms[name]:.1f}" for name in names))
        for it in them
    ]  # fmt: skip
    bare = them[0].bare.cpu_ms
    rows.append(("bare chain", *(f"{bare[name]:.1f}" if name in bare else "–" for name in names)))
    return Table("CPU ต่อหนึ่งสาย · CPU per call, ms", ("", *names), rows)


def positions(ways: Sequence[Way]) -> Table:
    rows = []
    for way in ways:
        heard, sent = way.heard / way.seconds, way.sent / way.seconds
        rows += [
            (f"{way.name}: sent and heard a second", f"{sent:.0f} / {heard:.0f}", f"≥ {FIXES_PER_S * 0.95:.0f}",
             met(heard, FIXES_PER_S * 0.95, at_least=True)),
            ("… measured → heard, ms p50 / p95 / p99", way.lag.text(), "", ""),
            ("… CPU of dispatch, share of one core", f"{way.dispatch_cpu_share:.2f}", "", ""),
            ("… written by PostgreSQL meanwhile, bytes per fix", f"{way.wal_bytes / way.sent:.2f}", "", ""),
        ]  # fmt: skip
    note = f"{FIXES_PER_S} fixes a second for {FIXES_FOR_S} s, heard by a subscriber of the telemetry; no row per fix."
    return Table("Positions", GOALS, rows, note)


def screen(it: Screen) -> Table:
    load_kb = max(it.first_load_bytes.values()) / 1000
    rows = [
        (
            f"POST → the row in {LISTENERS} open streams, ms p50 / p95 / p99",
            it.listeners.text(),
            f"p95 ≤ {SCREEN_MS}",
            met(it.listeners.p95, SCREEN_MS),
        ),
        (
            f"POST → the row in {BROWSERS} real browsers, ms",
            it.browsers.text(),
            f"p95 ≤ {SCREEN_MS}",
            met(it.browsers.p95, SCREEN_MS),
        ),
        ("rows that did not come", str(it.missing), "0", met(it.missing, 0)),
        (
            "first load of the board with its map, kB as sent",
            f"{load_kb:.0f}",
            f"≤ {FIRST_LOAD_KB}",
            met(load_kb, FIRST_LOAD_KB),
        ),
        ("console, MB resident", f"{it.memory.rss_mb:.0f}", f"≤ {CONSOLE_MB}", met(it.memory.rss_mb, CONSOLE_MB)),
        ("console, share of a core", f"{it.cpu_share:.2f}", "", ""),
    ]
    note = (
        f"{CALLS} red calls at {RATE_PER_S:.0f}/s, {MOVING} units report a place every second, no crew answers. "
        "Services, console, browsers, listeners and callers share the machine; the time runs from the caller's POST, "
        "so taking the call is in it."
    )
    return Table("ถึงหน้าจอ · To the screen", GOALS, rows, note)


def burst(it: Burst) -> Table:
    red = it.by_severity["red"]
    rows = [
        ("calls answered 201", f"{it.acknowledged} of {it.calls}", "", ""),
        ("POST, ms p50 / p95 / p99", it.post.text(), "", ""),
        *((f"{name}: POST → LINE, ms", each.text(), "", "") for name, each in it.by_severity.items()),
        ("calls that waited visibly for a unit", str(it.queued), "", ""),
        ("**neither alerted nor in the queue**", str(it.lost), "0", met(it.lost, 0)),
        ("**red: POST → LINE p99**", f"{red.p99:.0f} ms", f"≤ {RED_MS} ms", met(red.p99, RED_MS)),
    ]
    note = (
        f"{BURST_CALLS} calls in {BURST_S:.0f} s, one process per service; crews accept at once in LINE, drive, arrive "
        f"and are free again as fast as the API takes it. All had come after {it.took_s:.0f} s."
    )
    return Table("ฝนตกหนัก · A burst", GOALS, rows, note)


def memory(it: Burst) -> Table:
    rows = []
    for name, cost in it.memory.items():
        goal = MEMORY_MB.get(name)
        own = cost.rss_mb - cost.children_rss_bytes / 1e6 if goal else cost.rss_mb
        rows.append((name, f"{own:.0f} MB", f"≤ {goal} MB" if goal else "", met(own, goal) if goal else ""))
        if goal and cost.children_rss_bytes:
            rows.append((f"{name}: its planner beside it", f"{cost.children_rss_bytes / 1e6:.0f} MB", "", ""))
    note = (
        "Resident after the burst, one process per service; the planner of booked rides is a process of its own. "
        "PostgreSQL: the sum over its processes, so its shared memory counts many times."
    )
    return Table("หน่วยความจำ · Memory", GOALS, rows, note)


def failed(part: str, reason: str) -> Table:
    """A part that could not be measured."""
    return Table(f"{part}: วัดไม่สำเร็จ · could not be measured", ("",), [(reason,)])


def machine(load_before: float, load_after: float, took_s: float) -> str:
    """The machine in words: no names, no paths."""
    memory_gb = psutil.virtual_memory().total / 1e9
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
        f"{memory_gb:.0f} GB, Python {platform.python_version()}; everything on this one machine, the load included. "
        f"Load of the machine {load_before:.1f} at the beginning (the bench itself not counted), {load_after:.1f} at "
        f"the end; {took_s / 60:.0f} minutes."
    )


def write(tables: Sequence[Table], words: str) -> None:
    """``BENCH.md`` in the root of the checkout."""
    head = (
        "# ความเร็วที่วัดได้ · Measured speed\n\n"
        "เขียนโดย `make bench` ไม่ใช่การทดสอบ: ตัวเลขเป็นของเครื่องนี้ ส่วนอัตราเทียบกับพื้นในรอบเดียวกันใช้เทียบข้ามเครื่องได้\n\n"
        "Written by `make bench`. Nothing here is a test: milliseconds belong to one machine, ratios to a floor of the "
        "same run travel better. JetStream syncs every write, PostgreSQL every commit.\n\n"
    )
    text = head + words + "\n" + "\n".join(table.text() for table in tables) + "\n"
    Path(ROOT, FILE).write_text(text, "utf-8")


def put(tables: Sequence[Table], words: str) -> None:
    """These sections of ``BENCH.md`` anew, each with the machine in words; the others stay as they are."""
    path = Path(ROOT, FILE)
    parts = path.read_text("utf-8").split("\n## ")
    for table in tables:
        kept = [part for part in parts if not part.startswith(f"{table.title}\n")]
        parts = [*kept, f"{table.text()}\n\n{words}".removeprefix("\n## ")]
    path.write_text("\n\n## ".join(part.strip("\n") for part in parts) + "\n", "utf-8")
