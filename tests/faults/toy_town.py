"""Two toy services in processes of their own, a client that remembers what it was promised, and the checker.

The client repeats every request with its own Idempotency-Key until it is answered, so at the end it knows exactly
what must be there: nothing less (lost), nothing more (phantom), nothing twice, nothing out of order.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import httpx
import orjson

from karuna.platform.home import HOST
from karuna.platform.process import Process
from tests.harness import ROOT, bearer, issuer_file
from tests.platform_fixtures import Broker, Database, DatabaseServer, free_port

DRAIN_S = 90


@dataclass
class Town:
    """The processes, by service, and what the client was promised."""

    broker: Broker
    server: DatabaseServer
    databases: dict[str, Database]
    folder: Path
    processes: dict[str, list[Process]] = field(default_factory=lambda: defaultdict(list))
    promised: Counter[UUID] = field(default_factory=Counter)
    listening: socket.socket = field(default_factory=socket.socket)
    requests: int = 0
    retries: int = 0

    def open(self) -> None:
        self.listening.bind((HOST, free_port()))
        self.listening.listen(512)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.listening.getsockname()[1]}"

    def start(self, service: str, *, crash_at: str = "") -> Process:
        """One more process of a toy; with ``crash_at`` it ends itself at that point."""
        env = {
            "PATH": "/usr/bin:/bin",
            "KARUNA_DATABASE_URL": self.databases[service].dsn,
            "KARUNA_NATS_URL": self.broker.url,
            "KARUNA_NATS_CREDENTIALS": str(self.broker.creds(service)),
            "KARUNA_NATS_MONITOR_URL": self.broker.monitor_url,
            "KARUNA_ISSUER_FILE": str(issuer_file(self.folder)),
            "KARUNA_CRASH_AT": crash_at,
            "PYTHONUNBUFFERED": "1",
        }
        fds: tuple[int, ...] = ()
        if service == "intake":
            fds = (self.listening.fileno(),)
            env["KARUNA_HTTP_SOCKET_FD"] = str(fds[0])
        process = Process(
            f"{service}.{len(self.processes[service])}",
            [sys.executable, "-m", "tests.core.toy", service],
            log=self.folder / f"{service}.log",
            env=env,
            cwd=ROOT,
            pass_fds=fds,
        )
        process.start()
        self.processes[service].append(process)
        return process

    async def stop(self) -> None:
        for process in [process for group in self.processes.values() for process in group]:
            await process.kill()
        self.listening.close()

    async def client(self, stop: asyncio.Event, *, aggregates: int = 6, pause_s: float = 0.02) -> None:
        """Ask for more until told to stop; every request is repeated until it is answered."""
        ids = [uuid4() for _ in range(aggregates)]
        async with httpx.AsyncClient(base_url=self.url, timeout=10) as client:
            while not stop.is_set():
                aggregate = ids[self.requests % aggregates]
                count = 1 if self.requests % 5 else 12
                self.requests += 1
                await self._insist(client, aggregate, count)
                await asyncio.sleep(pause_s)

    async def _insist(self, client: httpx.AsyncClient, aggregate: UUID, count: int) -> None:
        body, key = {"count": count, "aggregate_id": str(aggregate)}, uuid4().hex
        while True:
            try:
                answer = await client.post("/toy", json=body, headers={**bearer("admin"), "Idempotency-Key": key})
                if answer.status_code == httpx.codes.CREATED:
                    self.promised[aggregate] += count
                    assert answer.json()["values"] == list(
                        range(self.promised[aggregate] - count + 1, self.promised[aggregate] + 1)
                    )
                    return
                assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE, answer.text
            except httpx.HTTPError:
                pass
            self.retries += 1
            await asyncio.sleep(0.1)

    async def drained(self) -> None:
        """Wait until nothing is left to send, park or acknowledge."""
        async with asyncio.timeout(DRAIN_S):
            while await self._left():
                await asyncio.sleep(0.1)

    async def _left(self) -> int:
        counts = []
        for service, statement in (
            ("intake", "select count(*) from outbox"),
            ("registry", f"select {sum(self.promised.values())} - count(*) from effect"),
        ):
            connection = await asyncpg.connect(self.databases[service].dsn)
            counts.append(await connection.fetchval(statement))
            await connection.close()
        return max(counts)

    async def check(self) -> None:
        """0 lost, 0 doubled, 0 phantom, 0 out of order: in both databases and in the stream."""
        await self.drained()
        for service in ("intake", "registry"):
            values = await self._effects(service)
            assert set(values) == set(self.promised), service
            for aggregate, count in self.promised.items():
                assert values[aggregate] == list(range(1, count + 1)), (service, aggregate)
        assert await self._rows("registry", "select reason from dead_letter") == []
        archive = await self._rows(
            "intake", "select id, aggregate_id, aggregateseq from event_log order by stream_sequence"
        )
        numbers: Counter[UUID] = Counter()
        for row in archive:
            numbers[row["aggregate_id"]] += 1
            assert row["aggregateseq"] == numbers[row["aggregate_id"]], "the stream is out of order"
        assert await self._stream_ids() == [t for row in archive for t in (str(row["id"]), f"{row['id']}.open")]

    async def _effects(self, service: str) -> dict[UUID, list[int]]:
        found: dict[UUID, list[int]] = defaultdict(list)
        for row in await self._rows(service, "select aggregate_id, value from effect order by id"):
            found[row["aggregate_id"]].append(row["value"])
        return found

    async def _rows(self, service: str, statement: str) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self.databases[service].dsn)
        try:
            return await connection.fetch(statement)
        finally:
            await connection.close()

    async def _stream_ids(self) -> list[str]:
        """Message ids of the whole stream, in its order."""
        async with self.broker.connected("provisioner") as client:
            js = client.jetstream()
            info = orjson.loads((await client.request("$JS.API.STREAM.INFO.INTAKE", b"")).data)
            found: list[str] = []
            for start in range(1, info["state"]["last_seq"] + 1, 200):
                end = min(start + 200, info["state"]["last_seq"] + 1)
                messages = await asyncio.gather(*(js.get_msg("INTAKE", number) for number in range(start, end)))
                found += [(message.headers or {})["Nats-Msg-Id"] for message in messages]
        return found


@asynccontextmanager
async def town_of(
    broker: Broker, server: DatabaseServer, databases: dict[str, Database], folder: Path
) -> AsyncIterator[Town]:
    town = Town(broker, server, databases, folder)
    town.open()
    try:
        yield town
    finally:
        await town.stop()
