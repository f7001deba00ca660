"""Ids that come from phones: whether one is something else's already."""

from __future__ import annotations

from uuid import UUID

from shared.database import Connection

NOUN_OF = "select noun from aggregate where id = $1"


async def is_free(db: Connection, aggregate_id: UUID) -> bool:
    """Nothing was ever said under this id."""
    return await db.fetchval(NOUN_OF, aggregate_id) is None
