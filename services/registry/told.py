"""Sealing and opening texts of the table ``told``: the only place where they are readable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from services.registry import store
from services.registry.keys import ring
from services.registry.store.people import Doc, hexed
from shared.database import Connection, Pool


def rows(owner_id: UUID, person_id: UUID | None, texts: Mapping[str, str | None]) -> list[Doc]:
    """Rows of what is said in these fields of ``owner_id``; who says nothing has no row."""
    return [
        {
            "owner_id": str(owner_id),
            "field": field,
            "person_id": str(person_id) if person_id else None,
            "value": hexed(ring().seal(text, "told", owner_id, field)),
            "key_id": ring().current,
        }
        for field, text in texts.items()
        if text is not None
    ]


async def of(db: Connection | Pool, owner_ids: Sequence[UUID]) -> dict[UUID, dict[str, str]]:
    """Owner → field → text."""
    found: dict[UUID, dict[str, str]] = {}
    for row in await store.told.read(db, owner_ids):
        text = ring().open(row["value"], "told", row["owner_id"], row["field"])
        found.setdefault(row["owner_id"], {})[row["field"]] = text
    return found
