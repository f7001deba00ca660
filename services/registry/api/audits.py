"""For auditors: is the audit whole, and all of it as FHIR. What stands in it is ``shared/audit.py``'s to read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse

from services.registry import witness
from services.registry.answers import AuditFault, AuditFindings
from services.registry.api.gate import areas_of, gate, runtime_of
from services.registry.fhir import audit_event
from services.registry.keys import ring
from services.registry.rules.chain import KINDS
from services.registry.store.chain import READ_EVENTS
from shared.audit import audit
from shared.auth import Caller
from shared.database import look_up
from shared.openapi import Moment, problems
from shared.service import Runtime
from shared.work import now_utc

router = APIRouter(prefix="/v1/audit", tags=["operations"])

Verifies = Annotated[Caller, Depends(gate("GET /v1/audit/verify"))]
Exports = Annotated[Caller, Depends(gate("GET /v1/audit/export"))]
PORTION = 1000
NDJSON = "application/fhir+ndjson"


@router.get("/verify", responses=problems(401, 403))
async def verify_audit(request: Request, caller: Verifies) -> AuditFindings:
    """ตรวจบันทึกการเข้าถึง | Read every chain again: which rows were changed, removed or put in by hand."""
    runtime = runtime_of(request)
    found = await witness.verify(runtime.pool, ring(), now_utc())
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
    caller: Exports,
    subject_id: UUID | None = None,
    from_: Annotated[Moment | None, Query(alias="from")] = None,
    to: Moment | None = None,
) -> StreamingResponse:
    """ส่งออกบันทึกการเข้าถึง | The audit of the auditor's municipalities as FHIR R4 AuditEvents, oldest first."""
    runtime = runtime_of(request)
    await audit(runtime.pool, caller, "export", "audit", subject_id)
    return StreamingResponse(_lines(runtime, (subject_id, from_, to, areas_of(caller))), media_type=NDJSON)


async def _lines(runtime: Runtime, wanted: tuple[object, ...]) -> AsyncIterator[bytes]:
    last = 0
    while rows := await look_up(runtime.pool, READ_EVENTS, last, *wanted, PORTION):
        yield b"".join(orjson.dumps(audit_event(dict(row))) + b"\n" for row in rows)
        last = rows[-1]["id"]
