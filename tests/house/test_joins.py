"""No statement goes through a table once for each row of another: what it joins it finds by index.

Our sessions plan with nested loops alone (decision 0006). Where PostgreSQL believes an index to be tiny, it reads all
of it for every row of the other side and compares (``Join Filter``). With four hundred units that was 35 ms under the
lock of an area, and it grew with the square of the units. ``offset 0`` keeps such a question apart, and asked by key.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import asyncpg
import orjson
import pytest

from shared import database as sessions
from shared.streams import LISTENERS
from tests.house.test_plans import EXPLAIN, SEARCHES
from tests.house.test_sql import OF_SERVICES, OF_SHARED
from tests.platform_fixtures import MakeDatabase

SCANS = frozenset({"Seq Scan", "Index Scan", "Index Only Scan", "Bitmap Heap Scan", "Append"})
SMALL = {
    "services.registry.store.history.READ_BARRIERS": "the barriers of one call beside its patients",
    "services.console.store.crews.RETURNS": "the trips of one call",
}
"""Statements that may compare each with each, and what bounds both sides."""


def compared(plan: dict[str, Any]) -> Iterator[str]:
    """Joins whose inner side is a table read without the outer row's key."""
    if plan["Node Type"] == "Nested Loop" and " = " in plan.get("Join Filter", ""):
        inner = plan["Plans"][1]
        if inner["Node Type"] in SCANS:
            yield f"{plan['Join Filter']} against {inner['Node Type']} {inner.get('Index Name', '')}"
    for inner in plan.get("Plans", ()):
        yield from compared(inner)


@pytest.mark.parametrize("service", LISTENERS)
async def test_no_statement_compares_each_with_each(service: str, database: MakeDatabase) -> None:
    own = {where: text for where, text in OF_SERVICES.items() if where.startswith(f"services.{service}.")}
    tried = {where: text for where, text in {**own, **OF_SHARED}.items() if text not in SEARCHES}
    connection = await asyncpg.connect((await database(service)).owner_dsn, server_settings=sessions.PLANS)
    await connection.execute(EXPLAIN)
    found = []
    for where, text in tried.items():
        plan = orjson.loads(await connection.fetchval("select pg_temp.explain($1)", text))[0]["Plan"]
        found += [f"{where}: {join}" for join in compared(plan) if where not in SMALL]
    await connection.close()
    assert not found, "\n".join(found)
