"""Looking for people: by marks alone, so a search opens no name but those that may be meant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from uuid import UUID

from services.registry import records, store
from services.registry.bodies import SearchBody
from services.registry.keys import ring
from services.registry.rules.finding import NEAR_ENOUGH, Typed, readings
from services.registry.rules.identity import Birth
from services.registry.store.people import Row, Sought, Within
from services.registry.values import read_national_id, read_own_phone
from shared.thai.names import name_key
from shared.work import Work

NOBODY = Sought()
MOST = 300
"""How many are opened to find the likeliest, or to narrow them by year; beyond that the asker must say more."""


async def search(work: Work, body: SearchBody, areas: Sequence[str] | None, within: Within) -> tuple[list[Row], bool]:
    """At most ``limit`` people, and whether there are more. Exercise people are found by exercises alone.

    A name is found as it is written; and, where that leaves room, by its sound and with a letter more, less or other.
    """
    sought = _sought(body)
    if sought == NOBODY:
        return [], False
    most = body.limit + 1 if body.birth_year is None else MOST
    rows = [
        row for row in await store.people.search(work.db, sought, areas, within, most) if _fits(row, body.birth_year)
    ]
    if body.name is not None and len(rows) <= body.limit:
        near = await _near(work, body, areas, within, {row["id"] for row in rows})
        found = {row["id"]: row for row in await store.people.read_hits(work.db, near[: most - len(rows)])}
        rows += [found[one] for one in near if one in found]
    return rows[: body.limit], len(rows) > body.limit


async def _near(
    work: Work, body: SearchBody, areas: Sequence[str] | None, within: Within, known: Iterable[UUID]
) -> list[UUID]:
    """Who else may be meant by a name, the likeliest first; each by the record that stands for them."""
    typed = Typed.of(body.name or "")
    words = [_marks(keys, exercise=body.exercise) for keys in typed.keys]
    joined = _marks(typed.joined, exercise=body.exercise)
    alike: dict[UUID, float] = {}
    for row in await store.people.search_near(work.db, words, joined, areas, within, MOST):
        written = [records.opened_value(row, ring(), "person", field) for field in ("name", "alias")]
        likeness = max((typed.likeness(name) for one in written for name in readings(one)), default=0.0)
        if likeness >= NEAR_ENOUGH and _fits(row, body.birth_year):
            alike[row["survivor_id"]] = max(likeness, alike.get(row["survivor_id"], 0.0))
    skipped = set(known)
    return sorted((one for one in alike if one not in skipped), key=lambda one: (-alike[one], one))


def _marks(keys: Iterable[str], *, exercise: bool) -> list[int]:
    return records.marks_sought(ring(), "near", keys, exercise=exercise)


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


def _fits(row: Row, year: int | None) -> bool:
    """Born in that year, or perhaps: an estimate may be one off, and who has none is not excluded."""
    packed = records.opened_value(row, ring(), "person", "birth") if year is not None else None
    if year is None or packed is None:
        return True
    birth = Birth.unpacked(packed)
    return abs(birth.year - year) <= int(birth.estimated)
