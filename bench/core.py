"""The core alone: one hop, many hops, a backlog, and what hearing one event costs."""

from __future__ import annotations

import asyncio
import re
import shutil
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from statistics import median

import asyncpg
import psutil
from nats.aio.client import Client

from bench import floors, toy
from bench.figures import Spread, middle, ms, quantile, spread
from bench.ground import Ground
from bench.led import Led, led
from shared.database import connect, open_pool
from shared.work import Cause, transaction

TOY_PACKAGE = "bench.toy"
ROUNDS = 5
RATE_PER_S = 40
HOPS = 160
WRITERS = 10
SATURATE_S = 3.0
BACKLOG = 3_000
FILL = 50
LOCKS = {"intake": ["relay"], "registry": ["ear.INTAKE", "ear.DISPATCH", "ear.NOTIFY"]}
TAKE_LOCK = "select pg_advisory_lock(hashtextextended($1, 0))"


@dataclass(slots=True)
class Pair:
    """The toy services' databases and what measures beside them."""

    ground: Ground
    dsn: dict[str, str]
    client: Client
    floor: list[floors.Connection]
    numbers: count[int]

    def environment(self, service: str) -> dict[str, str]:
        return self.ground.environment(service, KARUNA_DATABASE_URL=self.dsn[service])

    @asynccontextmanager
    async def running(self) -> AsyncIterator[tuple[Led, Led]]:
        """Speaker and hearer as processes, connected."""
        async with (
            led("bench.toy", "speaker", env=self.environment("intake")) as speaker,
            led("bench.toy", "hearer", env=self.environment("registry")) as hearer,
        ):
            yield speaker, hearer

    def many(self, how_many: int) -> int:
        """The first of so many numbers nobody has used."""
        first = next(self.numbers)
        for _ in range(how_many - 1):
            next(self.numbers)
        return first


@asynccontextmanager
async def pair(ground: Ground) -> AsyncIterator[Pair]:
    async with AsyncExitStack() as stack:
        dsn = {name: await ground.database(f"bench_{name}", name, TOY_PACKAGE) for name in LOCKS}
        floor_dsn = await ground.plain_database("bench_floor", floors.SCHEMA)
        client = await ground.connect()
        stack.push_async_callback(client.close)
        connections = []
        for _ in range(WRITERS):
            connections.append(await asyncpg.connect(floor_dsn))
            stack.push_async_callback(connections[-1].close)
        yield Pair(ground, dsn, client, connections, count(1))


# --- hop ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hop:
    """Milliseconds; ``floor_ms``: two transactions and one publish, at the same rhythm and back to back."""

    hop: Spread
    commit: Spread
    publish: Spread
    floor_ms: float
    floor_busy_ms: float

    @property
    def ratio(self) -> float:
        return self.hop.p50 / self.floor_ms


async def hop(pair: Pair) -> Hop:
    rounds, commits, publishes, busy = [], [], [], []
    connection = pair.floor[0]
    async with pair.running() as (speaker, hearer):
        await speaker.ask("steady", rate=RATE_PER_S, count=40, first=pair.many(40))  # everybody is awake
        for _ in range(ROUNDS):
            commits.append(spread(await floors.paced(lambda n: floors.one_change(connection, n), count=60, rate=40)))
            publishes.append(spread(await floors.paced(lambda n: floors.publish(pair.client, n), count=60, rate=40)))
            busy.append(await _busy_floor(pair, connection))
            await hearer.ask("begin")
            said = await speaker.ask("steady", rate=RATE_PER_S, count=HOPS, first=pair.many(HOPS))
            heard = dict((await hearer.ask("until", count=HOPS))["effects"])
            rounds.append(spread([ms(heard[value], begun) for value, begun in said["begun"]]))
    commit, publish = middle(commits), middle(publishes)
    return Hop(middle(rounds), commit, publish, 2 * commit.p50 + publish.p50, median(busy))


async def _busy_floor(pair: Pair, connection: floors.Connection) -> float:
    commits = await floors.paced(lambda n: floors.one_change(connection, n), count=150, rate=0)
    publishes = await floors.paced(lambda n: floors.publish(pair.client, n), count=150, rate=0)
    return 2 * quantile(commits, 0.5) + quantile(publishes, 0.5)


# --- saturated ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Saturated:
    """Events a second through the whole hop, and two-insert commits a second, both with ten writers."""

    events_per_s: float
    commits_per_s: float
    hop: Spread
    ratio: float


async def saturate(pair: Pair) -> Saturated:
    rates, floor_rates, ratios, hops = [], [], [], []
    async with pair.running() as (speaker, hearer):
        await speaker.ask("steady", rate=RATE_PER_S, count=40, first=pair.many(40))
        for _ in range(ROUNDS):
            floor_rates.append(await floors.commits_per_s(pair.floor, SATURATE_S / 2))
            await hearer.ask("begin")
            first = pair.many(100_000)
            said = (await speaker.ask("saturate", writers=WRITERS, seconds=SATURATE_S, first=first))["begun"]
            heard = dict((await hearer.ask("until", count=len(said)))["effects"])
            took_s = ms(max(heard.values()), min(begun for _, begun in said)) / 1000
            rates.append(len(said) / took_s)
            hops.append(spread([ms(heard[value], begun) for value, begun in said]))
            floor_rates.append(await floors.commits_per_s(pair.floor, SATURATE_S / 2))
            ratios.append(rates[-1] / ((floor_rates[-1] + floor_rates[-2]) / 2))
    return Saturated(median(rates), median(floor_rates), middle(hops), median(ratios))


