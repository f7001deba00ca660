"""The ground every measurement stands on: a real nats-server and a real PostgreSQL in a folder of their own."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import nats
from nats.aio.client import Client

from karuna.local import Local
from karuna.platform import databases
from karuna.platform.home import Home
from karuna.platform.jwt import Rights
from karuna.platform.permissions import inbox
from karuna.platform.provision import call, provision
from shared.database import migrate
from shared.streams import STREAMS

BENCH_USER = "bench"
"""Measures floors and the bare chain: in the same account as the services, with every right."""
FLOOR_STREAMS = {"FLOOR": ["floor.>"], "BARE_INTAKE": ["bare.intake.>"], "BARE_DISPATCH": ["bare.dispatch.>"]}


class Ground:
    """Servers, and what is needed beside the product: a user, databases and streams of the bench's own."""

    def __init__(self, folder: Path, areas: Path) -> None:
        self.local = Local(Home(folder), areas=areas)
        accounts = self.local.accounts
        everything = Rights(publish=(">",), subscribe=(">",))
        accounts._write_user(BENCH_USER, everything, accounts._signer, accounts.karuna.public)  # noqa: SLF001
        self.creds = accounts.folder / f"{BENCH_USER}.creds"
        self.nats_url = self.local.nats.url

    async def connect(self) -> Client:
        return await nats.connect(
            self.nats_url, user_credentials=str(self.creds), inbox_prefix=inbox(BENCH_USER).encode()
        )

    async def admin(self, database: str = "postgres") -> asyncpg.Connection[asyncpg.Record]:
        return await asyncpg.connect(self.local.postgres.admin_dsn(database))

    async def fresh_streams(self) -> None:
        """Every stream of the product empty, from sequence 1, with its durables; and those of the bench."""
        client = await self.connect()
        try:
            present = (await call(client, "$JS.API.STREAM.NAMES"))["streams"] or []
            for name in {*FLOOR_STREAMS, *(stream.name for stream in STREAMS)} & set(present):
                await call(client, f"$JS.API.STREAM.DELETE.{name}")
            await provision(client)
            for name, subjects in FLOOR_STREAMS.items():
                await client.jetstream().add_stream(name=name, subjects=subjects)
        finally:
            await client.close()

    async def database(self, name: str, service: str, package: str) -> str:
        """A migrated database beside the services' own; gives the address for the service's user."""
        admin = await self.admin()
        try:
            await databases.create(admin, name, service)
        finally:
            await admin.close()
        await migrate(self.local.postgres.owner_dsn(service, name), package)
        return self.local.postgres.dsn(service, name)

    async def plain_database(self, name: str, schema: str) -> str:
        """A database with nothing but this schema, for floors; gives the administrator's address."""
        admin = await self.admin()
        await admin.execute(f"create database {name}")
        await admin.close()
        inside = await self.admin(name)
        await inside.execute(schema)
        await inside.close()
        return self.local.postgres.admin_dsn(name)

    def environment(self, service: str, **extra: str) -> dict[str, str]:
        return self.local.environment(service, **extra)

    def server_pids(self) -> dict[str, list[int]]:
        return {"PostgreSQL": [self.local.postgres.process.pid], "nats-server": [self.local.nats.process.pid]}


@asynccontextmanager
async def standing(areas: Path) -> AsyncIterator[Ground]:
    """Servers in a temporary folder, which is removed with them."""
    folder = Path(tempfile.mkdtemp(prefix="karuna-bench-"))
    ground = Ground(folder, areas)
    try:
        await ground.local.start_ground()
        await ground.fresh_streams()
        yield ground
    finally:
        await ground.local.stop()
        shutil.rmtree(folder, ignore_errors=True)


Row = Any
