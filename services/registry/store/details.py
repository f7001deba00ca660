"""What is added to a person's record: addresses, telephones, groups; and who asked that somebody be secret."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.registry.store.people import Doc
from shared.database import Connection, Pool, Search, look_up

Row = asyncpg.Record

READ_ADDRESSES = """
select distinct on (a.kind) a.*, n.th, n.en from address a left join area_node n on n.code = a.area_code
where a.person_id = any(array(select records_of($1))) and a.until_on is null
order by a.kind, a.person_id <> survivor_of($1), a.since_on desc, a.id
"""
# One that begins and ends on the same day was a slip of the pen, yet it stays.
END_ADDRESSES = """
update address set until_on = greatest(since_on, $3::date)
where person_id = $1 and kind = any($2::text[]) and until_on is null
"""
ADD_ADDRESSES = "insert into address select r.* from jsonb_populate_recordset(null::address, $1) as r"


async def read_addresses(db: Connection | Pool, person_id: UUID) -> list[Row]:
    """The addresses that stand, at most one of a kind: the survivor's before those of other records."""
    return await db.fetch(READ_ADDRESSES, person_id)


async def replace_addresses(
    db: Connection, person_id: UUID, kinds: Sequence[str], rows: Sequence[Doc], on: date
) -> None:
    """End the addresses of these kinds and write the new ones."""
    await db.execute(END_ADDRESSES, person_id, list(kinds), on)
    await db.execute(ADD_ADDRESSES, list(rows))


LOCK_MEMBERSHIP = """
select g.*, p.area, p.exercise, p.disclosure from membership g join person p on p.id = g.person_id
where g.id = $2 and g.person_id = any(array(select records_of($1))) for update of g
"""
END_MEMBERSHIP = "update membership set until_on = $2 where id = $1"
FIND_MEMBERSHIP = """
select id from membership where person_id = any(array(select records_of($1))) and group_code = $2 and until_on is null
"""


async def lock_membership(db: Connection, person_id: UUID, membership_id: UUID) -> Row | None:
    """A membership of any record of the person."""
    return await db.fetchrow(LOCK_MEMBERSHIP, person_id, membership_id)


async def end_membership(db: Connection, membership_id: UUID, until_on: date) -> None:
    await db.execute(END_MEMBERSHIP, membership_id, until_on)


async def find_membership(db: Connection, person_id: UUID, group: str) -> UUID | None:
    """Their membership of a group that has no end yet."""
    found: UUID | None = await db.fetchval(FIND_MEMBERSHIP, person_id, group)
    return found


# --- secret, or not any more --------------------------------------------------------------------------------------

ASK = """
insert into disclosure_request (id, person_id, wanted, reason, asked_by, asked_at)
select $1, survivor_of($2), $3, $4, $5, $6 on conflict do nothing returning id
"""
READ_ASKED = Search("""
select d.id, d.person_id, d.wanted, d.reason, d.asked_at, p.area from disclosure_request d
join person p on p.id = d.person_id
where d.approved is null and p.erased_at is null and ($1::text[] is null or p.area = any($1))
order by d.id limit 100
""")
LOCK_ASKED = """
select d.*, p.area from disclosure_request d join person p on p.id = d.person_id
where d.id = $1 and p.erased_at is null and ($2::text[] is null or p.area = any($2)) for update of d
"""
DECIDE = "update disclosure_request set approved = $2, decided_by = $3, decided_at = $4 where id = $1"
SHOW_PERSON = """
update person set disclosure = 'restricted', changed_at = $2
where id = any(array(select records_of($1))) and disclosure = 'secret'
"""
STILL_IN = """
select exists (select from membership where person_id = any(array(select records_of($1))) and until_on is null
               and group_code = any($2::text[]))
"""


async def ask(db: Connection, values: Sequence[Any]) -> bool:
    """``id, person_id, wanted, reason, asked_by, asked_at``; False where one waits already."""
    return await db.fetchval(ASK, *values) is not None


async def read_asked(db: Connection | Pool, areas: Sequence[str] | None) -> list[Row]:
    """What waits for another person's yes."""
    return await look_up(db, READ_ASKED, areas)


async def lock_asked(db: Connection, request_id: UUID, areas: Sequence[str] | None) -> Row | None:
    return await db.fetchrow(LOCK_ASKED, request_id, areas)


async def decide(db: Connection, request_id: UUID, decided_by: str, at: datetime, *, approved: bool) -> None:
    await db.execute(DECIDE, request_id, approved, decided_by, at)


async def show(db: Connection, person_id: UUID, at: datetime) -> None:
    """No record of the person is secret any more."""
    await db.execute(SHOW_PERSON, person_id, at)


async def in_secret_group(db: Connection, person_id: UUID, groups: Sequence[str]) -> bool:
    return bool(await db.fetchval(STILL_IN, person_id, list(groups)))
