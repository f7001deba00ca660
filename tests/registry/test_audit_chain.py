"""The audit in hash chains: whatever somebody does to a row by hand is found, and nobody waits for anybody to write one."""

from __future__ import annotations

import ast
import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest
import pytest_asyncio

import services.registry
from services.registry import app, fhir, witness
from services.registry.app import SERVICE
from services.registry.keys import ring
from shared.audit import audit
from shared.auth import Caller, Role
from shared.crypto import Keyring
from shared.work import Cause, new_id, now_utc
from tests.harness import AREA, Running, bearer, service_running
from tests.platform_fixtures import MakeDatabase
from tests.registry.conftest import add, read

MANY = 12
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


@pytest_asyncio.fixture
async def owned(database: MakeDatabase, tmp_path: Path) -> AsyncIterator[tuple[Running, asyncpg.Connection[Any]]]:
    """A registry with a dozen audit rows in one lane, and a connection that may do anything to them."""
    made = await database("registry")
    owner = await asyncpg.connect(made.owner_dsn)
    async with service_running(SERVICE, made.dsn, tmp_path) as running:
        for _ in range(MANY):
            await audit(running.runtime.pool, CALLER, "read", "person", new_id(), area=AREA)
        yield running, owner
    await owner.close()


async def found(db: asyncpg.Connection[Any], now: datetime | None = None) -> list[tuple[str, int | None]]:
    result = await witness.findings(db, ring(), now or now_utc())
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


async def test_whatever_is_done_to_a_row_is_found_and_which(owned: tuple[Running, asyncpg.Connection[Any]]) -> None:
    running, owner = owned
    assert await witness.anchor(running.runtime.pool, ring(), now_utc())
    assert not await witness.anchor(running.runtime.pool, ring(), now_utc()), "nothing was added: nothing to sign"
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


async def test_rows_that_nobody_signs_for_are_told(owned: tuple[Running, asyncpg.Connection[Any]]) -> None:
    """Who takes the anchors away, or keeps them from being made, is found after a quarter of an hour."""
    _, owner = owned
    assert await found(owner) == []
    assert await found(owner, now_utc() + timedelta(minutes=16)) == [("unsigned", None)]


async def test_who_starts_after_a_long_rest_or_with_another_key_signs_at_once(
    owned: tuple[Running, asyncpg.Connection[Any]],
) -> None:
    """Else the first quarter of an hour would look as if somebody had taken the anchors away."""
    running, owner = owned
    later = now_utc() + timedelta(minutes=16)
    await app.prepare(running.runtime)
    assert await found(owner, later) == []
    fresh = Keyring.of("9:" + "QUFB" * 10 + "QUE=")
    assert await witness.anchor(running.runtime.pool, fresh, later), "nothing was added, but the key is another"
    kept = await witness.findings(owner, fresh, later + timedelta(minutes=16))
    assert kept.faults == ()
    assert kept.unreadable


def test_whatever_is_written_is_no_reading_in_the_export() -> None:
    """An act in a transaction writes; one that no table knows would be exported as a look."""
    acts, several = set(), set()
    for path in Path(services.registry.__path__[0]).rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "audit":
                where, _, act = call.args[:3]
                if isinstance(where, ast.Name) and where.id == "work":
                    if isinstance(act, ast.Constant):
                        acts.add(str(act.value))
                    else:
                        several.add(path.name)
    assert len(acts) > 30
    assert several == {"imports.py"}, "which says by a table that people were registered, met or refused"
    assert not sorted({*acts, "register", "import_people"} - set(fhir.ACTIONS))


async def test_the_service_itself_can_change_no_row(owned: tuple[Running, asyncpg.Connection[Any]]) -> None:
    running, _ = owned
    for statement in ("update audit set caller = 'x' where id = 5", "delete from audit where id = 5"):
        with pytest.raises(asyncpg.RaiseError, match="append-only"):
            await running.sql(statement)


