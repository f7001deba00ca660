"""The way of a call from POST to the crew's message: the four services beside the bare chain, in alternating rounds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from statistics import median
from typing import Any

import aiohttp

from bench import bare_chain
from bench.figures import Cost, Spread, costs, middle, ms, spread
from bench.ground import Ground
from bench.led import Led, led
from bench.people import Crews, Posted, Provider, call_in, provider
from bench.town import AREA, MIX, call_body
from karuna.seed import seed
from karuna.simulate.channels import SMPP_ACCOUNT, Secrets
from shared.auth import Role
from shared.streams import SERVICES

ROUNDS = 5
RATE_PER_S = 20
CALM_RATE_PER_S = 5
"""Eighteen thousand calls an hour: more than any town has, and yet most of the machine is idle."""
ROUND_S = 5
BURST_CALLS, BURST_S = 2_000, 60.0
WITHIN_S = 30
BARE_ROLES = ("intake", "dispatch", "notify")
ALERTS = """
select id::text, call_id::text from message where rule in ('crew_ordered', 'crew_asked') and call_id = any($1::uuid[])
"""
QUEUED = """
select distinct call_id::text from trip where call_id = any($1::uuid[]) and queued_at is not null
"""


@dataclass(frozen=True, slots=True)
class Leg:
    """POST round trip and POST → message, in ms; CPU milliseconds per call by process; calls that did not arrive."""

    post: Spread
    alert: Spread
    cpu_ms: dict[str, float]
    missing: int


@dataclass(frozen=True, slots=True)
class Compared:
    """System and bare chain of the same run. ``ratio``: the median over the rounds of each round's quotient."""

    processes: int
    rate: float
    crews_answer: bool
    system: Leg
    bare: Leg
    ratio: Spread


@dataclass(frozen=True, slots=True)
class Burst:
    calls: int
    acknowledged: int
    post: Spread
    by_severity: dict[str, Spread]
    alerted: int
    queued: int
    """Calls that waited visibly for a unit, those served later included."""
    lost: int
    took_s: float
    memory: dict[str, Cost]


@dataclass(slots=True)
class Town:
    """Everything that stands while chains are measured."""

    ground: Ground
    at_work: Provider
    client: aiohttp.ClientSession
    crews: Crews
    notify: Any
    dispatch: Any
    bare: list[Led] = field(default_factory=list)
    bare_url: str = ""

    def token(self, role: Role) -> str:
        return self.ground.local.issuer.token(role, areas=[AREA])

    def pids(self) -> dict[str, list[int]]:
        services = {name: [process.pid for process in self.ground.local.processes.get(name, [])] for name in SERVICES}
        return {**services, **self.ground.server_pids()}


# --- setting up -----------------------------------------------------------------------------------------------


@asynccontextmanager
async def town(ground: Ground) -> AsyncIterator[Town]:
    """Services, provider, seeded town and bare chain, all running."""
    local, secrets = ground.local, Secrets()
    async with AsyncExitStack() as stack:
        at_work = await stack.enter_async_context(provider(f"{local.url('notify')}/v1/line/{AREA}/webhook", secrets))
        _name_channels(ground, at_work, secrets)
        await start_services(ground, 1)
        (local.home.path / f"seeded-{AREA}").touch()  # nobody needs the three hundred invented people here
        await seed(local, AREA)
        client = await stack.enter_async_context(
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=WITHIN_S)
            )
        )
        notify, dispatch = await ground.admin("notify"), await ground.admin("dispatch")
        stack.push_async_callback(notify.close)
        stack.push_async_callback(dispatch.close)
        made = Town(ground, at_work, client, Crews(client, local.url("dispatch"), dispatch), notify, dispatch)
        await _start_bare(stack, made, secrets)
        yield made


