"""Among twenty thousand invented people, what is asked of a few reads the rows of a few.

``tests/house/test_plans.py`` sees to it that every statement has an index; whether it is the right one shows here.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import asyncpg
import orjson
import pytest
import pytest_asyncio

from services.registry.store import exports, people
from shared import database as sessions
from tests.harness import AREA
from tests.platform_fixtures import MakeDatabase

MANY, FEW = 20_000, 200
PEOPLE = """
with born as (
    insert into person (id, area, source, registered_at, changed_at)
    select gen_random_uuid(), $1, 'desk', $2, $2 from generate_series(1, $3) returning id
), numbered as (select id, row_number() over (order by id) as n from born), reached as (
    insert into contact (id, person_id, relation, value, blind, key_id, since_at)
    select gen_random_uuid(), id, 'self', 'x', int8send(n / 2), 1, $2 from numbered
)
insert into address (id, person_id, kind, area_code, since_on)
select gen_random_uuid(), id, 'current', case when n <= 3 then '460201' else '460101' end, '2026-01-01' from numbered
"""


@pytest_asyncio.fixture
async def town(database: MakeDatabase) -> Any:
    made = await database("registry")
    connection = await asyncpg.connect(made.owner_dsn, server_settings=sessions.PLANS)
    await connection.execute(PEOPLE, AREA, datetime(2026, 1, 1, tzinfo=UTC), MANY)
    yield connection
    await connection.close()


async def rows_read(connection: asyncpg.Connection[asyncpg.Record], statement: str, *values: str) -> float:
    """Rows of tables that were looked at, wanted or not. ``values`` as SQL writes them: a plan made for all is prepared."""
    await connection.execute(f"prepare asked as {statement}")
    found = await connection.fetchval(f"explain (analyze, format json) execute asked ({', '.join(values)})")
    await connection.execute("deallocate asked")
    return sum(_read(orjson.loads(found)[0]["Plan"]))


def _read(plan: dict[str, Any]) -> list[float]:
    seen = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)
    here = [seen * plan["Actual Loops"]] if "Scan" in plan["Node Type"] and "Relation Name" in plan else []
    return here + [one for inner in plan.get("Plans", ()) for one in _read(inner)]


async def test_reading_somebodys_telephones_looks_at_those_alone_who_have_them(town: Any) -> None:
    one = await town.fetchval("select person_id from contact order by blind desc limit 1")
    assert 0 < await rows_read(town, people.READ_CONTACTS, f"'{one}'", "false") < FEW


@pytest.mark.parametrize("tops", [["460201"], ["4602"], ["460201", "kalasin:nowhere"]])
async def test_a_list_of_a_rare_place_looks_at_those_alone_who_live_there(town: Any, tops: list[str]) -> None:
    async with town.transaction():
        await town.execute(sessions.PLAN_FOR_VALUES)
        assert len(await town.fetch(exports.FIND_LIVING.text, AREA, None, False, tops, 1000)) == 3
        values = (f"'{AREA}'", "null", "false", f"'{{{','.join(tops)}}}'", "1000")
        assert 0 < await rows_read(town, exports.FIND_LIVING.text, *values) < FEW
