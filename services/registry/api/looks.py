"""Who looked at a person and what for, told to those who care for them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request

from services.registry import store
from services.registry.answers import Answer
from services.registry.api.gate import areas_of, gate, person_for, runtime_of
from shared.audit import audit
from shared.auth import Caller
from shared.openapi import problems

router = APIRouter(prefix="/v1/persons", tags=["people"])

Reads = Annotated[Caller, Depends(gate("GET /v1/persons/{person_id}/looks"))]
MOST = 50


class LookerAgency(Answer):
    id: UUID
    name_th: str
    name_en: str | None


class LookShown(Answer):
    """``caller`` in ``role`` did ``act`` for ``purpose``; ``agency``: whose they are, where not the municipality's."""

    at: datetime
    caller: str
    role: str
    agency: LookerAgency | None
    act: str
    purpose: str | None


class Looks(Answer):
    items: list[LookShown]


@router.get("/{person_id}/looks", responses=problems(401, 403, 404))
async def read_looks(request: Request, caller: Reads, person_id: UUID) -> Looks:
    """ใครเคยดู และเพื่ออะไร | Who looked at this person, or changed something of theirs, and what for: the last 50."""
    runtime = runtime_of(request)
    person = await person_for(runtime, caller, person_id)
    ids = [row["id"] for row in await store.links.records(runtime.pool, person.id)]
    rows = await store.looks.looks_at(runtime.pool, ids, areas_of(caller), MOST)
    await audit(runtime.pool, caller, "read_looks", "person", person.id, {"rows": len(rows)}, area=person.area)
    theirs = {UUID(row["detail"]["agency_id"]) for row in rows if row["detail"].get("agency_id")}
    named = {
        each["id"]: LookerAgency(id=each["id"], name_th=each["name_th"], name_en=each["name_en"])
        for each in await store.agencies.read_agencies(runtime.pool, sorted(theirs))
    }
    return Looks(items=[
        LookShown(**{name: row[name] for name in ("at", "caller", "role", "act", "purpose")},
                  agency=named.get(UUID(row["detail"]["agency_id"])) if row["detail"].get("agency_id") else None)
        for row in rows
    ])  # fmt: skip
