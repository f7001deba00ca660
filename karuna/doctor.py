"""What is wrong, and what to do: streams, consumers, rights, clocks, what is synced, outbox, parked, dead letters."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import asyncpg
import httpx
import nats.errors
import orjson
from nats.aio.client import Client

from karuna.advice import advice
from karuna.holes import missed
from karuna.keys import unopened
from karuna.local import Local
from karuna.platform.broker import connect_once
from karuna.platform.provision import ServerRefused, provision
from shared.crypto import BadKey
from shared.streams import HEARS, LISTENERS, SERVICES, Durable, durables_of, stream_name
from shared.thai.text import Text

CLOCK_TOLERANCE_S = 2.0
OUTBOX_AGE_S = 30.0
PARKED_AGE_S = 30.0
FULL_SHARE = 0.7
PENDING_ALARM = 1000
WAIT_S = 3.0

# What waits behind a dead letter, or behind what does, waits for a person and not for a missing event.
STATE = """
with recursive stuck (noun, id) as (
    select noun, aggregate_id from dead_letter where requeued_at is null
    union
    select p.noun, p.aggregate_id from parked p join stuck s on s.noun = p.waits_noun and s.id = p.waits_id
), held as (
    select p.parked_at, exists (select from stuck s where s.noun = p.noun and s.id = p.aggregate_id) as behind_a_letter
    from parked p
)
select (select coalesce(extract(epoch from clock_timestamp() - min(l.occurred_at)), 0)::float
        from outbox o join event_log l using (position)) as outbox_age_s,
       (select count(*) from outbox) as outbox_rows,
       (select coalesce(extract(epoch from clock_timestamp() - min(parked_at)), 0)::float
        from held where not behind_a_letter) as parked_age_s,
       (select count(*) from held where not behind_a_letter) as parked_rows,
       (select count(*) from held where behind_a_letter) as held_back,
       (select count(*) from dead_letter where requeued_at is null) as dead_letters,
       (select coalesce(max(last_sequence), 0) from relay) as sent,
       (select count(*) from event_log where stream_sequence < 0) as to_resend,
       (select count(*) from due where due_at < clock_timestamp() - interval '60 seconds') as overdue,
       array(select name || ' ' || setting from pg_settings
             where name in ('fsync', 'full_page_writes', 'synchronous_commit') and setting = 'off') as unsafe,
       clock_timestamp() as now
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """One look. ``advice`` says what it means and what to do; None when all is well."""

    what: str
    ok: bool
    found: str
    advice: Text | None = None


def _look(what: str, ok: bool, found: str, code: str, **names: str) -> Finding:
    return Finding(what, ok, found, None if ok else advice(code, **names))


async def examine(local: Local) -> AsyncIterator[Finding]:
    """Look at everything; each finding comes as soon as it is known. What is away keeps nobody from the rest."""
    async with httpx.AsyncClient(timeout=WAIT_S) as web:
        broker = await _broker(web, local)
        for finding in broker:
            yield finding
        for service in LISTENERS:
            yield await _service(web, local, service)
    async with _client(local) as client:
        if isinstance(client, Exception):
            if all(finding.what != "broker" for finding in broker):
                yield _look("broker", False, type(client).__name__, "broker")
        else:
            yield await _declared(client)
        for service in LISTENERS:
            async for finding in _of_service(client if isinstance(client, Client) else None, local, service):
                yield finding


@asynccontextmanager
async def _client(local: Local) -> AsyncIterator[Client | Exception]:
    """A client with the doctor's rights, which are to look; or why there is none."""
    try:
        client = await connect_once(local.nats.url, local.accounts, "doctor")
    except (OSError, TimeoutError, nats.errors.Error) as problem:
        yield problem
        return
    try:
        yield client
    finally:
        await client.close()


