"""Looking for other records of a person who was just written down or changed: the same check on every way in."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from services.registry import records, store
from services.registry.keys import ring
from services.registry.rules.duplicates import compare, pairs_sought
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
        candidates = await store.links.alike(
            work.db,
            row,
            keys=records.marks_sought(ring(), "pair", pairs_sought(one.name, one.birth), exercise=row["exercise"]),
            given=_near(variants(one.name.given) if one.name.given else [], exercise=row["exercise"]),
            family=_near([one.name.family] if one.name.family else [], exercise=row["exercise"]),
            kinds=kinds,
        )
        for other in candidates:
            found = compare(one, records.known(other, ring()))
            if found.may_be_one:
                low, high = sorted((person_id, UUID(str(other["id"]))))
                pairs.append((new_id(), low, high, found.score, " ".join(found.reasons)))
    await store.links.put_pairs(work.db, person_id, pairs, row["area"], work.now)


def _near(words: Iterable[str], *, exercise: bool) -> list[int]:
    keys = {key for word in words for key in near(word)}
    return records.marks_sought(ring(), "near", keys, exercise=exercise)
