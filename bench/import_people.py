"""``python -m bench import``: a file of people, read, matched, compared with 100,000 and written, over HTTP.

The people are written straight into the store first (:mod:`bench.register`); then the command's own client sends files
of people who are new, of second records of those who are there, and the first file once more under another name.
"""

from __future__ import annotations

import asyncio
import csv
import io
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import httpx

from bench.figures import Cost, cost
from bench.folk import Folk, Town
from bench.ground import Ground
from bench.register import AREA, COPIES, MEMORY_MB, PEOPLE, fill
from bench.report import GOALS, Table, met
from karuna.people_files import PART, Wanted, send
from shared.auth import Role
from shared.sheets import Sheet, read_sheet
from shared.thai.identifiers import check_digit
from shared.thai.text import tidy

NEW, WARM = 20_000, 2_000
"""Rows of people who are new, and as many before to warm the process."""
ROWS_PER_S: Final = 1000.0
HEAD = ("national_id", "name", "birth_date", "birth_year", "sex", "phone", "current_area", "current_address")
UNTIL_READY_S = 0.2


@dataclass(frozen=True, slots=True)
class Taken:
    """One file: rows a second, and what became of its rows."""

    rows: int
    seconds: float
    counts: Counter[str]

    @property
    def per_s(self) -> float:
        return self.rows / self.seconds


@dataclass(frozen=True, slots=True)
class Measured:
    files: dict[str, Taken]
    memory: Cost
    cpu_share: float
    """Of one core, by the registry's process, while the new ones were taken."""


async def measure(ground: Ground) -> Measured:
    for name in list(ground.local.processes):
        await ground.local.stop_service(name)
    town = await asyncio.to_thread(Town, PEOPLE, COPIES, 7)
    await fill(ground.local, town)
    others = await asyncio.to_thread(Town, NEW + WARM, 0, 8)
    ground.local.start_service("registry", port=0)
    base = ground.local.listening_at("registry")
    pid = ground.local.processes["registry"][0].pid
    token = ground.local.issuer.token(Role.REGISTRY_OFFICER, areas=[AREA])
    headers = {"authorization": f"Bearer {token}", "karuna-purpose": "registration"}
    try:
        async with httpx.AsyncClient(base_url=base, headers=headers, timeout=60) as client:
            while (await client.get("/readyz")).is_error:
                await asyncio.sleep(UNTIL_READY_S)
            await _taken(client, sheet_of(others.people[:WARM], NEW))
            new = sheet_of(others.people[WARM:])
            before = cost([pid]).cpu_s
            files = {"people who are new": await _taken(client, new)}
            share = (cost([pid]).cpu_s - before) / files["people who are new"].seconds
            files["second records of people who are there"] = await _taken(client, sheet_of(town.copies))
            files["the same people in another file"] = await _taken(client, sheet_of(others.people[WARM:], end="\n"))
            files["the same file again"] = await _taken(client, new)
            return Measured(files, cost([pid]), share)
    finally:
        await ground.local.stop_service("registry")


async def _taken(client: httpx.AsyncClient, sheet: Sheet) -> Taken:
    begun = time.perf_counter()
    sent = await send(client, sheet, Wanted("karuna", AREA), io.StringIO())
    return Taken(sheet.rows, time.perf_counter() - begun, sent.counts)


def sheet_of(folk: Sequence[Folk], base: int = 0, end: str = "") -> Sheet:
    lines = io.StringIO()
    table = csv.writer(lines)
    table.writerow(HEAD)
    for number, one in enumerate(folk, base):
        birth = one.birth or ""
        day, year = (birth, "") if "-" in birth else ("", birth.lstrip("~"))
        table.writerow(
            (
                cid(number) if one.number else "",
                tidy(one.name),
                day,
                year,
                one.sex or "",
                one.phone or "",
                "460101",
                "1 หมู่ 2",
            )
        )
    return read_sheet((lines.getvalue() + end).encode())


def cid(number: int) -> str:
    """A made-up 13-digit number with a right check digit."""
    twelve = f"3{number:011d}"
    return f"{twelve}{check_digit(twelve)}"


def table(it: Measured) -> Table:
    rows: list[tuple[str, str, str, str]] = []
    for name, taken in it.files.items():
        counts = ", ".join(f"{count:,} {code}" for code, count in sorted(taken.counts.items()))
        goal = ("", "")
        if name == "people who are new":
            goal = (f"≥ {ROWS_PER_S:,.0f}", met(taken.per_s, ROWS_PER_S, at_least=True))
        rows.append((f"{name} ({counts}), rows/s", f"{taken.per_s:,.0f}", *goal))
    rows += [
        ("the registry's process while the new ones were taken, cores", f"{it.cpu_share:.2f}", "", ""),
        ("resident, MB", f"{it.memory.rss_mb:.0f}", f"≤ {MEMORY_MB}", met(it.memory.rss_mb, MEMORY_MB)),
    ]
    note = (
        f"{PEOPLE:,} invented people are there, {NEW:,} new ones come in parts of {PART} rows, each one transaction "
        "with matching, duplicate check, sealing, events and verdicts; one registry process, the client beside it."
    )
    return Table("The register: files of people", GOALS, rows, note)
