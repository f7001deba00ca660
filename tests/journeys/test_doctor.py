"""``karuna doctor`` finds what is wrong with a running installation, says in both languages what to do, and that helps.

An installation of its own: every test breaks it, asks the doctor, follows its advice, and leaves it well.
"""

from __future__ import annotations

import asyncio
import base64
import re
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import nats
import orjson
import pytest
import pytest_asyncio
from typer.testing import CliRunner

from karuna.audit import verify
from karuna.doctor import apart_s, examine, is_whole
from karuna.local import Local
from karuna.main import app
from karuna.platform.process import Process
from karuna.platform.provision import call
from karuna.up import installation as started
from shared.streams import LISTENERS
from tests.journeys.town import PATIENCE_S, Town, eventually, free_home, town_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

THAI = re.compile(r"[ก-๙]")
BODY: dict[str, Any] = {
    "lane": "booked", "kind": "transfer", "caller": {"phone": "0845550900"},
    "patient": {"name": "สายทอง ตรวจระบบ", "national_id": "1234567890121"}, "location": {"landmark": "ตลาดเก่า"},
}  # fmt: skip


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def own(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Local]:
    async with started(free_home(tmp_path_factory.mktemp("patient"))) as local:
        yield local


@pytest.fixture(autouse=True)
def patient_doctor(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine an answer takes long; what is away refuses at once all the same."""
    monkeypatch.setattr("karuna.doctor.WAIT_S", PATIENCE_S)


@pytest_asyncio.fixture(loop_scope="session")
async def town(own: Local) -> AsyncIterator[Town]:
    """Well before and well after."""
    async with town_of(own) as made:
        yield made
        until_s = time.monotonic() + PATIENCE_S
        while wrong := await complaints(own):  # no look is cut short: nats-py's closing would swallow that
            assert time.monotonic() < until_s, wrong
            await asyncio.sleep(0.1)


async def complaints(local: Local) -> list[str]:
    return [f"{finding.what}: {finding.found}" async for finding in examine(local) if not finding.ok]


async def karuna(local: Local, *arguments: str) -> tuple[int, str]:
    """The command as an operator types it; exit code and what it printed."""
    done = await asyncio.to_thread(CliRunner().invoke, app, [*arguments, "--home", str(local.home.path)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.output
    return done.exit_code, done.output


@dataclass(frozen=True, slots=True)
class Said:
    """What the doctor found wrong: name → found, advice in Thai, advice in English."""

    code: int
    wrong: dict[str, tuple[str, str, str]]
    text: str


async def doctor(town: Town) -> Said:
    """Ask, and check that every complaint has both its sentences and the last line counts them."""
    code, text = await karuna(town.local, "doctor")
    lines, wrong = text.splitlines(), {}
    for number, line in enumerate(lines):
        if line.startswith("✗ "):
            what, found = line.removeprefix("✗ ").split(": ", 1)
            thai, english = lines[number + 1].strip(), lines[number + 2].strip()
            assert thai.startswith("→ "), text
            assert THAI.search(thai), text
            assert not THAI.search(english), text
            wrong[what] = (found, thai, english)
    assert (code == 0) == (not wrong), text
    last = "ปกติทุกอย่าง (all well)" if not wrong else f"ผิดปกติ {len(wrong)} อย่าง ({len(wrong)} things to look at)"
    assert lines[-1] == last
    return Said(code, wrong, text)


async def test_the_audit_of_every_service_is_whole_and_signed_by_its_own_key(town: Town) -> None:
    """Asked of the running processes as an operator does; the console among them."""
    code, said = await karuna(town.local, "audit", "verify")
    assert code == 0, said
    assert [service for service in LISTENERS if f"{service}: " not in said] == []
    for service in LISTENERS:
        found = await verify(town.local, service)
        assert (found["whole"], found["unreadable"]) == (True, 0), f"{service}: {found}"
        assert found["signed_at"] is not None, service
        assert found["rows"], "that somebody verified stands there, too"
    keys = {town.local.audit_key(service) for service in LISTENERS if service != "registry"}
    assert len({*keys, town.local.field_key()}) == len(LISTENERS)


async def test_a_healthy_and_busy_installation_is_well(town: Town) -> None:
    said = await doctor(town)
    assert (said.code, said.wrong) == (0, {})
    for service in LISTENERS:
        assert f"✓ {service} ready: ready" in said.text
    assert "✓ registry field key: opens what is sealed" in said.text

    async def calls() -> None:
        await asyncio.gather(*(town.take(BODY) for _ in range(25)))

    flowing = asyncio.create_task(calls())
    while not flowing.done():
        assert await complaints(town.local) == []
    await flowing


@pytest.mark.parametrize(
    ("sent", "stored", "waits", "whole"),
    [
        (9, (9, 9), False, True),
        (11, (9, 13), False, True),  # it goes on while we look
        (9, (11, 11), True, True),  # just published, not yet noted
        (9, (5, 5), False, False),  # its end is lost
        (5, (9, 9), False, False),  # somebody else wrote into it
    ],
)
async def test_a_stream_is_whole_where_its_service_left_it(
    sent: int, stored: tuple[int, int], waits: bool, whole: bool
) -> None:
    assert is_whole(sent, stored, waits=waits) == whole


async def test_a_clock_is_not_called_wrong_because_its_answer_took_long() -> None:
    asked_at = datetime(2026, 11, 22, tzinfo=UTC)
    heard_at = asked_at + timedelta(seconds=9)
    for told_s, apart in ((0, 0.0), (8, 0.0), (9, 0.0), (12, 3.0), (-3, 3.0)):
        assert apart_s(asked_at + timedelta(seconds=told_s), asked_at, heard_at) == apart


async def test_a_stopped_service(town: Town) -> None:
    await town.local.stop_service("notify")
    said = await doctor(town)
    assert set(said.wrong) == {"notify ready"}
    _, thai, english = said.wrong["notify ready"]
    assert "ไม่ตอบ" in thai
    assert "karuna run notify" in thai
    assert "does not answer" in english
    assert "karuna run notify" in english
    await _start(town, "notify")


async def _start(town: Town, service: str) -> None:
    town.local.start_service(service)
    await town.local.ready(service)


async def test_a_registry_with_another_key_does_not_start_and_the_doctor_says_why(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another installation's file, say: under it new people would be sealed, and the old ones be unreadable."""
    monkeypatch.setattr("karuna.doctor.WAIT_S", 5.0)  # its socket stays open for the next process: nobody refuses
    file = town.local.field_key_file
    kept = file.read_text("utf-8")
    await town.local.stop_service("registry")
    file.write_text(base64.b64encode(secrets.token_bytes(32)).decode())
    try:
        [process] = town.local.start_service("registry")
        await eventually(lambda: _ended(process))
        said = await doctor(town)
    finally:
        file.write_text(kept)
        await town.local.stop_service("registry")
    assert {"registry field key", "registry ready"} <= set(said.wrong)
    found, thai, english = said.wrong["registry field key"]
    assert found == "does not open: 1"
    assert "field.key" in thai
    assert "field.key" in english
    assert kept not in said.text
    await _start(town, "registry")


async def _ended(process: Process) -> bool:
    return not process.running


async def test_a_deleted_durable(town: Town) -> None:
    """Its listener hears nothing; provisioned again, it hears what was said meanwhile."""
    await _as(town, "provisioner", "$JS.API.CONSUMER.DELETE.INTAKE.registry")
    taken = await town.take(BODY)
    said = await doctor(town)
    assert set(said.wrong) == {"streams and durables", "durable INTAKE/registry"}
    assert said.wrong["streams and durables"][0] == "INTAKE/registry missing"
    assert all("karuna streams provision" in text for text in said.wrong["durable INTAKE/registry"][1:])
    code, _ = await karuna(town.local, "streams", "provision")
    assert code == 0
    await eventually(lambda: _heard(town, "registry", taken["id"], 1))


async def _as(town: Town, user: str, subject: str, body: bytes = b"") -> None:
    local = town.local
    client = await nats.connect(
        local.nats.url, user_credentials=str(local.accounts.creds(user)), inbox_prefix=f"_INBOX.{user}".encode()
    )
    try:
        await call(client, subject, body)
    finally:
        await client.close()


async def _heard(town: Town, service: str, call_id: str, seq: int) -> bool:
    cursor = "select seq from cursor where noun = 'call' and aggregate_id = $1"
    return [row["seq"] for row in await town.sql(service, cursor, UUID(call_id))] == [seq]


async def test_a_deleted_stream(town: Town) -> None:
    """Nobody speaks just now, so nobody has noticed; it is refilled while the services go on."""
    taken = await town.take(BODY)
    await eventually(lambda: town.messages(taken["id"]))
    before = await eventually(lambda: town.sql("notify", PLACES))
    await _as(town, "provisioner", "$JS.API.STREAM.DELETE.NOTIFY")
    said = await doctor(town)
    assert "NOTIFY" in said.wrong
    assert all("karuna streams rebuild NOTIFY" in text for text in said.wrong["NOTIFY"][1:])
    code, printed = await karuna(town.local, "streams", "rebuild", "NOTIFY")
    assert code == 0
    refilled = re.search(r"NOTIFY: 0 อยู่แล้ว \(kept\), (\d+) ส่งใหม่ \(sent again\)", printed)
    assert refilled is not None, printed
    assert int(refilled[1]) >= 2 * len(before)
    assert (await town.sql("notify", PLACES))[: len(before)] == before


async def test_a_sealed_stream_is_named_and_made_anew_from_the_archive(town: Town) -> None:
    """It takes nothing more, for ever; calls are taken all the same, and what they say waits."""
    local = town.local
    client = await nats.connect(
        local.nats.url, user_credentials=str(local.accounts.creds("provisioner")), inbox_prefix=b"_INBOX.provisioner"
    )
    try:
        config = (await call(client, "$JS.API.STREAM.INFO.INTAKE"))["config"]
        await call(client, "$JS.API.STREAM.UPDATE.INTAKE", orjson.dumps({**config, "sealed": True}))
    finally:
        await client.close()
    taken = await town.take(BODY)
    said = await doctor(town)
    found, *advice = said.wrong["streams and durables"]
    assert found == "INTAKE differs (deny_delete, deny_purge, sealed)"
    assert all("karuna streams rebuild INTAKE" in text for text in advice)
    code, printed = await karuna(town.local, "streams", "provision")
    assert code == 0
    assert "INTAKE: refuses" in printed
    code, printed = await karuna(town.local, "streams", "rebuild", "INTAKE")
    assert code == 0, printed
    assert "INTAKE: สร้างใหม่" in printed
    for service in ("dispatch", "registry", "notify"):
        await eventually(lambda service=service: _heard(town, service, taken["id"], 1))


PLACES = "select id, stream_sequence from event_log where stream_sequence is not null order by stream_sequence"


async def test_a_broker_that_is_away_and_one_that_does_not_sync(town: Town) -> None:
    broker, kept = town.local.nats, town.local.nats.settings
    await broker.stop()
    await eventually(lambda: _nobody_is_ready(town))  # each sees it in its own moment
    try:
        async with asyncio.timeout(60):  # and not the two minutes that the client would knock
            said = await doctor(town)
        assert set(said.wrong) == {"broker", *(f"{service} ready" for service in LISTENERS)}
        assert "✓ registry dead letters" in said.text
        broker.settings = replace(kept, sync_interval="2m")
        await broker.start()
        said = await doctor(town)
        assert "sync_interval: always" in said.wrong["sync_interval"][1]
        assert "sync_interval: always" in said.wrong["sync_interval"][2]
        assert "power cut" in said.wrong["sync_interval"][2]
    finally:
        await broker.stop()
        broker.settings = kept
        await broker.start()
        code, _ = await karuna(town.local, "streams", "provision")  # positions stood in the broker's memory
    assert code == 0


async def _nobody_is_ready(town: Town) -> bool:
    answers = [await town.client.get(f"{town.local.url(service)}/readyz") for service in LISTENERS]
    return not any(answer.is_success for answer in answers)


async def test_a_database_that_does_not_sync(town: Town) -> None:
    await _as_admin(town, "alter role dispatch in database dispatch set synchronous_commit = off")
    try:
        said = await doctor(town)
    finally:
        await _as_admin(town, "alter role dispatch in database dispatch reset synchronous_commit")
    assert set(said.wrong) == {"dispatch synced"}
    found, thai, english = said.wrong["dispatch synced"]
    assert found == "synchronous_commit off"
    assert "ไฟดับ" in thai
    assert "power cut" in english


async def _as_admin(town: Town, statement: str) -> None:
    connection = await asyncpg.connect(town.local.postgres.admin_dsn())
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


BREAK = """
create function broken() returns trigger language plpgsql as $$ begin raise exception 'broken'; end $$;
create trigger broken before insert on call for each row execute function broken();
"""


async def test_a_dead_letter_is_named_mended_and_sent_again(town: Town) -> None:
    """What waits behind it is not called a hole: filling in would not help."""
    await _execute(town, "registry", BREAK)
    taken = await town.take(BODY)
    [letter] = await eventually(lambda: town.sql("registry", "select id from dead_letter where requeued_at is null"))
    await eventually(lambda: town.sql("registry", "select 1 from parked where noun = 'trip'"))
    await _long_ago(town)
    said = await doctor(town)
    assert set(said.wrong) == {"registry dead letters"}
    found, thai, english = said.wrong["registry dead letters"]
    assert re.fullmatch(r"1 waiting, [1-9]\d* held back", found)
    assert all("karuna dead-letters list registry" in text for text in (thai, english))

    await _execute(town, "registry", "drop function broken() cascade")
    code, listed = await karuna(town.local, "dead-letters", "list", "registry")
    assert code == 0
    assert str(letter["id"]) in listed
    code, _ = await karuna(town.local, "dead-letters", "requeue", "registry", str(letter["id"]))
    assert code == 0
    await eventually(lambda: _heard(town, "registry", taken["id"], 1))


async def test_a_hole_is_named_and_closed_from_the_archive(town: Town) -> None:
    """A message is gone from the stream before one service heard it: what followed waits, until it is given again."""
    await town.local.stop_service("registry")
    taken = await town.take(BODY)
    await town.ask("intake", "POST", f"/v1/calls/{taken['id']}/withdraw", role="call_taker", body={})
    for service in ("dispatch", "notify"):
        await eventually(lambda service=service: _heard(town, service, taken["id"], 2))
    [row] = await town.sql(
        "intake", "select stream_sequence from event_log where aggregate_id = $1 and aggregateseq = 1", taken["id"]
    )
    body = f'{{"seq": {row["stream_sequence"]}}}'.encode()
    await _as(town, "intake", "$JS.API.STREAM.MSG.DELETE.INTAKE", body)
    await _start(town, "registry")
    await eventually(lambda: town.sql("registry", "select 1 from parked where noun = 'call'"))
    await _long_ago(town)

    said = await doctor(town)
    assert set(said.wrong) == {"registry parked", "registry heard"}
    found, thai, english = said.wrong["registry parked"]
    assert re.fullmatch(r"[1-9]\d* messages", found)
    assert "หายไป" in thai
    assert all("karuna streams rebuild" in text for text in (thai, english))

    code, printed = await karuna(town.local, "streams", "rebuild")
    assert code == 0
    assert "missing events given" in printed
    await eventually(lambda: _heard(town, "registry", taken["id"], 2))
    kept = await town.sql("registry", "select type from history where call_id = $1", taken["id"])
    assert {"intake.call.received.v1", "intake.call.withdrawn.v1"} <= {line["type"] for line in kept}
    code, printed = await karuna(town.local, "streams", "rebuild")
    assert (code, "missing events given" in printed) == (0, False)


async def test_what_was_purged_before_one_heard_it_is_named_and_given_though_nothing_follows(town: Town) -> None:
    """The stream ends where it did and nobody waits for anything: only what was said tells that it was not heard."""
    await town.local.stop_service("registry")
    taken = await town.take(BODY)
    for service in ("dispatch", "notify"):
        await eventually(lambda service=service: _heard(town, service, taken["id"], 1))
    await _as(town, "provisioner", "$JS.API.STREAM.PURGE.INTAKE")
    await _start(town, "registry")

    said = await doctor(town)
    assert "registry heard" in said.wrong
    found, *advice = said.wrong["registry heard"]
    assert re.fullmatch(r"[1-9]\d* events missed", found)
    assert all("karuna streams rebuild" in text for text in advice)
    code, printed = await karuna(town.local, "streams", "rebuild")
    assert code == 0
    assert "registry: " in printed
    await eventually(lambda: _heard(town, "registry", taken["id"], 1))
    code, printed = await karuna(town.local, "streams", "rebuild")
    assert (code, "missing events given" in printed) == (0, False)


async def _execute(town: Town, service: str, script: str) -> None:
    connection = await asyncpg.connect(town.local.postgres.owner_dsn(service))
    try:
        await connection.execute(script)
    finally:
        await connection.close()


async def _long_ago(town: Town) -> None:
    """Half a minute passes for all that waits at the registry."""
    await town.sql("registry", "update parked set parked_at = parked_at - interval '31 seconds'")
