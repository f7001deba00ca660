"""Rows of people who are new: written together, and compared with everybody and with each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

from services.registry import records, store
from services.registry.keys import ring
from services.registry.records import Person
from services.registry.rules.duplicates import Known, compare, could_be_one
from services.registry.store import people as written_people
from services.registry.store.people import Writing, Written
from services.registry.verbs import care, locations, people
from services.registry.verbs.care import Wanted
from services.registry.verbs.import_drafts import KINDS, draft
from services.registry.verbs.import_known import observation, wanted
from services.registry.verbs.import_rows import Asked, Draft, Ready, Took
from services.registry.verbs.locations import Observation
from shared.work import Work, new_id

MOST_OF_A_PHONE: Final = 20
MAY_BE = ("may_be_one", "เข้าคิวตรวจคนซ้ำ", "put before an officer as a possible duplicate")
LEFT_OUT = ("left_out", "ไม่นำเข้า เพราะอาจซ้ำกับคนในทะเบียน", "left out: may be somebody who is there")


async def take_new(work: Work, asked: Asked, rows: Sequence[Ready]) -> list[Took]:
    """Write all of them at once, after looking for whom they may be."""
    await _look(work, asked, rows)
    left_out = [row for row in rows if row.pairs and asked.alike == "leave"]
    new = [row for row in rows if not (row.pairs and asked.alike == "leave")]
    if new:
        await _write(work, asked, new)
    return [_left_out(asked, row) for row in left_out] + [_written(asked, row) for row in new]


def _left_out(asked: Asked, row: Ready) -> Took:
    return Took(row.row, "possible_duplicate", None, None, None, *LEFT_OUT, told_of=_alike(asked, row))


def _written(asked: Asked, row: Ready) -> Took:
    assert row.person is not None  # noqa: S101 just made
    made = Took(row.row, "created", row.person.id, asked.area)
    if not row.pairs:
        return made
    code, th, en = MAY_BE
    return replace(made, verdict="possible_duplicate", code=code, th=th, en=en, told_of=_alike(asked, row))


def _alike(asked: Asked, row: Ready) -> tuple[tuple[UUID, str], ...]:
    """Whom the row resembles: people of the municipality alone are compared."""
    return tuple((one, asked.area) for one in (_id_of(other) for other, _, _ in row.pairs) if one is not None)


async def _write(work: Work, asked: Asked, new: Sequence[Ready]) -> None:
    """Write them down, and what their rows tell beside."""
    each = [draft(asked, row).rows for row in new]
    await written_people.write_person(work.db, _together(each))
    needs: list[tuple[Person, Wanted]] = []
    points: list[tuple[Person, Observation]] = []
    for row, made in zip(new, each, strict=True):
        joined = frozenset(UUID(one["id"]) for one in made.memberships)
        row.person = people.say_registered(work, made, row.told, Written(joined, frozenset()))
        if (need := wanted(asked, row)) is not None:
            needs.append((row.person, need))
        if (point := observation(work, asked, row)) is not None:
            points.append((row.person, point))
    await store.imports.add_pairs(work.db, list(_pairs(new)), asked.area, work.now)
    await care.open_needs(work, needs)
    await locations.observe_first(work, points, asked.agreement)


def _together(each: Sequence[Writing]) -> Writing:
    all_ = Writing()
    for one in each:
        for name in Writing.__dataclass_fields__:
            getattr(all_, name).extend(getattr(one, name))
    return all_


def _pairs(rows: Sequence[Ready]) -> Iterator[store.links.Pair]:
    for row in rows:
        for other, score, reasons in row.pairs:
            other_id = _id_of(other)
            if row.person is not None and other_id is not None:
                low, high = sorted((row.person.id, other_id))
                yield (new_id(), low, high, score, reasons)


def _id_of(other: UUID | Ready) -> UUID | None:
    """None: a row that was not written."""
    if isinstance(other, Ready):
        return None if other.person is None else other.person.id
    return other


async def _look(work: Work, asked: Asked, rows: Sequence[Ready]) -> None:
    """Put to each row the people, and the rows before it, whose person it may be."""
    drafts = [draft(asked, row) for row in rows]
    found = await store.imports.alike_many(
        work.db,
        [(n, *_arrays(one)) for n, one in enumerate(drafts)],
        [(n, mark) for n, row in enumerate(rows) for mark in row.phones],
        asked.area, KINDS, exercise=asked.exercise,
    )  # fmt: skip
    for there in found:
        if could_be_one(drafts[there["n"]].known, records.known_but_name(there, ring())):
            _compare(rows[there["n"]], drafts[there["n"]].known, there["id"], records.known(there, ring()))
    among = _Among()
    for n, (row, one) in enumerate(zip(rows, drafts, strict=True)):
        for other in sorted(among.sought(one)):
            before = rows[other]
            if not (before.pairs and asked.alike == "leave"):
                _compare(row, one.known, before, drafts[other].known)
        among.add(n, one)


def _arrays(one: Draft) -> tuple[str, str, str]:
    """The marks it is sought by, as PostgreSQL reads arrays."""
    pair, given, family = (f"{{{','.join(map(str, marks))}}}" for marks in one.sought)
    return pair, given, family


def _compare(row: Ready, one: Known, other_is: UUID | Ready, other: Known) -> None:
    said = compare(one, other)
    if said.may_be_one:
        row.pairs.append((other_is, said.score, " ".join(said.reasons)))


class _Among:
    """The rows of a part by the marks under which they would be found once they are stored."""

    def __init__(self) -> None:
        # Tuples of numbers, for most marks are of one row: lists would keep the collector busy.
        self._by: tuple[dict[int, tuple[int, ...]], ...] = ({}, {}, {})
        self._phones: dict[str, tuple[int, ...]] = {}

    def sought(self, one: Draft) -> set[int]:
        pair, given, family = (
            {n for mark in marks for n in by.get(mark, ())} for by, marks in zip(self._by, one.sought, strict=True)
        )
        found = pair | (given & family)
        for phone, _ in one.known.phones:
            found.update(self._phones.get(phone, ())[:MOST_OF_A_PHONE])
        return found

    def add(self, n: int, one: Draft) -> None:
        for by, marks in zip(self._by, one.sought, strict=True):
            for mark in marks:
                by[mark] = (*by.get(mark, ()), n)
        for phone, _ in one.known.phones:
            self._phones[phone] = (*self._phones.get(phone, ()), n)