async def _broker(web: httpx.AsyncClient, local: Local) -> list[Finding]:
    asked_at = datetime.now(UTC)
    try:
        state = (await web.get(f"{local.nats.monitor_url}/varz")).json()
    except (httpx.HTTPError, ValueError) as problem:
        return [_look("broker", False, type(problem).__name__, "broker")]
    config = state.get("jetstream", {}).get("config")
    if not config:
        return [_look("jetstream", False, "off", "jetstream")]
    always = bool(config.get("sync_always"))
    drift_s = apart_s(datetime.fromisoformat(state["now"]), asked_at, datetime.now(UTC))
    return [
        _look("sync_interval", always, "always" if always else "not always", "broker_settings"),
        _clock("clock of broker", drift_s),
    ]


def _clock(what: str, drift_s: float) -> Finding:
    return _look(what, drift_s < CLOCK_TOLERANCE_S, f"{drift_s:.2f} s apart", "clock")


def apart_s(told: datetime, asked_at: datetime, heard_at: datetime) -> float:
    """How far a clock is from ours at least: what it ``told`` was read at some moment between asking and hearing."""
    return max((asked_at - told).total_seconds(), (told - heard_at).total_seconds(), 0.0)


NOT_READY = {
    "database": "database",
    "broker": "broker",
    "permissions": "permissions",
    "sync_interval": "broker_settings",
    "stream": "stream",
}
"""What ``/readyz`` names → the advice."""


async def _service(web: httpx.AsyncClient, local: Local, service: str) -> Finding:
    try:
        answer = await web.get(f"{local.url(service)}/readyz")
        body = answer.json()
    except (httpx.HTTPError, ValueError) as problem:
        return _look(f"{service} ready", False, type(problem).__name__, "service", service=service)
    wrong = ", ".join(f"{name}: {text}" for name, text in body["wrong"].items())
    code = next((NOT_READY[name] for name in body["wrong"] if name in NOT_READY), "not_ready")
    names = {"service": service, "stream": stream_name(service)}
    return _look(f"{service} ready", body["ready"], wrong or "ready", code, **names)


async def _declared(client: Client) -> Finding:
    drift = [finding for finding in await provision(client, apply=False) if finding.drifted]
    names = ", ".join(finding.line() for finding in drift)
    sealed = [finding.what for finding in drift if "sealed" in finding.differences]
    strangers = all(finding.state == "unknown" for finding in drift)
    code = "sealed" if sealed else "stranger" if strangers else "declared"
    return _look("streams and durables", not drift, names or "as declared", code, stream=" ".join(sealed))


async def _of_service(client: Client | None, local: Local, service: str) -> AsyncIterator[Finding]:
    """A service's stream, its database, and the two held against each other; its durables. The console only listens."""
    speaks = service in SERVICES
    before = await _stream(client, service) if client and speaks else None
    asked_at = datetime.now(UTC)
    state = await _state(local, service)
    if isinstance(state, Exception):
        yield _look(f"{service} database", False, type(state).__name__, "database", service=service)
    else:
        yield _clock(f"clock of {service} database", apart_s(state["now"], asked_at, datetime.now(UTC)))
        for finding in _waiting(service, state):
            yield finding
        if service == "registry" and local.field_key_file.exists():
            yield await _field_key(local)
    if client is None:
        return
    after, name = await _stream(client, service) if speaks else None, stream_name(service)
    if speaks and (before is None or after is None):
        yield _look(name, False, "missing", "stream", stream=name)
    if before is not None and after is not None:
        limit, size = after["config"]["max_bytes"], after["state"]["bytes"]
        room = limit <= 0 or size <= FULL_SHARE * limit
        yield _look(f"{name} size", room, f"{size:,} of {limit:,} bytes", "full", stream=name)
        if not isinstance(state, Exception):
            stored = (before["state"]["last_seq"], after["state"]["last_seq"])
            whole = is_whole(state["sent"], stored, waits=state["outbox_rows"] > 0) and not state["to_resend"]
            found = f"sent {state['sent']}, stored {stored[1]}, to be sent again {state['to_resend']}"
            yield _look(f"{service} stream end", whole, found, "stream", stream=name)
    for durable in durables_of(service):
        yield await _durable(client, durable, service)
    if speaks and not isinstance(state, Exception):
        yield await _missed(client, local, service)


