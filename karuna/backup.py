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
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg

from karuna.local import Local
from karuna.platform.files import write_private
from karuna.platform.postgres import wheel_bin_dir
from karuna.rebuild import rebuild
from shared.bus import Bus, BusSettings
from shared.streams import SERVICES, stream_name

FIGURES = "figures.json"
PLAIN = ("--no-owner", "--no-privileges")
"""Owners and rights are made anew by the place that is restored into."""
TABLES = """
select table_name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'
order by table_name
"""


class NotEmpty(RuntimeError):
    """The place to restore into holds data already."""


class Different(RuntimeError):
    """What was restored is not what was saved; the message names the tables."""


async def backup(local: Local, folder: Path) -> dict[str, Any]:
    """Write dumps, keys and figures into ``folder`` (made with mode 0700). The services may go on meanwhile.

    Each database is dumped in one snapshot together with its figures.
    """
    await asyncio.to_thread(folder.mkdir, mode=0o700, parents=True)
    figures: dict[str, Any] = {"made_at": datetime.now(UTC).isoformat(), "tables": {}}
    for service in SERVICES:
        connection = await asyncpg.connect(local.postgres.owner_dsn(service))
        try:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                snapshot = await connection.fetchval("select pg_export_snapshot()")
                dump = folder / f"{service}.dump"
                arguments = [
                    "--format=custom",
                    "--no-owner",
                    "--no-privileges",
                    f"--snapshot={snapshot}",
                    f"--file={dump}",
                ]
                await _pg("pg_dump", local.postgres.owner_dsn(service), *arguments)
                figures["tables"][service] = await count_rows(connection)
        finally:
            await connection.close()
    shutil.copytree(local.home.keys, folder / "keys")
    write_private(folder / FIGURES, json.dumps(figures, indent=1))
    return figures


async def restore(local: Local, folder: Path) -> dict[str, Any]:
    """Fill an empty installation from ``folder``; ``take_keys`` must have been called before ``local`` was made.

    Raises:
        NotEmpty: there is data already.
        Different: a table has not as many rows as were saved.

    """
    await local.postgres.start()
    await local.nats.start()
    for service in SERVICES:
        connection = await asyncpg.connect(local.postgres.owner_dsn(service))
        try:
            if await connection.fetch(TABLES):
                raise NotEmpty(f"database {service} is not empty")
        finally:
            await connection.close()
        dsn = local.postgres.owner_dsn(service)
        await _pg(
            "pg_restore",
            dsn,
            "--no-owner",
            "--no-privileges",
            "--exit-on-error",
            "--single-transaction",
            str(folder / f"{service}.dump"),
        )
    await local.start_ground()
    figures = await compare(local, folder)
    for service in SERVICES:
        await _refill(local, service)
    return figures


def take_keys(folder: Path, home: Path) -> None:
    """The first step of a restore: the keys, into a home that has none."""
    keys = home / "keys"
    if keys.exists() and any(keys.iterdir()):
        raise NotEmpty(f"{keys} is not empty")
    shutil.copytree(folder / "keys", keys, dirs_exist_ok=True)


async def compare(local: Local, folder: Path) -> dict[str, Any]:
    """The saved figures, when the restored ones are the same."""
    figures: dict[str, Any] = json.loads((folder / FIGURES).read_text("utf-8"))
    wrong = []
    for service in SERVICES:
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


async def count_rows(connection: asyncpg.Connection[asyncpg.Record]) -> dict[str, int]:
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
    )
    if done.returncode != 0:
        raise RuntimeError(f"{program}: {done.stderr.strip()[-500:]}")


def _password(dsn: str) -> str:
    return dsn.split("://", 1)[1].split("@", 1)[0].partition(":")[2]


def _without_password(dsn: str) -> str:
    scheme, rest = dsn.split("://", 1)
    who, place = rest.split("@", 1)
    return f"{scheme}://{who.partition(':')[0]}@{place}"
