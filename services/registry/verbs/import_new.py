"""Rows of people who are new: written together, and compared with everybody and with each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

from services.registry import records, store
from services.registry.keys import ring
from services.registry.records import Person, Source
from services.registry.rules.duplicates import Known, compare, could_be_one, pairs_sought
from services.registry.rules.identity import SELF
from services.registry.rules.sounds import near, variants
from services.registry.store import people as written_people
from services.registry.store.people import Writing, Written
from services.registry.verbs import care, locations, people
from services.registry.verbs.care import Wanted
from services.registry.verbs.import_known import observation, wanted
from services.registry.verbs.import_rows import Asked, Ready, Took
from services.registry.verbs.locations import Observation
from shared.work import Work, new_id

MOST_OF_A_PHONE: Final = 20
KINDS: Final = sorted(records.ONE_AT_A_TIME)
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
    source = Source(work.now, exercise=asked.exercise)
    each = [records.new_person(ring(), new_id(), asked.area, row.told, source, made=row.marks) for row in new]
    await written_people.write_person(work.db, _together(each))
    needs: list[tuple[Person, Wanted]] = []
    points: list[tuple[Person, Observation]] = []
    for row, made in zip(new, each, strict=True):
        joined = frozenset(UUID(one["id"]) for one in made.memberships)
        row.person = people.say_registered(work, made, row.told, source, Written(joined, frozenset()))
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
    known = [_known_of(row) for row in rows]
    keys = [_keys(row) for row in rows]
    found = await store.imports.alike_many(
        work.db,
        [(n, *_arrays(rows[n], sought, exercise=asked.exercise)) for n, sought in enumerate(keys)],
        [(n, mark) for n, row in enumerate(rows) for mark in row.phones],
        asked.area, KINDS, exercise=asked.exercise,
    )  # fmt: skip
    for one in found:
        if could_be_one(known[one["n"]], records.known_but_name(one, ring())):
            _compare(rows[one["n"]], known[one["n"]], one["id"], records.known(one, ring()))
    among = _Among()
    for n, row in enumerate(rows):
        for other in sorted(among.sought(keys[n], known[n])):
            before = rows[other]
            if not (before.pairs and asked.alike == "leave"):
                _compare(row, known[n], before, known[other])
        among.add(n, keys[n], known[n])


def _compare(row: Ready, one: Known, other_is: UUID | Ready, other: Known) -> None:
    said = compare(one, other)
    if said.may_be_one:
        row.pairs.append((other_is, said.score, " ".join(said.reasons)))


Sought = tuple[tuple[str, set[str]], tuple[str, set[str]], tuple[str, set[str]]]


def _keys(row: Ready) -> Sought:
    """``(kind of mark, values)``: of the pair, of the given name's ways, of the family name."""
    key = row.told.key
    given = {each for word in variants(key.given) for each in near(word)} if key.given else set()
    family = near(key.family) if key.family else set()
    return ("pair", pairs_sought(key, row.told.birth)), ("near", given), ("near", family)


def _arrays(row: Ready, keys: Sought, *, exercise: bool) -> tuple[str, str, str]:
    """The marks under which these keys stand, as PostgreSQL reads arrays; the row keeps them for its own writing."""
    arrays = []
    for kind, values in keys:
        marks = records.short_marks(ring(), kind, values, exercise=exercise)
        row.marks.update({(kind, value): mark for value, mark in marks.items()})
        every = marks.values() if ring().alone else records.marks_sought(ring(), kind, values, exercise=exercise)
        arrays.append(f"{{{','.join(map(str, every))}}}")
    return arrays[0], arrays[1], arrays[2]


def _known_of(row: Ready) -> Known:
    """As the stored ones are compared: numbers and telephones by their marks."""
    told, exercise = row.told, row.body.exercise
    kind = records.kind_of("phone", exercise=exercise)
    return Known(
        told.key, told.birth, told.sex,
        tuple((ring().mark(kind, one.e164).hex(), one.relation == SELF) for one in told.phones),
        tuple((one.identifier.kind, mark.hex()) for mark, one in row.numbers.items() if one.identifier.kind in KINDS),
    )  # fmt: skip


class _Among:
    """The rows of a part by the keys under which they would be found once they are stored."""

    def __init__(self) -> None:
        # Tuples of numbers, for most keys are of one row: lists would keep the collector busy.
        self._by: dict[str, dict[str, tuple[int, ...]]] = {kind: {} for kind in ("pair", "given", "family", "phone")}

    def sought(self, keys: Sought, one: Known) -> set[int]:
        (_, pairs), (_, given), (_, family) = keys
        found = self._of("pair", pairs) | (self._of("given", given) & self._of("family", family))
        for phone, _ in one.phones:
            found.update(self._by["phone"].get(phone, ())[:MOST_OF_A_PHONE])
        return found

    def _of(self, kind: str, values: Iterable[str]) -> set[int]:
        by = self._by[kind]
        return {n for value in values for n in by.get(value, ())}

    def add(self, n: int, keys: Sought, one: Known) -> None:
        for kind, (_, values) in zip(("pair", "given", "family"), keys, strict=True):
            self._put(kind, values, n)
        self._put("phone", (phone for phone, _ in one.phones), n)

    def _put(self, kind: str, values: Iterable[str], n: int) -> None:
        by = self._by[kind]
        for value in values:
            by[value] = (*by.get(value, ()), n)
