"""``python -m bench registry``: looking for people and reading their histories among 100,000, over HTTP.

The people are written straight into the store, sealed and marked as the registry would write them; then one registry
process is asked, one question after the other.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import aiohttp
import asyncpg
import orjson

from bench.figures import Cost, Spread, cost, spread
from bench.folk import Folk, Town
from bench.ground import Ground
from bench.report import GOALS, Table, met
from karuna.local import Local
from services.registry import records
from services.registry.records import Source
from services.registry.rules.identity import Birth, Described, Phone
from services.registry.store.people import WRITE_PERSON
from shared.auth import Role
from shared.crypto import Keyring
from shared.thai.text import tidy
from shared.work import new_id

AREA: Final = "kalasin"
PEOPLE, COPIES, BATCH = 100_000, 2_000, 1_000
ASKED, WARM, LINES = 400, 40, 60
"""Questions of each kind, asked before, and lines of a history."""
SEARCH_MS, HISTORY_MS, MEMORY_MB = 50.0, 50.0, 150
REGISTERED = 300


@dataclass(slots=True)
class Asked:
    """Milliseconds over HTTP by kind of question, and how often the second record's person was among the answers."""

    kinds: dict[str, Spread]
    found: float
    memory: Cost
    seeded_s: float


async def measure(ground: Ground) -> Asked:
    for name in list(ground.local.processes):
        await ground.local.stop_service(name)
    begun = time.perf_counter()
    town = await asyncio.to_thread(Town, PEOPLE, COPIES, 7)
    ids = await fill(ground.local, town)
    seeded_s = time.perf_counter() - begun
    ground.local.start_service("registry", port=0)
    base = ground.local.listening_at("registry")
    pid = ground.local.processes["registry"][0].pid
    token = ground.local.issuer.token(Role.REGISTRY_OFFICER, areas=[AREA])
    headers = {"authorization": f"Bearer {token}", "karuna-purpose": "registration"}
    try:
        async with aiohttp.ClientSession(base, headers=headers) as client:
            await _ready(client)
            kinds, found = await _questions(client, town, ids)
            return Asked(kinds, found, cost([pid]), seeded_s)
    finally:
        await ground.local.stop_service("registry")


def described(one: Folk) -> Described:
    birth = Birth.unpacked(one.birth) if one.birth else None
    phones = (Phone(one.phone, "self" if one.own_phone else "relative"),) if one.phone else ()
    return Described(name=tidy(one.name), birth=birth, sex=one.sex, phones=phones)


async def fill(local: Local, town: Town) -> list[str]:
    """Everybody of the town, some with a long history; returns their ids in the town's order."""
    ring = Keyring.of(local.environment("registry")["KARUNA_FIELD_KEY"])
    at = datetime.now(UTC) - timedelta(days=30)
    db = await asyncpg.connect(local.postgres.dsn("registry"))
    await db.set_type_codec("jsonb", encoder=lambda value: orjson.dumps(value).decode(), decoder=orjson.loads,
                            schema="pg_catalog")  # fmt: skip
    ids: list[str] = []
    try:
        for some in _batches(town.people):
            parts: list[list[Any]] = [[] for _ in range(7)]
            for one in some:
                made = records.new_person(ring, new_id(), AREA, described(one), Source(at))
                rows = (
                    made.person,
                    made.keys,
                    made.identifiers,
                    made.contacts,
                    made.memberships,
                    made.marks,
                    made.addresses,
                )
                for part, more in zip(parts, rows, strict=True):
                    part.extend(more)
                ids.append(made.person[0]["id"])
            await db.execute(WRITE_PERSON, *(_plain(part) for part in parts))
        await _histories(db, ids, at)
        await db.execute("vacuum analyze")
    finally:
        await db.close()
    return ids