async def _state(local: Local, service: str) -> asyncpg.Record | Exception:
    """What waits in a service's own tables; or why nobody knows."""
    try:
        connection = await asyncpg.connect(local.postgres.dsn(service), timeout=WAIT_S)
        try:
            state = await connection.fetchrow(STATE)
        finally:
            await connection.close()
    except (OSError, TimeoutError, asyncpg.PostgresError) as problem:
        return problem
    assert state is not None  # noqa: S101 an aggregate without group by always gives a row
    return state


def is_whole(sent: int, stored: tuple[int, int], *, waits: bool) -> bool:
    """Whether the stream ends where its service left it. ``stored``: where it ended before and after we asked for
    ``sent``, for the service goes on while we look. What still ``waits`` to be sent may be there already.
    """
    before, after = stored
    return before <= sent <= after or waits


def _waiting(service: str, state: asyncpg.Record) -> Iterator[Finding]:
    """What stands in the service's own tables."""
    unsafe, late, letters = ", ".join(state["unsafe"]), state["overdue"], state["dead_letters"]
    looks = (
        ("synced", not unsafe, unsafe or "before every answer", "durability"),
        ("outbox", state["outbox_age_s"] < OUTBOX_AGE_S, f"{state['outbox_rows']} rows", "outbox"),
        ("parked", state["parked_age_s"] < PARKED_AGE_S, f"{state['parked_rows']} messages", "parked"),
        ("dead letters", not letters, f"{letters} waiting, {state['held_back']} held back", "dead_letters"),
        ("overdue", not late, f"{late} due things late", "overdue"),
    )
    for what, ok, found, code in looks:
        yield _look(f"{service} {what}", ok, found, code, service=service)


async def _field_key(local: Local) -> Finding:
    """Whether the key file opens what is sealed: of a wrong one the registry says only that it does not start."""
    try:
        wrong = await unopened(local.postgres.dsn("registry"), local.field_key())
    except (OSError, asyncpg.PostgresError, BadKey) as problem:
        return _look("registry field key", False, type(problem).__name__, "field_key")
    found = f"does not open: {', '.join(map(str, wrong))}" if wrong else "opens what is sealed"
    return _look("registry field key", not wrong, found, "field_key")


async def _durable(client: Client, durable: Durable, service: str) -> Finding:
    what = f"durable {durable.stream}/{durable.name}"
    info = await _ask(client, f"$JS.API.CONSUMER.INFO.{durable.stream}.{durable.name}")
    if info is None:
        return _look(what, False, "missing", "declared")
    found = (
        f"{info['num_pending']} to deliver, {info['num_ack_pending']} in hand, {info['num_redelivered']} redelivered"
    )
    return _look(what, info["num_pending"] < PENDING_ALARM, found, "pending", service=service)


async def _missed(client: Client, local: Local, listener: str) -> Finding:
    """What was sent held against what was heard: of an aggregate's last event nobody else sees that it is gone."""
    try:
        lost = sum([len(await missed(client, local, listener, owner)) for owner in HEARS[listener]])
    except (OSError, TimeoutError, asyncpg.PostgresError, nats.errors.Error, ServerRefused) as problem:
        return _look(f"{listener} heard", True, f"not known: {type(problem).__name__}", "missed")
    return _look(f"{listener} heard", not lost, f"{lost} events missed" if lost else "all", "missed", service=listener)


async def _stream(client: Client, service: str) -> dict[str, Any] | None:
    return await _ask(client, f"$JS.API.STREAM.INFO.{stream_name(service)}")


async def _ask(client: Client, subject: str) -> dict[str, Any] | None:
    reply = await client.request(subject, b"", timeout=WAIT_S)
    answer: dict[str, Any] = orjson.loads(reply.data)
    return None if "error" in answer else answer
