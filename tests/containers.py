"""``Broker`` and ``DatabaseServer`` served by containers: ``KARUNA_TEST_CONTAINERS=1``, or ``make test-containers``.

The same accounts, configuration and roles as on the programs of this machine. Kill and pause are the engine's; the
ports are fixed ones of this machine, so that a server that comes back has its old address and finds its data.

Where no engine answers, what needs one is skipped and says why: a green run without containers would be a lie.
"""

from __future__ import annotations

import asyncio
import gc
import os
import time
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import nats as nats_py
import pytest
from nats.aio.client import Client

from karuna.platform.accounts import Accounts
from karuna.platform.home import HOST
from karuna.platform.nats_server import NatsServer, NatsSettings, healthy
from karuna.platform.permissions import inbox
from karuna.platform.postgres import ADMIN, SETTINGS, Postgres, PostgresSettings

WANTED = os.environ.get("KARUNA_TEST_CONTAINERS") == "1"
NATS_IMAGE = os.environ.get("KARUNA_NATS_IMAGE", "nats:2.15-alpine")
POSTGRES_IMAGE = os.environ.get("KARUNA_POSTGRES_IMAGE", "postgres:18-bookworm")
MEMORY = "1g"
READY_S = 60
ENGINE_API = "1.41"


def need_engine() -> None:
    """Skip what needs containers, with the reason, where no engine answers."""
    import docker
    from docker.errors import DockerException

    try:
        client = docker.from_env(timeout=5, version=ENGINE_API)
        try:
            client.ping()
        finally:
            client.close()
    except (DockerException, OSError) as problem:
        reason = f"no container engine answers, so nothing ran on containers: {problem}"
    else:
        return
    with warnings.catch_warnings():  # docker-py leaves the socket of a refused connection to the collector
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
    pytest.skip(reason)


@contextmanager
def _quiet() -> Iterator[None]:
    """testcontainers' own NATS waits in a way that testcontainers itself deprecates."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


class _Container:
    """One container of testcontainers: started once, then killed, frozen and started again by the engine."""

    def __init__(self, made: Any) -> None:
        self._made = made
        self._started = False

    @property
    def _engine(self) -> Any:
        return self._made.get_wrapped_container()

    def _state(self) -> str:
        if not self._started:
            return "new"
        self._engine.reload()
        return str(self._engine.status)

    def start(self) -> bool:
        """Have it running; says whether it was not."""
        self.resume()
        state = self._state()
        if state == "running":
            return False
        if state == "new":
            self._started = True  # also one that does not get ready has to be removed
            with _quiet():
                self._made.start()
        else:
            self._engine.start()
        return True

    def kill(self) -> None:
        self.resume()
        if self._state() == "running":
            self._engine.kill()
            self._engine.wait()

    def pause(self) -> None:
        self._engine.pause()

    def resume(self) -> None:
        if self._state() == "paused":
            self._engine.unpause()

    def remove(self) -> None:
        if self._started:
            self.resume()
            self._made.stop(force=True, delete_volume=True)

    def log(self) -> str:
        return str(self._engine.logs().decode())


async def _until(probe: Any) -> None:
    deadline = time.monotonic() + READY_S
    while not await probe():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not ready after {READY_S} s")
        await asyncio.sleep(0.02)


class ContainerBroker:
    """``Broker`` in a container. Its folder lies here and is mounted under the same name there."""

    def __init__(self, folder: Path, port: int, monitor_port: int) -> None:
        with _quiet():
            from testcontainers.community.nats import NatsContainer

        self.accounts = Accounts(folder / "keys")
        settings = NatsSettings(port, monitor_port)
        self.url = f"nats://{HOST}:{port}"
        self.monitor_url = f"http://{HOST}:{monitor_port}"
        self.data = folder / "nats"
        # Inside its own network it listens to everybody; the engine lets in the loopback of this machine.
        self._server = NatsServer(self.data, folder / "logs", self.accounts, replace(settings, host="0.0.0.0"))
        made = NatsContainer(NATS_IMAGE, client_port=port, management_port=monitor_port, user=_user(), mem_limit=MEMORY)
        made.with_command(["-c", str(self._server.config_file)]).with_volume_mapping(folder, str(folder), "rw")
        for number in (port, monitor_port):
            made.ports[str(number)] = (HOST, number)
        self._container = _Container(made)

    def creds(self, user: str) -> Path:
        return self.accounts.creds(user)

    @asynccontextmanager
    async def connected(self, user: str, **options: Any) -> AsyncIterator[Client]:
        """A client with the rights of ``user``. Options are nats-py's."""
        options = {
            "connect_timeout": READY_S,
            "allow_reconnect": False,
            "inbox_prefix": inbox(user).encode(),
            **options,
        }
        client = await nats_py.connect(self.url, user_credentials=str(self.creds(user)), **options)
        try:
            yield client
        finally:
            await client.close()

    async def start(self) -> None:
        self._server.write_config()
        if not self._container.start():
            return
        async with httpx.AsyncClient() as client:
            await _until(lambda: healthy(client, self.monitor_url))
        await self.accounts.push(self.url)

    async def stop(self) -> None:
        self._container.remove()

    async def kill(self) -> None:
        self._container.kill()

    def pause(self) -> None:
        self._container.pause()

    def resume(self) -> None:
        self._container.resume()


class ContainerDatabaseServer:
    """``DatabaseServer`` in a container, with the roles of ``karuna.platform`` made by its own code."""

    def __init__(self, folder: Path, port: int) -> None:
        from testcontainers.community.postgres import PostgresContainer

        self._server = Postgres(folder / "postgres", folder / "keys", folder / "logs", PostgresSettings(port))
        self.dsn = self._server.dsn
        self.owner_dsn = self._server.owner_dsn
        self.admin_dsn = self._server.admin_dsn
        made = PostgresContainer(
            POSTGRES_IMAGE, username=ADMIN, password=self._server.password(ADMIN), dbname=ADMIN, mem_limit=MEMORY
        )
        settings = [part for name, value in container_settings().items() for part in ("-c", f"{name}={value}")]
        made.with_command(["postgres", *settings])
        made.ports["5432"] = (HOST, port)
        made.with_env("POSTGRES_INITDB_ARGS", "--locale-provider=builtin --locale=C.UTF-8 --encoding=UTF8")
        self._container = _Container(made)

    async def start(self) -> None:
        if self._container.start():
            await _until(self._server.answers)
            await self._server.make_databases()

    async def stop(self) -> None:
        self._container.remove()

    async def kill(self) -> None:
        self._container.kill()

    def pause(self) -> None:
        self._container.pause()

    def resume(self) -> None:
        self._container.resume()

    def log_text(self) -> str:
        return self._container.log()


def container_settings() -> dict[str, str]:
    """Our settings of PostgreSQL but for where it listens, which is the image's business."""
    return {
        name: value for name, value in SETTINGS.items() if name not in {"listen_addresses", "unix_socket_directories"}
    }


def _user() -> str:
    """As whom the broker writes into our folder: as ourselves."""
    return f"{os.getuid()}:{os.getgid()}"
