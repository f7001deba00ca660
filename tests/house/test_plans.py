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
from shared.streams import LISTENERS
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
    "shared.cursors.OLDEST_HOLE": EMPTY,
    "shared.cursors.ANY_PARKED": EMPTY,
    "shared.cursors.RIPE": EMPTY,
    "services.notify.store.receipts.MATCHING_ANY": EMPTY,
    "services.notify.store.reports.LEFT_LYING": EMPTY,
    "services.registry.store.sealing.SOMEBODY": "once for each key, when it is first met",
    "services.registry.store.sealing.OLD_IDENTIFIERS": RARELY,
    "services.registry.store.sealing.OLD_CONTACTS": RARELY,
    "services.registry.store.sealing.OLD_ADDRESSES": RARELY,
    "services.registry.store.sealing.OLD_HOUSEHOLDS": RARELY,
    "services.registry.store.locations.OLD_LOCATIONS": RARELY,
    "services.registry.store.told.OLD_TOLD": RARELY,
    "services.registry.store.told.COUNT_OLD_TOLD": RARELY,
    "services.registry.store.locations.COUNT_OLD_LOCATIONS": RARELY,
    "services.registry.store.pictures.COUNT_OLD_PICTURES": RARELY,
    "services.registry.store.people.SEARCH": "the links that stand, of which there are few beside people, once a search",
    "services.registry.store.pictures.OLD_PICTURES": RARELY,
    "services.registry.store.known.OLD_KNOWN": RARELY,
    "services.registry.store.people.FORGET_ANSWERS": RARELY,
    "shared.figures.READ_WAITING": EMPTY,
    "shared.erasure.BLANK_LETTERS": EMPTY,
    "shared.letters.LIST": EMPTY,
    "services.intake.store.wiping.FORGET_ANSWERS": RARELY,
    "services.registry.store.calls.FORGET_WAITING": EMPTY,
    "services.registry.store.calls.FORGET_LETTERS": EMPTY,
    "services.registry.store.history.FORGET_PROJECTION": RARELY,
    "services.registry.store.history.CURSORS": RARELY,
    "services.registry.store.history.FIGURES": RARELY,
    "services.registry.store.sealing.OLD_PERSONS": RARELY,
    "services.registry.store.sealing.COUNT_OLD": RARELY,
    "services.dispatch.store.units.UNITS_WITH_CREW": FEW,
    "services.dispatch.store.units.UNITS_WITH_VEHICLE": FEW,
    "services.dispatch.store.units.UNITS_OF_STATION": FEW,
    "services.dispatch.store.units.FORGET_CREW": FEW,
    "services.dispatch.store.served.CERTIFICATES": FEW,
    "services.notify.store.recipients.WIPE_LINK_CODES": FEW,
    "services.notify.store.replies.DROP_OLD_TOKENS": RARELY,
}
"""Statements that may walk, and why."""


SEARCHES = searches(services) | searches(shared)


PARTIAL = """
select indexrelid::regclass::text from pg_index
where indpred is not null and pg_get_expr(indpred, indrelid) !~ 'until_on IS NULL'
"""
"""Indexes of a few rows: of what is open just now, not those of what stands of everybody."""
ALONG = {"Index Scan", "Index Only Scan", "Bitmap Index Scan"}


def walking(plan: dict[str, Any], partial: set[str], *, limited: bool = False) -> Iterator[str]:
    """The tables that are read from end to end: row by row, or along an index with nowhere to begin.

    Reading along an index is fine where only its first rows are wanted, or where the index holds few rows only.
    """
    kind = plan["Node Type"]
    few = limited or plan.get("Index Name") in partial
    if kind == "Seq Scan" or (kind in ALONG and "Index Cond" not in plan and not few):
        yield f"{kind} of {plan.get('Relation Name') or plan['Index Name']}"
    for inner in plan.get("Plans", ()):
        yield from walking(inner, partial, limited=kind == "Limit")


@pytest.mark.parametrize("service", LISTENERS)
async def test_every_statement_finds_its_rows_by_index(service: str, database: MakeDatabase) -> None:
    own = {where: text for where, text in OF_SERVICES.items() if where.startswith(f"services.{service}.")}
    tried = {where: text for where, text in {**own, **OF_SHARED}.items() if text not in SEARCHES}
    connection = await asyncpg.connect((await database(service)).owner_dsn, server_settings=sessions.PLANS)
    await connection.execute(EXPLAIN)
    partial = {row[0] for row in await connection.fetch(PARTIAL)}
    walks = []
    for where, text in tried.items():
        plan = orjson.loads(await connection.fetchval("select pg_temp.explain($1)", text))[0]["Plan"]
        walks += [f"{where}: {walk}" for walk in walking(plan, partial) if where not in WALKS]
    await connection.close()
    assert not walks, "\n".join(walks)
