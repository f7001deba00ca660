"""The ledger of erasures, to be kept beside the backups and applied again after a restore."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import asyncpg
import httpx

from karuna.local import Local
from shared.auth import Role

OWNERS = {"call": ("intake", "calls"), "person": ("registry", "persons"), "crew": ("dispatch", "crew")}
"""What is erased → the service that owns it, and the route's noun."""
WHOLE_LEDGER = {"person": {"record_only": True}}
"""Each record of a person has its own line; what was linked since the backup, or not yet, is not guessed from."""
PAST_KEEPING = {("call", "system"): {"past_keeping": True}}
"""A call whose time was over leaves the people who are known from it alone, then as now."""
LEDGER = "select noun, subject_id, erased_at, by from erasure order by erased_at"


async def ledger(local: Local) -> list[dict[str, str]]:
    """Every erasure by its owner: ``{"noun", "id", "erased_at", "by"}``, oldest first. Ids only.

    ``by``: ``person`` where somebody asked for it, ``system`` where the time of keeping was over.
    """
    found: list[dict[str, str]] = []
    for noun, (service, _) in OWNERS.items():
        connection = await asyncpg.connect(local.postgres.dsn(service))
        try:
            rows = await connection.fetch(LEDGER)
        finally:
            await connection.close()
        found += [
            {"noun": noun, "id": str(row["subject_id"]), "erased_at": row["erased_at"].isoformat(), "by": row["by"]}
            for row in rows
            if row["noun"] == noun
        ]
    return sorted(found, key=lambda line: line["erased_at"])


async def apply(local: Local, lines: Iterable[str]) -> dict[str, int]:
    """Erase again what the ledger names, through the owners' public doors; counts by what came of it.

    ``unknown``: born after the backup. ``refused``: not now, e.g. a crew member whose unit is on a run again; apply the
    ledger once more when that is over.

    Raises:
        RuntimeError: an owner could not; the text is its answer.

    """
    counts = {"erased": 0, "unknown": 0, "refused": 0}
    headers = {"authorization": f"Bearer {local.issuer.token(Role.ADMIN, areas=['*'])}", "karuna-purpose": "erasure"}
    async with httpx.AsyncClient(headers=headers, timeout=30) as client:
        for line in filter(str.strip, lines):
            entry: dict[str, Any] = json.loads(line)
            service, noun = OWNERS[entry["noun"]]
            said = PAST_KEEPING.get((entry["noun"], entry.get("by", "")), WHOLE_LEDGER.get(entry["noun"], {}))
            answer = await client.post(f"{local.url(service)}/v1/{noun}/{entry['id']}/erase", json=said)
            if answer.status_code == httpx.codes.NOT_FOUND:
                counts["unknown"] += 1
            elif answer.status_code == httpx.codes.CONFLICT:
                counts["refused"] += 1
            elif answer.is_success:
                counts["erased"] += 1
            else:
                raise RuntimeError(f"{entry['noun']} {entry['id']}: {answer.status_code} {answer.text[:300]}")
    return counts
