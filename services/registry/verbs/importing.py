"""A part of a file of people: who of them is there already, who may be, and who is new; all of it in one transaction.

The same two checks as on every other way in, for many rows at once: :mod:`rules.matching` says who is the same person,
:mod:`rules.duplicates` who may be. Rows that speak of one number or one name are taken one after the other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal
from uuid import UUID

from pydantic import ValidationError

from services.registry import records, store
from services.registry.bodies import ChangeBody, PersonBody
from services.registry.keys import ring
from services.registry.records import Person, Source
from services.registry.rules.areas import kind_of
from services.registry.rules.duplicates import Known, compare, pairs_sought
from services.registry.rules.identity import SELF, Birth, Described, Held
from services.registry.rules.importing import EMPTY, UNKNOWN_NEED, Format, Row, column_of, read_row
from services.registry.rules.matching import Candidate, Verdict, decide, reason
from services.registry.rules.sounds import near, variants
from services.registry.store import people as written_people
from services.registry.store.people import Row as Found
from services.registry.store.people import Writing, Written
from services.registry.verbs import care, locations, people, teams
from services.registry.verbs.care import Wanted
from services.registry.verbs.locations import Agreement, Observation
from shared.errors import field_problems
from shared.refusal import Refusal
from shared.work import Work, new_id

Alike = Literal["queue", "leave"]
Became = Literal["created", "matched", "possible_duplicate", "unchanged", "refused"]

MOST_OF_A_PHONE: Final = 20
KINDS: Final = sorted(records.ONE_AT_A_TIME)
POINTS_FROM: Final = "other"
EXISTS = (
    "person_exists", "เลขนี้เป็นของผู้อื่นในทะเบียน ให้ตรวจกับบัตรแล้วขึ้นทะเบียนเป็นรายคน",
    "this number is somebody else's in the register: compare with the card, and register by hand",
)  # fmt: skip
NO_AREA = ("area_unknown", "ไม่รู้จักพื้นที่นี้", "no such area")
DIFFERS = ("differs", "ต่างจากในทะเบียน ของเดิมไม่ถูกแก้", "differs from the register, which stays as it is")
PROPOSED = ("proposed", "เสนอแก้ไขต่อพื้นที่เจ้าของข้อมูลแล้ว", "proposed to the municipality that owns the facts")
MAY_BE = ("may_be_one", "เข้าคิวตรวจคนซ้ำ", "put before an officer as a possible duplicate")
LEFT_OUT = ("left_out", "ไม่นำเข้า เพราะอาจซ้ำกับคนในทะเบียน", "left out: may be somebody who is there")


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
    holders: tuple[tuple[UUID, str], ...] = ()
    """Id and municipality of whose number a refusal told of: for the audit, neither shown nor stored."""

    def written(self) -> store.imports.RowWritten:
        return (self.row, self.verdict, self.person_id, self.field, self.code, self.th, self.en)


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
    marks: dict[tuple[str, str], int] = field(default_factory=dict)
    """Short marks made already: ``(kind, value)`` → mark."""

    @property
    def phones(self) -> list[bytes]:
        return records.phone_marks(ring(), (one.e164 for one in self.told.phones), exercise=self.body.exercise)


# --- reading: no database, so that it goes on while the part before is written ---------------------------------------


def read(
    format_: Format, columns: Sequence[str], fields: Sequence[str | None],
    lines: Iterable[tuple[int, Sequence[str]]], *, exercise: bool,
) -> Iterator[Ready | Took]:  # fmt: skip
    """Each row as it can be looked for, or why not."""
    for number, cells in lines:
        try:
            row = read_row(format_, columns, fields, cells)
            yield _ready(number, row, exercise=exercise)
        except Refusal as refusal:
            yield _refused(number, refusal.field or None, (refusal.code, refusal.th, refusal.en))
        except ValidationError as problem:
            wrong = field_problems(problem.errors(include_url=False, include_input=False))[0]
            yield _refused(number, column_of(row, wrong.field), (wrong.code, wrong.th, wrong.en))


Why = tuple[str, str, str]
"""Code, Thai, English."""


def _refused(row: int, column: str | None, why: Why) -> Took:
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


# --- taking -----------------------------------------------------------------------------------------------------------


async def take(work: Work, asked: Asked, rows: Sequence[Ready | Took]) -> list[Took]:
    """Write a part down; every row has its verdict, in the order of the file."""
    done = [one for one in rows if isinstance(one, Took)]
    ready = [one for one in rows if isinstance(one, Ready)]
    left, unknown = await _in_known_areas(work, ready)
    done += unknown
    await written_people.lock_marks(work.db, [lock for one in left for lock in one.locks])
    while left:
        wave, left = _apart(left)
        done += await _wave(work, asked, wave)
    needless = {one.row: column_of(one.cells, "need") for one in ready if one.cells.unknown_need}
    return sorted((_without_need(one, needless.get(one.row)) for one in done), key=lambda one: one.row)


def _without_need(took: Took, column: str | None) -> Took:
    """Said before all else of a row that was taken: the need in this column was not."""
    if column is None or took.person_id is None:
        return took
    code, th, en = UNKNOWN_NEED
    return replace(took, field=column, code=code, th=th, en=en)


def _apart(rows: Sequence[Ready]) -> tuple[list[Ready], list[Ready]]:
    """Rows of which no two speak of one number or name; the others wait until these are written."""
    taken: set[int] = set()
    wave: list[Ready] = []
    later: list[Ready] = []
    for one in rows:
        (later if taken & one.locks else wave).append(one)
        taken |= one.locks
    return wave, later


async def _in_known_areas(work: Work, rows: Sequence[Ready]) -> tuple[list[Ready], list[Took]]:
    codes = {one.area_code for row in rows for one in row.told.addresses if one.area_code}
    own = {node["code"]: node["kind"] for node in await store.areas.nodes(work.db, sorted(codes))} if codes else {}
    gone = {code for code in codes if kind_of(code, own) is None}
    if not gone:
        return list(rows), []
    good: list[Ready] = []
    bad: list[Took] = []
    for row in rows:
        wrong = next((one for one in row.told.addresses if one.area_code in gone), None)
        if wrong is None:
            good.append(row)
            continue
        column = column_of(row.cells, f"addresses.{wrong.kind}")
        bad.append(_refused(row.row, column, NO_AREA))
    return good, bad


async def _wave(work: Work, asked: Asked, rows: Sequence[Ready]) -> list[Took]:
    done: list[Took] = []
    fresh: list[Ready] = []
    for row, verdict, candidates in await _decided(work, asked, rows):
        if verdict.disputed:
            done.append(_exists(row, candidates))
        elif verdict.person_id is None:
            fresh.append(row)
        else:
            done.append(await _known(work, asked, row, candidates, candidates[verdict.person_id]))
    done += await _fresh(work, asked, fresh)
    return done


Candidates = dict[UUID, Found]


async def _decided(work: Work, asked: Asked, rows: Sequence[Ready]) -> list[tuple[Ready, Verdict, Candidates]]:
    """Who each row is. Whoever is met is held, then read again: a moment ago they may have become secret."""
    held: set[UUID] = set()
    decided: dict[int, tuple[Ready, Verdict, Candidates]] = {}
    left = list(rows)
    while left:
        found = await _found(work, asked, left)
        for row in left:
            decided[row.row] = await _decide(work, asked, row, found.get(row.row, ()))
        met = {one.person_id: row for row, one, _ in decided.values() if one.person_id and one.person_id not in held}
        if met:
            await store.links.hold(work.db, [*met])
        held |= met.keys()
        left = [row for row, one, _ in decided.values() if one.person_id in met]
    return list(decided.values())


async def _decide(work: Work, asked: Asked, row: Ready, found: Iterable[Found]) -> tuple[Ready, Verdict, Candidates]:
    """Who has this name and is hidden from the caller is nobody, as in the form: a file tells no more of them."""
    candidates = {one["id"]: one for one in found}
    pairs = [(_candidate(row, one), one) for one in candidates.values()]
    seen = [each for each, one in pairs if not await _hidden(work, asked, row, each, one)]
    return row, decide(row.told, seen), candidates


async def _hidden(work: Work, asked: Asked, row: Ready, candidate: Candidate, one: Found) -> bool:
    if candidate.same_identifier or reason(row.told, candidate) is None:
        return False
    if one["disclosure"] == "secret":
        return True
    return not await _may_see(work, asked, one["id"], one["area"])


async def _may_see(work: Work, asked: Asked, person_id: UUID, area: str) -> bool:
    if asked.areas is None or area in asked.areas:
        return True
    return await written_people.read_person(work.db, person_id, asked.areas) is not None


async def _found(work: Work, asked: Asked, rows: Sequence[Ready]) -> dict[int, list[Found]]:
    numbers = [(row.row, mark) for row in rows for mark in row.numbers]
    names = [(row.row, mark) for row in rows for mark in row.names]
    found: dict[int, list[Found]] = defaultdict(list)
    if numbers or names:
        for one in await store.imports.find_many(work.db, numbers, names, exercise=asked.exercise):
            found[one["n"]].append(one)
    return found


def _candidate(row: Ready, one: Found) -> Candidate:
    """As ``FIND_CANDIDATES`` tells of one."""
    mine = {mark.hex() for mark in row.numbers}
    others = [number.split(" ") for number in one["numbers"]]
    return records.candidate(
        {
            **dict(one),
            "same_identifier": any(mark in row.numbers for mark in one["own_numbers"]),
            "other_identifier": any(kind in row.kinds and mark not in mine for kind, mark in others),
            "same_phone": bool(set(row.phones) & set(one["phones"])),
            "chosen": False,
        },
        ring(),
    )


def _exists(row: Ready, candidates: Candidates) -> Took:
    """The form's refusal of a number that is somebody's."""
    column = column_of(row.cells, "national_id" if "national_id" in row.cells.columns else "identifiers")
    holders = [(one["id"], one["area"]) for one in candidates.values() if row.numbers.keys() & set(one["own_numbers"])]
    return replace(_refused(row.row, column, EXISTS), holders=tuple(holders))


# --- who is there already -----------------------------------------------------------------------------------------


async def _known(work: Work, asked: Asked, row: Ready, candidates: Candidates, one: Found) -> Took:
    """Fill what is not known. What stands is never replaced; another municipality's facts are proposed to it."""
    person = records.opened(one, ring())
    mine = asked.areas is None or person.area in asked.areas
    if person.secret or not await _may_see(work, asked, person.id, person.area):
        return _exists(row, candidates)  # by a number, as in the form; nobody learns from a file who it is
    wrong = _differs(row, person)
    if not mine:
        return await _propose(work, asked, row, person, wrong)
    told = _gaps(row, person, one)
    new = await _learn(work, asked, row, person, told)
    more = await _beside(work, asked, row, person, matched=True)
    became: Became = "matched" if new or more else "unchanged"
    if wrong is None:
        return Took(row.row, became, person.id, person.area)
    return Took(row.row, became, person.id, person.area, column_of(row.cells, wrong), *DIFFERS)


