"""Agreements with their signatures, as the rules see them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.registry.rules.fields import FieldClass
from services.registry.rules.grounds import Agreement
from shared.database import Connection, Pool, Search, look_up

Row = asyncpg.Record

WRITE_AGREEMENT = """
insert into agreement (id, area, title_th, title_en, parties, areas, purposes, field_class, bases, from_on, until_on,
                       writes, made_by, made_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
"""
READ_AGREEMENT = """
select a.*, array(select s.party from signature s where s.agreement_id = a.id order by s.party) as signed
from agreement a where a.id = $1
"""
LOCK_AGREEMENT = "select id from agreement where id = $1 for update"
BETWEEN = """
select a.*, array(select s.party from signature s where s.agreement_id = a.id order by s.party) as signed
from agreement a where a.parties @> $1::text[] order by a.id
"""
LIST_AGREEMENTS = Search("""
select a.*, array(select s.party from signature s where s.agreement_id = a.id order by s.party) as signed
from agreement a where ($1::text[] is null or a.parties && $1) and ($2::uuid is null or a.id > $2)
order by a.id limit $3
""")
SIGN = """
insert into signature (agreement_id, party, signed_by, paper, signed_at) values ($1, $2, $3, $4, $5)
on conflict do nothing
"""
READ_SIGNATURES = "select * from signature where agreement_id = $1 order by party"
END_AGREEMENT = """
update agreement set ended_on = $2, ended_by = $3, end_reason = $4 where id = $1 and ended_on is null returning id
"""


async def write_agreement(db: Connection, agreement_id: UUID, values: Sequence[Any]) -> None:
    await db.execute(WRITE_AGREEMENT, agreement_id, *values)


async def read_agreement(db: Connection | Pool, agreement_id: UUID) -> Row | None:
    """With ``signed``: the parties that have."""
    return await db.fetchrow(READ_AGREEMENT, agreement_id)


async def lock_agreement(db: Connection, agreement_id: UUID) -> None:
    """Two who sign or end it at once come one after the other."""
    await db.execute(LOCK_AGREEMENT, agreement_id)


async def between(db: Connection | Pool, parties: Sequence[str]) -> list[Agreement]:
    """Every agreement to which all of these are parties, whether or not it holds."""
    return [as_rule(row) for row in await db.fetch(BETWEEN, list(parties))]


async def list_agreements(pool: Pool, parties: Sequence[str] | None, after: UUID | None, limit: int) -> list[Row]:
    """Those to which one of these is a party; None: all."""
    return await look_up(pool, LIST_AGREEMENTS, parties, after, limit)


async def sign(db: Connection, agreement_id: UUID, party: str, by: str, paper: str | None, at: datetime) -> None:
    await db.execute(SIGN, agreement_id, party, by, paper, at)


async def read_signatures(pool: Pool | Connection, agreement_id: UUID) -> list[Row]:
    return await pool.fetch(READ_SIGNATURES, agreement_id)


async def end_agreement(db: Connection, agreement_id: UUID, on: date, by: str, reason: str) -> bool:
    """False: it was ended before."""
    return await db.fetchval(END_AGREEMENT, agreement_id, on, by, reason) is not None


def as_rule(row: Row) -> Agreement:
    return Agreement(
        id=row["id"],
        parties=frozenset(row["parties"]),
        signed=frozenset(row["signed"]),
        areas=frozenset(row["areas"]),
        purposes=frozenset(row["purposes"]),
        field_class=FieldClass(row["field_class"]),
        bases=frozenset(row["bases"]),
        from_on=row["from_on"],
        until_on=row["until_on"],
        ended_on=row["ended_on"],
        writes=frozenset(row["writes"]),
    )
