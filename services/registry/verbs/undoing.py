"""A file of people is undone: a wrong file, a wrong municipality, columns that stood one to the left.

Whom it made and nobody has touched since is erased, as anybody is. What it filled in of people who were there goes back
to what was before, where it stands as it was written. Everything else stays, and each row says why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from services.registry import records, store
from services.registry.keys import ring
from services.registry.store.people import Row
from services.registry.verbs import erasing, people, standing, unmatching
from services.registry.verbs.changing import say_left
from services.registry.verbs.locations import Agreement
from shared.erasure import erase
from shared.thai.dates import local_day
from shared.work import Work

Fate = Literal["erased", "taken_back", "partly", "stays"]
"""Codes of the list ``undo_fate``; why something stays, of ``undo_why``."""
DESK = "desk"
BACK = frozenset({"taken_back", "partly"})
"""Of these rows nothing is left to take back."""
BESIDE = {"identifier": "identifiers_withdrawn", "contact": "contacts_withdrawn", "address": "addresses"}
"""What was taken back → as the list ``person_field`` names it."""


@dataclass(frozen=True, slots=True)
class Undone:
    """What became of one row, or would. ``area``: of the person, for the audit."""

    row: int
    person_id: UUID
    area: str
    fate: Fate
    why: tuple[str, ...] = ()


async def undo(work: Work, run: Row, rows: Sequence[Row], agreement: Agreement) -> list[Undone]:
    """Undo these rows of the run, which is held."""
    ids = sorted({row["person_id"] for row in rows})
    held = await store.links.hold(work.db, ids)
    there = {one["id"]: records.opened(one, ring()) for one in held}
    made = [one for one in ids if any(row["made"] and row["person_id"] == one for row in rows)]
    touched = await store.undoing.touched(work.db, run["id"], made)
    found: list[Undone] = []
    for row in rows:
        if row["undone"] in BACK:
            continue
        person_id = row["person_id"]
        area = there[person_id].area
        if person_id in touched:
            why = tuple(touched[person_id])
            found.append(Undone(row["row"], person_id, area, "stays" if why else "erased", why))
        else:
            fate, why = await _taken_back(work, run, row, agreement)
            found.append(Undone(row["row"], person_id, area, fate, why))
    for one in found:
        await store.undoing.mark(work.db, run["id"], one.row, one.fate, one.why)
    gone = sorted({one.person_id for one in found if one.fate == "erased"})
    if gone:
        await store.undoing.mark_erased(work.db, run["id"], gone)
        await erasing.erase_persons(work, [(one, people.origin_of(there[one])) for one in gone])
    return found


async def _taken_back(work: Work, run: Row, row: Row, agreement: Agreement) -> tuple[Fate, tuple[str, ...]]:
    """What the row filled in of somebody who was there."""
    noted = await store.undoing.noted(work.db, run["id"], row["row"])
    if not noted:  # proposed to another municipality, which decides; or from before it was noted
        return "stays", ("proposed" if row["code"] == "proposed" else "not_noted",)
    if any(one["decision"] is not None or one["method"] == DESK for one in noted):
        return "stays", ("decided",)
    if await store.undoing.other_file(work.db, row["person_id"], run["id"], run["begun_at"]):
        return "stays", ("other_file",)
    if not await _back(work, noted[0], agreement):
        return "taken_back", ()
    return "partly", ("changed",)


async def _back(work: Work, noted: Row, agreement: Agreement) -> bool:
    """Take back what stands as it was written; whether something has to stay."""
    taking = await unmatching.begin(work, noted, None)
    person = taking.person
    changed = await unmatching.changed_since(work.db, noted, person)
    _, before = await unmatching.taken_back(work, taking)
    facts = await store.undoing.facts(work.db, person.id, noted["facts"])
    going = [one["id"] for one in facts if not one["changed"]]
    for row in await store.undoing.take_facts(work.db, going):
        said = people.origin_of(person)
        say_left(
            work, row["id"], person.id, row["group_code"], row["until_on"] or local_day(work.now),
            people.protected(said) if row["protected"] else said,
        )  # fmt: skip
    needs = [one["id"] for one in facts if one["kind"] == "need" and not one["changed"]]
    await store.told.drop(work.db, [*needs, noted["id"]])
    await erase(work, "need", needs)
    await _points_go(work, person.id, [one["id"] for one in facts if one["kind"] == "location" and not one["changed"]],
                     agreement)  # fmt: skip
    kinds = sorted({BESIDE[one["kind"]] for one in facts if one["kind"] in BESIDE and not one["changed"]})
    await unmatching.mend(work, taking, before, beside=kinds)
    await store.undoing.drop_noted(work.db, noted["id"])
    return bool(changed) or any(one["changed"] for one in facts)


async def _points_go(work: Work, person_id: UUID, ids: Sequence[UUID], agreement: Agreement) -> None:
    """These points were seen of nobody; which of the others counts is found anew."""
    if not ids:
        return
    uses = await store.undoing.uses(work.db, ids)
    for use in uses:
        await store.locations.forget_standing(work.db, person_id, use)
    await store.calls.forgetting(work.db)
    await store.undoing.take_locations(work.db, ids)
    await store.calls.forgetting(work.db, "off")
    await erase(work, "location", ids)
    for use in uses:
        await standing.stand_anew(work, person_id, use, agreement)
