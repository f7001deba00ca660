"""The audit's chains as they stand, and the signed anchors beside them."""

from __future__ import annotations

from datetime import datetime

import asyncpg

from shared.database import Connection, Search

Row = asyncpg.Record

# The text that was hashed (core migration 0005), put together by PostgreSQL's own functions alone.
READ_LINKS = """
select lane, lane_seq, id, hash, jsonb_build_array(
    lane, lane_seq, id, (extract(epoch from at) * 1000000)::bigint, caller, role,
    purpose, act, noun, subject_id, detail, to_jsonb(areas))::text as text
from audit where (lane, lane_seq) > ($1::smallint, $2::bigint) order by lane, lane_seq limit $3
"""
READ_HEADS = "select lane, seq, hash from audit_lane where lane >= 0 and seq > 0 order by lane"
READ_BEGIN = "select id from audit_begin where one"
UNCHAINED = "select id from audit where lane is null and id > $1 order by id limit 100"
READ_ANCHORS = "select number, at, heads, mac, key_id from audit_anchor where number > 0 order by number"
LAST_ANCHOR = "select number, at, heads, mac, key_id from audit_anchor where number > 0 order by number desc limit 1"
WRITE_ANCHOR = """
insert into audit_anchor (number, at, heads, mac, key_id) values ($1, $2, $3, $4, $5) on conflict do nothing
"""
FORGET_ANCHORS = "delete from audit_anchor where number <= $1"
AT_OF = "select at from audit where lane = $1 and lane_seq = $2"
READ_EVENTS = Search("""
select id, at, caller, role, purpose, act, noun, subject_id, detail from audit
where id > $1 and ($2::uuid is null or subject_id = $2 or (detail ? 'ids' and detail -> 'ids' ? $2::text))
  and ($3::timestamptz is null or at >= $3) and ($4::timestamptz is null or at < $4)
  and ($5::text[] is null or areas && $5)
order by id limit $6
""")


async def read_links(db: Connection, lane: int, seq: int, limit: int) -> list[Row]:
    """The next links after this place, in the order of lane and number."""
    return await db.fetch(READ_LINKS, lane, seq, limit)


async def read_heads(db: Connection) -> dict[int, tuple[int, bytes]]:
    """Lane → number and hash of its last row, of lanes that hold any."""
    return {row["lane"]: (row["seq"], row["hash"]) for row in await db.fetch(READ_HEADS)}


async def read_begin(db: Connection) -> int:
    """The last row's id from before there were chains."""
    found: int = await db.fetchval(READ_BEGIN)
    return found


async def unchained(db: Connection, after: int) -> list[int]:
    """Rows that no chain holds, at most a hundred."""
    return [row["id"] for row in await db.fetch(UNCHAINED, after)]


async def read_anchors(db: Connection) -> list[Row]:
    return await db.fetch(READ_ANCHORS)


async def last_anchor(db: Connection) -> Row | None:
    return await db.fetchrow(LAST_ANCHOR)


async def write_anchor(db: Connection, number: int, at: datetime, heads: str, mac: bytes, key_id: int) -> None:
    await db.execute(WRITE_ANCHOR, number, at, heads, mac, key_id)


async def forget_anchors(db: Connection, until: int) -> None:
    await db.execute(FORGET_ANCHORS, until)


async def at_of(db: Connection, lane: int, seq: int) -> datetime | None:
    """When the row in this place was written."""
    found: datetime | None = await db.fetchval(AT_OF, lane, seq)
    return found
