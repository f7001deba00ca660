"""Who looked at or changed something personal: one append-only row each, and the route by which auditors read them.

Role and purpose come from the caller's token and header. ``detail`` holds field names, counts and codes, never the
personal values themselves; what the caller stands on (``Caller.standing``) is put beside it. A row
belongs to the municipalities of whoever acted and to that of the record.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel

from shared.auth import Caller, Role, may
from shared.database import Connection, Pool, Search, look_up
from shared.openapi import Moment, problems
from shared.service import Runtime
from shared.work import Work, now_utc

WRITE_AUDIT = """
insert into audit (at, caller, role, purpose, act, noun, subject_id, detail, areas)
select $1, $2, $3, $4, $5, $6, subject_id, $9, array_remove($10::text[] || area, null)
from unnest($7::uuid[], $8::text[]) as s (subject_id, area)
"""

READ_AUDIT = Search("""
select id, at, caller, role, purpose, act, noun, subject_id, detail from audit
where ($1::uuid is null or subject_id = $1 or (detail ? 'ids' and detail -> 'ids' ? $1::text))
  and ($2::text is null or caller = $2) and ($3::timestamptz is null or at >= $3)
  and ($4::timestamptz is null or at < $4) and id > $5 and ($7::text[] is null or areas && $7)
order by id limit $6
""")

MOST_IDS = 200
"""So many ids stand in a list's row; of more than that how many they were, and a digest."""

router = APIRouter()


async def audit(
    where: Work | Pool | Connection,
    caller: Caller,
    act: str,
    noun: str,
    subject_id: UUID | Sequence[UUID] | None,
    detail: dict[str, Any] | None = None,
    *,
    area: str | Sequence[str] | None = None,
) -> None:
    """Write down that ``caller`` did ``act`` (``read``, ``search``, ``erase`` …) to one or several subjects.

    Given a ``Work``, or a connection, the row is part of its transaction; given the pool it stands at once (a read has
    no transaction).
    ``area``: the subject's municipality; of several subjects one for all, or one each.
    """
    ids = [subject_id] if subject_id is None or isinstance(subject_id, UUID) else list(subject_id)
    areas = [area] * len(ids) if area is None or isinstance(area, str) else list(area)
    await _write(where, caller, act, noun, ids, areas, detail or {}, caller.areas)


async def audit_list(
    where: Pool,
    caller: Caller,
    act: str,
    noun: str,
    shown: Sequence[UUID],
    detail: dict[str, Any],
    *,
    areas: Iterable[str] = (),
) -> None:
    """One row for a list: by what it was asked for (``detail``), the ids ``shown``, and the municipalities they are of.

    Whoever asks the audit about one of the ids finds the row.
    """
    told = {name: str(value) for name, value in detail.items() if value is not None}
    await _write(where, caller, act, noun, [None], [None], {**told, **ids_told(shown)}, {*caller.areas, *areas})


def ids_told(shown: Sequence[UUID]) -> dict[str, Any]:
    """The ids, sorted; of very many their number and the SHA-256 of them, one a line."""
    ids = sorted(map(str, shown))
    if len(ids) <= MOST_IDS:
        return {"ids": ids}
    return {"count": len(ids), "digest": sha256("\n".join(ids).encode()).hexdigest()}


async def _write(
    where: Work | Pool | Connection,
    caller: Caller,
    act: str,
    noun: str,
    ids: Sequence[UUID | None],
    areas: Sequence[str | None],
    detail: dict[str, Any],
    every: Iterable[str],
) -> None:
    """``areas``: of each id; ``every``: of all rows."""
    db: Connection | Pool = where.db if isinstance(where, Work) else where
    at = where.now if isinstance(where, Work) else now_utc()
    who, said = (caller.actor, caller.role.value, caller.purpose), {**dict(caller.standing), **detail}
    await db.execute(WRITE_AUDIT, at, *who, act, noun, ids, areas, said, sorted({*every} - {"*"}))


class AuditRow(BaseModel):
    """One act. ``caller`` is the token's subject, ``purpose`` what the caller gave as purpose."""

    id: int
    at: datetime
    caller: str
    role: str
    purpose: str | None
    act: str
    noun: str
    subject_id: UUID | None
    detail: dict[str, Any]


class AuditPage(BaseModel):
    items: list[AuditRow]
    next: int | None


@router.get("/v1/audit", tags=["operations"], response_model=AuditPage, responses=problems(401, 403))
async def read_audit(
    request: Request,
    caller: Annotated[Caller, Depends(may(Role.AUDITOR))],
    subject_id: UUID | None = None,
    actor: Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]+$")] = None,
    from_: Annotated[Moment | None, Query(alias="from")] = None,
    to: Moment | None = None,
    after: Annotated[int, Query(ge=0, le=2**62)] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> AuditPage:
    """Who looked at what in the auditor's municipalities, and why. Reading it is itself written down."""
    runtime: Runtime = request.app.state.runtime
    areas = None if "*" in caller.areas else sorted(caller.areas)
    rows = await look_up(runtime.pool, READ_AUDIT, subject_id, actor, from_, to, after, limit, areas)
    await audit(runtime.pool, caller, "read_audit", "audit", subject_id, {"rows": len(rows)})
    items = [AuditRow(**row) for row in rows]
    return AuditPage(items=items, next=items[-1].id if len(items) == limit else None)
