"""Bodies and answers of files of people."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from services.registry.answers import Answer, Label
from services.registry.store.people import Row
from services.registry.values import Area
from shared.http import Body
from shared.sheets import FIRST_ROW

MOST_ROWS = 1000
MOST_COLUMNS = 80
LONGEST_FILE = 2_000_000

Cell = Annotated[str, StringConstraints(max_length=500)]
FormatId = Literal["karuna", "imed", "f43-person"]
"""Codes of the list ``import_format``."""
VerdictCode = Literal["created", "matched", "possible_duplicate", "unchanged", "refused"]
"""Codes of the list ``import_verdict``."""
UndoReason = Literal["wrong_file", "wrong_area", "wrong_columns", "other"]
"""Codes of the list ``undo_reason``."""


class ImportBody(Body):
    """A part of a file of people. ``file``: the file's SHA-256, by which it goes on where it stopped.

    ``first_row``: the number of the first of ``rows`` (the head is row 1); ``file_rows``: how many there are in all.
    ``dry_run``: say what would become of each row, and keep nothing. ``alike``: who may be somebody that is there is
    written down and queued (``queue``), or left out (``leave``). ``agency_id``: whose file it is.
    """

    format: FormatId
    area: Area | None = None
    file: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    file_rows: Annotated[int, Field(ge=1, le=LONGEST_FILE)]
    first_row: Annotated[int, Field(ge=FIRST_ROW, le=LONGEST_FILE + FIRST_ROW)]
    columns: Annotated[list[Cell], Field(min_length=1, max_length=MOST_COLUMNS)]
    rows: Annotated[
        list[Annotated[list[Cell], Field(max_length=MOST_COLUMNS)]], Field(min_length=1, max_length=MOST_ROWS)
    ]
    dry_run: bool = False
    alike: Literal["queue", "leave"] = "queue"
    agency_id: UUID | None = None
    exercise: bool = False


class UndoBody(Body):
    """``from_row``: the first to be looked at, ``next`` of the answer before. ``dry_run``: only say what would be."""

    reason: UndoReason
    from_row: Annotated[int, Field(ge=FIRST_ROW, le=LONGEST_FILE + FIRST_ROW)] = FIRST_ROW
    dry_run: bool = False


class UndoneRow(Answer):
    """What becomes of a row that wrote something; ``why``: what of it stays."""

    row: int
    person_id: UUID
    fate: Label
    why: list[Label]


class ImportedRow(Answer):
    """What became of a row. ``field``: the file's column; ``code, th, en``: what there is to say of it."""

    row: int
    verdict: VerdictCode
    person_id: UUID | None
    field: str | None
    code: str | None
    th: str | None
    en: str | None


class ImportRun(Answer):
    """How far a file came. ``next_row``: which is to be sent next; ``counts``: rows by verdict.

    ``undo_begun_at``, by whom and why: it is being undone; ``undone_at``: it is, and can be sent again.
    """

    id: UUID
    area: str
    format: FormatId
    file: str
    alike: Literal["queue", "leave"]
    exercise: bool
    agency_id: UUID | None
    rows: int
    next_row: int
    done: bool
    counts: dict[str, int]
    begun_at: datetime
    begun_by: str
    last_at: datetime
    undo_begun_at: datetime | None
    undo_by: str | None
    undo_reason: UndoReason | None
    undone_at: datetime | None


SAME = (
    "id", "area", "format", "alike", "exercise", "agency_id", "rows", "next_row", "counts", "begun_at", "begun_by",
    "last_at", "undo_begun_at", "undo_by", "undo_reason", "undone_at",
)  # fmt: skip


def run_shown(row: Row) -> ImportRun:
    """A run as it is answered."""
    done = row["next_row"] == row["rows"] + FIRST_ROW
    return ImportRun(file=row["file"].hex(), done=done, **{name: row[name] for name in SAME})


class Imported(Answer):
    """``run``: None in a dry run of a file that never came. ``counts``: of this part.

    ``before``: so many of the first ``items`` were taken before (when and by whom, ``run`` says) and not written again.
    """

    run: ImportRun | None
    items: list[ImportedRow]
    counts: dict[str, int]
    before: int


class ImportRuns(Answer):
    """The newest first."""

    items: list[ImportRun]
    next: UUID | None


class ImportRows(Answer):
    """One run and what became of its rows; ``next``: the row to go on from."""

    run: ImportRun
    items: list[ImportedRow]
    next: int | None


class UndonePart(Answer):
    """``counts``: of these rows, by fate; ``next``: the row to go on from, None at the end."""

    run: ImportRun
    items: list[UndoneRow]
    counts: dict[str, int]
    next: int | None
