"""``karuna audit``: what an operator types and reads."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import httpx
import orjson
import pytest
from typer.testing import CliRunner

from karuna import audit as command
from karuna.main import app
from shared.audit import audit
from shared.auth import Caller, Role
from shared.streams import LISTENERS
from shared.work import new_id
from tests.harness import AREA, bearer
from tests.house.worlds import SERVICES
from tests.platform_fixtures import MakeDatabase

if TYPE_CHECKING:
    from karuna.local import Local

CALLER = Caller("somebody", Role.SUPERVISOR, frozenset({AREA}), purpose="care")
FAULTY = {
    "whole": False, "rows": 7, "lanes": 1, "before": 3, "anchors": 1, "unreadable": 0, "signed_at": None, "more": False,
    "faults": [{"kind": "removed", "th": "มีแถวถูกลบก่อนแถวนี้", "en": "rows were removed", "lane": 0, "row_id": 6, "count": 2}],
}  # fmt: skip


@pytest.mark.parametrize("name", SERVICES)
async def test_the_command_reads_what_a_service_says(
    name: str, database: MakeDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with SERVICES[name](database, tmp_path) as running:

        @asynccontextmanager
        async def asked(_: Any, service: str) -> AsyncIterator[httpx.AsyncClient]:
            assert service == name
            running.client.headers.update(bearer("auditor", areas=["*"], purpose="audit"))
            yield running.client

        monkeypatch.setattr(command, "_client", asked)
        nowhere, whom = cast("Local", None), new_id()
        await audit(running.runtime.pool, CALLER, "read", "person", whom, area=AREA)
        assert (await command.verify(nowhere, name))["whole"] is True
        lines = [orjson.loads(line) async for line in command.export(nowhere, name, {"subject_id": str(whom)})]
        assert [line["resourceType"] for line in lines] == ["AuditEvent"] * 2
        assert {line["source"]["observer"]["display"] for line in lines} == {f"karuna {name}"}


@pytest.mark.parametrize(("faulty", "code", "said"), [(None, 0, "whole"), ("notify", 1, "removed #6 x2: มีแถวถูกลบ")])
def test_what_is_not_whole_in_one_service_ends_with_an_error(
    faulty: str | None, code: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    async def found(_: Any, service: str) -> dict[str, Any]:
        asked.append(service)
        return FAULTY if service == faulty else {**FAULTY, "whole": True, "faults": []}

    monkeypatch.setattr(command, "verify", found)
    result = CliRunner().invoke(app, ["audit", "verify", "--home", str(tmp_path)])
    assert result.exit_code == code, result.output
    assert said in result.output
    assert tuple(asked) == LISTENERS


def test_a_service_that_does_not_answer_is_not_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(_: Any, service: str) -> dict[str, Any]:
        raise httpx.ConnectError(service)

    monkeypatch.setattr(command, "verify", away)
    result = CliRunner().invoke(app, ["audit", "verify", "--service", "intake", "--home", str(tmp_path)])
    assert result.exit_code == 1
    assert "intake: ไม่ตอบ" in result.output
