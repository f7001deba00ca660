from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness import bearer
from tests.house.objects import objects_of
from tests.house.test_roles import MATRIX, allowed, ask
from tests.house.worlds import SERVICES
from tests.platform_fixtures import MakeDatabase

ROWS = "select caller, role, purpose, act, noun, subject_id, detail, areas from audit where id > $1 order by id"


@pytest.mark.parametrize("name", SERVICES)
async def test_x(name: str, database: MakeDatabase, tmp_path: Path) -> None:
    async with SERVICES[name](database, tmp_path) as running:
        things = await objects_of(name, running)
        lines = {operation: allowed(line) for operation, line in MATRIX[name].items() if line != "public"}
        for operation, asked in things.asked.items():
            role = asked.by or next(r for r in ("supervisor", *sorted(lines[operation])) if r in lines[operation])
            as_whom = {"crew_id": str(asked.crew_id)} if asked.crew_id else {}
            before = (await running.sql("select coalesce(max(id), 0) as id from audit"))[0]["id"]
            answer = await ask(running, operation.split(" ")[0], asked.path, bearer(role, **as_whom), asked.body)
            rows = await running.sql(ROWS, before)
            print(
                "OP",
                name,
                operation,
                answer.status_code,
                len(rows),
                [(r["act"], r["noun"], str(r["subject_id"])[:8], r["detail"]) for r in rows][:2],
            )
