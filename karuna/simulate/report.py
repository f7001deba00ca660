"""What a replay or a simulation ends with: calls, response times, messages, and whether anything was lost."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from karuna.simulate.doors import Doors, Json
from karuna.simulate.lookup import Lost
from karuna.simulate.playing import Ledger, later, open_now
from shared.auth import Role

SEVERITIES = ("red", "pink", "yellow", "green", "white", "black")
STAMPS = (("order", "สั่งการ (ordered)"), ("accept", "รับงาน (accepted)"), ("at_scene", "ถึงที่เกิดเหตุ (at scene)"))
QUANTILES = (0.5, 0.9, 0.99)


@dataclass(slots=True)
class Report:
    """``response``: severity → stamp → seconds from receipt, sorted; ``messages``: (channel, state) → attempts."""

    made: int
    taken: int
    known: int
    refused: Counter[str]
    assigned: int
    queued: int
    waiting: int
    under_way: int
    later: int
    elsewhere: int
    trips: int
    completed: int
    response: dict[str, dict[str, list[float]]]
    messages: Counter[tuple[str, str]]
    people: Counter[str]
    positions: int
    lost: Lost
    took_s: float = 0.0
    speed: float = 1.0
    notes: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.lost.any and not self.refused["no answer"]


async def gather(doors: Doors, ledger: Ledger, lost: Lost, people: Counter[str], positions: int) -> Report:
    """Everything there is to say, read through the API."""
    by_call: dict[str, list[Json]] = {}
    for trip in ledger.trips:
        by_call.setdefault(trip["call_id"], []).append(trip)
    still = open_now(ledger.trips)
    return Report(
        made=ledger.making,
        taken=len(ledger.taken),
        known=sum(one.back_then for one in ledger.taken),
        refused=ledger.refused,
        assigned=sum(any(_accepted(trip) for trip in trips) for trips in by_call.values()),
        queued=sum(any(trip["queued_at"] for trip in trips) for trips in by_call.values()),
        waiting=sum(trip["status"] in {"requested", "queued", "unassigned"} for trip in still),
        under_way=sum(trip["status"] in {"planned", "under_way", "awaiting_ready"} for trip in still),
        later=sum(trip["ended_at"] is None and later(trip) for trip in ledger.trips),
        elsewhere=sum(not one.served for one in ledger.taken),
        trips=len(ledger.trips),
        completed=sum(trip["status"] == "completed" for trip in ledger.trips),
        response=response(ledger.trips),
        messages=await _messages(doors, ledger.began_at),
        people=people,
        positions=positions,
        lost=lost,
    )


def _accepted(trip: Json) -> bool:
    return any("accept" in each["stamps"] for each in trip["assignments"])


def response(trips: Iterable[Json]) -> dict[str, dict[str, list[float]]]:
    """Seconds from receipt to the first stamp of each kind, of emergencies that were not written down from paper."""
    found: dict[str, dict[str, list[float]]] = {}
    for trip in trips:
        if trip["lane"] != "emergency" or trip["back_entry"]:
            continue
        received_at = datetime.fromisoformat(trip["received_at"])
        for stamp, _ in STAMPS:
            names = ("order", "offer") if stamp == "order" else (stamp,)
            times = [a["stamps"][name] for a in trip["assignments"] for name in names if name in a["stamps"]]
            if times:
                first = min(datetime.fromisoformat(at) for at in times)
                waited = (first - received_at).total_seconds()
                found.setdefault(trip["severity"], {}).setdefault(stamp, []).append(waited)
    for stamps in found.values():
        for values in stamps.values():
            values.sort()
    return found


async def _messages(doors: Doors, since: datetime) -> Counter[tuple[str, str]]:
    asked = {"area": doors.area, "from": since.isoformat(), "to": datetime.now(UTC).isoformat()}
    found = await doors.read("notify", "/v1/reports/attempts", Role.SUPERVISOR, params=asked)
    counts: Counter[tuple[str, str]] = Counter()
    for row in found["rows"]:
        counts[row["channel"], row["state"]] += int(row["attempts"])
    return counts


def quantile(values: Sequence[float], share: float) -> float | None:
    """The nearest rank of sorted values."""
    return values[max(0, math.ceil(share * len(values)) - 1)] if values else None


def show(out: Console, report: Report) -> None:
    """Print it, Thai first."""
    figures = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for name, value in _figures(report):
        figures.add_row(name, value)
    out.print(figures)
    if report.response:
        out.print(_response_table(report))
    if report.messages:
        out.print(_messages_table(report))
    people = ", ".join(f"{name} {count:,}" for name, count in sorted(report.people.items()))
    out.print(f"คนจำลอง (simulated people): {people}; พิกัด (positions) {report.positions:,}")
    for note in report.notes:
        out.print(note)
    _show_lost(out, report)


def _figures(report: Report) -> list[tuple[str, str]]:
    refused = ", ".join(f"{reason} × {count}" for reason, count in report.refused.most_common(8))
    rows = [
        ("แจ้งเข้า (calls made)", f"{report.made:,} ใน {report.took_s:,.0f} วินาที (s), speed {report.speed:g}"),
        ("ระบบรับแล้ว (accepted by the API)", f"{report.taken:,}"),
        ("ปฏิเสธ (refused)", f"{report.refused.total():,}  {refused}"),
        ("มีหน่วยรับ (assigned)", f"{report.assigned:,}"),
        ("เคยเข้าคิว (were in the queue)", f"{report.queued:,}"),
        ("เที่ยว (trips)", f"{report.trips:,}  จบแล้ว (completed) {report.completed:,}"),
        ("ยังไม่จบ (still open)", f"รอหน่วย (waiting) {report.waiting:,}, กำลังทำ (under way) {report.under_way:,}"),
    ]
    if report.later:
        rows.append(("นัดวันอื่น (for another day)", f"{report.later:,}"))
    if report.elsewhere:
        rows.append(("นอกพื้นที่ ส่งต่อแล้ว (outside, handed over)", f"{report.elsewhere:,}"))
    if report.known:
        rows.append(("เคยเล่นซ้ำแล้ว (known from an earlier replay)", f"{report.known:,}"))
    return rows


def _response_table(report: Report) -> Table:
    table = Table("ระดับ (severity)", "จาก รับแจ้ง ถึง (from receipt to)", "n", "p50 s", "p90 s", "p99 s")
    for severity in SEVERITIES:
        for stamp, label in STAMPS:
            values = report.response.get(severity, {}).get(stamp, [])
            if values:
                cells = [f"{quantile(values, share) or 0:,.2f}" for share in QUANTILES]
                table.add_row(severity, label, f"{len(values):,}", *cells)
    table.caption = (
        f"วินาทีจริง คนและรถเร็วขึ้น {report.speed:g} เท่า ระบบไม่เร็วขึ้น "
        f"(real seconds: people and vehicles are {report.speed:g} times quicker, the system is not)"
    )
    return table


def _messages_table(report: Report) -> Table:
    table = Table("ช่องทาง (channel)", "สถานะ (state)", "ครั้ง (attempts)")
    for (channel, state), count in sorted(report.messages.items()):
        table.add_row(channel, state, f"{count:,}")
    return table


def _show_lost(out: Console, report: Report) -> None:
    lost = report.lost
    if not lost.any:
        out.print(
            f"[bold green]ไม่มีอะไรหาย (nothing lost)[/]: ค้นพบทั้ง {lost.looked_up:,} เรื่องในระบบรับแจ้งและสั่งการ "
            f"และ {lost.histories:,} เรื่องในประวัติ (all found in intake and dispatch, {lost.histories:,} in histories)"
        )
        return
    for what, numbers in (("intake", lost.intake), ("dispatch", lost.dispatch), ("registry", lost.registry)):
        if numbers:
            out.print(f"[bold red]หายจาก (lost at) {what}[/]: {len(numbers):,}: {', '.join(numbers[:20])}")
    for text in lost.wrong:
        out.print(f"[bold red]ค้างอยู่ (stuck)[/]: {escape(text)}")
