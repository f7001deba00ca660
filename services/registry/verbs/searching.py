"""Looking for people: by marks alone, so a search reads no name but those it answers with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from services.registry import records, store
from services.registry.bodies import SearchBody, read_national_id, read_own_phone
from services.registry.keys import ring
from services.registry.rules.identity import Birth
from services.registry.store.people import Row, Sought
from shared.thai.names import name_key
from shared.work import Work

NOBODY = Sought()
MOST = 200
"""How many of one name are opened to narrow them by year; beyond that the asker must say more."""


async def search(work: Work, body: SearchBody, areas: Sequence[str] | None) -> tuple[list[Row], bool]:
    """At most ``limit`` people, and whether there are more. Exercise people are found by exercises alone."""
    sought = _sought(body)
    if sought == NOBODY:
        return [], False
    if body.birth_year is None:
        rows = await store.people.search(work.db, sought, areas, body.limit + 1)
    else:
        found = await store.people.search(work.db, sought, areas, MOST)
        rows = [row for row in found if _born(row, body.birth_year)]
    return rows[: body.limit], len(rows) > body.limit


def _sought(body: SearchBody) -> Sought:
    exercise = body.exercise
    if body.phone is not None:
        return replace(NOBODY, phones=records.phone_marks(ring(), [read_own_phone(body.phone)], exercise=exercise))
    if body.ids is not None:
        return replace(NOBODY, ids=body.ids)
    if body.name is not None:
        words = records.words_of(name_key(body.name))
        marks = records.word_marks(ring(), words, exercise=exercise)
        return replace(NOBODY, words=marks, word_count=len(words)) if words else NOBODY
    held = body.identifier.held() if body.identifier else read_national_id(body.national_id or "")
    return replace(NOBODY, numbers=records.number_marks(ring(), [held], exercise=exercise))


def _born(row: Row, year: int) -> bool:
    """Born in that year, or perhaps: an estimate may be one off, and who has none is not excluded."""
    birth: Birth | None = records.opened(row, ring()).birth
    return birth is None or abs(birth.year - year) <= int(birth.estimated)
