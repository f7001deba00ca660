"""Files of people, part by part: a verdict for each row, all of a part or nothing, and never a row twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request

from services.registry import store, told
from services.registry.api.gate import area_for, areas_of, gate, runtime_of
from services.registry.api.imports_models import (
    LONGEST_FILE,
    ImportBody,
    Imported,
    ImportedRow,
    ImportRows,
    ImportRuns,
    VerdictCode,
    run_shown,
)
from services.registry.api.locations import agreement_of
from services.registry.rules.identity import packed
from services.registry.rules.importing import fields_of, formats
from services.registry.store.people import Row
from services.registry.verbs import importing
from services.registry.verbs.import_drafts import draft
from services.registry.verbs.import_new import LEFT_OUT
from services.registry.verbs.import_rows import Asked, Ready, Took, read
from services.registry.verbs.matching import TOLD
from shared.audit import audit
from shared.auth import Caller
from shared.database import Pool
from shared.errors import Refused, refuse
from shared.openapi import problems
from shared.refusal import Refusal
from shared.sheets import FIRST_ROW
from shared.work import Work, new_id

router = APIRouter(prefix="/v1/imports", tags=["imports"])

Imports = Annotated[Caller, Depends(gate("POST /v1/imports"))]
ReadsRuns = Annotated[Caller, Depends(gate("GET /v1/imports"))]
ReadsRun = Annotated[Caller, Depends(gate("GET /v1/imports/{run_id}"))]

GAP = (
    409,
    "rows_missing",
    "ยังไม่ได้รับแถวก่อนหน้านี้ ให้ส่งต่อจาก next_row",
    "rows before these are missing: go on from next_row",
)
BEYOND = (422, "beyond_the_end", "แถวเกินจำนวนแถวของไฟล์", "more rows than the file has")
OTHER_SIZE = (409, "other_size", "ไฟล์นี้เคยส่งด้วยจำนวนแถวอื่น", "this file was sent with another number of rows")
ERASED_SINCE = (
    "erased_since", "ลบออกจากทะเบียนไปแล้วหลังนำเข้า ไฟล์นี้ไม่นำกลับมา",
    "erased from the register since: this file brings nobody back",
)  # fmt: skip
WRITTEN, MET = {"created", "possible_duplicate"}, {"matched", "unchanged"}
UNDONE = ("undone", "นำออกแล้ว เพราะไฟล์นี้ถูกยกเลิก", "taken out again: this file was undone")
UNDER_WAY = (
    409,
    "undo_under_way",
    "ไฟล์นี้กำลังถูกยกเลิก ให้ยกเลิกจนครบทุกแถวก่อน แล้วจึงส่งใหม่",
    "this file is being undone: finish that first, then send it again",
)
AT_ONCE = 20
"""Rows read or drafted between two looks at what else is to be done."""


@router.post("", responses=problems(400, 401, 403, 404, 409, 413))
async def import_people(request: Request, caller: Imports, body: ImportBody) -> Imported:
    """นำเข้าบุคคลจากไฟล์ | A part of a file, a verdict for each row. The same part again does nothing."""
    runtime = runtime_of(request)
    area = area_for(caller, body.area)
    if body.first_row + len(body.rows) > body.file_rows + FIRST_ROW:
        raise Refused(*BEYOND, field="rows")
    if body.agency_id is not None and await store.agencies.read_agency(runtime.pool, body.agency_id) is None:
        raise refuse("not_found", field="agency_id")
    asked = Asked(area, caller.actor, areas_of(caller), body.alike, body.exercise, agreement_of(runtime))
    rows = await _read(body)
    await _draft(runtime.pool, asked, [one for one in rows if isinstance(one, Ready)])
    async with runtime.work(runtime.asked_by(caller, request)) as work:
        part = await (_rehearsed if body.dry_run else _part)(work, asked, body, rows)
        took = [*part.before, *part.took]
        if body.dry_run or part.took:
            await _audited(work, caller, body, took, part.run, area)
    counts = dict(sorted(Counter(one.verdict for one in took).items()))
    items = [_shown(one) for one in took]
    return Imported(run=part.run and run_shown(part.run), items=items, counts=counts, before=len(part.before))


async def _read(body: ImportBody) -> list[Ready | Took]:
    """The rows as they are looked for. It takes the processor, so others get their turn in between.

    Raises:
        Refused: 422 the head is none of this format.

    """
    format_ = formats()[body.format]
    try:
        fields = fields_of(format_, body.columns)
    except Refusal as refusal:
        raise Refused(422, refusal.code, refusal.th, refusal.en, field=refusal.field) from None
    found: list[Ready | Took] = []
    lines = enumerate(body.rows, body.first_row)
    for one in read(format_, body.columns, fields, lines, exercise=body.exercise):
        found.append(one)
        if len(found) % AT_ONCE == 0:
            await asyncio.sleep(0)
    return found


async def _draft(pool: Pool, asked: Asked, rows: Sequence[Ready]) -> None:
    """Make beforehand what is written of whoever is likely new. Who they are is decided later, under the locks."""
    if not rows:
        return
    met = await store.imports.known_marks(pool, *importing.marks_of(rows))
    for count, row in enumerate((one for one in rows if one.row not in met), 1):
        draft(asked, row)
        if count % AT_ONCE == 0:
            await asyncio.sleep(0)


@dataclass(frozen=True, slots=True)
class Part:
    """A part as it was taken. ``run``: None where the file never came; ``before``: its rows that were taken before."""

    run: Row | None
    before: list[Took]
    took: list[Took]


async def _rehearsed(work: Work, asked: Asked, body: ImportBody, rows: Sequence[Ready | Took]) -> Part:
    """What would become of the part: of rows that were taken before nothing more.

    Raises:
        Refused: 409 the file had another size.

    """
    run = await store.imports.find_run(work.db, _key(asked, body))
    if run is None:
        fresh = await _without_erased(work, asked, body, rows)
        return Part(None, [], await work.rehearse(lambda: importing.take(work, asked, fresh)))
    before, fresh = await _met(work, body, run, rows)
    fresh = await _without_erased(work, asked, body, fresh)
    return Part(run, before, await work.rehearse(lambda: importing.take(work, asked, fresh)) if fresh else [])


def _key(asked: Asked, body: ImportBody) -> store.imports.FileKey:
    return asked.area, body.format, bytes.fromhex(body.file), body.alike, body.exercise


async def _met(
    work: Work, body: ImportBody, run: Row, rows: Sequence[Ready | Took]
) -> tuple[list[Took], list[Ready | Took]]:
    """What became of the rows that were taken before, and those that were not.

    Raises:
        Refused: 409 the file had another size, or is being undone.

    """
    if run["undo_begun_at"] is not None:
        raise Refused(*UNDER_WAY, field="file")
    if run["rows"] != body.file_rows:
        raise Refused(*OTHER_SIZE, field="file_rows")
    last = body.first_row + len(body.rows) - 1
    before = await store.imports.read_rows(work.db, run["id"], body.first_row, None, len(body.rows))
    fresh = [one for one in rows if one.row >= run["next_row"]]
    return [_taken(row) for row in before if row["row"] <= last], fresh


async def _part(work: Work, asked: Asked, body: ImportBody, rows: Sequence[Ready | Took]) -> Part:
    """Take the rows that are next; of those taken before, say what became of them.

    Raises:
        Refused: 409 rows before these are missing, or the file had another size.

    """
    key = _key(asked, body)
    await store.imports.begin_run(work.db, (new_id(), *key, body.agency_id, body.file_rows, work.now, asked.by))
    run = await store.imports.lock_run(work.db, key)
    before, fresh = await _met(work, body, run, rows)
    if body.first_row > run["next_row"]:
        raise Refused(*GAP, field="first_row", next_row=run["next_row"])
    if not fresh:
        return Part(run, before, [])
    new = await importing.take(work, asked, await _without_erased(work, asked, body, fresh))
    await store.imports.write_rows(work.db, run["id"], [one.written() for one in new], work.now)
    await _noted(work, run["id"], new)
    counts = Counter(run["counts"]) + Counter(one.verdict for one in new)
    await store.imports.step_run(work.db, run["id"], body.first_row + len(body.rows), dict(counts), work.now)
    return Part(await store.imports.read_run(work.db, run["id"], None), before, new)


async def _without_erased(
    work: Work, asked: Asked, body: ImportBody, rows: Sequence[Ready | Took]
) -> list[Ready | Took]:
    """The same, where whoever was erased since stays so: this very file brought them before, perhaps sent otherwise."""
    last = body.first_row + len(body.rows) - 1
    gone = await store.undoing.erased_before(work.db, _key(asked, body), (body.first_row, last), LEFT_OUT[0])
    return [Took(one.row, "refused", None, None, None, *ERASED_SINCE) if one.row in gone else one for one in rows]


async def _noted(work: Work, run_id: UUID, took: Sequence[Took]) -> None:
    """By which rule a row was taken for somebody, with what it told, until an officer has checked it."""
    found = [(replace(one.noted, row=(run_id, one.row)), one.told) for one in took if one.noted and one.told]
    await store.matches.write_all(work.db, [noted for noted, _ in found])
    texts = [told.rows(noted.id, noted.person_id, {TOLD: packed(said)}) for noted, said in found if noted.to_check]
    await store.told.put(work.db, [row for rows in texts for row in rows])


async def _audited(
    work: Work, caller: Caller, body: ImportBody, took: Sequence[Took], run: Row | None, area: str
) -> None:
    """Whom a file wrote down, showed to be there (by a row that resembles them, too), or refused because of their

    number: each has a row of their own.
    """
    detail = {"rows": len(took), "format": body.format, "dry_run": body.dry_run, "file": body.file[:16]}
    await audit(work, caller, "import_people", "import", None if run is None else run["id"], detail, area=area)
    made = {one.person_id: one.area for one in took if one.person_id and one.area and one.verdict in WRITTEN}
    met = {one.person_id: one.area or area for one in took if one.person_id and one.verdict in MET}
    told = {
        "register": made,
        "import_people": met | dict(pair for one in took if one.verdict in WRITTEN for pair in one.told_of),
        "register_refused": dict(pair for one in took if one.verdict not in WRITTEN for pair in one.told_of),
    }
    for act, whom in told.items():
        # Whom a rehearsal made are nobody.
        people = {one: where for one, where in whom.items() if not (body.dry_run and one in made)}
        if people:
            await audit(work, caller, act, "person", [*people], {"dry_run": body.dry_run}, area=[*people.values()])


def _taken(row: Row) -> Took:
    """What became of a row; where its person was erased since, that, or that the file was undone."""
    if row["undone"] in {"erased", "taken_back"}:
        return Took(row["row"], row["verdict"], row["person_id"], None, None, *UNDONE)
    if row["person_id"] is None and row["verdict"] != "refused" and row["code"] != LEFT_OUT[0]:
        return Took(row["row"], row["verdict"], None, None, None, *ERASED_SINCE)
    return Took(row["row"], row["verdict"], row["person_id"], None, row["field"], row["code"], row["th"], row["en"])


SHOWN = ("row", "verdict", "person_id", "field", "code", "th", "en")


def _shown(one: Took) -> ImportedRow:
    return ImportedRow(**{name: getattr(one, name) for name in SHOWN})


@router.get("", responses=problems(401, 403))
async def read_runs(
    request: Request, caller: ReadsRuns, cursor: UUID | None = None, limit: Annotated[int, Query(ge=1, le=200)] = 50
) -> ImportRuns:
    """ไฟล์ที่นำเข้า | Which files came, how far, and what became of their rows in all."""
    rows = await store.imports.read_runs(runtime_of(request).pool, areas_of(caller), cursor, limit)
    return ImportRuns(items=[run_shown(row) for row in rows], next=rows[-1]["id"] if len(rows) == limit else None)


@dataclass(frozen=True, slots=True)
class Page:
    """Which rows of a run are asked for."""

    verdict: VerdictCode | None = None
    from_row: Annotated[int, Query(ge=0, le=LONGEST_FILE + FIRST_ROW)] = 0
    limit: Annotated[int, Query(ge=1, le=1000)] = 500


@router.get("/{run_id}", responses=problems(401, 403, 404))
async def read_run(request: Request, caller: ReadsRun, run_id: UUID, page: Annotated[Page, Depends()]) -> ImportRows:
    """ผลรายแถว | One file's run and what became of its rows, in the order of the file."""
    pool = runtime_of(request).pool
    run = await store.imports.read_run(pool, run_id, areas_of(caller))
    if run is None:
        raise refuse("not_found")
    rows = await store.imports.read_rows(pool, run_id, page.from_row, page.verdict, page.limit)
    items = [_shown(_taken(row)) for row in rows]
    return ImportRows(run=run_shown(run), items=items, next=rows[-1]["row"] + 1 if len(rows) == page.limit else None)
