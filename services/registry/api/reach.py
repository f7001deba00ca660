"""Accounts that are held to places: whom they may know of, and by which codes their lists are narrowed.

Of everybody else nothing is asked: the municipality's own work costs no look more. ``Caller.places`` holds, behind the
gate, every code below those of the token.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from services.registry import store
from services.registry.rules.grounds import NOWHERE, Lives, common, reaches
from services.registry.verbs.areas import below
from shared.auth import Caller
from shared.database import Connection, Pool
from shared.errors import refuse
from shared.work import now_utc

STILL_GIVEN = timedelta(days=1)
"""A visit that was made stays its visitor's to mend for a day: what a phone sends late arrives."""


async def given_to(db: Connection | Pool, caller: Caller) -> frozenset[UUID]:
    """Whom this account sees wherever they live: sent to them, or written down by itself."""
    if not caller.places:
        return frozenset()
    crew_id = UUID(caller.crew_id) if caller.crew_id else None
    return await store.areas.given(db, caller.actor, crew_id, now_utc() - STILL_GIVEN)


async def lives_of(db: Connection | Pool, caller: Caller, person_ids: Iterable[UUID]) -> dict[UUID, Lives]:
    """What the decision must know of each of these people; nothing for who is not held to places."""
    if not caller.places:
        return {}
    given = await given_to(db, caller)
    rows = await store.areas.live(db, person_ids)
    return {row["id"]: Lives(row["place"], row["survivor_id"] in given) for row in rows}


async def within_reach(db: Connection | Pool, caller: Caller, person_ids: Iterable[UUID]) -> frozenset[UUID]:
    """Those of them of whom the caller may know."""
    asked = frozenset(person_ids)
    lives = await lives_of(db, caller, asked)
    return frozenset(one for one in asked if reaches(caller.places, lives.get(one, NOWHERE)))


async def must_reach(db: Connection | Pool, caller: Caller, person_ids: Iterable[UUID]) -> None:
    """One of the people whom a matter is about is there for the caller; who is not held asks for none.

    Raises:
        Refused: 404.

    """
    if caller.places and not await within_reach(db, caller, person_ids):
        raise refuse("not_found")


async def places_of(db: Connection | Pool, caller: Caller, area_code: str | None) -> list[str] | None:
    """The codes by which a list is narrowed, by what was asked for and by what the caller is held to; None: by none.

    Raises:
        Refused: 422 there is no such area.

    """
    asked = await below(db, area_code)
    if not caller.places:
        return asked
    return sorted(caller.places if asked is None else common(asked, caller.places))
