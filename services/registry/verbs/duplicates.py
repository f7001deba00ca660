"""Looking for other records of a person who was just written down or changed: the same check on every way in."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from services.registry import records, store
from services.registry.keys import ring
from services.registry.rules.duplicates import Known, compare, pairs_sought
from services.registry.rules.identity import Described
from services.registry.rules.sounds import near, variants
from shared.work import Work, new_id


async def look(work: Work, person_id: UUID) -> None:
    """Put the pairs of this record before the officers; those that are none any more go. Nothing is ever linked here.

    Secret people are in no pair.
    """
    kinds = sorted(records.ONE_AT_A_TIME)
    row = await store.links.compared(work.db, person_id, kinds)
    if row is None or row["erased_at"] is not None:
        return
    pairs: list[store.links.Pair] = []
    if row["disclosure"] != "secret":
        one = records.known(row, ring())
        keys, given, family = _sought(one, exercise=row["exercise"])
        candidates = await store.links.alike(work.db, row, keys=keys, given=given, family=family, kinds=kinds)
        for other in candidates:
            found = compare(one, records.known(other, ring()))
            if found.may_be_one:
                low, high = sorted((person_id, UUID(str(other["id"]))))
                pairs.append((new_id(), low, high, found.score, " ".join(found.reasons)))
    await store.links.put_pairs(work.db, person_id, pairs, row["area"], work.now)


async def alike(work: Work, told: Described, area: str, *, exercise: bool) -> list[UUID]:
    """Who of the municipality somebody may be who is not written down yet, the likeliest first; secret people never."""
    numbers = {mark: one for one in told.held for mark in records.number_marks(ring(), [one], exercise=exercise)}
    one = records.known_of(ring(), told, numbers, exercise=exercise)
    keys, given, family = ("{" + ",".join(map(str, marks)) + "}" for marks in _sought(one, exercise=exercise))
    phones = records.phone_marks(ring(), (phone.e164 for phone in told.phones), exercise=exercise)
    candidates = await store.imports.alike_many(
        work.db, [(0, keys, given, family)], [(0, mark) for mark in phones], area, sorted(records.ONE_AT_A_TIME),
        exercise=exercise,
    )  # fmt: skip
    found = [(compare(one, records.known(other, ring())), other["id"]) for other in candidates]
    return [who for likeness, who in sorted(found, key=lambda each: (-each[0].score, each[1])) if likeness.may_be_one]


def _sought(one: Known, *, exercise: bool) -> tuple[list[int], list[int], list[int]]:
    """The marks by which a description finds others: of pairs, of the given name's ways, of the family name."""
    return (
        records.marks_sought(ring(), "pair", pairs_sought(one.name, one.birth), exercise=exercise),
        _near(variants(one.name.given) if one.name.given else [], exercise=exercise),
        _near([one.name.family] if one.name.family else [], exercise=exercise),
    )


def _near(words: Iterable[str], *, exercise: bool) -> list[int]:
    keys = {key for word in words for key in near(word)}
    return records.marks_sought(ring(), "near", keys, exercise=exercise)