def _name_channels(ground: Ground, at_work: Provider, secrets: Secrets) -> None:
    line = {
        "base_url": at_work.running.line.url,
        "access_token": secrets.line_token,
        "channel_secrets": [secrets.line_secret],
    }
    sms = {
        "kind": "smpp",
        "provider": "smsc",
        "host": "127.0.0.1",
        "port": at_work.running.smsc.port,
        "system_id": SMPP_ACCOUNT,
        "password": secrets.smpp_password,
        "sender": "Karuna1132",
    }
    ground.local.write_channels({"areas": {AREA: {"line": line, "sms": sms}}, "receipt_secrets": {}})


async def start_services(ground: Ground, processes: int) -> None:
    """That many processes of each of the four services, instead of those that run."""
    for name in list(ground.local.processes):
        await ground.local.stop_service(name)
    for name in SERVICES:
        ground.local.start_service(name, processes=processes)
    await asyncio.gather(*(ground.local.ready(name) for name in SERVICES))


async def _start_bare(stack: AsyncExitStack, made: Town, secrets: Secrets) -> None:
    port = made.ground.local.ports.console  # nobody else of this installation uses it
    made.bare_url = f"http://127.0.0.1:{port}/v1/calls"
    for role in BARE_ROLES:
        env = {
            **made.ground.environment("intake"),
            "BARE_DATABASE": await made.ground.plain_database(f"bare_{role}", bare_chain.SCHEMA),
            "BARE_NATS": made.ground.nats_url,
            "BARE_CREDS": str(made.ground.creds),
            "BARE_PORT": str(port),
            "BARE_PROVIDER": made.at_work.running.line.url,
            "BARE_TOKEN": secrets.line_token,
        }
        made.bare.append(await stack.enter_async_context(led("bench.bare_chain", role, env=env)))
    async with asyncio.timeout(10):
        while True:
            try:
                async with made.client.post(made.bare_url, json={}) as answer:
                    if answer.status == 201:
                        return
            except aiohttp.ClientError:
                await asyncio.sleep(0.05)


# --- rounds ---------------------------------------------------------------------------------------------------


async def compare(
    made: Town, processes: int, *, crews_answer: bool, rate: float = RATE_PER_S, rounds: int = ROUNDS
) -> Compared:
    """Alternate: a round of the bare chain, a round of the system."""
    made.at_work.answer_at_once = crews_answer
    await _system(made, 20, rate)  # everybody is awake, every statement prepared
    await _bare(made, 20, rate)
    bare, system = [], []
    for _ in range(rounds):
        bare.append(await _bare(made, round(ROUND_S * rate), rate))
        system.append(await _system(made, round(ROUND_S * rate), rate))
    quotients = [one.alert.over(other.alert) for one, other in zip(system, bare, strict=True)]
    return Compared(processes, rate, crews_answer, _middle(system), _middle(bare), middle(quotients))


def _middle(legs: Sequence[Leg]) -> Leg:
    cpu = {name: median(leg.cpu_ms[name] for leg in legs) for name in legs[0].cpu_ms}
    posts, alerts = middle([leg.post for leg in legs]), middle([leg.alert for leg in legs])
    return Leg(posts, alerts, cpu, sum(leg.missing for leg in legs))


async def _bare(made: Town, calls: int, rate: float) -> Leg:
    pids = {name: [one.pid] for name, one in zip(BARE_ROLES, made.bare, strict=True)} | made.ground.server_pids()
    before = costs(pids)
    posted = await call_in(made.client, made.bare_url, [("red", call_body("red"))] * calls, rate)
    came = made.at_work.came_ns
    await _until(lambda: all(one.id in came for one in posted if one.id))
    return _leg(posted, {one.id: came[one.id] for one in posted if one.id in came}, before, costs(pids))


async def _system(made: Town, calls: int, rate: float) -> Leg:
    before = costs(made.pids())
    posted = await post_calls(made, [("red", call_body("red")) for _ in range(calls)], rate)
    alerts: dict[str, int] = {}

    async def all_alerted() -> bool:
        alerts.update(await alerts_of(made, posted))
        return all(one.id in alerts for one in posted if one.id)

    await _until(all_alerted)
    after = costs(made.pids())
    await _calm(made)
    return _leg(posted, alerts, before, after)


