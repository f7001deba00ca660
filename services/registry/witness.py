"""Where the audit's chains stood, signed every few minutes; and the whole of them read again from the beginning.

A signature needs the field key, which the database does not know: who may write there can recompute hashes, but
cannot sign. The newest anchor vouches for everything before it, so only the last ones are kept.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import orjson
import structlog
from prometheus_client import Gauge

from services.registry.keys import ring
from services.registry.rules.chain import Fault, Heads, Link, Reader
from services.registry.store import chain
from services.registry.store.people import Row
from shared.crypto import Keyring
from shared.database import Connection, Pool
from shared.leader import LockConnection
from shared.service import Runtime
from shared.work import now_utc

log = structlog.get_logger()

EVERY_S: Final = 60.0
KEPT: Final = 1000
LATE: Final = timedelta(minutes=15)
"""Rows that are older than this and not signed for are a fault."""
PORTION: Final = 5000
MOST_FAULTS: Final = 200
SIGNED_AT = Gauge("karuna_registry_audit_signed_timestamp_seconds", "When the audit's chains were last signed")


@dataclass(frozen=True, slots=True)
class Findings:
    """``before``: rows older than the chains. ``unreadable``: anchors under a key that is not known here."""

    rows: int
    lanes: int
    before: int
    anchors: int
    unreadable: int
    signed_at: datetime | None
    faults: tuple[Fault, ...]
    more: bool


async def witness(runtime: Runtime) -> None:
    """A job beside the service, one process at a time."""

    async def lead(connection: LockConnection) -> None:
        while not connection.is_closed():
            await anchor(runtime.pool, ring(), now_utc())
            await asyncio.sleep(EVERY_S)

    await runtime.leadership.hold("witness", lead)


async def anchor(pool: Pool, keys: Keyring, now: datetime) -> bool:
    """Sign where the lanes stand; False where nothing was added since, and the last signature is under today's key."""
    async with pool.acquire() as db, db.transaction():
        last = await chain.last_anchor(db)
        heads = written(await chain.read_heads(db))
        if last is not None and last["heads"] == heads and last["key_id"] == keys.current:
            return False
        number = 1 + (last["number"] if last else 0)
        mac = keys.mark("audit_anchor", text_of(number, now, heads))
        await chain.write_anchor(db, number, now, heads, mac, keys.current)
        await chain.forget_anchors(db, number - KEPT)
    SIGNED_AT.set(now.timestamp())
    # A record outside the database: whoever takes back the last anchors there does not reach the logs.
    log.info("audit.signed", number=number, mac=mac.hex())
    return True


async def verify(pool: Pool, keys: Keyring, now: datetime) -> Findings:
    """Read every row again, in one picture of the database, and say what does not fit."""
    async with pool.acquire() as db, db.transaction(isolation="repeatable_read", readonly=True):
        return await findings(db, keys, now)


async def findings(db: Connection, keys: Keyring, now: datetime) -> Findings:
    """What :func:`verify` says of the picture that this transaction has."""
    heads, begin = await chain.read_heads(db), await chain.read_begin(db)
    rows = await chain.read_anchors(db)
    faults = list(anchor_faults(rows, keys))
    good = [row for row in rows if signed_by(row, keys)]
    faults += [Fault("inserted", None, row_id) for row_id in await chain.unchained(db, begin)]
    reader = Reader(heads, vouched(good))
    lane, seq = -1, 0
    while links := await chain.read_links(db, lane, seq, PORTION):
        faults += reader.read(Link(row["lane"], row["lane_seq"], row["id"], row["text"], row["hash"]) for row in links)
        lane, seq = links[-1]["lane"], links[-1]["lane_seq"]
        await asyncio.sleep(0)  # others' requests come in between
    faults += reader.end()
    faults += await _unsigned(db, good, heads, now)
    return Findings(
        rows=reader.rows,
        lanes=len(heads),
        before=begin,
        anchors=len(rows),
        unreadable=sum(row["key_id"] not in known(keys) for row in rows),
        signed_at=good[-1]["at"] if good else None,
        faults=tuple(faults[:MOST_FAULTS]),
        more=len(faults) > MOST_FAULTS,
    )


async def _unsigned(db: Connection, good: list[Row], heads: Heads, now: datetime) -> list[Fault]:
    """Lanes that went on long ago and were not signed for: somebody may have taken the anchors away."""
    stood = read_heads(good[-1]["heads"]) if good else {}
    late = []
    for lane in sorted(heads):
        at = await chain.at_of(db, lane, stood.get(lane, (0, b""))[0] + 1)
        if at is not None and at < now - LATE:
            late.append(Fault("unsigned", lane, None))
    return late


# --- anchors ------------------------------------------------------------------------------------------------------


def written(heads: Heads) -> str:
    return orjson.dumps({str(lane): [seq, value.hex()] for lane, (seq, value) in sorted(heads.items())}).decode()


def read_heads(text: str) -> dict[int, tuple[int, bytes]]:
    return {int(lane): (seq, bytes.fromhex(value)) for lane, (seq, value) in orjson.loads(text).items()}


def text_of(number: int, at: datetime, heads: str) -> str:
    """What is signed: number, moment in seconds, and where the lanes stood."""
    return f"{number}|{at.timestamp():.6f}|{heads}"


def known(keys: Keyring) -> frozenset[int]:
    return frozenset(key.id for key in keys.keys)


def signed_by(row: Row, keys: Keyring) -> bool:
    """Whether one of our keys signed this anchor as it stands."""
    text = text_of(row["number"], row["at"], row["heads"])
    return any(hmac.compare_digest(mark, row["mac"]) for mark in keys.marks("audit_anchor", text))


def anchor_faults(rows: list[Row], keys: Keyring) -> Iterable[Fault]:
    """A number that is missing, or an anchor that was changed. ``count`` is its number."""
    for place, row in enumerate(rows):
        hole = place and row["number"] != rows[place - 1]["number"] + 1
        if hole or (row["key_id"] in known(keys) and not signed_by(row, keys)):
            yield Fault("anchor", None, None, row["number"])


def vouched(good: Iterable[Row]) -> Mapping[tuple[int, int], bytes]:
    """(lane, number) → hash, of every good anchor; of two that differ the older one holds."""
    places: dict[tuple[int, int], bytes] = {}
    for row in good:
        for lane, (seq, value) in read_heads(row["heads"]).items():
            places.setdefault((lane, seq), value)
    return places
