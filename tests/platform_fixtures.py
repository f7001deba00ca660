"""The real nats-server and the real PostgreSQL all tests share, started once per run.

``nats`` and ``postgres`` live as long as the run; ``streams`` gives empty streams and durables; ``database`` makes a
fresh, migrated database of a service by copying a template. What a test does to the two servers (kill, pause) it
need not undo: the next fixture starts them again.

The two protocols are the seam: whatever serves them (the wheels' programs here, ``tests/containers.py`` with
``KARUNA_TEST_CONTAINERS=1``), tests see no difference.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import asyncpg
import nats as nats_py
import pytest
import pytest_asyncio
from nats.aio.client import Client

from karuna.platform import databases
from karuna.platform.accounts import Accounts
from karuna.platform.home import HOST
from karuna.platform.nats_server import NatsServer, NatsSettings
from karuna.platform.permissions import inbox
from karuna.platform.postgres import Postgres, PostgresSettings
from karuna.platform.provision import call, provision
from shared.database import migrate
from shared.streams import STREAMS
from tests import containers
from tests.patience import PATIENCE_S


def pytest_configure(config: pytest.Config) -> None:
    """nats-py leaves a socket lying where it is told to end in the very moment in which it connects.

    Where a container is down its engine's proxy still accepts and hangs up: then it leaves the writer, too.
    """
    config.addinivalue_line("filterwarnings", r"ignore:unclosed <socket\.socket .*raddr=\('127:ResourceWarning")
    if containers.WANTED:
        config.addinivalue_line("filterwarnings", "ignore:unclosed <StreamWriter:ResourceWarning")


class Broker(Protocol):
    """A nats-server with the accounts of ``karuna.platform``."""

    url: str
    monitor_url: str
    accounts: Accounts
    data: Path
    """The folder in which it keeps what it stores."""

    def creds(self, user: str) -> Path: ...
    def connected(self, user: str, **options: Any) -> AbstractAsyncContextManager[Client]: ...
    async def start(self) -> None: ...
    async def kill(self) -> None: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...


class DatabaseServer(Protocol):
    """A PostgreSQL with the roles of ``karuna.platform``."""

    def dsn(self, service: str, database: str | None = None) -> str: ...
    def owner_dsn(self, service: str, database: str | None = None) -> str: ...
    def admin_dsn(self, database: str = "postgres") -> str: ...
    async def start(self) -> None: ...
    async def kill(self) -> None: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...
    def log_text(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Database:
    """One fresh database: ``dsn`` for the service, ``owner_dsn`` for what only its owner may do."""

    name: str
    dsn: str
    owner_dsn: str


MakeDatabase = Callable[..., Awaitable[Database]]
PATIENTLY = {"connect_timeout": PATIENCE_S}
"""How tests connect to the broker: nats-py by itself gives a handshake two seconds."""


async def settle(client: Client) -> None:
    """Wait until the server has answered to everything this client sent so far, refusals included.

    nats-py's ``flush`` sends its ping ahead of what waits in its buffer, so one is not enough.
    """
    await client.flush(PATIENCE_S)
    await client.flush(PATIENCE_S)


WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
_given: set[int] = set()


def free_port() -> int:
    """A port nobody listens on just now, below those the kernel gives to outgoing connections: one of these could

    else take it between our look and the server's start. Workers that run beside each other choose from ports of
    their own, and none is given twice.
    """
    while True:
        port = random.SystemRandom().randrange(20_000 + WORKER, 32_000, WORKERS)
        if port in _given:
            continue
        with socket.socket() as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
        _given.add(port)
        return port


# --- served by the wheels' programs --------------------------------------------------------------------------


class LocalBroker:
    """``Broker`` on a program of this machine."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.accounts = Accounts(folder / "keys")
        self.server = NatsServer(
            folder / "nats", folder / "logs", self.accounts, NatsSettings(free_port(), free_port(), **settings)
        )
        self.url = self.server.url
        self.monitor_url = self.server.monitor_url
        self.data = self.server.folder

    def creds(self, user: str) -> Path:
        return self.accounts.creds(user)

    @asynccontextmanager
    async def connected(self, user: str, **options: Any) -> AsyncIterator[Client]:
        """A client with the rights of ``user``. Options are nats-py's."""
        options = {**PATIENTLY, "allow_reconnect": False, "inbox_prefix": inbox(user).encode(), **options}
        client = await nats_py.connect(self.url, user_credentials=str(self.creds(user)), **options)
        try:
            yield client
        finally:
            await client.close()

    async def start(self) -> None:
        self.resume()
        if not self.server.process.running:
            await self.server.start()

    async def stop(self) -> None:
        await self.server.stop()

    async def kill(self) -> None:
        await self.server.kill()

    def pause(self) -> None:
        self.server.pause()

    def resume(self) -> None:
        self.server.resume()


