"""Programs the launcher starts: each with a log file, stopped by id, and gone when the launcher is gone.

A ``Process`` belongs to no event loop: its end is seen through a pidfd, so any loop may wait for it (Linux 5.3+).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

PROBE_EVERY_S = 0.02
REPLAY_WITHIN_S = 300.0
"""So long a server may read what it has kept before it answers: after a crash that can be minutes of log."""
BACKOFF_S = (0.2, 0.5, 1.0, 2.0, 5.0)
LIVED_LONG_S = 30.0


class ProcessFailed(Exception):
    """A program ended, or did not get ready in time. The message ends with the last lines of its log."""


@dataclass(frozen=True, slots=True)
class Identity:
    """As whom a program runs when we are root. ``override`` gives it CAP_DAC_OVERRIDE and nothing else, for a
    checkout that lies under a folder only root may enter.
    """

    uid: int
    gid: int
    override: bool = False

    def flags(self) -> list[str]:
        flags = [f"--reuid={self.uid}", f"--regid={self.gid}", "--clear-groups"]
        if not self.override:
            return [*flags, "--inh-caps=-all", "--bounding-set=-all"]
        # no_setuid_fixup: without it access(2) forgets the capability for every uid but 0, and PostgreSQL asks
        # access(2) whether its own programs may be run.
        return [
            *flags,
            "--securebits=+no_setuid_fixup",
            "--inh-caps=-all,+dac_override",
            "--ambient-caps=+dac_override",
            "--bounding-set=-all,+dac_override",
        ]


def wrapped(argv: Sequence[str], identity: Identity | None, stop_signal: signal.Signals) -> list[str]:
    """The command line that drops rights and asks the kernel for ``stop_signal`` when its parent dies."""
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        if identity is not None:
            raise ProcessFailed("as root the program setpriv (package util-linux) is needed")
        return list(argv)
    flags = identity.flags() if identity else []
    return [setpriv, *flags, "--pdeathsig", stop_signal.name.removeprefix("SIG"), "--", *argv]


class Process:
    """One program. ``stop_signal`` is what it understands as "finish and go"."""

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        identity: Identity | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        pass_fds: Sequence[int] = (),
    ) -> None:
        self.name = name
        self._pass_fds = tuple(pass_fds)
        self.log = log
        self._argv = list(argv)
        self._env = env
        self._cwd = cwd
        self._identity = identity
        self._stop_signal = stop_signal
        self._child: subprocess.Popen[bytes] | None = None
        self._stopping = False

    @property
    def pid(self) -> int:
        if self._child is None:
            raise ProcessFailed(f"{self.name} was not started")
        return self._child.pid

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    @property
    def stopping(self) -> bool:
        """Whether its end was asked for."""
        return self._stopping

    def start(self) -> None:
        """Start it. To be called in the main thread: a child is told of the death of the thread that made it."""
        if self.running:
            return
        self._stopping = False
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                wrapped(self._argv, self._identity, self._stop_signal),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._env,
                cwd=self._cwd,
                pass_fds=self._pass_fds,
                start_new_session=True,  # Ctrl-C is for the launcher, which stops the children in order
            )

    async def ready(self, probe: Callable[[], Awaitable[bool]], timeout_s: float = 20.0) -> None:
        """Wait until ``probe`` says yes. Raises ``ProcessFailed`` if the program ends or the time is up."""
        deadline = time.monotonic() + timeout_s
        while True:
            if not self.running:
                raise ProcessFailed(f"{self.name} ended\n{self.tail()}")
            if await probe():
                return
            if time.monotonic() > deadline:
                raise ProcessFailed(f"{self.name} was not ready after {timeout_s:g} s\n{self.tail()}")
            await asyncio.sleep(PROBE_EVERY_S)

    async def wait(self) -> int:
        """Wait for its end; gives the exit code (minus the signal's number)."""
        child = self._child
        if child is None:
            raise ProcessFailed(f"{self.name} was not started")
        if child.poll() is None:
            await _until_ended(child.pid)
        return child.wait()

    async def stop(self, timeout_s: float = 10.0) -> None:
        """Ask it to go, and kill it when it has not gone after ``timeout_s``."""
        self._stopping = True
        if not self.running:
            return
        self.resume()
        os.kill(self.pid, self._stop_signal)
        try:
            await asyncio.wait_for(self.wait(), timeout_s)
        except TimeoutError:
            await self.kill()

    async def kill(self) -> None:
        """SIGKILL for it and all it started; returns when they are gone."""
        self._stopping = True
        if not self.running:
            return
        tree = self._tree()
        _send(tree, signal.SIGKILL)
        for process in tree:
            await _until_ended(process.pid)
        await self.wait()

    def pause(self) -> None:
        """Freeze it and all it started (SIGSTOP): alive for the kernel, away for everybody else."""
        if tree := self._tree():
            _send(tree, signal.SIGSTOP)
            os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def resume(self) -> None:
        """Let it go on after ``pause``."""
        _send(self._tree(), signal.SIGCONT)

    async def supervise(
        self,
        probe: Callable[[], Awaitable[bool]] | None = None,
        *,
        backoff_s: Sequence[float] = BACKOFF_S,
        told: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Keep it running until ``stop`` or ``kill`` is called: start, wait for its end, start again.

        The pause before a new start grows along ``backoff_s`` and is short again once the program has lived for
        30 s. ``told`` hears in one line what happened.
        """
        failures = 0
        while True:
            started = time.monotonic()
            self.start()
            try:
                if probe is not None:
                    await self.ready(probe)
                code: int | str = await self.wait()
            except ProcessFailed as failure:
                code = str(failure)
            if self._stopping:
                return
            await self.kill()
            self._stopping = False
            failures = 0 if time.monotonic() - started > LIVED_LONG_S else failures + 1
            pause_s = backoff_s[min(failures, len(backoff_s) - 1)]
            told(f"{self.name} ended ({code}), again in {pause_s:g} s")
            await asyncio.sleep(pause_s)

    def tail(self, lines: int = 15) -> str:
        """The last lines of its log."""
        with contextlib.suppress(OSError):
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        return ""

    def _tree(self) -> list[psutil.Process]:
        if not self.running:
            return []
        with contextlib.suppress(psutil.NoSuchProcess):
            parent = psutil.Process(self.pid)
            return [parent, *parent.children(recursive=True)]
        return []


def _send(tree: Sequence[psutil.Process], number: signal.Signals) -> None:
    for process in tree:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)


async def _until_ended(pid: int) -> None:
    """Wait for the end of a process; one that is gone already has ended."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    try:
        loop.add_reader(descriptor, ended.set)
        await ended.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
