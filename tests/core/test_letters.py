"""Dead letters over HTTP: listed with their reason, without private data, given back once or closed, by administrators alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest_asyncio

from shared.work import new_id, now_utc
from tests.harness import AREA, Running, bearer
from tests.house.worlds import SERVICES
from tests.platform_fixtures import MakeDatabase

PUT = """
insert into dead_letter (id, subject, noun, aggregate_id, aggregateseq, body, reason, died_at)
values ($1, $2, 'call', $1, 3, $3, 'KeyError in handlers.write_line', $4)
"""
PUT_UNREAD = "insert into dead_letter (id, subject, body, reason, died_at) values ($1, $2, $3, 'no envelope', $4)"


@pytest_asyncio.fixture
async def registry(database: MakeDatabase, tmp_path: Path) -> AsyncIterator[Running]:
    async with SERVICES["registry"](database, tmp_path) as running:
        yield running


async def test_a_letter_is_seen_without_its_data_and_given_back_once(registry: Running) -> None:
    own, other = new_id(), new_id()
    body = orjson.dumps({"type": "th.karuna.intake.call.received.v1", "data": {"name": "สมปอง", "phone": "0898765432"}})
    for letter, area in ((own, AREA), (other, "elsewhere")):
        subject = f"internal.{area}.intake.call.{letter}.received.v1"
        await registry.sql(PUT, letter, subject, body, now_utc())
    client, admin = registry.client, bearer("admin")
    [item] = (await client.get("/v1/dead-letters", headers=admin)).json()["items"]
    assert (item["id"], item["reason"], item["aggregateseq"]) == (str(own), "KeyError in handlers.write_line", 3)
    shown = await client.get(f"/v1/dead-letters/{own}", headers=admin)
    assert shown.json()["body"] == {"type": "th.karuna.intake.call.received.v1", "data": "(2 fields)"}
    assert "สมปอง" not in shown.text
    for foreign in (f"/v1/dead-letters/{other}", f"/v1/dead-letters/{new_id()}"):
        assert (await client.get(foreign, headers=admin)).status_code == 404
        assert (await client.post(f"{foreign}/requeue", headers=admin)).status_code == 404
    assert (await client.get("/v1/dead-letters", headers=bearer("supervisor"))).status_code == 403

    again = await client.post(f"/v1/dead-letters/{own}/requeue", headers=admin)
    assert again.json() == {"requeued": 1}
    assert (await client.post(f"/v1/dead-letters/{own}/requeue", headers=admin)).status_code == 404
    [parked] = await registry.sql("select * from parked where aggregate_id = $1", own)
    assert (parked["aggregateseq"], parked["body"]) == (3, body)
    [written] = await registry.sql("select * from audit where act = 'requeue'")
    assert (written["subject_id"], written["role"]) == (own, "admin")
    assert (await client.get("/v1/dead-letters", headers=admin)).json()["items"] == []
    [sent] = (await client.get("/v1/dead-letters?all=true", headers=admin)).json()["items"]
    assert sent["requeued_at"] is not None


async def test_everything_of_the_municipality_goes_back_at_once(registry: Running) -> None:
    letters = [new_id() for _ in range(4)]
    for number, letter in enumerate(letters):
        area = AREA if number else "elsewhere"
        await registry.sql(PUT, letter, f"internal.{area}.intake.call.{letter}.received.v1", b"no json", now_utc())
    answer = await registry.client.post("/v1/dead-letters/requeue", headers=bearer("admin"))
    assert answer.json() == {"requeued": 3}
    left = await registry.sql("select id from dead_letter where requeued_at is null")
    assert [row["id"] for row in left] == letters[:1]


async def test_what_nobody_can_read_is_closed_and_what_can_be_read_is_not(registry: Running) -> None:
    unread, readable, other = new_id(), new_id(), new_id()
    for letter, area in ((unread, AREA), (other, "elsewhere")):
        await registry.sql(PUT_UNREAD, letter, f"internal.{area}.intake.call.x.received.v1", b"\xff\xfe", now_utc())
    await registry.sql(PUT, readable, f"internal.{AREA}.intake.call.{readable}.received.v1", b"{}", now_utc())
    client, admin = registry.client, bearer("admin")
    items = (await client.get("/v1/dead-letters", headers=admin)).json()["items"]
    assert {item["id"]: item["readable"] for item in items} == {str(unread): False, str(readable): True}
    assert (await client.post(f"/v1/dead-letters/{unread}/requeue", headers=admin)).status_code == 404
    refused = await client.post(f"/v1/dead-letters/{readable}/close", headers=admin)
    assert (refused.status_code, refused.json()["code"]) == (409, "letter_readable")
    assert (await client.post(f"/v1/dead-letters/{other}/close", headers=admin)).status_code == 404
    supervisor = bearer("supervisor")
    assert (await client.post(f"/v1/dead-letters/{unread}/close", headers=supervisor)).status_code == 403

    closed = await client.post(f"/v1/dead-letters/{unread}/close", headers=admin)
    assert closed.json() == {"closed": 1}
    assert (await client.post(f"/v1/dead-letters/{unread}/close", headers=admin)).status_code == 404
    [written] = await registry.sql("select * from audit where act = 'close_letter'")
    assert (written["subject_id"], written["role"]) == (unread, "admin")
    assert [item["id"] for item in (await client.get("/v1/dead-letters", headers=admin)).json()["items"]] == [
        str(readable)
    ]
    [kept] = [
        item
        for item in (await client.get("/v1/dead-letters?all=true", headers=admin)).json()["items"]
        if item["id"] == str(unread)
    ]
    assert (kept["closed"], kept["requeued_at"] is not None) == (True, True)
