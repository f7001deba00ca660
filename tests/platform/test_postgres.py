"""Each service has a database of its own, an owner who shapes it and a user who fills it."""

from __future__ import annotations

import asyncpg
import pytest

from tests.platform_fixtures import DatabaseServer, MakeDatabase


async def test_the_user_works_with_rows_and_shapes_nothing(database: MakeDatabase) -> None:
    made = await database("intake", package=None)
    owner = await asyncpg.connect(made.owner_dsn)
    await owner.execute("create table thing (id bigint generated always as identity primary key, name text)")
    await owner.close()
    user = await asyncpg.connect(made.dsn)
    await user.execute("insert into thing (name) values ('a')")
    await user.execute("update thing set name = 'b'")
    assert await user.fetchval("select name from thing") == "b"
    await user.execute("delete from thing")
    for statement in ("create table other (x int)", "truncate thing", "drop table thing", "create schema s"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await user.execute(statement)
    await user.close()


async def test_nobody_reads_the_database_of_another_service(postgres: DatabaseServer, database: MakeDatabase) -> None:
    made = await database("dispatch", package=None)
    for dsn in (postgres.dsn("intake", made.name), postgres.owner_dsn("intake", "dispatch")):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(dsn)
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(made.dsn.replace("dispatch:", "dispatch:x", 1))


async def test_a_fresh_database_each_time(database: MakeDatabase) -> None:
    first, second = await database("notify", package=None), await database("notify", package=None)
    assert first.name != second.name


async def test_commits_are_on_disk_and_values_stay_out_of_the_log(postgres: DatabaseServer) -> None:
    admin = await asyncpg.connect(postgres.admin_dsn())
    shown = {name: await admin.fetchval(f"show {name}") for name in ("fsync", "synchronous_commit", "max_connections")}
    await admin.execute("create temp table canary (name text unique)")
    await admin.execute("insert into canary values ('somchai-canary')")
    with pytest.raises(asyncpg.UniqueViolationError):
        await admin.execute("insert into canary values ('somchai-canary')")
    with pytest.raises(asyncpg.InvalidTextRepresentationError):
        await admin.execute("select 'somchai-canary'::int")
    await admin.close()
    assert shown == {"fsync": "on", "synchronous_commit": "on", "max_connections": "300"}
    assert "canary" not in postgres.server.process.log.read_text()


async def test_after_a_kill_everything_committed_is_there(postgres: DatabaseServer, database: MakeDatabase) -> None:
    made = await database("registry", package=None)
    owner = await asyncpg.connect(made.owner_dsn)
    await owner.execute("create table thing (id int)")
    await owner.execute("insert into thing values (1)")
    await postgres.kill()
    await postgres.start()
    user = await asyncpg.connect(made.dsn)
    assert await user.fetchval("select count(*) from thing") == 1
    await user.close()
