"""A file of villages, quarters and communities, sent to the registry, with a verdict for each row."""

from __future__ import annotations

import csv
import json
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx

from karuna.words import refusal

COLUMNS = ("code", "kind", "th", "en", "parents")
NEEDED = frozenset({"code", "kind", "th"})
PART = 500


def read_rows(file: Path) -> list[dict[str, Any]]:
    """The rows of a CSV (parents with a space between), or the features of a GeoJSON, with their shapes as boundaries.

    Raises:
        LookupError: neither, or a column or property is missing.

    """
    if file.suffix == ".csv":
        with file.open(encoding="utf-8-sig", newline="") as lines:
            return [_row(row, number) for number, row in enumerate(csv.DictReader(lines), 2)]
    if file.suffix in {".geojson", ".json"}:
        features = json.loads(file.read_text("utf-8"))["features"]
        return [
            {**_row(one["properties"], number), "boundary": one["geometry"]} for number, one in enumerate(features, 1)
        ]
    raise LookupError("ไฟล์ต้องเป็น .csv หรือ .geojson (a .csv or .geojson file)")


def _row(told: dict[str, Any], number: int) -> dict[str, Any]:
    kept = {name: told[name] for name in COLUMNS if told.get(name)}
    if missing := NEEDED - kept.keys():
        raise LookupError(f"แถว {number} ขาด (row {number} lacks): {', '.join(sorted(missing))}")
    if isinstance(kept.get("parents"), str):
        kept["parents"] = kept["parents"].split()
    return kept


async def send(
    client: httpx.AsyncClient, rows: list[dict[str, Any]], area: str, *, dry_run: bool
) -> list[dict[str, Any]]:
    """Every row's verdict. Rows name others of the same part or of what was sent before.

    Raises:
        LookupError: the registry refused a part, in its words.

    """
    verdicts: list[dict[str, Any]] = []
    for at in range(0, len(rows), PART):
        body = {"area": area, "rows": rows[at : at + PART], "dry_run": dry_run}
        answer = await client.post("/v1/areas/import", json=body)
        if answer.status_code != HTTPStatus.OK:
            raise LookupError(refusal(answer))
        verdicts += [{**one, "row": one["row"] + at} for one in answer.json()["items"]]
    return verdicts
