"""Numbers and telephones that were entered in error of somebody: recognised when they are told again, and kept nowhere.

A mark is made of the person's record and the value together, so nobody else's number is found by it. A change of keys
cannot make it anew: once the key of its day is destroyed, the mistake is recognised no more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from uuid import UUID

from services.registry import records, store
from services.registry.keys import ring
from services.registry.rules.identity import Described, Held
from services.registry.rules.matching import Candidate
from services.registry.store.people import Row
from shared.work import Work

Errors = Sequence[tuple[UUID, bytes]]
"""Record and mark of everything that was entered in error of one person."""


async def note(work: Work, person_id: UUID, told: Held | str) -> None:
    """It was never theirs: no file and no call brings it back. ``told``: a number, or a telephone."""
    rows = await store.links.records(work.db, person_id)
    await store.numbers.note_error(work.db, [(row["id"], _marks(row["id"], told)[0]) for row in rows])


async def take_back(work: Work, person_id: UUID, told: Held | str) -> None:
    """An officer says that it is theirs."""
    rows = await store.links.records(work.db, person_id)
    marks = [mark for row in rows for mark in _marks(row["id"], told)]
    await store.numbers.take_back_error(work.db, person_id, marks)


async def without(work: Work, person_id: UUID, told: Described) -> Described:
    """What is told of somebody, without what was entered in error of them; held until the work ends."""
    if not (told.held or told.phones):
        return told
    return left(told, await store.numbers.errors(work.db, person_id))


def left(told: Described, errors: Errors) -> Described:
    """What is told, without these."""
    if not errors:
        return told
    held = tuple(one for one in told.held if not _is_one(errors, one))
    phones = tuple(one for one in told.phones if not _is_one(errors, one.e164))
    return replace(told, held=held, phones=phones)


def weighed(candidate: Candidate, told: Described, errors: Errors) -> Candidate:
    """A number that was entered in error of them does not speak against being the same person."""
    kinds = {one.identifier.kind for one in left(told, errors).held}
    other = candidate.other_identifier and (not errors or bool(kinds & records.ONE_AT_A_TIME))
    return replace(candidate, other_identifier=other)


def errors_of(row: Row) -> list[tuple[UUID, bytes]]:
    """Those of a candidate."""
    pairs: Iterable[list[str]] = (text.split(" ") for text in row["in_error"])
    return [(UUID(record), bytes.fromhex(mark)) for record, mark in pairs]


def _is_one(errors: Errors, told: Held | str) -> bool:
    return any(mark in _marks(record, told) for record, mark in errors)


def _marks(record_id: UUID, told: Held | str) -> Sequence[bytes]:
    """Under every known key, the current one first."""
    value = f"number|{told.key}" if isinstance(told, Held) else f"phone|{told}"
    return ring().marks("in_error", f"{record_id}|{value}")
