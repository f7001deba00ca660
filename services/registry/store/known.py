"""What was known of a person at some moment, about some day: versions of rows, written by the tables themselves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final
from uuid import UUID

import asyncpg

from services.registry.store.people import Doc
from shared.database import Connection, Pool

Row = asyncpg.Record

# The records that were one person's then; whoever is hidden or erased now stays so.
RECORDS_THEN = """
with recursive one (id) as (
    select $1::uuid
    union
    select case l.person_id when one.id then l.survivor_id else l.person_id end
    from one join person_link l on (l.person_id = one.id or l.survivor_id = one.id)
    where l.linked_at <= $2 and (l.unlinked_at is null or l.unlinked_at > $2)
)
select one.id from one cross join lateral (
    select from person p where p.id = one.id and p.erased_at is null
    and (p.disclosure <> 'secret' or p.id = $1) offset 0
) p
"""
# $1: records; $2: known at; $3: about which day.
PERSONS_THEN = """
select r.*, v.known_from from known_then($1, 'person', $2) v
cross join lateral jsonb_populate_record(null::person, v.doc) r order by r.registered_at, r.id
"""
IDENTIFIERS_THEN = """
select r.* from known_then($1, 'identifier', $2) v cross join lateral jsonb_populate_record(null::identifier, v.doc) r
where r.since_on <= $3 and (r.until_on is null or r.until_on > $3) and r.withdrawn_at is null
order by r.since_on, r.id
"""
CONTACTS_THEN = """
select r.*, false as shared from known_then($1, 'contact', $2) v
cross join lateral jsonb_populate_record(null::contact, v.doc) r
where r.since_at < $3::date + 1 and (r.until_on is null or r.until_on > $3) and r.withdrawn_at is null
order by r.since_at, r.id
"""
ADDRESSES_THEN = """
select r.*, n.th, n.en from known_then($1, 'address', $2) v
cross join lateral jsonb_populate_record(null::address, v.doc) r left join area_node n on n.code = r.area_code
where r.since_on <= $3 and (r.until_on is null or r.until_on > $3) order by r.kind, r.id
"""
MEMBERSHIPS_THEN = """
select r.* from known_then($1, 'membership', $2) v cross join lateral jsonb_populate_record(null::membership, v.doc) r
where r.from_on <= $3 and (r.until_on is null or r.until_on > $3) order by r.from_on, r.id
"""
HOMES_THEN = """
select r.* from known_then($1, 'household_member', $2) v
cross join lateral jsonb_populate_record(null::household_member, v.doc) r
where r.from_on <= $3 and (r.until_on is null or r.until_on > $3) order by r.from_on, r.id
"""

SEALED: Final[dict[str, tuple[str, ...]]] = {
    "person": ("name", "birth", "line_user_id", "alias", "usual_place"),
    "identifier": ("value",),
    "contact": ("value", "name"),
    "address": ("detail",),
}
"""Which fields of a version are sealed."""
OLD_KNOWN = "select * from known where key_id <> $1 limit $2 for update skip locked"
COUNT_OLD_KNOWN = "select count(*) from known where key_id <> $1"
SEAL_KNOWN = """
update known k set doc = r.doc, key_id = r.key_id from jsonb_populate_recordset(null::known, $1) as r
where (k.person_id, k.kind, k.row_id, k.known_from) = (r.person_id, r.kind, r.row_id, r.known_from)
"""


async def records_then(db: Connection | Pool, person_id: UUID, at: datetime) -> list[UUID]:
    """The records that were this person's at that moment."""
    return [row["id"] for row in await db.fetch(RECORDS_THEN, person_id, at)]


async def persons_then(db: Connection | Pool, ids: Sequence[UUID], at: datetime) -> list[Row]:
    """Rows of ``person`` as they stood, with ``known_from``."""
    return await db.fetch(PERSONS_THEN, list(ids), at)


async def rows_then(db: Connection | Pool, statement: str, ids: Sequence[UUID], at: datetime, about: date) -> list[Row]:
    """Rows by one of the statements ``…_THEN`` above, as they stood at a moment, of those that held on a day."""
    return await db.fetch(statement, list(ids), at, about)


async def old(db: Connection, key_id: int, limit: int) -> list[Row]:
    return await db.fetch(OLD_KNOWN, key_id, limit)


async def count_old(db: Connection, key_id: int) -> int:
    found: int = await db.fetchval(COUNT_OLD_KNOWN, key_id)
    return found


async def seal(db: Connection, rows: Sequence[Doc]) -> None:
    await db.execute(SEAL_KNOWN, list(rows))
