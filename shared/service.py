"""A service put together: what it serves, what it hears, what is due, and what runs beside.

Each service's ``app.py`` declares one :class:`Service`; this file turns it into an HTTP application whose
background tasks share one event loop, one pool and one NATS client.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPException
from typing import Any
from urllib.request import urlopen

import orjson
import structlog
from fastapi import APIRouter, FastAPI, Request
from uvicorn.config import Config
from uvicorn.server import Server

from shared import errors, logs
from shared.ahead import Urgencies
from shared.auth import Caller, Issuers
from shared.bus import Bus, BusSettings
from shared.chains import witness
from shared.consumer import Inbox
from shared.database import AWAY, Pool, open_pool
from shared.due import DueHandler, DueRunner
from shared.ear import Ear
from shared.heard import Hears, Message, waited_for
from shared.http import Edge, Room
from shared.leader import Leadership
from shared.relay import Relay
from shared.settings import Settings
from shared.standing import Warned, watch
from shared.streams import SERVICES, durables_of, stream_name
from shared.trim import give_back
from shared.work import Cause, Work, transaction

log = structlog.get_logger()

STOP_WITHIN_S = 8
GIVES_WAY = 5
"""How much nicer than others a process is (``nice``) whose work can wait."""
RARELY = (20_000, 20, 20)
"""When Python looks for garbage in circles. A group of messages is many objects, and nearly none of them in a circle:

Python's own (700, 10, 10) took a fifth of what hearing an event costs.
"""

Job = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Service:
    """A service's table of contents."""

    name: str
    settings: type[Settings]
    routers: Sequence[APIRouter]
    hears: Sequence[Hears]
    every: Callable[[Runtime, Work, Message], Awaitable[None]] | None = None
    """Given each message that is heard, whatever it says, in place of ``hears``."""
    due: Mapping[str, DueHandler] = field(default_factory=dict)
    beside: Sequence[Callable[[Runtime], Awaitable[None]]] = ()
    """Coroutines that run for the life of the process, e.g. an inbox topic."""
    patience_s: Mapping[str, float] = field(default_factory=dict)
    """Service heard → how long the ear lets messages gather after each group, where nobody waits for the effect."""
    linger_s: float = 0.0
    """How long its relay lets events gather, where nobody waits for them."""
    gives_way: bool = False
    """Whether its processes leave the machine to others first, where all of them share one and are in haste."""
    prepare: Callable[[Runtime], Awaitable[None]] | None = None
    """Loads packs and rules before the service is ready."""
    figures: Sequence[Callable[[Runtime], Awaitable[None]]] = ()
    """Gauges of the moment, brought up to date when Prometheus asks."""
    woken: Callable[[Runtime], None] | None = None
    """What a wake means where there is no relay: another process of the service has committed something."""
    rooms: Mapping[str, Room] = field(default_factory=dict)
    """Paths that need larger bodies or longer answers than the settings give; see :class:`shared.http.Edge`."""
    furnish: Callable[[FastAPI], None] | None = None
    """What the HTTP face needs beside routes: static files, answers to errors as pages."""

    @property
    def speaks(self) -> bool:
        """Whether it says events of its own, and so has a stream and a relay."""
        return self.name in SERVICES


@dataclass(slots=True)
class Runtime:
    """The living parts of one process."""

    service: Service
    settings: Any
    pool: Pool
    aside: Pool
    """One connection for what holds a lock that all wait for, and so does not wait for a transaction's end."""
    bus: Bus
    issuers: Issuers
    leadership: Leadership
    relay: Relay | None
    inbox: Inbox
    due: DueRunner
    ears: list[Ear]
    parts: dict[str, Any] = field(default_factory=dict)
    """What ``prepare`` made: settings packs, rule tables, clients."""
    app: Any = None
    """The service's HTTP face, for questions that come another way."""
    server: Server | None = None
    stopping: bool = False
    sync_always: bool | None = None
    seen: tuple[Warned, ...] = ()
    """What was last found not well at the broker; see :mod:`shared.standing`."""

    @asynccontextmanager
    async def work(self, cause: Cause) -> AsyncIterator[Work]:
        """A transaction whose events are on their way as soon as it is committed."""
        async with transaction(self.pool, cause, woke=self.wake) as work:
            yield work

    def asked_by(self, caller: Caller, request: Request) -> Cause:
        return Cause(caller.actor, None, request.state.traceparent)

    def wake(self) -> None:
        """Wake the relay, here or in whichever process leads it."""
        if self.relay is not None and "relay" in self.leadership.leading:
            self.relay.wake()
        else:
            task = asyncio.ensure_future(self.bus.wake(f"wake.{self.service.name}"))
            task.add_done_callback(_forget)


