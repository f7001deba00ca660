"""What people consented to, who must hear that they withdrew it, and records opened in an emergency."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.registry.rules.grounds import BreakGlass, Consent
from shared.database import Connection, Pool, Search, look_up

Row = asyncpg.Record
NOBODY = UUID(int=0)
"""Every id comes after it."""

WRITE_CONSENT = """
insert into consent (id, person_id, purpose, agency_id, given_by, paper, given_at, until_on, recorded_by, recorded_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""
READ_CONSENTS = "select * from consent where person_id = any($1::uuid[]) order by person_id, id"
READ_AREAS = """
select person_id, area_code from address
where person_id = any($1::uuid[]) and until_on is null and area_code is not null
"""
LOCK_CONSENT = "select * from consent where id = $1 for update"
WITHDRAW = "update consent set withdrawn_at = $2, withdrawn_by = $3, withdrawal_paper = $4 where id = $1"
MUST_HEAR = """
insert into withdrawal (consent_id, agency_id, area, due_at)
select $1, unnest($2::uuid[]), $3, $4 on conflict do nothing
"""
KNOWN_AGENCIES = "select id from agency where id = any($1::uuid[]) order by id"
LIST_WITHDRAWALS = Search("""
select w.*, c.person_id, c.purpose, c.withdrawn_at from withdrawal w join consent c on c.id = w.consent_id
where ($1::text[] is null or w.area = any($1)) and ($2::uuid is null or w.agency_id = $2)
  and ($3::timestamptz is null or (w.acknowledged_at is null and w.due_at < $3))
  and ($4::boolean or w.acknowledged_at is null)
  and ($5::uuid is null or (w.consent_id, w.agency_id) > ($5, $6::uuid))
order by w.consent_id, w.agency_id limit $7
""")
READ_HEARD = """
select consent_id, agency_id, due_at, acknowledged_at from withdrawal where consent_id = any($1::uuid[])
order by consent_id, agency_id
"""
ACKNOWLEDGE = """
update withdrawal set acknowledged_at = coalesce(acknowledged_at, $3), acknowledged_by = coalesce(acknowledged_by, $4)
where consent_id = any($1::uuid[]) and agency_id = $2
returning consent_id
"""
COUNT_OVERDUE = "select count(*) from withdrawal where acknowledged_at is null and due_at < $1"
COUNT_UNREVIEWED = "select count(*) from break_glass where reviewed_at is null and id > $1"
FORGET_WITHDRAWALS = """
delete from withdrawal where consent_id in (select id from consent where person_id = any($1::uuid[]))
"""
FORGET_CONSENTS = "delete from consent where person_id = any($1::uuid[]) returning id"
FORGET_REASONS = "update break_glass set reason = 'erased' where person_id = any($1::uuid[])"

OPEN_GLASS = """
insert into break_glass (id, person_id, area, agency_id, caller, role, reason, from_at, until_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
READ_GLASS = "select * from break_glass where person_id = $1 and caller = $2 and until_at > $3 order by id"
LIST_GLASS = Search("""
select * from break_glass where ($1::text[] is null or area = any($1)) and ($2::boolean or reviewed_at is null)
  and ($3::uuid is null or id > $3) and ($5::uuid is null or person_id = $5) order by id limit $4
""")
LOCK_GLASS = "select * from break_glass where id = $1 for update"
# What was not justified ends with the finding.
REVIEW_GLASS = """
update break_glass set reviewed_at = $2, reviewed_by = $3, finding = $4,
    until_at = case when $4 = 'unjustified' then greatest(from_at + interval '1 microsecond', least(until_at, $2))
                    else until_at end
where id = $1
"""


async def write_consent(db: Connection, consent_id: UUID, values: Sequence[Any]) -> None:
    await db.execute(WRITE_CONSENT, consent_id, *values)


async def read_consents(db: Connection | Pool, person_ids: Sequence[UUID]) -> list[Row]:
    return await db.fetch(READ_CONSENTS, list(person_ids))


async def read_areas(db: Connection | Pool, person_ids: Sequence[UUID]) -> dict[UUID, frozenset[str]]:
    """Person → the official codes of where they are registered and live now."""
    found: dict[UUID, frozenset[str]] = {}
    for row in await db.fetch(READ_AREAS, list(person_ids)):
        found[row["person_id"]] = found.get(row["person_id"], frozenset()) | {row["area_code"]}
    return found


async def lock_consent(db: Connection, consent_id: UUID) -> Row | None:
    return await db.fetchrow(LOCK_CONSENT, consent_id)


async def withdraw(db: Connection, consent_id: UUID, at: datetime, by: str, paper: str | None) -> None:
    await db.execute(WITHDRAW, consent_id, at, by, paper)


async def must_hear(db: Connection, consent_id: UUID, agency_ids: Sequence[UUID], area: str, due_at: datetime) -> None:
    """These agencies have to acknowledge that it was withdrawn."""
    await db.execute(MUST_HEAR, consent_id, list(agency_ids), area, due_at)


async def known_agencies(db: Connection, ids: Sequence[UUID]) -> list[UUID]:
    return [row["id"] for row in await db.fetch(KNOWN_AGENCIES, list(ids))]


async def list_withdrawals(
    pool: Pool, areas: Sequence[str] | None, agency_id: UUID | None, overdue_at: datetime | None, *, done: bool,
    after: tuple[UUID, UUID] | None, limit: int,
) -> list[Row]:  # fmt: skip
    """Withdrawals that wait to be acknowledged; with ``done`` also those that were. ``after``: a consent and agency."""
    last = after or (None, None)
    return await look_up(pool, LIST_WITHDRAWALS, areas, agency_id, overdue_at, done, *last, limit)


async def read_heard(db: Connection | Pool, consent_ids: Sequence[UUID]) -> list[Row]:
    """Who must hear that these were withdrawn, and who has said so."""
    return await db.fetch(READ_HEARD, list(consent_ids))


async def acknowledge(
    db: Connection, consent_ids: Sequence[UUID], agency_id: UUID, at: datetime, by: str
) -> list[UUID]:
    """Which of these were this agency's to acknowledge."""
    return [row["consent_id"] for row in await db.fetch(ACKNOWLEDGE, list(consent_ids), agency_id, at, by)]


async def count_overdue(pool: Pool, now: datetime) -> int:
    found: int = await pool.fetchval(COUNT_OVERDUE, now)
    return found


async def count_unreviewed(pool: Pool) -> int:
    found: int = await pool.fetchval(COUNT_UNREVIEWED, NOBODY)
    return found


async def forget(db: Connection, person_ids: Sequence[UUID]) -> list[UUID]:
    """Of erased people: no consent, and no word of why somebody looked; returns the consents that went."""
    await db.execute(FORGET_WITHDRAWALS, list(person_ids))
    await db.execute(FORGET_REASONS, list(person_ids))
    return [row["id"] for row in await db.fetch(FORGET_CONSENTS, list(person_ids))]


async def open_glass(db: Connection, glass_id: UUID, values: Sequence[Any]) -> None:
    await db.execute(OPEN_GLASS, glass_id, *values)


async def read_glass(db: Connection | Pool, person_id: UUID, caller: str, now: datetime) -> list[Row]:
    """What this caller has opened of this person and is still open."""
    return await db.fetch(READ_GLASS, person_id, caller, now)


async def list_glass(
    pool: Pool, areas: Sequence[str] | None, *, reviewed: bool, after: UUID | None, limit: int,
    person_id: UUID | None = None,
) -> list[Row]:  # fmt: skip
    """Those that wait for a review; with ``reviewed`` all. ``person_id``: of this person alone."""
    return await look_up(pool, LIST_GLASS, areas, reviewed, after, limit, person_id)


async def lock_glass(db: Connection, glass_id: UUID) -> Row | None:
    return await db.fetchrow(LOCK_GLASS, glass_id)


async def review_glass(db: Connection, glass_id: UUID, at: datetime, by: str, finding: str) -> None:
    await db.execute(REVIEW_GLASS, glass_id, at, by, finding)


def consent_as_rule(row: Row) -> Consent:
    return Consent(row["purpose"], row["agency_id"], row["given_at"], row["until_on"], row["withdrawn_at"])


def glass_as_rule(row: Row) -> BreakGlass:
    return BreakGlass(row["caller"], row["agency_id"], row["from_at"], row["until_at"])
