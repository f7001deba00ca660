"""Is the audit whole: every service reads its chains again, and says which rows were changed, removed or put in."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.console.backend import BackendAway, BackendRefused
from services.console.pages.admin import AUDITED, Auditor
from services.console.people import Person, caller_of
from services.console.web import backend, page, runtime
from shared.audit import audit
from shared.chains import witness
from shared.chains.rules import KINDS
from shared.work import now_utc

router = APIRouter(prefix="/admin", include_in_schema=False)

VERIFY_S: Final = 300.0
"""As many rows are read as there are."""


@router.post("/audit/verify")
async def verify(request: Request, person: Auditor) -> Response:
    """Every service's chains, one card each. By POST: it reads everything, and no link may begin it."""
    found = await asyncio.gather(*(_verified(request, person, each) for each in AUDITED))
    return page(request, "admin/verified.html", found=dict(zip(AUDITED, found, strict=True)), at=now_utc())


async def _verified(request: Request, person: Person, service: str) -> dict[str, Any] | None:
    """What ``GET /v1/audit/verify`` of a service answers, ``signed_at`` as an instant; None: it does not answer."""
    if service == "console":
        return await _our_own(request, person)
    try:
        found: dict[str, Any] = await backend(request).get(
            person, service, "/v1/audit/verify", purpose="audit", within_s=VERIFY_S
        )
    except (BackendAway, BackendRefused):
        return None
    return {**found, "signed_at": found["signed_at"] and datetime.fromisoformat(found["signed_at"])}


async def _our_own(request: Request, person: Person) -> dict[str, Any]:
    """The console's own chains, as the other services tell of theirs."""
    ours = runtime(request)
    found = await witness.verify(ours.pool, witness.keys_of(ours.settings), now_utc())
    await audit(
        ours.pool, caller_of(person), "verify", "audit", None, {"rows": found.rows, "faults": len(found.faults)}
    )
    faults = [
        {"th": KINDS[one.kind][0], "en": KINDS[one.kind][1], "row_id": one.row_id, "count": one.count}
        for one in found.faults
    ]
    return {
        "whole": not faults, "rows": found.rows, "lanes": found.lanes, "before": found.before, "faults": faults,
        "signed_at": found.signed_at, "more": found.more,
    }  # fmt: skip
