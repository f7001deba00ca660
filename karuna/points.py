"""A file of points of people's homes, sent to the registry part by part, with a verdict for each row."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from itertools import chain
from math import isfinite
from pathlib import Path
from typing import Any

import httpx
import orjson

from karuna.local import Local
from karuna.words import refusal
from shared.auth import Role
from shared.refusal import Refusal
from shared.sheets import read_sheet

COLUMNS = ("person_id", "area_code", "address", "name", "lon", "lat", "accuracy_m", "observed_at")
"""Whose home it is stands in ``person_id``, or the house says: ``area_code``, ``address``, and a name among several."""
FIGURES = ("lon", "lat", "accuracy_m")
PART = 500
"""Rows a request: what was taken stays taken when a later part fails, and sent again it is ``same_already``."""


@dataclass(frozen=True, slots=True)
class Sent:
    """How many rows had which verdict, the file that says it row by row, and the first rows that cannot be read."""

    counts: Counter[str]
    verdicts: Path
    problems: list[dict[str, Any]]


MOST_PROBLEMS = 20


def read_rows(file: Path) -> list[dict[str, Any]]:
    """The rows of a CSV with a head of :data:`COLUMNS` (``lon`` and ``lat`` needed), or of a GeoJSON whose points have

    these as properties; the first row or point is number 2.

    Raises:
        LookupError: a column is missing, or a quote is open; names the row.

    """
    try:
        sheet = read_sheet(file.read_bytes())
    except Refusal as refused:
        raise LookupError(f"{refused.th} ({refused.en})") from None
    if missing := {"lon", "lat"} - set(sheet.columns):
        raise LookupError(f"ไม่มีคอลัมน์ (no column): {', '.join(sorted(missing))}")
    rows = chain.from_iterable(enumerate(rows, first) for first, rows in sheet.parts(PART))
    return [_row(number, dict(zip(sheet.columns, cells, strict=False))) for number, cells in rows if any(cells)]


def _row(number: int, line: dict[str, str]) -> dict[str, Any]:
    told = {name: line.get(name, "") for name in COLUMNS}
    row = {name: _figure(name, value) for name, value in told.items() if value}
    return {"row": number, **row}


def _figure(name: str, text: str) -> str | float:
    """A cell of figures as a number; what is none goes as it stands, and the registry says so of its row alone."""
    if name not in FIGURES:
        return text
    try:
        told = float(text)
    except ValueError:
        return text
    if not isfinite(told):
        return text
    return round(told) if name == "accuracy_m" else told


@asynccontextmanager
async def registry_of(local: Local) -> AsyncIterator[httpx.AsyncClient]:
    """The registry, asked as the local operator."""
    token = local.issuer.token(Role.SUPERVISOR, areas=["*"])
    headers = {"authorization": f"Bearer {token}", "karuna-purpose": "care"}
    async with httpx.AsyncClient(base_url=local.url("registry"), headers=headers, timeout=60) as client:
        yield client


async def send(client: httpx.AsyncClient, file: Path, source: str, *, dry_run: bool) -> Sent:
    """Send the file; the verdicts stand beside it as ``<name>.verdicts.csv``.

    Raises:
        LookupError: the file or a part of it was refused, in the registry's words.

    """
    rows = read_rows(file)
    verdicts = file.with_suffix(".verdicts.csv")
    counts: Counter[str] = Counter()
    problems: list[dict[str, Any]] = []
    with verdicts.open("w", encoding="utf-8", newline="") as out:
        table = csv.writer(out)
        table.writerow(("row", "verdict", "th", "en", "person_id", "location_id", "field", "why_th", "why_en"))
        for start in range(0, len(rows), PART):
            body = {"source": source, "dry_run": dry_run, "rows": rows[start : start + PART]}
            for one in (await _ask(client, "/v1/locations/import", body))["items"]:
                said = one["verdict"]
                counts[said["code"]] += 1
                about = [one[name] for name in ("person_id", "location_id", "field", "th", "en")]
                table.writerow((one["row"], said["code"], said["th"], said["en"], *about))
                if one["field"] and len(problems) < MOST_PROBLEMS:
                    problems.append(one)
    return Sent(counts, verdicts, problems)


async def near(
    client: httpx.AsyncClient, layer: bytes, within_m: float, groups: list[str], area: str
) -> dict[str, Any]:
    """Who lives near what a GeoJSON file draws.

    Raises:
        LookupError: the file is no JSON, or the registry refuses, in its words.

    """
    try:
        drawn = orjson.loads(layer)
    except orjson.JSONDecodeError as problem:
        raise LookupError(f"ไฟล์นี้ไม่ใช่ JSON (this file is no JSON): {problem}") from None
    body = {
        "geojson": drawn,
        "within_m": within_m,
        "area": area,
        "limit": 500,
        **({"groups": groups} if groups else {}),
    }
    return await _ask(client, "/v1/persons/near", body)


async def _ask(client: httpx.AsyncClient, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = await client.post(path, json=body)
    if HTTPStatus.BAD_REQUEST <= answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
        raise LookupError(refusal(answer))
    answer.raise_for_status()
    said: dict[str, Any] = answer.json()
    return said