def _differs(row: Ready, person: Person) -> str | None:
    """The first field that says otherwise than the register."""
    told = row.told
    pairs = {
        "name": (told.full_name, Described(name=person.name).full_name),
        "birth_date": (_year(told.birth), _year(person.birth)),
        "sex": (told.sex, person.sex),
        "mobility": (told.mobility, person.mobility),
    }
    return next((name for name, (new, old) in pairs.items() if new and old and new != old), None)


def _year(birth: Birth | None) -> int | None:
    return None if birth is None or birth.estimated else birth.year


def _gaps(row: Ready, person: Person, one: Found) -> Described:
    """What the row tells beyond what is known of the person."""
    held = {kind for kind, _ in (number.split(" ") for number in one["numbers"])}
    known = set(one["own_numbers"]) | {bytes.fromhex(number.split(" ")[1]) for number in one["numbers"]}
    fresh = [
        each for mark, each in row.numbers.items()
        if mark not in known and each.identifier.kind not in held & records.ONE_AT_A_TIME
    ]  # fmt: skip
    phones = [
        phone for phone in row.told.phones
        if not set(records.phone_marks(ring(), [phone.e164], exercise=row.body.exercise)) & set(one["phones"])
    ]  # fmt: skip
    return replace(
        row.told,
        held=tuple({each.key: each for each in fresh}.values()),
        phones=tuple(phones),
        mobility=None if person.mobility else row.told.mobility,
        groups=tuple(code for code in row.told.groups if code not in one["groups"]),
        addresses=tuple(each for each in row.told.addresses if each.kind not in one["addresses"]),
    )


