"""The console's screens of people with the real registry behind them: forms are what its API takes, or they fail."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest_asyncio

from karuna.simulate.serving import listening, serving
from services.registry.app import SERVICE
from shared.auth import Role
from tests.console.faces import Faces
from tests.harness import Running, bearer, service_running
from tests.platform_fixtures import MakeDatabase

Doc = dict[str, Any]


@dataclass(slots=True)
class Behind:
    """The registry behind the console, asked directly, as somebody at another desk would."""

    running: Running

    async def ask(
        self, method: str, path: str, body: Doc | None = None, role: Role = Role.REGISTRY_OFFICER,
        purpose: str = "registration", **claims: Any,
    ) -> Any:  # fmt: skip
        headers = bearer(role, purpose=purpose, **claims)
        answer = await self.running.client.request(method, path, json=body, headers=headers)
        assert answer.status_code < 400, answer.text
        return answer.json() if answer.content else None

    async def person(self, name: str, **more: Any) -> str:
        """Register somebody; their id."""
        made: str = (await self.ask("POST", "/v1/persons", {"area": "kalasin", "name": name, **more}))["id"]
        return made

    async def shown(self, person_id: str) -> Doc:
        found: Doc = await self.ask("GET", f"/v1/persons/{person_id}")
        return found


@asynccontextmanager
async def registry_behind(faces: Faces, dsn: str, folder: Path) -> AsyncIterator[Behind]:
    """From now on the console of ``faces`` asks this registry; the other services stay faked."""
    async with service_running(SERVICE, dsn, folder) as running:
        transport = running.client._transport
        assert isinstance(transport, httpx.ASGITransport)
        async with serving(transport.app, listening()) as base:  # type: ignore[arg-type]
            backend = faces.running.runtime.parts["backend"]
            backend.settings = backend.settings.model_copy(update={"registry_url": base})
            yield Behind(running)


@pytest_asyncio.fixture
async def behind(faces: Faces, database: MakeDatabase, tmp_path: Path) -> AsyncIterator[Behind]:
    made = await database("registry")
    async with registry_behind(faces, made.dsn, tmp_path) as running:
        yield running