# --- backlog --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Drained:
    """A backlog of events sent and applied, rows of batch inserts, and CPU per event in microseconds."""

    events_per_s: float
    rows_per_s: float
    ratio: float
    consumer_us: float
    ours_us: float
    raw_us: float
    fsyncs: dict[str, float] | None
    """Syncs per event of nats-server and PostgreSQL while a backlog goes out; None where nothing can count them."""


async def drain(pair: Pair, folder: Path) -> Drained:
    rates, floor_rates, ratios = [], [], []
    consumer, ours, raw = [], [], []
    for _ in range(ROUNDS):
        before = await floors.rows_per_s(pair.floor[0], 0.5)
        took_s, cpu_s = await _drain_once(pair)
        after = await floors.rows_per_s(pair.floor[0], 0.5)
        floor_rates.append((before + after) / 2)
        rates.append(BACKLOG / took_s)
        ratios.append(rates[-1] / floor_rates[-1])
        consumer.append(1e6 * cpu_s / BACKLOG)
        raw.append(await _read(pair, "notify", ours=False))
        ours.append(await _read(pair, "dispatch", ours=True))
    fsyncs = await _fsyncs(pair, folder)
    return Drained(
        median(rates), median(floor_rates), median(ratios), median(consumer), median(ours), median(raw), fsyncs
    )


async def _drain_once(pair: Pair, at_start: Callable[[], object] = lambda: None) -> tuple[float, float]:
    """Seconds from the moment relay and hearer may begin until all took effect; the hearer's CPU seconds."""
    async with AsyncExitStack() as stack:
        held = []
        for service, names in LOCKS.items():
            connection = await connect(pair.dsn[service])
            stack.push_async_callback(connection.close)
            held.append(connection)
            for name in names:
                await connection.execute(TAKE_LOCK, name)
        await _fill(pair)
        _, hearer = await stack.enter_async_context(pair.running())
        await hearer.ask("begin")
        at_start()
        started = time.monotonic()
        for connection in held:
            await connection.execute("select pg_advisory_unlock_all()")
        done = await hearer.ask("until", count=BACKLOG)
        return time.monotonic() - started, done["cpu_s"]


async def _fill(pair: Pair) -> None:
    """Put the backlog into the outbox."""
    pool = await open_pool(pair.dsn["intake"], size=2)
    first = pair.many(BACKLOG)
    for start in range(0, BACKLOG, FILL):
        async with transaction(pool, Cause("system:bench")) as work:
            for number in range(start, start + FILL):
                await toy.change_and_say(work, first + number)
    await pool.close()


async def _read(pair: Pair, user: str, *, ours: bool) -> float:
    """CPU microseconds per event to fetch, decode and acknowledge the backlog as another listener."""
    env = pair.ground.environment(user, BENCH_USER=user)
    await _skip_to_backlog(pair, user)
    async with led("bench.toy", "reader", env=env) as reader:
        done = await reader.ask("read", count=BACKLOG, ours=ours)
    return 1e6 * float(done["cpu_s"]) / BACKLOG


async def _skip_to_backlog(pair: Pair, user: str) -> None:
    """Let a durable begin at the last backlog, whatever parts of the bench ran before."""
    stream = await pair.client.jetstream().stream_info("INTAKE")
    first = stream.state.last_seq - 2 * BACKLOG + 1
    body = f'{{"seq":{first}}}'.encode()
    await pair.client.request(f"$JS.API.CONSUMER.RESET.INTAKE.{user}", body, timeout=5)


async def _fsyncs(pair: Pair, folder: Path) -> dict[str, float] | None:
    """Count syncs with strace while one more backlog goes out. That one is not timed: tracing slows it down."""
    tracer = shutil.which("strace")
    if tracer is None:
        return None
    files = {name: folder / f"{name}.strace" for name in pair.ground.server_pids()}
    begun: dict[str, int] = {}
    async with AsyncExitStack() as stack:
        for name, pids in pair.ground.server_pids().items():
            await stack.enter_async_context(_traced(tracer, pids[0], files[name]))
        await asyncio.sleep(0.5)
        await _drain_once(pair, at_start=lambda: begun.update({name: _syncs(file) for name, file in files.items()}))
        await asyncio.sleep(0.2)
        return {name: (_syncs(file) - begun[name]) / BACKLOG for name, file in files.items()}


@asynccontextmanager
async def _traced(tracer: str, pid: int, out: Path) -> AsyncIterator[None]:
    """Have every sync of a process, its threads and its children written down in ``out``."""
    pids = [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
    tracing = await asyncio.create_subprocess_exec(
        *(tracer, "-f", "-qq", "-e", "trace=fsync,fdatasync", "-o", str(out)),
        *(part for each in pids for part in ("-p", str(each))),
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        tracing.send_signal(signal.SIGINT)
        await tracing.wait()


def _syncs(out: Path) -> int:
    """A call that another one interrupts stands on two lines."""
    return len(re.findall(r"fsync\(|fdatasync\(", out.read_text())) if out.exists() else 0