async def _learn(work: Work, asked: Asked, row: Ready, person: Person, told: Described) -> bool:
    """Write the gaps; False where there were none."""
    if not (_fills(told, person) or told.held or told.phones or told.groups or told.addresses):
        return False
    source = Source(work.now, exercise=asked.exercise)
    free = await _free(work, row, told.held)
    learnt = await people.learn(
        work, person.id, replace(told, held=free), people.origin_of(person), source, number=True
    )
    if learnt is None:
        return False
    if told.addresses:
        homes = records.address_rows(ring(), person.id, told.addresses, source.on)
        await written_people.write_person(work.db, Writing(addresses=homes))
    return True


async def _free(work: Work, row: Ready, held: Sequence[Held]) -> tuple[Held, ...]:
    """Those numbers that nobody has."""
    if not held:
        return ()
    marks = records.number_marks(ring(), held, exercise=row.body.exercise)
    taken = await written_people.holders(work.db, marks, None)
    return () if taken else tuple(held)


def _fills(told: Described, person: Person) -> bool:
    """Whether :func:`people.learn` would change the person's own fields."""
    return bool(people.gaps(person, told))


async def _propose(work: Work, asked: Asked, row: Ready, person: Person, wrong: str | None) -> Took:
    """Another municipality's: what is new or otherwise is proposed, with no more than what the row tells."""
    told, body = row.told, row.body
    change: dict[str, Any] = {}
    if told.name and (wrong == "name" or person.name is None):
        change["name"] = told.name
    if told.birth and (wrong == "birth_date" or told.birth.says_more_than(person.birth)):
        change |= {name: getattr(body, name) for name in ("birth_date", "birth_year", "age") if getattr(body, name)}
    change |= {
        name: getattr(told, name)
        for name in ("sex", "mobility")
        if getattr(told, name) not in (None, getattr(person, name))
    }
    if not change:
        return Took(row.row, "unchanged", person.id, person.area)
    areas = sorted(asked.areas or ())
    await teams.propose(work, person, ChangeBody.model_validate(change), None, asked.by, areas)
    column = column_of(row.cells, next(iter(change)))
    return Took(row.row, "matched", person.id, person.area, column, *PROPOSED)


