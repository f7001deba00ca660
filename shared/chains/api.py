"""For auditors, in every service: is the audit whole, and all of it as FHIR; ``shared/audit.py`` reads its rows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from shared.audit import audit
from shared.auth import Caller, Role, may
from shared.chains import witness
from shared.chains.fhir import audit_event
from shared.chains.rules import KINDS
from shared.chains.store import READ_EVENTS
from shared.database import look_up
from shared.http import Room
from shared.openapi import Moment, problems
from shared.service import Runtime
from shared.work import now_utc

router = APIRouter(prefix="/v1/audit", tags=["operations"])

Audits = Annotated[Caller, Depends(may(Role.AUDITOR))]
PORTION = 1000
NDJSON = "application/fhir+ndjson"
ROOMS = {path: Room(body_bytes=1024, timeout_s=None) for path in ("/v1/audit/verify", "/v1/audit/export")}
"""Both read as many rows as there are."""


class AuditFault(BaseModel):
    """``kind``: changed, removed, cut, inserted, rewritten, anchor, unsigned; ``row_id``: it, or the one beside."""

    kind: str
    th: str
    en: str
    lane: int | None
    row_id: int | None
    count: int


class AuditFindings(BaseModel):
    """``rows`` read in ``lanes``; ``before``: last row older than the chains; ``signed_at``: the newest good anchor."""

    whole: bool
    rows: int
    lanes: int
    before: int
    anchors: int
    unreadable: int
    signed_at: datetime | None
    faults: list[AuditFault]
    more: bool


@router.get("/verify", responses=problems(401, 403))
async def verify_audit(request: Request, caller: Audits) -> AuditFindings:
    """ตรวจบันทึกการเข้าถึง | Read every chain again: which rows were changed, removed or put in by hand."""
    runtime: Runtime = request.app.state.runtime
    found = await witness.verify(runtime.pool, witness.keys_of(runtime.settings), now_utc())
    await audit(runtime.pool, caller, "verify", "audit", None, {"rows": found.rows, "faults": len(found.faults)})
    return AuditFindings(
        whole=not found.faults,
        rows=found.rows, lanes=found.lanes, before=found.before, anchors=found.anchors, unreadable=found.unreadable,
        signed_at=found.signed_at, more=found.more,
        faults=[
            AuditFault(kind=one.kind, th=KINDS[one.kind][0], en=KINDS[one.kind][1], lane=one.lane, row_id=one.row_id,
                       count=one.count)
            for one in found.faults
        ],
    )  # fmt: skip


@router.get(
    "/export",
    response_class=StreamingResponse,
    responses={**problems(401, 403), 200: {"content": {NDJSON: {}}, "description": "one AuditEvent (FHIR R4) a line"}},
)
async def export_audit(
    request: Request,
    caller: Audits,
    subject_id: UUID | None = None,
    from_: Annotated[Moment | None, Query(alias="from")] = None,
    to: Moment | None = None,
) -> StreamingResponse:
    """ส่งออกบันทึกการเข้าถึง | The audit of the auditor's municipalities as FHIR R4 AuditEvents, oldest first."""
    runtime: Runtime = request.app.state.runtime
    span = {"from": from_ and from_.isoformat(), "to": to and to.isoformat()}
    await audit(runtime.pool, caller, "export", "audit", subject_id, span)
    areas = None if "*" in caller.areas else sorted(caller.areas)
    return StreamingResponse(_lines(runtime, (subject_id, from_, to, areas)), media_type=NDJSON)


async def _lines(runtime: Runtime, wanted: tuple[object, ...]) -> AsyncIterator[bytes]:
    last, service = 0, runtime.service.name
    while rows := await look_up(runtime.pool, READ_EVENTS, last, *wanted, PORTION):
        yield b"".join(orjson.dumps(audit_event(dict(row), service)) + b"\n" for row in rows)
        last = rows[-1]["id"]