def _leg(posted: Sequence[Posted], came: dict[str, int], before: dict[str, Cost], after: dict[str, Cost]) -> Leg:
    alerts = [ms(came[one.id], one.sent_ns) for one in posted if one.id in came]
    cpu_ms = {name: 1000 * after[name].since(before[name]).cpu_s / len(posted) for name in after}
    posts = spread([ms(one.answered_ns, one.sent_ns) for one in posted])
    return Leg(posts, spread(alerts), cpu_ms, len(posted) - len(alerts))


async def post_calls(made: Town, bodies: Sequence[tuple[str, dict[str, Any]]], rate: float) -> list[Posted]:
    made.client.headers["authorization"] = f"Bearer {made.token(Role.CALL_TAKER)}"
    return await call_in(made.client, f"{made.ground.local.url('intake')}/v1/calls", bodies, rate)


async def alerts_of(made: Town, posted: Sequence[Posted]) -> dict[str, int]:
    """Call → when the first message to its crew came."""
    first: dict[str, int] = {}
    came = made.at_work.came_ns
    for row in await made.notify.fetch(ALERTS, [one.id for one in posted if one.id]):
        if (at := came.get(row["id"])) is not None:
            first[row["call_id"]] = min(at, first.get(row["call_id"], at))
    return first


async def _calm(made: Town) -> None:
    """Every crew finishes and is free again, and nothing is on its way any more."""
    made.client.headers["authorization"] = f"Bearer {made.token(Role.DISPATCHER)}"
    while await made.crews.finish():
        await asyncio.sleep(0.2)
    await _until(partial(_nothing_waits, made))


async def _nothing_waits(made: Town) -> bool:
    attempts = await made.notify.fetchval("select count(*) from attempt where state in ('ready', 'sending')")
    outbox = await made.dispatch.fetchval("select count(*) from outbox")
    return not attempts and not outbox


async def _until(done: Any, within_s: float = WITHIN_S) -> None:
    """Wait for it; whoever asks counts what is missing afterwards."""
    with suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            while True:
                answer = done()
                if (await answer) if asyncio.iscoroutine(answer) else answer:
                    return
                await asyncio.sleep(0.1)


# --- burst ----------------------------------------------------------------------------------------------------


async def burst(made: Town) -> Burst:
    """Many more calls than the town can serve at once: none may be lost, and red ones go first."""
    made.at_work.answer_at_once = True
    bodies = [(severity, call_body(severity)) for severity in (MIX * BURST_CALLS)[:BURST_CALLS]]
    loop = asyncio.get_running_loop()
    begun = loop.time()
    crews = asyncio.create_task(_crews_at_work(made))
    posted = await post_calls(made, bodies, BURST_CALLS / BURST_S)
    acknowledged = [one for one in posted if one.id]
    alerts: dict[str, int] = {}

    async def all_alerted() -> bool:
        alerts.update(await alerts_of(made, acknowledged))
        return len(alerts) == len(acknowledged)

    await _until(all_alerted, within_s=180)
    took_s = loop.time() - begun
    crews.cancel()
    queued = {row["call_id"] for row in await made.dispatch.fetch(QUEUED, [one.id for one in acknowledged])}
    memory = costs(made.pids())
    by_severity = {
        severity: spread(
            [ms(alerts[c.id], c.sent_ns) for c in acknowledged if c.severity == severity and c.id in alerts]
        )
        for severity in dict.fromkeys(MIX)
    }
    lost = sum(1 for one in acknowledged if one.id not in alerts and one.id not in queued)
    post = spread([ms(one.answered_ns, one.sent_ns) for one in posted])
    return Burst(len(posted), len(acknowledged), post, by_severity, len(alerts), len(queued), lost, took_s, memory)


async def _crews_at_work(made: Town) -> None:
    async with aiohttp.ClientSession(
        headers={"authorization": f"Bearer {made.token(Role.DISPATCHER)}"},
        timeout=aiohttp.ClientTimeout(total=WITHIN_S),
    ) as client:
        await Crews(client, made.ground.local.url("dispatch"), made.dispatch).keep_finishing()