async def _beside(work: Work, asked: Asked, row: Ready, person: Person, *, matched: bool) -> bool:
    """Needs and points; whether anything came of them. A need that is open already stays as urgent as it is."""
    new = False
    if row.cells.needs is not None:
        need, urgency = row.cells.needs
        if not matched or await store.care.open_need(work.db, person.id, need) is None:
            await care.open_need(work, person, Wanted(need, urgency, asked.by))
            new = True
    if row.cells.point is not None:
        method = row.cells.point_method
        told = Observation("home", row.cells.point, row.cells.accuracy_m, method, POINTS_FROM, asked.by, work.now)
        made = await locations.observe(work, person, told, asked.agreement)
        new = new or made.verdict != "same_already"
    return new


# --- who is new ---------------------------------------------------------------------------------------------------


async def _fresh(work: Work, asked: Asked, rows: Sequence[Ready]) -> list[Took]:
    """Write all of them at once, after looking for whom they may be."""
    await _look(work, asked, rows)
    left_out = {id(row) for row in rows if row.pairs and asked.alike == "leave"}
    done = [Took(row.row, "possible_duplicate", None, None, None, *LEFT_OUT) for row in rows if id(row) in left_out]
    new = [row for row in rows if id(row) not in left_out]
    if not new:
        return done
    source = Source(work.now, exercise=asked.exercise)
    each = [records.new_person(ring(), new_id(), asked.area, row.told, source, made=row.marks) for row in new]
    await written_people.write_person(work.db, _together(each))
    for row, made in zip(new, each, strict=True):
        joined = frozenset(UUID(one["id"]) for one in made.memberships)
        row.person = people.say_registered(work, made, row.told, source, Written(joined, frozenset()))
    await store.imports.add_pairs(work.db, list(_pairs(new)), asked.area, work.now)
    for row in new:
        assert row.person is not None  # noqa: S101 just made
        await _beside(work, asked, row, row.person, matched=False)
        if row.pairs:
            done.append(Took(row.row, "possible_duplicate", row.person.id, asked.area, None, *MAY_BE))
        else:
            done.append(Took(row.row, "created", row.person.id, asked.area))
    return done


def _together(each: Sequence[Writing]) -> Writing:
    all_ = Writing()
    for one in each:
        for name in Writing.__dataclass_fields__:
            getattr(all_, name).extend(getattr(one, name))
    return all_


def _pairs(rows: Sequence[Ready]) -> Iterator[store.links.Pair]:
    for row in rows:
        for other, score, reasons in row.pairs:
            after = other.person if isinstance(other, Ready) else None
            other_id = other if isinstance(other, UUID) else after.id if after is not None else None
            if row.person is not None and other_id is not None:
                low, high = sorted((row.person.id, other_id))
                yield (new_id(), low, high, score, reasons)


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
    seen: dict[UUID, Known] = {}
    for one in found:
        if one["id"] not in seen:
            seen[one["id"]] = records.known(one, ring())
        _compare(rows[one["n"]], known[one["n"]], one["id"], seen[one["id"]])
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
