"""What is wrong, and what to do: streams, consumers, rights, clocks, sync_interval, outbox, parked, dead letters."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import asyncpg
import httpx
import nats
import orjson
from nats.aio.client import Client

from karuna.local import Local
from karuna.platform.provision import provision
from shared.streams import SERVICES, durables_of, stream_name

CLOCK_TOLERANCE_S = 2.0
OUTBOX_AGE_S = 30.0
PARKED_AGE_S = 30.0
FULL_SHARE = 0.7
PENDING_ALARM = 1000

STATE = """
select (select coalesce(extract(epoch from clock_timestamp() - min(l.occurred_at)), 0)::float
        from outbox o join event_log l using (position)) as outbox_age_s,
       (select count(*) from outbox) as outbox_rows,
       (select coalesce(extract(epoch from clock_timestamp() - min(parked_at)), 0)::float from parked) as parked_age_s,
       (select count(*) from parked) as parked_rows,
       (select count(*) from dead_letter where requeued_at is null) as dead_letters,
       (select coalesce(max(last_sequence), 0) from relay) as sent,
       (select count(*) from due where due_at < clock_timestamp() - interval '60 seconds') as overdue,
       clock_timestamp() as now
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """One look. ``advice`` says what to do, in Thai and English; empty when all is well."""

    what: str
    ok: bool
    found: str
    advice: str = ""


async def examine(local: Local) -> AsyncIterator[Finding]:
    """Look at everything; each finding comes as soon as it is known."""
    async with httpx.AsyncClient(timeout=3) as web:
        for finding in await _broker(web, local):
            yield finding
        for service in SERVICES:
            yield await _service(web, local, service)
    try:
        client = await nats.connect(
            local.nats.url,
            user_credentials=str(local.accounts.creds("doctor")),
            inbox_prefix=b"_INBOX.doctor",
            allow_reconnect=False,
            connect_timeout=3,
            error_cb=_quiet,
        )
    except (OSError, TimeoutError, nats.errors.Error) as problem:
        yield Finding("broker", False, type(problem).__name__, "เปิด nats-server (start nats-server: make run)")
        return
    try:
        async for finding in _streams(client, local):
            yield finding
    finally:
        await client.close()


async def _quiet(_: Exception) -> None:
    """What goes wrong is a finding, not a line of the client's log."""


async def _broker(web: httpx.AsyncClient, local: Local) -> list[Finding]:
    try:
        state = (await web.get(f"{local.nats.monitor_url}/varz")).json()
    except (httpx.HTTPError, ValueError) as problem:
        return [Finding("broker", False, type(problem).__name__, "เปิด nats-server (start nats-server: make run)")]
    always = bool(state.get("jetstream", {}).get("config", {}).get("sync_always"))
    drift_s = abs((datetime.now(UTC) - datetime.fromisoformat(state["now"])).total_seconds())
    return [
        Finding(
            "sync_interval",
            always,
            "always" if always else "not always",
            "" if always else "ตั้ง sync_interval: always (acknowledged messages can be lost at a power cut)",
        ),
        _clock("clock of broker", drift_s),
    ]


def _clock(what: str, drift_s: float) -> Finding:
    ok = drift_s < CLOCK_TOLERANCE_S
    return Finding(what, ok, f"{drift_s:.2f} s apart", "" if ok else "ตั้งเวลาเครื่องด้วย NTP (set the clocks by NTP)")


async def _service(web: httpx.AsyncClient, local: Local, service: str) -> Finding:
    try:
        answer = await web.get(f"{local.url(service)}/readyz")
        body = answer.json()
    except (httpx.HTTPError, ValueError) as problem:
        return Finding(f"{service} ready", False, type(problem).__name__, f"เปิดบริการ (karuna run {service})")
    wrong = ", ".join(f"{name}: {text}" for name, text in body["wrong"].items())
    return Finding(
        f"{service} ready", body["ready"], wrong or "ready", "" if body["ready"] else _readiness_advice(body["wrong"])
    )


ADVICE = {
    "database": "ตรวจ PostgreSQL (is PostgreSQL up, is its disk full?)",
    "broker": "ตรวจ nats-server (is nats-server up?)",
    "permissions": "สิทธิ์ NATS ผิด (rights differ from the table: restart with make run)",
    "sync_interval": "ตั้ง sync_interval: always",
    "stream": "สั่ง karuna streams rebuild",
}


