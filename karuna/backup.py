"""Backup of everything that is the truth, and restore into an empty place, with the figures compared.

The truth is PostgreSQL and the keys. Streams are refilled from the archive; erasures are applied again, so that
nobody comes back from a backup.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

import asyncpg

from karuna import manifest
from karuna.local import Local
from karuna.manifest import FIGURES, MANIFEST
from karuna.platform.files import write_private
from karuna.platform.postgres import wheel_bin_dir
from karuna.rebuild import rebuild
from shared.bus import Bus, BusSettings
from shared.streams import LISTENERS, SERVICES, stream_name

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
KEPT = ("keys", "subscribers")
"""Folders of the home that go along with the dumps."""
FILLED = (*KEPT, "postgres", "nats")
"""What a restore makes in the home."""
LEFT_OUT = {"console": ("--exclude-table-data=session",)}
"""Who is signed in is not brought back: everybody signs in again, and what was revoked stays so."""
PLAIN = ("--no-owner", "--no-privileges")
"""Owners and rights are made anew by the place that is restored into."""
NOBODY_SPEAKS = "set local lock_timeout = '10s'; lock table outbox in share mode"
"""Whoever wants to say something waits until this transaction ends: some milliseconds."""
TABLES = """
select table_name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'
  and table_name <> 'session' order by table_name
"""


class NotEmpty(RuntimeError):
    """The place to restore into holds data already."""


class InsideHome(RuntimeError):
    """The backup would lie in the very folder that it saves: whatever takes the one takes the other."""


class Different(RuntimeError):
    """What was restored is not what was saved; the message names the tables."""


async def backup(local: Local, folder: Path) -> dict[str, Any]:
    """Write dumps, keys, subscribers, figures and the manifest into ``folder`` (mode 0700), while the services go on.

    All databases are dumped as they stood at one moment, each with its figures.

    Raises:
        InsideHome: the folder lies inside the installation's own.
        FileExistsError: there is such a folder already.

    """
    await asyncio.to_thread(_outside, folder, local.home.path)
    await asyncio.to_thread(folder.mkdir, mode=0o700, parents=True)
    figures: dict[str, Any] = {"made_at": datetime.now(UTC).isoformat(), "manifest": MANIFEST, "tables": {}}
    async with AsyncExitStack() as reading:
        readers = [await _reader(local, service, reading) for service in LISTENERS]
        snapshots = await _one_moment(local, readers)
        for service, reader, snapshot in zip(LISTENERS, readers, snapshots, strict=True):
            saved = (f"--snapshot={snapshot}", f"--file={folder / service}.dump", *LEFT_OUT.get(service, ()))
            await _pg("pg_dump", local.postgres.owner_dsn(service), "--format=custom", *PLAIN, *saved)
            figures["tables"][service] = await count_rows(reader)
    for name in KEPT:
        shutil.copytree(local.home.path / name, folder / name)
    write_private(folder / FIGURES, json.dumps(figures, indent=1))
    await asyncio.to_thread(manifest.write, folder)
    return figures


def _outside(folder: Path, home: Path) -> None:
    """Raises InsideHome."""
    if folder.resolve().is_relative_to(home.resolve()):
        raise InsideHome(
            f"เก็บข้อมูลสำรองไว้ใน {home} ไม่ได้ เพราะจะหายไปพร้อมกัน ให้เลือกที่อื่น ดีที่สุดคือดิสก์หรือเครื่องอื่น "
            f"(a backup inside {home} is lost together with it: choose another place, best on another disk or machine)"
        )


async def _reader(local: Local, service: str, reading: AsyncExitStack) -> Connection:
    """A connection whose transaction sees one moment: that of its first question."""
    connection = await asyncpg.connect(local.postgres.owner_dsn(service))
    reading.push_async_callback(connection.close)
    await reading.enter_async_context(connection.transaction(isolation="repeatable_read", readonly=True))
    return connection


async def _one_moment(local: Local, readers: Sequence[Connection]) -> list[str]:
    """The readers' snapshots, all taken while nobody can say anything.

    Else a service dumped later could have heard an event that its owner, dumped earlier, does not know: after a
    restore the owner would give that number to another event, which nobody would hear.
    """
    async with AsyncExitStack() as holding:
        for service in LISTENERS:
            connection = await asyncpg.connect(local.postgres.owner_dsn(service))
            holding.push_async_callback(connection.close)
            await holding.enter_async_context(connection.transaction())
            await connection.execute(NOBODY_SPEAKS)
        return [await reader.fetchval("select pg_export_snapshot()") for reader in readers]


async def restore(local: Local, folder: Path) -> dict[str, Any]:
    """Fill an empty installation from ``folder``; ``take_keys`` must have been called before ``local`` was made.

    Raises:
        NotEmpty: there is data already.
        Different: a table has not as many rows as were saved.

    """
    await local.postgres.start()
    await local.nats.start()
    for service in LISTENERS:
        connection = await asyncpg.connect(local.postgres.owner_dsn(service))
        try:
            if await connection.fetch(TABLES):
                raise NotEmpty(f"ฐานข้อมูล {service} มีข้อมูลอยู่แล้ว (database {service} is not empty)")
        finally:
            await connection.close()
        whole = ("--exit-on-error", "--single-transaction", str(folder / f"{service}.dump"))
        await _pg("pg_restore", local.postgres.owner_dsn(service), *PLAIN, *whole)
    figures = await compare(local, folder)
    await local.furnish()
    for service in SERVICES:
        await _refill(local, service)
    return figures


def refuse_filled(home: Path) -> None:
    """Raises NotEmpty."""
    for place in (home / name for name in FILLED):
        if _filled(place):
            raise NotEmpty(f"มีข้อมูลอยู่แล้ว (not empty): {place}")


def take_keys(folder: Path, home: Path) -> None:
    """The first step of a restore: keys and subscribers, into a home that has nothing."""
    for name in KEPT:
        shutil.copytree(folder / name, home / name, dirs_exist_ok=True)


def take_back(home: Path) -> list[Path]:
    """Remove what a restore that failed has made in a home that ``refuse_filled`` let pass; gives what would not go."""
    places = [home / name for name in FILLED]
    for place in places:
        shutil.rmtree(place, ignore_errors=True)
    return [place for place in places if _filled(place)]


def _filled(place: Path) -> bool:
    return place.exists() and any(place.iterdir())


async def compare(local: Local, folder: Path) -> dict[str, Any]:
    """The saved figures, when the restored ones are the same."""
    figures: dict[str, Any] = json.loads((folder / FIGURES).read_text("utf-8"))
    wrong = []
    for service in LISTENERS:
        connection = await asyncpg.connect(local.postgres.owner_dsn(service))
        try:
            now = await count_rows(connection)
        finally:
            await connection.close()
        saved = figures["tables"][service]
        wrong += [
            f"{service}.{t}: {saved.get(t)} → {now.get(t)}"
            for t in saved.keys() | now.keys()
            if saved.get(t) != now.get(t)
        ]
    if wrong:
        raise Different("; ".join(sorted(wrong)))
    return figures


async def count_rows(connection: Connection) -> dict[str, int]:
    """Rows by table, within the connection's transaction."""
    tables = [row["table_name"] for row in await connection.fetch(TABLES)]
    return {table: await connection.fetchval(f'select count(*) from "{table}"') for table in tables}  # noqa: S608


