"""What is made of a row for the case that it tells of somebody new: most of what the processor has to do for it.

None of it stands on what others write, so it is made while the part before is still with the database.
"""

from __future__ import annotations

from typing import Final

from services.registry import records
from services.registry.keys import ring
from services.registry.records import Source
from services.registry.rules.duplicates import pairs_sought
from services.registry.rules.sounds import near, variants
from services.registry.verbs.import_rows import Asked, Draft, Marks, Ready
from shared.work import new_id, now_utc

KINDS: Final = sorted(records.ONE_AT_A_TIME)


def draft(asked: Asked, row: Ready) -> Draft:
    """The row's draft, made once."""
    if row.draft is None:
        row.draft = _made(asked, row)
    return row.draft


def _made(asked: Asked, row: Ready) -> Draft:
    made: dict[tuple[str, str], int] = {}
    pair, given, family = (_marks(made, kind, values, exercise=asked.exercise) for kind, values in _keys(row))
    source = Source(now_utc(), exercise=asked.exercise, by_file=True)
    rows = records.new_person(ring(), new_id(), asked.area, row.told, source, made=made)
    known = records.known_of(ring(), row.told, row.numbers, exercise=row.body.exercise)
    return Draft(known, (pair, given, family), rows)


def _keys(row: Ready) -> tuple[tuple[str, set[str]], ...]:
    """``(kind of mark, values)``: of the pair, of the given name's ways, of the family name."""
    key = row.told.key
    given = {each for word in variants(key.given) for each in near(word)} if key.given else set()
    family = near(key.family) if key.family else set()
    return ("pair", pairs_sought(key, row.told.birth)), ("near", given), ("near", family)


def _marks(made: dict[tuple[str, str], int], kind: str, values: set[str], *, exercise: bool) -> Marks:
    """The marks under which these keys stand; ``made`` keeps those of the current key for the row's own writing."""
    marks = records.short_marks(ring(), kind, values, exercise=exercise)
    made.update({(kind, value): mark for value, mark in marks.items()})
    return tuple(marks.values() if ring().alone else records.marks_sought(ring(), kind, values, exercise=exercise))
