"""The folder in which one installation keeps everything it must find again, and the ports it uses."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from karuna.platform.files import read_or_none, write_private

HOST = "127.0.0.1"
STEP = 100
LAST_SHIFT = 50


@dataclass(frozen=True, slots=True)
class Ports:
    """One block of ports, shifted as a whole when somebody else has one of them."""

    console: int = 8100
    intake: int = 8101
    dispatch: int = 8102
    registry: int = 8103
    notify: int = 8104
    nats: int = 4222
    nats_monitor: int = 8222
    postgres: int = 5433
    line: int = 8110
    sms: int = 8120
    smsc: int = 2775

    def shifted(self, by: int) -> Ports:
        return Ports(**{name: port + by for name, port in asdict(self).items()})


NAMES = tuple(field.name for field in fields(Ports))


def host_of(name: str, environ: Mapping[str, str] = os.environ) -> str:
    """Where a part answers: this machine, or what ``KARUNA_HOST_<NAME>`` says (in containers: its own name)."""
    return environ.get(f"KARUNA_HOST_{name.upper()}") or HOST


def _fixed(environ: Mapping[str, str]) -> dict[str, int]:
    """The ports that ``KARUNA_PORT_<NAME>`` names."""
    return {name: int(environ[key]) for name in NAMES if (key := f"KARUNA_PORT_{name.upper()}") in environ}


class HomeInUse(Exception):
    """Another launcher works in this folder."""


class Home:
    """``<home>``: keys, data, logs. Default ``./var``; the setting is ``KARUNA_HOME``."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = (path or Path(os.environ.get("KARUNA_HOME") or "var")).absolute()
        self.keys = self.path / "keys"
        self.logs = self.path / "logs"
        self.nats = self.path / "nats"
        self.postgres = self.path / "postgres"
        self.subscribers = self.path / "subscribers"

    def create(self) -> None:
        """Make the folders. The home may be passed through by the database's own user, not listed."""
        for folder, mode in ((self.path, 0o711), (self.keys, 0o700), (self.logs, 0o750), (self.nats, 0o700)):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(mode)
        self.subscribers.mkdir(mode=0o700, exist_ok=True)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Held as long as a launcher runs here. Raises ``HomeInUse``."""
        self.create()
        descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise HomeInUse(f"{self.path} is used by another launcher") from None
        else:
            yield
        finally:
            os.close(descriptor)

    def ports(self, environ: Mapping[str, str] = os.environ) -> Ports:
        """The block in use: as chosen by the last start, the default block before that; named ports always win."""
        saved = json.loads(read_or_none(self.path / "ports.json") or "{}")
        return Ports(**{**{name: int(saved[name]) for name in NAMES if name in saved}, **_fixed(environ)})

    def choose_ports(self, environ: Mapping[str, str] = os.environ, free: Callable[[int], bool] | None = None) -> Ports:
        """Choose and write down the block: the last one where it is free, else the first free one.

        ``KARUNA_PORT_<NAME>`` fixes a port, which is then not moved. Raises ``OSError`` when nothing is free.
        """
        is_free = free or port_free
        fixed = _fixed(environ)
        saved = self.ports({})
        for base in (saved, *(Ports().shifted(STEP * step) for step in range(LAST_SHIFT))):
            ports = Ports(**{**asdict(base), **fixed})
            movable = [port for name, port in asdict(ports).items() if name not in fixed]
            if all(is_free(port) for port in movable):
                write_private(self.path / "ports.json", json.dumps(asdict(ports), indent=1), mode=0o644)
                return ports
        raise OSError("no free block of ports between 4222 and 13322")


def port_free(port: int) -> bool:
    """Whether nobody listens on this port of the loopback."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