def _batches(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for at in range(0, len(rows), BATCH):
        yield rows[at : at + BATCH]


def _plain(part: list[Any]) -> list[Any]:
    return [{key: str(value) if isinstance(value, datetime) else value for key, value in row.items()} for row in part]


CALLS = """
insert into call (id, area, status, kind, lane, severity, severity_scheme, channel, received_at, protected, exercise)
select c, 'kalasin', 'closed', 'medical', 'emergency', 'red', 'cbd', 'phone', $2, false, false from unnest($1::uuid[]) c
"""
MATCHES = """
insert into call_person (call_id, patient_id, person_id, method, doubt, matched_at)
select call_id, patient_id, person_id, 'identifier', false, $4
from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as m (call_id, patient_id, person_id)
"""
HEARD = """
insert into history (event_id, call_id, patient_id, type, subject_id, occurred_at, protected, codes)
select gen_random_uuid(), m.call_id, m.patient_id, 'dispatch.assignment.accepted.v1', m.call_id,
       $3::timestamptz + n * interval '1 minute', false, '{"lane": "emergency"}'
from unnest($1::uuid[], $2::uuid[]) as m (call_id, patient_id), generate_series(1, $4::int) as n
"""


async def _histories(db: Any, ids: Sequence[str], at: datetime) -> None:
    """Three calls for every tenth person, each with a third of :data:`LINES`."""
    for some in _batches([one for one in ids[::10] for _ in range(3)]):
        calls, patients = [new_id() for _ in some], [new_id() for _ in some]
        await db.execute(CALLS, calls, at)
        await db.execute(MATCHES, calls, patients, list(some), at)
        await db.execute(HEARD, calls, patients, at, LINES // 3)


async def _ready(client: aiohttp.ClientSession) -> None:
    while True:
        async with client.get("/readyz") as answer:
            if answer.ok:
                return
        await asyncio.sleep(0.2)


async def _questions(client: aiohttp.ClientSession, town: Town, ids: Sequence[str]) -> tuple[dict[str, Spread], float]:
    dice = random.Random(7)
    people = dice.sample(town.people, ASKED + WARM)
    copies = [one for one in town.copies if one.family][: ASKED + WARM]
    asked: dict[str, Iterable[dict[str, Any]]] = {
        "name as it is written": ({"name": tidy(one.name)} for one in people),
        "name as it is misheard": ({"name": tidy(one.name)} for one in copies),
        "given name alone": ({"name": one.given} for one in people),
        "nobody's name": ({"name": f"{one.given[::-1]} {one.family[::-1]}"} for one in people),
        "phone": ({"phone": one.phone or "+66812345678"} for one in people),
    }
    kinds: dict[str, Spread] = {}
    among = 0
    for kind, bodies in asked.items():
        took: list[float] = []
        for at, body in enumerate(bodies):
            took_ms, said = await _timed(client, "POST", "/v1/persons/search", body)
            if at >= WARM:
                took.append(took_ms)
                if kind == "name as it is misheard":
                    among += any(item["id"] == ids[copies[at].who] for item in said["items"])
        kinds[kind] = spread(took)
    histories = dice.sample(ids[::10], ASKED)
    kinds["history"] = spread([(await _timed(client, "GET", f"/v1/persons/{one}/history"))[0] for one in histories])
    kinds["person"] = spread([(await _timed(client, "GET", f"/v1/persons/{one}"))[0] for one in histories])
    bodies = [_again(one) for one in town.copies[-REGISTERED:]]
    kinds["registering"] = spread([(await _timed(client, "POST", "/v1/persons", body))[0] for body in bodies])
    return kinds, among / ASKED


def _again(one: Folk) -> dict[str, Any]:
    body: dict[str, Any] = {"name": tidy(one.name), "sex": one.sex, "phone": one.phone}
    if one.birth and not one.birth.startswith("~"):
        body["birth_date" if "-" in one.birth else "birth_year"] = one.birth
    return body


async def _timed(client: aiohttp.ClientSession, method: str, path: str, body: Any = None) -> tuple[float, Any]:
    begun = time.perf_counter()
    async with client.request(method, path, json=body) as answer:
        said = await answer.json()
        took_ms = 1000 * (time.perf_counter() - begun)
        if not answer.ok:
            raise RuntimeError(f"{answer.status} {said}")
    return took_ms, said


def table(it: Asked) -> Table:
    rows = []
    for kind, took in it.kinds.items():
        goal = HISTORY_MS if kind in {"history", "person"} else SEARCH_MS if kind != "registering" else None
        shown = ("", "") if goal is None else (f"p95 ≤ {goal:g}", met(took.p95, goal))
        rows.append((f"{kind}, ms p50 / p95 / p99", took.text(), *shown))
    rows += [
        ("misheard names whose person is among the answers", f"{it.found:.3f}", "", ""),
        ("resident, MB", f"{it.memory.rss_mb:.0f}", f"≤ {MEMORY_MB}", met(it.memory.rss_mb, MEMORY_MB)),
        ("people sealed, marked and written, s", f"{it.seeded_s:.0f}", "", ""),
    ]
    note = (
        f"{PEOPLE:,} invented people, every tenth with three calls and {LINES} lines of history; one registry process, "
        f"{ASKED} questions of each kind one after the other. `registering` compares with everybody. "
        " Bulk is written straight into the store: no import is measured."
    )
    return Table("The register: looking for people", GOALS, rows, note)
