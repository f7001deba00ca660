"""A file of people undone from the command line: every row, part by part."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import httpx

from karuna.words import refusal
from shared.sheets import FIRST_ROW

MOST_SHOWN = 20


@dataclass(slots=True)
class Undone:
    """How many rows had which fate; ``stay`` the first of which something stays."""

    counts: Counter[str] = field(default_factory=Counter)
    stay: list[dict[str, Any]] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)


async def undo(
    client: httpx.AsyncClient, run_id: str, reason: str, *, dry_run: bool, told: Callable[[int], None] = lambda _: None
) -> Undone:
    """Undo the file, or (``dry_run``) say what would be. Cut off, the same again goes on.

    Raises:
        LookupError: the registry refused or is away, in both languages; what was undone before stays so.

    """
    undone, row = Undone(), FIRST_ROW
    while True:
        body = {"reason": reason, "from_row": row, "dry_run": dry_run}
        try:
            answer = await client.post(f"/v1/imports/{run_id}/undo", json=body)
        except httpx.TransportError:
            raise LookupError("ทะเบียนไม่ตอบ สั่งอีกครั้งเพื่อทำต่อ (the registry is away: the same again goes on)") from None
        if answer.status_code != HTTPStatus.OK:
            raise LookupError(refusal(answer))
        said = answer.json()
        undone.counts.update(said["counts"])
        for one in said["items"]:
            undone.labels[one["fate"]["code"]] = f"{one['fate']['th']} ({one['fate']['en']})"
        undone.stay += [one for one in said["items"] if one["why"]][: MOST_SHOWN - len(undone.stay)]
        if said["next"] is None:
            return undone
        row = said["next"]
        told(row)