@dataclass
class LocalDatabaseServer:
    """``DatabaseServer`` on the programs of this machine."""

    folder: Path
    settings: PostgresSettings = field(default_factory=lambda: PostgresSettings(free_port()))

    def __post_init__(self) -> None:
        folder = self.folder
        self.server = Postgres(folder / "postgres", folder / "keys", folder / "logs", self.settings)
        self._made = False
        self.dsn = self.server.dsn
        self.owner_dsn = self.server.owner_dsn
        self.admin_dsn = self.server.admin_dsn

    async def start(self) -> None:
        self.resume()
        if self.server.process.running:
            return
        await (self.server.start_server() if self._made else self.server.start())
        self._made = True

    async def stop(self) -> None:
        await self.server.fast_shutdown()

    async def kill(self) -> None:
        await self.server.kill()

    def pause(self) -> None:
        self.server.pause()

    def resume(self) -> None:
        self.server.resume()

    def log_text(self) -> str:
        return self.server.process.log.read_text()


# --- fixtures ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def nats(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """The broker of the whole run. Its streams are whatever the last test left: ask for ``streams``."""
    folder = tmp_path_factory.mktemp("broker")
    if containers.WANTED:
        containers.need_engine()
        broker: Any = containers.ContainerBroker(folder, free_port(), free_port())
    else:
        broker = LocalBroker(folder)
    try:
        asyncio.run(broker.start())
        yield broker
    finally:
        asyncio.run(broker.stop())


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DatabaseServer]:
    """The database server of the whole run."""
    folder = tmp_path_factory.mktemp("database")
    if containers.WANTED:
        containers.need_engine()
        server: Any = containers.ContainerDatabaseServer(folder, free_port())
    else:
        server = LocalDatabaseServer(folder)
    try:
        asyncio.run(server.start())
        yield server
    finally:
        asyncio.run(server.stop())


@pytest_asyncio.fixture
async def streams(nats: Broker) -> Broker:
    """The broker with every declared stream and durable, all empty and from sequence 1."""
    await nats.start()
    async with nats.connected("provisioner") as client:
        present = (await call(client, "$JS.API.STREAM.NAMES"))["streams"] or []
        for stream in {stream.name for stream in STREAMS} & set(present):
            await call(client, f"$JS.API.STREAM.DELETE.{stream}")
        await provision(client)
    return nats


_NUMBERS = itertools.count(1)
_TEMPLATES: dict[tuple[int, str, str | None], str] = {}


@pytest_asyncio.fixture
async def database(postgres: DatabaseServer) -> AsyncIterator[MakeDatabase]:
    """``await database("intake")`` → a fresh database of that service, migrated by its package.

    ``package=None`` leaves it empty, another package runs that one's migrations.
    """
    await postgres.start()
    admin = await asyncpg.connect(postgres.admin_dsn())
    made: list[str] = []

    async def make(service: str, *, package: str | None = "") -> Database:
        if package == "":
            package = f"services.{service}"
        template = await _template(admin, postgres, service, package)
        name = f"test_{next(_NUMBERS)}_{service}"
        await databases.create(admin, name, service, template)
        made.append(name)
        return Database(name, postgres.dsn(service, name), postgres.owner_dsn(service, name))

    yield make
    await postgres.start()
    if admin.is_closed():
        admin = await asyncpg.connect(postgres.admin_dsn())
    for name in made:
        await admin.execute(f"drop database if exists {name} with (force)")
    await admin.close()


async def _template(admin: databases.Connection, postgres: DatabaseServer, service: str, package: str | None) -> str:
    if package is None:
        return service
    key = (id(postgres), service, package)
    if key not in _TEMPLATES:
        name = f"template_{next(_NUMBERS)}_{service}"
        await databases.create(admin, name, service)
        await migrate(postgres.owner_dsn(service, name), package)
        _TEMPLATES[key] = name
    return _TEMPLATES[key]
