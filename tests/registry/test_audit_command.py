"""``karuna audit``: what an operator types and reads."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from karuna import audit as command
from karuna.main import app
from tests.harness import Running, bearer
from tests.registry.conftest import add

FAULTY = {
    "whole": False, "rows": 7, "lanes": 1, "before": 3, "anchors": 1, "unreadable": 0, "signed_at": None, "more": False,
    "faults": [{"kind": "removed", "th": "มีแถวถูกลบก่อนแถวนี้", "en": "rows were removed", "lane": 0, "row_id": 6, "count": 2}],
}  # fmt: skip


async def test_the_command_reads_what_the_registry_says(registry: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    person_id = await add(registry, name="มานี")

    @asynccontextmanager
    async def asked(_: Any) -> AsyncIterator[httpx.AsyncClient]:
        registry.client.headers.update(bearer("auditor", areas=["*"], purpose="audit"))
        yield registry.client

    monkeypatch.setattr(command, "_client", asked)
    nowhere: Any = None
    assert (await command.verify(nowhere))["whole"] is True
    lines = [line async for line in command.export(nowhere, {"subject_id": str(person_id)})]
    assert len(lines) == 2
    assert all('"AuditEvent"' in line for line in lines)


@pytest.mark.parametrize(("whole", "code", "said"), [(True, 0, "whole"), (False, 1, "removed #6 x2: มีแถวถูกลบ")])
def test_what_is_not_whole_ends_with_an_error(
    whole: bool, code: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def found(_: Any) -> dict[str, Any]:
        return {**FAULTY, "whole": whole, "faults": [] if whole else FAULTY["faults"]}

    monkeypatch.setattr(command, "verify", found)
    result = CliRunner().invoke(app, ["audit", "verify", "--home", str(tmp_path)])
    assert result.exit_code == code, result.output
    assert said in result.output
