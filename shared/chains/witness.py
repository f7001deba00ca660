"""Where the audit's chains stood, signed every few minutes; and the whole of them read again from the beginning.

A signature needs a key that the database does not know: who may write there can recompute hashes, but cannot sign.
The newest anchor vouches for everything before it, so only the last ones are kept. Where a service was given no key it
works all the same, and whoever verifies is told that nobody signs.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import orjson
import structlog
from prometheus_client import Gauge

from shared.chains import store
from shared.chains.rules import Fault, Heads, Link, Reader
from shared.chains.store import Row
from shared.crypto import Keyring
from shared.database import AWAY, Connection, Pool
from shared.leader import LockConnection
from shared.settings import Settings
from shared.work import now_utc

if TYPE_CHECKING:
    from shared.service import Runtime

log = structlog.get_logger()

EVERY_S: Final = 60.0
KEPT: Final = 1000
LATE: Final = timedelta(minutes=15)
"""Rows that are older than this and not signed for are a fault."""
PORTION: Final = 5000
MOST_FAULTS: Final = 200
SIGNED_AT = Gauge("karuna_audit_signed_timestamp_seconds", "When the audit's chains were last signed")


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


def keys_of(settings: Settings) -> Keyring | None:
    """What this service signs with: its field key where it has one, as the registry always did, else its audit key.

    Raises:
        BadKey: the setting holds no keys.

    """
    key = settings.field_key or settings.audit_key
    return Keyring.of(key.get_secret_value()) if key else None


async def begin(runtime: Runtime) -> None:
    """Sign for what was written last before this service stood still: nobody could until now.

    Raises:
        BadKey: the setting holds no keys; the process ends before it serves anybody.

    """
    keys = keys_of(runtime.settings)
    if keys is None:
        log.warning("audit.no_key")
        return
    with suppress(*AWAY):  # then the job signs as soon as the database is there
        await anchor(runtime.pool, keys, now_utc())


async def witness(runtime: Runtime) -> None:
    """A job beside every service, one process at a time."""
    keys = keys_of(runtime.settings)

    async def lead(connection: LockConnection) -> None:
        while not connection.is_closed():
            if keys is not None:
                await anchor(runtime.pool, keys, now_utc())
            await asyncio.sleep(EVERY_S)

    await runtime.leadership.hold("witness", lead)


async def anchor(pool: Pool, keys: Keyring, now: datetime) -> bool:
    """Sign where the lanes stand; False where nothing was added since, and the last signature is under today's key."""
    async with pool.acquire() as db, db.transaction():
        last = await store.last_anchor(db)
        heads = written(await store.read_heads(db))
        if last is not None and last["heads"] == heads and last["key_id"] == keys.current:
            return False
        number = 1 + (last["number"] if last else 0)
        mac = keys.mark("audit_anchor", text_of(number, now, heads))
        await store.write_anchor(db, number, now, heads, mac, keys.current)
        await store.forget_anchors(db, number - KEPT)
    SIGNED_AT.set(now.timestamp())
    # A record outside the database: whoever takes back the last anchors there does not reach the logs.
    log.info("audit.signed", number=number, mac=mac.hex())
    return True


async def verify(pool: Pool, keys: Keyring | None, now: datetime) -> Findings:
    """Read every row again, in one picture of the database, and say what does not fit."""
    async with pool.acquire() as db, db.transaction(isolation="repeatable_read", readonly=True):
        return await findings(db, keys, now)


async def findings(db: Connection, keys: Keyring | None, now: datetime) -> Findings:
    """What :func:`verify` says of the picture that this transaction has."""
    heads, begin = await store.read_heads(db), await store.read_begin(db)
    rows = await store.read_anchors(db)
    faults = list(anchor_faults(rows, keys))
    good = [row for row in rows if signed_by(row, keys)]
    faults += [Fault("inserted", None, row_id) for row_id in await store.unchained(db, begin)]
    reader = Reader(heads, vouched(good))
    lane, seq = -1, 0
    while links := await store.read_links(db, lane, seq, PORTION):
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
        at = await store.at_of(db, lane, stood.get(lane, (0, b""))[0] + 1)
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


def known(keys: Keyring | None) -> frozenset[int]:
    return frozenset(key.id for key in keys.keys) if keys else frozenset()


def signed_by(row: Row, keys: Keyring | None) -> bool:
    """Whether one of our keys signed this anchor as it stands."""
    if keys is None:
        return False
    text = text_of(row["number"], row["at"], row["heads"])
    return any(hmac.compare_digest(mark, row["mac"]) for mark in keys.marks("audit_anchor", text))


def anchor_faults(rows: list[Row], keys: Keyring | None) -> Iterable[Fault]:
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
