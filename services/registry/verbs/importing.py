"""A part of a file of people: who of them is there already, who may be, and who is new; all of it in one transaction.

The same two checks as on every other way in, for many rows at once: :mod:`rules.matching` says who is the same person,
:mod:`rules.duplicates` who may be. Rows that speak of one number or one name are taken one after the other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from uuid import UUID

from services.registry import records, store
from services.registry.keys import ring
from services.registry.rules.areas import kind_of
from services.registry.rules.importing import column_of
from services.registry.rules.matching import Candidate, Verdict, decide, reason
from services.registry.store import people as written_people
from services.registry.store.people import Row as Found
from services.registry.verbs import in_error
from services.registry.verbs.import_known import take_known
from services.registry.verbs.import_new import take_new
from services.registry.verbs.import_rows import Asked, Candidates, Ready, Took, exists, may_see, refused
from shared.refusal import Refusal
from shared.work import Work

NO_AREA = ("area_unknown", "ไม่รู้จักพื้นที่นี้", "no such area")


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
    passed = {one.row: one.cells.passed for one in ready}
    return sorted((_but(one, passed.get(one.row, ())) for one in done), key=lambda one: one.row)


def _but(took: Took, passed: Sequence[Refusal]) -> Took:
    """Said of a row that was taken, too: which of its cells were not. What else is said of it stays first."""
    if not passed or took.person_id is None:
        return took
    left = list(passed)
    if took.code is None:
        first = left.pop(0)
        took = replace(took, field=first.field, code=first.code, th=first.th, en=first.en)
    th = " · ".join([took.th or "", *(f"{one.field}: {one.th}" for one in left)])
    en = " · ".join([took.en or "", *(f"{one.field}: {one.en}" for one in left)])
    return replace(took, th=th, en=en)


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
        bad.append(refused(row.row, column, NO_AREA))
    return good, bad


async def _wave(work: Work, asked: Asked, rows: Sequence[Ready]) -> list[Took]:
    done: list[Took] = []
    new: list[Ready] = []
    for row, verdict, candidates in await _decided(work, asked, rows):
        if verdict.disputed:
            done.append(exists(row, candidates))
        elif verdict.person_id is None:
            new.append(row)
        else:
            done.append(await take_known(work, asked, row, verdict, candidates, candidates[verdict.person_id]))
    done += await take_new(work, asked, new)
    return done


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
    return not await may_see(work, asked, one["id"], one["area"])


async def _found(work: Work, asked: Asked, rows: Sequence[Ready]) -> dict[int, list[Found]]:
    numbers, names = marks_of(rows)
    found: dict[int, list[Found]] = defaultdict(list)
    if numbers or names:
        for one in await store.imports.find_many(work.db, numbers, names, exercise=asked.exercise):
            found[one["n"]].append(one)
    return found


def marks_of(rows: Sequence[Ready]) -> tuple[list[tuple[int, bytes]], list[tuple[int, bytes]]]:
    """``(row, mark)`` of their numbers, and of their names."""
    numbers = [(row.row, mark) for row in rows for mark in row.numbers]
    return numbers, [(row.row, mark) for row in rows for mark in row.names]


def _candidate(row: Ready, one: Found) -> Candidate:
    """As ``FIND_CANDIDATES`` tells of one."""
    mine = {mark.hex() for mark in row.numbers}
    others = [number.split(" ") for number in one["numbers"]]
    candidate = records.candidate(
        {
            **dict(one),
            "same_identifier": any(mark in row.numbers for mark in one["own_numbers"]),
            "document_seen": any(mark in row.numbers for mark in one["seen_numbers"]),
            "other_identifier": any(kind in row.kinds and mark not in mine for kind, mark in others),
            "same_phone": bool(set(row.phones) & set(one["phones"])),
            "chosen": False,
        },
        ring(),
    )
    return in_error.weighed(candidate, row.told, in_error.errors_of(one))
