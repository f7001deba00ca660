"""People of whom nothing has been heard for longer than the municipality keeps such records are erased."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from services.registry import records, store
from services.registry.keys import ring
from services.registry.verbs import erasing, people
from shared.events.words import By
from shared.retention import AT_ONCE, Retired
from shared.work import Work

LOOKED_AT: Final = 500
"""Most who are old are kept, for they are in a group: so many are looked at in one transaction."""
Place = tuple[datetime, UUID]
BEGINNING: Final[Place] = (datetime(1, 1, 1, tzinfo=UTC), UUID(int=0))


async def retire(work: Work, before: datetime, place: Place | None) -> Retired:
    """Erase people, with all records linked as theirs, of whom nothing was written or heard since ``before``.

    Whoever is in a group, has an open case or need, or a visit to come, is kept.
    """
    rows = await store.people.untouched(work.db, before, place or BEGINNING, LOOKED_AT)
    quiet = [row["id"] for row in rows if row["quiet"]][:AT_ONCE]
    held = [records.opened(row, ring()) for row in await store.links.hold(work.db, quiet)]
    still = await store.people.still_untouched(work.db, before, [one.id for one in held])
    gone = [one for one in held if one.id in still]
    if gone:
        await erasing.erase_persons(work, [(one.id, people.origin_of(one)) for one in gone], By.SYSTEM)
    if len(rows) < LOOKED_AT and len(quiet) < AT_ONCE:
        return Retired(len(gone))
    last = next(row for row in rows if row["id"] == quiet[-1]) if len(quiet) == AT_ONCE else rows[-1]
    return Retired(len(gone), next=(last["changed_at"], last["id"]))