async def test_an_open_transaction_keeps_no_reader_waiting(owned: tuple[Running, asyncpg.Connection[Any]]) -> None:
    """Whoever has written an audit row and not yet committed holds one lane; the others take another."""
    running, owner = owned
    pool = running.runtime.pool
    async with running.runtime.work(Cause("system:test")) as work:
        await audit(work, CALLER, "erase", "person", [new_id(), new_id()], area=AREA)
        async with asyncio.timeout(3):  # a lock would be waited for five seconds
            await asyncio.gather(*(audit(pool, CALLER, "read", "person", new_id(), area=AREA) for _ in range(8)))
    await asyncio.gather(*(audit(pool, CALLER, "search", "person", [new_id()] * 3, area=AREA) for _ in range(60)))
    with suppress(RuntimeError):
        async with running.runtime.work(Cause("system:test")) as work:
            await audit(work, CALLER, "erase", "person", new_id(), area=AREA)
            raise RuntimeError
    result = await witness.findings(owner, ring(), now_utc())
    assert (result.faults, result.rows) == ((), MANY + 2 + 8 + 180)
    assert result.lanes > 1


async def test_auditors_verify_and_export_and_erasure_breaks_nothing(registry: Running) -> None:
    person_id = await add(registry, name="มานี")
    await read(registry, f"/v1/persons/{person_id}")
    erased = await registry.client.post(f"/v1/persons/{person_id}/erase", headers=bearer("registry_officer"))
    assert erased.status_code == 200
    found = await read(registry, "/v1/audit/verify", "auditor")
    assert (found["whole"], found["faults"], found["rows"]) == (True, [], 3)
    answer = await registry.client.get(f"/v1/audit/export?subject_id={person_id}", headers=bearer("auditor"))
    assert answer.headers["content-type"] == "application/fhir+ndjson"
    events = [orjson.loads(line) for line in answer.content.splitlines()]
    assert [(event["action"], event["subtype"][0]["code"]) for event in events] == [
        ("C", "register"), ("R", "read"), ("D", "erase"), ("R", "export"),
    ]  # fmt: skip
    for event in events:
        assert event["resourceType"] == "AuditEvent"
        assert {"type", "recorded", "agent", "source", "entity"} <= set(event)
        assert event["agent"][0]["requestor"] is True
        assert datetime.fromisoformat(event["recorded"]).tzinfo == UTC
        assert event["entity"][0]["what"] == {"reference": f"Patient/{person_id}"} or event["entity"][0]["type"]
    assert "มานี" not in answer.text
    elsewhere = await registry.client.get("/v1/audit/export", headers=bearer("auditor", areas=["trat"]))
    assert str(person_id) not in elsewhere.text


async def test_what_can_never_be_erased_holds_nobodys_health_or_secrecy(registry: Running) -> None:
    """The audit names the record in which it stands; erased with the person, nothing of it is left."""
    person_id, care = await add(registry, name="มานี"), bearer("case_manager")

    async def done(path: str, headers: dict[str, str], **body: Any) -> str:
        answer = await registry.client.post(path, json=body, headers=headers)
        assert answer.is_success, answer.text
        found: str = answer.json()["id"]
        return found

    at = f"/v1/persons/{person_id}"
    answers = {"untreated": 1, "no_carer": 0, "home_unsafe": 1, "child_out": 0, "food": 1, "no_card": 0}
    assessed = await done(f"{at}/assessments", care, instrument="poverty", answers=answers)
    proposal = str((await registry.sql("select id from group_proposal"))[0]["id"])
    await done(f"/v1/group-proposals/{proposal}/decide", care, decision="accepted")
    need = await done(f"{at}/needs", care, need="carer")
    await done(f"/v1/needs/{need}/met", care, outcome="given")
    asked = await done(f"{at}/disclosure", bearer("registry_officer"), wanted="secret", reason="threat")
    await done(f"/v1/disclosures/{asked}/decide", bearer("supervisor"), approve=True)
    rows = await registry.sql("select act, detail from audit where subject_id = $1", person_id)
    details = {row["act"]: row["detail"] for row in rows}
    assert details["assess"] == {"assessment_id": assessed}
    assert details["decide_group"] == {"proposal_id": proposal, "decision": "accepted"}
    assert details["open_need"] == details["meet_need"] == {"need_id": need}
    assert details["ask_disclosure"] == {"request_id": asked}
    assert details["decide_disclosure"] == {"request_id": asked, "approved": True}
