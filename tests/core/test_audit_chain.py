"""The audit in hash chains, as every service keeps it: whatever somebody does to a row by hand is found, and nobody

waits for anybody to write one.
"""

from __future__ import annotations

import ast
import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

import services
import shared.database
from services.intake.app import SERVICE as INTAKE
from services.registry.app import SERVICE as REGISTRY
from shared.audit import audit
from shared.auth import Caller, Role
from shared.chains import fhir, witness
from shared.crypto import Keyring
from shared.database import MOVED, Pool, migrate, open_pool
from shared.service import Service
from shared.streams import LISTENERS
from shared.work import Cause, new_id, now_utc, transaction
from tests.harness import AREA, service_running
from tests.platform_fixtures import MakeDatabase

MANY = 12
FIRST = "a2FydW5hLXRlc3Qta2V5LTMyLWJ5dGVzLWxvbmchISE="
RING = Keyring.of(FIRST)
CALLER = Caller("somebody", Role.SUPERVISOR, frozenset({AREA}), purpose="care")
BY_HAND = "alter table audit disable trigger all; alter table audit_lane disable trigger all;"
REHASH = """
alter table audit enable trigger audit_chained;
create temp table kept as select * from audit order by id;
delete from audit; update audit_lane set seq = 0, hash = '';
insert into audit overriding system value select * from kept order by lane, lane_seq;
"""
"""What somebody does who knows how the chain is made: all hashes anew."""
HEAD_OF_11 = "update audit_lane set seq = 11, hash = (select hash from audit where id = 11) where lane = 0"
FIELDS, VALUES = "id, at, caller, role, act, noun", "99, now(), 'x', 'x', 'x', 'x'"


def swapped(one: int, other: int) -> str:
    move = "update audit set lane_seq = {1} where id = {0}; "
    return move.format(one, 100) + move.format(other, one) + move.format(one, other)


Owned = tuple[Pool, "asyncpg.Connection[Any]"]


@pytest_asyncio.fixture
async def owned(request: pytest.FixtureRequest, database: MakeDatabase) -> AsyncIterator[Owned]:
    """A service with a dozen audit rows in one lane, and a connection that may do anything to them."""
    made = await database(getattr(request, "param", "intake"))
    owner = await asyncpg.connect(made.owner_dsn)
    pool = await open_pool(made.dsn, size=10)
    for _ in range(MANY):
        await audit(pool, CALLER, "read", "person", new_id(), area=AREA)
    yield pool, owner
    await pool.close()
    await owner.close()


async def found(db: asyncpg.Connection[Any], now: datetime | None = None) -> list[tuple[str, int | None]]:
    result = await witness.findings(db, RING, now or now_utc())
    return [(fault.kind, fault.row_id) for fault in result.faults]


TAMPERED: dict[str, tuple[str, list[tuple[str, int | None]]]] = {
    "nothing": ("select 1", []),
    "who": ("update audit set caller = 'person:other' where id = 5", [("changed", 5)]),
    "when": ("update audit set at = at + interval '1 microsecond' where id = 5", [("changed", 5)]),
    "why": ("update audit set purpose = null where id = 5", [("changed", 5)]),
    "what": ("update audit set detail = '{\"x\": 1}' where id = 5", [("changed", 5)]),
    "whose": ("update audit set areas = '{trat}' where id = 5", [("changed", 5)]),
    "its hash": ("update audit set hash = sha256('x') where id = 5", [("changed", 5)]),
    "two rows change places": (
        swapped(5, 6), [("changed", 6), ("changed", 5)],
    ),
    "one is gone": ("delete from audit where id = 5", [("removed", 6)]),
    "the first is gone": ("delete from audit where id = 1", [("removed", 2)]),
    "the last is gone": ("delete from audit where id = 12", [("cut", 11)]),
    "all are gone": ("delete from audit", [("cut", None)]),
    "the last is gone, and its head": (
        f"delete from audit where id = 12; {HEAD_OF_11}", [("cut", 11)],
    ),
    "one beside the chain": (
        f"insert into audit ({FIELDS}) overriding system value values ({VALUES})", [("inserted", 99)],
    ),
    "one behind the chain": (
        f"insert into audit ({FIELDS}, lane, lane_seq, hash) overriding system value values ({VALUES}, 0, 13, 'x')", [("changed", 99), ("inserted", 99)],
    ),
    "one in between, all hashes anew": (
        f"update audit set caller = 'person:other' where id = 5; {REHASH}", [("rewritten", 12)],
    ),
    "one gone, all hashes anew": (f"delete from audit where id = 5; {REHASH}", [("cut", 12)]),
    "an anchor": ("update audit_anchor set heads = replace(heads, '12', '11')", [("anchor", None)]),
}  # fmt: skip


@pytest.mark.parametrize("owned", LISTENERS, indirect=True)
async def test_whatever_is_done_to_a_row_is_found_and_which(owned: Owned) -> None:
    pool, owner = owned
    assert await witness.anchor(pool, RING, now_utc())
    assert not await witness.anchor(pool, RING, now_utc()), "nothing was added: nothing to sign"
    wrong = {}
    for name, (statement, expected) in TAMPERED.items():
        undone = owner.transaction()
        await undone.start()
        await owner.execute(f"{BY_HAND} {statement}")
        said = await found(owner)
        await undone.rollback()
        if said != expected:
            wrong[name] = said
    assert wrong == {}


