"""One row of a file of people: read, with the marks by which it is looked for, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal
from uuid import UUID

from pydantic import ValidationError

from services.registry import records, store
from services.registry.bodies import PersonBody
from services.registry.keys import ring
from services.registry.records import Person
from services.registry.rules.duplicates import Known
from services.registry.rules.identity import Described, Held
from services.registry.rules.import_words import EMPTY
from services.registry.rules.importing import SOFT, Format, Row, column_of, read_row
from services.registry.store import people as written_people
from services.registry.store.matches import Noted
from services.registry.store.people import Row as Found
from services.registry.store.people import Writing
from services.registry.verbs.locations import Agreement
from shared.errors import field_problems
from shared.refusal import Refusal
from shared.work import Work

Marks = tuple[int, ...]
Alike = Literal["queue", "leave"]
Became = Literal["created", "matched", "possible_duplicate", "unchanged", "refused"]

EXISTS = (
    "person_exists", "เลขนี้เป็นของผู้อื่นในทะเบียน ให้ตรวจกับบัตรแล้วขึ้นทะเบียนเป็นรายคน",
    "this number is somebody else's in the register: compare with the card, and register by hand",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose file it is and how it is taken. ``areas``: the caller's, None is all."""

    area: str
    by: str
    areas: Sequence[str] | None
    alike: Alike
    exercise: bool
    agreement: Agreement


@dataclass(frozen=True, slots=True)
class Took:
    """What became of one row; ``field`` is the file's column."""

    row: int
    verdict: Became
    person_id: UUID | None = None
    area: str | None = None
    field: str | None = None
    code: str | None = None
    th: str | None = None
    en: str | None = None
    told_of: tuple[tuple[UUID, str], ...] = ()
    """Id and municipality of whose number a refusal told of, or whom the row resembles: for the audit, neither shown

    nor stored.
    """
    noted: Noted | None = None
    """By which rule the row was taken for somebody, where something was written by it."""
    told: Described | None = None
    """What the row has told of them: sealed, until somebody has checked who it is."""

    def written(self) -> store.imports.RowWritten:
        return (self.row, self.verdict, self.person_id, self.field, self.code, self.th, self.en)


@dataclass(frozen=True, slots=True)
class Draft:
    """What is made of a row for the case that it tells of somebody new: see :mod:`verbs.import_drafts`."""

    known: Known
    """How it is compared."""
    sought: tuple[Marks, Marks, Marks]
    """Where it is looked for: marks of pairs, of the given name's ways, of the family name."""
    rows: Writing


@dataclass(slots=True)
class Ready:
    """A row that can be read, with the marks by which it is looked for."""

    row: int
    told: Described
    body: PersonBody
    cells: Row
    numbers: dict[bytes, Held]
    names: list[bytes]
    locks: frozenset[int]
    kinds: frozenset[str]
    pairs: list[tuple[UUID | Ready, float, str]] = field(default_factory=list)
    person: Person | None = None
    draft: Draft | None = None

    @property
    def phones(self) -> list[bytes]:
        return records.phone_marks(ring(), (one.e164 for one in self.told.phones), exercise=self.body.exercise)


Candidates = dict[UUID, Found]
"""Who may be meant, by id."""


def read(
    format_: Format, columns: Sequence[str], fields: Sequence[str | None],
    lines: Iterable[tuple[int, Sequence[str]]], *, exercise: bool,
) -> Iterator[Ready | Took]:  # fmt: skip
    """Each row as it can be looked for, or why not."""
    for number, cells in lines:
        try:
            row = read_row(format_, columns, fields, cells)
            yield _without_soft(number, row, exercise=exercise)
        except Refusal as refusal:
            yield refused(number, refusal.field or None, (refusal.code, refusal.th, refusal.en))
        except ValidationError as problem:
            found = field_problems(problem.errors(include_url=False, include_input=False))
            wrong = next((one for one in found if one.field not in SOFT), found[0])
            yield refused(number, column_of(row, wrong.field), (wrong.code, wrong.th, wrong.en))


def _without_soft(number: int, row: Row, *, exercise: bool) -> Ready:
    """The row as it can be looked for; soft fields that no body may hold are passed over."""
    try:
        return _ready(number, row, exercise=exercise)
    except ValidationError as problem:
        wrong = {one.field: one for one in field_problems(problem.errors(include_url=False, include_input=False))}
        if not wrong.keys() <= SOFT:
            raise
    for name, one in wrong.items():
        del row.body[name]
        row.pass_over(column_of(row, name), Refusal(one.code, name, one.th, one.en))
    return _ready(number, row, exercise=exercise)


Why = tuple[str, str, str]
"""Code, Thai, English."""


def refused(row: int, column: str | None, why: Why) -> Took:
    return Took(row, "refused", None, None, column, *why)


def _ready(number: int, row: Row, *, exercise: bool) -> Ready:
    body = PersonBody.model_validate({**row.body, "exercise": exercise})
    told = body.described()
    listed = [one.held() for one in body.identifiers]
    told = replace(told, held=tuple({one.key: one for one in (*told.held, *listed) if one.identifier.value}.values()))
    if not (told.tells_something or told.addresses or told.usual_place):
        raise Refusal(*EMPTY)
    numbers = {mark: one for one in told.held for mark in records.number_marks(ring(), [one], exercise=exercise)}
    return Ready(
        number, told, body, row, numbers, records.name_marks(ring(), told.full_name, exercise=exercise),
        frozenset(records.locks(ring(), told, exercise=exercise)),
        frozenset(one.identifier.kind for one in told.held if one.identifier.kind in records.ONE_AT_A_TIME),
    )  # fmt: skip


def exists(row: Ready, candidates: Candidates) -> Took:
    """The form's refusal of a number that is somebody's."""
    column = column_of(row.cells, "national_id" if "national_id" in row.cells.columns else "identifiers")
    holders = [(one["id"], one["area"]) for one in candidates.values() if row.numbers.keys() & set(one["own_numbers"])]
    return replace(refused(row.row, column, EXISTS), told_of=tuple(holders))


async def may_see(work: Work, asked: Asked, person_id: UUID, area: str) -> bool:
    if asked.areas is None or area in asked.areas:
        return True
    return await written_people.read_person(work.db, person_id, asked.areas) is not None
