"""No statement walks a whole table: under the settings of our sessions each one finds its rows by index.

PostgreSQL marks a plan that had to use what the session forbids, for want of an index, as disabled.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import asyncpg
import orjson
import pytest

import services
import shared
from shared import database as sessions
from shared.streams import SERVICES
from tests.house.test_sql import OF_SERVICES, OF_SHARED, searches
from tests.platform_fixtures import MakeDatabase

# The wire counts a statement's parameters; inside a function they may stay open.
EXPLAIN = """
create function pg_temp.explain(statement text) returns json language plpgsql as $$
declare found json; begin
    execute 'explain (generic_plan, format json) ' || statement into found; return found;
end $$
"""
EMPTY = "holds what is in trouble just now; a row in it is an alarm"
FEW = "a town has hundreds of them, not millions"
RARELY = "done once in a while by hand or by night, over everything"
WALKS = {
    "shared.consumer.OLDEST_HOLE": EMPTY,
    "shared.figures.READ_WAITING": EMPTY,
    "shared.erasure.BLANK_LETTERS": EMPTY,
    "shared.erasure.READ_ERASURES": RARELY,
    "services.intake.store.wiping.FORGET_ANSWERS": RARELY,
    "services.registry.store.calls.FORGET_WAITING": EMPTY,
    "services.registry.store.calls.FORGET_LETTERS": EMPTY,
    "services.registry.store.history.FORGET_PROJECTION": RARELY,
    "services.registry.store.sealing.OLD_PERSONS": RARELY,
    "services.registry.store.sealing.COUNT_OLD": RARELY,
    "services.dispatch.store.units.UNITS_WITH_CREW": FEW,
    "services.dispatch.store.units.UNITS_WITH_VEHICLE": FEW,
    "services.dispatch.store.units.UNITS_OF_STATION": FEW,
    "services.dispatch.store.units.FORGET_CREW": FEW,
    "services.notify.store.recipients.WIPE_LINK_CODES": FEW,
    "services.notify.store.replies.DROP_OLD_TOKENS": RARELY,
}
"""Statements that may walk, and why."""


SEARCHES = searches(services) | searches(shared)


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes(inner)


@pytest.mark.parametrize("service", SERVICES)
async def test_every_statement_finds_its_rows_by_index(service: str, database: MakeDatabase) -> None:
    own = {where: text for where, text in OF_SERVICES.items() if where.startswith(f"services.{service}.")}
    tried = {where: text for where, text in {**own, **OF_SHARED}.items() if text not in SEARCHES}
    connection = await asyncpg.connect((await database(service)).owner_dsn, server_settings=sessions.PLANS)
    await connection.execute(EXPLAIN)
    walks = []
    for where, text in tried.items():
        plan = orjson.loads(await connection.fetchval("select pg_temp.explain($1)", text))[0]["Plan"]
        walks += [
            f"{where}: {node['Node Type']} of {node.get('Relation Name') or node.get('Join Type')}"
            for node in nodes(plan)
            if node["Node Type"] == "Seq Scan" and where not in WALKS
        ]
    await connection.close()
    assert not walks, "\n".join(walks)
