"""What is told of pictures, beside the pictures themselves."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from services.registry.answers import Answer
from services.registry.store.people import Row


class PictureShown(Answer):
    """One picture; it is read at ``GET /v1/pictures/{id}``."""

    id: UUID
    width: int
    height: int
    taken_by: str
    kept_at: datetime


def shown(row: Row) -> PictureShown:
    return PictureShown(**{name: row[name] for name in PictureShown.model_fields})


def by_owner(rows: Iterable[Row], owner: str) -> dict[UUID, list[PictureShown]]:
    """Visit or observation → its pictures; ``owner`` is the column."""
    found: dict[UUID, list[PictureShown]] = {}
    for row in rows:
        found.setdefault(row[owner], []).append(shown(row))
    return found
