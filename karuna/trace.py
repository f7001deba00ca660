"""The whole story of a call across the services, in time order, with delays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx

from shared.streams import SERVICES

PAGE = 1000
SHOWN = ("status", "step", "lane", "severity", "channel", "template", "outcome", "reason", "answer", "role", "leg")


@dataclass(frozen=True, slots=True)
class Line:
    """One event. ``after_s`` counts from the call's first event, ``since_s`` from the line before."""

    at: datetime
    after_s: float
    since_s: float
    type: str
    subject_id: UUID
    seq: int
    facts: dict[str, Any]


async def find_call(client: httpx.AsyncClient, text: str) -> UUID:
    """The id behind an id or a case number.

    Raises:
        LookupError: no such call here.

    """
    try:
        return UUID(text)
    except ValueError:
        answer = await client.post("/v1/calls/search", json={"number": text})
        answer.raise_for_status()
        items = answer.json()["items"]
        if not items:
            raise LookupError(f"ไม่พบเรื่องเลขที่ {text} (no call {text})") from None
        return UUID(items[0]["id"])


async def story(urls: dict[str, str], headers: dict[str, str], call_id: UUID) -> list[Line]:
    """Every event that grew from the call, from every service that answers."""
    events: list[dict[str, Any]] = []
    for service in SERVICES:
        async with httpx.AsyncClient(base_url=urls[service], headers=headers, timeout=30) as client:
            events += await _events(client, call_id)
    # Stable: what a service said at one instant, in one transaction, stays in the order in which it said it.
    events.sort(key=lambda event: datetime.fromisoformat(event["time"]))
    lines: list[Line] = []
    for event in events:
        at = datetime.fromisoformat(event["time"])
        first = lines[0].at if lines else at
        before = lines[-1].at if lines else at
        lines.append(
            Line(
                at=at,
                after_s=(at - first).total_seconds(),
                since_s=(at - before).total_seconds(),
                type=event["type"].removeprefix("th.karuna."),
                subject_id=UUID(event["subject"].split("/")[1]),
                seq=event["aggregateseq"],
                facts={name: event["data"][name] for name in SHOWN if event["data"].get(name) is not None},
            )
        )
    return lines


async def _events(client: httpx.AsyncClient, call_id: UUID) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after = 0
    while True:
        answer = await client.get("/v1/events", params={"call_id": str(call_id), "after": after, "limit": PAGE})
        answer.raise_for_status()
        page = answer.json()
        found += page["items"]
        if len(page["items"]) < PAGE:
            return found
        after = page["next"]
