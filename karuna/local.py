"""One installation on this machine: a real nats-server, a real PostgreSQL, the services, the simulators.

The same class runs under ``make run`` and under the journeys and faults of the tests.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import secrets
import socket
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import asyncpg
import httpx
import nats
import nats.errors

from karuna.issuer import LocalIssuer
from karuna.platform.accounts import Accounts
from karuna.platform.files import write_private
from karuna.platform.home import HOST, Home, Ports, host_of
from karuna.platform.nats_server import NatsServer, NatsSettings
from karuna.platform.postgres import Postgres, PostgresSettings
from karuna.platform.process import Process, ProcessFailed
from karuna.platform.provision import provision
from karuna.subscribers import Subscribers
from shared.database import migrate
from shared.streams import LISTENERS, SERVICES

ROOT = Path(__file__).parents[1]
PASSED_ON: Mapping[str, tuple[str, ...]] = {
    "*": ("log_level", "pool_size"),
    "intake": ("retain_calls_days",),
    "dispatch": ("osrm_url",),
    "registry": ("retain_people_days",),
    "console": ("home_area",),
}
"""What the operator's environment says to a service, by service; ``deploy/compose.yaml`` passes the same."""


class Local:
    """The parts, started in order. ``areas`` is the folder of settings packs."""

    def __init__(self, home: Home, ports: Ports | None = None, *, areas: Path | None = None) -> None:
        home.create()
        self.home = home
        self.ports = ports or home.choose_ports()
        self.areas = areas or Path(os.environ.get("KARUNA_AREAS_DIR") or ROOT / "deploy" / "areas")
        self.issuer = LocalIssuer(home.keys)
        self.accounts = Accounts(home.keys)
        self.nats = NatsServer(
            home.nats,
            home.logs,
            self.accounts,
            NatsSettings(
                self.ports.nats, self.ports.nats_monitor, binary=_named("KARUNA_NATS_SERVER"), host=host_of("nats")
            ),
        )
        self.postgres = Postgres(
            home.postgres,
            home.keys,
            home.logs,
            PostgresSettings(self.ports.postgres, bin_dir=_named("KARUNA_POSTGRES_BIN"), host=host_of("postgres")),
        )
        self.processes: dict[str, list[Process]] = {}
        self._sockets: dict[str, socket.socket] = {}

    def url(self, service: str) -> str:
        """Where a service answers."""
        return f"http://{host_of(service)}:{getattr(self.ports, service)}"

    async def start_ground(self) -> None:
        """Broker and database, provisioned and migrated."""
        await self.postgres.start()
        await self.nats.start()
        await self.furnish()

    async def furnish(self) -> None:
        """Migrate every database and make every stream and durable, outsiders' too, on servers that answer already."""
        await asyncio.gather(*(migrate(self.postgres.owner_dsn(each), f"services.{each}") for each in LISTENERS))
        client = await nats.connect(
            self.nats.url, user_credentials=str(self.accounts.creds("provisioner")), inbox_prefix=b"_INBOX.provisioner"
        )
        try:
            await provision(client)
        finally:
            await client.close()
        await Subscribers(self.home, self.accounts, self.nats.url).renew()

    async def keep_ground(self, told: Callable[[str], None]) -> None:
        """Start broker and database again when they die, until they are stopped."""

        async def broker() -> None:
            await self.nats.start()
            await self.furnish()  # what lives in the broker's memory alone is gone

        async with asyncio.TaskGroup() as group:
            group.create_task(_again(self.nats.process, broker, told))
            group.create_task(_again(self.postgres.process, self.postgres.start_server, told))

    def environment(self, service: str, **extra: str) -> dict[str, str]:
        """What a process of ``service`` needs to know; nothing of it is for another service."""
        values = {
            "database_url": self.postgres.dsn(service),
            "nats_url": self.nats.url,
            "nats_credentials": str(self.accounts.creds(service)),
            "nats_monitor_url": self.nats.monitor_url,
            "issuer_file": str(self.issuer.public_file),
            "areas_dir": str(self.areas),
            "http_host": HOST,
            "http_port": str(getattr(self.ports, service)),
        }
        wanted = (*PASSED_ON["*"], *PASSED_ON.get(service, ()))
        values |= {name: said for name in wanted if (said := os.environ.get(f"KARUNA_{name.upper()}"))}
        if service == "dispatch":
            values["tracker_secret"] = self.tracker_secret()
        if service == "registry":
            values["field_key"] = self.field_key()
        else:
            values["audit_key"] = self.audit_key(service)
        if service == "notify":
            values["channels_file"] = str(self.home.keys / "channels.json")
        if service == "console":
            values |= self._for_console()
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TZ") if name in os.environ}
        return {
            **inherited,
            "PYTHONUNBUFFERED": "1",
            **{f"KARUNA_{name.upper()}": value for name, value in values.items()},
            **extra,
        }

    def _for_console(self) -> dict[str, str]:
        """Where the four answer; plain cookies and invented accounts, since it listens on loopback alone."""
        return {
            **{f"{service}_url": self.url(service) for service in SERVICES},
            "issuer_key_file": str(self.issuer.private_file),
            "simulators_url": f"http://{HOST}:{self.ports.line}",
            "secure_cookies": "false",
            "demo": "true" if HOST in {"127.0.0.1", "::1"} else "false",
            "map_dir": str(self.home.path / "map"),
            "subscribers_dir": str(self.home.subscribers),
        }

    def start_service(
        self, service: str, *, processes: int = 1, extra: Mapping[str, str] | None = None, port: int | None = None
    ) -> list[Process]:
        """Start equal processes of one service; they share one listening socket. ``port`` 0: any free one."""
        listening = self._sockets.get(service) or self._listen(service, port)
        started = []
        for _ in range(processes):
            number = len(self.processes.setdefault(service, []))
            env = self.environment(service, KARUNA_HTTP_SOCKET_FD=str(listening.fileno()), **(extra or {}))
            process = Process(
                service if number == 0 else f"{service}.{number}",
                [sys.executable, "-m", f"services.{service}"],
                log=self.home.logs / f"{service}.log",
                env=env,
                cwd=ROOT,
                pass_fds=(listening.fileno(),),
            )
            process.start()
            self.processes[service].append(process)
            started.append(process)
        return started

    def listening_at(self, service: str) -> str:
        """The address of a service that this launcher started."""
        return f"http://{HOST}:{self._sockets[service].getsockname()[1]}"

    def _listen(self, service: str, port: int | None) -> socket.socket:
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((HOST, getattr(self.ports, service) if port is None else port))
        listening.listen(512)
        self._sockets[service] = listening
        return listening

    async def ready(self, service: str, timeout_s: float = 120.0) -> None:
        """Wait until a service says it is ready."""
        async with httpx.AsyncClient(base_url=self.url(service), timeout=2) as client:

            async def answers() -> bool:
                try:
                    return (await client.get("/readyz")).status_code == httpx.codes.OK
                except httpx.HTTPError:
                    return False

            await self.processes[service][-1].ready(answers, timeout_s)

    async def stop_service(self, service: str) -> None:
        for process in self.processes.pop(service, []):
            await process.stop()
        listening = self._sockets.pop(service, None)
        if listening is not None:
            listening.close()

    async def stop(self) -> None:
        """Services first, then broker and database."""
        await asyncio.gather(*(self.stop_service(service) for service in list(self.processes)))
        await asyncio.gather(self.nats.stop(), self.postgres.fast_shutdown())

    @property
    def field_key_file(self) -> Path:
        """Where the registry's keys lie; ``karuna keys`` changes it."""
        return self.home.keys / "field.key"

    def field_key(self) -> str:
        """What seals identifying columns, made once; whoever loses it loses every name."""
        return _key_in(self.field_key_file)

    def audit_key(self, service: str) -> str:
        """With what a service signs its audit; the registry does with its field key."""
        return _key_in(self.home.keys / f"audit-{service}.key")

    def tracker_secret(self) -> str:
        """What the identifiers of trackers come from; another one ends them all."""
        path = self.home.keys / "tracker.key"
        if not path.exists():
            write_private(path, secrets.token_urlsafe(32))
        return path.read_text("utf-8").strip()

    def write_channels(self, channels: Mapping[str, object]) -> None:
        """Name the LINE and SMS providers of this installation (under ``make run``: the simulators)."""
        write_private(self.home.keys / "channels.json", json.dumps(channels, ensure_ascii=False))


def _key_in(path: Path) -> str:
    """32 random bytes, made once."""
    if not path.exists():
        write_private(path, base64.b64encode(secrets.token_bytes(32)).decode())
    return path.read_text("utf-8").strip()


async def _again(process: Process, start: Callable[[], Awaitable[None]], told: Callable[[str], None]) -> None:
    while True:
        code = await process.wait()
        furnished = False
        while not furnished:  # also where it runs, but what belongs to its start could not be done
            if process.stopping:
                return
            told(f"{process.name} ended ({code}), again")
            await asyncio.sleep(0.5)
            try:
                await start()
                furnished = True
            except (
                ProcessFailed,
                OSError,
                nats.errors.Error,
                asyncpg.PostgresError,
                asyncpg.InterfaceError,
            ) as problem:
                told(f"{process.name}: {problem}")


def _named(variable: str) -> Path | None:
    value = os.environ.get(variable)
    return Path(value) if value else None
