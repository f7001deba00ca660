"""The feed of open facts, and what they add up to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from shared.database import Connection, Pool

IN_ORDER = "select pg_advisory_xact_lock(hashtext('console.fact'))"
"""Positions become visible in their order: whoever has read up to one has missed nothing before it."""
ADD = """
insert into fact (noun, id, area, call_id, type, occurred_at, exercise, data)
values ($1, $2, $3, $4, $5, $6, $7, $8) returning position
"""
READ_THING = "select state from thing where noun = $1 and id = $2 for update"
PUT_THING = """
insert into thing (noun, id, area, call_id, exercise, state, begun_at, changed_at, ended_at, position)
values ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9)
on conflict (noun, id) do update
set state = excluded.state, changed_at = excluded.changed_at, position = excluded.position,
    ended_at = coalesce(thing.ended_at, excluded.ended_at)
"""
AFTER = "select * from fact where position > $1 order by position limit $2"
LAST = "select coalesce(max(position), 0) from fact"
FIRST = "select min(position) from fact"
OPEN = "select * from thing where area = any($1::text[]) and noun = any($2::text[]) and ended_at is null"
OF_CALL = "select * from thing where call_id = $1"
OF_CALLS = "select * from thing where call_id = any($1::uuid[])"
DROP_FACTS = "delete from fact where occurred_at < $1"
DROP_THINGS = "delete from thing where ended_at < $1"


async def in_order(db: Connection) -> None:
    await db.execute(IN_ORDER)


async def add(
    db: Connection, noun: str, id_: UUID, area: str, call_id: UUID, kind: str, at: datetime, data: dict[str, Any],
    *, exercise: bool,
) -> int:  # fmt: skip
    """Write a fact down; gives its position."""
    position: int = await db.fetchval(ADD, noun, id_, area, call_id, kind, at, exercise, data)
    return position


async def state_of(db: Connection, noun: str, id_: UUID) -> dict[str, Any]:
    """What is known of a thing, locked; empty where it is new."""
    state: dict[str, Any] | None = await db.fetchval(READ_THING, noun, id_)
    return state or {}


async def put(
    db: Connection, noun: str, id_: UUID, area: str, call_id: UUID, state: dict[str, Any], at: datetime,
    ended_at: datetime | None, position: int, *, exercise: bool,
) -> None:  # fmt: skip
    await db.execute(PUT_THING, noun, id_, area, call_id, exercise, state, at, ended_at, position)


async def after(pool: Pool, position: int, limit: int) -> list[asyncpg.Record]:
    """Facts beyond a position, in order."""
    return await pool.fetch(AFTER, position, limit)


async def span(pool: Pool) -> tuple[int, int]:
    """The first position that is kept, and the last."""
    last: int = await pool.fetchval(LAST)
    first: int | None = await pool.fetchval(FIRST)
    return first or last + 1, last


async def open_things(pool: Pool, areas: Sequence[str], nouns: Sequence[str]) -> list[asyncpg.Record]:
    """Everything of these nouns that is not over yet."""
    return await pool.fetch(OPEN, list(areas), list(nouns))


async def of_call(pool: Pool, call_id: UUID) -> list[asyncpg.Record]:
    return await pool.fetch(OF_CALL, call_id)


async def of_calls(pool: Pool, call_ids: Sequence[UUID]) -> list[asyncpg.Record]:
    return await pool.fetch(OF_CALLS, list(call_ids))


async def drop_before(pool: Pool, facts_before: datetime, things_before: datetime) -> None:
    """Forget what no open page can still ask for."""
    await pool.execute(DROP_FACTS, facts_before)
    await pool.execute(DROP_THINGS, things_before)
