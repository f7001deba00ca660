"""What the machine gives without any of our code: transactions, batches of rows, publishes. Always in the same run."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeAlias
from uuid import uuid4

import asyncpg
from nats.aio.client import Client

from bench.figures import NS_PER_MS
from bench.toy import TEXT

SCHEMA = """
create table state (id uuid primary key, value integer not null, body text not null);
create table outbox (id bigint generated always as identity primary key, event_id uuid not null, subject text not null,
                     payload bytea not null);
"""
STATE = "insert into state (id, value, body) values ($1, $2, $3)"
OUTBOX = "insert into outbox (event_id, subject, payload) values ($1, $2, $3)"
ROWS = "insert into outbox (event_id, subject, payload) select * from unnest($1::uuid[], $2::text[], $3::bytea[])"
PAYLOAD = b"x" * 850
BATCH = 100

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


async def one_change(connection: Connection, value: int) -> None:
    """A transaction of two inserts: a state and an event to send."""
    async with connection.transaction():
        await connection.execute(STATE, uuid4(), value, TEXT)
        await connection.execute(OUTBOX, uuid4(), "floor.subject", PAYLOAD)


async def paced(act: Callable[[int], Awaitable[object]], *, count: int, rate: float) -> list[float]:
    """How long each of ``count`` acts takes, in ms, at ``rate`` a second; 0: one right after the other."""
    started, taken = time.monotonic(), []
    for number in range(count):
        if rate:
            await asyncio.sleep(max(0.0, started + number / rate - time.monotonic()))
        begun = time.monotonic_ns()
        await act(number)
        taken.append((time.monotonic_ns() - begun) / NS_PER_MS)
    return taken


async def commits_per_s(connections: list[Connection], seconds: float) -> float:
    """Two-insert transactions a second over these connections at once."""
    started, done = time.monotonic(), 0

    async def writer(connection: Connection) -> None:
        nonlocal done
        while time.monotonic() < started + seconds:
            await one_change(connection, done)
            done += 1

    await asyncio.gather(*(writer(connection) for connection in connections))
    return done / (time.monotonic() - started)


async def rows_per_s(connection: Connection, seconds: float) -> float:
    """Rows a second in committed batches of 100 on one connection."""
    started, batches = time.monotonic(), 0
    while time.monotonic() < started + seconds:
        ids = [uuid4() for _ in range(BATCH)]
        await connection.execute(ROWS, ids, ["floor.subject"] * BATCH, [PAYLOAD] * BATCH)
        batches += 1
    return batches * BATCH / (time.monotonic() - started)


async def publish(client: Client, number: int) -> None:
    """One message, acknowledged by JetStream when it is on the disk."""
    await client.jetstream().publish(f"floor.bench.{number}", PAYLOAD)
