"""What the board reads of the picture."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.console.rules.board import Thing
from shared.database import Pool

# Of messages only those that failed, of the rest everything: an ended assignment still says how far its trip was.
_SHOWN = """
  (t.noun in ('call', 'trip', 'assignment')
   or (t.noun = 'message' and t.ended_at is null and t.state->>'is' = 'failed'))
"""
OPEN_CALLS = f"""
select t.* from thing c join thing t on t.call_id = c.id
where c.noun = 'call' and c.ended_at is null and ($1::text[] is null or c.area = any($1)) and {_SHOWN}
  and (c.state->>'lane' is distinct from 'booked' or exists (
       select from thing j where j.call_id = c.id and j.noun = 'trip' and j.ended_at is null
       and coalesce(j.state->>'pickup_at', j.state->>'pickup_earliest_at', j.state->>'pickup_latest_at',
                    j.state->>'arrive_by_at', $2::timestamptz::text)::timestamptz <= $2))
"""  # noqa: S608 no value of anybody in it
OF_CALLS = f"select t.* from thing t where t.call_id = any($1::uuid[]) and {_SHOWN}"  # noqa: S608
UNITS = "select * from thing where noun = 'unit' and ($1::text[] is null or area = any($1))"
UNITS_BY_ID = "select * from thing where noun = 'unit' and id = any($1::uuid[])"
WORK = """
select * from thing where noun = 'assignment' and ended_at is null and ($1::text[] is null or area = any($1))
"""
CALLS = "select * from thing where noun = 'call' and id = any($1::uuid[])"
ASSIGNMENTS = "select * from thing where noun = 'assignment' and id = any($1::uuid[])"
WORK_OF_UNITS = """
select * from thing where noun = 'assignment' and ended_at is null and area = any($1)
  and (state->>'unit_id')::uuid = any($2::uuid[])
"""
# What was booked for later and never driven did not keep its unit.
LAST_ENDS = """
select u.id, (select t.ended_at from thing t
              where t.noun = 'assignment' and t.ended_at is not null and t.state->>'unit_id' = u.id::text
                and (t.state->>'start_at' is null or t.state->'stamps' ? 'en_route')
              order by t.ended_at desc limit 1) as ended_at
from unnest($1::uuid[]) as u(id)
"""


async def open_calls(pool: Pool, areas: Sequence[str] | None, until: datetime) -> list[Thing]:
    """Everything of the calls that are open; of booked rides those that begin until then. ``areas`` None: all."""
    return _things(await pool.fetch(OPEN_CALLS, _list(areas), until))


async def of_calls(pool: Pool, call_ids: Sequence[UUID]) -> list[Thing]:
    return _things(await pool.fetch(OF_CALLS, list(call_ids)))


async def units(pool: Pool, areas: Sequence[str] | None) -> list[Thing]:
    return _things(await pool.fetch(UNITS, _list(areas)))


async def units_by_id(pool: Pool, unit_ids: Sequence[UUID]) -> list[Thing]:
    return _things(await pool.fetch(UNITS_BY_ID, list(unit_ids)))


async def work(pool: Pool, areas: Sequence[str] | None) -> list[Thing]:
    """Assignments that are not over."""
    return _things(await pool.fetch(WORK, _list(areas)))


async def assignments(pool: Pool, ids: Sequence[UUID]) -> list[Thing]:
    """These, over or not."""
    return _things(await pool.fetch(ASSIGNMENTS, list(ids)))


async def calls(pool: Pool, ids: Sequence[UUID]) -> list[Thing]:
    """These, over or not."""
    return _things(await pool.fetch(CALLS, list(ids)))


async def work_of_units(pool: Pool, areas: Sequence[str], unit_ids: Sequence[UUID]) -> list[Thing]:
    return _things(await pool.fetch(WORK_OF_UNITS, list(areas), list(unit_ids)))


async def last_ends(pool: Pool, unit_ids: Sequence[UUID]) -> dict[UUID, datetime]:
    """Unit → when the last thing it did, or was asked, was over; of units of which anything is kept."""
    rows = await pool.fetch(LAST_ENDS, list(unit_ids))
    return {row["id"]: row["ended_at"] for row in rows if row["ended_at"]}


def _list(areas: Sequence[str] | None) -> list[str] | None:
    return None if areas is None or "*" in areas else list(areas)


def _things(rows: Sequence[asyncpg.Record]) -> list[Thing]:
    return [_thing(row) for row in rows]


def _thing(row: Any) -> Thing:
    return Thing(
        row["noun"], row["id"], row["area"], row["call_id"], row["exercise"], row["state"], row["begun_at"],
        row["ended_at"], row["position"],
    )  # fmt: skip