async def _refill(local: Local, service: str) -> None:
    bus = Bus(BusSettings(local.nats.url, "provisioner", local.accounts.creds("provisioner")))
    await bus.open()
    try:
        await rebuild(local.postgres.owner_dsn(service), bus, stream_name(service))
    finally:
        await bus.close()


async def _pg(program: str, dsn: str, *arguments: str) -> None:
    """Run a PostgreSQL client program; the password goes through the environment, not the command line."""
    named = os.environ.get("KARUNA_POSTGRES_BIN")
    binary = (Path(named) if named else wheel_bin_dir()) / program
    done = await asyncio.to_thread(
        subprocess.run,
        [str(binary), f"--dbname={_without_password(dsn)}", *arguments],
        env={"PATH": os.environ.get("PATH", ""), "PGPASSWORD": _password(dsn)},
        capture_output=True,
        check=False,
        text=True,
        umask=0o077,  # a dump is readable by its owner alone, wherever it is carried
    )
    if done.returncode != 0:
        raise RuntimeError(f"{program}: {done.stderr.strip()[-500:]}")


def _password(dsn: str) -> str:
    return dsn.split("://", 1)[1].split("@", 1)[0].partition(":")[2]


def _without_password(dsn: str) -> str:
    scheme, rest = dsn.split("://", 1)
    who, place = rest.split("@", 1)
    return f"{scheme}://{who.partition(':')[0]}@{place}"
