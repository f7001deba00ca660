"""The audit's rows as auditors ask for them: also of a list, by one of those it showed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest_asyncio

from services.intake.app import SERVICE
from shared.audit import MOST_IDS, audit, audit_list, ids_told
from shared.auth import Caller, Role
from shared.work import new_id
from tests.harness import AREA, Running, bearer, service_running
from tests.platform_fixtures import MakeDatabase

LOOKS = Caller("somebody", Role.DISPATCHER, frozenset({AREA}), purpose="emergency")
OF_ALL = Caller("somebody", Role.DISPATCHER, frozenset({"*"}), purpose="emergency")


@pytest_asyncio.fixture
async def intake(database: MakeDatabase, tmp_path: Path) -> AsyncIterator[Running]:
    async with service_running(SERVICE, (await database("intake")).dsn, tmp_path) as running:
        yield running


async def seen(running: Running, about: UUID, area: str = AREA) -> list[dict[str, Any]]:
    """What the auditor of a municipality is told about one id."""
    headers = bearer("auditor", areas=[area])
    answer = await running.client.get(f"/v1/audit?subject_id={about}", headers=headers)
    items: list[dict[str, Any]] = answer.json()["items"]
    return [row for row in items if row["act"] != "read_audit"]


async def test_a_list_is_one_row_that_is_found_by_whom_it_showed(intake: Running) -> None:
    shown, other = [new_id(), new_id()], new_id()
    pool = intake.runtime.pool
    await audit_list(pool, LOOKS, "list", "trip", shown, {"on": "2026-11-23", "status": None})
    await audit(pool, LOOKS, "read", "trip", shown[0], area=AREA)
    (row,) = await seen(intake, shown[1])
    assert (row["act"], row["subject_id"]) == ("list", None)
    assert row["detail"] == {"on": "2026-11-23", "ids": sorted(map(str, shown))}
    assert [each["act"] for each in await seen(intake, shown[0])] == ["list", "read"]
    assert await seen(intake, other) == []
    answer = await intake.client.get(f"/v1/audit/export?subject_id={shown[1]}", headers=bearer("auditor"))
    told = [orjson.loads(line)["subtype"][0]["code"] for line in answer.content.splitlines()]
    assert told == ["list", "read_audit", "export"]


async def test_whose_list_it_was_and_of_which_municipality_sees_it(intake: Running) -> None:
    shown = new_id()
    await audit_list(intake.runtime.pool, OF_ALL, "list", "trip", [shown], {}, areas={"trat"})
    assert [row["act"] for row in await seen(intake, shown, "trat")] == ["list"]
    assert await seen(intake, shown) == []


def test_of_very_many_there_is_a_digest() -> None:
    many = [new_id() for _ in range(MOST_IDS + 1)]
    whole = "\n".join(sorted(map(str, many))).encode()
    assert ids_told(many) == ids_told(many[::-1]) == {"count": len(many), "digest": sha256(whole).hexdigest()}
    assert ids_told(many[1:]) == {"ids": sorted(map(str, many[1:]))}
