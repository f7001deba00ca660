"""The audits of all services, as an auditor of every municipality sees them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx

from karuna.local import Local
from shared.auth import Role


def _client(local: Local, service: str) -> httpx.AsyncClient:
    """Reads as many rows as there are, so nothing but connecting has a limit."""
    token = local.issuer.token(Role.AUDITOR, areas=["*"])
    return httpx.AsyncClient(
        base_url=local.url(service),
        headers={"authorization": f"Bearer {token}", "karuna-purpose": "audit"},
        timeout=httpx.Timeout(None, connect=5),
    )


async def verify(local: Local, service: str) -> dict[str, Any]:
    """What ``GET /v1/audit/verify`` of a service answers.

    Raises:
        httpx.HTTPError: the service does not answer, or refuses.

    """
    async with _client(local, service) as client:
        answer = await client.get("/v1/audit/verify")
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found


async def export(local: Local, service: str, wanted: dict[str, str]) -> AsyncIterator[str]:
    """One FHIR AuditEvent a line. ``wanted``: subject_id, from, to.

    Raises:
        httpx.HTTPError: the service does not answer, or refuses.

    """
    async with _client(local, service) as client, client.stream("GET", "/v1/audit/export", params=wanted) as answer:
        answer.raise_for_status()
        async for line in answer.aiter_lines():
            yield line