def _readiness_advice(wrong: dict[str, str]) -> str:
    return "; ".join(ADVICE.get(name, name) for name in wrong)


async def _streams(client: Client, local: Local) -> AsyncIterator[Finding]:
    drift = [finding for finding in await provision(client, apply=False) if finding.drifted]
    names = ", ".join(f"{finding.what} {finding.state}" for finding in drift)
    yield Finding(
        "streams and durables", not drift, names or "as declared", "สั่ง karuna streams provision" if drift else ""
    )
    for service in SERVICES:
        stream = await _ask(client, f"$JS.API.STREAM.INFO.{stream_name(service)}")
        if stream is None:
            yield Finding(stream_name(service), False, "missing", "สั่ง karuna streams provision แล้ว rebuild")
            continue
        limit, size = stream["config"]["max_bytes"], stream["state"]["bytes"]
        full = limit > 0 and size > FULL_SHARE * limit
        yield Finding(
            f"{stream_name(service)} size",
            not full,
            f"{size:,} of {limit:,} bytes",
            "เพิ่ม max_bytes (raise it)" if full else "",
        )
        async for finding in _database(local, service, stream["state"]["last_seq"]):
            yield finding
        for durable in durables_of(service):
            yield await _durable(client, durable.stream, durable.name)


async def _database(local: Local, service: str, last_sequence: int) -> AsyncIterator[Finding]:
    try:
        connection = await asyncpg.connect(local.postgres.dsn(service), timeout=3)
    except (OSError, TimeoutError, asyncpg.PostgresError) as problem:
        yield Finding(f"{service} database", False, type(problem).__name__, ADVICE["database"])
        return
    try:
        state = await connection.fetchrow(STATE)
    finally:
        await connection.close()
    assert state is not None  # noqa: S101 an aggregate without group by always gives a row
    yield _clock(f"clock of {service} database", abs((datetime.now(UTC) - state["now"]).total_seconds()))
    yield _limit(
        f"{service} outbox",
        state["outbox_age_s"],
        OUTBOX_AGE_S,
        f"{state['outbox_rows']} rows",
        "ดู readyz และบันทึกของ relay (see readyz and the relay's log)",
    )
    yield _limit(
        f"{service} parked",
        state["parked_age_s"],
        PARKED_AGE_S,
        f"{state['parked_rows']} messages",
        "เหตุการณ์ก่อนหน้าหายไป: karuna streams rebuild (an earlier event is missing)",
    )
    yield _limit(
        f"{service} dead letters",
        state["dead_letters"],
        0.5,
        f"{state['dead_letters']} waiting",
        f"karuna dead-letters list {service}",
    )
    yield _limit(
        f"{service} overdue",
        state["overdue"],
        0.5,
        f"{state['overdue']} due things late",
        "ดูบันทึก due.failed (see the log)",
    )
    same = state["sent"] == last_sequence or state["outbox_rows"] > 0
    yield Finding(
        f"{service} stream end",
        same,
        f"sent {state['sent']}, stored {last_sequence}",
        "" if same else f"karuna streams rebuild {stream_name(service)}",
    )


def _limit(what: str, value: float, limit: float, found: str, advice: str) -> Finding:
    return Finding(what, value < limit, found, "" if value < limit else advice)


async def _durable(client: Client, stream: str, name: str) -> Finding:
    info = await _ask(client, f"$JS.API.CONSUMER.INFO.{stream}.{name}")
    if info is None:
        return Finding(f"durable {stream}/{name}", False, "missing", "สั่ง karuna streams provision")
    ok = info["num_pending"] < PENDING_ALARM
    found = (
        f"{info['num_pending']} to deliver, {info['num_ack_pending']} in hand, {info['num_redelivered']} redelivered"
    )
    return Finding(
        f"durable {stream}/{name}", ok, found, "" if ok else "บริการตามไม่ทัน (add processes: karuna run --processes)"
    )


async def _ask(client: Client, subject: str) -> dict[str, Any] | None:
    reply = await client.request(subject, b"", timeout=3)
    answer: dict[str, Any] = orjson.loads(reply.data)
    return None if "error" in answer else answer
