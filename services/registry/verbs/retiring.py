"""People of whom nothing has been heard for longer than the municipality keeps such records are erased."""

from __future__ import annotations

from datetime import datetime

from services.registry import records, store
from services.registry.keys import ring
from services.registry.verbs import erasing, people
from shared.work import Work


async def retire(work: Work, before: datetime, at_once: int) -> int:
    """Erase people, with all records linked as theirs, of whom nothing was written or heard since ``before``.

    Whoever is in a group, has an open case or need, or a visit to come, is kept.
    """
    ids = await store.people.untouched(work.db, before, at_once)
    held = [records.opened(row, ring()) for row in await store.links.hold(work.db, ids)]
    still = await store.people.still_untouched(work.db, before, [one.id for one in held])
    gone = [one for one in held if one.id in still]
    if gone:
        await erasing.erase_persons(work, [(one.id, people.origin_of(one)) for one in gone])
    return len(gone)
