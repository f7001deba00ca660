"""Changing the registry's key, one safe step at a time: a new key behind, then in front, then the old one out.

The file of keys is the launcher's (``<home>/keys/field.key``); a process has what it read at its start, and says which
keys those are in the database (``services/registry/rotation.py``). So a step that some process is not ready for is
refused: who seals under a key that another cannot read makes people unreadable there, and found by nobody.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import asyncpg

from karuna.platform.files import write_private
from services.registry import keys as of_registry
from services.registry.store.sealing import KNOWS, SEALS
from shared.crypto import Keyring

SIGNATURES = "audit_anchor"
"""Not sealed anew: the newest signature vouches for all before it, and is under today's key."""
TABLES = """
select table_name from information_schema.columns
where column_name = 'key_id' and table_schema = current_schema() and table_name <> $1 order by table_name
"""
ROWS = "select key_id as key, count(*) as rows from {table} where key_id is not null group by key_id"
PERSONS = """
select get_byte(blob, 1) * 256 + get_byte(blob, 2) as key, count(*) as rows
from person cross join lateral unnest(array[name, birth, line_user_id, alias, usual_place]) as blob
where blob is not null group by 1
"""
PROCESSES = """
select pid, array_agg(objid::integer order by objid) filter (where classid = $1) as knows,
    min(objid::integer) filter (where classid = $2) as seals
from pg_locks where locktype = 'advisory' and objsubid = 2 and granted and classid in ($1, $2)
    and database = (select oid from pg_database where datname = current_database())
group by pid
"""


class Step(StrEnum):
    """What ``rotate`` did."""

    BEHIND = "behind"
    FRONT = "front"


class TooEarly(RuntimeError):
    """The step would lose something now; the text says what to wait for."""


@dataclass(frozen=True, slots=True)
class Process:
    """A running process of the registry: the keys it can read, and the one it seals with."""

    knows: frozenset[int]
    seals: int


@dataclass(frozen=True, slots=True)
class Standing:
    """Keys as the file has them, the one that is to seal first; rows by key and table; who runs."""

    keys: tuple[int, ...]
    rows: dict[int, dict[str, int]]
    processes: tuple[Process, ...]

    def rows_of(self, key: int) -> int:
        return sum(self.rows.get(key, {}).values())


def known(file: Path) -> tuple[int, ...]:
    """The ids in the file, the one that is to seal first.

    Raises:
        BadKey: the file holds no keys.

    """
    return Keyring.of(file.read_text("utf-8").strip()).ids


async def unopened(dsn: str, setting: str) -> list[int]:
    """Which keys of the setting do not open what is sealed under their number. ``dsn`` is the registry's own.

    Raises:
        BadKey: the setting holds no keys.

    """
    ring = Keyring.of(setting)
    connection = await asyncpg.connect(dsn)
    try:
        return await of_registry.unopened(connection, ring)
    finally:
        await connection.close()


async def standing(dsn: str, ids: tuple[int, ...]) -> Standing:
    """How things stand where the file has these keys. ``dsn`` is the registry's own."""
    connection = await asyncpg.connect(dsn)
    try:
        rows: dict[int, dict[str, int]] = {}
        tables = [row["table_name"] for row in await connection.fetch(TABLES, SIGNATURES)]
        for table, statement in {"person": PERSONS, **{name: ROWS.format(table=name) for name in tables}}.items():
            for row in await connection.fetch(statement):
                rows.setdefault(row["key"], {})[table] = row["rows"]
        running = [
            Process(frozenset(row["knows"] or ()), row["seals"])
            for row in await connection.fetch(PROCESSES, KNOWS, SEALS)
        ]
    finally:
        await connection.close()
    return Standing(ids, rows, tuple(running))


def rotate(file: Path, now: Standing) -> tuple[Step, int]:
    """Take the next step in the file: a new key behind the old ones, or the one that stands behind to the front.

    Returns what was done and the new key's id.

    Raises:
        TooEarly: an older key is still in use, or a running process does not know the new one.

    """
    entries = _entries(file)
    current, newest = now.keys[0], max(now.keys)
    if newest != current:
        _refuse_unless_known(newest, now.processes)
        front = {newest: entries.pop(newest)}
        _write(file, {**front, **entries})
        return Step.FRONT, newest
    if len(now.keys) > 1:
        old = ", ".join(str(key) for key in now.keys[1:])
        raise TooEarly(f"กุญแจเก่ายังไม่ได้ปลด ใช้ karuna keys retire ก่อน (retire the older key first): {old}")
    new = base64.b64encode(secrets.token_bytes(32)).decode()
    _write(file, {**entries, newest + 1: new})
    return Step.BEHIND, newest + 1


def retire(file: Path, now: Standing, key: int, keep: Path) -> None:
    """Take an older key out of the file and put it alone into ``keep``, which must not be there yet.

    Raises:
        LookupError: the file has no such key.
        TooEarly: it seals, rows are under it, or a running process seals with it.
        FileExistsError: ``keep`` is there.

    """
    if key not in now.keys:
        raise LookupError(f"ไม่มีกุญแจนี้ในไฟล์ (no such key in the file): {key}")
    if key == now.keys[0]:
        raise TooEarly(f"กุญแจ {key} ใช้ปิดผนึกอยู่ (key {key} is the one that seals)")
    if any(process.seals == key for process in now.processes):
        raise TooEarly(
            f"ยังมีโปรเซสทะเบียนที่ปิดผนึกด้วยกุญแจ {key} เริ่มใหม่ก่อน (a registry process still seals with key {key}: restart it)"
        )
    if left := now.rows_of(key):
        raise TooEarly(f"ยังมี {left:,} แถวใต้กุญแจ {key} ({left:,} rows are still under key {key}: wait, see keys status)")
    if keep.exists():
        raise FileExistsError(17, "exists", str(keep))
    entries = _entries(file)
    write_private(keep, f"{key}:{entries.pop(key)}")
    _write(file, entries)


def _refuse_unless_known(key: int, processes: Iterable[Process]) -> None:
    unaware = sum(key not in process.knows for process in processes)
    if unaware:
        raise TooEarly(
            f"โปรเซสทะเบียน {unaware} ตัวยังไม่รู้จักกุญแจ {key} เริ่มใหม่ก่อน "
            f"({unaware} registry processes do not know key {key} yet: restart them)"
        )


def _entries(file: Path) -> dict[int, str]:
    """Key id → base64, in the file's order. One without a number is 1."""
    parts = [entry.strip().rpartition(":") for entry in file.read_text("utf-8").split(",")]
    return {int(number or 1): key for number, _, key in parts}


def _write(file: Path, entries: dict[int, str]) -> None:
    setting = ",".join(f"{number}:{key}" for number, key in entries.items())
    Keyring.of(setting)  # never write what a service would refuse
    write_private(file, setting)