async def test_rows_that_nobody_signs_for_are_told(owned: Owned) -> None:
    """Who takes the anchors away, or keeps them from being made, is found after a quarter of an hour."""
    _, owner = owned
    assert await found(owner) == []
    assert await found(owner, now_utc() + timedelta(minutes=16)) == [("unsigned", None)]


@pytest.mark.parametrize("service", [INTAKE, REGISTRY], ids=lambda service: service.name)
async def test_who_starts_after_a_long_rest_or_with_another_key_signs_at_once(
    service: Service, database: MakeDatabase, tmp_path: Path
) -> None:
    """Else the first quarter of an hour would look as if somebody had taken the anchors away."""
    later, dsn = now_utc() + timedelta(minutes=16), (await database(service.name)).dsn
    own = {"field_key": FIRST} if service is REGISTRY else {"field_key": None, "audit_key": FIRST}
    async with service_running(service, dsn, tmp_path, **own) as running:
        runtime = running.runtime
        await audit(runtime.pool, CALLER, "read", "person", new_id(), area=AREA)
        await witness.begin(runtime)
        keys = witness.keys_of(runtime.settings)
        assert (await witness.verify(runtime.pool, keys, later)).faults == ()
        fresh = Keyring.of("9:" + "QUFB" * 10 + "QUE=")
        assert await witness.anchor(runtime.pool, fresh, later), "nothing was added, but the key is another"
        kept = await witness.verify(runtime.pool, fresh, later + timedelta(minutes=16))
        assert kept.faults == ()
        assert kept.unreadable


async def test_without_a_key_a_service_works_and_whoever_verifies_is_told(
    database: MakeDatabase, tmp_path: Path
) -> None:
    dsn = (await database("intake")).dsn
    async with service_running(INTAKE, dsn, tmp_path, field_key=None) as running:
        await audit(running.runtime.pool, CALLER, "read", "person", new_id(), area=AREA)
        await witness.begin(running.runtime)
        late = await witness.verify(running.runtime.pool, None, now_utc() + timedelta(minutes=16))
        assert [fault.kind for fault in late.faults] == ["unsigned"]


async def test_what_the_registry_wrote_before_all_services_had_chains_still_holds(
    database: MakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own migration of that time is what every service has now; it is not run a second time."""
    made = await database("registry", package=None)
    every = shared.database._all_migrations("services.registry")
    before = {MOVED.get(name, name): sql for name, sql in every}
    monkeypatch.setattr(shared.database, "MOVED", {})
    monkeypatch.setattr(shared.database, "_all_migrations", lambda _: list(before.items()))
    await migrate(made.owner_dsn, "services.registry")
    monkeypatch.undo()
    pool = await open_pool(made.dsn, size=2)
    for _ in range(MANY):
        await audit(pool, CALLER, "read", "person", new_id(), area=AREA)
    assert await migrate(made.owner_dsn, "services.registry") == []
    await audit(pool, CALLER, "read", "person", new_id(), area=AREA)
    result = await witness.verify(pool, RING, now_utc())
    await pool.close()
    assert (result.faults, result.rows) == ((), MANY + 1)


def test_whatever_is_written_is_no_reading_in_the_export() -> None:
    """An act in a transaction writes; one that no table knows would be exported as a look."""
    acts, several = set(), set()
    for path in [path for package in (services, shared) for path in Path(package.__path__[0]).rglob("*.py")]:
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "audit":
                where, _, act = call.args[:3]
                if isinstance(where, ast.Name) and where.id == "work":
                    if isinstance(act, ast.Constant):
                        acts.add(str(act.value))
                    else:
                        several.add(path.name)
    assert len(acts) > 30
    assert not sorted({*acts, "register", "import_people"} - set(fhir.ACTIONS))


async def test_the_service_itself_can_change_no_row(owned: Owned) -> None:
    pool, _ = owned
    for statement in ("update audit set caller = 'x' where id = 5", "delete from audit where id = 5"):
        with pytest.raises(asyncpg.RaiseError, match="append-only"):
            await pool.execute(statement)


async def test_an_open_transaction_keeps_no_reader_waiting(owned: Owned) -> None:
    """Whoever has written an audit row and not yet committed holds one lane; the others take another."""
    pool, owner = owned
    async with transaction(pool, Cause("system:test")) as work:
        await audit(work, CALLER, "erase", "person", [new_id(), new_id()], area=AREA)
        async with asyncio.timeout(3):  # a lock would be waited for five seconds
            await asyncio.gather(*(audit(pool, CALLER, "read", "person", new_id(), area=AREA) for _ in range(8)))
    await asyncio.gather(*(audit(pool, CALLER, "search", "person", [new_id()] * 3, area=AREA) for _ in range(60)))
    with suppress(RuntimeError):
        async with transaction(pool, Cause("system:test")) as work:
            await audit(work, CALLER, "erase", "person", new_id(), area=AREA)
            raise RuntimeError
    result = await witness.findings(owner, RING, now_utc())
    assert (result.faults, result.rows) == ((), MANY + 2 + 8 + 180)
    assert result.lanes > 1
