"""A file of people is undone, part by part: what would be, and the same done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request

from services.registry import store, views
from services.registry.api.gate import areas_of, gate, runtime_of
from services.registry.api.imports_models import UndoBody, UndonePart, UndoneRow, run_shown
from services.registry.api.locations import agreement_of
from services.registry.store.people import Row
from services.registry.verbs import undoing
from services.registry.verbs.undoing import Undone
from shared.audit import audit
from shared.auth import Caller
from shared.errors import refuse
from shared.openapi import problems
from shared.work import Work

router = APIRouter(prefix="/v1/imports", tags=["imports"])

Undoes = Annotated[Caller, Depends(gate("POST /v1/imports/{run_id}/undo"))]
AT_ONCE = 200
"""Rows in one transaction."""
ERASED = "import_undone"


@router.post("/{run_id}/undo", responses=problems(400, 401, 403, 404, 409, 413))
async def undo(request: Request, caller: Undoes, run_id: UUID, body: UndoBody) -> UndonePart:
    """ยกเลิกไฟล์ที่นำเข้า | Undo a file: what nobody has touched goes, what stays says why. Again does nothing more."""
    runtime = runtime_of(request)
    agreement = agreement_of(runtime)
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        run = await store.undoing.lock_run(work.db, run_id, areas_of(caller))
        if run is None:
            raise refuse("not_found")
        rows = await store.undoing.left(work.db, run_id, body.from_row, AT_ONCE)
        more = rows[-1]["row"] + 1 if len(rows) == AT_ONCE else None
        if body.dry_run:
            found = await work.rehearse(lambda: undoing.undo(work, run, rows, agreement))
        else:
            await store.undoing.begin(work.db, run_id, work.now, caller.actor, body.reason)
            found = await undoing.undo(work, run, rows, agreement)
            await store.undoing.done(work.db, run_id, work.now)
        await _audited(work, caller, run, body, found)
        after = await store.imports.read_run(work.db, run_id, None)
    assert after is not None  # noqa: S101 held
    counts = dict(sorted(Counter(one.fate for one in found).items()))
    return UndonePart(run=run_shown(after), items=[_shown(one) for one in found], counts=counts, next=more)


async def _audited(work: Work, caller: Caller, run: Row, body: UndoBody, found: Sequence[Undone]) -> None:
    """The file, and whoever was erased, mended or looked at."""
    detail = {"reason": body.reason, "dry_run": body.dry_run, "rows": len(found), "from_row": body.from_row}
    await audit(work, caller, "undo_import", "import", run["id"], detail, area=run["area"])
    for act, fates in (("erase", {"erased"}), ("undo_import", {"taken_back", "partly", "stays"})):
        whom = {one.person_id: one.area for one in found if one.fate in fates}
        if whom:
            told = {"reason": ERASED, "dry_run": body.dry_run}
            named = "undo_import" if body.dry_run else act
            await audit(work, caller, named, "person", [*whom], told, area=[*whom.values()])


def _shown(one: Undone) -> UndoneRow:
    why = [views.label("undo_why", code) for code in one.why]
    return UndoneRow(row=one.row, person_id=one.person_id, fate=views.label("undo_fate", one.fate), why=why)
