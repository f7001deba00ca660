"""Whose people looked: the agency of an audit row by its name, for auditors, who have no directory of agencies."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import Request

from services.console.backend import BackendAway, BackendRefused
from services.console.people import Person
from services.console.web import backend


async def agencies_named(request: Request, auditor: Person, rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Id → name of agencies that looked, as the agreements name them on which they stood; of others there is none."""
    agreed = {each for row in rows for each in (row["detail"].get("agreement_id") or "").split(",") if each}
    parties = await asyncio.gather(*(_parties(request, auditor, each) for each in sorted(agreed)))
    return {
        each["agency_id"]: (each["name_en"] if auditor.lang == "en" else None) or each["name_th"]
        for found in parties for each in found if each["agency_id"]
    }  # fmt: skip


async def _parties(request: Request, auditor: Person, agreement_id: str) -> list[dict[str, Any]]:
    try:
        found = await backend(request).get(auditor, "registry", f"/v1/agreements/{agreement_id}")
    except (BackendAway, BackendRefused):
        return []
    return list(found["parties"])
