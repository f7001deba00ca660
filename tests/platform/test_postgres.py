"""Each service has a database of its own, an owner who shapes it and a user who fills it."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import rmtree
from signal import SIGTERM
from tempfile import mkdtemp
from typing import Any

import asyncpg
import pytest

from karuna.platform.postgres import Postgres, PostgresSettings, reachable
from karuna.platform.process import Identity, wrapped
from tests.patience import PATIENCE_S
from tests.platform_fixtures import DatabaseServer, MakeDatabase, free_port


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
    assert "canary" not in postgres.log_text()


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


# --- the server over its own folder, by itself ---------------------------------------------------------------


@contextmanager
def folder_only_root_enters() -> Iterator[Path]:
    path = Path(mkdtemp())
    path.chmod(0o700)
    try:
        yield path
    finally:
        rmtree(path)


def postgres_in(path: Path) -> Postgres:
    return Postgres(path / "postgres", path / "keys", path / "logs", PostgresSettings(free_port()))


async def answer(server: Postgres, statement: str) -> Any:
    connection = await asyncpg.connect(server.owner_dsn("intake"))
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def test_a_restart_finds_everything() -> None:
    with folder_only_root_enters() as path:
        server = postgres_in(path)
        await server.start()
        await answer(server, "create table thing as select 1 as id")
        await server.fast_shutdown()
        again = postgres_in(path)  # another launcher, another port
        await again.start()
        try:
            assert await answer(again, "select id from thing") == 1
        finally:
            await again.fast_shutdown()


async def test_a_server_that_lost_its_launcher_is_ended_first() -> None:
    with folder_only_root_enters() as path:
        orphan, server = postgres_in(path), postgres_in(path)
        await orphan.start()
        try:
            await server.start()
            assert not orphan.process.running
            assert await answer(server, "select 1") == 1
        finally:
            await orphan.kill()
            await server.fast_shutdown()


@pytest.mark.parametrize("uid", [0, 65534])
async def test_it_runs_for_root_and_for_an_ordinary_user(uid: int) -> None:
    """As whoever runs the tests; where that is root, as an ordinary user too. Never does the server run as root."""
    program = [sys.executable, "-c", ALONE]
    if os.geteuid() == 0 and uid:
        program = wrapped(program, Identity(uid, uid, override=not PYTHON_IS_OPEN), SIGTERM)
    with folder_only_root_enters() as path:
        if os.geteuid() == 0:
            os.chown(path, uid, uid)
        process = await asyncio.create_subprocess_exec(
            *program,
            str(path),
            str(free_port()),
            stdout=PIPE,
            stderr=STDOUT,
            env={"PYTHONPATH": str(ROOT), **os.environ},
        )
        try:
            out, _ = await asyncio.wait_for(process.communicate(), 3 * PATIENCE_S)
        finally:
            with suppress(ProcessLookupError):
                process.kill()
        assert process.returncode == 0, out.decode()
        assert int(out.split()[-1]) == (65534 if os.geteuid() == 0 else os.geteuid())


ROOT = Path(__file__).parents[2]
PYTHON_IS_OPEN = reachable(Path(sys.executable).resolve())
ALONE = """
import asyncio, subprocess, sys
from pathlib import Path
import asyncpg, psutil
from karuna.platform.postgres import Postgres, PostgresSettings

async def main(path, port):
    server = Postgres(path / "postgres", path / "keys", path / "logs", PostgresSettings(port))
    await server.start()
    connection = await asyncpg.connect(server.dsn("notify"))
    assert await connection.fetchval("select 1") == 1
    await connection.close()
    await server.fast_shutdown()

    # the machine died, and the number in the file is now that of another program of ours
    other = subprocess.Popen(["sleep", "60"])
    (server.data / "postmaster.pid").write_text(f"{other.pid}\\n{server.data}\\n1\\n5433\\n\\n127.0.0.1\\n")
    await server.start()
    print(psutil.Process(server.process.pid).uids().effective)
    await server.fast_shutdown()
    other.kill()
    other.wait()

asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
"""
