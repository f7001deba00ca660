"""A row of somebody who is in the register: what is missing is filled, what stands is never replaced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

from services.registry import records, store
from services.registry.bodies import ChangeBody
from services.registry.keys import ring
from services.registry.records import Person, Source
from services.registry.rules.identity import Birth, Described, Held
from services.registry.rules.importing import column_of
from services.registry.rules.matching import Verdict
from services.registry.store import people as written_people
from services.registry.store.matches import Learnt, Noted
from services.registry.store.people import Row as Found
from services.registry.store.people import Writing
from services.registry.verbs import care, in_error, locations, people, teams
from services.registry.verbs.care import Wanted
from services.registry.verbs.import_rows import Asked, Became, Candidates, Ready, Took, Why, exists, may_see
from services.registry.verbs.locations import Observation
from shared.work import Work, new_id

POINTS_FROM: Final = "other"
DIFFERS = ("differs", "ต่างจากในทะเบียน ของเดิมไม่ถูกแก้", "differs from the register, which stays as it is")
IN_ERROR = (
    "entered_in_error", "ยกเลิกไปแล้วเพราะบันทึกผิด ไม่ได้บันทึกอีก ให้แก้ในไฟล์",
    "it was withdrawn as entered in error and is not written again: correct the file",
)  # fmt: skip
PROPOSED = ("proposed", "เสนอแก้ไขต่อพื้นที่เจ้าของข้อมูลแล้ว", "proposed to the municipality that owns the facts")


async def take_known(
    work: Work, asked: Asked, row: Ready, verdict: Verdict, candidates: Candidates, one: Found
) -> Took:
    """Fill what is not known. What stands is never replaced; another municipality's facts are proposed to it.

    What was filled is noted with the row, so that it can be taken out again.
    """
    person = records.opened(one, ring())
    mine = asked.areas is None or person.area in asked.areas
    if person.secret or not await may_see(work, asked, person.id, person.area):
        return exists(row, candidates)  # by a number, as in the form; nobody learns from a file who it is
    wrong = _differs(row, person)
    if not mine:
        return await _propose(work, asked, row, person, wrong)
    errors = in_error.errors_of(one)
    kept = in_error.left(row.told, errors)
    told = in_error.left(_gaps(row, person, one), errors)
    new = await _learn(work, asked, row, person, told)
    more = await _beside(work, asked, row, person)
    became: Became = "matched" if new is not None or more else "unchanged"
    learnt = new or Learnt()
    learnt = replace(learnt, facts=(*learnt.facts, *more))
    noted = _noted(work, person, verdict, learnt) if became == "matched" else None
    took = Took(row.row, became, person.id, person.area, noted=noted, told=row.told if noted else None)
    if wrong is not None:
        return _said(took, column_of(row.cells, wrong), DIFFERS)
    return took if kept == row.told else _said(took, _in_error_at(row, kept), IN_ERROR)


def _noted(work: Work, person: Person, verdict: Verdict, learnt: Learnt) -> Noted:
    """What is noted of a row by which something was written; its run is known later."""
    assert verdict.method is not None  # noqa: S101 somebody was found
    return Noted(new_id(), person.id, person.area, verdict.method.code, verdict.to_check, work.now, learnt=learnt)


def _in_error_at(row: Ready, kept: Described) -> str:
    """The column of what was withdrawn and stands in the file still."""
    if row.told.held == kept.held:
        return column_of(row.cells, "phone")
    return column_of(row.cells, "national_id" if "national_id" in row.cells.columns else "identifiers")


def _said(took: Took, column: str, why: Why) -> Took:
    code, th, en = why
    return replace(took, field=column, code=code, th=th, en=en)


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


async def _learn(work: Work, asked: Asked, row: Ready, person: Person, told: Described) -> Learnt | None:
    """Write the gaps; None where there were none."""
    if not (_fills(told, person) or told.held or told.phones or told.groups or told.addresses):
        return None
    source = Source(work.now, exercise=asked.exercise, by_file=True)
    free = await _free(work, row, told.held)
    learnt = await people.learn_and_note(
        work, person.id, replace(told, held=free), people.origin_of(person), source, number=True
    )
    if learnt is None:
        return None
    homes = records.address_rows(ring(), person.id, told.addresses, source.on)
    if homes:
        await written_people.write_person(work.db, Writing(addresses=homes))
    return replace(learnt[1], facts=(*learnt[1].facts, *(UUID(home["id"]) for home in homes)))


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
    by = teams.Proposer(asked.by, sorted(asked.areas or ()))
    await teams.propose(work, person, ChangeBody.model_validate(change), None, by)
    column = column_of(row.cells, next(iter(change)))
    return Took(row.row, "matched", person.id, person.area, column, *PROPOSED)


async def _beside(work: Work, asked: Asked, row: Ready, person: Person) -> list[UUID]:
    """Needs and points; what came of them. A need that is open already stays as urgent as it is."""
    new: list[UUID] = []
    need, seen = wanted(asked, row), observation(work, asked, row)
    if need is not None and await store.care.open_need(work.db, person.id, need.need) is None:
        new.append(await care.open_need(work, person, need))
    if seen is not None:
        made = await locations.observe(work, person, seen, asked.agreement)
        new += [made.id] if made.verdict != "same_already" else []
    return new


def wanted(asked: Asked, row: Ready) -> Wanted | None:
    """The need that a row tells of."""
    return Wanted(*row.cells.needs, asked.by) if row.cells.needs is not None else None


def observation(work: Work, asked: Asked, row: Ready) -> Observation | None:
    """The point that a row tells of."""
    if row.cells.point is None:
        return None
    method = row.cells.point_method
    return Observation("home", row.cells.point, row.cells.accuracy_m, method, POINTS_FROM, asked.by, work.now)
