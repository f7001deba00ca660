"""Keeping a picture of a visit, or of where somebody was seen to live."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from services.registry import store
from services.registry.keys import ring
from services.registry.pictures import Drawn
from services.registry.records import Person
from services.registry.store.people import Row
from shared.database import Connection, Pool
from shared.errors import Refused
from shared.work import Work

MOST: Final = 6
"""Pictures of one visit, or of one observation."""
OTHER_PICTURE = (409, "other_picture", "รหัสนี้ใช้กับภาพอื่นแล้ว", "this id is another picture's")
GONE = (410, "picture_gone", "ภาพนี้ถูกลบแล้ว", "this picture was removed")
ENOUGH = (
    409,
    "enough_pictures",
    f"เก็บได้ครั้งละไม่เกิน {MOST} ภาพ",
    f"no more than {MOST} pictures are kept of one visit or place",
)


@dataclass(frozen=True, slots=True)
class Whose:
    """To what a picture belongs: one of the two."""

    visit_id: UUID | None
    location_id: UUID | None


async def owner(db: Connection | Pool, whose: Whose) -> Row | None:
    """The visit or observation; its ``person_id`` says whom it is about."""
    if whose.visit_id is not None:
        return await store.visits.read_visit(db, whose.visit_id)
    assert whose.location_id is not None  # noqa: S101 one of the two
    return await store.locations.read_location(db, whose.location_id)


async def of(db: Connection | Pool, whose: Whose) -> list[Row]:
    """Its pictures, the earliest first."""
    if whose.visit_id is not None:
        return await store.pictures.of_visits(db, [whose.visit_id])
    assert whose.location_id is not None  # noqa: S101 one of the two
    return await store.pictures.of_locations(db, [whose.location_id])


async def keep(work: Work, person: Person, picture_id: UUID, whose: Whose, drawn: Drawn, by: str) -> Row:
    """Keep it, sealed; one that stands already stays as it is. The person is held. Returns what is known of it.

    Raises:
        Refused: 409 the id is another picture's, or there are enough; 410 somebody removed it.

    """
    known = await store.pictures.read_facts(work.db, picture_id)
    if known is not None:
        return the_same(known, whose)
    if await store.pictures.is_gone(work.db, picture_id):
        raise Refused(*GONE, field="picture_id")
    if len(await of(work.db, whose)) >= MOST:
        raise Refused(*ENOUGH, field="body")
    sealed = ring().seal_bytes(drawn.content, "picture", picture_id, "image")
    facts = (sealed, drawn.width, drawn.height, ring().current, by, work.now)
    return the_same(
        await store.pictures.put(work.db, (picture_id, person.id, whose.visit_id, whose.location_id, *facts)), whose
    )


def the_same(known: Row | None, whose: Whose) -> Row:
    """The picture, if it belongs to this visit or observation.

    Raises:
        Refused: 409.

    """
    if known is None or (known["visit_id"], known["location_id"]) != (whose.visit_id, whose.location_id):
        raise Refused(*OTHER_PICTURE, field="picture_id")
    return known
