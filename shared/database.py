"""PostgreSQL: pool, JSON, migrations, and which errors mean "away"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import resources
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg
import orjson
from asyncpg.exceptions import _base

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"


class BadValue(ValueError):
    """A value PostgreSQL cannot hold. (asyncpg's own error for it is a kind of InterfaceError, which would

    read as "the database is away" and be tried for ever.)
    """


ClientDataError: type[Exception] = _base.DataError

AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.QueryCanceledError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.ReadOnlySQLTransactionError,
    OSError,
    TimeoutError,
)
"""The database is away or was away in the middle: nothing is known of the transaction; try the whole again."""

TOO_LONG = (TimeoutError, asyncpg.QueryCanceledError)
"""One statement took longer than it may; or the database hangs."""
COLLISION = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError, asyncpg.LockNotAvailableError)
"""Two transactions met; one of them must begin again."""

_KEEPALIVE = {
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "10000",
}
PLANS = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
}
"""Every statement reads by index (a test sees to it), so one plan serves all values and all sizes of the tables.

Otherwise a young database, whose statistics say "nearly empty", would walk tables until the next analysis, and
statements with arrays would be planned anew each time, which costs more than running them.
"""
PLAN_FOR_VALUES = (
    "set local plan_cache_mode = force_custom_plan; set local enable_seqscan = on; "
    "set local enable_hashjoin = on; set local enable_mergejoin = on"
)
_SETTINGS = {
    **_KEEPALIVE,
    **PLANS,
    "timezone": "UTC",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "30s",
}
MIGRATION_NAME = re.compile(r"^\d{4}_[a-z0-9_]+\.sql$")


def to_json(value: Any) -> str:
    """JSON text of a value in which UUIDs may come from rows (asyncpg has a class of its own for them)."""
    return orjson.dumps(value, default=_plain).decode()


def _plain(value: Any) -> str:
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(type(value).__name__)


async def _prepare(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    for name in ("json", "jsonb"):
        await connection.set_type_codec(name, schema="pg_catalog", encoder=to_json, decoder=orjson.loads)
    await connection.prepare("select $1::jsonb[]")  # asyncpg looks this type up once: now, not inside a transaction


async def _keep(_: asyncpg.Connection[asyncpg.Record]) -> None:
    """Nothing to reset: no session settings, session locks or listeners are ever made on a pooled connection.

    asyncpg rolls back what is left open; its own further reset would be one more round trip per transaction.
    """


async def connect(dsn: str, *, command_s: float | None = 15) -> asyncpg.Connection[asyncpg.Record]:
    """One connection outside the pool, for session locks. ``command_s`` None: for work on a whole archive."""
    connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(
        dsn, timeout=5, command_timeout=command_s, server_settings=_SETTINGS
    )
    try:
        await _prepare(connection)
    except BaseException:  # also being cancelled: nobody else knows of this connection yet
        connection.terminate()
        raise
    return connection


async def open_pool(dsn: str, *, size: int) -> Pool:
    """A pool of at most ``size`` connections. It opens lazily, so that a service can start before its database."""
    return await asyncpg.create_pool(
        dsn,
        min_size=0,
        max_size=size,
        timeout=5,
        command_timeout=15,
        init=_prepare,
        reset=_keep,
        server_settings=_SETTINGS,
        max_inactive_connection_lifetime=300,
    )


@dataclass(frozen=True, slots=True)
class Search:
    """A statement whose conditions may be absent (``$1 is null or …``), or which counts over a whole period."""

    text: str


async def look_up(db: Pool | Connection, search: Search, *values: Any) -> list[asyncpg.Record]:
    """The rows of a search, planned for the values it is asked with: what is absent then costs nothing."""
    if isinstance(db, asyncpg.Pool):
        async with db.acquire(timeout=5) as connection, connection.transaction():
            return await look_up(connection, search, *values)
    await db.execute(PLAN_FOR_VALUES)
    return await db.fetch(search.text, *values)


def migrations(package: str) -> list[tuple[str, str]]:
    """``(name, sql)`` of a package's ``migrations`` folder, in the order of their running numbers."""
    folder = resources.files(package) / "migrations"
    found = [(entry.name, entry.read_text("utf-8")) for entry in folder.iterdir() if entry.name.endswith(".sql")]
    for name, _ in found:
        if not MIGRATION_NAME.match(name):
            raise ValueError(f"migration name {name!r} must look like 0001_what_it_does.sql")
    return sorted(found)


MOVED = {"core/0005_audit_chain.sql": "registry/0004_audit_chain.sql"}
"""What one service had before all of them, and under which name its database knows it."""


async def migrate(dsn: str, package: str) -> list[str]:
    """Bring a service's database up to date; returns the names of what ran.

    Each file is one transaction; two migrators at once wait for each other. Migrations must leave the last
    released version working (add first, remove a release later).
    """
    connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(dsn, timeout=10)
    ran: list[str] = []
    try:
        await connection.execute("select pg_advisory_lock(hashtext('karuna.migrate'))")
        await connection.execute(
            "create table if not exists migration (name text primary key, ran_at timestamptz not null default now())"
        )
        known = {row["name"] for row in await connection.fetch("select name from migration")}
        for name, sql in _all_migrations(package):
            if name in known or MOVED.get(name) in known:
                continue
            async with connection.transaction():
                await connection.execute(sql)
                await connection.execute("insert into migration (name) values ($1)", name)
            ran.append(name)
    finally:
        await connection.close()
    return ran


def _all_migrations(package: str) -> list[tuple[str, str]]:
    core = [(f"core/{name}", sql) for name, sql in migrations("shared")]
    own = [(f"{package.rsplit('.', 1)[-1]}/{name}", sql) for name, sql in migrations(package)]
    return core + own
