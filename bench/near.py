"""Who lives near the water: a hundred thousand people's homes, all sealed, asked over HTTP with a flood's layer."""

from __future__ import annotations

import math
import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import aiohttp

from bench.figures import Cost, Spread, cost, spread
from bench.ground import Ground
from bench.promise import ready
from bench.report import GOALS, Table, met
from services.registry.rules.locations import cell_of, packed
from services.registry.store.people import hexed
from shared.auth import Role
from shared.crypto import Keyring
from shared.database import connect
from shared.geo import METRES_PER_DEGREE, Point
from shared.work import new_id

AREA = "kalasin"
PEOPLE, BEDRIDDEN = 100_000, 0.01
TOWN_M, CENTRE = 6_000, Point(103.506, 16.432)
"""Half the side of the square in which they live: 12 by 12 km, most of them near its middle."""
ASKED, GOAL_MS, WITHIN_M = 40, 200.0, 300
CHUNK = 5_000
WRITE = (
    "insert into person select r.* from jsonb_populate_recordset(null::person, $1) as r",
    "insert into location select r.* from jsonb_populate_recordset(null::location, $1) as r",
    "insert into whereabouts select r.* from jsonb_populate_recordset(null::whereabouts, $1) as r",
    "insert into membership select r.* from jsonb_populate_recordset(null::membership, $1) as r",
)


@dataclass(frozen=True, slots=True)
class Near:
    """Milliseconds over HTTP: of one group, and of everybody; how many people each found, and what was held."""

    group: Spread
    in_group: int
    everybody: Spread
    in_all: int
    first_ms: float
    memory: Cost


async def near(ground: Ground) -> Near:
    """Fill the register, ask with a river's flood of 6 km."""
    for name in list(ground.local.processes):
        await ground.local.stop_service(name)
    await fill(ground.local.postgres.dsn("registry"), Keyring.of(ground.local.field_key()))
    ground.local.start_service("registry", port=0)
    base, pid = ground.local.listening_at("registry"), ground.local.processes["registry"][0].pid
    headers = {"authorization": f"Bearer {ground.local.issuer.token(Role.DISPATCHER, areas=[AREA])}",
               "karuna-purpose": "emergency"}  # fmt: skip
    try:
        async with aiohttp.ClientSession(base, headers=headers) as client:
            await ready(client)
            body = {"geojson": river(), "within_m": WITHIN_M}
            first_ms, _ = await _ask(client, body)
            group = [await _ask(client, {**body, "groups": ["bedridden"]}) for _ in range(ASKED)]
            everybody = [await _ask(client, body) for _ in range(ASKED)]
            return Near(
                spread([ms for ms, _ in group]), group[0][1], spread([ms for ms, _ in everybody]), everybody[0][1],
                first_ms, cost([pid]),
            )  # fmt: skip
    finally:
        await ground.local.stop_service("registry")


async def _ask(client: aiohttp.ClientSession, body: dict[str, Any]) -> tuple[float, int]:
    started = time.perf_counter()
    async with client.post("/v1/persons/near", json=body) as answer:
        answer.raise_for_status()
        total: int = (await answer.json())["total"]
    return (time.perf_counter() - started) * 1000, total


def river() -> dict[str, Any]:
    """A band of water that winds through the town: 6 km long, 300 m wide, 240 corners."""
    wide = METRES_PER_DEGREE * math.cos(math.radians(CENTRE.lat))

    def bank(side: float) -> list[list[float]]:
        metres = [step * 50 - 3_000 for step in range(120)]
        return [
            [CENTRE.lon + x / wide, CENTRE.lat + (side + 900 * math.sin(x / 700)) / METRES_PER_DEGREE] for x in metres
        ]

    ring = bank(150) + bank(-150)[::-1]
    return {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}


async def fill(dsn: str, keys: Keyring) -> None:
    """Everybody with a name, a sealed point and its cell; one in a hundred bedridden."""
    db = await connect(dsn)
    dice, now = random.Random("near"), datetime.now(UTC)
    try:
        for start in range(0, PEOPLE, CHUNK):
            rows = [_somebody(keys, dice, now, number) for number in range(start, start + CHUNK)]
            for place, statement in enumerate(WRITE):
                await db.execute(statement, [row[place] for row in rows if row[place] is not None], timeout=120)
        await db.execute("analyze", timeout=120)
    finally:
        await db.close()


def _somebody(keys: Keyring, dice: random.Random, now: datetime, number: int) -> tuple[dict[str, Any] | None, ...]:
    person_id, location_id = new_id(), new_id()
    wide = METRES_PER_DEGREE * math.cos(math.radians(CENTRE.lat))
    east, north = (max(-TOWN_M, min(TOWN_M, dice.gauss(0, TOWN_M / 2))) for _ in range(2))
    point = Point(CENTRE.lon + east / wide, CENTRE.lat + north / METRES_PER_DEGREE)
    whose = {"person_id": str(person_id), "use": "home", "key_id": keys.current}

    def sealed(text: str, table: str, row: UUID, field: str) -> str | None:
        return hexed(keys.seal(text, table, row, field))

    person = {
        "id": str(person_id), "area": AREA, "source": "desk", "language": "th", "needs": [], "may_be_texted": True,
        "disclosure": "restricted", "exercise": False, "registered_at": now, "changed_at": now,
        "name": sealed(f"บุคคล ที่{number}", "person", person_id, "name"),
    }  # fmt: skip
    location = {
        **whose, "id": str(location_id), "point": sealed(packed(point), "location", location_id, "point"),
        "method": "gps", "source": "health_volunteer", "seen_by": "person:bench",
        "once": hexed(keys.mark("location", str(location_id))), "observed_at": now, "recorded_at": now,
    }  # fmt: skip
    standing = {
        **whose, "location_id": str(location_id), "point": location["point"],
        "cell": hexed(keys.mark("cell", cell_of(point))),
    }  # fmt: skip
    membership = {
        "id": str(new_id()), "person_id": str(person_id), "group_code": "bedridden", "source": "desk",
        "protected": False, "from_on": "2026-01-01",
    }  # fmt: skip
    return person, location, standing, membership if dice.random() < BEDRIDDEN else None


def table(it: Near) -> Table:
    rows = [
        (f"**the bedridden within {WITHIN_M} m of the flood, ms p95** ({it.in_group} found)", f"{it.group.p95:.0f}",
         f"< {GOAL_MS:g}", met(it.group.p95, GOAL_MS)),
        ("the same, ms p50 / p95 / p99", it.group.text(), "", ""),
        (f"**everybody within {WITHIN_M} m, the nearest 200 shown, ms p95** ({it.in_all:,} found)",
         f"{it.everybody.p95:.0f}", f"< {GOAL_MS:g}", met(it.everybody.p95, GOAL_MS)),
        ("the same, ms p50 / p95 / p99", it.everybody.text(), "", ""),
        ("the first question of a process (loads geometry), ms", f"{it.first_ms:.0f}", "", ""),
        ("registry, resident, MB", f"{it.memory.rss_mb:.0f}", "< 150", met(it.memory.rss_mb, 150)),
    ]  # fmt: skip
    note = f"{PEOPLE:,} sealed homes in 12 by 12 km; a river's flood of 6 km by 300 m, 240 corners; audited."
    return Table("ใครอยู่ใกล้น้ำ · Who lives near the water", GOALS, rows, note)
