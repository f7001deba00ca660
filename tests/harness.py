"""A service in the test's own process, on a real database: its HTTP face, its inbox, its due things.

The broker is left out here on purpose; what crosses it is tested in ``tests/core``, ``tests/journeys`` and
``tests/faults``. ``emit`` hands a foreign event to the inbox exactly as a message would come.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID, uuid4

import asyncpg
import httpx
import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from shared.auth import Role, make_token
from shared.database import COLLISION, migrate
from shared.events.base import Event, Origin
from shared.events.envelope import encode, subject_of
from shared.heard import Raw
from shared.service import Runtime, Service, build, create_app
from shared.work import new_id, now_utc
from tests.patience import PATIENCE_S

Did = TypeVar("Did")
KEY = Ed25519PrivateKey.generate()
KEY_ID = "test"
AREA = "kalasin"
ROOT = Path(__file__).parents[1]


def issuer_file(folder: Path) -> Path:
    """The public half of the test's issuer, as services read it; one that runs already never sees half of it."""
    path = folder / "issuer.json"
    jwk = {**json.loads(OKPAlgorithm.to_jwk(KEY.public_key())), "kid": KEY_ID}
    made = folder / f"issuer.{uuid4().hex}"
    made.write_text(json.dumps({"keys": [jwk], "revoked": ["stolen-phone"]}))
    made.replace(path)
    return path


def bearer(role: Role | str, **claims: Any) -> dict[str, str]:
    """Headers of somebody with that role; claims: subject, areas, crew_id, device_id, purpose, lifetime_s, now_s."""
    purpose = claims.pop("purpose", "care")
    claims.setdefault("subject", f"test-{role}")
    claims.setdefault("areas", [AREA])
    claims.setdefault("now_s", time.time())
    token = make_token(KEY, KEY_ID, role=Role(role), **claims)
    return {"authorization": f"Bearer {token}", "karuna-purpose": purpose}


def call_origin(call_id: UUID, **changes: Any) -> Origin:
    return Origin(changes.pop("area", AREA), call_id, **changes)


async def patiently(act: Callable[[], Awaitable[Did]]) -> Did:
    """``act``, again where transactions met or the machine was crowded, as ear and runner of due things do."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                return await act()
            except (*COLLISION, TimeoutError):
                await asyncio.sleep(0.1)


@dataclass(slots=True)
class Running:
    """A service under test."""

    client: httpx.AsyncClient
    runtime: Runtime
    _numbers: dict[UUID, int] = field(default_factory=dict)

    async def emit(self, aggregate_id: UUID, event: Event, origin: Origin, **options: Any) -> Raw:
        """Hand a foreign event to the inbox; options: seq (else the next), take=False to only make it."""
        seq = options.get("seq") or self._numbers.get(aggregate_id, 0) + 1
        self._numbers[aggregate_id] = max(seq, self._numbers.get(aggregate_id, 0))
        subject = subject_of("internal", origin.area, event.short_type(), aggregate_id)
        body = encode(
            id=options.get("id") or new_id(),
            short_type=event.short_type(),
            aggregate_id=aggregate_id,
            aggregateseq=seq,
            time=options.get("time") or now_utc(),
            origin=origin,
            causation_id=None,
            traceparent=None,
            data=event.full(),
            internal=True,
        )
        raw = Raw(subject, body)
        if options.get("take", True):
            await patiently(lambda: self.runtime.inbox.take([raw]))
        return raw

    async def said(self, type_prefix: str = "") -> list[asyncpg.Record]:
        """What the service has said so far, oldest first: rows of ``event_log``."""
        return await self.runtime.pool.fetch(
            "select * from event_log where type like $1 || '%' order by position", type_prefix
        )

    async def dead_letters(self) -> list[str]:
        return [row["reason"] for row in await self.runtime.pool.fetch("select reason from dead_letter")]

    async def audited(self, act: str) -> list[UUID]:
        """Of whom or what the audit says that ``act`` was done, oldest first."""
        return [
            row["subject_id"] for row in await self.sql("select subject_id from audit where act = $1 order by id", act)
        ]

    async def do_due(self, kind: str | None = None) -> int:
        """Let the clock of ``due`` reach everything (or one kind) that waits, and do it; returns how many."""
        moved = "update due set due_at = clock_timestamp() where $1::text is null or kind = $1"
        await self.runtime.pool.execute(moved, kind)
        done = 0
        while await patiently(self.runtime.due.do_one):
            done += 1
        return done

    async def sql(self, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        return await self.runtime.pool.fetch(statement, *arguments)


@asynccontextmanager
async def service_running(service: Service, dsn: str, folder: Path, **settings: Any) -> AsyncIterator[Running]:
    """``service`` on the (already migrated) database ``dsn``, without its background jobs."""
    values = {
        "database_url": dsn,
        "issuer_file": issuer_file(folder),
        "areas_dir": ROOT / "deploy" / "areas",
        "nats_url": "nats://127.0.0.1:9",
        "field_key": "a2FydW5hLXRlc3Qta2V5LTMyLWJ5dGVzLWxvbmchISE=",
        **settings,
    }
    made = service.settings(**values)
    app = create_app(service, made)
    runtime = await build(service, made)
    app.state.runtime = runtime
    if service.prepare is not None:
        await service.prepare(runtime)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test", timeout=PATIENCE_S) as client:
        try:
            yield Running(client, runtime)
        finally:
            await runtime.pool.close()


async def migrated(owner_dsn: str, package: str) -> None:
    await migrate(owner_dsn, package)


def problem_of(answer: httpx.Response) -> dict[str, Any]:
    """The problem document of a refusal, checked to be one in both languages."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    body: dict[str, Any] = orjson.loads(answer.content)
    assert body["th"]
    assert body["en"]
    assert body["status"] == answer.status_code
    return body