def _forget(task: asyncio.Future[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        log.debug("wake.lost")


async def build(service: Service, settings: Settings) -> Runtime:
    """Make the parts; nothing is opened yet but the (lazy) pool."""
    dsn = settings.database_url.get_secret_value()
    pool = await open_pool(dsn, size=settings.pool_size)
    bus = Bus(BusSettings(settings.nats_url, service.name, settings.nats_credentials))
    runtime: Runtime

    def woke() -> None:
        runtime.wake()

    async def each(work: Work, message: Message) -> None:
        assert service.every is not None  # noqa: S101 given to the inbox only where it is there
        await service.every(runtime, work, message)

    inbox = Inbox(service.name, pool, service.hears, every=each if service.every else None, woke=woke)
    patience_s = {stream_name(heard): seconds for heard, seconds in service.patience_s.items()}
    urgencies = Urgencies(None if service.every else waited_for(service.hears))
    ears = [
        Ear(bus, inbox, stream=d.stream, durable=d.name, patience_s=patience_s.get(d.stream, 0.0), urgencies=urgencies)
        for d in durables_of(service.name)
    ]
    runtime = Runtime(
        service=service,
        settings=settings,
        pool=pool,
        aside=await open_pool(dsn, size=1),
        bus=bus,
        issuers=Issuers(settings.issuer_file),
        leadership=Leadership(dsn),
        relay=Relay(bus, stream_name(service.name), linger_s=service.linger_s) if service.speaks else None,
        inbox=inbox,
        due=DueRunner(service.name, pool, service.due, woke=woke),
        ears=ears,
    )
    return runtime


@asynccontextmanager
async def running(runtime: Runtime) -> AsyncIterator[None]:
    """Run everything that is beside HTTP; on the way out finish what is in hand."""
    if runtime.service.prepare is not None:
        await runtime.service.prepare(runtime)
    await witness.begin(runtime)
    gc.set_threshold(*RARELY)
    tasks = [asyncio.create_task(_kept_alive(name, job), name=name) for name, job in _jobs(runtime).items()]
    try:
        yield
    finally:
        runtime.stopping = runtime.due.stopping = True
        for ear in runtime.ears:
            ear.stopping = True
        for task in tasks:
            task.cancel()
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_WITHIN_S):
                await asyncio.gather(*tasks, return_exceptions=True)
                await runtime.bus.close()
                await runtime.aside.close()
                await runtime.pool.close()
        runtime.aside.terminate()
        runtime.pool.terminate()


def _jobs(runtime: Runtime) -> dict[str, Job]:
    """What runs beside HTTP, by name."""
    lead = runtime.leadership.hold
    jobs: dict[str, Job] = {
        "bus": partial(_listen_to_broker, runtime),
        "holes": runtime.inbox.watch_holes,
        "sync": partial(_watch_sync, runtime),
        "standing": partial(watch, runtime),
        "witness": partial(witness.witness, runtime),
        "trim": give_back,
    }
    if runtime.relay is not None:
        jobs["relay"] = partial(_after_bus, runtime, partial(lead, "relay", runtime.relay.run))
    if runtime.service.due:
        jobs["due"] = runtime.due.run
    for ear in runtime.ears:
        name = f"ear.{ear.stream}"
        jobs[name] = partial(_after_bus, runtime, partial(lead, name, ear.run))
    for beside in runtime.service.beside:
        jobs[beside.__name__] = partial(beside, runtime)
    return jobs


async def _listen_to_broker(runtime: Runtime) -> None:
    async def woken(_: Any) -> None:
        if runtime.relay is not None:
            runtime.relay.wake()
        if runtime.service.woken is not None:
            runtime.service.woken(runtime)

    async def opened() -> None:
        await runtime.bus.client.subscribe(f"wake.{runtime.service.name}", cb=woken)

    await runtime.bus.stay_open(opened)


async def _after_bus(runtime: Runtime, job: Callable[[], Awaitable[None]]) -> None:
    while not runtime.bus.connected:
        await asyncio.sleep(0.02)
    await job()


async def _kept_alive(name: str, job: Job) -> None:
    """A background job that fails or ends is started again, loudly."""
    while True:
        try:
            await job()
        except Exception:
            log.exception("job.failed", job=name)
        await asyncio.sleep(1)


async def _watch_sync(runtime: Runtime) -> None:
    """Ask the broker's monitoring port whether every write is synced; where it is not, we are not ready."""
    while True:
        try:
            state = orjson.loads(await asyncio.to_thread(_read, f"{runtime.settings.nats_monitor_url}/varz"))
            runtime.sync_always = bool(state.get("jetstream", {}).get("config", {}).get("sync_always"))
        except (OSError, ValueError, HTTPException):
            runtime.sync_always = runtime.sync_always or None
        await asyncio.sleep(15 if runtime.sync_always else 0.5)


def _read(url: str) -> bytes:
    """A page of the broker's own monitoring port, as the settings name it."""
    with urlopen(url, timeout=2) as answer:  # noqa: S310
        page: bytes = answer.read()
    return page


async def health(runtime: Runtime) -> dict[str, str]:
    """What is away or wrong, by name; empty when ready."""
    wrong: dict[str, str] = {}
    try:
        await runtime.pool.fetchval("select 1", timeout=2)
    except AWAY as problem:
        wrong["database"] = type(problem).__name__
    if not runtime.bus.connected:
        wrong["broker"] = "not connected"
    if runtime.bus.refusals:
        wrong["permissions"] = runtime.bus.refusals[-1]
    if runtime.sync_always is not True:
        wrong["sync_interval"] = "off" if runtime.sync_always is False else "not known yet"
    if runtime.relay is not None and runtime.relay.broken:
        wrong["stream"] = runtime.relay.broken
    if runtime.stopping:
        wrong["stopping"] = "yes"
    return wrong


def create_app(service: Service, settings: Settings) -> FastAPI:
    """The service as an ASGI application; its background tasks live as long as its lifespan."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        runtime = await build(service, settings)
        app.state.runtime, runtime.app = runtime, app
        runtime.server = getattr(app.state, "server", None)
        async with running(runtime):
            # What start-up has loaded stays for good: no later collection shall stop the service to look at it.
            gc.collect()
            gc.freeze()
            yield

    from shared import api, audit, letters  # noqa: PLC0415 the common routes need Runtime
    from shared.chains import api as chains  # noqa: PLC0415

    app = FastAPI(title=f"Karuna {service.name}", version="1", lifespan=lifespan, docs_url="/docs", redoc_url=None)
    app.include_router(api.router)
    app.include_router(letters.router)
    app.include_router(audit.router)
    app.include_router(chains.router)
    for router in service.routers:
        app.include_router(router)
    errors.install(app)
    if service.furnish is not None:
        service.furnish(app)
    room = Room(settings.max_body_bytes, settings.request_timeout_s)
    app.add_middleware(Edge, room=room, rooms={**chains.ROOMS, **service.rooms})
    return app


def serve(service: Service) -> None:
    """Run one process of the service until SIGTERM: not ready, finish what is in hand, leave within 10 s."""
    settings = service.settings()
    logs.configure(service.name, settings.log_level)
    if service.gives_way:
        os.nice(GIVES_WAY)
    app = create_app(service, settings)
    config = Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        loop="uvloop",
        http="httptools",
        lifespan="on",
        timeout_graceful_shutdown=STOP_WITHIN_S - 2,
        limit_concurrency=500,
        timeout_keep_alive=30,
    )
    server = Server(config)
    app.state.server = server
    # uvicorn raises the signal once more when it has shut down; having finished is a good end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with uvloop_runner() as runner:
        runner.run(server.serve(sockets=[_socket(settings)]))


def uvloop_runner() -> asyncio.Runner:
    import uvloop  # noqa: PLC0415

    return asyncio.Runner(loop_factory=uvloop.new_event_loop)


def _socket(settings: Settings) -> socket.socket:
    """The listening socket: inherited from the launcher when several processes share it, else our own."""
    if settings.http_socket_fd is not None:
        return socket.socket(fileno=settings.http_socket_fd)
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((settings.http_host, settings.http_port))
    return listening
